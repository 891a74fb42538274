"""What planning for all scenarios is worth: the farmer, and the order of the three problems on random instances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

from ailis_models.arrays import Data as Arrays
from ailis_opt.engine.compile import TwoStage, templates, two_stage
from ailis_opt.engine.template import read_template
from ailis_opt.engine.value import least, planned, value
from ailis_opt.prepare import prepare
from tests.models.markets import market, offer
from tests.support.files import as_instance
from tests.support.scenarios import random_stochastic

GAP = 1e-8
CROPS = ("wheat", "corn", "beets")
YIELDS = np.array([[2.5, 3, 20]]) * np.array([[0.8], [1], [1.2]])  # tonnes per acre


def _costs(m: Any, cost: Any) -> Any:
    m.cost, m.lost = pyo.Expression(expr=cost), pyo.Expression(expr=0.0)
    return m


def acres() -> Any:
    """What is sown, before the weather is known: 500 acres at most."""
    m = pyo.ConcreteModel()
    m.acres = pyo.Var(CROPS, domain=pyo.NonNegativeReals)
    m.farm = pyo.Block()
    m.farm.land = pyo.Constraint(expr=sum(m.acres.values()) <= 500)
    return _costs(m, 150 * m.acres["wheat"] + 230 * m.acres["corn"] + 260 * m.acres["beets"])


def season() -> Any:
    """Harvest, what is bought to feed the cattle, what is sold: beets beyond the quota of 6000 t for less."""
    m = pyo.ConcreteModel()
    m.probability = pyo.Param([0], mutable=True, initialize=1.0)
    m.harvest = pyo.Param(range(3), mutable=True, initialize=dict(enumerate(YIELDS[1].tolist())))
    m.acres = pyo.Var(CROPS)
    m.buy = pyo.Var(["wheat", "corn"], domain=pyo.NonNegativeReals)
    sold = ["wheat", "corn", "quota", "beyond"]
    m.sell = pyo.Var(sold, domain=pyo.NonNegativeReals, bounds=lambda _, crop: (0, 6000 if crop == "quota" else None))
    m.farm = pyo.Block()
    m.farm.wheat = pyo.Constraint(expr=m.harvest[0] * m.acres["wheat"] + m.buy["wheat"] - m.sell["wheat"] >= 200)
    m.farm.corn = pyo.Constraint(expr=m.harvest[1] * m.acres["corn"] + m.buy["corn"] - m.sell["corn"] >= 240)
    m.farm.beets = pyo.Constraint(expr=m.sell["quota"] + m.sell["beyond"] - m.harvest[2] * m.acres["beets"] <= 0)
    bought = 238 * m.buy["wheat"] + 210 * m.buy["corn"]
    earned = 170 * m.sell["wheat"] + 150 * m.sell["corn"] + 36 * m.sell["quota"] + 10 * m.sell["beyond"]
    return _costs(m, m.probability[0] * (bought - earned))


def farmer() -> TwoStage:
    """Birge and Louveaux 2011, section 1.1: yields 20 % below, at, and above their mean."""
    third = np.full(3, 1 / 3)
    return TwoStage(
        plan=read_template(acres(), ()),
        scenario=read_template(season(), ("acres",)),
        slice=read_template(_costs(pyo.ConcreteModel(), 0.0), ()),
        scenarios={"harvest": YIELDS, "probability": third[:, None]},
        slices={},
        period=np.zeros(1, np.int64),
        probability=third,
        asked=np.zeros(3),
        least=np.zeros(3),
    )


def test_the_farmer() -> None:
    found = value(farmer(), gap=1e-10)
    assert found is not None
    assert found.rp == pytest.approx((-108390, -108390), rel=1e-9)
    assert found.ws[1] == pytest.approx(-115405.5556, abs=1e-4)
    assert found.eev[1] == pytest.approx(-107240, rel=1e-9)
    assert found.evpi == pytest.approx(7015.5556, abs=1e-4)
    assert found.vss == pytest.approx(1150, rel=1e-8)
    assert found.alone[:, 1] == pytest.approx([-59950, -118600, -167666.6667], abs=1e-3)
    assert found.mean == pytest.approx([120, 80, 300])


def test_what_the_farmer_sows() -> None:
    model = farmer()
    best = least(model.program(), 1e-10, np.inf)
    assert best is not None
    assert best.x is not None
    assert best.x[:3] == pytest.approx([170, 80, 250])
    fixed = least(planned(model.program(), np.array([120.0, 80, 300])), 1e-10, np.inf)
    assert fixed is not None
    assert fixed.upper == pytest.approx(-107240)


def neutral(seed: int, ratio: bool = False) -> Arrays:
    """A random instance with scenarios in which only the mean counts."""
    data = random_stochastic(seed)
    data["header"]["risk"] = {"weight": 0.0}
    data["header"]["objective"] = "cost_per_outcome" if ratio else "cost"
    return prepare(as_instance(data)).data


@pytest.mark.parametrize("seed", range(400, 406))
def test_wait_and_see_here_and_now_expected_value_plan(seed: int) -> None:
    """WS <= RP <= EEV, at a price of outcomes, too; the EEV is infinite where the plan for the mean fails somewhere."""
    d = neutral(seed, ratio=bool(seed % 2))
    found = value(two_stage(d, *templates(d)), price=0.01 * (seed % 2), gap=GAP)
    assert found is not None
    slack = 3 * GAP * abs(found.rp[1]) + 1e-9
    assert found.ws[0] <= found.rp[1] + slack
    assert found.rp[0] <= found.eev[1] + slack
    assert found.evpi == max(found.rp[1] - found.ws[1], 0)
    assert found.vss == max(found.eev[1] - found.rp[1], 0)
    assert d.probability @ found.alone == pytest.approx(found.ws)


def test_the_plan_for_the_mean_may_fail() -> None:
    """Nothing is hired: five lots serve the mean of 0 and 10, and not 10."""
    change = {"scenario": "none", "table": "demand", "column": "outcomes", "value": 0}
    lots = offer("lots", 1, contract="reserved")
    d = prepare(as_instance(market(lots, scenarios=[{"scenario": "none"}, {"scenario": "all"}], changes=[change]))).data
    found = value(two_stage(d, *templates(d)), gap=GAP)
    assert found is not None
    assert (found.rp[1], found.ws[1], found.eev[1], found.vss) == pytest.approx((10, 5, np.inf, np.inf))
    assert found.evpi == pytest.approx(5)
