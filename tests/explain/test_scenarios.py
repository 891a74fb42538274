"""Layers dropped under scenarios: by hand, and on random instances with hedges and risk."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ailis_opt import solve
from ailis_opt.explain.explanation import explain
from ailis_opt.explain.layered import NAMES, Layered
from tests.models.markets import market, offer
from tests.support.files import Data, as_instance
from tests.support.scenarios import random_stochastic

GAP = 1e-7
SAME = 1e-6
SEEDS = st.integers(20_000, 30_000)
REGIONS = [{"region": "us", "country": "US", "jurisdictions": ["US"]}, {"region": "eu", "country": "DE", "jurisdictions": ["EU"]}]


def few(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None)


def z(layered: Layered, layers: frozenset[str]) -> float:
    """The optimum with only these layers."""
    outcome = layered.solve(layered.only(layers), gap=GAP)
    assert outcome.status == "optimal"
    return outcome.upper


def check_whole(seed: int) -> None:
    """With every layer enforced it is the instance as `solve` sees it."""
    instance = as_instance(random_stochastic(seed))
    ours = z(Layered(instance), frozenset(NAMES))
    assert ours == pytest.approx(solve(instance, gap=GAP, in_process=True).objective, rel=SAME, abs=1e-9)


def check_monotone(seed: int, pairs: int) -> None:
    """Fewer layers cost no more. A hedge may earn money, so that costs are below 0."""
    layered, rng = Layered(as_instance(random_stochastic(seed))), random.Random(seed)
    for _ in range(pairs):
        more = frozenset(name for name in NAMES if rng.random() < 0.7)
        less = frozenset(name for name in more if rng.random() < 0.6)
        cost = z(layered, more)
        assert z(layered, less) <= cost + SAME * abs(cost) + 1e-9, (sorted(less), sorted(more))


@few(4)
@given(seed=SEEDS)
def test_all_layers_are_the_instance_itself_quick(seed: int) -> None:
    check_whole(seed)


@few(4)
@given(seed=SEEDS)
def test_fewer_layers_cost_no_more_quick(seed: int) -> None:
    check_monotone(seed, 2)


@pytest.mark.slow
@few(15)
@given(seed=SEEDS)
def test_all_layers_are_the_instance_itself(seed: int) -> None:
    check_whole(seed)


@pytest.mark.slow
@few(10)
@given(seed=SEEDS)
def test_fewer_layers_cost_no_more(seed: int) -> None:
    check_monotone(seed, 3)


def resident(**more: Any) -> Data:
    """10 outcomes, 6 of them resident where the law holds; the US at 2; the EU at 3, at most 5; sovereign EU signed ahead at 5, lots of 4.

    In one of two scenarios, as likely, there is no such law.
    """
    work = [{"workload": "free", "outcome": "x"}, {"workload": "resident", "outcome": "x", "jurisdictions": ["EU"]}]
    return market(
        offer("us", 2, region="us"),
        offer("eu", 3, region="eu", max_lots=5),
        offer("sov", 5, region="eu", tier="sovereign", contract="reserved", lot_gpus=4),
        demand=[{"workload": "free", "period": 0, "outcomes": 4}, {"workload": "resident", "period": 0, "outcomes": 6}],
        regions=REGIONS,
        workloads=work,
        profiles=[{"profile": w["workload"], "workload": w["workload"], "sku": "s", "gpus": 1, "units_per_hour": 1} for w in work],
        scenarios=[{"scenario": "law"}, {"scenario": "no law"}],
        changes=[{"scenario": "no law", "table": "workloads", "where": "workload=resident", "column": "jurisdictions", "value": "EU;US"}],
        **more,
    )


def test_three_layers_that_share_a_cost() -> None:
    """A lot for the sixth resident outcome is signed ahead and used in both scenarios: 34 and 4·5 + 6·2.

    Without the cap, or whole lots: 26, or 8 + 5·3 + 5 by the hour, and 20 where there is no law.
    """
    document = explain(as_instance(resident())).to_dict()

    def values(kind: str) -> dict[str, float]:
        return {item["layer"]: item[kind]["value"] for item in document["layers"] if abs(item[kind]["value"]) > 1e-9}

    full = (34 + 32) / 2
    assert (document["commodity"], document["full"]) == pytest.approx((20, full))
    assert values("entry") == pytest.approx({"L15": (26 - 20) / 2})
    assert values("removal") == pytest.approx({"L15": full - 20, "L1.supply": full - (26 + 20) / 2, "contract": full - (28 + 20) / 2})
    assert values("share") == pytest.approx({"L15": 6.5, "L1.supply": 3.5, "contract": 3})
    assert document["method"] == "exact"


def test_layers_that_share_a_tail() -> None:
    """The same where the worse half counts, which is the scenario with the law."""
    document = explain(as_instance(resident(header={"risk": {"alpha": 0.5, "weight": 1.0}}))).to_dict()
    assert (document["commodity"], document["full"]) == pytest.approx((20, 34))
    shares = {item["layer"]: item["share"]["value"] for item in document["layers"] if abs(item["share"]["value"]) > 1e-9}
    assert shares == pytest.approx({"L15": 9, "L1.supply": 3, "contract": 2})


@pytest.mark.parametrize("seed", [600, 601, 603])
def test_shares_add_up(seed: int) -> None:
    """To what the layers cost together."""
    document = explain(as_instance(random_stochastic(seed)), time_limit=60).to_dict()
    total = sum(item["share"]["value"] for item in document["layers"])
    assert total == pytest.approx(document["full"] - document["commodity"], rel=1e-6, abs=1e-9)
    assert total > 0
