"""Price lists as files: text, JSON and CSV, and what is wrong with them in words."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ailis_opt.errors import Fault, InputError
from ailis_opt.io.raw import did_you_mean, nearest, shown
from ailis_opt.io.tabular import text_of

MOST_BYTES = 2_000_000_000


def refused(path: Path | str, why: str, mend: str, row: int | None = None, column: str | None = None) -> InputError:
    """An error about a file as a whole, or about a place in it."""
    return InputError([Fault(str(path), why, mend, row, column)])


def price_text(path: Path, format_: str) -> str:
    """The text of a price list in the format that is named. Raises InputError where there is none, or a web page in its place."""
    if not path.exists():
        raise refused(path, "does not exist", f"Name a file with {format_}")
    text = text_of(path, MOST_BYTES)
    if isinstance(text, Fault):
        raise refused(path, text.why, f"Name a file with {format_}", text.row)
    if not text.strip():
        raise refused(path, "is empty", f"Name a file with {format_}")
    if text.lstrip()[:1] == "<":
        raise refused(path, "a web page (HTML or XML), not a price list", f"Save the answer of the interface itself: {format_}")
    return text


def is_json(text: str) -> bool:
    """Whether a text is meant to be JSON."""
    return text.lstrip()[:1] in ("{", "[")


def json_of(path: Path, text: str) -> Any:
    """The JSON document. Raises InputError with the line where it breaks off."""
    try:
        return json.loads(text)
    except ValueError as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        why = f"not valid JSON: {shown(str(error))}"
        raise refused(path, why, "Save the whole answer again: it may have been cut short", line) from None
    except RecursionError:
        raise refused(path, "nested too deep for a price list", "Save the answer of the interface itself") from None


def csv_rows(path: Path, text: str, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and cells of every row; the first row names the columns. Raises InputError for missing columns and broken rows."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader)]
        _require(path, header, needed)
        line = reader.line_num + 1
        for record in reader:
            if record and len(record) != len(header):
                why = f"{len(record)} cells where the header names {len(header)} columns"
                raise refused(path, why, "Save the file again: it may have been cut short", line)
            if record:
                yield line, dict(zip(header, record, strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        raise refused(path, f"not valid CSV: {error}", "Mend the quotes on this line", reader.line_num) from None


def _require(path: Path, header: Sequence[str], needed: Sequence[str]) -> None:
    absent = [name for name in needed if name not in header]
    others = [name for name in header if name not in needed]
    faults = []
    for name in absent:
        close = nearest(name, others)
        mend = f"Is it {close.removeprefix('Did you mean ').rstrip('?')}?" if close.startswith(did_you_mean("")[:12]) else ""
        faults.append(Fault(str(path), f"the column {name!r} is missing", mend or f"Needed: {', '.join(needed)}", 1, name))
    if faults:
        raise InputError(faults)


def dated(path: Path) -> str:
    """The day on which a file was written, for lists that carry no date of their own."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d")


def number(cell: object) -> float | None:
    """The number in a cell; None for a blank or anything else."""
    if isinstance(cell, bool) or cell is None:
        return None
    try:
        value = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return value if value == value and abs(value) < 1e15 else None
