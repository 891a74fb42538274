"""A whole plan by rounding: decisions are fixed a few at a time, the largest first, and the relaxation is solved again in between.

Each relaxation starts from the basis of the one before (dual simplex: only bounds moved), so a dive costs a few dozen short solves where a
search would open its first nodes. What it finds is a plan, never a bound.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ailis_models.arrays import Bools, Floats, Ints
from ailis_opt.engine.compile import Program
from ailis_opt.engine.highs import Answer, Solver
from ailis_opt.engine.part import Part

ORDER = ("chosen", "signed", "whole_lots", "gangs", "placed", "whole_hired", "engaged", "in_force", "owned")
"""Which pool a job is in decides most; what is in force and owned follows from lots."""
SWITCHES = ("chosen", "signed", "engaged")
WHOLE = 1e-7
SHARE, HASTY_SHARE = 0.3, 0.6  # of the fractional amounts of one kind that are rounded at a time, nearest to a whole number first
MOST_SOLVES = 120
MOST_MISSES = 12  # lots that are moved in vain, one after the other, before a plan is left as it is
LEAST_HOPE = 1e-6  # of the objective: what moving a lot must promise
PATIENCE = 1.0  # of the time without a basis; what takes longer is mostly infeasible, which presolve sees at once


@dataclass(frozen=True, slots=True)
class Hint:
    """A plan of a program much like this one: what of it is tried before rounding, by the names of decisions."""

    plan: Floats
    decisions: tuple[str, ...] = ("chosen",)


AS_SIGNED = ("chosen", "signed", "whole_lots")


def dive(core: Part, solver: Solver, first: Answer, deadline: float, hasty: bool = False, hint: Hint | None = None) -> Floats | None:
    """A plan near the relaxation `first` of the solver's program, as a solution of it, found in its core.

    None if rounding ended where nothing is feasible, or the time is up. A hasty dive rounds more at a time: half the solves, for a plan
    that is a little worse.
    """
    assert first.x is not None
    rank, share = _ranks(solver.program)[core.whole], HASTY_SHARE if hasty else SHARE
    tried = {} if hint is None else dict.fromkeys(hint.decisions, np.round(solver.integers(hint.plan))[core.whole])
    core.solver.recall()
    x = _Dive(core.solver, rank, deadline, share, tried).run(solver.integers(first.x)[core.whole])
    core.solver.set_integer_bounds(*core.solver.integer_bounds)
    return None if x is None else core.lift(x)


def improved(core: Part, solver: Solver, plan: Floats, enough: float, deadline: float) -> Floats:
    """A plan of the solver's program made better one lot at a time, until its value is `enough`, nothing helps, or the time is up.

    With all lots fixed, the value of a plan is convex in each number of lots: a reduced cost d < 0 says that one lot more might save up to
    −d, and d > 0 that one lot less might save up to d. The most promising lot is moved, and the move is kept if it saves.
    """
    if solver.value(plan) <= enough:
        return plan
    small, at = core.solver, np.flatnonzero(core.whole)
    rank = _ranks(solver.program)[at]
    follow = rank >= ORDER.index("in_force")  # what is in force and owned follows from the lots
    fixed, (least, most) = np.round(solver.integers(plan)[at]), small.integer_bounds
    lots, tried, misses = small.program.rounded, np.zeros(len(at), dtype=bool), 0

    def settled(numbers: Floats) -> Answer:
        small.set_integer_bounds(np.where(follow, least, numbers), np.where(follow, most, numbers))
        return small.relax(deadline, patience=PATIENCE)

    answer = settled(fixed)
    while answer.column_dual is not None and misses < MOST_MISSES and answer.objective > enough and time.monotonic() < deadline:
        reduced = small.integers(answer.column_dual)
        hope = np.where((reduced < 0) & (fixed < most) | (reduced > 0) & (fixed > least), np.abs(reduced), 0.0)
        hope[tried | ~lots] = 0.0
        pick = int(np.argmax(hope))
        if hope[pick] <= LEAST_HOPE * abs(answer.objective):
            break
        moved = fixed.copy()
        moved[pick] -= np.sign(reduced[pick])
        found = settled(moved)
        tried[pick], misses = True, misses + 1
        if found.x is not None and found.column_dual is not None and found.objective < answer.objective:
            answer, fixed, misses = found, moved, 0
            tried[pick] = False
    small.set_integer_bounds(least, most)
    better = None if answer.x is None else core.plan(core.spread(small.integers(answer.x)), deadline)
    return plan if better is None or solver.value(better) >= solver.value(plan) else better


class _Dive:
    """One dive. `rank`: (integer columns,) their places in ORDER; `lower`, `upper`: their bounds, as far as they are fixed.

    `tried`: by decision, the values (integer columns,) that are tried first.
    """

    def __init__(self, solver: Solver, rank: Ints, deadline: float, share: float, tried: dict[str, Floats]) -> None:
        self.solver, self.rank, self.deadline, self.share, self.tried = solver, rank, deadline, share, tried
        self.lower, self.upper = (values.copy() for values in solver.integer_bounds)
        self.failed = False  # the last attempt, so that HiGHS has lost its basis

    def run(self, value: Floats) -> Floats | None:
        """A plan; `value` are the integer columns of the relaxation."""
        for _ in range(MOST_SOLVES):
            open_ = np.abs(value - np.round(value)) > WHOLE
            if not open_.any():
                return self._settled(np.round(value))
            kind = int(self.rank[open_].min())
            for pick, rounded in self._attempts(ORDER[kind], value, open_, self.rank == kind):
                answer = self._fixed(pick, rounded)
                if answer.status != "infeasible":
                    break
            if answer.x is None or time.monotonic() > self.deadline:
                return None
            value = self.solver.integers(answer.x)
        return None

    def _settled(self, rounded: Floats) -> Floats | None:
        """The plan with just these integers."""
        self.solver.set_integer_bounds(rounded, rounded)
        answer = self.solver.relax(self.deadline, patience=PATIENCE)
        if answer.x is None or answer.status != "optimal":
            return None
        x = answer.x.copy()
        x[self.solver.program.integer] = rounded
        return x

    def _fixed(self, pick: Ints, rounded: Floats) -> Answer:
        """The relaxation with some more columns fixed, which they stay if that is feasible."""
        low, high = self.lower.copy(), self.upper.copy()
        low[pick] = high[pick] = np.clip(rounded, self.lower[pick], self.upper[pick])
        self.solver.set_integer_bounds(low, high)
        answer = self.solver.relax(self.deadline, patience=PATIENCE, warm=self.failed, duals=False)
        self.failed = answer.status != "optimal"
        if not self.failed:
            self.lower, self.upper = low, high
        return answer

    def _attempts(self, kind: str, value: Floats, open_: Bools, mine: Bools) -> Iterator[tuple[Ints, Floats]]:
        """Which whole columns are fixed next, and at what; then what is tried instead if that leaves nothing feasible.

        `open_`: those that are fractional now, `mine`: those of this kind.
        """
        at = np.flatnonzero(open_ & mine)
        if kind in self.tried:
            every = np.flatnonzero(mine)
            yield every, self.tried.pop(kind)[every]
        if kind == "placed":  # copies of data cost little, and doing without one much
            yield at, np.ones(len(at))
            yield at, np.zeros(len(at))
        elif kind in SWITCHES:  # the likelier half is switched on, of pools one, the likeliest first
            likely = at[np.argsort(-value[at], kind="stable")]
            half = (len(at) + 1) // 2
            for pick in likely[:, None] if kind == "chosen" else (likely[:half],):
                yield pick, np.ones(len(pick))
            yield (at, np.zeros(len(at))) if kind == "chosen" else (likely[:half], np.zeros(half))
        else:
            yield from self._amounts(kind, value, at, np.flatnonzero(mine & ~open_))

    def _amounts(self, kind: str, value: Floats, at: Ints, settled: Ints) -> Iterator[tuple[Ints, Floats]]:
        """The same for amounts: `at` are fractional now, `settled` whole."""
        count = max(1, int(np.ceil(self.share * len(at))))
        if kind == "gangs":  # work must be done: up, those that are nearly whole first
            pick = at[np.argsort(np.ceil(value[at]) - value[at], kind="stable")[:count]]
            yield pick, np.ceil(value[pick])
            yield pick, np.floor(value[pick])
            return
        pick = at[np.argsort(np.abs(value[at] - np.round(value[at])), kind="stable")[:count]]
        if kind == "whole_lots":  # or lots move to another month as fast as they are rounded
            both = np.concatenate([pick, settled])
            yield both, np.round(value[both])
        yield pick, np.round(value[pick])
        yield pick, np.ceil(value[pick])


def _ranks(program: Program) -> Ints:
    """(integer columns,) the place of each in ORDER."""
    names = [group.name for _, group in program.layout.groups()]
    place = np.array([ORDER.index(name) if name in ORDER else len(ORDER) - 1 for name in names], dtype=np.int64)
    return place[program.group[program.integer]]
