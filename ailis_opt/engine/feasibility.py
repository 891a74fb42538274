"""Is there any plan at all? No cost is looked at, so that most answers take one short LP.

Only where there is a budget are costs minimized instead, until a plan is within it or none can be: as a limit on all columns at once a
budget makes the LP many times harder. As in the search, nothing is believed at once: "infeasible" only if a second solve, another way,
agrees, "feasible" only if whole numbers, rounded and fixed, leave an LP that has a solution.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.engine.compile import Program
from ailis_opt.engine.core import NEAR as NEAR_CORE
from ailis_opt.engine.core import core_of
from ailis_opt.engine.dive import dive
from ailis_opt.engine.highs import Answer, Solver
from ailis_opt.engine.search import PATIENCE, SMALL
from ailis_opt.errors import AilisError

DIVE_SECONDS, DIVE_SHARE = 2.0, 0.3  # at most so long, and at most that share of the time left, for a plan by rounding
WHOLE = 1e-9
NEAR = 1e-7  # of the budget: what is over it by less is within it
BUDGET = "L16.budget"


def any_plan(solver: Solver, program: Program, deadline: float, budget: float = np.inf, relaxed_only: bool = False) -> bool | None:
    """Whether `program` (of the matrix that the solver holds) has a plan; None if that is not known by `deadline` (monotonic seconds).

    `budget`: what all cost must stay within, if the program's budget row is in force. With `relaxed_only` whole numbers may be fractions:
    "no" is as true as without it, and "yes" is one LP away.
    """
    if time.monotonic() >= deadline:
        return None
    row = _budget_row(program)
    most = np.inf
    if row is not None and np.isfinite(program.row_upper[row]):
        upper = program.row_upper.copy()
        upper[row] = np.inf
        program, most = replace(program, row_upper=upper), budget * (1 + NEAR) - program.offset
    try:
        return _Question(solver, program, deadline, most).answer(relaxed_only)
    except AilisError:  # HiGHS 1.15 now and then ends with the status "unknown" where it starts from an old basis
        return _Question(Solver(program), program, deadline, most).answer(relaxed_only)


def _budget_row(program: Program) -> int | None:
    """The row of the budget, where it limits the one cost that there is: that of a single scenario."""
    layout = program.layout
    found = next((group for _, group in layout.groups(rows=True) if group.name == BUDGET and group.keys), None)
    return None if found is None or layout.scenarios > 1 else int(layout.numbers(1, found, rows=True)[0, 0])


class _Question:
    """One program, and the most that the solver's objective may be."""

    def __init__(self, solver: Solver, program: Program, deadline: float, most: float) -> None:
        self.solver, self.program, self.deadline, self.most = solver, program, deadline, most
        solver.use(program)
        if np.isfinite(most):
            solver.set_price(0.0)
        else:
            solver.forget_costs()

    def answer(self, relaxed_only: bool) -> bool | None:
        """Whether there is a plan."""
        relaxed = self.solver.relax(self.deadline, patience=PATIENCE)
        if relaxed.status == "infeasible":
            relaxed = self.solver.relax_otherwise(self.deadline)
        if relaxed.status == "infeasible":
            return False
        if relaxed.x is None or relaxed.status == "limit":
            return None
        if relaxed.objective > self.most:
            return False
        if relaxed_only:
            return True
        values = self.solver.integers(relaxed.x)
        if np.abs(values - np.round(values)).max(initial=0.0) <= WHOLE and self._holds(values):
            return True
        return self._whole(relaxed)

    def _whole(self, relaxed: Answer) -> bool | None:
        """Whether there is a plan in whole numbers near or far."""
        small = len(self.program.value) <= SMALL
        if not small:
            now = time.monotonic()
            until = now + min(DIVE_SECONDS, DIVE_SHARE * (self.deadline - now))
            for near in (NEAR_CORE, np.inf):
                found = dive(core_of(self.solver, relaxed, near), self.solver, relaxed, until)
                if found is not None and self._holds(self.solver.integers(found)):
                    return True
        gap = 1.0 if np.isinf(self.most) else max(NEAR * abs(self.most), 1e-9)
        answer = relaxed
        for strict in (False, True):
            answer = self._searched(gap, not (small or strict), strict)
            if answer.x is not None and self._holds(self.solver.integers(answer.x)):
                return True
            if answer.status == "limit" and answer.bound <= self.most:
                return None
        return False if answer.status == "infeasible" or answer.bound > self.most else None

    def _searched(self, gap: float, presolve: bool, strict: bool) -> Answer:
        """A search, stopped where it has seen enough; once more, to its end, where it was stopped for a bound that proves to be none."""
        if np.isinf(self.most):
            return self.solver.search(self.deadline, gap, presolve=presolve, strict=strict)
        answer = self.solver.search(self.deadline, gap, stop=self._settled, presolve=presolve, strict=strict)
        if answer.status != "limit" or answer.bound > self.most or answer.objective <= self.most or time.monotonic() > self.deadline:
            return answer
        return self.solver.search(self.deadline, gap, stop=self._within, presolve=presolve, strict=strict)

    def _settled(self, bound: float, best: float, integers: Floats | None) -> bool:
        """Whether a running search has seen enough, as far as it knows: a plan within the budget, or that there is none."""
        return best <= self.most or bound > self.most

    def _within(self, _: float, best: float, integers: Floats | None) -> bool:
        """Whether a new plan is within the budget."""
        return integers is not None and best <= self.most

    def _holds(self, integers: Floats) -> bool:
        """True if a plan with just these whole numbers exists."""
        rounded = np.round(integers)
        self.solver.set_integer_bounds(rounded, rounded)
        answer = self.solver.relax(self.deadline)
        self.solver.set_integer_bounds(*self.solver.integer_bounds)
        return answer.status == "optimal" and answer.objective <= self.most
