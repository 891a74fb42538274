"""How much a limit must give before there is a plan: the least slack, a solve of its own (elastic programming, Chinneck 2008)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ailis_models.arrays import Floats, Ints
from ailis_opt.engine.compile import Layout, Program
from ailis_opt.engine.highs import Solver
from ailis_opt.engine.template import Extent

NEAR = 1e-4  # relative gap of a slack that whole numbers decide


def _none() -> Ints:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Give:
    """What may give. Slacks are numbered from 0; each is at least 0 and at most `most`.

    `rows` get `coefficient` times their slack added to the left side; `columns` may exceed their `limits` by their slack.
    """

    slacks: int = 1
    rows: Ints = field(default_factory=_none)
    row_slack: Ints = field(default_factory=_none)
    coefficient: Floats = field(default_factory=lambda: np.zeros(0))
    columns: Ints = field(default_factory=_none)
    column_slack: Ints = field(default_factory=_none)
    limits: Floats = field(default_factory=lambda: np.zeros(0))
    whole: bool = False
    most: float = np.inf


def of_rows(numbers: Ints, coefficient: Floats | float, most: float = np.inf) -> Give:
    """One slack for all these rows (any shape, the coefficient's must broadcast to it)."""
    rows = numbers.ravel()
    return Give(1, rows, np.zeros(len(rows), np.int64), np.broadcast_to(coefficient, numbers.shape).ravel().astype(float), most=most)


def of_columns(numbers: Ints, limits: Floats | float) -> Give:
    """One whole slack for the upper limits of all these columns."""
    columns = numbers.ravel()
    above = np.broadcast_to(limits, numbers.shape).ravel().astype(float)
    return Give(1, columns=columns, column_slack=np.zeros(len(columns), np.int64), limits=above, whole=True)


def least(program: Program, give: Give, deadline: float) -> Floats | None:
    """(slacks,) amounts of the least sum with which `program` has a plan; None if there is none, or none was found by `deadline`."""
    wider = _widened(program, give)
    solver, n = Solver(wider), len(program.cost)
    relaxed = solver.relax(deadline)
    if relaxed.status == "infeasible":
        relaxed = solver.relax(deadline, presolve=False)
    if relaxed.x is None:
        return None
    if not wider.integer.any():
        return relaxed.x[n:]
    gap = 0.5 if give.whole else max(NEAR * abs(relaxed.objective), 1e-9)
    answer = solver.search(deadline, gap, presolve=False)
    if answer.x is None:
        return None
    rounded = np.round(solver.integers(answer.x))
    solver.set_integer_bounds(rounded, rounded)
    fixed = solver.relax(deadline)
    return None if fixed.x is None else fixed.x[n:]


def _widened(p: Program, give: Give) -> Program:
    """The program with a column for each slack and a row for each column that may exceed its limit; the slacks' sum is minimized."""
    from scipy import sparse  # takes a second to load, and is seldom needed

    rows, columns, extra = len(p.row_lower), len(p.cost), len(give.columns)
    matrix = sparse.csr_matrix((p.value, p.index, p.start), shape=(rows, columns))
    slack = sparse.csr_matrix((give.coefficient, (give.rows, give.row_slack)), shape=(rows, give.slacks))
    at = np.arange(extra)
    over = sparse.csr_matrix((np.ones(extra), (at, give.columns)), shape=(extra, columns))
    by = sparse.csr_matrix((-np.ones(extra), (at, give.column_slack)), shape=(extra, give.slacks))
    whole = sparse.csr_matrix(sparse.bmat([[matrix, slack], [over, by]]))
    integer, nothing = np.concatenate([p.integer, np.full(give.slacks, give.whole)]), Extent((), (), 0, 0)
    return replace(
        p,
        layout=Layout(Extent((), (), columns + give.slacks, rows + extra), nothing, nothing, 0, 0),
        group=np.zeros(columns + give.slacks, dtype=np.int16),
        start=whole.indptr.astype(np.int32),
        index=whole.indices.astype(np.int32),
        value=whole.data.astype(float),
        row_lower=np.concatenate([p.row_lower, np.full(extra, -np.inf)]),
        row_upper=np.concatenate([p.row_upper, give.limits]),
        column_lower=np.concatenate([p.column_lower, np.zeros(give.slacks)]),
        column_upper=np.concatenate([p.column_upper, np.full(give.slacks, give.most)]),
        integer=integer,
        cost=np.concatenate([np.zeros(columns), np.ones(give.slacks)]),
        lost=np.zeros(columns + give.slacks),
        offset=0.0,
    )
