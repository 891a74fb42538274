"""Numbers are checked and scaled before the solver sees them.

HiGHS takes NaN silently and drops coefficients of 1e-9 and less; its tolerances are absolute. Rows and continuous columns are
scaled by powers of two (exact in binary), so that a tolerance means the same for a row in outcomes and a row in megawatts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.engine.compile import Program
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
    for name, values in (("coefficient", p.value), ("cost", p.cost), ("outcome weight", p.lost), ("constant", np.array([p.offset, p.asked]))):
        if not np.isfinite(values).all():
            raise NumbersError(f"a {name} is not finite (entry {int(np.flatnonzero(~np.isfinite(values))[0])})")
    for name, low, high in (("row", p.row_lower, p.row_upper), ("column", p.column_lower, p.column_upper)):
        bad = np.isnan(low) | np.isnan(high) | (low == np.inf) | (high == -np.inf)
        if bad.any():
            raise NumbersError(f"a bound of {name} {int(np.flatnonzero(bad)[0])} is not a number or infinite on the wrong side")


def scale(p: Program) -> tuple[Scaling, Floats]:
    """Scaling of a program and its scaled coefficients. Raises NumbersError where an entry would still be so small that it is lost."""
    size = np.abs(p.value)
    row_of = np.repeat(np.arange(len(p.row_lower)), np.diff(p.start))
    row, column = np.ones(len(p.row_lower)), np.ones(len(p.cost))
    for _ in range(PASSES):
        row = _power_of_two(_peaks(size * column[p.index], row_of, len(row)))
        column = np.where(p.integer, 1.0, _power_of_two(_peaks(size * row[row_of], p.index, len(column))))
    value = p.value * row[row_of] * column[p.index]
    lost = (np.abs(value) <= DROPPED) & (p.value != 0)
    if lost.any():
        entry = int(np.flatnonzero(lost)[0])
        raise NumbersError(
            f"the numbers span too far: a coefficient of {p.value[entry]:g} stands beside others a billion times larger "
            f"(row {int(row_of[entry])}, column {int(p.index[entry])}); state outcomes, GPUs or money in larger or smaller units"
        )
    weight = np.abs(p.cost * column)
    weight = weight[weight > 0]
    cost = float(2.0 ** -np.round(np.log2(weight).mean())) if len(weight) else 1.0
    return Scaling(row, column, cost), value


def _peaks(size: Floats, group: np.ndarray, n: int) -> Floats:
    peak = np.zeros(n)
    np.maximum.at(peak, group, size)
    return peak


def _power_of_two(peak: Floats) -> Floats:
    """The power of two that brings the largest entry of each row or column near 1 (1 where there is none)."""
    return np.asarray(2.0 ** -np.round(np.log2(np.where(peak > 0, peak, 1.0))))
