"""Runs to make reports of: small instances solved in this process, with explanations written by hand."""

from __future__ import annotations

from typing import Any

from ailis_models.layers import LAYERS
from ailis_opt.optimize import solve
from ailis_opt.report import Run
from tests.support.cases import case, offer, region
from tests.support.files import Data, as_instance

HOSTILE = {
    "work": "<script>alert(1)</script>",
    "here": "</script><img src=x onerror=alert(1)>",
    "there": "@SUM(1+1)*cmd",
    "gpu": "-2+3+cmd",
    "fast": '=HYPERLINK("http://evil.example","x")',
    "reserve": "=cmd|' /C calc'!A0",
    "hire-me": "+1&lt<b>bold</b>",
    "peak": "<i>peak</i>",
    "solved case": "{{ 7 * 7 }} \u2028 %{x}",
}
"""Names of `market` and what they are in a hostile instance."""
SHARES = {"L0": 0.1, "L10-L14": -0.05, "L15": 0.3}
"""Parts of the real price that the explanation gives to layers."""


def market() -> Data:
    """Three months in two blocks, two regions: a hall that is partly idle, lots reserved for six months, the rest hired."""
    data = case([3000.0, 3300.0, 2900.0], periods=3, period="month", objective="cost_per_outcome")
    data["header"]["horizon"]["blocks"] = [{"block": "peak", "share": 0.25}, {"block": "base", "share": 0.75}]
    tables = data["tables"]
    tables["regions"] = [region("here", carbon_g_per_kwh=100), region("there", "ZZ")]
    tables["skus"][0]["runtimes"] = ["cuda"]
    tables["workloads"][0] |= {"outcome": "solved case", "jurisdictions": ["DE"]}
    tables["demand"] = [
        {"workload": "work", "outcomes": r["outcomes"] * s, "period": r["period"], "block": b, "note": "assumed: volume"}
        for r in tables["demand"]
        for b, s in (("peak", 0.4), ("base", 0.6))
    ]
    tables["offers"] = [
        offer("reserve", 1, "reserved", max_lots=3, term_periods=6, upfront_per_gpu=10, source="price list"),
        offer("hire-me", 3),
        offer("abroad", 2, region="there"),
        offer("old-hall", 0.5, "owned", committed_lots=2, max_lots=0),
    ]
    return data


def hostile() -> Data:
    """The same with names that are markup, formulas and templates."""

    def renamed(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: renamed(value) for key, value in node.items()}
        if isinstance(node, list):
            return [renamed(item) for item in node]
        return HOSTILE.get(node, node) if isinstance(node, str) else node

    data: Data = renamed(market())
    data["header"] |= {"name": "<script>alert(2)</script>", "description": "=1+1 {{ 7 * 7 }} <img src=x onerror=alert(3)>"}
    data["tables"]["offers"][0] |= {"source": "@SUM(1)", "note": "-1+1", "provider": "+cmd", "tier": "=tier"}
    return data


def run_of(data: Data, explain: bool = True) -> Run:
    """The run of an instance, with an explanation if wanted."""
    instance = as_instance(data)
    result = solve(instance, in_process=True)
    return Run.of(instance, result, explanation(result.to_dict()) if explain else None)


def explanation(result: dict[str, Any]) -> dict[str, Any]:
    """A plausible `ailis-opt-explain/1` of a result: shares that sum up, one negative, one interval."""
    full = result["cost_per_outcome"]
    commodity = full * (1 - sum(SHARES.values()))

    def interval(value: float, half: float = 0.0) -> dict[str, float]:
        return {"value": value, "lower": value - half, "upper": value + half}

    layers = [
        {
            "layer": layer.id,
            "title": layer.title,
            "binds": {"L15": "yes", "L0": "not proven"}.get(layer.id, "no"),
            "removal": interval(full * SHARES.get(layer.id, 0.0) / 2),
            "entry": interval(full * SHARES.get(layer.id, 0.0) / 3),
            "share": interval(full * SHARES.get(layer.id, 0.0), 0.02 * full if layer.id == "L0" else 0.0),
            "rows": [{"row": "power cap of here", "unit": "EUR per MW and month", "price": 12.5, "tight": 3}] if layer.id == "L0" else [],
            "routes": [{"text": "work in there: jurisdiction", "saves": interval(0.1 * full)}] if layer.id == "L15" else [],
        }
        for layer in LAYERS
    ]
    return {
        "schema": "ailis-opt-explain/1",
        **{key: result[key] for key in ("instance", "instance_sha256", "currency", "objective_name")},
        "unit": f"{result['currency']} per weighted outcome",
        "commodity": commodity,
        "full": full,
        "bounds": {"commodity": {"lower": commodity, "upper": commodity}, "full": {"lower": full, "upper": full}},
        "layers": layers,
        "method": "exact",
        "confidence": None,
        "solves": 40,
        "subsets": 4096,
        "pruned": 4056,
    }
