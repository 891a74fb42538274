"""Relaxations: each loosens or drops one limit of an instance, so that no optimum can become dearer."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Data = dict[str, Any]


def relaxed(data: Data, name: str) -> Data:
    """A copy with the limit `name` of `RELAXATIONS` loosened; equal to `data` where it has no such limit."""
    out = copy.deepcopy(data)
    RELAXATIONS[name](out)
    return out


def without(table: str, *columns: str) -> Callable[[Data], None]:
    """Blank these columns."""

    def relax(data: Data) -> None:
        for row in data["tables"].get(table, []):
            for column in columns:
                row.pop(column, None)

    return relax


def each(table: str, change: Callable[[Row], Row]) -> Callable[[Data], None]:
    """Update every row with what `change` returns."""

    def relax(data: Data) -> None:
        for row in data["tables"].get(table, []):
            row |= change(row)

    return relax


def scaled(table: str, column: str, factor: float) -> Callable[[Data], None]:
    """Multiply a column where it is given."""
    return each(table, lambda row: {column: row[column] * factor} if column in row else {})


def all_of(*steps: Callable[[Data], None]) -> Callable[[Data], None]:
    """One after the other."""

    def relax(data: Data) -> None:
        for step in steps:
            step(data)

    return relax


def _less_service(row: Row) -> Row:
    return {"min_service": row.get("min_service", 1) / 2}


def _twin_offers(data: Data) -> None:
    offers = data["tables"]["offers"]
    for row in list(offers):
        again = row | {"offer": f"{row['offer']}-again", "committed_lots": 0}
        offers.append(again | ({"shares_lots_with": f"{again['shares_lots_with']}, again"} if "shares_lots_with" in again else {}))


def _less_to_pay(row: Row) -> Row:
    return {"take_or_pay_share": row.get("take_or_pay_share", 1) / 2} if row["contract"] in ("owned", "reserved") else {}


def _more_budget(data: Data) -> None:
    if "budget" in data["header"]:
        data["header"]["budget"] *= 1.1


def _no_budget(data: Data) -> None:
    data["header"].pop("budget", None)


RELAXATIONS: dict[str, Callable[[Data], None]] = {
    "availability": without("offers", "availability"),
    "cluster": each("offers", lambda row: {"cluster_gpus": 1024}),
    "cheaper": scaled("offers", "price_per_gpu_hour", 0.8),
    "concentration_country": without("workloads", "max_country_share"),
    "concentration_operator": without("workloads", "max_operator_share"),
    "concentration_wider": each(
        "workloads", lambda row: {c: min(1, row[c] + 0.2) for c in row if c in ("max_country_share", "max_operator_share")}
    ),
    "curtailment": without("power", "curtailed_share"),
    "data_law": without("datasets", "jurisdictions"),
    "datasets": without("workloads", "datasets"),
    "deadline": without("workloads", "release_period", "deadline_period"),
    "excluded_operators": without("workloads", "excluded_operator_countries"),
    "failover": without("workloads", "failover_share"),
    "interruptible_share": without("workloads", "max_interruptible_share"),
    "interruptions": without("offers", "interruptions_per_hour"),
    "jurisdictions": without("workloads", "jurisdictions"),
    "latency": without("workloads", "latency_ms"),
    "latency_later": scaled("workloads", "latency_ms", 1.5),
    "max_lots": without("offers", "max_lots", "shares_lots_with"),
    "max_lots_doubled": scaled("offers", "max_lots", 2),
    "memory": without("workloads", "weights_gb", "kv_gb_per_sequence"),
    "min_lots": without("offers", "min_lots"),
    "min_service": each("workloads", _less_service),
    "more_budget": _more_budget,
    "movement": without("workloads", "max_move_share"),
    "no_budget": _no_budget,
    "power_cap": without("power", "cap_mw"),
    "power_cap_larger": scaled("power", "cap_mw", 1.2),
    "power_included": without("offers", "power"),
    "precisions": all_of(without("workloads", "precisions"), without("skus", "precisions")),
    "ramp": without("offers", "max_lots_per_period"),
    "ramp_doubled": scaled("offers", "max_lots_per_period", 2),
    "runtimes": all_of(without("workloads", "runtimes"), without("skus", "runtimes")),
    "shared_lots": without("offers", "shares_lots_with"),
    "take_or_pay": each("offers", _less_to_pay),
    "tiers": without("workloads", "tiers"),
    "twin_offers": _twin_offers,
    "whole_lots": each("offers", lambda row: {"whole_lots": False}),
    "windows": without("offers", "first_start", "lead_periods", "last_start"),
}
