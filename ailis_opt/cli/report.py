"""`ailis-opt report`."""

from __future__ import annotations

from pathlib import Path

from ailis_opt.errors import Fault, InputError
from ailis_opt.output.document import as_json
from ailis_opt.output.files import require_writable_file, write_file
from ailis_opt.output.stream import emit
from ailis_opt.report import Run, html, workbook
from ailis_opt.report.documents import HEDGE, RESULT, document
from ailis_opt.report.hedging.document import Comparison

SCHEMA = "ailis-opt-report/1"
NAME, HEDGE_PAGE = "report.html", "hedge.html"


def run_report(folder: Path, out: Path | None, json: bool) -> int:
    """Write the report of the run in `folder`, or of the comparison of portfolios; prints its path. Returns the exit code."""
    if (folder / HEDGE).exists() and not (folder / RESULT).exists():
        return report_hedge(folder, out, json)
    path = folder / NAME if out is None else out
    kind = path.suffix.lower()
    if kind not in (".html", ".xlsx"):
        raise InputError([Fault(str(path), "neither a page nor a workbook", "Name a file that ends in .html or .xlsx")])
    require_writable_file(path)
    run = Run.read(folder)
    write_file(path, workbook(run) if kind == ".xlsx" else html(run))
    told(path, run.instance.header.name, json)
    return 0


def report_hedge(folder: Path, out: Path | None, json: bool) -> int:
    """Write the page of the comparison in `folder`; it has no workbook. Returns the exit code."""
    path = folder / HEDGE_PAGE if out is None else out
    if path.suffix.lower() != ".html":
        raise InputError([Fault(str(path), "not a page: a comparison of portfolios has no workbook", "Name a file that ends in .html")])
    require_writable_file(path)
    found = document(folder / HEDGE, Comparison)
    from ailis_opt.report.hedging.page import hedging_page

    write_file(path, hedging_page(found))
    told(path, str(found["instance"]), json)
    return 0


def told(path: Path, instance: str, json: bool) -> None:
    """Print where the report is."""
    emit(as_json({"schema": SCHEMA, "instance": instance, "paths": [str(path)]}) if json else f"written: {path}")
