"""Answers worked out by hand, asked of the reference and of the program alike.

Prices are per GPU-hour; one GPU makes one outcome an hour unless the case says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ailis_opt import solve
from ailis_opt.errors import InfeasibleError
from tests.support.cases import Data, case, offer, region
from tests.support.files import as_instance
from tests.support.reference import reference

Answer = Callable[[Data], float | None]


def _reference(data: Data) -> float | None:
    found = reference(as_instance(data))
    return None if found.status == "infeasible" else found.objective


def _program(data: Data) -> float | None:
    try:
        return solve(as_instance(data), gap=1e-9, in_process=True).objective
    except InfeasibleError:
        return None


@pytest.fixture(params=[_reference, _program], ids=["reference", "program"])
def answer(request: pytest.FixtureRequest) -> Answer:
    """Objective of an instance, None if it is infeasible."""
    chosen: Answer = request.param
    return chosen


def near(value: float) -> Any:
    return pytest.approx(value, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(("cap", "cost", "free"), [(60, 270, 270), (120, 250, 220)])
def test_residency_and_scarcity(answer: Answer, cap: int, cost: float, free: float) -> None:
    """A at 2 (capped), B at 3: 80 anywhere and 30 in B only; `free` without the law."""
    data = case(80)
    tables = data["tables"]
    tables["regions"].append(region("there", "FR"))
    tables["offers"] = [offer("A", 2, max_lots=cap), offer("B", 3, region="there", max_lots=100)]
    tables["workloads"].append({"workload": "local", "jurisdictions": ["FR"]})
    tables["profiles"].append(tables["profiles"][0] | {"profile": "local", "workload": "local"})
    tables["demand"].append({"workload": "local", "outcomes": 30})
    assert answer(data) == near(cost)
    del tables["workloads"][1]["jurisdictions"]
    assert answer(data) == near(free)


def test_loss_of_any_one_region(answer: Answer) -> None:
    """100 after any loss, three interruptible regions at 1 in lots of 10, on demand at 3 elsewhere: 50 in each."""
    data = case(100)
    names = ["here", "there", "yonder"]
    data["tables"]["regions"] = [region(n) for n in [*names, "dear"]]
    data["tables"]["offers"] = [offer(n, 1, "interruptible", region=n, lot_gpus=10, whole_lots=True) for n in names]
    data["tables"]["offers"].append(offer("firm", 3, region="dear"))
    data["tables"]["workloads"][0]["failover_share"] = 1
    assert answer(data) == near(150)


def test_failover_needs_a_second_region(answer: Answer) -> None:
    data = case(10)
    data["tables"]["offers"] = [offer("only", 1)]
    data["tables"]["workloads"][0]["failover_share"] = 0.5
    assert answer(data) is None


def test_shedding_does_not_save_failover(answer: Answer) -> None:
    """Failover is measured against demand, not against what is served: 5 of 10 in the other region, used or not."""
    data = case(10)
    data["tables"]["regions"].append(region("there"))
    data["tables"]["offers"] = [offer("near", 1), offer("far", 2, region="there")]
    data["tables"]["workloads"][0] |= {"failover_share": 0.5, "min_service": 0.2, "unserved_cost_per_outcome": 0.1}
    assert answer(data) == near(5 * 1 + 5 * 2)  # these ten GPUs then serve all


def test_take_or_pay(answer: Answer) -> None:
    """4 GPUs in three hours of 4, 4, 1: reserved for two hours at 1 (8, then on demand at 3) beats three hours (12) and none (27)."""
    data = case([4, 4, 1], periods=3)
    data["tables"]["offers"] = [offer("spot", 3), offer("deal", 1, "reserved", lot_gpus=4, term_periods=2, max_lots=1)]
    assert answer(data) == near(2 * 4 * 1 + 1 * 3)


def test_part_of_a_lot_is_paid_where_it_is_used(answer: Answer) -> None:
    """4 GPUs for three hours, 1 of them paid in any case, 3 where they are used: 3 + (3 + 1 + 0)·2, less than hired at 3: 4 + 2 + 1."""
    data = case([4, 2, 1], periods=3)
    deal = offer("deal", 2, "reserved", lot_gpus=4, max_lots=1, take_or_pay_share=0.25)
    data["tables"]["offers"] = [offer("spot", 3), deal]
    assert answer(data) == near(3 * 1 * 2 + (3 + 1) * 2)
    deal["upfront_per_gpu"] = 1.5  # 4 · 1.5 = 6 more: 20 with the lot, 21 without
    assert answer(data) == near(20)
    deal["upfront_per_gpu"] = 2
    assert answer(data) == near(7 * 3)


def test_lots_signed_before_are_called_too(answer: Answer) -> None:
    """A lot of 4 at 2 for two hours, half of it paid in any case, half of what is paid usable: one GPU for sure, one called in hour 1."""
    data = case([1, 2, 2], periods=3)
    old = offer("old", 2, "owned", lot_gpus=4, max_lots=0, committed_lots=1, term_periods=2, take_or_pay_share=0.5, availability=0.5)
    data["tables"]["offers"] = [offer("spot", 9), old]
    assert answer(data) == near(2 * 2 * 2 + 2 * 2 + 2 * 9)  # paid in hours 0 and 1; two called in hour 1; hour 2 is after the term


def test_lots_ramp_up(answer: Answer) -> None:
    """Two lots a period at 1: 2, 4, and 6 of 6 GPUs; the rest at 3."""
    data = case([6, 6, 6], periods=3)
    data["tables"]["offers"] = [offer("spot", 3), offer("deal", 1, "reserved", max_lots_per_period=2)]
    assert answer(data) == near((2 + 4 + 6) * 1 + (4 + 2) * 3)


def test_a_term_with_and_without_exit(answer: Answer) -> None:
    """Three lots for two hours at 1, or for one hour at 1 and a fee of 1.5: need 3, 1. Two with the exit (5) and one without (2) are 7."""
    data = case([3, 1], periods=2)
    whole = offer("whole", 1, "reserved", max_lots=3, term_periods=2, last_start=0, shares_lots_with="sheet")
    left = whole | {"offer": "left", "term_periods": 1, "upfront_per_gpu": 0.75}
    data["tables"]["offers"] = [offer("spot", 4), whole, left]
    assert answer(data) == near(2 * (1 + 0.75) + 1 * 2)
    for row in (whole, left):
        row["max_lots"] = 2
    assert answer(data) == near((1 + 0.75) + 1 * 2 + 1 * 4)


def test_offers_of_a_group_ramp_up_together(answer: Answer) -> None:
    """One lot a period of either kind: at 1 and at 2; the rest at 5."""
    data = case([2, 2], periods=2)
    terms = {"max_lots": 9, "max_lots_per_period": 1, "shares_lots_with": "sheet"}
    data["tables"]["offers"] = [offer("spot", 5), offer("one", 1, "reserved", **terms), offer("two", 2, "reserved", **terms)]
    assert answer(data) == near(1 * 1 + 1 * 5 + 2 * 1)


def test_upfront_is_charged_for_its_part_inside(answer: Answer) -> None:
    """A term of 4 that starts in the second of 2 hours is a quarter inside: 8 × 1/4 + 1; without term all of it."""
    data = case([0, 1], periods=2)
    deal = offer("deal", 1, "reserved", upfront_per_gpu=8, term_periods=4, lead_periods=1)
    data["tables"]["offers"] = [deal]
    assert answer(data) == near(8 / 4 + 1)
    del deal["term_periods"]
    assert answer(data) == near(8 + 1)


def test_committed_lots_are_paid_and_outside_max_lots(answer: Answer) -> None:
    """One lot of 2 GPUs is signed (4 with upfront, 2 used), one more at 2, the last GPU on demand at 5."""
    data = case([5, 0], periods=2, period="hour")
    old = offer("old", 1, "owned", lot_gpus=2, max_lots=1, committed_lots=1, term_periods=1, upfront_per_gpu=1)
    data["tables"]["offers"] = [old, offer("spot", 5)]
    assert answer(data) == near(2 * 2 * (1 + 1) + 1 * 5)


def test_least_lots(answer: Answer) -> None:
    """Three lots or none at 1 beat one GPU at 4; at 1.5 they do not."""
    data = case(1)
    deal = offer("deal", 1, "reserved", min_lots=3, max_lots=5)
    data["tables"]["offers"] = [deal, offer("spot", 4)]
    assert answer(data) == near(3)
    deal["price_per_gpu_hour"] = 1.5
    assert answer(data) == near(4)


def test_months_have_their_real_hours(answer: Answer) -> None:
    """January and February 2027 have 744 and 672 hours, and a demand without period is spread by them."""
    data = case(1416, periods=2, period="month")
    data["tables"]["offers"] = [offer("deal", 2, "reserved", max_lots=1)]
    assert answer(data) == near(2 * 1416)
    data["tables"]["demand"] = [{"workload": "work", "period": 0, "outcomes": 708}, {"workload": "work", "period": 1, "outcomes": 708}]
    assert answer(data) is None  # 708 is more than 672


def test_blocks_share_the_hours(answer: Answer) -> None:
    """Half a day's demand in a quarter of its hours needs two GPUs then and 2/3 after."""
    data = case(0, period="day")
    data["header"]["horizon"]["blocks"] = [{"block": "peak", "share": 0.25}, {"block": "base", "share": 0.75}]
    data["tables"]["demand"] = [{"workload": "work", "block": b, "outcomes": 12} for b in ("peak", "base")]
    data["tables"]["offers"] = [offer("whole", 1, whole_lots=True)]
    assert answer(data) == near(2 * 6 + 1 * 18)


def test_replicas_take_what_packs(answer: Answer) -> None:
    """Three GPUs in domains of eight take four; five in domains of four are more than a domain, but a gang may span two."""
    data = case(2)
    data["tables"]["profiles"][0]["gpus"] = 3
    data["tables"]["offers"] = [offer("spot", 1, cluster_gpus=8)]
    assert answer(data) == near(2 * 4)
    data["tables"]["skus"][0]["scaleup_gpus"] = 4
    data["tables"]["profiles"][0]["gpus"] = 5
    assert answer(data) is None
    data["tables"]["workloads"][0]["kind"] = "training"
    assert answer(data) == near(2 * 8)


def test_gangs_are_whole(answer: Answer) -> None:
    """2.5 gang-hours are three, at whatever hour; a deadline after one hour makes no difference, a cap of two GPUs forces two hours."""
    data = case(2.5, periods=2)
    data["tables"]["workloads"][0]["kind"] = "training"
    data["tables"]["offers"] = [offer("spot", 2)]
    assert answer(data) == near(3 * 2)
    data["tables"]["offers"][0]["max_lots"] = 2
    assert answer(data) == near(3 * 2)
    data["tables"]["workloads"][0]["deadline_period"] = 0
    assert answer(data) is None


def test_a_job_that_may_not_move(answer: Answer) -> None:
    """Three gangs: two fit the cheap pool, but all must be in one."""
    data = case(3)
    data["tables"]["offers"] = [offer("cheap", 1, max_lots=2), offer("dear", 5)]
    data["tables"]["workloads"][0]["kind"] = "training"
    assert answer(data) == near(2 * 1 + 5)
    data["tables"]["workloads"][0]["max_move_share"] = 0
    assert answer(data) == near(3 * 5)


def test_power_and_energy(answer: Answer) -> None:
    """10 GPUs of 1 kW at PUE 1.2 under 10 kW curtailed by 40 %: five here with energy at 0.5, five elsewhere."""
    data = case(10)
    data["tables"]["regions"] = [region("here", pue=1.2, power_price_per_kwh=9), region("there")]
    data["tables"]["power"] = [{"region": "here", "period": 0, "cap_mw": 0.01, "curtailed_share": 0.4, "price_per_kwh": 0.5}]
    data["tables"]["offers"] = [offer("near", 1, power="metered"), offer("far", 3, region="there")]
    assert answer(data) == near(5 * (1 + 1.2 * 0.5) + 5 * 3)


def test_availability_is_paid_for(answer: Answer) -> None:
    data = case(9)
    data["tables"]["offers"] = [offer("spot", 2, availability=0.9)]
    assert answer(data) == near(10 * 2)


def test_interruptions_waste_time(answer: Answer) -> None:
    """Every 200 minutes for a lot of two, 100 for the two that a replica spans: sqrt(2·2/100) + 10/100 = 0.3."""
    data = case(7)
    spot = offer("spot", 1, "interruptible", lot_gpus=2, interruptions_per_hour=0.3)
    data["tables"]["profiles"][0]["gpus"] = 4
    data["tables"]["offers"] = [spot]
    data["tables"]["workloads"][0] |= {"checkpoint_minutes": 2, "restart_minutes": 10}
    assert answer(data) == near(10 * 4)
    spot["interruptions_per_hour"] = 3  # every 10 minutes, restarts of 10
    assert answer(data) is None


@pytest.mark.parametrize("column", ["max_interruptible_share", "max_operator_share", "max_country_share"])
def test_shares(answer: Answer, column: str) -> None:
    """Four tenths on the cheap offer, which is interruptible, another's, in another country; the rest on two dear ones."""
    data = case(10)
    data["tables"]["regions"] += [region("there", "FR"), region("yonder", "IT")]
    data["tables"]["offers"] = [offer("cheap", 1, "interruptible", region="there"), offer("dear", 3), offer("other", 3, region="yonder")]
    data["tables"]["workloads"][0][column] = 0.4
    assert answer(data) == near(4 * 1 + 6 * 3)


def test_movement(answer: Answer) -> None:
    """The cheap side changes; a tenth may follow: ideally 10 + 10, else 9.x: shares 0.55 and 0.45 cost 5.5 + 4.5·3 twice."""
    data = case([10, 10], periods=2)
    data["tables"]["regions"].append(region("there"))
    pair = [("here", 0, 1), ("here", 1, 3), ("there", 0, 3), ("there", 1, 1)]
    data["tables"]["offers"] = [offer(f"{r}{t}", price, region=r, first_start=t, last_start=t) for r, t, price in pair]
    assert answer(data) == near(20)
    data["tables"]["workloads"][0]["max_move_share"] = 0.1
    assert answer(data) == near(2 * (5.5 * 1 + 4.5 * 3))
    data["tables"]["workloads"][0]["max_move_share"] = 0
    assert answer(data) == near(40)


@pytest.mark.parametrize("price", [1.0, 4.0])
def test_data_go_where_the_work_is(answer: Answer, price: float) -> None:
    """10 GB at home, 0.125 a GB-month; a copy costs as much again, 10 × `price` to send and a tenth of it in each of two months.

    Work at home costs 4 an outcome, elsewhere 1, with 10 outcomes in all (hours do not matter to hired GPUs).
    """
    data = case(10, periods=2, period="month")
    data["tables"]["regions"].append(region("there"))
    data["tables"]["offers"] = [offer("home", 4), offer("away", 1, region="there")]
    data["tables"]["workloads"][0]["datasets"] = ["records"]
    dataset = {"dataset": "records", "region": "here", "size_gb": 10, "storage_price_per_gb_month": 0.125, "refresh_share_per_period": 0.1}
    data["tables"]["datasets"] = [dataset]
    data["tables"]["egress"] = [{"from_region": "here", "to_region": "there", "price_per_gb": price}]
    held = 10 * 0.125 * 2
    copied = held + 10 * price * (1 + 2 * 0.1)
    assert answer(data) == near(held + min(40, 10 + copied))
    dataset["jurisdictions"] = ["DE"]
    data["tables"]["regions"][1]["country"] = "FR"
    assert answer(data) == near(held + 40)


def test_standby_needs_the_data_too(answer: Answer) -> None:
    """Half must be possible without either region: 5 at 1 and 5 at 2 serve all; sending the data costs 10, served or standing by."""
    data = case(10)
    data["tables"]["regions"].append(region("there"))
    data["tables"]["offers"] = [offer("near", 1), offer("far", 2, region="there")]
    data["tables"]["workloads"][0] |= {"failover_share": 0.5, "datasets": ["records"]}
    data["tables"]["datasets"] = [{"dataset": "records", "region": "here", "size_gb": 10}]
    data["tables"]["egress"] = [{"from_region": "here", "to_region": "there", "price_per_gb": 1}]
    assert answer(data) == near(5 + 10 + 10)
    data["tables"]["egress"][0]["price_per_gb"] = 0
    assert answer(data) == near(5 + 10)


def test_a_region_without_country_meets_no_law(answer: Answer) -> None:
    data = case(10)
    data["tables"]["regions"] = [{"region": "here"}]
    data["tables"]["offers"] = [offer("spot", 1)]
    assert answer(data) == near(10)
    data["tables"]["workloads"][0]["jurisdictions"] = ["DE"]
    assert answer(data) is None


def test_egress_is_paid_to_geos_only(answer: Answer) -> None:
    data = case(10)
    data["tables"]["offers"] = [offer("spot", 1)]
    data["tables"]["workloads"][0]["gb_per_outcome"] = 2
    assert answer(data) == near(10)
    data["tables"]["demand"].append({"workload": "work", "geo": "town", "outcomes": 20})
    data["tables"]["egress"] = [{"from_region": "here", "to_region": "town", "price_per_gb": 0.25}]
    assert answer(data) == near(10 + 20 * (1 + 2 * 0.25))


def test_latency_is_round_trip_and_service(answer: Answer) -> None:
    data = case(10)
    data["tables"]["regions"].append(region("there"))
    data["tables"]["offers"] = [offer("near", 3), offer("far", 1, region="there")]
    data["tables"]["profiles"][0]["latency_ms"] = 30
    data["tables"]["demand"][0]["geo"] = "town"
    data["tables"]["latency"] = [{"geo": "town", "region": r, "rtt_ms": ms} for r, ms in (("here", 10), ("there", 60))]
    data["tables"]["workloads"][0]["latency_ms"] = 90
    assert answer(data) == near(10)
    data["tables"]["workloads"][0]["latency_ms"] = 89
    assert answer(data) == near(30)
    data["tables"]["workloads"][0]["latency_ms"] = 39
    assert answer(data) is None


def test_a_geo_out_of_reach_may_stay_unserved(answer: Answer) -> None:
    """The floor is the workload's: 10 of 15 served is enough for 60 %, though one geo gets nothing; not for 70 %."""
    data = case(10, objective="cost_per_outcome")
    data["tables"]["offers"] = [offer("spot", 1)]
    data["tables"]["demand"] = [{"workload": "work", "geo": g, "outcomes": n} for g, n in (("town", 10), ("island", 5))]
    data["tables"]["latency"] = [{"geo": g, "region": "here", "rtt_ms": ms} for g, ms in (("town", 10), ("island", 600))]
    data["tables"]["workloads"][0] |= {"latency_ms": 100, "min_service": 0.6}
    assert answer(data) == near(1)
    data["tables"]["workloads"][0]["min_service"] = 0.7
    assert answer(data) is None


def test_integers_alone_can_make_it_infeasible(answer: Answer) -> None:
    """Half a lot of four would do and be paid for; a whole one is beyond the budget."""
    data = case(2)
    data["tables"]["offers"] = [offer("deal", 1, "reserved", lot_gpus=4, max_lots=1)]
    data["header"]["budget"] = 3
    assert answer(data) is None


def test_unserved_at_a_price(answer: Answer) -> None:
    """Only where it is priced, and within the floor: a fifth at 0.5 instead of 1."""
    data = case(10)
    data["tables"]["offers"] = [offer("spot", 1)]
    work = data["tables"]["workloads"][0]
    work["min_service"] = 0.8
    assert answer(data) == near(10)
    work["unserved_cost_per_outcome"] = 0.5
    assert answer(data) == near(8 + 2 * 0.5)


def test_ratio_sheds_what_is_dear(answer: Answer) -> None:
    """Six cheap at 1, four dear at 3, but at least 80 % served: (6 + 2·3)/8; a sunk cost of 24 turns it: (24 + 18)/10."""
    data = case(10, objective="cost_per_outcome")
    data["tables"]["offers"] = [offer("cheap", 1, max_lots=6), offer("dear", 3)]
    data["tables"]["workloads"][0]["min_service"] = 0.8
    assert answer(data) == near(12 / 8)
    data["tables"]["skus"].append({"sku": "old"})
    data["tables"]["offers"].append(offer("sunk", 24, "owned", sku="old", committed_lots=1, max_lots=0))
    assert answer(data) == near((24 + 18) / 10)
    data["header"]["budget"] = 41
    assert answer(data) == near(41 / (6 + (41 - 24 - 6) / 3))


def test_ratio_weighs_outcomes(answer: Answer) -> None:
    """10 outcomes of weight 2 at 1, and 5 of weight 1 at 1."""
    data = case(10, objective="cost_per_outcome")
    data["tables"]["offers"] = [offer("spot", 1)]
    data["tables"]["workloads"][0]["outcome_weight"] = 2
    data["tables"]["workloads"].append({"workload": "more"})
    data["tables"]["profiles"].append(data["tables"]["profiles"][0] | {"profile": "more", "workload": "more"})
    data["tables"]["demand"].append({"workload": "more", "outcomes": 5})
    assert answer(data) == near(15 / 25)


def test_budget(answer: Answer) -> None:
    data = case(10)
    data["tables"]["offers"] = [offer("spot", 1)]
    data["header"]["budget"] = 10
    assert answer(data) == near(10)
    data["header"]["budget"] = 9.99
    assert answer(data) is None


@pytest.mark.parametrize(
    ("sku", "work", "profile", "runs"),
    [
        ({"runtimes": ["cuda"]}, {}, {"runtime": "cuda/vllm"}, True),
        ({"runtimes": ["cuda/vllm"]}, {}, {"runtime": "cuda"}, True),
        ({"runtimes": ["cuda/vllm"]}, {}, {"runtime": "cuda/trt"}, False),
        ({"runtimes": ["rocm/vllm"]}, {}, {"runtime": "cuda/vllm"}, False),
        ({}, {"runtimes": ["rocm"]}, {"runtime": "cuda"}, False),
        ({}, {"runtimes": ["rocm"]}, {}, True),
        ({"precisions": ["bf16"]}, {}, {"precision": "fp8"}, False),
        ({}, {"precisions": ["bf16", "fp8"]}, {"precision": "fp8"}, True),
        ({}, {"weights_gb": 60, "kv_gb_per_sequence": 2}, {"sequences": 10}, True),
        ({}, {"weights_gb": 60, "kv_gb_per_sequence": 2}, {"sequences": 11}, False),
        ({}, {"tiers": ["sovereign"]}, {}, False),
        ({}, {"excluded_operator_countries": ["DE"]}, {}, False),
        ({}, {"jurisdictions": ["FR", "DE"]}, {}, True),
        ({}, {"jurisdictions": ["EU"]}, {}, False),
    ],
)
def test_what_closes_a_route(answer: Answer, sku: dict[str, Any], work: dict[str, Any], profile: dict[str, Any], runs: bool) -> None:
    data = case(10)
    data["tables"]["offers"] = [offer("spot", 1)]
    for table, change in (("skus", sku), ("workloads", work), ("profiles", profile)):
        data["tables"][table][0] |= change
    assert answer(data) == (near(10) if runs else None)
