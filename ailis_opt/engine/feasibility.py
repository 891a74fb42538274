"""Is there any plan at all? No cost is looked at, so that most answers take one short LP.

As in the search, nothing is believed at once: "infeasible" only if a second solve without presolve agrees, "feasible" only if whole
numbers, rounded and fixed, leave an LP that has a solution.
"""

from __future__ import annotations

import time

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.engine.compile import Program
from ailis_opt.engine.dive import dive
from ailis_opt.engine.highs import Solver
from ailis_opt.engine.search import PATIENCE, SMALL

DIVE_SECONDS, DIVE_SHARE = 10.0, 0.3  # at most so long, and at most that share of the time left, for a plan by rounding
WHOLE = 1e-9


def any_plan(solver: Solver, program: Program, deadline: float) -> bool | None:
    """Whether `program` (of the matrix that the solver holds) has a plan; None if that is not known by `deadline` (monotonic seconds)."""
    if time.monotonic() >= deadline:
        return None
    solver.use(program)
    solver.forget_costs()
    relaxed = solver.relax(deadline, patience=PATIENCE)
    if relaxed.status == "infeasible":
        relaxed = solver.relax(deadline, presolve=False)
    if relaxed.status == "infeasible":
        return False
    if relaxed.x is None or relaxed.status == "limit":
        return None
    values = solver.integers(relaxed.x)
    if np.abs(values - np.round(values)).max(initial=0.0) <= WHOLE and _holds(solver, values, deadline):
        return True
    small = len(program.value) <= SMALL
    if not small:
        now = time.monotonic()
        found = dive(solver, relaxed, now + min(DIVE_SECONDS, DIVE_SHARE * (deadline - now)))
        if found is not None and _holds(solver, found, deadline):
            return True
    for strict in (False, True):
        answer = solver.search(deadline, 1.0, presolve=not (small or strict), strict=strict)
        if answer.x is not None and _holds(solver, solver.integers(answer.x), deadline):
            return True
        if answer.status == "limit":
            return None
    return False if answer.status == "infeasible" else None


def _holds(solver: Solver, integers: Floats, deadline: float) -> bool:
    """True if a plan with just these whole numbers exists."""
    rounded = np.round(integers)
    solver.set_integer_bounds(rounded, rounded)
    answer = solver.relax(deadline)
    solver.set_integer_bounds(*solver.integer_bounds)
    return answer.status == "optimal"
