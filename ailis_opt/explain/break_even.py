"""The price per GPU-hour at which the best plan that takes an offer costs what the best plan without it does.

price asked − min_x (V(x) − V without) / paid GPU-hours(x) over plans x that take some of the offer: a ratio, found by Dinkelbach's method
with what the offer gets cheaper by as the parameter (methods a.5, b). A lot that may start in several periods is thereby judged where it
does best, and offers that pay only together with more of their own lots are, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.engine.compile import Program
from ailis_opt.engine.highs import Solver
from ailis_opt.explain.offers import Stand
from ailis_opt.explain.priced import ROUNDING, Clock, Range, Report, least, money, row

STEPS = 8  # of Dinkelbach's method, which needs two or three
SLIVER = 1e-3  # of the GPU-hours of a lot: the least that counts where parts of lots are sold, or nothing is paid that is not used
NEVER = Range(-np.inf, -np.inf)


@contextmanager
def taken(solver: Solver, program: Program, place: Stand, fewest: float = 1.0, most: float = np.inf) -> Iterator[Program]:
    """Inside, the solver asks for so many lots: of all periods together, or of a hired offer in every slice as far as it is there.

    The program that it yields is the one to solve.
    """
    if not place.committed:
        lower, upper, at = program.column_lower.copy(), program.column_upper.copy(), place.columns
        upper[at] = np.minimum(upper[at], most)
        lower[at] = np.maximum(lower[at], np.minimum(upper[at], fewest))
        yield replace(program, column_lower=lower, column_upper=upper)
        return
    with row(solver, place.columns, np.ones(len(place.columns)), fewest, most):
        yield program


@contextmanager
def used(solver: Solver, program: Program, place: Stand, slivers: bool, most: float = np.inf) -> Iterator[Program]:
    """Inside, some of the offer is paid for: a lot, or with `slivers` (and where nothing is paid that is not used) a small part of one."""
    if place.committed and (slivers or not place.gpu_hours.min(initial=np.inf) > 0):
        columns, hours = place.paid
        with row(solver, columns, hours, _sliver(place), np.inf):
            yield program
    else:
        with taken(solver, program, place, most=most) as forced:
            yield forced


def _sliver(place: Stand) -> float:
    return SLIVER * place.lot_hours


def shortest(program: Program, place: Stand, slivers: bool) -> float:
    """GPU-hours that any plan pays which takes what `used` asks for."""
    upper = program.column_upper[place.columns]
    there = upper > 0 if (upper > 0).any() else place.gpu_hours > 0
    if not place.committed:
        return float(place.gpu_hours[there] @ np.minimum(upper[there], 1.0))
    least_hours = float(place.gpu_hours[there].min(initial=np.inf))
    return _sliver(place) if slivers or not least_hours > 0 else least_hours


def cheaper(program: Program, place: Stand, by: float) -> Program:
    """The program with the offer's price per GPU-hour lowered."""
    cost, (columns, hours) = program.cost.copy(), place.paid
    cost[columns] -= by * hours
    return replace(program, cost=cost)


def break_even(
    solver: Solver,
    program: Program,
    place: Stand,
    zero: Range,
    plan: Floats | None,
    gap: float,
    clock: Clock,
    *,
    slivers: bool = False,
    most: float = np.inf,
    report: Report = lambda _: False,
) -> tuple[Range, Floats | None]:
    """The interval of the break-even price, and the plan that attains it; both ends −inf where no plan can take any of the offer.

    `program`: without lost outcomes, the offer at `place.price`. `zero`: the cost of the best plan without it; where that is infinite, so
    is the price. `plan`: one that takes the offer. The lower end is attained by a plan; the upper is proven. Either is infinite where the
    time ended before.
    """
    if np.isinf(zero.lower):
        return Range(np.inf, np.inf), plan
    if plan is None or place.hours(plan) <= 0:
        with used(solver, program, place, slivers, most) as forced:
            found = least(solver, forced, gap, clock.share(0.3), report=report)
        if found.status == "infeasible":
            return NEVER, None
        plan = found.x
    best, hours_least, scale = plan, shortest(program, place, slivers), max(place.price, 1e-6)
    low, high, proven = -np.inf, np.inf, False
    for _ in range(STEPS):
        if plan is None or clock.left <= 0:
            break
        hours, cost = place.hours(plan), money(program, plan)
        improved = (cost - zero.lower) / hours < high - ROUNDING * scale
        if improved:
            high, best = (cost - zero.lower) / hours, plan
        step = (cost - zero.upper) / hours
        if not improved:  # what is left is to prove that at a price a little higher no plan that takes it is as good
            step -= 2 * gap * abs(cost) / hours
        with used(solver, cheaper(program, place, step), place, slivers, most) as forced:
            found = least(solver, forced, gap, clock.share(0.3), plan, report)
        low = max(low, step + min(found.lower - zero.upper, 0.0) / hours_least)
        if found.x is None or proven:
            break
        proven, plan = not improved, found.x
    ends = [0.0 if abs(x) <= ROUNDING * scale else x for x in (place.price - high, place.price - min(low, high))]
    return Range(*ends), best
