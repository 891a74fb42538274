"""What the questions of a planner share: intervals, the clock, and programs whose objective is one sum of money.

A ratio N/D is turned into money at its price q: V(x) = N(x) + q·lost(x) = N(x) − q·D(x) + q·asked, so V − q·asked is what a plan costs
above q for every outcome (Dinkelbach's function; methods b). Where cost is minimized q = 0 and V = N.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from ailis_models.arrays import Floats, Ints
from ailis_opt.engine.compile import Program
from ailis_opt.engine.highs import Solver
from ailis_opt.engine.search import Options, Outcome, Progress, Search

Report = Callable[[Progress], bool]
"""Told of the progress of a search; True stops it."""

ROUNDING = 1e-9  # relative: what two solves of the same thing may differ by


@dataclass(frozen=True, slots=True)
class Range:
    """An interval that is certified to hold a value."""

    lower: float
    upper: float

    def to_dict(self) -> dict[str, float | None]:
        """Both ends; None where there is none."""
        return {"lower": finite(self.lower), "upper": finite(self.upper)}


def finite(value: float) -> float | None:
    """The value for JSON, None where it is infinite or not a number."""
    return value if math.isfinite(value) else None


class Clock:
    """Seconds that are left of a time limit."""

    def __init__(self, time_limit: float) -> None:
        self.end = time.monotonic() + time_limit

    @property
    def left(self) -> float:
        return max(self.end - time.monotonic(), 0.0)

    def share(self, part: float, least: float = 1.0) -> float:
        """A part of what is left, but at least so many seconds if they are there."""
        return min(self.left, max(part * self.left, least)) if math.isfinite(self.end) else math.inf


def priced(program: Program, price: float) -> Program:
    """The same program with V at that price as its cost."""
    return replace(program, cost=program.cost + price * program.lost, lost=np.zeros_like(program.lost))


def money(program: Program, x: Floats) -> float:
    """The cost of a plan in a program without lost outcomes (V of the program it was made from)."""
    return program.split(x)[0]


def least(
    solver: Solver,
    program: Program,
    gap: float,
    time_limit: float,
    start: Floats | None = None,
    report: Report = lambda _: False,
    quick: bool = False,
    tries: Iterable[Floats] = (),
) -> Outcome:
    """The plan of least cost in a program without lost outcomes, in a solver that holds its matrix.

    `start`: a plan that is known; `tries`: whole numbers (of all columns) that may make one.
    """
    solver.use(program)
    search = Search(program, Options(False, gap, time_limit, quick=quick, duals=False), report, solver)
    search.best = start
    solver.set_price(0.0)
    for x in tries:
        whole = np.round(solver.integers(x))
        lower, upper = solver.integer_bounds
        if ((lower <= whole) & (whole <= upper)).all():
            search.polish(whole)
    return search.run()


def in_money(program: Program, outcome: Outcome, ratio: bool) -> tuple[float, Range]:
    """The price q at which V is counted, and the interval of min V, from what a search of the program found.

    `ratio`: the search minimized cost per outcome. With q = upper: N >= lower·D for every plan, so V >= lower·asked.
    """
    unit = program.asked if ratio else 1.0
    price = outcome.upper if ratio and program.lost.any() else 0.0
    return price, Range(outcome.lower * unit, outcome.upper * unit)


@contextmanager
def row(solver: Solver, columns: Ints, values: Floats, lower: float, upper: float) -> Iterator[None]:
    """Inside, the solver's program has one row more: lower <= values·x[columns] <= upper."""
    solver.add_row(columns, values, lower, upper)
    try:
        yield
    finally:
        solver.drop_added_row()
