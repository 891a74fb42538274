"""The tables of a report as an Excel workbook, and the plan in full."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from ailis_opt.report.contents import sections
from ailis_opt.report.parts import Cell, Column, Section, Table, rows_of
from ailis_opt.report.run import Run

FORMULA = ("=", "+", "-", "@", "\t", "\r")
LONGEST_TEXT = 32_000  # Excel takes 32,767
WIDEST, NARROWEST = 60, 9
MOST_ROWS = 1_000_000
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": True,
}
PLAN = ("served", "training", "unserved", "hired", "use", "energy", "placements")
FORMATS: dict[str, dict[str, Any]] = {
    "text": {"text_wrap": True, "valign": "top"},
    "whole": {"num_format": "#,##0", "valign": "top"},
    "number": {"num_format": "#,##0.00", "valign": "top"},
    "small": {"num_format": "0.000000", "valign": "top"},
    "share": {"num_format": "0.0%", "valign": "top"},
}


def neutral(text: str) -> str:
    """The text, with an apostrophe before it where Excel (or a CSV file made from the sheet) would take it for a formula."""
    return ("'" + text if text.startswith(FORMULA) else text)[:LONGEST_TEXT]


def sheets(run: Run) -> bytes:
    """The workbook: a summary, a sheet for each table of the report, and one for each table of the plan in full."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, OPTIONS)
    book.set_properties({"title": neutral(f"{run.result['instance']}: plan"), "comments": f"sha256 {run.result['instance_sha256']}"})
    style = _styles(book)
    content = sections(run)
    _summary(book, style, run, content)
    for table in [table for section in content for table in section.tables]:
        _sheet(book, style, table.id, table)
    for name in PLAN:
        frame = run.tables[name]
        text = [c for c in frame.columns if frame[c].dtype == object]
        columns = [Column(str(c), "text" if c in text else "number") for c in frame.columns]
        if len(frame):
            shown = frame.assign(home=frame["home"].astype(str)) if name == "placements" else frame
            _sheet(book, style, f"plan {name}", Table(name, f"plan: {name}", columns, rows_of(shown, *map(str, frame.columns))))
    book.close()
    return out.getvalue()


def tables_book(title: str, tables: Sequence[Table]) -> bytes:
    """A workbook of these tables, a sheet each."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, OPTIONS)
    book.set_properties({"title": neutral(title)})
    style = _styles(book)
    for table in tables:
        _sheet(book, style, table.id, table)
    book.close()
    return out.getvalue()


def _styles(book: Any) -> dict[str, Any]:
    style = {name: book.add_format(form) for name, form in FORMATS.items()}
    style |= {f"total {name}": book.add_format({**form, "bold": True, "top": 1}) for name, form in FORMATS.items()}
    head = {"bold": True, "text_wrap": True, "bottom": 1, "valign": "top"}
    return style | {"head": book.add_format(head), "title": book.add_format({"bold": True})}


def _summary(book: Any, style: dict[str, Any], run: Run, content: Sequence[Section]) -> None:
    """What the sections say, a row for each sentence; the headline's figures first."""
    sheet = book.add_worksheet("summary")
    sheet.set_column(0, 0, 30, style["text"])
    sheet.set_column(1, 1, 110, style["text"])
    sheet.write_string(0, 0, neutral(str(run.result["instance"])), style["title"])
    sheet.write_string(0, 1, neutral(run.instance.header.description), style["text"])
    row = 2
    for section in content:
        for tile in section.tiles:
            sheet.write_string(row, 0, neutral(tile.name), style["text"])
            sheet.write_string(row, 1, neutral(f"{tile.figure} {tile.note}"), style["text"])
            row += 1
        for i, said in enumerate([*section.lead, *section.fine]):
            sheet.write_string(row, 0, neutral(section.title if i == 0 else ""), style["title"])
            sheet.write_string(row, 1, neutral(said), style["text"])
            row += 1
        row += 1


def _sheet(book: Any, style: dict[str, Any], name: str, table: Table) -> None:
    """One table: title, header row with a filter, rows with the plain numbers."""
    sheet = book.add_worksheet(name[:31])
    rows = table.rows[:MOST_ROWS]
    note = table.note if len(rows) == len(table.rows) else f"only the first {MOST_ROWS:,} of {len(table.rows):,} rows"
    sheet.write_string(0, 0, neutral(f"{table.title}. {note}".rstrip(" .")), style["title"])
    for i, column in enumerate(table.columns):
        sheet.write_string(1, i, neutral(column.title), style["head"])
        sheet.set_column(i, i, _width(column, [row[i] for row in rows[:200]]))
    for r, row in enumerate(rows, 2):
        last = "total " if table.total and r == len(rows) + 1 else ""
        for i, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
            _write(sheet, r, i, column, cell, style, last)
    sheet.freeze_panes(2, 1)
    if rows:
        sheet.autofilter(1, 0, len(rows) + 1 - table.total, len(table.columns) - 1)


def _write(sheet: Any, row: int, at: int, column: Column, cell: Cell, style: dict[str, Any], last: str) -> None:
    if isinstance(cell, str):
        sheet.write_string(row, at, neutral(cell), style[f"{last}text"])
    elif cell is None:
        sheet.write_blank(row, at, None, style[f"{last}text"])
    else:
        sheet.write_number(row, at, cell, style[last + _form(column, cell)])


def _form(column: Column, cell: float) -> str:
    """A share as per cent; whole numbers without a fraction, small ones with six digits of it, others with two."""
    if column.kind == "share":
        return "share"
    return "whole" if float(cell).is_integer() else "small" if abs(cell) < 1 else "number"


def _width(column: Column, cells: Sequence[Cell]) -> float:
    longest = max((len(cell) if isinstance(cell, str) else 11 for cell in cells if cell is not None), default=0)
    return float(min(WIDEST, max(NARROWEST, longest + 1, min(len(column.title) + 2, 18))))
