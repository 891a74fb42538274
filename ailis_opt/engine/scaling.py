"""Numbers are checked and scaled before the solver sees them.

HiGHS takes NaN silently and drops coefficients of 1e-9 and less; its tolerances are absolute. Rows and continuous columns are
scaled by powers of two (exact in binary), so that a tolerance means the same for a row in outcomes and a row in megawatts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ailis_models import decisions
from ailis_models.arrays import Floats, Ints
from ailis_opt.engine.compile import Layout, Program, split
from ailis_opt.errors import NumbersError

DROPPED = 1e-9  # HiGHS: small_matrix_value
PASSES = 2
EQUILIBRATING = 6
WORTH, LEAST_WORTH = 0.25, 1e-2  # the power of prices that scales a row; against the usual price none counts less
MOST = 2.0**5  # rows and columns are scaled by no more, so that tolerances keep a meaning


@dataclass(frozen=True, slots=True)
class Scaling:
    """x = column · x', and row i is multiplied by row[i]; the objective by `cost`."""

    row: Floats
    column: Floats
    cost: float
    entry: Floats  # (entries,) or (entries of the plan, of one scenario and of one slice,) what the coefficients are multiplied by
    before: Scaling | None = None  # what it was made of, if it is good for relaxations only: whole columns are scaled, too


def check(p: Program) -> None:
    """Refuse numbers that no solver should see.

    Raises NumbersError naming what is wrong: a coefficient, cost or bound that is NaN, an infinite coefficient or cost, crossed bounds.
    """
    for name, values in (
        ("coefficient", p.value),
        ("cost", p.cost),
        ("outcome weight", p.lost),
        ("constant", np.array([p.offset, p.asked])),
    ):
        if not np.isfinite(values.sum()) and not np.isfinite(values).all():
            raise NumbersError(f"a {name} is not finite (entry {int(np.flatnonzero(~np.isfinite(values))[0])})")
    for name, low, high in (("row", p.row_lower, p.row_upper), ("column", p.column_lower, p.column_upper)):
        good = (low < np.inf) & (high > -np.inf)  # NaN is neither
        if not good.all():
            raise NumbersError(f"a bound of {name} {int(np.argmin(good))} is not a number or infinite on the wrong side")


def scale(p: Program) -> Scaling:
    """Scaling of a program. Raises NumbersError where an entry would still be so small that it is lost.

    All slices share one pattern, and all scenarios another, so they share one scaling: it is found on the plan and on one scenario and one
    slice that stand for all of them, with the largest coefficient in each place. Ports keep their unit (GPUs, gangs, copies): each period
    has its own column.
    """
    layout, kept = p.layout, p.integer.copy()
    for scope, group in layout.groups():
        if group.name in decisions.PORTS:
            kept[layout.numbers(scope, group)] = True
    parts = split(p.value, _entries(p))
    size = np.concatenate([np.maximum(part.max(axis=0, initial=0.0), -part.min(axis=0, initial=0.0)) for part in parts])
    pattern = np.concatenate([part[0] for part in split(p.index, _entries(p)) if len(part)]).astype(np.int64)
    of_column = _of_all(layout, rows=False)
    index, kept = of_column[pattern], _of_one(layout.parts(kept))
    row_of = _row_of(p)
    rows, columns = (sum(getattr(extent, n) for extent, _ in layout.scopes) for n in ("n_rows", "n_columns"))
    row, column = np.ones(rows), np.ones(columns)
    for _ in range(PASSES):
        row = _power_of_two(_peaks(size * column[index], row_of, rows))
        column = np.where(kept, 1.0, _power_of_two(_peaks(size * row[row_of], index, columns)))
    factor = row[row_of] * column[index]
    for part, of_part in zip(parts, _split_one(factor, _entries(p)), strict=True):
        _refuse_lost(p, part, of_part)
    scaling_row, scaling_column = row[_of_all(layout, rows=True)], column[of_column]
    weight = p.cost * scaling_column
    weight = np.log2(np.abs(weight[weight != 0]))
    return Scaling(scaling_row, scaling_column, float(2.0 ** -np.round(weight.mean())) if len(weight) else 1.0, factor)


def equilibrated(p: Program, row_of: Ints, by: Scaling, price: Floats) -> Scaling:
    """A scaling made better for going on from a relaxation with these prices of the rows; `row_of`: the row of each entry.

    Rows and columns are multiplied by 1/√(smallest·largest entry), a column's cost being one of its entries, as HiGHS does it; then rows
    by a power of their prices, so that what matters is what costs.
    """
    row, column = by.row, by.column
    size, cost = np.abs(p.value) * by.entry, np.abs(p.cost) * column * by.cost
    more_row, more_column = np.ones(len(row)), np.ones(len(column))
    for _ in range(EQUILIBRATING):
        more_column = _middle(size * more_row[row_of], p.index, np.where(cost > 0, cost, np.nan))
        more_row = _middle(size * more_column[p.index], row_of, np.full(len(row), np.nan))
    worth = np.abs(price) / row * by.cost / more_row
    usual = np.median(worth[worth > 0]) if (worth > 0).any() else 1.0
    more_row = more_row * np.maximum(worth / usual, LEAST_WORTH) ** WORTH
    by_row, by_column = (2.0 ** np.round(np.log2(np.clip(more, 1 / MOST, MOST))) for more in (more_row, more_column))
    return Scaling(row * by_row, column * by_column, by.cost, by.entry * by_row[row_of] * by_column[p.index], before=by)


def _middle(size: Floats, group: NDArray[Any], other: Floats) -> Floats:
    """1/√(smallest·largest) of the sizes in each group, `other` (NaN: none) being one of them; 1 where there are none."""
    least, most = np.fmin(other, np.inf), np.fmax(other, 0.0)
    np.minimum.at(least, group, np.where(size > 0, size, np.inf))
    np.maximum.at(most, group, size)
    some = most > 0
    return np.where(some, 1.0 / np.sqrt(np.where(some, least, 1.0) * np.where(some, most, 1.0)), 1.0)


def _entries(p: Program) -> list[tuple[int, int]]:
    """Entries of the plan, of a scenario and of a slice, and how often they are there."""
    row, sizes = 0, []
    for extent, count in p.layout.scopes:
        sizes.append((int(p.start[row + extent.n_rows] - p.start[row]), count))
        row += extent.n_rows * count
    return sizes


def _of_all(layout: Layout, rows: bool) -> Ints:
    """For every column, or row, of the program the one of the plan, of a scenario or of a slice that it is."""
    found, before = [], 0
    for extent, count in layout.scopes:
        size = extent.n_rows if rows else extent.n_columns
        found.append(np.tile(before + np.arange(size), count))
        before += size
    return np.concatenate(found)


def _row_of(p: Program) -> Ints:
    """The row of each entry of the plan, of one scenario and of one slice."""
    found, first, before = [], 0, 0
    for extent, count in p.layout.scopes:
        found.append(before + np.repeat(np.arange(extent.n_rows), np.diff(p.start[first : first + extent.n_rows + 1])))
        first += extent.n_rows * count
        before += extent.n_rows
    return np.concatenate(found)


def _of_one(parts: tuple[Any, ...]) -> Any:
    """The values of the plan, of the first scenario and of the first slice."""
    return np.concatenate([part[0] for part in parts if len(part)])


def _split_one(values: Floats, entries: list[tuple[int, int]]) -> tuple[Floats, ...]:
    """Values of the plan, of a scenario and of a slice, apart."""
    return tuple(part[0] for part in split(values, [(size, 1) for size, _ in entries]))


@contextmanager
def scaled(p: Program, by: Scaling) -> Iterator[None]:
    """Inside, the program's numbers are those that the solver sees. They are scaled in place, as copies would take longer, and put back."""
    matrix = [(p.value, by.entry)]
    if len(by.entry) != len(p.value):
        matrix = list(zip(split(p.value, _entries(p)), _split_one(by.entry, _entries(p)), strict=True))

    def turn(into: np.ufunc, out_of: np.ufunc) -> None:
        for values, factor in (*matrix, (p.row_lower, by.row), (p.row_upper, by.row), (p.cost, by.column), (p.cost, by.cost)):
            into(values, factor, out=values)
        for values in (p.column_lower, p.column_upper):
            out_of(values, by.column, out=values)

    turn(np.multiply, np.divide)
    try:
        yield
    finally:
        turn(np.divide, np.multiply)


def _refuse_lost(p: Program, values: Floats, factor: Floats) -> None:
    """Raise NumbersError if any of the entries (scenarios, slices or 1, entries), a part of the program's, is scaled to nothing."""
    most = DROPPED / factor
    lost = (values <= most) & (values >= -most)
    if lost.any() and (values[lost] != 0).any():
        value = values[lost][values[lost] != 0][0]
        entry = int(np.flatnonzero(p.value == value)[0])
        row = int(np.searchsorted(p.start, entry, side="right")) - 1
        raise NumbersError(
            f"the numbers span too far: a coefficient of {value:g} stands beside others a billion times larger "
            f"(row {row}, column {int(p.index[entry])}); state outcomes, GPUs or money in larger or smaller units"
        )


def _peaks(size: Floats, group: Ints, n: int) -> Floats:
    peak = np.zeros(n)
    np.maximum.at(peak, group, size)
    return peak


def _power_of_two(peak: Floats) -> Floats:
    """The power of two that brings the largest entry of each row or column near 1 (1 where there is none)."""
    return np.asarray(2.0 ** -np.round(np.log2(np.where(peak > 0, peak, 1.0))))
