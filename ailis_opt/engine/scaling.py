"""Numbers are checked and scaled before the solver sees them.

HiGHS takes NaN silently and drops coefficients of 1e-9 and less; its tolerances are absolute. Rows and continuous columns are
scaled by powers of two (exact in binary), so that a tolerance means the same for a row in outcomes and a row in megawatts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ailis_models import decisions
from ailis_models.arrays import Floats, Ints
from ailis_opt.engine.compile import Program, split
from ailis_opt.errors import NumbersError

DROPPED = 1e-9  # HiGHS: small_matrix_value
PASSES = 2


@dataclass(frozen=True, slots=True)
class Scaling:
    """x = column · x', and row i is multiplied by row[i]; the objective by `cost`."""

    row: Floats
    column: Floats
    cost: float
    entry: Floats  # (entries,) or (entries of the plan and of one slice,) what the coefficients are multiplied by


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

    All slices share one pattern, so they share one scaling: it is found on the plan and one slice that stands for all of them,
    with the largest coefficient over the slices in each place. Ports keep their unit (GPUs, gangs, copies): each period has its own column.
    """
    layout = p.layout
    plan_entries, n = int(p.start[layout.plan.n_rows]), layout.slices
    once, many = split(p.value, plan_entries, n)
    size = np.concatenate([np.abs(once[0]), np.maximum(many.max(axis=0, initial=0.0), -many.min(axis=0, initial=0.0))])
    rows, columns = layout.plan.n_rows + layout.slice.n_rows, layout.plan.n_columns + layout.slice.n_columns
    start, index = p.start[: rows + 1], p.index[: len(size)].astype(np.int64)
    outside = index >= layout.plan.n_columns  # exports name columns of any slice
    index[outside] = layout.plan.n_columns + (index[outside] - layout.plan.n_columns) % max(layout.slice.n_columns, 1)
    row_of = np.repeat(np.arange(rows), np.diff(start))
    kept = p.integer[:columns].copy()
    for group in layout.plan.columns:
        if group.name in decisions.PORTS:
            kept[group.start : group.start + len(group.keys)] = True
    row, column = np.ones(rows), np.ones(columns)
    for _ in range(PASSES):
        row = _power_of_two(_peaks(size * column[index], row_of, rows))
        column = np.where(kept, 1.0, _power_of_two(_peaks(size * row[row_of], index, columns)))
    factor = row[row_of] * column[index]
    _refuse_lost(p, once, factor[:plan_entries])
    _refuse_lost(p, many, factor[plan_entries:])
    scaling_row, scaling_column = _repeated(row, layout.plan.n_rows, n), _repeated(column, layout.plan.n_columns, n)
    weight = p.cost * scaling_column
    weight = np.log2(np.abs(weight[weight != 0]))
    return Scaling(scaling_row, scaling_column, float(2.0 ** -np.round(weight.mean())) if len(weight) else 1.0, factor)


@contextmanager
def scaled(p: Program, by: Scaling) -> Iterator[None]:
    """Inside, the program's numbers are those that the solver sees. They are scaled in place, as copies would take longer, and put back."""
    matrix = [(p.value, by.entry)]
    if len(by.entry) != len(p.value):
        plan_entries = int(p.start[p.layout.plan.n_rows])
        once, many = split(p.value, plan_entries, p.layout.slices)
        matrix = [(once, by.entry[:plan_entries]), (many, by.entry[plan_entries:])]

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


def _repeated(values: Floats, once: int, slices: int) -> Floats:
    """The plan's values, then those of a slice over and over."""
    whole = np.empty(once + slices * (len(values) - once))
    first, many = split(whole, once, slices)
    first[:], many[:] = values[:once], values[once:]
    return whole


def _refuse_lost(p: Program, values: Floats, factor: Floats) -> None:
    """Raise NumbersError if any of the entries (slices or 1, entries), a part of the program's, is scaled to nothing."""
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
