"""`ailis-opt export focus`."""

from __future__ import annotations

from pathlib import Path

from ailis_opt.errors import Fault, InputError
from ailis_opt.output.document import as_json
from ailis_opt.output.files import require_writable_file, write_file
from ailis_opt.output.stream import emit
from ailis_opt.report import Run
from ailis_opt.report.focus import DATASET, VERSION, focus
from ailis_opt.study.listing import plan_of, run_at

SCHEMA = "ailis-opt-export/1"


def run_focus(path: Path, out: Path | None, json: bool) -> int:
    """Print the proposed commitments of a run as CSV in FOCUS columns, or write them. Returns the exit code."""
    if out is not None:
        if out.suffix.lower() != ".csv":
            raise InputError([Fault(str(out), "not a CSV file", "Name a file that ends in .csv")])
        require_writable_file(out)
    plan = plan_of(run_at(path))
    frame = focus(Run(plan.instance, plan.result, plan.tables))
    text = frame.to_csv(index=False, lineterminator="\n")
    if out is not None:
        write_file(out, text)
    if json:
        about = {"schema": SCHEMA, "instance": plan.instance.header.name, "focus_version": VERSION, "dataset": DATASET}
        emit(as_json({**about, "paths": [] if out is None else [str(out)], "rows": frame.to_dict("records")}))
    else:
        emit(text if out is None else f"written: {out}")
    return 0
