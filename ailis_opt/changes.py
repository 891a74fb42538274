"""Changes: edits of an instance, and the instance that they make.

A change names a table, the rows of it (`where`), a column, an operator and a value; where rows have a period, the periods too. In words

    offers[sku=H100 & contract=on_demand].price_per_gpu_hour *= 1.3
    power[region=frankfurt].cap_mw += 0.4 @ 3..8
    instance.budget = 250000

A changed instance is held to every rule that a read one is held to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import ValidationError

from ailis_opt.errors import Fault, InputError
from ailis_opt.io import recheck
from ailis_opt.io.raw import nearest
from ailis_opt.io.rows import cells, load_cells
from ailis_opt.schema import TABLES, Header, Instance, Table

Op = Literal["set", "mul", "add"]

SIGNS: dict[Op, str] = {"set": "=", "mul": "*=", "add": "+="}
HEADER = "instance"
HEADER_COLUMNS = ("budget",)
PERIOD = "period"
_PAIR = re.compile(r'\s*(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|[^&"]*?)\s*(?:&|$)')
_PLAIN = re.compile(r'[^\s&=\[\]"\\]([^&=\[\]"\\]*[^\s&=\[\]"\\])?')


@dataclass(frozen=True, slots=True)
class Change:
    """One edit of an instance.

    `table`: a table, or `instance` for the header. `where`: conditions `column=value` joined by ` & `, empty for all rows; of a list the
    value is one item. `value` is the cell's text ("" for a blank) or, for `mul` and `add`, a number. Periods are inclusive.
    """

    table: str
    where: str
    column: str
    op: Op
    value: str
    first_period: int | None = None
    last_period: int | None = None

    def __str__(self) -> str:
        rows = f"[{self.where}]" if self.where else ""
        text = f"{self.table}{rows}.{self.column} {SIGNS[self.op]} {self.value}".rstrip()
        if self.first_period is None and self.last_period is None:
            return text
        first, last = ("" if p is None else str(p) for p in (self.first_period, self.last_period))
        return f"{text} @ {first}..{last}"


def selector(**values: object) -> str:
    """The `where` of the rows whose columns have these values: `selector(region="paris")`; values are quoted where they must be."""
    parts = []
    for column, value in values.items():
        text = str(value)
        if not _PLAIN.fullmatch(text):
            text = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        parts.append(f"{column}={text}")
    return " & ".join(parts)


def apply(instance: Instance, changes: Sequence[Change]) -> Instance:
    """The instance with the changes made, one after the other.

    Raises InputError where a change names what is not there, matches no row, or makes an instance that is not valid.
    """
    header, stated, tables = instance.header, dict(instance.stated), instance.tables
    for change in changes:
        if change.table == HEADER:
            header = _changed_header(header, change)
        else:
            frame = _changed_table(stated, tables, change)
            stated = {**stated, change.table: frame}
            tables = recheck.resolved(header, stated)
    return replace(recheck.checked(header, stated, instance.path), booked=instance.booked)


def _fault(change: Change, why: str, mend: str, column: str | None = None, value: str | None = None) -> InputError:
    return InputError([Fault(str(change), why, mend, column=column, value=value)])


def _changed_header(header: Header, change: Change) -> Header:
    if change.column not in HEADER_COLUMNS or change.where:
        known = ", ".join(f"{HEADER}.{name}" for name in HEADER_COLUMNS)
        raise _fault(change, f"not a part of {HEADER}.yaml that can be changed", f"Of the header can be changed: {known}")
    if change.first_period is not None or change.last_period is not None:
        raise _fault(change, f"{change.column} has no periods", "Leave out what follows @")
    before = getattr(header, change.column)
    value: object = change.value or None
    if change.op != "set":
        value = _computed(change, np.nan if before is None else float(before))
    try:
        return Header.model_validate({**header.content(), change.column: value})
    except ValidationError as error:
        raise _fault(change, error.errors(include_url=False)[0]["msg"], "Give a number", change.column, change.value) from None


def _changed_table(stated: Mapping[str, pd.DataFrame], tables: Mapping[str, pd.DataFrame], change: Change) -> pd.DataFrame:
    """The table as stated, with the change made and its cells checked. Rows are found, and numbers taken, by the resolved `tables`."""
    if change.table not in TABLES:
        raise _fault(change, f"there is no table {change.table!r}", nearest(change.table, (*TABLES, HEADER)))
    table = TABLES[change.table]
    if change.column not in table.columns:
        raise _fault(change, f"{table.name} has no column {change.column!r}", nearest(change.column, table.columns))
    at = _matching(table, tables[table.name], change)
    frame = stated[table.name]
    rows = cells(table, frame.iloc[at])
    for row, i in zip(rows, at.tolist(), strict=True):
        row.pop(change.column, None)
        text = _cell(table, tables[table.name][change.column].iloc[i], change)
        if text:
            row[change.column] = text
    faults: list[Fault] = []
    changed = load_cells(table, str(change), rows, [i + 1 for i in at.tolist()], faults)
    if faults:
        raise InputError(faults)
    out = frame.copy()
    values = out[change.column].tolist()
    for i, value in zip(at.tolist(), changed[change.column].tolist(), strict=True):
        values[i] = value
    out[change.column] = pd.Series(values, dtype=frame[change.column].dtype, index=frame.index)
    return out


def _cell(table: Table, before: Any, change: Change) -> str:
    """The text of a changed cell."""
    if change.op == "set":
        return change.value
    if table.kinds[change.column] not in ("int", "float", "optional"):
        raise _fault(change, f"{change.column} is not a number", "Set it with =")
    value = _computed(change, float(before))
    return str(int(value)) if value == int(value) else repr(value)


def _computed(change: Change, before: float) -> float:
    """The number that `mul` or `add` makes of `before`."""
    try:
        operand = float(change.value)
    except ValueError:
        operand = np.nan
    if not np.isfinite(operand):
        raise _fault(change, "not a number", "Write a plain number such as 1.3", value=change.value)
    if np.isnan(before):
        raise _fault(change, "the cell is blank: there is no number to change", "Set it with =")
    return before * operand if change.op == "mul" else before + operand


def _matching(table: Table, frame: pd.DataFrame, change: Change) -> np.ndarray:
    """Positions of the rows that the change is about; at least one."""
    hit = np.ones(len(frame), dtype=bool)
    for column, value in _conditions(change):
        if column not in table.columns:
            raise _fault(change, f"{table.name} has no column {column!r}", nearest(column, table.columns))
        hit &= _equal(frame[column], table.kinds[column], value)
    if change.first_period is not None or change.last_period is not None:
        hit &= _in_periods(table, frame, hit, change)
    if not hit.any():
        raise _fault(
            change, "no row matches", f"Check the names and values in the brackets, and the periods, against the table {table.name}"
        )
    return np.flatnonzero(hit)


def _in_periods(table: Table, frame: pd.DataFrame, hit: np.ndarray, change: Change) -> np.ndarray:
    if PERIOD not in table.columns:
        raise _fault(change, f"{table.name} has no periods", "Leave out what follows @")
    period = frame[PERIOD].to_numpy(float)
    if np.isnan(period[hit]).any():
        raise _fault(change, "a row that matches is for all periods", "Give the table a row for each period, or leave out what follows @")
    first = 0 if change.first_period is None else change.first_period
    last = np.inf if change.last_period is None else change.last_period
    return np.asarray((period >= first) & (period <= last))


def _conditions(change: Change) -> list[tuple[str, str]]:
    """(column, value) of the conditions of `where`."""
    found, at = [], 0
    while at < len(change.where):
        pair = _PAIR.match(change.where, at)
        if pair is None:
            raise _fault(change, "not a list of conditions", "Write column=value & column=value")
        value = pair.group(2)
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found.append((pair.group(1), value))
        at = pair.end()
    return found


def _equal(values: pd.Series, kind: str, value: str) -> np.ndarray:
    """Where a column has the value: as text, as a number, as one item of a list."""
    if kind == "text":
        return (values == value).to_numpy(bool)
    if kind == "list":
        return np.array([value in items for items in values], dtype=bool)
    if kind == "flag" or (kind == "optional" and value.lower() in ("true", "false")):
        return np.asarray(values.to_numpy(float) == (value.lower() in ("true", "yes", "1")))
    try:
        number = float(value) if value else np.nan
    except ValueError:
        return np.zeros(len(values), dtype=bool)
    held = values.to_numpy(float)
    return np.asarray(np.isnan(held) if np.isnan(number) else held == number)
