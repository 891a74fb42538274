"""`explain`: known answers, shares against brute force over all sets, and that they add up."""

from __future__ import annotations

import itertools
from math import factorial
from typing import Any

import pytest

from ailis_opt.errors import InputError
from ailis_opt.explain.explanation import Explanation, explain
from ailis_opt.explain.layered import NAMES, Layered
from tests.models.markets import market, offer
from tests.support.files import Data, as_instance
from tests.support.generate import random_instance

GAP = 1e-7
REGIONS = [{"region": "us", "country": "US", "jurisdictions": ["US"]}, {"region": "eu", "country": "DE", "jurisdictions": ["EU"]}]


def two_workloads(*offers: dict[str, Any], free: float, resident: float) -> Data:
    """Outcomes that may be made anywhere, and such that must be made in the EU; one GPU makes one an hour."""
    work = [{"workload": "free", "outcome": "x"}, {"workload": "resident", "outcome": "x", "jurisdictions": ["EU"]}]
    profiles = [{"profile": w["workload"], "workload": w["workload"], "sku": "s", "gpus": 1, "units_per_hour": 1} for w in work]
    demand = [{"workload": "free", "period": 0, "outcomes": free}, {"workload": "resident", "period": 0, "outcomes": resident}]
    return market(*offers, demand=demand, regions=REGIONS, workloads=work, profiles=profiles)


def explained(data: Data, **more: Any) -> dict[str, Any]:
    return explain(as_instance(data), **more).to_dict()


def values(document: dict[str, Any], kind: str) -> dict[str, float]:
    """A kind of value by layer, those that are not 0."""
    return {item["layer"]: item[kind]["value"] for item in document["layers"] if abs(item[kind]["value"]) > 1e-9}


def test_three_layers_that_share_a_cost() -> None:
    """K4: 10 outcomes, 6 of them resident; the US at 2; the EU at 3, at most 5; sovereign EU at 5 in lots of 4."""
    document = explained(
        two_workloads(
            offer("us", 2, region="us"),
            offer("eu", 3, region="eu", max_lots=5),
            offer("sov", 5, region="eu", tier="sovereign", contract="reserved", lot_gpus=4),
            free=4,
            resident=6,
        )
    )
    assert (document["commodity"], document["full"]) == pytest.approx((20, 34))
    assert values(document, "share") == pytest.approx({"L15": 9, "L1.supply": 3, "contract": 2})
    assert values(document, "entry") == pytest.approx({"L15": 6})
    assert values(document, "removal") == pytest.approx({"L15": 14, "L1.supply": 8, "contract": 6})
    assert {item["layer"] for item in document["layers"] if item["binds"] == "yes"} == {"L15", "L1.supply", "contract"}
    assert all(item["binds"] == "no" for item in document["layers"] if item["layer"] not in ("L15", "L1.supply", "contract"))
    assert [item["layer"] for item in document["layers"]] == list(NAMES)
    assert document["method"] == "exact"


@pytest.mark.parametrize(("cap", "cost", "worth"), [(60, 270, 0), (120, 250, 30)])
def test_residency_that_is_active_and_worth_nothing(cap: int, cost: float, worth: float) -> None:
    """K3: A at 2 up to a cap, B at 3; 80 anywhere and 30 in B. With a cap of 60 somebody is in B anyway."""
    a, b = offer("a", 2, region="us", max_lots=cap), offer("b", 3, region="eu", max_lots=100)
    document = explained(two_workloads(a, b, free=80, resident=30))
    governance = next(item for item in document["layers"] if item["layer"] == "L15")
    assert document["full"] == pytest.approx(cost)
    assert governance["removal"]["value"] == pytest.approx(worth, abs=1e-6)
    assert governance["binds"] == ("yes" if worth else "no")
    layered = Layered(as_instance(two_workloads(a, b, free=80, resident=30)))
    assert "L15" in layered.active(frozenset(NAMES))  # it closes routes all the same


def brute_force(instance: Any, active: tuple[str, ...]) -> dict[str, float]:
    """Shapley's shares from all sets, each solved in a program of its own making."""
    z = {}
    for k in range(len(active) + 1):
        for chosen in itertools.combinations(active, k):
            layered = Layered(instance)
            outcome = layered.solve(layered.only(frozenset(chosen) | (frozenset(NAMES) - frozenset(active))), gap=GAP)
            z[frozenset(chosen)] = outcome.upper
    n, shares = len(active), dict.fromkeys(active, 0.0)
    for chosen, cost in z.items():
        for layer in frozenset(active) - chosen:
            weight = factorial(len(chosen)) * factorial(n - len(chosen) - 1) / factorial(n)
            shares[layer] += weight * (z[chosen | {layer}] - cost)
    return shares


def assert_adds_up(found: Explanation) -> None:
    way = found.full.upper - found.commodity.upper
    assert sum(item.share.value for item in found.layers) == pytest.approx(way, rel=1e-6, abs=1e-9)
    for item in found.layers:
        for interval in (item.share, item.removal, item.entry):
            assert interval.lower - 1e-9 <= interval.value <= interval.upper + 1e-9


def check_sums(seed: int) -> None:
    found = explain(as_instance(random_instance(seed)), gap=1e-6)
    assert_adds_up(found)
    assert found.method == "exact"


def check_brute_force(seed: int) -> bool:
    """False where more than five layers are active."""
    instance = as_instance(random_instance(seed, features={"reserved", "weights", "jurisdictions", "datasets", "interruptible"}))
    active = Layered(instance).active(frozenset(NAMES))
    if len(active) > 5:
        return False
    found = explain(instance, gap=1e-6)
    assert_adds_up(found)
    scale = abs(found.full.upper)
    for layer, share in brute_force(instance, active).items():
        item = next(item for item in found.layers if item.layer == layer)
        assert item.share.value == pytest.approx(share, rel=1e-6, abs=1e-6 * scale)
    return True


@pytest.mark.parametrize("seed", range(40_000, 40_003))
def test_shares_add_up_quick(seed: int) -> None:
    check_sums(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40_003, 40_050))
def test_shares_add_up(seed: int) -> None:
    check_sums(seed)


@pytest.mark.parametrize("seeds", [range(41_000, 41_004)], ids=str)
def test_shares_are_those_of_all_sets_quick(seeds: range) -> None:
    assert any(check_brute_force(seed) for seed in seeds)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(41_004 + k, 41_014 + k) for k in range(0, 20, 10)], ids=str)
def test_shares_are_those_of_all_sets(seeds: range) -> None:
    assert sum(check_brute_force(seed) for seed in seeds) >= 3


def test_only_some_layers_are_compared() -> None:
    found = explain(as_instance(random_instance(42_000)), layers=frozenset({"L15", "contract"}))
    assert [item.layer for item in found.layers] == ["L15", "contract"]
    assert_adds_up(found)


def test_a_layer_that_does_not_exist() -> None:
    with pytest.raises(InputError, match=r"L17.*there is no such layer"):
        explain(as_instance(random_instance(42_000)), layers=frozenset({"L17"}))
