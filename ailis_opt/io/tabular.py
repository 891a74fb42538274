"""Tables from CSV, Parquet and inline YAML, all as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ailis_opt.errors import Fault
from ailis_opt.io import yaml_text
from ailis_opt.io.raw import RawTable, did_you_mean, nearest, shown
from ailis_opt.schema import Table

MOST_BYTES = 2_000_000_000
WORKBOOK = b"PK\x03\x04"
"""How a ZIP archive begins, which a workbook is."""


def text_of(path: Path, most_bytes: int) -> str | Fault:
    """The text of a UTF-8 file (a byte order mark is dropped), or what is wrong with it."""
    try:
        if path.is_dir():
            return Fault(path.name, "is a folder", "Put a file in its place")
        if path.stat().st_size > most_bytes:
            return Fault(path.name, f"larger than {most_bytes // 1_000_000} MB", "Put large tables into Parquet files")
        data = path.read_bytes()
    except OSError as error:
        return Fault(path.name, f"cannot be read: {error.strerror or error}", "Check that the file exists and may be read")
    if data.startswith(WORKBOOK):
        return Fault(path.name, "is a workbook or an archive, not text", "A workbook: `ailis-opt import xlsx FILE --out DIR`")
    if b"\0" in data:
        return Fault(path.name, "is not text: a picture, a program or the like", "Name a text file (UTF-8)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return Fault(path.name, "not UTF-8 text", "Save the file as UTF-8", line)


def read_csv(path: Path, table: Table, faults: list[Fault]) -> RawTable:
    """A CSV file: first row names the columns; rows are numbered by the line they begin on."""
    raw = RawTable(table, path.name)
    text = text_of(path, MOST_BYTES)
    if isinstance(text, Fault):
        faults.append(text)
        raw.partial = True
        return raw
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if not any(header):
            faults.append(Fault(raw.file, "has no header row", f"Name the columns in the first row: {', '.join(table.columns)}"))
            raw.partial = True
            return raw
        used = columns_of(raw, header, 1, faults)
        line = reader.line_num + 1
        for record in reader:
            if record:
                _record(raw, record, header, used, line, faults)
            line = reader.line_num + 1
    except csv.Error as error:
        faults.append(Fault(raw.file, f"not valid CSV: {error}", "Mend the quotes on this line", reader.line_num))
        raw.partial = True
    return raw


def _record(raw: RawTable, record: list[str], header: list[str], used: dict[int, str], line: int, faults: list[Fault]) -> None:
    if len(record) != len(header):
        why = f"{len(record)} cells where the header names {len(header)} columns"
        faults.append(Fault(raw.file, why, "Give every row as many cells; put a text with a comma into double quotes", line))
        raw.partial = True
        return
    raw.rows.append({c: record[i] for i, c in used.items() if record[i] and not record[i].isspace()})
    raw.lines.append(line)


def columns_of(raw: RawTable, header: Sequence[str], row: int | None, faults: list[Fault]) -> dict[int, str]:
    """Position and name of the columns that the schema knows; unknown, repeated and missing ones are faults,
    and so is a header that other signs than commas separate.

    A missing one that is the suggestion for an unknown one is no second fault.
    """
    known = raw.table.columns
    if len(header) == 1 and any(sign in header[0] for sign in ";\t|"):
        faults.append(Fault(raw.file, "no comma between the names of columns", "Separate the columns by commas", row, header[0]))
        raw.partial, raw.absent = True, set(raw.table.required)
        return {}
    used: dict[int, str] = {}
    mends = set()
    for i, name in enumerate(header):
        if name in used.values():
            faults.append(Fault(raw.file, f"the column {name!r} is given twice", "Keep one of them", row, name))
        elif name in known:
            used[i] = name
        else:
            mend = nearest(name, known)
            mends.add(mend)
            faults.append(Fault(raw.file, f"{raw.table.name} has no column {name!r}", mend, row, name))
    raw.absent = {c for c in raw.table.required if c not in used.values()}
    for name in sorted(n for n in raw.absent if did_you_mean(n) not in mends):
        faults.append(Fault(raw.file, f"the column {name!r} is missing", f"Add it: {_describe(raw.table, name)}", row, name))
    return used


def _describe(table: Table, column: str) -> str:
    return table.row.model_fields[column].description or column


def read_inline(node: Any, line: int, file: str, table: Table, faults: list[Fault]) -> RawTable:
    """A table inside the YAML file: a list of mappings."""
    raw = RawTable(table, file, inline=True)
    if node == "":
        return raw
    if not isinstance(node, yaml_text.Sequence):
        faults.append(Fault(file, "not a list of rows", "Write each row as `- {column: value, ...}`", line, table.name, shown(node)))
        raw.partial = True
        return raw
    for row, row_line in zip(node, node.lines, strict=True):
        if not isinstance(row, yaml_text.Mapping):
            faults.append(Fault(file, "a row without `column: value`", "Write `{column: value, ...}`", row_line, table.name, shown(row)))
            raw.partial = True
            continue
        raw.rows.append({c: v for c, v in row.items() if not isinstance(v, str) or (v and not v.isspace())})
        raw.lines.append(row_line)
        raw.cell_lines.append(row.lines)
    return raw


def read_parquet(path: Path, table: Table, faults: list[Fault]) -> RawTable:
    """A Parquet file; typed cells become the text that CSV would hold. Rows are numbered from 1."""
    raw = RawTable(table, path.name)
    try:
        with pq.ParquetFile(path) as file:
            content = file.read()
        used = columns_of(raw, content.column_names, None, faults)
        cells = {c: _texts(content.column(i), raw, c, faults) for i, c in used.items()}
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        why = (
            "is a folder"
            if path.is_dir()
            else f"not a Parquet file that can be read: {shown(str(error).splitlines()[0] if str(error) else '')}"
        )
        faults.append(Fault(raw.file, why, "Write the table as Parquet again, or as CSV"))
        raw.partial = True
        return raw
    raw.rows = [{} for _ in range(content.num_rows)]
    raw.lines = list(range(1, content.num_rows + 1))
    for column, values in cells.items():
        for row, value in zip(raw.rows, values, strict=True):
            if value is not None:
                row[column] = value
    return raw


def _texts(values: Any, raw: RawTable, column: str, faults: list[Fault]) -> Iterable[Any]:
    """Cells of an Arrow column as str or list of str; None for blank."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    item = kind.value_type if listed else kind
    good = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_boolean,
        pa.types.is_decimal,
    )
    if not any(test(item) for test in (*good, pa.types.is_null, pa.types.is_date)):
        faults.append(
            Fault(raw.file, f"the column has the type {kind}, which no table uses", "Store text, numbers or true/false", None, column)
        )
        raw.absent.add(column)
        return [None] * len(values)
    if listed:
        return [None if not v else [_text(x) for x in v] for v in values.to_pylist()]
    return [None if v is None or (isinstance(v, str) and not v.strip()) else _text(v) for v in values.to_pylist()]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
