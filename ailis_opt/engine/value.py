"""What it is worth to plan for all scenarios at once, and to know which one comes (Birge, Louveaux 2011, chapter 4).

All in money at a price q of an outcome: the least of cost + q · lost outcomes, which for q = 0 is cost, and at the best ratio of a plan is
what the ratio minimizes. For every plan of least cost in that sense: wait and see <= here and now <= expected value plan (WS <= RP <= EEV).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.engine.compile import Program, TwoStage
from ailis_opt.engine.search import Options, Outcome, Search
from ailis_opt.engine.stages import with_plan


@dataclass(frozen=True, slots=True)
class Value:
    """Bounds (lower, upper) of each problem, of cost + q · lost [money]; `eev` is infinite where the plan for the mean fails in some
    scenario.

    `rp`: one plan before the scenario is known. `ws`: a plan for each scenario, in the mean. `eev`: the plan that is best for the mean of
    all scenarios, in all of them.
    """

    rp: tuple[float, float]
    ws: tuple[float, float]
    eev: tuple[float, float]

    @property
    def evpi(self) -> float:
        """Expected value of perfect information, RP − WS."""
        return max(self.rp[1] - self.ws[1], 0.0)

    @property
    def vss(self) -> float:
        """Value of the stochastic solution, EEV − RP."""
        return max(self.eev[1] - self.rp[1], 0.0)


def priced(program: Program, price: float) -> Program:
    """The program that minimizes cost + price · lost, with no ratio."""
    return replace(program, cost=program.cost + price * program.lost, lost=np.zeros_like(program.lost))


def value(model: TwoStage, price: float = 0.0, gap: float = 1e-6, time_limit: float = np.inf, known: Floats | None = None) -> Value | None:
    """Solve the three problems. `known`: a solution of the here-and-now problem. None where the time ended, or where there is no plan at
    all.
    """
    end = time.monotonic() + time_limit
    together = priced(model.program(), price)
    rp = _solve(together, gap, end, known)
    each = [_solve(priced(model.alone(z).program(), price), gap, end) for z in range(len(model.probability))]
    mean = _solve(priced(model.mean().program(), price), gap, end)
    if rp is None or mean is None or any(one is None for one in each):
        return None
    ws = tuple(float(model.probability @ [getattr(one, side) for one in each]) for side in ("lower", "upper"))
    fixed = _fixed(together, mean, model)
    eev = None if fixed is None else _solve(fixed, gap, end)
    bounds = (np.inf, np.inf) if eev is None else (eev.lower, eev.upper)
    return Value((rp.lower, rp.upper), (ws[0], ws[1]), bounds)


def _solve(program: Program, gap: float, end: float, known: Floats | None = None) -> Outcome | None:
    found = Search(program, Options(ratio=False, gap=gap, time_limit=max(end - time.monotonic(), 0.0)), lambda _: False, known=known).run()
    return None if found.x is None else found


def _fixed(program: Program, mean: Outcome, model: TwoStage) -> Program | None:
    """The program of all scenarios with the plan that is best for their mean."""
    assert mean.x is not None
    plan = model.plan.n_columns
    x = np.zeros(len(program.cost))
    x[:plan] = mean.x[:plan]
    return with_plan(program, x)
