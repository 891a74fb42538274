"""`ailis-opt export xlsx` and `ailis-opt import xlsx`."""

from __future__ import annotations

import shlex
from pathlib import Path

from ailis_opt.errors import Fault, InputError
from ailis_opt.imports import Choice
from ailis_opt.io import read
from ailis_opt.io.workbook import read_workbook
from ailis_opt.io.write import instance_files, table_files_text
from ailis_opt.io.write_workbook import instance_workbook
from ailis_opt.output.document import as_json
from ailis_opt.output.files import require_writable, require_writable_file, write_file, write_files
from ailis_opt.output.stream import emit
from ailis_opt.output.words import counted

SCHEMA = "ailis-opt-workbook/1"
SUFFIX = ".xlsx"


def run_export(path: Path, out: Path, json: bool) -> int:
    """Write the workbook of an instance. Returns the exit code."""
    if out.suffix.lower() != SUFFIX:
        raise InputError([Fault(str(out), "no workbook", f"Name a file that ends in {SUFFIX}")])
    require_writable_file(out)
    instance = read(path)
    write_file(out, instance_workbook(instance))
    document = {"schema": SCHEMA, "instance": instance.header.name, "instance_sha256": instance.sha256, "path": str(out)}
    emit(as_json(document) if json else f"written: {out} (sha256 {instance.sha256})")
    return 0


def run_import(path: Path, out: Path | None, choice: Choice, json: bool) -> int:
    """Read a workbook; write the instance, or the tables, that it holds into a folder. Returns the exit code."""
    if choice.skus or choice.regions:
        raise InputError([Fault("--skus, --regions", "a workbook is taken in whole", "Leave the option out, or filter the sheet")])
    if out is not None:
        require_writable(out)
    sheets = read_workbook(path)
    found = sheets.instance
    rows = {name: len(frame) for name, frame in sheets.tables.items() if len(frame)}
    if out is not None:
        write_files(out, table_files_text(sheets.tables) if found is None else instance_files(found))
    if json:
        name, sha256 = (None, None) if found is None else (found.header.name, found.sha256)
        document = {"schema": SCHEMA, "instance": name, "instance_sha256": sha256, "rows": rows, "path": None if out is None else str(out)}
        emit(as_json(document))
        return 0
    held = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    what = f"{counted(len(rows), 'table')}" if found is None else f"instance {found.header.name} (sha256 {found.sha256})"
    emit(f"{path}: {what}: {held or 'no rows'}")
    emit(
        f"valid; --out DIR writes it as a folder: ailis-opt import xlsx {shlex.quote(str(path))} --out DIR"
        if out is None
        else f"written: {out}"
    )
    return 0
