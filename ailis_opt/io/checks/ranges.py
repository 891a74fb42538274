"""Numbers that must agree with one another: the horizon, periods inside it, least and most."""

from __future__ import annotations

import math
from datetime import date

from ailis_opt.io.checks.scope import Scope
from ailis_opt.schema import Horizon
from ailis_opt.schema.header import MOST_SLICES

PERIODS = (
    ("power", "period"),
    ("offers", "first_start"),
    ("offers", "last_start"),
    ("prices", "period"),
    ("workloads", "release_period"),
    ("workloads", "deadline_period"),
    ("demand", "period"),
    ("curves", "period"),
    ("hedges", "first_period"),
    ("hedges", "last_period"),
    ("changes", "first_period"),
    ("changes", "last_period"),
)
ORDERED = (
    ("offers", "first_start", "last_start"),
    ("offers", "min_lots", "max_lots"),
    ("offers", "min_lots", "max_lots_per_period"),
    ("workloads", "release_period", "deadline_period"),
    ("hedges", "first_period", "last_period"),
    ("changes", "first_period", "last_period"),
)
_DAYS = {"month": 31.0, "week": 7.0, "day": 1.0, "hour": 1 / 24}
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2261, 12, 31)


def horizon(scope: Scope) -> None:
    """Blocks have names of their own and fill the period; the slices are not too many; the dates are of this age."""
    given = scope.document.horizon
    if given is None:
        return
    where, fault, faults = ("horizon", "blocks"), scope.document.fault, scope.faults
    names = [b.block for b in given.blocks]
    total = math.fsum(b.share for b in given.blocks)
    if len(set(names)) < len(names):
        faults.append(fault(where, names, "two blocks have the same name", "Rename one of them"))
    if abs(total - 1) > 1e-9:
        faults.append(fault(where, f"{total:.12g}", "the shares of the blocks do not sum to 1", "Correct the shares"))
    slices = given.periods * len(names)
    if slices > MOST_SLICES:
        faults.append(
            fault(
                ("horizon", "periods"), slices, f"more than {MOST_SLICES} slices (periods x blocks)", "Take longer periods or fewer blocks"
            )
        )
    if given.start < _FIRST_DAY or _days_left(given) < 0:
        why = f"the horizon is not inside {_FIRST_DAY.year} to {_LAST_DAY.year}"
        faults.append(fault(("horizon", "start"), given.start, why, "Give an earlier start or fewer periods, or mend the year"))


def _days_left(given: Horizon) -> float:
    return _LAST_DAY.toordinal() - given.start.toordinal() - given.periods * _DAYS[given.period]


def period(scope: Scope, table: str, column: str) -> None:
    """Periods of a column lie inside the horizon."""
    if scope.document.horizon is not None:
        last = scope.document.horizon.periods - 1
        beyond = scope.frame(table)[column] > last
        scope.rows(table, beyond, column, "after the end of the horizon", f"Periods count from 0: give 0 to {last}")


def order(scope: Scope, table: str, low: str, high: str) -> None:
    """Least is not above most, nor first after last."""
    frame = scope.frame(table)
    scope.rows(table, frame[low] > frame[high], low, f"more than {high}", f"Lower {low} or raise {high}", (high,))
