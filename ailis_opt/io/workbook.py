"""An instance, or some of its tables, from an Excel workbook: a sheet per table, and `instance` for the header."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from python_calamine import CalamineWorkbook

from ailis_opt.errors import Fault, InputError
from ailis_opt.io import yaml_text
from ailis_opt.io.document import document_of
from ailis_opt.io.raw import RawTable, nearest, shown
from ailis_opt.io.read import assembled
from ailis_opt.io.rows import load
from ailis_opt.io.tabular import columns_of
from ailis_opt.schema import TABLES, Instance

HEADER_SHEET = "instance"
KEY, VALUE = "key", "value"
MOST_BYTES = 500_000_000
ESCAPED = re.compile(r"'+[=+\-@\t\r]")
"""Beginning of a text that got an apostrophe so that Excel does not take it for a formula."""
_FORMAT = "a workbook (.xlsx) as `ailis-opt export xlsx` writes it"
Cell = Any
_Sheets = Mapping[str, list[list[Cell]]]


@dataclass(frozen=True)
class Sheets:
    """What a workbook holds: a whole instance, or tables without a header (name: typed frame)."""

    instance: Instance | None
    tables: Mapping[str, pd.DataFrame]


def read_workbook(path: Path) -> Sheets:
    """Read a workbook. Raises InputError with all faults; a fault's file is `FILE [sheet]`, its row that of the sheet."""
    return sheets_of(path.name, _content(path))


def sheets_of(name: str, content: _Sheets) -> Sheets:
    """The tables of sheets given as rows of cells."""
    faults: list[Fault] = []
    raws = {}
    for sheet, rows in content.items():
        if sheet in TABLES:
            raws[sheet] = _table(f"{name} [{sheet}]", sheet, rows, faults)
        elif sheet != HEADER_SHEET:
            faults.append(Fault(name, f"there is no table {sheet!r}", nearest(sheet, (*TABLES, HEADER_SHEET)), column="sheet", value=sheet))
    if not raws and not faults:
        faults.append(Fault(name, "holds no table", f"Name the sheets after tables: {', '.join(TABLES)}"))
    if HEADER_SHEET not in content:
        tables = {sheet: load(raw, faults).frame for sheet, raw in raws.items()}
        if faults:
            raise InputError(faults)
        return Sheets(None, tables)
    label = f"{name} [{HEADER_SHEET}]"
    document = document_of(label, _header(label, content[HEADER_SHEET], faults), faults)
    every = {table: raws.get(table) or RawTable(TABLES[table], f"{name} [{table}]") for table in TABLES}
    instance = assembled(document, every, name, faults)
    return Sheets(instance, instance.tables)


def _content(path: Path) -> _Sheets:
    if path.is_dir():
        raise InputError([Fault(str(path), "is a folder", f"Name {_FORMAT}")])
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError([Fault(str(path), f"larger than {MOST_BYTES // 1_000_000} MB", "Put large tables into Parquet files")])
        with path.open("rb") as file:
            if file.read(2) != b"PK":
                raise InputError([Fault(str(path), "is no Excel workbook (.xlsx)", f"Name {_FORMAT}")])
        with CalamineWorkbook.from_path(str(path)) as book:
            return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except InputError:
        raise
    except OSError as error:
        why = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror or error}"
        raise InputError([Fault(str(path), why, f"Name {_FORMAT}")]) from None
    except Exception as error:  # calamine's errors have no common base
        raise InputError([Fault(str(path), f"is no Excel workbook that can be read: {shown(str(error))}", f"Name {_FORMAT}")]) from None


def _table(file: str, sheet: str, rows: Sequence[Sequence[Cell]], faults: list[Fault]) -> RawTable:
    """One sheet: the first row names the columns, in any order."""
    raw = RawTable(TABLES[sheet], file)
    header = [_text(cell).strip() for cell in rows[0]] if rows else []
    if not any(header):
        if any(_text(cell) for row in rows for cell in row):
            faults.append(Fault(file, "has no header row", f"Name the columns in the first row: {', '.join(raw.table.columns)}", 1))
            raw.partial = True
        return raw
    named = [i for i, name in enumerate(header) if name]
    used = {named[i]: name for i, name in columns_of(raw, [header[i] for i in named], 1, faults).items()}
    for line, row in enumerate(rows[1:], 2):
        cells = {}
        for i, cell in enumerate(row):
            text = _text(cell)
            if not text or text.isspace():
                continue
            if i in used:
                cells[used[i]] = _plain(file, line, used[i], cell, text, faults)
            elif not header[i]:
                faults.append(Fault(file, "a cell in a column without a name", "Name the column in the first row", line, None, shown(text)))
        if cells:
            raw.rows.append(cells)
            raw.lines.append(line)
    return raw


def _plain(file: str, line: int, column: str, cell: Cell, text: str, faults: list[Fault]) -> str:
    """The text of a cell as a CSV file would hold it."""
    if isinstance(cell, (datetime.date, datetime.time, datetime.timedelta)):
        faults.append(
            Fault(file, "Excel has made a date or time of this cell", "Format the cell as text and write it again", line, column, text)
        )
    return text[1:] if ESCAPED.match(text) else text


def _text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell == int(cell) else repr(cell)
    return "" if cell is None else str(cell)


def _header(file: str, rows: Sequence[Sequence[Cell]], faults: list[Fault]) -> yaml_text.Mapping:
    """The header as the YAML file would hold it: `horizon.blocks.0.share` in a cell is a place in nested mappings and lists."""
    root = yaml_text.Mapping(1)
    if not rows or [_text(cell).strip() for cell in rows[0][:2]] != [KEY, VALUE]:
        faults.append(Fault(file, "does not begin with the columns key and value", f"Write {KEY} and {VALUE} into the first row", 1))
        return root
    for line, row in enumerate(rows[1:], 2):
        key, text = _text(row[0]).strip(), _text(row[1]) if len(row) > 1 else ""
        if isinstance(row[1] if len(row) > 1 else None, (datetime.date, datetime.datetime)):
            text = row[1].strftime("%Y-%m-%d")
        if key and not _put(root, key.split("."), text[1:] if ESCAPED.match(text) else text, line):
            faults.append(Fault(file, "a key that is given twice, or at odds with another", "Keep one of them", line, KEY, shown(key)))
    return root


def _put(node: Any, steps: Sequence[str], value: str, line: int) -> bool:
    """Set the value at the end of the steps; items of lists must come in order. False where there is no room for it."""
    for i, step in enumerate(steps):
        last = i == len(steps) - 1
        fresh: Any = value if last else yaml_text.Sequence(line) if steps[i + 1].isdigit() else yaml_text.Mapping(line)
        if isinstance(node, yaml_text.Sequence):
            at = int(step) if step.isdigit() else -1
            if at == len(node):
                node.append(fresh)
                node.lines.append(line)
            elif last or not 0 <= at < len(node):
                return False
            node = node[at]
        elif isinstance(node, yaml_text.Mapping):
            if step not in node:
                node[step], node.lines[step] = fresh, line
            elif last:
                return False
            node = node[step]
        else:
            return False
    return True
