"""Rows of text become typed columns; every cell that does not fit becomes a fault."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, TypeAdapter, ValidationError, create_model

from ailis_opt.errors import Fault
from ailis_opt.io.messages import why_and_mend, without_echoes
from ailis_opt.io.raw import RawTable, shown
from ailis_opt.schema import Table
from ailis_opt.schema.columns import Kind, Row

BoolArray = npt.NDArray[np.bool_]

_BLANK: dict[Kind, Any] = {"text": "", "list": (), "int": 0, "float": np.nan, "flag": False, "optional": np.nan}
_DTYPE: dict[Kind, Any] = {"text": object, "list": object, "int": np.int64, "float": np.float64, "flag": np.bool_, "optional": np.float64}


@dataclass
class Loaded:
    """A table with typed columns, defaults from elsewhere not yet resolved. `bad` holds the faulty columns of each faulty row."""

    raw: RawTable
    frame: pd.DataFrame
    bad: dict[int, set[str]]

    def fault(self, index: int | None, column: str | None, why: str, mend: str) -> Fault:
        """A fault in row `index` (0-based; None: the table as a whole)."""
        return self.raw.fault(index, column, why, mend)

    def whole(self, *columns: str) -> bool:
        """Whether nothing in these columns was at fault, and every row could be read."""
        return (
            not self.raw.partial and not self.raw.absent.intersection(columns) and not set().union(*self.bad.values()).intersection(columns)
        )

    def sound(self, *columns: str) -> BoolArray:
        """Per row whether nothing in these columns was at fault."""
        good = np.full(len(self.frame), not self.raw.absent.intersection(columns))
        good[[i for i, faulty in self.bad.items() if faulty.intersection(columns)]] = False
        return good


@cache
def _adapter(model: type[BaseModel]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type]


@cache
def _draft_model(model: type[BaseModel]) -> type[BaseModel]:
    """The same row with every column optional: what is left of a row once its faulty cells are out."""
    fields: dict[str, Any] = {n: (f.annotation, None) for n, f in model.model_fields.items() if f.is_required()}
    return create_model(f"{model.__name__}Draft", __base__=model, **fields)


def load(raw: RawTable, faults: list[Fault]) -> Loaded:
    """Validate all rows at once; rows with faults keep their good cells, the bad ones are left blank."""
    model = raw.table.row
    bad: dict[int, set[str]] = {}
    try:
        rows = _adapter(model).validate_python(raw.rows)
    except ValidationError as error:
        bad = _faults(raw, error, faults)
        rows = _salvage(raw, bad)
    return Loaded(raw, _frame(raw.table, rows), bad)


@cache
def _column_model(model: type[BaseModel], column: str) -> type[BaseModel]:
    """A row of this column alone."""
    field = model.model_fields[column]
    fields: dict[str, Any] = {column: (field.annotation, field)}
    return create_model(f"{model.__name__}{column}", __base__=Row, **fields)


def load_column(table: Table, column: str, texts: list[str], file: str, faults: list[Fault]) -> list[Any]:
    """The values of cells of one column, given as text ("" for a blank) under the name `file` and numbered from 1."""
    rows = [{column: text} if text else {} for text in texts]
    raw = RawTable(table, file, rows=[dict(row) for row in rows], lines=list(range(1, len(rows) + 1)))
    try:
        found = _adapter(_column_model(table.row, column)).validate_python(rows)
    except ValidationError as error:
        _faults(raw, error, faults)
        return []
    blank = _BLANK[table.kinds[column]]
    values = [getattr(row, column) for row in found]
    return [blank if value is None else value for value in values]


def _faults(raw: RawTable, error: ValidationError, faults: list[Fault]) -> dict[int, set[str]]:
    """Faults of the cells; returns the bad columns of each bad row."""
    bad: dict[int, set[str]] = defaultdict(set)
    found = []
    for detail in error.errors(include_url=False):
        index, column = int(detail["loc"][0]), str(detail["loc"][1])
        bad[index].add(column)
        if detail["type"] == "missing" and column in raw.absent:
            continue
        why, mend = why_and_mend(dict(detail), raw.table.row, column)
        fault = raw.fault(index, column, why, mend)
        if len(detail["loc"]) > 2 or fault.value is None:
            value = None if detail["type"] == "missing" else shown(detail["input"])
            fault = Fault(fault.file, why, mend, fault.row, fault.column, value)
        found.append((dict(detail), fault))
    faults.extend(without_echoes(found))
    return bad


def _salvage(raw: RawTable, bad: dict[int, set[str]]) -> list[Any]:
    draft = _draft_model(raw.table.row)
    good = iter(_adapter(raw.table.row).validate_python([row for i, row in enumerate(raw.rows) if i not in bad]))
    return [
        draft.model_validate({c: v for c, v in row.items() if c not in bad[i]}) if i in bad else next(good)
        for i, row in enumerate(raw.rows)
    ]


def _frame(table: Table, rows: list[Any]) -> pd.DataFrame:
    columns = {}
    cells = [row.__dict__ for row in rows]
    for name, kind in table.kinds.items():
        values = [cell[name] for cell in cells]
        if None in values:
            values = [_BLANK[kind] if v is None else v for v in values]
        columns[name] = pd.Series(values, dtype=_DTYPE[kind], index=pd.RangeIndex(len(values)))
    return pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))
