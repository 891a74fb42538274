"""Random instances with scenarios, hedges and a weight of risk, in each of whose scenarios the planted plan stays feasible.

To an instance of `generate.py` come scenarios of changes that the planted plan keeps: demand falls, the firm offers (which it hires) are
there as before, what it needs becomes no less and, under a budget, no dearer. Everything else may become better or worse: the offers that
the planted plan does not use may be dearer, fewer, late, foreign or gone, regions without a site may close.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Collection
from typing import Any

from tests.support.generate import random_instance
from tests.support.market import OPERATORS, TIERS

Row = dict[str, Any]
Data = dict[str, Any]

KINDS = ("swap", "forward", "call", "put", "cap", "insurance")
HIRED = ("on_demand", "interruptible")


def random_stochastic(seed: int, size: str = "tiny", features: Collection[str] | None = None, late: bool = True) -> Data:
    """A random instance with 2 to 4 scenarios. With `late=False` no committed offer is delivered later in some scenario than in others."""
    data = random_instance(seed, size, features)
    rng = random.Random(f"scenarios of {seed}")
    return with_scenarios(data, rng, late)


def with_scenarios(data: Data, rng: random.Random, late: bool = True) -> Data:
    """A copy with scenarios, hedges and risk."""
    out = copy.deepcopy(data)
    header, tables = out["header"], out["tables"]
    names = [f"z{i}" for i in range(rng.randint(2, 4))]
    parts = [rng.randint(1, 5) for _ in names]
    stated = rng.random() < 0.6
    tables["scenarios"] = [{"scenario": n} | ({"probability": p / sum(parts)} if stated else {}) for n, p in zip(names, parts, strict=True)]
    _hedges(out, rng)
    header["risk"] = {"alpha": rng.choice([0.05, 0.5, 0.75, 0.9]), "weight": rng.choice([0.0, 0.0, 0.3, 0.7, 1.0])}
    menu = [change for change in CHANGES if late or change is not _late]
    rows = []
    for name in names:
        for change in rng.sample(menu, rng.randint(0, 4)):
            found = change(out, rng)
            rows += [{"scenario": name, "op": "set"} | row for row in found]
    tables["changes"] = rows
    return out


def _hedges(out: Data, rng: random.Random) -> None:
    """Up to two indices and three hedges, none of them without a limit, so that no cost is without a bound."""
    tables, periods = out["tables"], out["header"]["horizon"]["periods"]
    tables["indices"] = [{"index": f"i{i}", "price_per_gpu_hour": round(rng.uniform(1, 5), 2)} for i in range(rng.randint(0, 2))]
    tables["curves"] = [
        {"index": row["index"], "period": t, "price_per_gpu_hour": round(rng.uniform(1, 5), 2)}
        for row in tables["indices"]
        for t in range(periods)
        if rng.random() < 0.2
    ]
    tables["hedges"] = []
    for i in range(rng.randint(0, 3) if tables["indices"] else 0):
        index = rng.choice(tables["indices"])
        row: Row = {"hedge": f"h{i}", "kind": rng.choice(KINDS), "index": index["index"]}
        row |= {"strike": round(index["price_per_gpu_hour"] * rng.uniform(0.7, 1.3), 2), "max_lots": rng.randint(0, 3)}
        row |= {"premium_per_gpu_hour": round(rng.uniform(0, 0.5), 2), "gpu_hours_per_period": round(rng.uniform(1, 50), 1)}
        row["first_period"] = rng.randint(0, periods - 1)
        if rng.random() < 0.5:
            row["last_period"] = rng.randint(row["first_period"], periods - 1)
        if rng.random() < 0.3:
            row["whole_lots"] = True
        if row["kind"] == "insurance" and rng.random() < 0.5:
            row["limit_per_gpu_hour"] = round(rng.uniform(0.1, 2), 2)
        if rng.random() < 0.4:
            row |= {"collateral_per_gpu_hour": 0.3, "carry_rate_per_year": 0.1}
        if "budget" not in out["header"] and rng.random() < 0.3:
            row["committed_lots"] = rng.randint(1, 2)
        tables["hedges"].append(row)


# Changes. Each returns rows of the table `changes` without the scenario.


def _firm(offer: Row) -> bool:
    return str(offer["offer"]).startswith("firm")


def _factor(out: Data, rng: random.Random) -> float:
    """What a price may be multiplied with: under a budget nothing that the planted plan pays becomes dearer."""
    return rng.choice([0.4, 0.8]) if "budget" in out["header"] else rng.choice([0.4, 0.8, 1.3, 2.0])


def _one(out: Data, rng: random.Random, test: Callable[[Row], bool]) -> Row | None:
    """An offer for which `test` holds."""
    found = sorted((o for o in out["tables"]["offers"] if test(o)), key=lambda o: str(o["offer"]))
    return rng.choice(found) if found else None


def _offer(offer: Row | None, column: str, value: Any) -> list[Row]:
    return [] if offer is None else [{"table": "offers", "where": f"offer={offer['offer']}", "column": column, "value": value}]


def _demand(out: Data, rng: random.Random) -> list[Row]:
    """Less is asked for, by everybody or by one workload, throughout or from some period on."""
    work = rng.choice(sorted(row["workload"] for row in out["tables"]["workloads"]))
    where = rng.choice(["", f"workload={work}"])
    row: Row = {"table": "demand", "where": where, "column": "outcomes", "op": "mul", "value": rng.choice([0.3, 0.7, 0.95])}
    return [row | ({"first_period": 1} if rng.random() < 0.4 else {})]


def _no_demand(out: Data, rng: random.Random) -> list[Row]:
    """One workload asks for nothing."""
    work = rng.choice(sorted(row["workload"] for row in out["tables"]["workloads"]))
    return [{"table": "demand", "where": f"workload={work}", "column": "outcomes", "value": 0}]


def _price(out: Data, rng: random.Random) -> list[Row]:
    """What is hired costs more or less."""
    row = {"table": "offers", "where": f"contract in ({', '.join(HIRED)})", "column": "price_per_gpu_hour", "op": "mul"}
    return [row | {"value": _factor(out, rng)}]


def _price_by_period(out: Data, rng: random.Random) -> list[Row]:
    """What one offer costs from some period on."""
    offer = _one(out, rng, lambda o: o["contract"] in HIRED and "last_start" not in o)
    first = rng.randint(0, out["header"]["horizon"]["periods"] - 1)
    return [row | {"op": "mul", "first_period": first} for row in _offer(offer, "price_per_gpu_hour", _factor(out, rng))]


def _energy(out: Data, rng: random.Random) -> list[Row]:
    return [{"table": "regions", "column": "power_price_per_kwh", "op": "mul", "value": _factor(out, rng)}]


def _efficient(out: Data, rng: random.Random) -> list[Row]:
    """Less power is needed, or more of it is there."""
    rows = [{"table": "regions", "column": "pue", "value": 1}, {"table": "skus", "column": "power_kw_per_gpu", "op": "mul", "value": 0.8}]
    if any("cap_mw" in row for row in out["tables"].get("power", [])):
        rows.append({"table": "power", "where": "cap_mw>0", "column": "cap_mw", "op": "mul", "value": 1.3})
    return [rng.choice(rows)]


def _restored(out: Data, rng: random.Random) -> list[Row]:
    return [{"table": "power", "column": "curtailed_share", "op": "mul", "value": 0.5}] if out["tables"].get("power") else []


def _available(out: Data, rng: random.Random) -> list[Row]:
    """More of what is firm, or another part of another offer, is usable."""
    offer = _one(out, rng, lambda o: rng.random() < 0.7)
    if offer is None:
        return []
    return _offer(offer, "availability", 1 if _firm(offer) else rng.choice([0.3, 0.5, 0.8, 1]))


def _quota(out: Data, rng: random.Random) -> list[Row]:
    """Another offer has more or fewer lots."""
    offer = _one(out, rng, lambda o: o["contract"] in HIRED and not _firm(o))
    return [] if offer is None else _offer(offer, "max_lots", rng.randint(offer.get("min_lots", 0), 8))


def _late(out: Data, rng: random.Random) -> list[Row]:
    """A committed offer is delivered later."""
    offer = _one(out, rng, lambda o: o["contract"] not in HIRED)
    if offer is None:
        return []
    last = out["header"]["horizon"]["periods"] - 1
    return _offer(offer, "lead_periods", rng.randint(0, int(offer.get("last_start", last))))


def _window(out: Data, rng: random.Random) -> list[Row]:
    """What one may hire is there later."""
    offer = _one(out, rng, lambda o: o["contract"] in HIRED and not _firm(o))
    if offer is None:
        return []
    last = out["header"]["horizon"]["periods"] - 1
    return _offer(offer, "first_start", rng.randint(0, int(offer.get("last_start", last))))


def _terms_of_trust(out: Data, rng: random.Random) -> list[Row]:
    """An offer changes its tier, or its operator."""
    offer = _one(out, rng, lambda o: not _firm(o))
    return _offer(offer, *rng.choice([("tier", rng.choice(TIERS)), ("operator_country", rng.choice(OPERATORS))]))


def _interruptions(out: Data, rng: random.Random) -> list[Row]:
    return _offer(_one(out, rng, lambda o: o["contract"] == "interruptible"), "interruptions_per_hour", rng.choice([0, 0.01, 0.3, 40]))


def _law(out: Data, rng: random.Random) -> list[Row]:
    """A region of a site has every jurisdiction; one beyond the sites (of the third on) has none that anybody knows."""
    row = rng.choice(sorted(out["tables"]["regions"], key=lambda r: str(r["region"])))
    wide = ["DE", "EU", "FR", "US"]
    value = ";".join(wide) if row["region"] in ("r0", "r1") or rng.random() < 0.3 else "ZZ"
    return [{"table": "regions", "where": f"region={row['region']}", "column": "jurisdictions", "value": value}]


def _skus(out: Data, rng: random.Random) -> list[Row]:
    """SKUs have more memory, or run everything."""
    rows = [
        {"table": "skus", "column": "memory_gb", "op": "mul", "value": 2},
        {"table": "skus", "column": "runtimes", "value": "cuda;rocm"},
        {"table": "skus", "column": "precisions", "value": "bf16;fp8;fp4"},
    ]
    return [rng.choice(rows)]


def _work(out: Data, rng: random.Random) -> list[Row]:
    """Workloads ask for less, of one thing or another."""
    rows = [
        {"table": "workloads", "column": "units_per_outcome", "op": "mul", "value": 0.8},
        {"table": "workloads", "column": "tiers", "value": ";".join(TIERS)},
        {"table": "workloads", "column": "excluded_operator_countries", "value": "ZZ"},
        {"table": "workloads", "column": "precisions", "value": "bf16;fp8;fp4"},
    ]
    for column, factor in (("latency_ms", 1.5), ("restart_minutes", 20)):
        if any(column in row for row in out["tables"]["workloads"]):
            rows.append({"table": "workloads", "where": f"{column}>0", "column": column, "op": "mul", "value": factor})
    return [rng.choice(rows)]


def _profiles(out: Data, rng: random.Random) -> list[Row]:
    """A profile is faster; one that the planted plan does not use may be slower."""
    row = rng.choice(sorted(out["tables"]["profiles"], key=lambda r: str(r["profile"])))
    factor = 1.4 if str(row["profile"]).endswith("-0") else rng.choice([0.5, 1.4])
    return [{"table": "profiles", "where": f"profile={row['profile']}", "column": "units_per_hour", "op": "mul", "value": factor}]


def _data(out: Data, rng: random.Random) -> list[Row]:
    if not out["tables"].get("datasets"):
        return []
    return [{"table": "datasets", "column": "jurisdictions", "value": "DE;EU;FR;US"}]


def _egress(out: Data, rng: random.Random) -> list[Row]:
    if not out["tables"].get("egress"):
        return []
    return [{"table": "egress", "column": "price_per_gb", "op": "mul", "value": _factor(out, rng)}]


def _index(out: Data, rng: random.Random) -> list[Row]:
    if not out["tables"]["indices"]:
        return []
    row: Row = {"table": "indices", "column": "price_per_gpu_hour", "op": "mul", "value": rng.choice([0.5, 1.2, 1.8])}
    return [row | ({"first_period": 1} if rng.random() < 0.3 else {})]


CHANGES = (
    *(_demand, _no_demand, _price, _price, _price_by_period, _energy, _efficient, _restored, _available, _quota, _late, _late, _window),
    *(_terms_of_trust, _interruptions, _law, _skus, _work, _profiles, _data, _egress, _index, _index),
)
