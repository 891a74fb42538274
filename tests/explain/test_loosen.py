"""The objective against a layer's limits: answers worked out by hand, monotone curves, and each point against a solve of its own."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ailis_opt import read, solve
from ailis_opt.errors import InfeasibleError, InputError
from ailis_opt.explain.loosen import LIMITS, edited, loosen, render
from ailis_opt.explain.loosen_result import Loosened
from ailis_opt.output import text
from tests.models.markets import by_period, market, offer
from tests.support.files import as_instance
from tests.support.generate import random_instance

GAP = 1e-9
SHORT = (-10.0, 0.0, 10.0)


def curve(result: Loosened) -> dict[float, float]:
    """Objective by per cent, proven to the last digit; inf where infeasible."""
    for p in result.points:
        assert p.objective.lower == pytest.approx(p.objective.upper, rel=1e-7)
    return {p.percent: p.objective.upper for p in result.points}


def of(data: dict[str, Any], layer: str, *steps: float) -> dict[float, float]:
    return curve(loosen(as_instance(data), layer, GAP, steps=steps or SHORT))


def power(cap: float) -> list[dict[str, Any]]:
    return [{"region": "a", "period": 0, "cap_mw": cap}]


def test_power_cap() -> None:
    """8 of 10 GPUs fit under the cap of `a` at 2; the others are hired in `b` at 3: 22. A tenth of the cap is 0.8 GPUs, worth 0.8."""
    data = market(offer("cheap", 2), offer("dear", 3, region="b"), power=power(0.008))
    assert of(data, "L0") == pytest.approx({-10: 22.8, 0: 22.0, 10: 21.2})
    assert of(data, "L0", 25, 100)[25] == pytest.approx(20.0)


def test_infeasible_points_are_marked() -> None:
    """Under the cap only 10 GPUs run, and 10 are needed."""
    result = loosen(as_instance(market(offer("only", 2), power=power(0.01))), "L0", GAP)
    assert [p.status for p in result.points] == ["infeasible"] * 4 + ["solved"] * 5
    assert result.to_dict()["points"][0]["lower"] is None
    assert "infeasible" in text.render(render(result), 100)


def test_a_base_that_is_infeasible_may_be_mended() -> None:
    result = loosen(as_instance(market(offer("only", 2), power=power(0.0095))), "L0", GAP)
    assert [p.status for p in result.points] == ["infeasible"] * 7 + ["solved"] * 2
    assert "as it is" in text.render(render(result), 100)


def test_whole_lots_are_rounded_down_and_quotas_are_not() -> None:
    """4 whole lots at 1: 10 % more are 4.4, so 4; 25 % more are 5. A quota of 4 GPUs by the hour becomes 4.4."""
    whole = market(offer("lots", 1, contract="reserved", max_lots=4), offer("dear", 3))
    assert of(whole, "L1.supply", -10, 10, 25) == pytest.approx({-10: 3 + 21, 0: 4 + 18, 10: 4 + 18, 25: 5 + 15})
    quota = market(offer("quota", 1, max_lots=4), offer("dear", 3))
    assert of(quota, "L1.supply") == pytest.approx({-10: 3.6 + 19.2, 0: 22, 10: 4.4 + 16.8})


def test_memory_opens_a_route() -> None:
    """82 GB fit 80 GB only with 5 % more: then `small` at 1 does what 4 at `large` did."""
    skus = [{"sku": "s", "memory_gb": 80}, {"sku": "large", "memory_gb": 160}]
    profiles = [{"profile": f"w-{s}", "workload": "w", "sku": s, "gpus": 1, "units_per_hour": 1} for s in ("s", "large")]
    data = market(offer("small", 1), offer("big", 4, sku="large"), work={"weights_gb": 82}, skus=skus, profiles=profiles)
    assert of(data, "L1.memory", 1, 5) == pytest.approx({0: 40, 1: 40, 5: 10})


def test_failover_and_least_lots_go_down_when_loosened() -> None:
    """Standby in `b` for half of what `a` serves takes 5 GPUs at 3, or what is worked there; 4.5 with a tenth less duty."""
    work = {"failover_share": 0.5}
    shares = of(market(offer("cheap", 2), offer("dear", 3, region="b"), work=work), "L10-L14")
    assert shares[-10] > shares[0] > shares[10]
    lots = market(offer("bulk", 1, contract="reserved", min_lots=12, max_lots=20), offer("dear", 3))
    assert of(lots, "contract", -25, 10, 25) == pytest.approx({-25: 15, 0: 12, 10: 11, 25: 10})


def test_shares_of_operators_stop_at_the_whole() -> None:
    """Half from each: 5·1 + 5·3. From 0.55: 5.5·1 + 4.5·3. Twice as much is no limit."""
    data = market(offer("one", 1), offer("two", 3, provider="q"), work={"max_operator_share": 0.5})
    assert of(data, "L15", 10, 200) == pytest.approx({0: 20, 10: 19, 200: 10})


def test_budget() -> None:
    """Work may be left undone for 4 each down to half; cost per outcome. The budget only cuts off what is dearer."""
    data = market(offer("only", 2), header={"budget": 20})
    assert of(data, "L16") == pytest.approx({-10: np.inf, 0: 20, 10: 20})


def test_topology_is_not_taken_for_monotone() -> None:
    """4 GPUs pack into 8, and not into 9."""
    result = loosen(read("instances/quickstart"), "L1.topology", GAP)
    values = curve(result)
    assert not result.monotone
    assert values[10] > values[0] == values[25]
    assert "may cost more" in text.render(render(result), 100)


def test_quickstart() -> None:
    """By its README: a report more on spot saves 0.02 by day; a tenth of 25,200 is 2,520, in two days, over 336,000 outcomes."""
    values = curve(loosen(read("instances/quickstart"), "L10-L14", GAP))
    assert values[0] == pytest.approx(0.054)
    assert values[10] == pytest.approx(0.054 - 2 * 2520 * 0.02 / 336_000)
    assert values[-10] == pytest.approx(0.054 + 2 * 2520 * 0.02 / 336_000)


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ("L3", "yes or no"),
        ("L5-L9", "yes or no"),
        ("L9", "no layer"),
        ("L16", "no such limit"),
        ("L0", "power.cap_mw"),
        ("L15", "max_country"),
    ],
)
def test_what_cannot_be_scaled_is_said(layer: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        loosen(as_instance(market(offer("only", 2))), layer)


def test_the_instance_itself_is_not_changed() -> None:
    instance = as_instance(market(offer("lots", 1, contract="reserved", max_lots=4), offer("dear", 3)))
    edited(instance, "L1.supply", 2.0)
    assert instance.tables["offers"]["max_lots"].iloc[0] == 4


def objective(instance: Any) -> float:
    try:
        return solve(instance, gap=GAP, in_process=True).objective
    except InfeasibleError:
        return np.inf


def faults(seed: int) -> list[str]:
    """Points that are not what a solve of the changed instance finds, and curves that rise."""
    instance = as_instance(random_instance(seed))
    found = []
    for layer in (*LIMITS, "L16"):
        try:
            result = loosen(instance, layer, GAP, steps=(-25.0, 25.0))
        except InputError:
            continue
        values = curve(result)
        found += [
            f"{layer} {step}: {value!r}"
            for step, value in values.items()
            if value != pytest.approx(objective(edited(instance, layer, 1 + step / 100)), rel=1e-6)
        ]
        falling = list(values.values())
        if result.monotone and any(b > a * (1 + 1e-7) for a, b in pairwise(falling)):
            found.append(f"{layer}: {values}")
    return found


@pytest.mark.parametrize("seed", range(3))
def test_points_are_solves_of_changed_instances_quick(seed: int) -> None:
    assert faults(seed) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 9))
def test_points_are_solves_of_changed_instances(seed: int) -> None:
    assert faults(seed) == []


def test_a_later_demand_of_a_limit_that_binds_in_one_period_only() -> None:
    """The quota of 4 binds in the second period alone, where 6 are asked for: one lot in four is worth 2."""
    data = market(offer("quota", 1, max_lots=4), offer("dear", 3), demand=by_period(2, 6), periods=2)
    assert of(data, "L1.supply", 25) == pytest.approx({0: 2 + 4 + 6, 25: 2 + 5 + 3})
