"""An instance as the files that it can be read from again."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ailis_opt.io.folder import HEADER_FILE
from ailis_opt.schema import TABLES, Instance, Table
from ailis_opt.schema.columns import Kind


def instance_files(instance: Instance) -> dict[str, str]:
    """Name and text of `instance.yaml` and of a CSV file per table that has rows.

    Read again, they give the same header, tables and fingerprint. Defaults are written out, where they have a meaning; a column
    without any value is left out.
    """
    header = {key: value for key, value in instance.header.content().items() if value is not None}
    files = {HEADER_FILE: yaml.safe_dump(header, sort_keys=False, allow_unicode=True, width=120)}
    work = instance.tables["workloads"]
    meant = {"workloads": work.assign(deadline_period=work["deadline_period"].where(work["kind"] == "training"))}
    return files | table_files_text({**instance.tables, **meant})


def table_files_text(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Name and text of a CSV file per table that has rows, in the order of the format."""
    return {f"{name}.csv": _csv(table, tables[name]) for name, table in TABLES.items() if name in tables and len(tables[name])}


def _csv(table: Table, frame: pd.DataFrame) -> str:
    columns = {name: _cells(frame[name], kind) for name, kind in table.kinds.items()}
    stated = {name: cells for name, cells in columns.items() if name in table.required or any(cells)}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(stated)
    writer.writerows(zip(*stated.values(), strict=True))
    return out.getvalue()


def cells(table: Table, frame: pd.DataFrame) -> list[dict[str, str]]:
    """The rows of a table as the text that a file would hold, without blank cells."""
    rows: list[dict[str, str]] = [{} for _ in range(len(frame))]
    for name, kind in table.kinds.items():
        for row, text in zip(rows, _cells(frame[name], kind), strict=True):
            if text:
                row[name] = text
    return rows


def _cells(values: pd.Series, kind: Kind) -> Sequence[str]:
    """The cells of a column as the reader takes them; NaN, an empty text and an empty list are blank."""
    if kind == "list":
        return [";".join(items) for items in values]
    if kind == "text":
        return values.tolist()
    if kind == "flag" or values.dtype == np.bool_:
        return ["true" if value else "false" for value in values]
    return [_number(value) for value in values.tolist()]


def _number(value: Any) -> str:
    """The shortest text that gives the same number; without a fraction where it has none."""
    if value != value:
        return ""
    return str(int(value)) if value == int(value) else repr(value)
