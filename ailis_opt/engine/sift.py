"""A relaxation from the prices of another one: columns that look dear at those prices are left out, and called in where they are not.

A core of the columns with a small reduced cost d = c − Aᵀy is solved from the basis of the other relaxation; at its prices y those outside
with d < 0 join it, and it is solved again from where it was, until there are none: then the core's optimum is that of the whole program
(sifting: Bixby, Gregory, Lustig, Marsten & Shanno 1992, "Very large-scale linear programming", Oper. Res. 40(5)).

Where bounds only become tighter, old prices stay feasible in the dual: what they prove of the new program says how near it is, and the dual
simplex goes on from there. Where bounds become wider they mostly do not, and a start afresh is as good.
"""

from __future__ import annotations

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.engine.basis import BASIC, LOWER, UPPER, Basis
from ailis_opt.engine.core import NEAR, Core, Matrix, core_with, worth_while
from ailis_opt.engine.compile import dot
from ailis_opt.engine.highs import Answer, Solver
from ailis_opt.engine.reduce import PASSES, Source

MOST_ROUNDS = 10
PRICED = 1e-7  # as the solver sees it: a price or a reduced cost that is less is none
FEW = 100  # columns and rows that may be wrong in the dual for a start to be one
FAR, CLOSE = 0.35, 0.1  # of what is expected: by how much a start may miss it, and one that is wrong in the dual


def sifted(solver: Solver, known: Floats | None, deadline: float, expected: float | None = None) -> Answer | None:
    """The relaxation of the program that a solver holds, from the nearest answer that it remembers; None where that does not lead to it.

    `known`: a plan whose columns are in the core, too; `expected`: about what the relaxation's objective is.
    """
    before = _nearest(solver, expected)
    if before is None:
        return None
    assert before.x is not None
    assert before.row_dual is not None
    p, matrix = solver.program, Matrix.of(solver)
    y = before.row_dual if solver.added is None else np.append(before.row_dual, before.added_dual)
    y = np.where((y > 0) & (matrix.lower == -np.inf) | (y < 0) & (matrix.upper == np.inf), 0.0, y)
    start = _priced(solver, matrix, y, before.x, before.basis)
    open_ = p.column_upper > p.column_lower
    keep = worth_while(solver, start, matrix, NEAR)
    if known is not None:
        keep |= known > 0
    for _ in range(MOST_ROUNDS):
        core = core_with(solver, matrix, keep, start, rounded=False)
        answer = core.solver.relax(deadline)
        if answer.status == "infeasible" and not keep[open_].all():
            keep |= open_
            continue
        if answer.x is None or answer.status != "optimal":
            return None
        start = _of_all(core, answer, solver, matrix)
        assert start.column_dual is not None
        missing = open_ & ~keep & (start.column_dual * solver.scaling.column * solver.scaling.cost < -PRICED)
        if not missing.any():
            return start
        keep |= missing
    return None


def _nearest(solver: Solver, expected: float | None) -> Answer | None:
    """Of the answers remembered, the one whose prices prove most of the program that the solver holds now, or nearest to what is expected.

    What they prove is b·y of the bounds that rows with a price and columns with a reduced cost stand at. Infinite ones are left out: where
    there are a few, it is no proof, and counts only if it comes close to what is expected.
    """
    best, least = None, -np.inf
    for price, answer in solver.remembered:
        proven, wrong = _proven(solver, price, answer)
        if wrong > FEW or (wrong and (expected is None or abs(proven - expected) > CLOSE * abs(expected))):
            continue
        if expected is not None and abs(proven - expected) > FAR * abs(expected):
            continue
        score = proven if expected is None else -abs(proven - expected)
        if score > least:
            best, least = answer, score
    return best


def _proven(solver: Solver, price: float, answer: Answer) -> tuple[float, int]:
    """What the prices of an answer prove of the program that the solver holds now, and at how many bounds that are infinite."""
    p, tolerance = solver.program, PRICED / solver.scaling.cost
    assert answer.row_dual is not None
    assert answer.column_dual is not None
    y, d = answer.row_dual, answer.column_dual + (solver.price - price) * p.lost
    proven, wrong = 0.0, 0
    for dual, scale, lower, upper in (
        (y, 1 / solver.scaling.row, p.row_lower, p.row_upper),
        (d, solver.scaling.column, p.column_lower, p.column_upper),
    ):
        priced = np.abs(dual) * scale > tolerance
        at = np.where(dual > 0, lower, upper)[priced]
        finite = np.isfinite(at)
        wrong += int(len(at) - finite.sum())
        proven += float(dot(dual[priced][finite], at[finite]))
    return proven, wrong


def _priced(solver: Solver, matrix: Matrix, y: Floats, x: Floats, basis: Basis | None) -> Answer:
    """An answer for the whole program from its rows' prices."""
    value, rows = solver.value(x), len(solver.program.row_lower)
    dual = solver.costs - matrix.effects(y, len(x))
    return Answer("optimal", x, value, value, y[:rows], dual, float(y[rows]) if len(y) > rows else 0.0, basis)


def _of_all(core: Core, answer: Answer, solver: Solver, matrix: Matrix) -> Answer:
    """The optimum of a core as an answer for the whole program: it is its optimum if no column outside has a reduced cost below zero.

    Where the bound that a column stands at is a row that was left out, the reduced cost is that row's price, and the column basic in its
    place. The rows that were found last come first: such a row prices the columns, too, that rows found before had fixed.
    """
    assert answer.x is not None
    assert answer.row_dual is not None
    assert answer.column_dual is not None
    assert answer.basis is not None
    columns, left, rows = core.columns, core.left, len(matrix.lower)
    at, of_rows = answer.basis.statuses[0].copy(), np.full(rows, BASIC, dtype=np.int8)
    of_rows[core.rows] = answer.basis.statuses[1]
    y, d = np.zeros(rows), answer.column_dual
    y[core.rows] = answer.row_dual
    number = np.full(core.width, -1)
    number[columns] = np.arange(len(columns))
    gone = ~core.rows[matrix.row] & (number[matrix.column] >= 0)
    row, column, value = matrix.row[gone], number[matrix.column[gone]], matrix.value[gone]

    def tight(source: Source, found: int, sign: float) -> np.ndarray:
        mine = (source.found == found) & (at != BASIC) & ~core.rows[source.row]
        return np.flatnonzero(mine & ((sign * d > 0) | (d == 0) & ((at == LOWER) == (sign > 0))))

    for found in reversed(range(PASSES)):
        new = np.zeros(rows)
        for source, sign in ((left.low, 1.0), (left.high, -1.0)):
            j = tight(source, found, sign)
            i, scale = source.row[j], core.solver.scaling.column[j]
            new[i] = d[j] * scale * matrix.scale[i] / source.value[j]
            at[j], of_rows[i] = BASIC, np.where(sign * source.value[j] > 0, LOWER, UPPER)
        d = d - np.bincount(column, weights=value * new[row], minlength=len(d))
        y += new
    of_columns = np.full(core.width, LOWER, dtype=np.int8)
    of_columns[columns] = at
    return _priced(solver, matrix, y, core.lift(answer.x), Basis(statuses=(of_columns, of_rows)))
