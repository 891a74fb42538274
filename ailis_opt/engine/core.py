"""The core of a relaxation: only the columns that a plan near it would use, and the rows that they stand in.

A plan by rounding takes dozens of relaxations that differ in a few bounds. Most columns are zero in all of them: those whose reduced cost
is large against what they are worth (reduced-cost fixing, here as a heuristic). The core leaves them out, half of the columns or more, and
starts from the optimal basis. What it finds is a plan of the whole program, never a bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ailis_models.arrays import Bools, Floats, Ints
from ailis_opt.engine.basis import BASIC, LOWER, UPPER, Basis
from ailis_opt.engine.compile import Program
from ailis_opt.engine.highs import Answer, Solver
from ailis_opt.engine.reduce import Reduction, reduce
from ailis_opt.engine.scaling import Scaling

STOPGAPS = ("part_hired", "by_hour", "called")
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
        own = rounded[self.whole]
        if (rounded[~self.whole] != 0).any() or not self.solver.allows(own):
            return None
        self.solver.set_integer_bounds(own, own)
        answer = self.solver.relax(deadline)
        self.solver.set_integer_bounds(*self.solver.integer_bounds)
        if answer.x is None or answer.status != "optimal":
            return None
        x = answer.x.copy()
        x[self.solver.program.integer] = own
        return self.lift(x)


def core_of(solver: Solver, first: Answer, near: float = NEAR, known: Floats | None = None) -> Core:
    """The core of the relaxation `first` of a solver's program.

    `near` infinite: with every column that is not fixed. `known`: a plan of a program much like it, whose columns are in it, too.
    """
    p, by, added = solver.program, solver.scaling, solver.added
    row = np.repeat(np.arange(len(p.row_lower)), np.diff(p.start))  # of each entry
    column, value, row_lower, row_upper, row_scale = p.index.astype(np.int64), p.value, p.row_lower, p.row_upper, by.row
    if added is not None:
        row = np.append(row, np.full(len(added.columns), len(row_lower)))
        column, value = np.append(column, added.columns), np.append(value, added.values)
        row_lower, row_upper = np.append(row_lower, added.lower), np.append(row_upper, added.upper)
        row_scale = np.append(row_scale, added.scale)
    keep = _worth_while(solver, first, (row, column, value), near)
    if known is not None:
        keep |= known > 0
    entries = keep[column]
    row, column, value = row[entries], (np.cumsum(keep) - 1)[column[entries]], value[entries]
    whole, column_scale = keep[p.integer], by.column[keep]
    left = reduce(
        (row, column, value * row_scale[row] * column_scale[column]),
        (row_lower * row_scale, row_upper * row_scale),
        (p.column_lower[keep] / column_scale, p.column_upper[keep] / column_scale),
        p.integer[keep],
    )
    columns, basis, rows = np.flatnonzero(keep), first.basis, left.rows
    if basis is not None:
        assert first.x is not None
        basis, rows = _part(basis, left, columns, (row, column), first.x[columns] / column_scale)
    entries = rows[row]
    row, column, value = (np.cumsum(rows) - 1)[row[entries]], column[entries], value[entries]
    program = replace(
        p,
        start=np.concatenate([[0], np.cumsum(np.bincount(row, minlength=int(rows.sum())))]).astype(np.int32),
        index=column.astype(np.int32),
        value=value,
        row_lower=row_lower[rows],
        row_upper=row_upper[rows],
        column_lower=left.lower * column_scale,
        column_upper=left.upper * column_scale,
        integer=p.integer[keep],
        rounded=p.rounded[whole],
        cost=p.cost[keep],
        lost=p.lost[keep],
    )
    row_scale = row_scale[rows]
    small = Solver(program, Scaling(row_scale, column_scale, by.cost, row_scale[row] * column_scale[column]))
    small.follow(solver)
    if basis is not None:
        small.begin(basis, keep.mean() * solver.seconds_afresh)
    return Core(small, columns, whole, len(keep))


def _part(basis: Basis, left: Reduction, columns: Ints, entries: tuple[Ints, Ints], x: Floats) -> tuple[Basis, Bools]:
    """The part of a basis for some columns (`entries`: rows and columns of their matrix, `x`: their values), and (rows,) the rows it needs.

    A tight row that is left out leaves one column too many basic: the only one basic in it, or in what is left of it once the other such
    rows have theirs. That column stays at its bound. Where this does not tell which column it is, the row is needed after all, if it is no
    bound of a column now.
    """
    of_columns, of_rows = basis.statuses
    at = of_columns[columns]
    nearest = np.where(x - left.lower <= left.upper - x, LOWER, UPPER).astype(at.dtype)
    tight = ~left.rows & (of_rows != BASIC)
    row, column = entries
    while True:
        still = tight[row] & (at[column] == BASIC)
        row, column = row[still], column[still]
        alone = np.bincount(row, minlength=len(tight))[row] == 1
        if not alone.any():
            break
        at[column[alone]] = nearest[column[alone]]
        tight[row[alone]] = False
    needed, bound = left.rows.copy(), np.concatenate([left.low_row, left.high_row])
    needed[row] = True
    needed[bound[bound >= 0]] = False
    return Basis(statuses=(at, of_rows[needed])), needed


def _stopgaps(program: Program) -> Bools:
    """(columns,) True for what fills the gap where rounding leaves too few lots: capacity by the hour."""
    found, layout = np.zeros(len(program.cost), dtype=bool), program.layout
    for scope, group in layout.groups():
        if group.name in STOPGAPS and group.keys:
            found[layout.numbers(scope, group)] = True
    return found


def _worth_while(solver: Solver, first: Answer, entries: tuple[Ints, Ints, Floats], near: float) -> Bools:
    """(columns,) True for those that are not zero, may not be, or whose reduced cost d = c − Aᵀy is small against |c| + |A|ᵀ|y|.

    `entries`: rows, columns and values of A.
    """
    program, (row, column, value) = solver.program, entries
    assert first.x is not None
    assert first.row_dual is not None
    assert first.column_dual is not None
    open_ = program.column_upper > program.column_lower
    if np.isfinite(near):
        price = first.row_dual if solver.added is None else np.append(first.row_dual, first.added_dual)
        effects = np.bincount(column, weights=np.abs(value * price[row]), minlength=len(open_))
        open_ &= program.integer | _stopgaps(program) | (first.column_dual <= near * (np.abs(solver.costs) + effects))
    return np.asarray(open_ | (first.x > 0) | (program.column_lower != 0))
