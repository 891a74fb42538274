"""Rows that a program can do without: those that cannot bind, and those of one open column, which are bounds of that column.

Closed routes leave many of both behind. HiGHS's presolve finds more, but leaves no basis behind to start from; this keeps one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ailis_models.arrays import Bools, Floats, Ints

TIGHT = 1e-9  # by which a row may miss its bound and still count as one that cannot bind
WHOLE = 1e-6  # by which a bound of a whole column may miss a whole number
PASSES = 4  # a bound that moved may leave more rows without effect; few do after so many


@dataclass(slots=True)
class Reduction:
    """What is left. `rows`: (rows,) True for those still needed; `lower`, `upper`: (columns,) bounds with the rows that became bounds.

    `low_row`, `high_row`: (columns,) the row that is now the bound, −1 where the bound is the column's own.
    """

    rows: Bools
    lower: Floats
    upper: Floats
    low_row: Ints
    high_row: Ints


def reduce(entries: tuple[Ints, Ints, Floats], rows: tuple[Floats, Floats], columns: tuple[Floats, Floats], whole: Bools) -> Reduction:
    """The rows needed of lower <= A x <= upper. `entries`: rows, columns and values of A; all as the solver sees them, scaled.

    `whole`: (columns,) True where only whole numbers count.
    """
    low, high = rows
    row, column, value = (each[entries[2] != 0] for each in entries)
    limited, (low_row, high_row) = (low > -np.inf) | (high < np.inf), np.full((2, len(whole)), -1)
    found = Reduction(limited, columns[0].copy(), columns[1].copy(), low_row, high_row)
    for _ in range(PASSES):
        needed = int(found.rows.sum())
        row, column, value = _still(found, row, column, value)
        least, most = _activity(found, row, column, value, len(low))
        open_ = found.lower[column] < found.upper[column]
        count = np.bincount(row[open_], minlength=len(low))
        fixed = np.bincount(row[~open_], weights=value[~open_] * found.lower[column[~open_]], minlength=len(low))
        single = open_ & (count[row] == 1)
        crossed = _as_bounds(found, (row[single], column[single], value[single]), low - fixed, high - fixed, whole)
        turned = count == 1
        turned[crossed] = False
        found.rows &= ~(turned | (least >= low - _slack(low)) & (most <= high + _slack(high)))
        if int(found.rows.sum()) == needed:
            break
    return found


def _slack(bound: Floats) -> Floats:
    return np.asarray(TIGHT * np.maximum(1.0, np.abs(np.where(np.isfinite(bound), bound, 0.0))))


def _still(found: Reduction, row: Ints, column: Ints, value: Floats) -> tuple[Ints, Ints, Floats]:
    keep = found.rows[row]
    return row[keep], column[keep], value[keep]


def _activity(found: Reduction, row: Ints, column: Ints, value: Floats, count: int) -> tuple[Floats, Floats]:
    """(rows,) the least and the most that A x can be within the bounds of the columns."""
    up = value > 0
    lower, upper = found.lower[column], found.upper[column]
    least, most = (value * np.where(up, one, other) for one, other in ((lower, upper), (upper, lower)))
    return np.bincount(row, least, count).astype(float), np.bincount(row, most, count).astype(float)


def _as_bounds(found: Reduction, single: tuple[Ints, Ints, Floats], low: Floats, high: Floats, whole: Bools) -> Ints:
    """Rows of one open column, `single`, as bounds of it, the tightest of each; `low`, `high`: the rows' bounds less what is fixed.

    Returns the rows of columns whose bounds would cross: they stay rows, and nothing is feasible.
    """
    row, column, value = single
    one, other = low[row] / value, high[row] / value
    lower, upper = np.where(value > 0, one, other), np.where(value > 0, other, one)
    mine = whole[column]
    lower[mine], upper[mine] = np.ceil(lower[mine] - WHOLE), np.floor(upper[mine] + WHOLE)
    least, most = found.lower.copy(), found.upper.copy()
    np.maximum.at(least, column, lower)
    np.minimum.at(most, column, upper)
    crossed = (least > most + _slack(most))[column]
    for bound, sign, by, values in ((found.lower, 1.0, found.low_row, lower), (found.upper, -1.0, found.high_row, upper)):
        tightest = np.argsort(sign * values, kind="stable")  # of one column the last one written counts
        tightest = tightest[(sign * values[tightest] > sign * bound[column[tightest]]) & ~crossed[tightest]]
        bound[column[tightest]], by[column[tightest]] = values[tightest], row[tightest]
    found.upper[column] = np.maximum(found.lower[column], found.upper[column])
    return row[crossed]
