"""What is not known when the plan is made: the cost of each scenario, hedges, and the tail of the cost (CVaR).

Two stages: the plan is decided before the scenario is known, scenarios and their slices after. All cost counts, signed and recourse alike.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from ailis_models.arrays import Data
from ailis_models.families import Rows, family


@family("L16", "scenario", unit="money", index=("",), kind="definition")
def tail(m: Any, d: Data) -> Rows:
    """What the cost of the scenario exceeds the value at risk by.

    outlay − value_at_risk <= shortfall   [money] (Rockafellar, Uryasev 2000, theorem 1)
    """
    if d.risk.counts:
        yield 0, m.outlay[0] - m.value_at_risk[0] - m.shortfall[0] <= 0


@family("L16", "plan", unit="money", index=("",), kind="definition")
def tail_mean(m: Any, d: Data) -> Rows:
    """The mean of the worst 1 − α of the cost: value_at_risk + Σ_z probability[z]·shortfall[z] ÷ (1 − α) = cvar   [money]."""
    if d.risk.counts:
        share = (d.probability / (1 - d.risk.alpha)).tolist()
        beyond = pyo.quicksum(share[z] * m.export_shortfall[z, 0] for z in range(d.n_scenarios))
        yield 0, m.value_at_risk[0] + beyond - m.cvar[0] == 0


FAMILIES = (tail, tail_mean)


def expected(m: Any, d: Data, amount: Any) -> Any:
    """An amount of a scenario, or of one of its slices, times the probability of the scenario."""
    return amount if d.n_scenarios == 1 else m.probability[0] * amount


def averse(d: Data, cost: Any) -> Any:
    """The part of the expected cost in the objective: (1 − weight) · cost; the rest is `weight` · CVaR."""
    return cost if d.risk.weight == 0 else (1 - d.risk.weight) * cost


def plan_objective(m: Any, d: Data) -> Any:
    """weight · CVaR of the cost."""
    return d.risk.weight * m.cvar[0] if d.risk.weight > 0 else 0.0


def scenario_cost(m: Any, d: Data) -> Any:
    """Hedges: Σ_e position_cost[e]·position[e], premium and cost of carry less payoff."""
    return pyo.quicksum(m.position_cost[e] * lots for e, lots in m.position.items())
