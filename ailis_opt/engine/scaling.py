"""Numbers are checked and scaled before the solver sees them.

HiGHS takes NaN silently and drops coefficients of 1e-9 and less; its tolerances are absolute. Rows and continuous columns are
scaled by powers of two (exact in binary), so that a tolerance means the same for a row in outcomes and a row in megawatts.
"""

from __future__ import annotations

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


def scale(p: Program) -> tuple[Scaling, Floats]:
    """Scaling of a program and its scaled coefficients. Raises NumbersError where an entry would still be so small that it is lost.

    All slices share one pattern, so they share one scaling: it is found on the plan and one slice that stands for all of them,
    with the largest coefficient over the slices in each place. Ports keep their unit (GPUs, gangs, copies): each period has its own column.
    """
    layout = p.layout
    plan_entries, n = int(p.start[layout.plan.n_rows]), layout.slices
    by_slice = p.value[plan_entries:].reshape(n, -1) if n else np.zeros((1, 0))
    size = np.concatenate(
        [np.abs(p.value[:plan_entries]), np.maximum(by_slice.max(axis=0, initial=0.0), -by_slice.min(axis=0, initial=0.0))]
    )
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
    value = np.empty_like(p.value)
    np.multiply(p.value[:plan_entries], factor[:plan_entries], out=value[:plan_entries])
    np.multiply(by_slice, factor[plan_entries:], out=value[plan_entries:].reshape(by_slice.shape))
    _refuse_lost(p, value)
    scaling_row, scaling_column = _repeated(row, layout.plan.n_rows, n), _repeated(column, layout.plan.n_columns, n)
    weight = p.cost * scaling_column
    weight = np.log2(np.abs(weight[weight != 0]))
    return Scaling(scaling_row, scaling_column, float(2.0 ** -np.round(weight.mean())) if len(weight) else 1.0), value


def _repeated(values: Floats, once: int, slices: int) -> Floats:
    """The plan's values, then those of a slice over and over."""
    whole = np.empty(once + slices * (len(values) - once))
    first, many = split(whole, once, slices)
    first[:], many[:] = values[:once], values[once:]
    return whole


def _refuse_lost(p: Program, value: Floats) -> None:
    small = np.flatnonzero((value <= DROPPED) & (value >= -DROPPED))
    small = small[p.value[small] != 0]
    if len(small):
        entry = int(small[0])
        row = int(np.searchsorted(p.start, entry, side="right")) - 1
        raise NumbersError(
            f"the numbers span too far: a coefficient of {p.value[entry]:g} stands beside others a billion times larger "
            f"(row {row}, column {int(p.index[entry])}); state outcomes, GPUs or money in larger or smaller units"
        )


def _peaks(size: Floats, group: Ints, n: int) -> Floats:
    peak = np.zeros(n)
    np.maximum.at(peak, group, size)
    return peak


def _power_of_two(peak: Floats) -> Floats:
    """The power of two that brings the largest entry of each row or column near 1 (1 where there is none)."""
    return np.asarray(2.0 ** -np.round(np.log2(np.where(peak > 0, peak, 1.0))))
