"""Layers that act on routes: the cheap offer (1) is closed by exactly one reason and the dear one (3) is taken, or it is open.

10 outcomes on 1 GPU each: 30 with the cheap route closed, 10 with it open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from ailis_models.l01_fabric import gpus_taken
from ailis_models.l10_l14_flow import checkpoint_waste, daly_interval, young_interval
from ailis_models.layers import LAYERS, MASK, REASONS, layer_mask
from ailis_opt.prepare import funnel_table, prepare
from ailis_opt.prepare.routes import closed_by
from tests.models.markets import Row, market, offer, prepared, solve, stamped
from tests.support.files import Data, as_instance


@dataclass(frozen=True)
class Closed:
    """What closes the cheap route (`shut`) or leaves it open (`open`): columns by table; keys `cheap` and `profile` mean the cheap ones."""

    reason: str
    shut: dict[str, Row]
    open: dict[str, Row]


def build(change: dict[str, Row]) -> Data:
    """SKU `t` in region `b` is cheap, SKU `s` in `a` dear; one profile on each."""
    cheap: Row = {"region": "b", "sku": "t", "provider": "q", "operator_country": "FR", "tier": "trusted"} | change.get("cheap", {})
    geo = {"geo": "north"} if "latency" in change else {}
    tables: dict[str, Any] = {
        "skus": [{"sku": "s", "memory_gb": 80}, {"sku": "t", "memory_gb": 80} | change.get("skus", {})],
        "profiles": [
            {"profile": "w-s", "workload": "w", "sku": "s", "gpus": 1, "units_per_hour": 1},
            {"profile": "w-t", "workload": "w", "sku": "t", "gpus": 1, "units_per_hour": 1} | change.get("profile", {}),
        ],
        "datasets": [{"dataset": "d", "region": "a", "size_gb": 1} | change["datasets"]] if "datasets" in change else [],
        "latency": [{"geo": "north", "region": "a", "rtt_ms": 1}, {"geo": "north", "region": "b"} | change["latency"]] if geo else [],
    }
    demand = [{"workload": "w", "outcomes": 10} | geo]
    return market(offer("dear", 3), offer("cheap", 1, **cheap), work=change.get("work"), demand=demand, **tables)


SPOT: Row = {"contract": "interruptible"}
RISKY: Row = SPOT | {"interruptions_per_hour": 1}
CUDA: Row = {"runtime": "cuda/vllm"}
GANG: dict[str, Any] = {"work": {"kind": "training"}, "profile": {"gpus": 16, "units_per_hour": 16}}
EIGHT: Row = {"gpus": 8, "units_per_hour": 8}

CASES: dict[str, Closed] = {
    "weights": Closed(
        "memory", {"skus": {"memory_gb": 20}, "work": {"weights_gb": 21}}, {"skus": {"memory_gb": 20}, "work": {"weights_gb": 20}}
    ),
    "KV cache": Closed(
        "memory",
        {"skus": {"memory_gb": 20}, "work": {"weights_gb": 5, "kv_gb_per_sequence": 0.5}, "profile": {"sequences": 31}},
        {"skus": {"memory_gb": 20}, "work": {"weights_gb": 5, "kv_gb_per_sequence": 0.5}, "profile": {"sequences": 30}},
    ),
    "scale-up domain": Closed("topology", {"skus": {"scaleup_gpus": 4}, "profile": EIGHT}, {"skus": {"scaleup_gpus": 8}, "profile": EIGHT}),
    "cluster": Closed("topology", GANG | {"cheap": {"cluster_gpus": 8}}, GANG | {"cheap": {"cluster_gpus": 16}}),
    "runtime of the SKU": Closed(
        "runtime", {"skus": {"runtimes": ["rocm"]}, "profile": CUDA}, {"skus": {"runtimes": ["cuda"]}, "profile": CUDA}
    ),
    "runtime of the workload": Closed(
        "runtime", {"work": {"runtimes": ["rocm"]}, "profile": CUDA}, {"work": {"runtimes": ["rocm", "cuda"]}, "profile": CUDA}
    ),
    "engine of the SKU": Closed(
        "engine", {"skus": {"runtimes": ["cuda/trt"]}, "profile": CUDA}, {"skus": {"runtimes": ["cuda/vllm"]}, "profile": CUDA}
    ),
    "engine of the workload": Closed(
        "engine", {"work": {"runtimes": ["cuda/trt"]}, "profile": CUDA}, {"work": {"runtimes": ["cuda"]}, "profile": CUDA}
    ),
    "precision of the SKU": Closed(
        "precision",
        {"skus": {"precisions": ["bf16"]}, "profile": {"precision": "fp8"}},
        {"skus": {"precisions": ["fp8"]}, "profile": {"precision": "fp8"}},
    ),
    "precision of the workload": Closed(
        "precision",
        {"work": {"precisions": ["bf16"]}, "profile": {"precision": "fp8"}},
        {"work": {"precisions": ["bf16"]}, "profile": {"precision": "bf16"}},
    ),
    "data rights": Closed(
        "data rights",
        {"work": {"datasets": ["d"]}, "datasets": {"jurisdictions": ["DE"]}},
        {"work": {"datasets": ["d"]}, "datasets": {"jurisdictions": ["DE", "FR"]}},
    ),
    "latency": Closed(
        "latency",
        {"work": {"latency_ms": 50}, "latency": {"rtt_ms": 46}, "profile": {"latency_ms": 5}},
        {"work": {"latency_ms": 50}, "latency": {"rtt_ms": 45}, "profile": {"latency_ms": 5}},
    ),
    "latency of the profile": Closed(
        "latency", {"work": {"latency_ms": 50}, "profile": {"latency_ms": 51}}, {"work": {"latency_ms": 50}, "profile": {"latency_ms": 50}}
    ),
    "no interruption wanted": Closed(
        "interruption", {"cheap": SPOT, "work": {"max_interruptible_share": 0}}, {"cheap": SPOT, "work": {"max_interruptible_share": 1}}
    ),
    # sqrt(2 · 30 / 60) = 1: no useful time is left
    "interrupted too often": Closed("interruption", {"cheap": RISKY, "work": {"checkpoint_minutes": 30}}, {"cheap": RISKY}),
    "tier": Closed("tier", {"work": {"tiers": ["public"]}}, {"work": {"tiers": ["public", "trusted"]}}),
    "jurisdiction": Closed("jurisdiction", {"work": {"jurisdictions": ["DE"]}}, {"work": {"jurisdictions": ["DE", "FR"]}}),
    "operator": Closed("operator", {"work": {"excluded_operator_countries": ["FR"]}}, {"work": {"excluded_operator_countries": ["CN"]}}),
}


def test_every_reason_has_its_case() -> None:
    assert {case.reason for case in CASES.values()} == {reason.name for reason in REASONS}


@pytest.mark.parametrize("name", CASES)
def test_closed_for_this_reason_alone(name: str) -> None:
    case = CASES[name]
    instance = as_instance(build(case.shut))
    found = prepare(instance)
    cheap = found.ways.region[found.routes.way] == 1
    assert found.routes.blockers[cheap].tolist() == [MASK[case.reason]]
    assert found.routes.blockers[~cheap].tolist() == [0]
    assert closed_by(found.routes.blockers) == {case.reason: 1}
    layer = next(reason.layer for reason in REASONS if reason.name == case.reason)
    funnel = funnel_table(instance, found)
    steps = ["all", *(each.id for each in LAYERS)]
    assert funnel["layer"].tolist() == steps
    assert funnel["w"].tolist() == [2 if steps.index(step) < steps.index(layer) else 1 for step in steps]
    assert solve(stamped(found.data)).upper == pytest.approx(30)


@pytest.mark.parametrize("name", CASES)
def test_open(name: str) -> None:
    found = prepared(build(CASES[name].open))
    assert found.routes.blockers.tolist() == [0, 0]
    cost = 16.0 if name == "cluster" else 10.0  # a whole gang of 16, once
    assert solve(stamped(found.data)).upper == pytest.approx(cost)


def test_masks_are_bits_of_their_own() -> None:
    masks = [reason.mask for reason in REASONS]
    assert sum(masks) == 2 ** len(masks) - 1
    assert layer_mask("L15") == MASK["tier"] | MASK["jurisdiction"] | MASK["operator"]
    assert layer_mask("L16") == 0


@pytest.mark.parametrize(
    ("gpus", "domain", "taken"),
    [
        (1, 1, 1),
        (1, 8, 1),
        (2, 8, 2),
        (3, 8, 4),
        (4, 8, 4),
        (5, 8, 8),
        (8, 8, 8),
        (9, 8, 16),
        (16, 8, 16),
        (17, 8, 24),
        (5, 72, 72 / 14),
        (16, 72, 18),
    ],
)
def test_gpus_taken(gpus: int, domain: int, taken: float) -> None:
    assert gpus_taken(np.array([gpus]), np.array([domain])).tolist() == pytest.approx([taken])


def test_checkpoint_intervals() -> None:
    """Checkpoints of 300 s and a day between failures."""
    assert young_interval(np.array(300.0), np.array(86_400.0)) == pytest.approx(7200)
    assert daly_interval(300, 86_400) == pytest.approx(7001.389, abs=5e-4)
    assert daly_interval(300, 100) == 100


def test_waste_is_that_of_the_best_interval() -> None:
    checkpoint, restart, mtbf = 300.0, 600.0, 86_400.0
    waste = float(checkpoint_waste(np.array(checkpoint), np.array(restart), np.array(mtbf)))
    assert waste == pytest.approx(300 / 7200 + 7200 / (2 * 86_400) + 600 / 86_400)
    for interval in (6000.0, 7000.0, 7400.0, 9000.0):
        assert waste < checkpoint / interval + interval / (2 * mtbf) + restart / mtbf


def test_waste_lowers_the_rate() -> None:
    """Once in 8 hours, with 1 minute for a checkpoint and 14 to restart: sqrt(2 / 480) + 14 / 480 is lost; over 3 lots, thrice."""
    spot = SPOT | {"interruptions_per_hour": 1 / 8}
    work = {"checkpoint_minutes": 1, "restart_minutes": 14}
    for gpus, mean in ((1, 480.0), (3, 160.0)):
        found = prepared(build({"cheap": spot, "work": work, "profile": {"gpus": gpus, "units_per_hour": gpus}}))
        waste = np.sqrt(2 / mean) + 14 / mean
        assert found.ways.rate[found.ways.region == 1].tolist() == pytest.approx([gpus * (1 - waste)])
