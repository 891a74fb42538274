"""Dropping layers: everything enforced is the instance as `solve` sees it, and fewer layers never cost more."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ailis_opt import solve
from ailis_opt.explain.layered import NAMES, Layered
from tests.models.markets import by_period, market, offer
from tests.support.files import Data, as_instance
from tests.support.generate import random_instance

GAP = 1e-7
SAME = 1e-6
SEEDS = st.integers(20_000, 30_000)


def z(layered: Layered, layers: frozenset[str]) -> float:
    """The optimum with only these layers."""
    outcome = layered.solve(layered.only(layers), gap=GAP)
    assert outcome.status == "optimal"
    return outcome.upper


def without(*layers: str) -> frozenset[str]:
    return frozenset(NAMES) - frozenset(layers)


def few(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None)


def check_whole(seed: int) -> None:
    instance = as_instance(random_instance(seed))
    ours = z(Layered(instance), frozenset(NAMES))
    assert ours == pytest.approx(solve(instance, gap=GAP, in_process=True).objective, rel=SAME, abs=1e-9)


def check_monotone(seed: int, pairs: int) -> None:
    layered, rng = Layered(as_instance(random_instance(seed))), random.Random(seed)
    for _ in range(pairs):
        more = frozenset(name for name in NAMES if rng.random() < 0.7)
        less = frozenset(name for name in more if rng.random() < 0.6)
        assert z(layered, less) <= z(layered, more) * (1 + SAME) + 1e-9, (sorted(less), sorted(more))


@few(8)
@given(seed=SEEDS)
def test_all_layers_are_the_instance_itself_quick(seed: int) -> None:
    check_whole(seed)


@few(8)
@given(seed=SEEDS)
def test_fewer_layers_cost_no_more_quick(seed: int) -> None:
    check_monotone(seed, 2)


@pytest.mark.slow
@few(30)
@given(seed=SEEDS)
def test_all_layers_are_the_instance_itself(seed: int) -> None:
    check_whole(seed)


@pytest.mark.slow
@few(30)
@given(seed=SEEDS)
def test_fewer_layers_cost_no_more(seed: int) -> None:
    check_monotone(seed, 4)


# -- what each layer's absence means, by hand ---------------------------------------------------------------------------------------

DROPPED: dict[str, tuple[Data, str, float, float]] = {
    # 10 outcomes: 6 under the cap at 1, 4 elsewhere at 3
    "power cap": (
        market(offer("near", 1), offer("far", 3, region="b"), power=[{"region": "a", "period": 0, "cap_mw": 0.006}]),
        "L0",
        6 + 4 * 3,
        10,
    ),
    "lots on offer": (market(offer("near", 1, max_lots=4), offer("far", 3, region="b")), "L1.supply", 4 + 6 * 3, 10),
    # a lot of ten for two periods, delivered in the second
    "delivery": (
        market(
            offer("lot", 1, contract="reserved", lot_gpus=10, lead_periods=1), offer("dear", 5), demand=by_period(10, 10), periods=2
        ),
        "L1.supply",
        50 + 10,
        20,
    ),
    "out of service": (market(offer("hire", 2, availability=0.8)), "L1.supply", 2 * 12.5, 2 * 10),
    # 200 GB of weights on one GPU of 80
    "memory": (
        market(
            offer("hire", 2),
            work={"weights_gb": 200},
            profiles=[
                {"profile": "w-1", "workload": "w", "sku": "s", "gpus": 1, "units_per_hour": 1},
                {"profile": "w-4", "workload": "w", "sku": "s", "gpus": 4, "units_per_hour": 2},
            ],
        ),
        "L1.memory",
        2 * 20,
        2 * 10,
    ),
    # a replica of 3 takes 4 of a domain of 8
    "packing": (market(offer("hire", 2), profile={"gpus": 3, "units_per_hour": 1}), "L1.topology", 2 * 40, 2 * 30),
    # ten gangs' work in one pool: the cheap one holds four
    "one pool": (
        market(
            offer("cheap", 1, max_lots=4), offer("dear", 3, tier="trusted"), work={"kind": "training", "max_move_share": 0}
        ),
        "L1.topology",
        10 * 3,
        4 + 6 * 3,
    ),
    # a gang and a half would do
    "whole gangs": (market(offer("hire", 2), work={"kind": "training"}, demand=1.5), "L1.topology", 2 * 2, 2 * 1.5),
    "runtime": (
        market(
            offer("cheap", 1), offer("dear", 3, sku="t"), work={"runtimes": ["rocm"]},
            skus=[{"sku": "s", "runtimes": ["cuda"]}, {"sku": "t", "runtimes": ["rocm"]}],
            profiles=[
                {"profile": "w-s", "workload": "w", "sku": "s", "runtime": "cuda", "gpus": 1, "units_per_hour": 1},
                {"profile": "w-t", "workload": "w", "sku": "t", "runtime": "rocm", "gpus": 1, "units_per_hour": 1},
            ],
        ),
        "L2",
        30,
        10,
    ),
    # a copy in the cheap region costs 5
    "data in place": (
        market(
            offer("home", 3), offer("away", 1, region="b"), work={"datasets": ["d"]},
            datasets=[{"dataset": "d", "region": "a", "size_gb": 50}],
            egress=[{"from_region": "a", "to_region": "b", "price_per_gb": 0.1}, {"from_region": "b", "to_region": "a", "price_per_gb": 0}],
        ),
        "L5-L9",
        10 + 5,
        10,
    ),
    "interruptible share": (
        market(offer("spot", 1, contract="interruptible"), offer("firm", 3), work={"max_interruptible_share": 0.4}),
        "L10-L14",
        4 + 6 * 3,
        10,
    ),
    # half of the time goes to restarts
    "waste": (
        market(
            offer("spot", 1, contract="interruptible", interruptions_per_hour=1), offer("firm", 3), work={"restart_minutes": 30}
        ),
        "L10-L14",
        20,
        10,
    ),
    "tier": (market(offer("public", 1), offer("sovereign", 3, tier="sovereign"), work={"tiers": ["sovereign"]}), "L15", 30, 10),
    # training that is due in the dear period
    "deadline": (
        market(
            offer("early", 3, last_start=0), offer("late", 1, first_start=1), periods=2,
            work={"kind": "training", "deadline_period": 0}, demand=[{"workload": "w", "outcomes": 10}],
        ),
        "L16",
        30,
        10,
    ),
    # two lots of 8 for 10, at an upfront of 1 a GPU
    "whole lots": (
        market(offer("lot", 1, contract="reserved", lot_gpus=8, upfront_per_gpu=1, term_periods=1)), "contract", 16 * 2, 10 * 2,
    ),
    # 10 GPUs signed before, of which 4 are used
    "take or pay": (market(offer("lot", 1, contract="owned", committed_lots=10, max_lots=0), demand=4), "contract", 10, 4),
    # two lots may start in the first of two periods
    "ramp": (
        market(
            offer("lot", 1, contract="reserved", max_lots_per_period=2), offer("dear", 5), demand=by_period(4, 4), periods=2
        ),
        "L1.supply",
        2 * 1 + 2 * 5 + 4 * 1,
        8,
    ),
    "shared lots": (
        market(
            *(offer(name, price, contract="reserved", max_lots=2, shares_lots_with="both") for name, price in (("one", 1), ("two", 2))),
            offer("dear", 5), demand=4,
        ),
        "L1.supply",
        2 * 1 + 2 * 5,
        4,
    ),
    # the same lots by the hour are no more of them
    "shared lots by the hour": (
        market(
            *(offer(n, price, contract="reserved", lot_gpus=2, max_lots=1, shares_lots_with="g") for n, price in (("x", 1), ("y", 2))),
            offer("dear", 5), demand=3,
        ),
        "contract",
        2 * 1 + 1 * 5,
        2 * 1 + 1 * 5,
    ),
    # 6 of 8 GPUs that are paid in any case stand idle
    "take-or-pay share": (
        market(
            offer("lot", 1, contract="reserved", lot_gpus=16, take_or_pay_share=0.5, max_lots=1), offer("dear", 9), demand=2,
        ),
        "contract",
        8,
        2,
    ),
    "called of lots signed before": (
        market(offer("lot", 1, contract="owned", lot_gpus=10, committed_lots=1, max_lots=0, take_or_pay_share=0.2), demand=4),
        "contract",
        2 + 2,
        4,
    ),
    "whole hired lots": (market(offer("hire", 1, lot_gpus=8, whole_lots=True)), "contract", 16, 10),
    "least amount": (market(offer("hire", 1, min_lots=12), offer("dear", 3, region="b")), "contract", 12, 10),
}  # fmt: skip


@pytest.mark.parametrize("name", DROPPED)
def test_without_a_layer(name: str) -> None:
    data, layer, enforced, dropped = DROPPED[name]
    layered = Layered(as_instance(data))
    assert z(layered, frozenset(NAMES)) == pytest.approx(enforced)
    assert z(layered, without(layer)) == pytest.approx(dropped)
    assert layer in layered.active(frozenset(NAMES))


def test_demand_stands_whichever_layers_are_enforced() -> None:
    """Without L16 nothing may be shed that must be served: every cost is that of the same outcomes."""
    layered = Layered(as_instance(market(offer("hire", 2))))
    assert z(layered, frozenset()) == pytest.approx(20)
    assert np.isfinite(z(layered, without("L16")))


def test_a_budget_goes_with_its_layer() -> None:
    """Ratio: at most 12 may be spent, so that the fixed 10 are spread over one outcome only."""
    data = market(
        offer("own", 10, contract="owned", committed_lots=1, max_lots=0),
        offer("hire", 2, region="b"),
        work={"min_service": 0},
        header={"objective": "cost_per_outcome", "budget": 12},
    )
    layered = Layered(as_instance(data))
    assert z(layered, frozenset(NAMES)) == pytest.approx(12 / 2)
    assert z(layered, without("L16")) == pytest.approx((10 + 9 * 2) / 10)
