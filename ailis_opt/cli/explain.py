"""`ailis-opt explain`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from ailis_opt.cli.priced import read_priced
from ailis_opt.cli.progress import note_line
from ailis_opt.cli.solve import LIMIT
from ailis_opt.errors import InfeasibleError
from ailis_opt.explain.explanation import SCHEMA, Explanation, explain
from ailis_opt.explain.infeasible import Infeasible, explain_infeasible
from ailis_opt.explain.text import explanation_text
from ailis_opt.output.document import as_json
from ailis_opt.output.files import require_writable, write_files
from ailis_opt.output.folder import NAMES, REPLACED, run_files
from ailis_opt.output.stream import emit, notice
from ailis_opt.output.summary import summary
from ailis_opt.output.text import WIDTH_OF_FILES, colored, render, width
from ailis_opt.schema.instance import Instance

DOCUMENT, TEXT, REPORT = "explain.json", "explain.txt", "report.html"

MEND_SECONDS = 300.0  # for a conflict and its repairs, where no time limit is given


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    instance: Path
    out: Path | None = None
    gap: float = 1e-4
    time_limit: float | None = None
    jobs: int | None = None
    layers: frozenset[str] | None = None
    why_not: str | None = None
    robust: float | None = None
    loosen: str | None = None
    json: bool = False
    quiet: bool = False
    book: Path | None = None

    @property
    def asks(self) -> bool:
        """Whether there are questions in place of the whole explanation."""
        return self.why_not is not None or self.robust is not None or self.loosen is not None


def run_questions(request: Request) -> int:
    """Answer what was asked about an offer, about near-optimal plans, about a layer's limit. Returns the exit code."""
    from ailis_opt.explain import loosen, loosen_result, robust, robust_result, why_not, why_not_result

    instance, limit = read_priced(request.instance, request.book), math.inf if request.time_limit is None else request.time_limit
    parts: list[RenderableType] = []
    document: dict[str, Any] = {"schema": SCHEMA, "instance": instance.header.name, "instance_sha256": instance.sha256}
    with note_line(request.quiet) as tell:
        if request.why_not is not None:
            tell(f"why not {request.why_not}?")
            answer = why_not.why_not(instance, request.why_not, request.gap, limit)
            parts, document["why_not"] = [*parts, *why_not_result.render(answer)], answer.to_dict()
        if request.robust is not None:
            tell("which purchases are sure?")
            ranges = robust.robust(instance, request.robust, request.gap, limit)
            parts, document["robust"] = [*parts, *robust_result.render(ranges)], ranges.to_dict()
        if request.loosen is not None:
            tell(f"looser and tighter {request.loosen}")
            curve = loosen.loosen(instance, request.loosen, request.gap, limit)
            parts, document["loosen"] = [*parts, *loosen_result.render(curve)], curve.to_dict()
    emit(as_json(document) if request.json else render(parts, width(), colored()))
    return 0


def run_explain(request: Request) -> int:
    """Explain, print, write. Returns the exit code: 4 where the time ended before every interval was as narrow as asked."""
    if request.asks:
        return run_questions(request)
    if request.out is not None:
        require_writable(request.out, (*NAMES, DOCUMENT, TEXT, REPORT))
    instance = read_priced(request.instance, request.book)
    limit = math.inf if request.time_limit is None else request.time_limit
    with note_line(request.quiet) as tell:
        try:
            found = explain(instance, gap=request.gap, time_limit=limit, jobs=request.jobs, layers=request.layers, tell=tell)
        except InfeasibleError as error:
            why = explain_infeasible(instance, MEND_SECONDS if request.time_limit is None else limit, tell)
            return tell_why(why, request, error.exit_code)
    if request.out is not None:
        write_run(instance, found, request.out, request.gap)
    emit(as_json(found.to_dict()) if request.json else render(explanation_text(found), width(), colored()))
    if request.out is not None:
        notice(f"written: {request.out / REPORT}, and beside it {DOCUMENT}, {TEXT}, and the plan as `solve` writes it")
    return exit_code(found)


def tell_why(why: Infeasible, request: Request, code: int) -> int:
    """Print and write what is in conflict, and what mends it; there is no plan to write."""
    document = as_json(why.to_dict())
    if request.out is not None:
        write_files(request.out, {DOCUMENT: document + "\n", TEXT: render(why.text(), WIDTH_OF_FILES)}, REPLACED)
    emit(document if request.json else render(why.text(), width(), colored()))
    return code


def write_run(instance: Instance, found: Explanation, folder: Path, gap: float) -> None:
    """The run as `solve` writes it, with the explanation and the report."""
    from ailis_opt.report import Run, html

    text = render(explanation_text(found), WIDTH_OF_FILES)
    page = html(Run.of(instance, found.result, found.to_dict()))
    own = {DOCUMENT: as_json(found.to_dict()) + "\n", TEXT: text, REPORT: page}
    write_files(folder, {**own, **run_files(instance, found.result, summary(instance, found.result, gap))}, REPLACED)


def exit_code(found: Explanation) -> int:
    """0 if the plan and every set of layers were solved to the gap, or follow from such that were; else 4."""
    return 0 if found.result.status == "optimal" and found.method == "exact" else LIMIT
