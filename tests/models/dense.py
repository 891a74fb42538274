"""Programs written down by hand: dense rows, no workload behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ailis_opt.engine.compile import Layout, Program
from ailis_opt.engine.template import Extent, Group

INF = float("inf")


def program(
    cost: Sequence[float],
    rows: Sequence[tuple[float, Sequence[float], float]],
    upper: Sequence[float],
    integer: Sequence[int] = (),
    lower: Sequence[float] | None = None,
    lost: Sequence[float] | None = None,
    offset: float = 0.0,
    asked: float = 1.0,
    least: float = 1.0,
) -> Program:
    """min cost·x + offset with rows (lower, coefficients, upper) and columns lower (0) <= x <= upper, `integer` naming the whole ones.

    Zeros are left out of the matrix. `lost`, `asked` and `least` make it a ratio.
    """
    n, matrix = len(cost), np.array([row for _, row, _ in rows], dtype=float).reshape(len(rows), len(cost))
    plan = Extent((Group("x", 0, tuple(range(n))),), (Group("hand.row", 0, tuple(range(len(rows)))),), n, len(rows))
    kept = matrix != 0
    return Program(
        layout=Layout(plan, Extent((), (), 0, 0), Extent((), (), 0, 0), 0, 0),
        group=np.zeros(n, dtype=np.int16),
        start=np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int32),
        index=np.nonzero(kept)[1].astype(np.int32),
        value=matrix[kept],
        row_lower=np.array([low for low, _, _ in rows], dtype=float),
        row_upper=np.array([high for _, _, high in rows], dtype=float),
        column_lower=np.zeros(n) if lower is None else np.array(lower, dtype=float),
        column_upper=np.array(upper, dtype=float),
        integer=np.isin(np.arange(n), list(integer)),
        cost=np.array(cost, dtype=float),
        lost=np.zeros(n) if lost is None else np.array(lost, dtype=float),
        offset=offset,
        asked=asked,
        least=least,
    )
