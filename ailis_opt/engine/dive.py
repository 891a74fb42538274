"""A whole plan by rounding: decisions are fixed a few at a time, the largest first, and the relaxation is solved again in between.

Each relaxation starts from the basis of the one before (dual simplex: only bounds moved), so a dive costs a few dozen short solves where a
search would open its first nodes. What it finds is a plan, never a bound.
"""

from __future__ import annotations

import time

import numpy as np

from ailis_models.arrays import Bools, Floats, Ints
from ailis_opt.engine.compile import Program
from ailis_opt.engine.highs import Answer, Solver

ORDER = ("chosen", "signed", "whole_lots", "gangs", "placed", "whole_hired", "engaged", "in_force", "owned")
"""Which pool a job is in decides most; what is in force and owned follows from lots."""
SWITCHES = ("chosen", "signed", "engaged")
WHOLE = 1e-7
SHARE, HASTY_SHARE = 0.3, 0.6  # of the fractional amounts of one kind that are rounded at a time, nearest to a whole number first
MOST_SOLVES = 120
PATIENCE = 0.6  # seconds from the last basis; what takes longer is mostly infeasible, which presolve sees at once


def dive(solver: Solver, first: Answer, deadline: float, hasty: bool = False) -> Floats | None:
    """Integer values of a plan near the relaxation `first`, or None if rounding ended where nothing is feasible, or the time is up.

    A hasty dive rounds more at a time: half the solves, for a plan that is a little worse.
    Leaves the solver with the integer bounds of its program.
    """
    rank = _ranks(solver.program)
    least, most = solver.integer_bounds
    lower, upper, answer = least.copy(), most.copy(), first
    try:
        for _ in range(MOST_SOLVES):
            assert answer.x is not None
            value = solver.integers(answer.x)
            open_ = np.abs(value - np.round(value)) > WHOLE
            if not open_.any():
                return np.round(value)
            kind = int(rank[open_].min())
            for pick, rounded in _attempts(ORDER[kind], value, open_, rank == kind, HASTY_SHARE if hasty else SHARE):
                low, high = lower.copy(), upper.copy()
                low[pick] = high[pick] = np.clip(rounded, lower[pick], upper[pick])
                solver.set_integer_bounds(low, high)
                answer = solver.relax(deadline, patience=PATIENCE)
                if answer.x is not None or answer.status == "limit":
                    break
            if answer.x is None or time.monotonic() > deadline:
                return None
            lower, upper = low, high
        return None
    finally:
        solver.set_integer_bounds(least, most)


def _ranks(program: Program) -> Ints:
    """(integer columns,) the place of each in ORDER."""
    layout, rank = program.layout, np.full(len(program.integer), len(ORDER) - 1)
    slices = rank[layout.plan.n_columns :].reshape(layout.slices, -1)
    for extent, into in ((layout.plan, rank[None, : layout.plan.n_columns]), (layout.slice, slices)):
        for group in extent.columns:
            if group.name in ORDER:
                into[:, group.start : group.start + len(group.keys)] = ORDER.index(group.name)
    return rank[program.integer]


def _attempts(kind: str, value: Floats, open_: Bools, mine: Bools, share: float) -> list[tuple[Ints, Floats]]:
    """Which whole columns are fixed next, and at what; then what is tried instead if that leaves nothing feasible.

    `open_`: those that are fractional now, `mine`: those of this kind.
    """
    at = np.flatnonzero(open_ & mine)
    if kind == "placed":  # copies of data cost little, and doing without one much
        return [(at, np.ones(len(at))), (at, np.zeros(len(at)))]
    if kind in SWITCHES:  # the likelier half is switched on, of pools only the likeliest
        pick = at[np.argsort(-value[at], kind="stable")][: 1 if kind == "chosen" else (len(at) + 1) // 2]
        return [(pick, np.ones(len(pick))), (pick, np.zeros(len(pick)))]
    count = max(1, int(np.ceil(share * len(at))))
    if kind == "gangs":  # work must be done: up, those that are nearly whole first
        pick = at[np.argsort(np.ceil(value[at]) - value[at], kind="stable")[:count]]
        return [(pick, np.ceil(value[pick])), (pick, np.floor(value[pick]))]
    pick = at[np.argsort(np.abs(value[at] - np.round(value[at])), kind="stable")[:count]]
    rounded, up = (pick, np.round(value[pick])), (pick, np.ceil(value[pick]))
    if kind != "whole_lots":
        return [rounded, up]
    settled = np.concatenate([pick, np.flatnonzero(mine & ~open_)])  # or lots move to another month as fast as they are rounded
    return [(settled, np.round(value[settled])), rounded, up]
