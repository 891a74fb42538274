"""The instance that changes make."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd
from pydantic import ValidationError

from ailis_models.arrays import Floats, Ints
from ailis_opt.changes.grammar import BY_PERIOD, HEADER, PERIOD, Change, Series
from ailis_opt.changes.parse import Parsed, parsed
from ailis_opt.changes.periods import inside, span, spread
from ailis_opt.changes.select import NO_ROW, matching
from ailis_opt.changes.sheet import Column, Sheet
from ailis_opt.errors import Fault, InputError
from ailis_opt.io import recheck
from ailis_opt.io.raw import RawTable
from ailis_opt.io.resolve import DEFAULTS
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
    stated, normal = draft.tables()
    return recheck.checked(draft.header, stated, normal, instance, scenario)


class _Draft:
    """An instance while it is changed. Rows are found, and numbers taken, by what cells stand for: defaults are filled in."""

    def __init__(self, instance: Instance) -> None:
        self.header = instance.header
        self.sheets = {name: Sheet(frame) for name, frame in instance.stated.items()}  # as stated
        self.before: recheck.Before = (instance.header, instance.stated, instance.tables)

    def tables(self) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
        """The tables as stated, and in normal form."""
        stated = {name: sheet.frame() for name, sheet in self.sheets.items()}
        normal = recheck.resolved(self.header, stated, self.before)
        self.before = (self.header, stated, normal)
        return stated, normal

    def make(self, asked: Parsed) -> None:
        """Make one change."""
        change = asked.change
        if change.table == HEADER:
            self.header = _changed_header(self.header, asked)
            return
        table = TABLES[change.table]
        if change.op == "insert":
            self.sheets[table.name] = Sheet(pd.concat([self.sheets[table.name].frame(), _new_row(table, asked)], ignore_index=True))
            return
        at = matching(table, _Normal(self, table.name), asked)
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

    def _write(self, table: Table, at: Ints, column: str, asked: Parsed) -> None:
        """Change a column in the rows at `at`."""
        values = self.sheets[table.name][column].copy()
        if asked.change.op == "set":
            (cell,) = _typed(table, column, [asked.change.value], asked)
            for i in at.tolist():
                values[i] = cell
        else:
            values[at] = _numbers(table, column, _Normal(self, table.name)[column][at], asked)
        self.sheets[table.name][column] = values

    def _in_periods(self, table: Table, at: Ints, asked: Parsed) -> None:
        """Change rows that have a period, in some periods only."""
        periods = span(self.header, asked)
        sheet = self.sheets[table.name]
        if np.isnan(sheet[PERIOD][at]).any():
            self.sheets[table.name] = sheet = Sheet(spread(self.header, sheet.frame(), at))
            at = matching(table, _Normal(self, table.name), asked)
        self._write(table, inside(sheet[PERIOD], at, periods, table.name, asked), asked.change.column, asked)

    def _by_period(self, table: Table, at: Ints, series: Series, asked: Parsed) -> None:
        """Change a column whose values by period stand in another table: rows that are missing there are made."""
        periods = span(self.header, asked)
        base, sheet = _Normal(self, table.name), self.sheets[series.table]
        if table.name == "offers":
            _require_hired(base, at, periods, asked)
        own = dict(zip(base[series.key][at].tolist(), base[asked.change.column][at].tolist(), strict=True))
        number = {name: i for i, name in enumerate(own)}
        value, names = np.array(list(own.values()), dtype=float), np.array(list(own), dtype=object)
        of, period = np.array([number.get(name, -1) for name in sheet[series.key].tolist()], dtype=np.int64), sheet[PERIOD]
        there = np.zeros((len(own), len(periods)), dtype=bool)
        mine = np.flatnonzero((of >= 0) & (period >= periods[0]) & (period <= periods[-1]))
        there[of[mine], period[mine] - periods[0]] = True
        lacking, t = np.nonzero(~there)
        if len(lacking):
            rows = {column: np.full(len(lacking), cell, dtype=sheet[column].dtype) for column, cell in _blank_row(series).items()}
            sheet.append(rows | {series.key: names[lacking], PERIOD: periods[t], series.value: value[lacking]})
            mine, of = np.concatenate([mine, np.arange(len(of), len(sheet))]), np.concatenate([of, lacking])
        held = sheet[series.value].copy()
        blank = mine[np.isnan(held[mine])]
        held[blank] = value[of[blank]]
        sheet[series.value] = held
        self._write(TABLES[series.table], mine, series.value, asked)

    def _in_every_period(self, table: Table, at: Ints, series: Series, asked: Parsed) -> None:
        """What was changed for all periods is changed in those that have a value of their own, too."""
        frame = self.sheets[series.table].frame()
        mine = np.flatnonzero(frame[series.key].isin(self.sheets[table.name][series.key][at]) & frame[series.value].notna())
        if not len(mine):
            return
        target = TABLES[series.table]
        if asked.change.op != "set":
            self._write(target, mine, series.value, asked)
        elif series.value in target.required:
            self.sheets[series.table] = Sheet(frame.drop(index=mine.tolist()).reset_index(drop=True))
        else:
            values = frame[series.value].to_numpy(float, copy=True)
            values[mine] = np.nan
            self.sheets[series.table][series.value] = values

    def _remove(self, table: Table, at: Ints) -> None:
        """Take rows out; the prices by period of an offer go with it."""
        frame = self.sheets[table.name].frame()
        if table.name == "offers":
            prices = self.sheets["prices"].frame()
            gone = prices["offer"].isin(frame["offer"].iloc[at])
            if gone.any():
                self.sheets["prices"] = Sheet(prices[~gone].reset_index(drop=True))
        self.sheets[table.name] = Sheet(frame.drop(index=at.tolist()).reset_index(drop=True))


class _Normal:
    """Columns of one table of a draft, defaults filled in."""

    def __init__(self, draft: _Draft, name: str) -> None:
        self._draft, self._name = draft, name

    def __len__(self) -> int:
        return len(self._draft.sheets[self._name])

    def __getitem__(self, column: str) -> Column:
        draft, default = self._draft, DEFAULTS.get(self._name)
        if default is None or column not in default.columns:
            return draft.sheets[self._name][column]
        if any(draft.sheets[name].frame() is not draft.before[1][name] for name in default.needs):
            draft.tables()
        return draft.before[2][self._name][column].to_numpy()


def _changed_header(header: Header, asked: Parsed) -> Header:
    change = asked.change
    before = getattr(header, change.column)
    value: object = change.value or None
    if change.op != "set":
        value = float(_computed(asked, np.array([np.nan if before is None else before], dtype=float))[0])
    try:
        return Header.model_validate({**header.content(), change.column: value})
    except ValidationError as error:
        raise asked.fault("value", error.errors(include_url=False)[0]["msg"], "Give a number") from None


def _require_hired(offers: _Normal, at: Ints, periods: Ints, asked: Parsed) -> None:
    """Raise InputError for a price by period of what is signed, or of what is not there in these periods."""
    contract = offers["contract"][at]
    signed = offers["offer"][at][(contract == "owned") | (contract == "reserved")]
    if len(signed):
        why = f"{signed[0]} is owned or reserved: its price is fixed when it is signed, for all of its term"
        mend = "Leave out what follows @, select hired offers (contract in (on_demand, interruptible)), or add an offer with a first_start"
        raise asked.fault("periods", why, mend)
    start = np.maximum(offers["first_start"], offers["lead_periods"])[at]
    if not ((start <= periods[-1]) & (offers["last_start"][at] >= periods[0])).any():
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


def _numbers(table: Table, column: str, before: Column, asked: Parsed) -> Column:
    """The numbers that `mul` or `add` makes of `before` (n,), as cells of the column."""
    if table.kinds[column] not in ("int", "float", "optional") or table.is_flag(column):
        raise asked.fault("column", f"{asked.change.column} is not a number", "Set it with =")
    numbers = _computed(asked, before.astype(float)) + 0.0  # -0 is 0
    whole = not table.is_whole(column) or bool((numbers == np.floor(numbers)).all())
    # what a column may hold is an interval: if its least and its greatest number are valid, all are
    some = np.array([numbers.min(), numbers.max()]) if whole else numbers
    _typed(table, column, [_text(number) for number in some.tolist()], asked)
    return numbers


def _text(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _computed(asked: Parsed, before: Floats) -> Floats:
    """(n,) the numbers that `mul` or `add` makes of `before`."""
    change = asked.change
    try:
        operand = float(change.value)
    except ValueError:
        operand = np.nan
    if not np.isfinite(operand):
        raise asked.fault("value", f"{change.value!r} is not a number", "Write a plain number such as 1.3")
    with np.errstate(over="ignore"):
        numbers: Floats = before * operand if change.op == "mul" else before + operand
    for i in np.flatnonzero(~np.isfinite(numbers)):
        if np.isnan(before[i]):
            raise asked.fault("column", "the cell is blank: there is no number to change", "Set it with =, or select rows that have one")
        raise asked.fault("value", "the result is too large for a number", "Give a smaller one")
    return numbers


@cache
def _blank_row(series: Series) -> dict[str, object]:
    """The cells of a row of which nothing is given but the key, the period and the value."""
    given = {series.key: series.key, PERIOD: "0", series.value: "0"}
    frame = load(RawTable(TABLES[series.table], series.table, rows=[given], lines=[1]), []).frame
    return {column: frame[column].iloc[0] for column in frame.columns}
