"""Rows of the table `changes`, and which rows of an instance they are about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ailis_models.arrays import Ints
from ailis_opt.changes import selector
from ailis_opt.changes.parse import parsed
from ailis_opt.changes.select import matching
from ailis_opt.errors import InputError
from ailis_opt.schema import TABLES, Instance
from ailis_opt.schema.uncertainty import Basis

HIRED = "contract in (on_demand, interruptible)"
COMMITTED = "contract in (owned, reserved)"
Row = dict[str, Any]


def change(
    basis: Basis, table: str, where: str, column: str, op: str, value: str, note: str, periods: tuple[int, int] | None = None
) -> Row:
    """A row of `changes` but for its scenario. `periods`: first and last; None: all."""
    first, last = (np.nan, np.nan) if periods is None else periods
    cells: Row = {"basis": basis, "table": table, "where": where, "column": column, "op": op, "value": value, "note": note}
    return {**cells, "first_period": first, "last_period": last}


def number(value: float) -> str:
    """A number with six digits that matter."""
    return f"{value:.6g}"


def among(column: str, names: Iterable[str]) -> str:
    """The condition that a column has one of the names."""
    words = [selector(**{column: name}).split("=", 1)[1] for name in names]
    return f"{column}={words[0]}" if len(words) == 1 else f"{column} in ({', '.join(words)})"


def joined(*conditions: str) -> str:
    """All conditions that are not blank."""
    return " & ".join(condition for condition in conditions if condition)


def positions(instance: Instance, table: str, where: str) -> Ints:
    """Positions of the rows that are selected. Raises InputError where there is none, or `where` is no selector."""
    key = next(c for c in TABLES[table].columns if c not in ("source", "note"))
    text = f"{table}[{where}].{key} =" if where else f"{table}.{key} ="
    return matching(TABLES[table], instance.tables[table], parsed(text))


def some(instance: Instance, table: str, where: str) -> Ints:
    """The same, and no position where nothing is selected."""
    if instance.tables[table].empty:
        return np.zeros(0, dtype=np.int64)
    try:
        return positions(instance, table, where)
    except InputError:
        return np.zeros(0, dtype=np.int64)


def chunks(periods: int, most: int) -> list[Ints]:
    """The periods of a horizon in at most so many runs of about one length."""
    return np.array_split(np.arange(periods), min(periods, most))


def runs(periods: Sequence[int] | Ints) -> list[tuple[int, int]]:
    """First and last of each run of periods that follow one another."""
    found: list[tuple[int, int]] = []
    for period in periods:
        if found and found[-1][1] == period - 1:
            found[-1] = (found[-1][0], int(period))
        else:
            found.append((int(period), int(period)))
    return found


def begins(offers: pd.DataFrame) -> Ints:
    """First period in which each offer is there."""
    return np.asarray(np.maximum(offers["first_start"].to_numpy(np.int64), offers["lead_periods"].to_numpy(np.int64)))
