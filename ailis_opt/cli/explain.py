"""`ailis-opt explain`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ailis_opt.cli.progress import note_line
from ailis_opt.cli.solve import LIMIT
from ailis_opt.explain.explanation import Explanation, explain
from ailis_opt.explain.text import explanation_text
from ailis_opt.io import read
from ailis_opt.output.document import as_json
from ailis_opt.output.files import require_writable, write_files
from ailis_opt.output.folder import NAMES, result_files
from ailis_opt.output.stream import emit, notice
from ailis_opt.output.summary import summary
from ailis_opt.output.text import WIDTH_OF_FILES, colored, render, width

DOCUMENT, TEXT = "explain.json", "explain.txt"


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
        require_writable(request.out, (*NAMES, DOCUMENT, TEXT))
    instance = read(request.instance)
    with note_line(request.quiet) as tell:
        found = explain(
            instance,
            gap=request.gap,
            time_limit=math.inf if request.time_limit is None else request.time_limit,
            jobs=request.jobs,
            layers=request.layers,
            tell=tell,
        )
    parts = explanation_text(found)
    if request.out is not None:
        plan = result_files(found.result, summary(instance, found.result, request.gap))
        own = {DOCUMENT: as_json(found.to_dict()) + "\n", TEXT: render(parts, WIDTH_OF_FILES)}
        write_files(request.out, {**own, **plan})
    emit(as_json(found.to_dict()) if request.json else render(parts, width(), colored()))
    if request.out is not None:
        notice(f"written: {request.out} ({DOCUMENT}, {TEXT}, and the plan as `solve` writes it)")
    return exit_code(found)


def exit_code(found: Explanation) -> int:
    """0 if the plan and every set of layers were solved to the gap, or follow from such that were; else 4."""
    return 0 if found.result.status == "optimal" and found.method == "exact" else LIMIT
