"""Every limit can be broken, and is then named: a table of changes to a correct plan or to its instance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from ailis_opt.audit import audit
from ailis_opt.schema import Instance

Document = dict[str, Any]
Plan = dict[str, pd.DataFrame]
Change = Callable[[Document, Plan], None]
STATED = ("plan", "stated figure")


def given(table: str, key: str, **values: object) -> Change:
    """Sets values of the instance's row of that key."""

    def change(document: Document, plan: Plan) -> None:
        rows = [row for row in document[table] if key in row.values()]
        assert rows
        for row in rows:
            row.update(values)

    return change


def head(**values: object) -> Change:
    return lambda document, plan: document.update(values)


def put(table: str, row: int, **values: object) -> Change:
    """Sets values of a row of the plan."""

    def change(document: Document, plan: Plan) -> None:
        for column, value in values.items():
            cells = plan[table][column].tolist()
            cells[row] = value
            plan[table][column] = cells

    return change


def add(table: str, like: int, **values: object) -> Change:
    """Adds a row of the plan, like another but for some values."""

    def change(document: Document, plan: Plan) -> None:
        row = plan[table].iloc[like].to_dict() | values
        plan[table] = pd.DataFrame([*plan[table].to_dict("records"), row])

    return change


def drop(table: str, row: int) -> Change:
    def change(document: Document, plan: Plan) -> None:
        plan[table] = plan[table].drop(index=row).reset_index(drop=True)

    return change


def all_of(*changes: Change) -> Change:
    def change(document: Document, plan: Plan) -> None:
        for one in changes:
            one(document, plan)

    return change


def offer_more(**values: object) -> Change:
    return lambda document, plan: document["offers"].append({**document["offers"][2], **values})


PARIS = ("own", "res")
TOO_MANY_GANGS = all_of(
    given("offers", "own", max_lots=4),
    given("demand", "tune", outcomes=0.6),
    put("purchases", 0, lots=4),
    put("training", 0, gangs=2, outcomes=0.6),
    drop("training", 1),
    drop("unserved", 0),
)
TWO_POOLS = all_of(
    given("workloads", "tune", datasets=[]),
    given("offers", "hot", cluster_gpus=16),
    put("training", 1, pool="P2", region="iowa"),
    put("hired", 2, gpus=20.0),
    put("hired", 3, gpus=20.0),
)
SHORT_CLUSTER = all_of(*(given("offers", offer, cluster_gpus=8) for offer in PARIS))
NO_COPY = drop("placements", 1)
ROUTE = "closed route"


def shared(**terms: int) -> Change:
    """`own` and `res` have these terms together."""
    return all_of(*(given("offers", offer, shares_lots_with="both", **terms) for offer in PARIS))


def call_of_own(gpus: float) -> Change:
    return add("hired", 0, offer="own", gpus=gpus, gpu_hours=gpus * 186, cost=gpus * 186.0)


STARTS_SHARED = {("L1.supply", "shared max_lots_per_period"), ("L1.supply", "start window")}

BROKEN: list[tuple[str, Change, set[tuple[str, str]]]] = [
    ("power cap", given("power", "paris", curtailed_share=0.9), {("L0", "power cap")}),
    ("capacity", given("offers", "own", availability=0.5), {("L1.supply", "capacity")}),
    ("capacity of hired", put("hired", 4, gpus=0.25), {("L1.supply", "capacity")}),
    ("capacity of standby", put("served", 1, standby=0.95), {("L1.supply", "capacity")}),
    ("max lots", given("offers", "own", max_lots=1), {("L1.supply", "max_lots")}),
    ("max lots over terms", add("purchases", 0, start_period=1, lots=1), {("L1.supply", "max_lots")}),
    ("ramp", given("offers", "own", max_lots_per_period=1), {("L1.supply", "max_lots_per_period")}),
    ("lots shared", shared(max_lots=2), {("L1.supply", "shared max_lots")}),
    ("starts shared", all_of(shared(max_lots=9, max_lots_per_period=2), put("purchases", 1, start_period=0)), STARTS_SHARED),
    ("called", all_of(given("offers", "own", take_or_pay_share=0.9), call_of_own(3.0)), {("contract", "called")}),
    ("lead", put("purchases", 1, start_period=0), {("L1.supply", "start window")}),
    ("last start", given("offers", "res", lead_periods=0, last_start=0), {("L1.supply", "start window")}),
    ("first start", given("offers", "own", first_start=1), {("L1.supply", "start window")}),
    ("hire lead", given("offers", "hot", lead_periods=1), {("L1.supply", "hire window")}),
    ("hire too late", given("offers", "spot", last_start=0), {("L1.supply", "hire window")}),
    ("hire quota", put("hired", 7, gpus=17.0), {("L1.supply", "hire quota")}),
    ("whole lots", put("purchases", 0, lots=1.5), {("contract", "whole lots")}),
    ("whole lots hired", put("hired", 0, gpus=3.0), {("contract", "whole lots")}),
    ("min lots", given("offers", "res", min_lots=2), {("contract", "min_lots")}),
    ("min lots hired", given("offers", "spot", min_lots=1), {("contract", "min_lots")}),
    ("memory", given("workloads", "chat", weights_gb=144.5), {("L1.memory", ROUTE)}),
    ("replica in a domain", given("skus", "h100", scaleup_gpus=1), {("L1.topology", ROUTE)}),
    ("gang in a cluster", SHORT_CLUSTER, {("L1.topology", ROUTE)}),
    ("runtime of the SKU", given("skus", "h100", runtimes=["rocm"]), {("L2", ROUTE)}),
    ("runtime of the workload", given("workloads", "chat", runtimes=["rocm/vllm"]), {("L2", ROUTE)}),
    ("engine of the SKU", given("skus", "h100", runtimes=["cuda/trt", "rocm"]), {("L3", ROUTE)}),
    ("engine of the workload", given("workloads", "chat", runtimes=["cuda/trt"]), {("L3", ROUTE)}),
    ("precision of the SKU", given("skus", "h100", precisions=["bf16"]), {("L4", ROUTE)}),
    ("precision of the workload", given("workloads", "tune", precisions=["fp8"]), {("L4", ROUTE)}),
    ("dataset's law", given("datasets", "kb", jurisdictions=["EU"]), {("L5-L9", ROUTE), ("L5-L9", "dataset jurisdictions")}),
    ("latency", given("latency", "eu", rtt_ms=51), {("L10-L14", ROUTE)}),
    ("latency of geo any", given("workloads", "tune", latency_ms=19), {("L10-L14", ROUTE)}),
    ("no spot", given("workloads", "chat", max_interruptible_share=0), {("L10-L14", ROUTE), ("L10-L14", "interruptible share")}),
    ("restarts only", given("workloads", "chat", restart_minutes=6000), {("L10-L14", ROUTE), ("L16", "rate")}),
    ("tier", given("workloads", "chat", tiers=["sovereign"]), {("L15", ROUTE)}),
    ("jurisdiction", given("workloads", "chat", jurisdictions=["EU"]), {("L15", ROUTE)}),
    ("operator country", given("workloads", "chat", excluded_operator_countries=["US"]), {("L15", ROUTE)}),
    ("standby on a closed route", add("served", 0, geo="us", outcomes=0, replicas=0, standby=0.1), {("L10-L14", ROUTE)}),
    ("rate", put("served", 0, replicas=0.8), {("L16", "rate")}),
    ("rate on spot", given("workloads", "chat", restart_minutes=60), {("L16", "rate")}),
    ("gang output", all_of(put("training", 0, outcomes=0.75), put("unserved", 0, outcomes=0.05)), {("L16", "gang output")}),
    ("whole gangs", put("training", 0, gangs=0.95), {("L1.topology", "whole gangs")}),
    ("gangs needed", TOO_MANY_GANGS, {("L16", "gangs needed")}),
    ("release", given("workloads", "tune", release_period=1), {("L16", "release and deadline")}),
    ("deadline", given("workloads", "tune", deadline_period=0), {("L16", "release and deadline")}),
    ("one pool", TWO_POOLS, {("L10-L14", "one pool")}),
    ("too little served", put("served", 0, outcomes=1673.0), {("L16", "demand")}),
    ("unserved that was served", add("unserved", 0, workload="chat", geo="eu", block="peak", outcomes=1.0), {("L16", "demand")}),
    ("too much trained", put("training", 1, outcomes=0.3), {("L16", "demand")}),
    ("demand that is not met", given("demand", "us", outcomes=700), {("L16", "demand")}),
    ("service floor", given("workloads", "tune", min_service=0.95), {("L16", "service floor")}),
    ("no price", all_of(head(objective="cost"), given("workloads", "tune", unserved_cost_per_outcome=0)),
     {("L16", "unserved without a price")}),
    ("budget", head(budget=59300), {("L16", "budget")}),
    ("spot share", given("workloads", "chat", max_interruptible_share=0.16), {("L10-L14", "interruptible share")}),
    ("operator share", given("workloads", "chat", max_operator_share=0.81), {("L15", "operator share")}),
    ("country share", given("workloads", "chat", max_country_share=0.81), {("L15", "country share")}),
    ("operator share of a job", given("workloads", "tune", max_operator_share=0.8), {("L15", "operator share")}),
    ("failover", given("workloads", "chat", failover_share=0.4), {("L10-L14", "failover")}),
    ("failover without standby", put("served", 4, standby=0.0), {("L10-L14", "failover")}),
    ("movement", given("workloads", "chat", max_move_share=0.018), {("L10-L14", "movement")}),
    ("data not held", NO_COPY, {("L5-L9", "dataset held")}),
    ("no home", drop("placements", 2), {("L5-L9", "home"), ("L5-L9", "dataset held")}),
    ("copy abroad", add("placements", 2, region="iowa", home=False), {("L5-L9", "dataset jurisdictions")}),
    ("offer in no pool", offer_more(offer="cold", provider="gamma"), {("plan", "one pool per offer")}),
    ("offer in two pools", add("pools", 0, pool="P9"), {("plan", "one pool per offer"), ("plan", "no two equal pools")}),
    ("equal pools", put("pools", 1, pool="P4"), {("plan", "no two equal pools")}),
    *[(f"pool of unequal {column}", given("offers", "res", **{column: value}), {("plan", "pool of equals")})
      for column, value in {"tier": "private", "provider": "gamma", "operator_country": "DE", "cluster_gpus": 32,
                            "power": "included", "sku": "mi300", "region": "iowa"}.items()],
    ("unknown purchase", add("purchases", 0, offer="nope"), {("plan", "known key")}),
    ("purchase of a hired offer", add("purchases", 0, offer="hot"), {("plan", "known key")}),
    ("hire of a signed offer", add("hired", 0, offer="own"), {("plan", "known key")}),
    ("unknown period", add("purchases", 0, start_period=2), {("plan", "known key")}),
    ("half a period", add("hired", 0, period=0.5), {("plan", "known key")}),
    ("unknown block", add("unserved", 0, workload="chat", geo="eu"), {("plan", "known key")}),
    ("unknown pool", add("served", 0, pool="P7"), {("plan", "known key")}),
    ("unknown profile", add("served", 0, profile="nope"), {("plan", "known key")}),
    ("training is not served", add("served", 0, workload="tune"), {("plan", "known key")}),
    ("unknown component", add("costs", 0, component="magic"), {("plan", "known key")}),
    ("row said twice", add("placements", 2), {("plan", "unique rows")}),
    ("not a number", put("purchases", 0, gpus=float("nan")), {("plan", "finite figure")}),
    ("infinite", put("hired", 0, cost=float("inf")), {("plan", "finite figure")}),
    ("negative", all_of(add("unserved", 0, workload="chat", geo="eu", period=0, block="peak", outcomes=-1.0),
                        put("served", 0, outcomes=1675.0, replicas=0.91)), {("plan", "non-negative")}),
    ("region of the pool", put("served", 0, region="iowa"), {("plan", "region and SKU of the pool")}),
    ("region of the pool in use", put("use", 0, region="iowa"), {("plan", "region and SKU of the pool")}),
    ("SKU of the pool", put("training", 0, sku="mi300"), {("plan", "region and SKU of the pool")}),
    ("profile of another SKU", put("served", 0, profile="chat-mi300"), {("plan", "profile of the workload and SKU")}),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_limit_is_named(
    change: Change, expected: set[tuple[str, str]], document: Document, plan: Plan, load: Callable[[Document], Instance]
) -> None:
    change(document, plan)
    found = audit(load(document), plan)
    assert not found.ok
    assert {(v.layer, v.limit) for v in found.violations} - {STATED} == expected
    assert all(v.amount > 0 for v in found.violations)
    assert found.max_violation > 1e-6


AMOUNTS: list[tuple[str, Change, str, float, str]] = [
    ("kW over the cap", given("power", "paris", curtailed_share=0.9), "power cap", 17.8 - 5.0, "kW"),
    ("lots over the most", given("offers", "own", max_lots=1), "max_lots", 1.0, "lots"),
    ("lots below the least", given("offers", "res", min_lots=2), "min_lots", 1.0, "lots"),
    ("GPUs over the quota", put("hired", 7, gpus=17.0), "hire quota", 1.0, "GPUs"),
    ("GPUs short", put("hired", 4, gpus=0.25), "capacity", 4 / 9.99 - 0.25, "GPUs"),
    ("euros over the budget", head(budget=59000), "budget", 307.00196, "EUR"),
    ("outcomes short of the floor", given("workloads", "tune", min_service=0.95), "service floor", 0.05, "outcomes"),
    ("moved", given("workloads", "chat", max_move_share=0.01), "movement", 0.2 - 1344 / 7392 - 0.01, "share of demand"),
    ("share of one operator", given("workloads", "chat", max_operator_share=0.8), "operator share", 558 * (9 - 8.8), "outcomes"),
    ("failover", given("workloads", "chat", failover_share=0.4), "failover", 558 * 0.4, "outcomes"),
]


@pytest.mark.parametrize(("change", "limit", "amount", "unit"), [case[1:] for case in AMOUNTS], ids=[case[0] for case in AMOUNTS])
def test_how_far_a_limit_is_exceeded(
    change: Change, limit: str, amount: float, unit: str, document: Document, plan: Plan, load: Callable[[Document], Instance]
) -> None:
    change(document, plan)
    found = [v for v in audit(load(document), plan).violations if v.limit == limit]
    assert max(v.amount for v in found) == pytest.approx(amount)
    assert {v.unit for v in found} == {unit}


def test_the_tolerance_is_relative_to_the_limit(document: Document, plan: Plan, load: Callable[[Document], Instance]) -> None:
    put("served", 0, outcomes=1674.0 * (1 - 5e-5))(document, plan)
    instance = load(document)
    assert audit(instance, plan, tolerance=1e-4).max_violation == pytest.approx(1674 * 5e-5 / 1860, rel=1e-3)
    assert {v.limit for v in audit(instance, plan, tolerance=1e-4).violations} <= {"stated figure"}
    assert "demand" in {v.limit for v in audit(instance, plan).violations}


def test_the_worst_violation_stands_first_and_says_where(document: Document, plan: Plan, load: Callable[[Document], Instance]) -> None:
    all_of(given("workloads", "chat", max_operator_share=0.81), given("offers", "own", max_lots=1))(document, plan)
    first = audit(load(document), plan).violations[0]
    assert (first.layer, first.limit, first.where) == ("L1.supply", "max_lots", "offer=own, period=0")
    assert str(first) == "L1.supply max_lots (offer=own, period=0): 1 lots beyond the limit"


def test_movement_is_not_counted_over_periods_without_demand(document: Document, plan: Plan, load: Callable[[Document], Instance]) -> None:
    all_of(given("workloads", "chat", max_move_share=0), given("demand", "chat", period=1))(document, plan)
    assert "movement" not in {v.limit for v in audit(load(document), plan).violations}


def test_every_family_of_limits_is_checked(document: Document, plan: Plan, load: Callable[[Document], Instance]) -> None:
    document["objective"] = "cost"
    shared(max_lots=9, max_lots_per_period=9)(document, plan)
    checked = audit(load(document), plan).checked
    broken = {f"{layer} {limit}" for _, _, expected in BROKEN for layer, limit in expected}
    assert set(checked) == broken | {"plan stated figure"}
    assert checked["L1.supply capacity"] == 12
    assert checked["L10-L14 failover"] == 8
    assert checked["L16 demand"] == 9
