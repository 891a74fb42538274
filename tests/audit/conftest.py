"""A small instance and a plan for it, both worked out by hand.

January has 744 hours, February 672; the peak is a quarter of them. Users in `eu` ask for 10 outcomes an hour, those in `us` for 2 an hour
in January's peak and 1 else. A replica of chat makes 20 ÷ 2 = 10 an hour (on spot 10 × (1 - 6 × 0.01 ÷ 60) = 9.99). Paris serves 9 an hour,
Iowa 1 an hour for `eu` on demand and all of `us` on spot. One gang of 16 GPUs trains in Paris in both months.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from ailis_opt.io import read
from ailis_opt.schema import Instance

Document = dict[str, Any]
Plan = dict[str, pd.DataFrame]

SLICES = [(0, "peak", 186.0), (0, "base", 558.0), (1, "peak", 168.0), (1, "base", 504.0)]
COSTS = {
    "owned": 24 * 1416 * 1.0,
    "reserved": 8 * 672 * 2.0,
    "upfront": 24 * 100 * 2 / 4 + 8 * 10,
    "on_demand": 2 * 1416 * 3.0,
    "interruptible": 0.5 * 1416 * 1.0,
    "energy": 17.8 * 0.8 * 1.25 * (744 * 0.2 + 672 * 0.1),
    "storage": 2 * 1000 * 0.02 * 2 + 100 * 0.01 * 2,
    "replication": 1000 * 0.05,
    "refresh": 1000 * 0.05 * 0.1 * 2,
    "egress": 0.001 * (9 * 1416 * 0.01 + 1416 * 0.03 + (372 + 558 + 672) * 0.02),
    "unserved": 0.1 * 1000,
}
COST = 59307.00196
OUTCOMES = 31614.0

_CHAT = {
    "workload": "chat", "kind": "serving", "outcome_weight": 2, "units_per_outcome": 2, "min_service": 0.9,
    "unserved_cost_per_outcome": 5, "latency_ms": 100, "datasets": ["kb"], "max_interruptible_share": 0.3, "failover_share": 0.25,
    "max_move_share": 0.2, "max_operator_share": 0.9, "max_country_share": 0.9, "restart_minutes": 6, "weights_gb": 40,
    "kv_gb_per_sequence": 1, "gb_per_outcome": 0.001,
}  # fmt: skip
_TUNE = {
    "workload": "tune", "kind": "training", "outcome_weight": 100, "units_per_outcome": 1000, "min_service": 0.5,
    "unserved_cost_per_outcome": 1000, "datasets": ["corpus"], "max_move_share": 0,
}  # fmt: skip
_PARIS = {
    "provider": "alpha", "operator_country": "FR", "region": "paris", "sku": "h100", "cluster_gpus": 16, "power": "metered", "lot_gpus": 8,
}  # fmt: skip
_IOWA = {"provider": "beta", "operator_country": "US", "region": "iowa", "sku": "h100"}
DOCUMENT: Document = {
    "schema": "ailis-opt/1",
    "name": "two-regions",
    "currency": "EUR",
    "objective": "cost_per_outcome",
    "budget": 100000,
    "horizon": {
        "start": "2027-01-01", "periods": 2, "period": "month",
        "blocks": [{"block": "peak", "share": 0.25}, {"block": "base", "share": 0.75}],
    },
    "regions": [
        {"region": "paris", "country": "FR", "jurisdictions": ["FR", "EU"], "pue": 1.25, "power_price_per_kwh": 0.1,
         "carbon_g_per_kwh": 50},
        {"region": "iowa", "country": "US", "power_price_per_kwh": 0.05, "carbon_g_per_kwh": 400},
    ],
    "power": [
        {"region": "paris", "period": 0, "cap_mw": 0.05, "price_per_kwh": 0.2, "curtailed_share": 0.2},
        {"region": "paris", "period": 1, "cap_mw": 0.05},
    ],
    "skus": [
        {"sku": "h100", "memory_gb": 80, "power_kw_per_gpu": 0.8, "runtimes": ["cuda"], "precisions": ["bf16", "fp8"]},
        {"sku": "mi300", "memory_gb": 192, "power_kw_per_gpu": 0.8, "runtimes": ["rocm"]},
    ],
    "offers": [
        {"offer": "own", **_PARIS, "contract": "owned", "price_per_gpu_hour": 1, "upfront_per_gpu": 100, "max_lots": 2,
         "committed_lots": 1, "term_periods": 4},
        {"offer": "res", **_PARIS, "contract": "reserved", "price_per_gpu_hour": 2, "upfront_per_gpu": 10, "max_lots": 2,
         "lead_periods": 1, "term_periods": 1, "availability": 0.5},
        {"offer": "hot", **_IOWA, "contract": "on_demand", "price_per_gpu_hour": 3, "lot_gpus": 2, "max_lots": 20, "whole_lots": True},
        {"offer": "spot", **_IOWA, "contract": "interruptible", "price_per_gpu_hour": 1, "lot_gpus": 4, "max_lots": 4,
         "interruptions_per_hour": 0.01},
    ],
    "workloads": [_CHAT, _TUNE],
    "demand": [
        {"workload": "chat", "geo": "eu", "outcomes": 14160},
        {"workload": "chat", "geo": "us", "period": 0, "block": "peak", "outcomes": 372},
        {"workload": "chat", "geo": "us", "period": 0, "block": "base", "outcomes": 558},
        {"workload": "chat", "geo": "us", "period": 1, "outcomes": 672},
        {"workload": "tune", "outcomes": 1},
    ],
    "latency": [
        {"geo": "eu", "region": "paris", "rtt_ms": 10}, {"geo": "eu", "region": "iowa", "rtt_ms": 40},
        {"geo": "us", "region": "paris", "rtt_ms": 90}, {"geo": "us", "region": "iowa", "rtt_ms": 10},
    ],
    "profiles": [
        {"profile": "chat-h100", "workload": "chat", "sku": "h100", "precision": "fp8", "runtime": "cuda/vllm", "gpus": 2,
         "units_per_hour": 20, "latency_ms": 50, "sequences": 16},
        {"profile": "chat-mi300", "workload": "chat", "sku": "mi300", "gpus": 2, "units_per_hour": 20, "latency_ms": 50, "sequences": 16},
        {"profile": "tune-h100", "workload": "tune", "sku": "h100", "precision": "bf16", "gpus": 16, "units_per_hour": 1, "latency_ms": 20},
    ],
    "datasets": [
        {"dataset": "kb", "region": "paris", "size_gb": 1000, "jurisdictions": ["EU", "US"], "refresh_share_per_period": 0.1,
         "storage_price_per_gb_month": 0.02},
        {"dataset": "corpus", "region": "paris", "size_gb": 100, "jurisdictions": ["EU"], "storage_price_per_gb_month": 0.01},
    ],
    "egress": [
        {"from_region": "paris", "to_region": "iowa", "price_per_gb": 0.05},
        {"from_region": "paris", "to_region": "eu", "price_per_gb": 0.01},
        {"from_region": "iowa", "to_region": "eu", "price_per_gb": 0.03},
        {"from_region": "iowa", "to_region": "us", "price_per_gb": 0.02},
    ],
}  # fmt: skip


def _served() -> pd.DataFrame:
    rows = []
    for period, block, hours in SLICES:
        us = 2.0 if (period, block) == (0, "peak") else 1.0
        for geo, region, pool, rate, per_hour, standby in (
            ("eu", "paris", "P1", 10.0, 9.0, 0.0),
            ("eu", "iowa", "P2", 10.0, 1.0, 0.2),
            ("us", "iowa", "P3", 9.99, us, 0.0),
        ):
            replicas = per_hour / rate
            key = ("chat", geo, region, "h100", pool, "chat-h100", period, block)
            rows.append((*key, per_hour * hours, replicas, standby, 2 * replicas, 2 * standby))
    keys = ["workload", "geo", "region", "sku", "pool", "profile", "period", "block"]
    return pd.DataFrame(rows, columns=[*keys, "outcomes", "replicas", "standby", "gpus", "standby_gpus"])


def _use_and_energy() -> tuple[pd.DataFrame, pd.DataFrame]:
    use, energy = [], []
    for period, block, hours in SLICES:
        spot = 2 * (2.0 if (period, block) == (0, "peak") else 1.0) / 9.99
        signed, usable = (24.0, 24.0) if period == 0 else (32.0, 28.0)
        for pool, region, figures in (
            ("P1", "paris", (signed, 0.0, usable, 17.8, usable - 17.8)),
            ("P2", "iowa", (0.0, 2.0, 2.0, 0.6, 1.4)),
            ("P3", "iowa", (0.0, 0.5, 0.5, spot, 0.5 - spot)),
        ):
            use.append((pool, region, "h100", period, block, *figures))
        paris, iowa = 17.8 * hours / 1000, 0.8 * (0.6 + spot) * hours / 1000
        energy.append(("paris", period, block, paris, paris, 1000 * paris * (0.2 if period == 0 else 0.1), paris * 50))
        energy.append(("iowa", period, block, iowa, 0.0, 0.0, iowa * 400))
    gpus = ["committed_gpus", "hired_gpus", "usable_gpus", "used_gpus", "idle_gpus"]
    return (
        pd.DataFrame(use, columns=["pool", "region", "sku", "period", "block", *gpus]),
        pd.DataFrame(energy, columns=["region", "period", "block", "mwh", "metered_mwh", "cost", "carbon_kg"]),
    )


def _plan() -> Plan:
    use, energy = _use_and_energy()
    hired = [("hot", t, b, 2.0, 2 * h, 6 * h) for t, b, h in SLICES] + [("spot", t, b, 0.5, 0.5 * h, 0.5 * h) for t, b, h in SLICES]
    shared = {component: amount for component, amount in COSTS.items() if component not in ("egress", "unserved")}
    costs = [("", c, a) for c, a in shared.items()] + [("chat", "egress", COSTS["egress"]), ("tune", "unserved", COSTS["unserved"])]
    job = ("tune", "paris", "h100", "P1", "tune-h100")
    return {
        "purchases": pd.DataFrame(
            [("own", 0, 2, 16.0, 16 * 1416.0 + 800), ("res", 1, 1, 8.0, 8 * 672 * 2.0 + 80)],
            columns=["offer", "start_period", "lots", "gpus", "cost"],
        ),
        "committed": pd.DataFrame([("own", 1, 8.0, 8 * 1416.0 + 400)], columns=["offer", "lots", "gpus", "cost"]),
        "hired": pd.DataFrame(hired, columns=["offer", "period", "block", "gpus", "gpu_hours", "cost"]),
        "pools": pd.DataFrame([("P1", "own"), ("P1", "res"), ("P2", "hot"), ("P3", "spot")], columns=["pool", "offer"]),
        "served": _served(),
        "training": pd.DataFrame(
            [(*job, 0, 1, 0.7, 16.0), (*job, 1, 1, 0.2, 16.0)],
            columns=["workload", "region", "sku", "pool", "profile", "period", "gangs", "outcomes", "gpus"],
        ),
        "unserved": pd.DataFrame([("tune", "any", 1, "", 0.1)], columns=["workload", "geo", "period", "block", "outcomes"]),
        "placements": pd.DataFrame(
            [("kb", "paris", True, 40.0, 0.0, 0.0), ("kb", "iowa", False, 40.0, 50.0, 10.0), ("corpus", "paris", True, 2.0, 0.0, 0.0)],
            columns=["dataset", "region", "home", "storage", "replication", "refresh"],
        ),
        "use": use,
        "energy": energy,
        "costs": pd.DataFrame(costs, columns=["workload", "component", "amount"]),
    }


@pytest.fixture
def document() -> Document:
    """The instance as a document that a test may change."""
    return copy.deepcopy(DOCUMENT)


@pytest.fixture
def plan() -> Plan:
    """A correct plan for it that a test may change."""
    return _plan()


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Document], Instance]:
    """Reads a document (JSON is YAML) as an instance; the same document only once."""
    known: dict[str, Instance] = {}

    def reader(content: Document) -> Instance:
        text = json.dumps(content)
        if text not in known:
            file = tmp_path_factory.mktemp("instance") / "case.yaml"
            file.write_text(text, encoding="utf-8")
            known[text] = read(file)
        return known[text]

    return reader


@pytest.fixture
def hand() -> dict[str, Any]:
    """The costs and outcomes of the plan, worked out by hand."""
    return {"cost_by": COSTS, "cost": COST, "outcomes": OUTCOMES}
