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
    """Bounds (lower, upper) of each problem, of cost + q · lost [money].

    `rp`: one plan before the scenario is known. `alone`: (Z, 2) a plan for each scenario. `ws`: their mean. `eev`: the plan that is best
    for the mean of all scenarios, in all of them; infinite where it fails in one. `mean`: that plan, (columns of the plan,).
    """

    rp: tuple[float, float]
    alone: Floats
    ws: tuple[float, float]
    eev: tuple[float, float]
    mean: Floats

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


def value(
    model: TwoStage, price: float = 0.0, gap: float = 1e-6, time_limit: float = np.inf, rp: tuple[float, float] | None = None
) -> Value | None:
    """Solve the three problems; `rp`: bounds of the first, where they are known. None where the time ended, or there is no plan at all."""
    end = time.monotonic() + time_limit
    together = priced(model.program(), price)
    if rp is None:
        now = least(together, gap, end)
        if now is None:
            return None
        rp = now.lower, now.upper
    each = [least(priced(model.alone(z).program(), price), gap, end) for z in range(len(model.probability))]
    mean = least(priced(model.mean().program(), price), gap, end)
    found = [one for one in each if one is not None]
    if mean is None or mean.x is None or len(found) < len(each):
        return None
    alone = np.array([(one.lower, one.upper) for one in found])
    ws = model.probability @ alone
    plan = mean.x[: model.plan.n_columns]
    eev = least(planned(together, plan), gap, end)
    bounds = (np.inf, np.inf) if eev is None else (eev.lower, eev.upper)
    return Value(rp, alone, (float(ws[0]), float(ws[1])), bounds, plan)


def least(program: Program, gap: float, end: float) -> Outcome | None:
    """The least cost by `end` (monotonic seconds); None where no plan was found."""
    found = Search(program, Options(ratio=False, gap=gap, time_limit=max(end - time.monotonic(), 0.0)), lambda _: False).run()
    return None if found.x is None else found


def planned(program: Program, plan: Floats) -> Program:
    """The program with its plan fixed at the first columns of another of the same layout."""
    x = np.zeros(len(program.cost))
    x[: len(plan)] = plan
    return with_plan(program, x)
