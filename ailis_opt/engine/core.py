"""The core of a relaxation: only the columns that a plan near it would use, and the rows that they stand in.

A plan by rounding takes dozens of relaxations that differ in a few bounds. Most columns are zero in all of them: those whose reduced cost
is large against what they are worth (reduced-cost fixing, here as a heuristic). The core leaves them out, half of the columns or more, and
starts from the optimal basis. What it finds is a plan of the whole program, never a bound.
"""

from __future__ import annotations

import numpy as np

from ailis_models.arrays import Bools, Floats
from ailis_opt.engine.basis import BASIC
from ailis_opt.engine.highs import Answer, Solver
from ailis_opt.engine.part import Last, Matrix, Part, part_of

STOPGAPS = ("part_hired", "by_hour", "called")
"""What fills the gap where rounding leaves too few lots: capacity by the hour."""
NEAR = 0.15  # of what a column is worth at the prices of the relaxation: reduced costs above it leave the column out


def core_of(solver: Solver, first: Answer, near: float = NEAR, known: Floats | None = None) -> Part:
    """The core of the relaxation `first` of a solver's program.

    `near` infinite: with every column that is not fixed. `known`: a plan of a program much like it, whose columns are in it, too.
    """
    matrix = Matrix.of(solver.program, solver.scaling, solver.added)
    keep = _worth_while(solver, first, matrix, near)
    if known is not None:
        keep |= known > 0
    if first.basis is not None:
        keep |= first.basis.statuses[0] == BASIC
    assert first.x is not None
    last = Last(first.basis, first.x, None, keep.mean() * solver.seconds_afresh, keep)
    core = part_of(solver.program, matrix, keep, last)
    core.solver.follow(solver)
    return core


def _worth_while(solver: Solver, first: Answer, matrix: Matrix, near: float) -> Bools:
    """(columns,) True for those that are not zero, may not be, or whose reduced cost d = c − Aᵀy is small against |c| + |A|ᵀ|y|."""
    program = solver.program
    assert first.x is not None
    assert first.row_dual is not None
    assert first.column_dual is not None
    open_ = program.column_upper > program.column_lower
    if np.isfinite(near):
        price = first.row_dual if solver.added is None else np.append(first.row_dual, first.added_dual)
        effects = np.bincount(matrix.column, weights=np.abs(matrix.value * price[matrix.row]), minlength=len(open_))
        open_ &= program.integer | program.named(*STOPGAPS) | (first.column_dual <= near * (np.abs(solver.costs) + effects))
    return np.asarray(open_ | (first.x > 0) | (program.column_lower != 0))
