"""`ailis-opt explain`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ailis_opt.cli.progress import note_line
from ailis_opt.cli.solve import LIMIT
from ailis_opt.errors import InfeasibleError
from ailis_opt.explain.explanation import Explanation, explain
from ailis_opt.explain.infeasible import Infeasible, explain_infeasible
from ailis_opt.explain.text import explanation_text
from ailis_opt.io import read
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
    json: bool = False
    quiet: bool = False


def run_explain(request: Request) -> int:
    """Explain, print, write. Returns the exit code: 4 where the time ended before every interval was as narrow as asked."""
    if request.out is not None:
        require_writable(request.out, (*NAMES, DOCUMENT, TEXT, REPORT))
    instance = read(request.instance)
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
