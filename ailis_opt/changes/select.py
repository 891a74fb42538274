"""Which rows a change is about."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from ailis_models.arrays import Bools, Ints
from ailis_opt.changes.conditions import Condition, Word
from ailis_opt.changes.parse import Parsed
from ailis_opt.changes.sheet import Column
from ailis_opt.io.raw import nearest
from ailis_opt.schema import Table

NO_ROW = "no row matches"
_ORDER: dict[str, Callable[[Any, Any], Any]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Columns(Protocol):
    """A table: columns by name, of equal length."""

    def __len__(self) -> int:
        """Rows."""

    def __getitem__(self, column: str, /) -> Any:
        """A column, as an array or a series."""


def matching(table: Table, frame: Columns, asked: Parsed) -> Ints:
    """Positions of the rows that meet every condition; at least one.

    Raises InputError where none does: at the first condition that no row meets, with the nearest value that there is.
    """
    hit = np.ones(len(frame), dtype=bool)
    for condition in asked.conditions:
        mine = meets(table, frame, condition)
        if not mine.any():
            raise _nothing(table, frame, asked, condition)
        hit &= mine
    if not hit.any():
        why = NO_ROW if asked.conditions else f"the table {table.name} has no rows"
        mend = "Each condition is met by some row, but no row meets all of them" if asked.conditions else f"Add one: {table.name} + {{…}}"
        raise asked.fault("where" if asked.conditions else "table", why, mend)
    return np.flatnonzero(hit)


def meets(table: Table, frame: Columns, condition: Condition) -> Bools:
    """(rows,) where the condition is met."""
    values = np.asarray(frame[condition.column])
    if condition.comparison in _ORDER:
        return np.asarray(_ORDER[condition.comparison](values.astype(float), float(condition.words[0].text)))
    hit = np.zeros(len(values), dtype=bool)
    for word in condition.words:
        hit |= _equal(table, condition.column, values, word)
    return ~hit if condition.comparison == "!=" else hit


def _equal(table: Table, column: str, values: Column, word: Word) -> Bools:
    """Where a column has the value: as text, as a number, as one item of a list. A blank is met by a blank."""
    kind = table.kinds[column]
    if kind == "list":
        test = _test(word)
        return np.array([any(map(test, items)) if word.text else not items for items in values], dtype=bool)
    if kind == "text":
        if word.exact or "*" not in word.text:
            return np.asarray(values == word.text, dtype=bool)
        test = _test(word)
        return np.array([test(value) for value in values], dtype=bool)
    held = values.astype(float)
    if table.is_flag(column):
        return np.asarray(held == (word.text.lower() in ("true", "yes", "1")))
    return np.asarray(held == float(word.text) if word.text else np.isnan(held))


def _test(word: Word) -> Callable[[str], bool]:
    """Whether a text is the value; where it was not quoted, `*` stands for any text."""
    if word.exact:
        return word.text.__eq__
    pattern = re.compile(".*".join(map(re.escape, word.text.split("*"))), re.DOTALL)
    return lambda text: pattern.fullmatch(text) is not None


def _nothing(table: Table, frame: Columns, asked: Parsed, condition: Condition) -> Exception:
    """The fault of a condition that no row meets."""
    first, last = condition.words[0], condition.words[-1]
    why = f"{NO_ROW}: no {condition.column} of {table.name} is {first.text!r}"
    if condition.comparison != "=":
        why = f"{NO_ROW}: no {condition.column} of {table.name} is so"
    values = np.asarray(frame[condition.column])
    kind = table.kinds[condition.column]
    if kind in ("text", "list") and condition.comparison in ("=", "in"):
        held = sorted({item for items in values for item in items} if kind == "list" else set(values) - {""})
        mend = nearest(first.text.strip("*"), held)
    elif kind in ("text", "list"):
        mend = "Leave out the condition"
    else:
        numbers = values.astype(float)
        numbers = numbers[~np.isnan(numbers)]
        mend = f"The column goes from {numbers.min():g} to {numbers.max():g}" if len(numbers) else "The column is blank in every row"
    return asked.fault((first.span[0], last.span[1]), why, mend)
