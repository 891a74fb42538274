"""`ailis-opt whatif`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ailis_opt.changes import Change, parse_all, read_changes
from ailis_opt.cli.boundary import INTERRUPTED
from ailis_opt.cli.priced import read_priced
from ailis_opt.cli.progress import note_line
from ailis_opt.cli.solve import LIMIT
from ailis_opt.errors import Fault, InputError
from ailis_opt.output.document import as_json
from ailis_opt.output.files import require_writable, write_files
from ailis_opt.output.stream import emit, notice
from ailis_opt.output.text import WIDTH_OF_FILES, colored, render, width
from ailis_opt.study.picture import curve_svg
from ailis_opt.study.sweep import Sweep, parse_sweep
from ailis_opt.study.whatif import BASE, WhatIf, whatif
from ailis_opt.study.whatif_text import whatif_text

DOCUMENT, TEXT, PICTURE = "whatif.json", "whatif.txt", "sweep.svg"


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    instance: Path
    sets: tuple[str, ...] = ()
    changes: Path | None = None
    sweep: str | None = None
    gap: float = 1e-4
    time_limit: float | None = None
    jobs: int | None = None
    layers: bool = False
    out: Path | None = None
    json: bool = False
    quiet: bool = False
    book: Path | None = None


def run_whatif(request: Request) -> int:
    """Solve base and cases, print, write. Returns the exit code; errors in what was asked, or in the base, go to the caller."""
    if request.out is not None:
        require_writable(request.out)
    cases, sweep = asked(request)
    instance = read_priced(request.instance, request.book)
    limit = math.inf if request.time_limit is None else request.time_limit
    with note_line(request.quiet) as tell:
        found = whatif(instance, cases, sweep=sweep, gap=request.gap, time_limit=limit, jobs=request.jobs, layers=request.layers, tell=tell)
    document = as_json(found.to_dict())
    if request.out is not None:
        files = {DOCUMENT: document + "\n", TEXT: render(whatif_text(found), WIDTH_OF_FILES)}
        if found.curve is not None:
            files[PICTURE] = curve_svg(found.curve, found.unit)
        write_files(request.out, files, (DOCUMENT, TEXT, PICTURE))
        notice(f"written: {request.out} ({', '.join(files)})")
    emit(document if request.json else render(whatif_text(found), width(), colored()))
    return exit_code(found)


def asked(request: Request) -> tuple[dict[str, list[Change]], Sweep | None]:
    """The cases by name, and the sweep. Raises InputError with the faults of all."""
    faults: list[Fault] = []
    cases: dict[str, list[Change]] = {}
    sweep = None
    for text in request.sets:
        try:
            cases[text.strip()] = parse_all(text)
        except InputError as error:
            faults += error.faults
    if request.changes is not None:
        try:
            listed = read_changes(request.changes)
            for name in sorted(set(listed) & {BASE, *cases}):
                why = "the base is always solved" if name == BASE else "the name of another case"
                faults.append(Fault(request.changes.name, why, "Give the list another name", value=name))
            cases |= listed
        except InputError as error:
            faults += error.faults
    if request.sweep is not None:
        try:
            sweep = parse_sweep(request.sweep)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    return cases, sweep


def exit_code(found: WhatIf) -> int:
    """130 interrupted; that of a case that failed; 4 if a case reached its limit; 0 if all were solved to the gap, or proven infeasible."""
    if found.interrupted:
        return INTERRUPTED
    failed = [case.error.exit_code for case in found.cases if case.error is not None and case.status == "failed"]
    if failed:
        return failed[0]
    statuses = [answer.status for answer in (found.base, *found.cases)]
    statuses += [point.status for point in (found.curve.points if found.curve is not None else ())]
    return 0 if set(statuses) <= {"optimal", "infeasible"} else LIMIT
