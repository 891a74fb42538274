"""Whether there is a plan at all is answered by what is proven, not by what a running search tells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ailis_opt.engine.feasibility import _Question
from ailis_opt.engine.highs import Answer, Solver
from tests.models.dense import program

INF = float("inf")
WEIGHT = np.random.default_rng(7).integers(1, 100, 10).astype(float)
HALF = float(np.floor(WEIGHT.sum() / 2)) + 0.5
SPLITS = np.array([[i >> j & 1 for j in range(len(WEIGHT))] for i in range(1 << len(WEIGHT))], dtype=float)
BEST = float(np.abs(SPLITS @ WEIGHT - HALF).min())  # by enumeration; 0 if columns may be fractions
MARKET = program(
    [0.0] * len(WEIGHT) + [1.0, 1.0],
    [(HALF, (*WEIGHT, 1, -1), HALF)],
    [1.0] * len(WEIGHT) + [INF, INF],
    range(len(WEIGHT)),
)


@pytest.mark.parametrize("tells", [False, True])
@pytest.mark.parametrize(("budget", "there_is"), [(BEST, True), (BEST - 0.25, False)])
def test_a_bound_that_is_none_settles_nothing(budget: float, there_is: bool, tells: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """HiGHS tells of bounds of its heuristics' searches, which may lie above what the whole program costs."""
    plain, calls = Solver.search, []

    def search(self: Solver, deadline: float, gap: float, start: Any = None, stop: Any = None, **how: Any) -> Answer:
        calls.append(stop)
        if tells and stop is not None and stop(1e9, INF, None):
            return Answer("limit", None, INF, -INF)
        return plain(self, deadline, gap, start, stop, **how)

    monkeypatch.setattr(Solver, "search", search)
    question = _Question(Solver(MARKET), MARKET, INF, budget)
    assert question.answer(relaxed_only=True) is True
    assert question.answer(relaxed_only=False) is there_is
    assert calls
