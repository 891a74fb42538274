"""The demand side of a random instance: workloads, profiles, demand, datasets, latencies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.support import market
from tests.support.planted import Level

if TYPE_CHECKING:
    from tests.support.generate import Draft, Row

ENGINES = ["cuda/vllm", "cuda"]


def workloads(d: Draft) -> None:
    """One to four workloads, each with its sites, what it accepts, its limits, its profiles and its demand."""
    count = d.rng.randint(2, 4) if d.many else d.rng.randint(1, 2)
    for i in range(count):
        kind = "training" if "training" in d.on and i == 0 else d.rng.choice(["serving", "serving", "batch"])
        row: Row = {"workload": f"w{i}", "kind": kind, "outcome": "piece"}
        _sites_and_limits(d, row)
        _accepts(d, row)
        _money(d, row)
        sku = d.rng.choice(d.rows("skus"))
        profile = _profiles(d, row, sku)
        d.rows("workloads").append(row)
        if kind == "training":
            _training_demand(d, row, sku, profile)
        else:
            _demand(d, row, sku, profile)


def _sites_and_limits(d: Draft, row: Row) -> None:
    """Limits that two sites in different countries and under different providers, half of the work in each, keep."""
    training = row["kind"] == "training"
    if d.has("movement", 0.8):
        row["max_move_share"] = 0 if training else d.rng.choice([0, 0.1, 0.3])
    alone = training and row.get("max_move_share") == 0
    if d.has("failover", 0.8) and not training:
        row["failover_share"] = d.rng.choice([0.4, 0.7, 1.0])
    if d.has("concentration_operator", 0.8) and not alone:
        row["max_operator_share"] = d.rng.choice([0.5, 0.6, 0.8])
    if d.has("concentration_country", 0.8) and not alone:
        row["max_country_share"] = d.rng.choice([0.5, 0.6, 0.8])
    two = bool({"failover_share", "max_operator_share", "max_country_share"} & set(row))
    both = [d.rows("regions")[0]["region"], d.rows("regions")[1]["region"]]  # in different countries
    d.sites[row["workload"]] = both if two else [d.rng.choice(both)]
    if d.has("interruptible_share", 0.7):
        row["max_interruptible_share"] = d.rng.choice([0, 0.25, 0.6])
    if "interruptible" in d.on:
        row["checkpoint_minutes"] = d.rng.choice([1, 5])
        row["restart_minutes"] = d.rng.choice([2, 10])


def _accepts(d: Draft, row: Row) -> None:
    """Tiers, jurisdictions, operators and datasets that leave the sites open, and often little else."""
    sites = d.sites[row["workload"]]
    countries = [d.row("regions", s)["country"] for s in sites]
    union = "jurisdictions" in d.on and d.rng.random() < 0.5
    laws = ["EU" if c != "US" and union else c for c in countries]
    if d.has("tiers", 0.8):
        row["tiers"] = sorted({market.firm_tier(s) for s in sites})
    if d.has("jurisdictions", 0.8):
        row["jurisdictions"] = sorted(set(laws))
    if d.has("excluded_operators", 0.8):
        trusted = {market.firm_operator(c) for c in countries}
        row["excluded_operator_countries"] = [o for o in market.OPERATORS if o not in trusted and d.rng.random() < 0.6]
    if d.has("datasets", 0.9):
        data: Row = {"dataset": f"d-{row['workload']}", "region": d.rng.choice(d.rows("regions"))["region"]}
        data |= {"size_gb": d.rng.randint(50, 5000), "storage_price_per_gb_month": d.rng.choice([0, 0.02, 0.1])}
        data["refresh_share_per_period"] = d.rng.choice([0, 0.05])
        if d.rng.random() < (0.6 if "jurisdictions" in d.on else 0.2):
            data["jurisdictions"] = sorted(set(laws))
        d.rows("datasets").append(data)
        others = [r["dataset"] for r in d.rows("datasets") if "jurisdictions" not in r and r is not data]
        row["datasets"] = [data["dataset"], *others[: d.rng.randint(0, 1)]]


def _money(d: Draft, row: Row) -> None:
    if d.has("weights", 0.7):
        row["outcome_weight"] = d.rng.choice([0.5, 2, 5])
    row["units_per_outcome"] = d.rng.choice([1, 3, 20])
    if d.has("min_service", 0.7):
        row["min_service"] = d.rng.choice([0.3, 0.7, 0.9])
    if d.has("unserved_cost", 0.7):
        row["unserved_cost_per_outcome"] = -1.0  # priced when the rate is known
    if d.has("egress", 0.6) and row["kind"] != "training":
        row["gb_per_outcome"] = d.rng.choice([0.001, 0.05])


def _profiles(d: Draft, row: Row, sku: Row) -> Row:
    """The planted profile, on `sku`, and others: on other SKUs, smaller, faster, some of them not accepted."""
    domain = market.domain(sku)
    sizes = [1, 2, 3, 4, 5, 6] if "packing" in d.on else [1, 2, 4]
    gpus = d.rng.choice([s for s in sizes if s <= domain])
    if row["kind"] == "training":
        gpus = d.rng.choice([4, 6, 8, 12, 16] if "packing" in d.on else [2, 4, 8])
    runtime = next((r for r in ENGINES if r in sku.get("runtimes", ENGINES)), "cuda")
    planted: Row = {
        "profile": f"{row['workload']}-0",
        "workload": row["workload"],
        "sku": sku["sku"],
        "precision": "bf16",
        "runtime": runtime,
    }
    planted |= {"gpus": gpus, "units_per_hour": round(d.rng.uniform(50, 500) * gpus, 1), "latency_ms": d.rng.randint(5, 60)}
    if "memory" in d.on:
        planted["sequences"] = d.rng.choice([4, 16, 64])
        room = gpus * sku["memory_gb"]
        row["weights_gb"] = round(d.rng.uniform(0.4, 0.95) * room, 2)
        row["kv_gb_per_sequence"] = math.floor(d.rng.uniform(0, 0.95) * (room - row["weights_gb"]) / planted["sequences"] * 1000) / 1000
    if d.has("runtimes", 0.7):
        row["runtimes"] = d.rng.choice([[runtime], ["cuda"], [runtime, "rocm/vllm"]])
    if d.has("precisions", 0.7):
        row["precisions"] = d.rng.choice([["bf16"], ["bf16", "fp8"]])
    d.rows("profiles").append(planted)
    for j in range(1, d.rng.randint(2, 4)):
        other = planted | {"profile": f"{row['workload']}-{j}", "sku": d.rng.choice(d.rows("skus"))["sku"]}
        other["gpus"] = max(1, min(16, round(gpus * d.rng.choice([0.5, 1, 2]))))
        other["units_per_hour"] = round(planted["units_per_hour"] * other["gpus"] / gpus * d.rng.uniform(0.7, 1.7), 1)
        other["latency_ms"] = d.rng.randint(5, 90)
        if "precisions" in d.on:
            other["precision"] = d.rng.choice(["bf16", "fp8", "fp4"])
        if "runtimes" in d.on:
            other["runtime"] = d.rng.choice(["cuda", "cuda/vllm", "cuda/trt", "rocm/vllm", "rocm"])
        d.rows("profiles").append(other)
    return planted


def _taken(gpus: int, sku: Row) -> float:
    domain = market.domain(sku)
    return domain / (domain // gpus) if gpus <= domain else math.ceil(gpus / domain) * domain


def _price_unserved(d: Draft, row: Row, profile: Row, taken: float) -> float:
    """Outcomes per replica-hour; a price on unserved outcomes is set around what serving them costs."""
    rate: float = profile["units_per_hour"] / row["units_per_outcome"]
    if "unserved_cost_per_outcome" in row:
        row["unserved_cost_per_outcome"] = round(taken / rate * d.rng.uniform(1, 12), 6)
    return rate


def _demand(d: Draft, row: Row, sku: Row, profile: Row) -> None:
    """Demand rows of one of four shapes, and the GPUs that the planted plan takes for them."""
    taken = _taken(profile["gpus"], sku)
    rate = _price_unserved(d, row, profile, taken)
    sites = d.sites[row["workload"]]
    part = max(1 / len(sites), row.get("failover_share", 0))
    for geo in d.geos if d.geos and d.rng.random() < 0.85 else ["any"]:
        by_period, by_block = d.rng.random() < 0.7, d.rng.random() < 0.7
        peak = d.rng.uniform(1, 10) / profile["gpus"] ** 0.5
        per_period = [d.rng.uniform(0.2, 1) if by_period else 1.0 for _ in d.hours]
        per_block = {b: d.rng.uniform(0.3, 1) if by_block else 1.0 for b in d.shares}
        level = {(t, b): peak * per_period[t] * per_block[b] for t in range(len(d.hours)) for b in d.shares}
        for (t, b), replicas in level.items():
            d.levels += [Level(row["workload"], geo, s, sku["sku"], t, b, replicas * taken * part, replicas * rate) for s in sites]
        total: dict[tuple[int | None, str | None], float] = {}
        for (t, b), replicas in level.items():
            spot = (t if by_period else None, b if by_block else None)
            total[spot] = total.get(spot, 0) + replicas * rate * d.hours[t] * d.shares[b]
        for (period, block), outcomes in total.items():
            _demand_row(d, row["workload"], geo, period, block, outcomes)


def _demand_row(d: Draft, workload: str, geo: str, period: int | None, block: str | None, outcomes: float) -> None:
    """One row, or sometimes two that add up to it; None stands for all, and is left blank."""
    parts = 2 if d.rng.random() < 0.1 else 1
    row: Row = {"workload": workload, "outcomes": round(outcomes / parts, 9)}
    row |= {} if geo == "any" else {"geo": geo}
    row |= {} if period is None else {"period": period}
    row |= {} if block is None or len(d.shares) == 1 else {"block": block}
    d.rows("demand").extend(dict(row) for _ in range(parts))


def _training_demand(d: Draft, row: Row, sku: Row, profile: Row) -> None:
    """A job that a few gangs in every site do in the first period of the window."""
    periods = len(d.hours)
    first = row["release_period"] = d.rng.randint(0, periods - 1)
    if d.rng.random() < 0.5:
        row["deadline_period"] = d.rng.randint(first, periods - 1)
    taken = _taken(profile["gpus"], sku)
    rate = _price_unserved(d, row, profile, taken)
    gangs = d.rng.randint(1, 2)
    sites = d.sites[row["workload"]]
    for site in sites:
        for block in d.shares:
            d.levels.append(Level(row["workload"], "any", site, sku["sku"], first, block, gangs * taken, 0.0))
    amount = gangs * len(sites) * rate * d.hours[first] * d.rng.uniform(0.55, 1)
    d.rows("demand").append({"workload": row["workload"], "outcomes": round(amount, 6)})


def latencies(d: Draft) -> None:
    """Round trips for every geo and region, and latency limits that the planted routes just keep."""
    for geo in d.geos:
        for region in d.rows("regions"):
            d.rows("latency").append({"geo": geo, "region": region["region"], "rtt_ms": d.rng.randint(5, 150)})
    rtt = {(r["geo"], r["region"]): r["rtt_ms"] for r in d.rows("latency")}
    for row in d.rows("workloads"):
        if row["kind"] == "training" or not d.has("latency", 0.8):
            continue
        service = d.row("profiles", f"{row['workload']}-0")["latency_ms"]
        geos = {r.get("geo", "any") for r in d.rows("demand") if r["workload"] == row["workload"]}
        worst = max(rtt.get((g, s), 0) for g in geos for s in d.sites[row["workload"]])
        row["latency_ms"] = service + worst + d.rng.choice([0, 10, 40])
