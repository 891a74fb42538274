"""An instance, or some tables, as an Excel workbook that is read back without a change."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import xlsxwriter

from ailis_opt.errors import Fault, InputError
from ailis_opt.io.workbook import HEADER_SHEET, KEY, VALUE
from ailis_opt.io.write import cells
from ailis_opt.schema import TABLES, Header, Instance, Table

RISKY = re.compile(r"'*[=+\-@\t\r]")
"""Beginning of a text that Excel would take for a formula, or that looks as if it had been guarded against that."""
LONGEST_TEXT, MOST_ROWS = 32_767, 1_048_575  # Excel's own limits
WIDEST, NARROWEST = 40, 9
NUMBERS = ("int", "float", "optional")
OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def instance_workbook(instance: Instance) -> bytes:
    """A sheet `instance` with the header, and a sheet for every table, as stated: cells that were blank stay blank.

    Raises InputError where a cell or a table is larger than Excel holds.
    """
    return _book({name: instance.stated[name] for name in TABLES}, instance.header)


def tables_workbook(tables: Mapping[str, pd.DataFrame]) -> bytes:
    """A sheet for each of these tables. Raises InputError where a cell or a table is larger than Excel holds."""
    return _book(tables, None)


def guarded(text: str) -> str:
    """The text, with an apostrophe before it where Excel would take it for a formula."""
    return "'" + text if RISKY.match(text) else text


def _book(tables: Mapping[str, pd.DataFrame], header: Header | None) -> bytes:
    faults: list[Fault] = []
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, OPTIONS)
    head = book.add_format({"bold": True, "bottom": 1})
    if header is not None:
        _header_sheet(book, head, header, faults)
    for name, frame in tables.items():
        _sheet(book, head, TABLES[name], frame, faults)
    book.close()
    if faults:
        raise InputError(faults)
    return out.getvalue()


def _header_sheet(book: Any, head: Any, header: Header, faults: list[Fault]) -> None:
    sheet = book.add_worksheet(HEADER_SHEET)
    for i, (title, width) in enumerate(((KEY, 26), (VALUE, 60))):
        sheet.write_string(0, i, title, head)
        sheet.set_column(i, i, width)
    sheet.freeze_panes(1, 0)
    for row, (key, value) in enumerate(_flat("", header.content()), 1):
        sheet.write_string(row, 0, key)
        if isinstance(value, (int, float)) and _exact(value):
            sheet.write_number(row, 1, value)
        else:
            _text(sheet, row, 1, str(value), Fault(HEADER_SHEET, "", "", row + 1, key), faults)


def _flat(prefix: str, node: Any) -> list[tuple[str, Any]]:
    """(`horizon.blocks.0.share`, value) of all that has a value."""
    if isinstance(node, dict):
        pairs = [(f"{prefix}{key}", value) for key, value in node.items()]
    elif isinstance(node, list):
        pairs = [(f"{prefix}{i}", value) for i, value in enumerate(node)]
    else:
        return [] if node is None else [(prefix.removesuffix("."), node)]
    return [found for key, value in pairs for found in _flat(f"{key}.", value)]


def _sheet(book: Any, head: Any, table: Table, frame: pd.DataFrame, faults: list[Fault]) -> None:
    """One table: a header row with what each column is, then the rows."""
    if len(frame) > MOST_ROWS:
        faults.append(Fault(table.name, f"{len(frame):,} rows, more than a sheet holds", "Leave the table in a CSV or Parquet file"))
        return
    sheet = book.add_worksheet(table.name)
    rows = cells(table, frame)
    for i, column in enumerate(table.columns):
        sheet.write_string(0, i, column, head)
        sheet.write_comment(0, i, _comment(table, column), {"x_scale": 2})
        longest = max((len(row.get(column, "")) for row in rows[:200]), default=0)
        sheet.set_column(i, i, min(WIDEST, max(NARROWEST, longest + 1, len(column) + 2)))
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(1, len(rows)), len(table.columns) - 1)
    for r, row in enumerate(rows, 1):
        for i, column in enumerate(table.columns):
            if column in row:
                _write(sheet, r, i, row[column], table.kinds[column], Fault(table.name, "", "", r, column), faults)


def _comment(table: Table, column: str) -> str:
    """What a column means: description, unit, and what a blank stands for."""
    field = table.row.model_fields[column]
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    told = f"{field.description} ({extra.get('unit', '')})"
    if field.is_required():
        return f"{told}\nneeded"
    blank = extra.get("blank", field.default)
    return told if blank in ("", None, ()) else f"{told}\nblank: {blank}"


def _write(sheet: Any, row: int, at: int, text: str, kind: str, place: Fault, faults: list[Fault]) -> None:
    if text in ("true", "false") and kind in ("flag", "optional"):
        sheet.write_boolean(row, at, text == "true")
    elif kind in NUMBERS and _exact(float(text)):
        sheet.write_number(row, at, float(text))
    else:
        _text(sheet, row, at, text, place, faults)


def _text(sheet: Any, row: int, at: int, text: str, place: Fault, faults: list[Fault]) -> None:
    """A cell with a text. A number that Excel's sixteen digits do not hold is one, too."""
    if len(guarded(text)) > LONGEST_TEXT:
        why = f"{len(text):,} characters, more than a cell holds"
        faults.append(Fault(place.file, why, "Shorten the text", place.row, place.column, text[:77] + "..."))
        return
    sheet.write_string(row, at, guarded(text))


def _exact(number: float) -> bool:
    """Whether the sixteen digits that a workbook holds are all of the number."""
    return float(f"{number:.16G}") == number
