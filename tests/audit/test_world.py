"""What the audit reads from an instance: hours, demand, what a replica takes and makes, which routes are open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ailis_opt.audit.ledger import Ledger
from ailis_opt.audit.world import CLOSING_LAYERS, World, demand, measure, survey
from ailis_opt.schema import Instance

Document = dict[str, Any]
Plan = dict[str, pd.DataFrame]
Load = Callable[[Document], Instance]


def world(load: Load, document: Document, plan: Plan) -> World:
    membership = {name: plan["pools"][name].to_numpy(object) for name in ("pool", "offer")}
    return survey(load(document), membership, Ledger(1e-6))


def route(seen: World, workload: str, geo: str, pool: str) -> dict[str, Any]:
    names = {"workload": workload, "geo": geo, "pool": pool, "profile": f"{workload}-h100"}
    measured = measure(seen, {key: np.array([name], dtype=object) for key, name in names.items()})
    return {name: values[0] for name, values in measured.items()}


@pytest.mark.parametrize(
    ("start", "kind", "hours"),
    [
        ("2027-01-01", "month", [744, 672]),
        ("2028-02-01", "month", [696, 744]),
        ("2027-01-15", "month", [744, 672]),
        ("2027-01-31", "month", [672, 744]),
        ("2027-01-01", "week", [168, 168]),
        ("2027-01-01", "day", [24, 24]),
        ("2027-01-01", "hour", [1, 1]),
    ],
)
def test_hours_of_the_periods(start: str, kind: str, hours: list[float], document: Document, plan: Plan, load: Load) -> None:
    document["horizon"] |= {"start": start, "period": kind}
    seen = world(load, document, plan)
    assert seen.hours.tolist() == hours
    assert seen.slice_hours.tolist() == [h * share for h in hours for share in (0.25, 0.75)]


def test_demand_is_spread_by_hours_and_adds_up(document: Document, plan: Plan, load: Load) -> None:
    document["demand"] = [
        {"workload": "chat", "geo": "eu", "block": "peak", "outcomes": 1416},
        {"workload": "chat", "geo": "eu", "period": 1, "outcomes": 672},
        {"workload": "tune", "outcomes": 1},
        {"workload": "tune", "period": 0, "outcomes": 2},
    ]
    found = demand(world(load, document, plan))
    assert found["bucket"].tolist() == [0, 2, 3, 4]
    np.testing.assert_allclose(found["outcomes"], [744, 672 + 168, 504, 3])


@pytest.mark.parametrize(("gpus", "domain", "taken"), [(1, 8, 1), (3, 8, 4), (5, 8, 8), (8, 8, 8), (9, 8, 16), (7, 72, 7.2), (24, 8, 24)])
def test_a_replica_takes_what_packs(gpus: int, domain: int, taken: float, document: Document, plan: Plan, load: Load) -> None:
    document["profiles"][0]["gpus"] = gpus
    document["skus"][0]["scaleup_gpus"] = domain
    assert route(world(load, document, plan), "chat", "eu", "P1")["taken"] == pytest.approx(taken)


def test_interruptions_cost_checkpoints_and_restarts(document: Document, plan: Plan, load: Load) -> None:
    document["workloads"][1] |= {"checkpoint_minutes": 2, "restart_minutes": 10}
    seen = world(load, document, plan)
    between = 60 / (0.01 * 4)  # 16 GPUs span 4 lots of spot
    waste = (2 * 2 / between) ** 0.5 + 10 / between
    assert route(seen, "tune", "any", "P3")["rate"] == pytest.approx(0.001 * (1 - waste))
    assert route(seen, "tune", "any", "P2")["rate"] == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("geo", "pool", "closing"),
    [("eu", "P1", []), ("us", "P1", ["L10-L14"]), ("us", "P3", []), ("any", "P1", []), ("mars", "P1", ["L10-L14"])],
)
def test_latency_closes_what_is_too_far(geo: str, pool: str, closing: list[str], document: Document, plan: Plan, load: Load) -> None:
    found = route(world(load, document, plan), "chat", geo, pool)
    assert [layer for layer in CLOSING_LAYERS if found[layer]] == closing


@pytest.mark.parametrize(
    ("ours", "accepted", "closing"),
    [
        ("cuda/vllm", [], []),
        ("cuda/vllm", ["cuda"], []),
        ("cuda/vllm", ["cuda/vllm"], []),
        ("cuda/vllm", ["rocm", "cuda/trt", "cuda"], []),
        ("cuda/vllm", ["cuda/trt"], ["L3"]),
        ("cuda/vllm", ["rocm/vllm"], ["L2"]),
        ("cuda", ["cuda/trt"], []),
        ("", ["rocm"], []),
    ],
)
def test_runtimes_and_engines(ours: str, accepted: list[str], closing: list[str], document: Document, plan: Plan, load: Load) -> None:
    document["profiles"][0]["runtime"] = ours
    document["workloads"][0]["runtimes"] = accepted
    found = route(world(load, document, plan), "chat", "eu", "P1")
    assert [layer for layer in CLOSING_LAYERS if found[layer]] == closing


def test_memory_just_fits(document: Document, plan: Plan, load: Load) -> None:
    document["workloads"][0]["weights_gb"] = 144  # and 16 sequences of 1 GB in 2 × 80 GB
    assert not route(world(load, document, plan), "chat", "eu", "P1")["L1.memory"]
