"""A part of a program in a solver of its own: some of its columns, and the rows that these need. All other columns are zero.

Sets of layers leave most columns closed, and a plan by rounding needs few of the others. A part goes on from the basis of another
relaxation, of the whole program or of one with other bounds, where there is one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ailis_models.arrays import Bools, Floats, Ints
from ailis_opt.engine.basis import BASIC, LOWER, UPPER, Basis
from ailis_opt.engine.compile import Program
from ailis_opt.engine.highs import AddedRow, Answer, Solver
from ailis_opt.engine.reduce import Reduction, reduce
from ailis_opt.engine.scaling import Scaling, equilibrated

MOST_OPENED = 0.25  # of the columns that are open: where more were closed before, the basis is not gone on from


@dataclass(frozen=True, slots=True)
class Matrix:
    """A program's rows, entry by entry, with a row that was added to it. `row_scale`, `column_scale`, `cost_scale`: what the solver sees
    them multiplied by (columns: divided)."""

    row: Ints
    column: Ints
    value: Floats
    row_lower: Floats
    row_upper: Floats
    row_scale: Floats
    column_scale: Floats
    cost_scale: float

    @classmethod
    def of(cls, p: Program, by: Scaling, added: AddedRow | None = None) -> Matrix:
        """The rows of a program."""
        by = by.before or by
        row, column, value, lower, upper, scale = p.row, p.index.astype(np.int64), p.value, p.row_lower, p.row_upper, by.row
        if added is not None:
            row = np.append(row, np.full(len(added.columns), len(lower)))
            column, value = np.append(column, added.columns), np.append(value, added.values)
            lower, upper, scale = np.append(lower, added.lower), np.append(upper, added.upper), np.append(scale, added.scale)
        return cls(row, column, value, lower, upper, scale, by.column, by.cost)

    def columns(self, keep: Bools) -> Matrix:
        """Some of the columns."""
        here = keep[self.column]
        number = np.cumsum(keep) - 1
        return replace(
            self, row=self.row[here], column=number[self.column[here]], value=self.value[here], column_scale=self.column_scale[keep]
        )

    def rows(self, keep: Bools) -> Matrix:
        """Some of the rows."""
        here, number = keep[self.row], np.cumsum(keep) - 1
        bounds = self.row_lower[keep], self.row_upper[keep]
        return Matrix(
            number[self.row[here]], self.column[here], self.value[here], *bounds, self.row_scale[keep], self.column_scale, self.cost_scale
        )

    @property
    def scaled(self) -> Floats:
        """(entries,) as the solver sees them."""
        return np.asarray(self.value * self.row_scale[self.row] * self.column_scale[self.column])


@dataclass(frozen=True, slots=True)
class Last:
    """A relaxation solved before, of a program with the same rows and columns.

    `basis`: None if it is not to be gone on from; `price`: of the rows, None if they are not to count; `seconds`: what a relaxation like it
    may take without a basis; `open`: (columns,) True where it might have used them.
    """

    basis: Basis | None
    x: Floats
    price: Floats | None
    seconds: float
    open: Bools


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a program in a solver of its own.

    `columns`: (columns of the part,) which of the program they are; `rows`: (rows of the program,) True for those in it; `whole`: (integer
    columns of the program,) likewise; `left`: what became of the rows that are not in it.
    """

    solver: Solver
    columns: Ints
    rows: Bools
    whole: Bools
    left: Reduction
    width: int

    def lift(self, x: Floats) -> Floats:
        """A solution of the part as one of the whole program."""
        lifted = np.zeros(self.width)
        lifted[self.columns] = x
        return lifted

    def spread(self, integers: Floats) -> Floats:
        """Values of the part's integer columns as values of all of the program's."""
        every = np.zeros(len(self.whole))
        every[self.whole] = integers
        return every

    def plan(self, integers: Floats, deadline: float) -> Floats | None:
        """The best plan with these integer values of the whole program, as a solution of it; None if the part has none."""
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

    def last(self, answer: Answer) -> Last:
        """A relaxation of the part as one of the whole program: a column at a bound that is a row of the program is basic in that row."""
        assert answer.x is not None
        assert answer.row_dual is not None
        assert answer.basis is not None
        own, of_part = answer.basis.statuses
        at, of_rows = np.full(self.width, LOWER, dtype=own.dtype), np.full(len(self.rows), BASIC, dtype=own.dtype)
        price = np.zeros(len(self.rows))
        at[self.columns], of_rows[self.rows], price[self.rows] = own, of_part, answer.row_dual
        for bound, row in ((LOWER, self.left.low_row), (UPPER, self.left.high_row)):
            here = (own == bound) & (row >= 0)
            at[self.columns[here]], of_rows[row[here]] = BASIC, bound
        open_ = np.zeros(self.width, dtype=bool)
        open_[self.columns] = True
        return Last(Basis(statuses=(at, of_rows)), self.lift(answer.x), price, self.solver.seconds_afresh, open_)


def open_part(p: Program, by: Scaling, last: Last | None) -> Part:
    """Every column of a program that may be used, to go on from the relaxation of a program with other bounds.

    Rows are scaled by the prices, so that the dual simplex, which is to go on whatever is wrong with the basis, goes for what costs most.
    Where many columns opened, a start from nothing is faster.
    """
    keep = (p.column_upper > p.column_lower) | (p.column_lower != 0)
    if last is not None and np.count_nonzero(keep & ~last.open) > MOST_OPENED * np.count_nonzero(keep):
        last = replace(last, basis=None)
    if last is not None and last.basis is not None:
        keep |= last.basis.statuses[0] == BASIC
    return part_of(p, Matrix.of(p, by), keep, last)


def part_of(p: Program, matrix: Matrix, keep: Bools, last: Last | None) -> Part:
    """The part of a program with the columns `keep`; a solver that is about to go on from `last`."""
    columns, inner = np.flatnonzero(keep), matrix.columns(keep)
    bounds = p.column_lower[keep] / inner.column_scale, p.column_upper[keep] / inner.column_scale
    rows = matrix.row_lower * matrix.row_scale, matrix.row_upper * matrix.row_scale
    entries = inner.row, inner.column, inner.scaled
    left = reduce(entries, rows, bounds, p.integer[keep])
    basis, needed = None, left.rows
    if last is not None and last.basis is not None:
        basis, needed = _basis(last.basis, left, columns, (inner.row, inner.column), last.x[keep] / inner.column_scale)
    inner = inner.rows(needed)
    program = replace(
        p,
        group=p.group[keep],
        start=np.concatenate([[0], np.cumsum(np.bincount(inner.row, minlength=int(needed.sum())))]).astype(np.int32),
        index=inner.column.astype(np.int32),
        value=inner.value,
        row_lower=inner.row_lower,
        row_upper=inner.row_upper,
        column_lower=left.lower * inner.column_scale,
        column_upper=left.upper * inner.column_scale,
        integer=p.integer[keep],
        cost=p.cost[keep],
        lost=p.lost[keep],
    )
    scaling = Scaling(inner.row_scale, inner.column_scale, inner.cost_scale, inner.row_scale[inner.row] * inner.column_scale[inner.column])
    if last is not None and last.price is not None:
        scaling = equilibrated(program, inner.row, scaling, last.price[needed])
    small = Solver(program, scaling)
    if last is not None and basis is not None:
        small.begin(basis, last.seconds, feasible=last.price is None)
    return Part(small, columns, needed, keep[p.integer], left, len(keep))


def _basis(basis: Basis, left: Reduction, columns: Ints, entries: tuple[Ints, Ints], x: Floats) -> tuple[Basis, Bools]:
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
