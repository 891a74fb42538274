"""The core of a relaxation: only the columns that a plan near it would use, and the rows that they stand in.

A plan by rounding takes dozens of relaxations that differ in a few bounds. Most columns are zero in all of them: those whose reduced cost
is large against what they are worth (reduced-cost fixing, here as a heuristic). The core leaves them out, half of the columns or more, and
starts from the optimal basis. What it finds is a plan of the whole program, never a bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import highspy
import numpy as np
import scipy.sparse as sp

from ailis_models.arrays import Bools, Floats, Ints
from ailis_opt.engine.highs import Answer, Solver
from ailis_opt.engine.scaling import Scaling

NEAR = 0.15  # of what a column is worth at the prices of the relaxation: reduced costs above it leave the column out


@dataclass(frozen=True, slots=True)
class Core:
    """A part of a program in a solver of its own.

    `columns`: (columns of the core,) which of the program they are; `whole`: (integer columns of the program,) which of them are in it.
    """

    solver: Solver
    columns: Ints
    whole: Bools
    width: int

    def lift(self, x: Floats) -> Floats:
        """A solution of the core as one of the whole program."""
        lifted = np.zeros(self.width)
        lifted[self.columns] = x
        return lifted

    def spread(self, integers: Floats) -> Floats:
        """Values of the core's integer columns as values of all of the program's."""
        every = np.zeros(len(self.whole))
        every[self.whole] = integers
        return every

    def plan(self, integers: Floats, deadline: float) -> Floats | None:
        """The best plan with these integer values of the whole program, as a solution of it; None if the core has none."""
        rounded = np.round(integers)
        if (rounded[~self.whole] != 0).any():
            return None
        self.solver.set_integer_bounds(rounded[self.whole], rounded[self.whole])
        answer = self.solver.relax(deadline)
        self.solver.set_integer_bounds(*self.solver.integer_bounds)
        if answer.x is None or answer.status != "optimal":
            return None
        x = answer.x.copy()
        x[self.solver.program.integer] = rounded[self.whole]
        return self.lift(x)


def core_of(solver: Solver, first: Answer, near: float = NEAR) -> Core:
    """The core of the relaxation `first` of a solver's program. `near` infinite: with every column that is not fixed."""
    p, by, added = solver.program, solver.scaling, solver.added
    matrix = sp.csr_matrix((p.value, p.index, p.start), shape=(len(p.row_lower), len(p.cost)))
    row_lower, row_upper, row_scale = p.row_lower, p.row_upper, by.row
    if added is not None:
        held = (added.values, (np.zeros(len(added.columns), dtype=np.int32), added.columns))
        matrix = sp.csr_matrix(sp.vstack([matrix, sp.csr_matrix(held, shape=(1, matrix.shape[1]))]))
        row_lower, row_upper = np.append(row_lower, added.lower), np.append(row_upper, added.upper)
        row_scale = np.append(row_scale, added.scale)
    keep = _worth_while(solver, first, matrix, near)
    matrix = matrix[:, keep]
    rows = ((row_lower > -np.inf) | (row_upper < np.inf)) & (np.diff(matrix.indptr) > 0)
    matrix = matrix[rows]
    whole = keep[p.integer]
    program = replace(
        p,
        start=matrix.indptr.astype(np.int32),
        index=matrix.indices.astype(np.int32),
        value=matrix.data,
        row_lower=row_lower[rows],
        row_upper=row_upper[rows],
        column_lower=p.column_lower[keep],
        column_upper=p.column_upper[keep],
        integer=p.integer[keep],
        rounded=p.rounded[whole],
        cost=p.cost[keep],
        lost=p.lost[keep],
    )
    row, column = row_scale[rows], by.column[keep]
    entry = np.repeat(row, np.diff(matrix.indptr)) * column[matrix.indices]
    small = Solver(program, Scaling(row, column, by.cost, entry))
    small.follow(solver)
    if first.basis is not None:
        small.begin(_part(first.basis, np.flatnonzero(rows), np.flatnonzero(keep)), keep.mean() * solver.seconds_afresh)
    return Core(small, np.flatnonzero(keep), whole, len(keep))


def _part(basis: highspy.HighsBasis, rows: Ints, columns: Ints) -> highspy.HighsBasis:
    """The part of a basis for some rows and columns; it may lack a column that was basic at zero, so HiGHS is told to complete it."""
    part, of_columns, of_rows = highspy.HighsBasis(), basis.col_status, basis.row_status
    part.valid = part.alien = True
    part.col_status = [of_columns[j] for j in columns.tolist()]
    part.row_status = [of_rows[i] for i in rows.tolist()]
    return part


def _worth_while(solver: Solver, first: Answer, matrix: sp.csr_matrix, near: float) -> Bools:
    """(columns,) True for those that are not zero, may not be, or whose reduced cost d = c − Aᵀy is small against |c| + |A|ᵀ|y|."""
    program = solver.program
    assert first.x is not None
    assert first.row_dual is not None
    open_ = program.column_upper > program.column_lower
    if np.isfinite(near):
        price = first.row_dual if solver.added is None else np.append(first.row_dual, first.added_dual)
        open_ &= program.integer | (first.column_dual <= near * (np.abs(solver.costs) + abs(matrix).T @ np.abs(price)))
    return np.asarray(open_ | (first.x > 0) | (program.column_lower != 0))
