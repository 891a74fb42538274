"""The instance that changes make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pydantic import ValidationError

from ailis_models.arrays import Ints
from ailis_opt.changes.grammar import BY_PERIOD, HEADER, PERIOD, Change, Series
from ailis_opt.changes.parse import Parsed, parsed
from ailis_opt.changes.periods import inside, span, spread
from ailis_opt.changes.select import NO_ROW, matching
from ailis_opt.errors import Fault, InputError
from ailis_opt.io import recheck
from ailis_opt.io.raw import RawTable
from ailis_opt.io.rows import load, load_column
from ailis_opt.schema import TABLES, Header, Instance, Table


def apply(instance: Instance, changes: Sequence[Change], scenario: bool = False) -> Instance:
    """The instance with the changes made, one after the other; tables that none of them touches are shared with it.

    In a `scenario` nothing at all may be demanded. Raises InputError where a change names what is not there, matches no row, or makes an
    instance that is not valid: with the faults of all changes, as far as each can be told without those before it.
    """
    draft = _Draft(instance)
    faults: list[Fault] = []
    lost: set[str] = set()  # tables that lack a row that a faulty change should have added
    for change in changes:
        try:
            draft.make(parsed(str(change)))
        except InputError as error:
            faults += [fault for fault in error.faults if not (change.table in lost and fault.why.startswith(NO_ROW))]
            lost |= {change.table} if change.op == "insert" else set()
    if faults:
        raise InputError(faults)
    return recheck.checked(draft.header, draft.stated, draft.tables, instance, scenario)


class _Draft:
    """An instance while it is changed: tables as stated, and as resolved, by which rows are found and numbers taken."""

    def __init__(self, instance: Instance) -> None:
        self.header = instance.header
        self.stated = dict(instance.stated)
        self.tables = dict(instance.tables)

    def make(self, asked: Parsed) -> None:
        """Make one change."""
        change = asked.change
        if change.table == HEADER:
            self.header = _changed_header(self.header, asked)
            return
        table = TABLES[change.table]
        if change.op == "insert":
            self._put(table.name, pd.concat([self.stated[table.name], _new_row(table, asked)], ignore_index=True))
            return
        at = matching(table, self.tables[table.name], asked)
        if change.op == "remove":
            self._remove(table, at)
            return
        series = BY_PERIOD.get((table.name, change.column))
        with_periods = change.first_period is not None or change.last_period is not None
        if with_periods and series is not None:
            self._by_period(table, at, series, asked)
        elif with_periods:
            self._in_periods(table, at, asked)
        else:
            self._write(table, at, change.column, asked)
            if series is not None:
                self._in_every_period(table, at, series, asked)

    def _put(self, name: str, frame: pd.DataFrame) -> None:
        before = (self.header, self.stated, self.tables)
        self.stated = {**self.stated, name: frame}
        self.tables = recheck.resolved(self.header, self.stated, before)

    def _write(self, table: Table, at: Ints, column: str, asked: Parsed) -> None:
        """Change a column in the rows at `at`."""
        texts = _cells(table, self.tables[table.name][column], at, asked)
        frame = self.stated[table.name]
        values = frame[column].tolist()
        for i, value in zip(at.tolist(), _typed(table, column, texts, asked), strict=True):
            values[i] = value
        self._put(table.name, frame.assign(**{column: pd.Series(values, dtype=frame[column].dtype, index=frame.index)}))

    def _in_periods(self, table: Table, at: Ints, asked: Parsed) -> None:
        """Change rows that have a period, in some periods only."""
        periods = span(self.header, asked)
        frame = self.stated[table.name]
        if frame[PERIOD].iloc[at].isna().any():
            self._put(table.name, spread(self.header, frame, at))
            at = matching(table, self.tables[table.name], asked)
        self._write(table, inside(self.tables[table.name], at, periods, table.name, asked), asked.change.column, asked)

    def _by_period(self, table: Table, at: Ints, series: Series, asked: Parsed) -> None:
        """Change a column whose values by period stand in another table: rows that are missing there are made."""
        periods = span(self.header, asked)
        base = self.tables[table.name].iloc[at]
        if table.name == "offers":
            _require_hired(base, periods, asked)
        target = TABLES[series.table]
        names = base[series.key].tolist()
        frame = self.stated[series.table]
        there = set(zip(frame[series.key], frame[PERIOD].tolist(), strict=True))
        new = [{series.key: n, PERIOD: str(t)} for n in names for t in periods.tolist() if (n, t) not in there]
        own = dict(zip(names, base[asked.change.column].tolist(), strict=True))
        if new:
            rows = [{**row, series.value: repr(own[row[series.key]])} for row in new]
            frame = pd.concat([frame, _loaded(target, rows, asked)], ignore_index=True)
        mine = np.flatnonzero(frame[series.key].isin(names) & frame[PERIOD].isin(periods))
        value = frame[series.value].to_numpy(float, copy=True)
        blank = mine[np.isnan(value[mine])]
        value[blank] = [own[name] for name in frame[series.key].iloc[blank]]
        self._put(series.table, frame.assign(**{series.value: value}))
        self._write(target, mine, series.value, asked)

    def _in_every_period(self, table: Table, at: Ints, series: Series, asked: Parsed) -> None:
        """What was changed for all periods is changed in those that have a value of their own, too."""
        frame = self.stated[series.table]
        names = self.tables[table.name][series.key].iloc[at]
        mine = np.flatnonzero(frame[series.key].isin(names) & frame[series.value].notna())
        if not len(mine):
            return
        target = TABLES[series.table]
        if asked.change.op != "set":
            self._write(target, mine, series.value, asked)
        elif series.value in target.required:
            self._put(series.table, frame.drop(index=mine.tolist()).reset_index(drop=True))
        else:
            self._put(series.table, frame.assign(**{series.value: frame[series.value].mask(np.isin(np.arange(len(frame)), mine))}))

    def _remove(self, table: Table, at: Ints) -> None:
        """Take rows out; the prices by period of an offer go with it."""
        frame = self.stated[table.name]
        if table.name == "offers":
            gone = self.stated["prices"]["offer"].isin(frame["offer"].iloc[at])
            if gone.any():
                self._put("prices", self.stated["prices"][~gone].reset_index(drop=True))
        self._put(table.name, frame.drop(index=at.tolist()).reset_index(drop=True))


def _changed_header(header: Header, asked: Parsed) -> Header:
    change = asked.change
    before = getattr(header, change.column)
    value: object = change.value or None
    if change.op != "set":
        value = _computed(asked, np.nan if before is None else float(before))
    try:
        return Header.model_validate({**header.content(), change.column: value})
    except ValidationError as error:
        raise asked.fault("value", error.errors(include_url=False)[0]["msg"], "Give a number") from None


def _require_hired(offers: pd.DataFrame, periods: Ints, asked: Parsed) -> None:
    """Raise InputError for a price by period of what is signed, or of what is not there in these periods."""
    signed = offers["offer"][offers["contract"].isin(("owned", "reserved"))].tolist()
    if signed:
        why = f"{signed[0]} is owned or reserved: its price is fixed when it is signed, for all of its term"
        mend = "Leave out what follows @, select hired offers (contract in (on_demand, interruptible)), or add an offer with a first_start"
        raise asked.fault("periods", why, mend)
    start = np.maximum(offers["first_start"], offers["lead_periods"])
    if not ((start <= periods[-1]) & (offers["last_start"] >= periods[0])).any():
        raise asked.fault("periods", f"{NO_ROW}: nothing that is selected is on offer in these periods", "Name periods in which it is")


def _new_row(table: Table, asked: Parsed) -> pd.DataFrame:
    row = {column: value for column, value in asked.row.items() if not isinstance(value, str) or value.strip()}
    return _loaded(table, [row], asked)


def _loaded(table: Table, rows: list[dict[str, str]], asked: Parsed) -> pd.DataFrame:
    """Rows of text as a typed table; faults are told at the place of their cell in the change."""
    found: list[Fault] = []
    frame = load(RawTable(table, asked.text, rows=rows, lines=list(range(1, len(rows) + 1))), found).frame
    if found:
        raise InputError([_placed(fault, asked) for fault in found])
    return frame


def _placed(fault: Fault, asked: Parsed) -> Fault:
    """The same fault with its mark under the place in the change."""
    mark = asked.cell_span(fault.column) if asked.change.op == "insert" and fault.column else asked.spans["value"]
    why = fault.why if fault.value is None else f"{fault.value!r} is {fault.why}" if fault.why.startswith("not") else fault.why
    why = f"{fault.column}: {why}" if asked.change.op == "insert" else why
    return Fault(asked.text, why, fault.mend, mark=mark)


def _typed(table: Table, column: str, texts: list[str], asked: Parsed) -> list[object]:
    """Cells of one column from their texts."""
    found: list[Fault] = []
    values = load_column(table, column, texts, asked.text, found)
    if found:
        raise InputError(list(dict.fromkeys(_placed(fault, asked) for fault in found)))
    return values


def _cells(table: Table, held: pd.Series, at: Ints, asked: Parsed) -> list[str]:
    """The texts of changed cells; `held` are the values before."""
    change = asked.change
    if change.op == "set":
        return [change.value] * len(at)
    if table.kinds[str(held.name)] not in ("int", "float", "optional") or table.is_flag(str(held.name)):
        raise asked.fault("column", f"{change.column} is not a number", "Set it with =")
    numbers = [_computed(asked, float(before)) for before in held.iloc[at]]
    return [str(int(number)) if number == int(number) else repr(number) for number in numbers]


def _computed(asked: Parsed, before: float) -> float:
    """The number that `mul` or `add` makes of `before`."""
    change = asked.change
    try:
        operand = float(change.value)
    except ValueError:
        operand = np.nan
    if not np.isfinite(operand):
        raise asked.fault("value", f"{change.value!r} is not a number", "Write a plain number such as 1.3")
    if np.isnan(before):
        raise asked.fault("column", "the cell is blank: there is no number to change", "Set it with =, or select rows that have one")
    number = before * operand if change.op == "mul" else before + operand
    if not np.isfinite(number):
        raise asked.fault("value", "the result is too large for a number", "Give a smaller one")
    return number
