"""`ailis-opt report`."""

from __future__ import annotations

from pathlib import Path

from ailis_opt.errors import Fault, InputError
from ailis_opt.output.document import as_json
from ailis_opt.output.files import require_writable_file, write_file
from ailis_opt.output.stream import emit
from ailis_opt.report import Run, html, workbook

SCHEMA = "ailis-opt-report/1"
NAME = "report.html"


def run_report(folder: Path, out: Path | None, json: bool) -> int:
    """Write the report of the run in `folder`; prints its path. Returns the exit code."""
    path = folder / NAME if out is None else out
    kind = path.suffix.lower()
    if kind not in (".html", ".xlsx"):
        raise InputError([Fault(str(path), "neither a page nor a workbook", "Name a file that ends in .html or .xlsx")])
    require_writable_file(path)
    run = Run.read(folder)
    write_file(path, workbook(run) if kind == ".xlsx" else html(run))
    emit(as_json({"schema": SCHEMA, "instance": run.instance.header.name, "paths": [str(path)]}) if json else f"written: {path}")
    return 0
