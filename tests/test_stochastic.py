"""Plans under scenarios: answers worked out by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from ailis_opt import solve
from ailis_opt.changes.scenarios import variants
from ailis_opt.evaluate import Signed, evaluate
from ailis_opt.result import Result
from tests.models.markets import Row, by_period, market, offer
from tests.support.files import Data, as_instance


def solved(data: Data) -> Result:
    """The best plan, proven."""
    result = solve(as_instance(data), gap=1e-9, in_process=True)
    assert result.status == "optimal"
    return result


def names(*scenarios: str) -> list[Row]:
    """Scenarios that are as likely as each other."""
    return [{"scenario": name} for name in scenarios]


def change(scenario: str, table: str, column: str, value: Any, where: str = "") -> Row:
    """A change that sets a column."""
    return {"scenario": scenario, "table": table, "where": where, "column": column, "op": "set", "value": value}


def risk(alpha: float, weight: float) -> Row:
    """A header with this measure of risk."""
    return {"risk": {"alpha": alpha, "weight": weight}}


def costs(result: Result) -> list[float]:
    """Audited cost of each scenario."""
    return [read.audit.cost for read in result.scenarios]


def near(*values: float) -> Any:
    return pytest.approx(values[0] if len(values) == 1 else list(values), rel=1e-6, abs=1e-9)


# -- how much to sign when demand is not known ------------------------------------------------------------------------------------


def newsvendor(alpha: float, weight: float) -> Data:
    """0 to 10 are asked for, all as likely; reserved at 1, hired at 3."""
    scenarios = [f"{d} asked for" for d in range(11)]
    changes = [change(name, "demand", "outcomes", d) for d, name in enumerate(scenarios)]
    offers = (offer("reserve", 1, contract="reserved"), offer("hire", 3))
    return market(*offers, demand=5, header=risk(alpha, weight), scenarios=names(*scenarios), changes=changes)


@pytest.mark.parametrize(
    ("alpha", "weight", "lots", "objective"),
    [
        (0.95, 0.0, 7, 95 / 11),  # the 1 − 1/3 fractile
        (0.5, 1.0, 9, 105 / 11),
        (0.75, 1.0, 10, 10.0),
    ],
)
def test_lots_to_reserve_for_demand_that_is_not_known(alpha: float, weight: float, lots: int, objective: float) -> None:
    result = solved(newsvendor(alpha, weight))
    assert result.purchases["lots"].tolist() == [lots]
    assert result.objective == near(objective)
    assert costs(result) == near(*(lots + 3 * max(d - lots, 0) for d in range(11)))
    assert result.risk is not None
    assert result.cost == near(result.risk.expected_cost)
    assert result.cost == near(lots + 3 * sum(max(d - lots, 0) for d in range(11)) / 11)
    assert result.risk.worst == near(lots + 3 * (10 - lots))
    assert result.risk.objective == near(objective)


def test_nothing_is_asked_for_in_one_scenario() -> None:
    """Cost per outcome: 4 or nothing, as likely. A lot at 1 pays half of the time, which is less than 3 does."""
    offers = (offer("reserve", 1, contract="reserved"), offer("hire", 3))
    changes = [change("none", "demand", "outcomes", 0)]
    header = {"objective": "cost_per_outcome"}
    result = solved(market(*offers, demand=4, header=header, scenarios=names("none", "some"), changes=changes))
    assert result.objective == near(4 / 2)
    assert costs(result) == near(4, 4)
    assert [read.audit.outcomes for read in result.scenarios] == near(0, 4)


# -- hedges ------------------------------------------------------------------------------------------------------------------------


def hedged(weight: float, *, alpha: float = 2 / 3, **terms: Any) -> Data:
    """One GPU-hour is hired at 2, 3 or 5; a forward at 10/3 on an index that is then at 2, 4 and 4."""
    changes = []
    for name, price, level in (("low", 2, 2), ("middle", 3, 4), ("high", 5, 4)):
        changes += [change(name, "offers", "price_per_gpu_hour", price), change(name, "indices", "price_per_gpu_hour", level)]
    forward = {"hedge": "forward", "kind": "forward", "index": "i", "strike": 10 / 3, "gpu_hours_per_period": 1} | terms
    return market(
        offer("hire", 3),
        demand=1,
        header=risk(alpha, weight),
        scenarios=names("low", "middle", "high"),
        changes=changes,
        indices=[{"index": "i", "price_per_gpu_hour": 3}],
        hedges=[forward],
    )


@pytest.mark.parametrize(
    ("terms", "lots", "tail"),
    [
        ({"max_lots": 0}, 0, 5.0),
        ({"max_lots": 1}, 1, 13 / 3),
        ({}, 1.5, 4.0),  # low and high cost the same
        ({"committed_lots": 1, "max_lots": 0}, 1, 13 / 3),
        ({"premium_per_gpu_hour": 0.1}, 1.5, 4 + 1.5 * 0.1),
        ({"premium_per_gpu_hour": 0.7}, 0, 5.0),  # a lot takes 2/3 off the tail
    ],
)
def test_a_forward_on_an_index_that_is_not_quite_the_price(terms: Row, lots: float, tail: float) -> None:
    result = solved(hedged(1, **terms))
    assert result.objective == near(tail)
    assert result.positions["lots"].tolist() == ([near(lots)] if lots else [])
    held = lots * (10 / 3 + terms.get("premium_per_gpu_hour", 0))
    assert costs(result) == near(2 + held - 2 * lots, 3 + held - 4 * lots, 5 + held - 4 * lots)
    assert result.cost_by["hedges"] == near(lots * terms.get("premium_per_gpu_hour", 0.0))
    assert result.risk is not None
    assert result.risk.cvar == near(tail)


def test_whole_lots_of_a_hedge() -> None:
    """One lot or two: 13/3 (high) or 14/3 (low)."""
    result = solved(hedged(1, whole_lots=True))
    assert result.positions["lots"].tolist() == [1]
    assert result.objective == near(13 / 3)


def test_a_fair_hedge_is_worth_nothing_to_the_mean() -> None:
    """And one below the mean of the index is worth the difference in every lot."""
    assert solved(hedged(0)).objective == near(10 / 3)
    assert solved(hedged(0, strike=3, max_lots=7)).objective == near(10 / 3 - 7 / 3)


def test_what_a_fair_hedge_leaves_is_no_figure() -> None:
    """0.4 − 0.3 − 0.1 is not 0 to a computer, and would stand beside costs of thousands."""
    terms = {"strike": 0.3, "premium_per_gpu_hour": 0.1, "max_lots": 5}
    data = hedged(1, **terms)
    data["tables"]["demand"][0]["outcomes"] = 1e6
    data["tables"]["changes"] = []
    data["tables"]["indices"][0]["price_per_gpu_hour"] = 0.4
    assert solved(data).objective == near(3e6)


def test_hedges_count_in_the_budget_of_every_scenario() -> None:
    """4.5 may be spent: at least 3/4 of a lot in the scenario that costs 5, at most 15/8 in the one that costs 2."""
    data = hedged(0, premium_per_gpu_hour=0.01)
    data["header"]["budget"] = 4.5
    lots = 0.5 / (4 - 10 / 3 - 0.01)
    result = solved(data)
    assert result.positions["lots"].tolist() == [near(lots)]
    assert max(costs(result)) == near(4.5)


# -- late delivery -----------------------------------------------------------------------------------------------------------------


def delivered(*demand: float, hire: float = 3, **terms: Any) -> Data:
    """Lots for two periods, 0.5 upfront a GPU; in one of two scenarios none is there before period 1."""
    lots = offer("lots", 1, contract="reserved", term_periods=2, upfront_per_gpu=0.5, **terms)
    changes = [change("late", "offers", "lead_periods", 1, "offer=lots")]
    demands = by_period(*demand)
    return market(lots, offer("hire", hire), demand=demands, periods=len(demand), scenarios=names("on time", "late"), changes=changes)


def hired(result: Result, scenario: int) -> dict[tuple[str, int], float]:
    """GPU-hours by offer and period."""
    table = result.scenarios[scenario].tables["hired"]
    return {(o, int(t)): x for o, t, x in zip(table["offer"], table["period"], table["gpu_hours"], strict=True)}


def test_a_late_lot_is_neither_there_nor_paid() -> None:
    """The upfront stays: 0.5 + 2, or 0.5 + 1 and one hired."""
    result = solved(delivered(1, 1, 0))
    assert result.purchases[["start_period", "lots"]].to_numpy().tolist() == [[0, 1]]
    assert costs(result) == near(2.5, 0.5 + 1 + 3)
    assert hired(result, 0) == {}
    assert hired(result, 1) == {("hire", 0): 1}
    assert [read.audit.cost_by["reserved"] for read in result.scenarios] == near(2, 1)
    assert [read.audit.cost_by["upfront"] for read in result.scenarios] == near(0.5, 0.5)
    assert result.cost_by["reserved"] == near(1.5)


def test_the_term_of_a_late_lot_ends_as_signed() -> None:
    """At most one lot in force: signed from 0, and from 2 for the hour that is left of the horizon (half of its upfront)."""
    result = solved(delivered(1, 1, 1, max_lots=1))
    assert sorted(result.purchases["start_period"]) == [0, 2]
    assert costs(result) == near(2.5 + 1.25, 4.5 + 1.25)


def test_lots_signed_before_are_not_late() -> None:
    result = solved(delivered(2, 2, 0, committed_lots=1, max_lots=1))
    assert costs(result) == near(2 * 2.5, 2.5 + 4.5)
    assert hired(result, 1) == {("hire", 0): 1}
    result = solved(delivered(1, 1, 0, committed_lots=1, max_lots=1))
    assert costs(result) == near(2.5, 2.5)


def test_what_is_called_of_a_late_lot() -> None:
    """Lots of 2, half of each paid in any case: 1 + 2 + 2, or 1 + 1 + 1 and two hired in the first hour."""
    result = solved(delivered(2, 2, 0, lot_gpus=2, take_or_pay_share=0.5))
    assert result.purchases[["start_period", "lots"]].to_numpy().tolist() == [[0, 1]]
    assert costs(result) == near(5, 1 + 1 + 1 + 6)
    assert hired(result, 0) == {("lots", 0): 1, ("lots", 1): 1}
    assert hired(result, 1) == {("hire", 0): 2, ("lots", 1): 1}


def test_a_lot_that_may_be_late_is_worth_less() -> None:
    """In time 2.5 and late 2.7, where two hours hired at 1.2 are 2.4. Late for sure it costs 1.5 and saves an hour hired at 3."""
    assert solved(delivered(1, 1, 0, hire=1.2)).objective == near(1.2 + 1.2)
    data = delivered(1, 1, 0)
    data["tables"]["changes"].append(data["tables"]["changes"][0] | {"scenario": "on time"})
    result = solved(data)
    assert costs(result)[0] == near(costs(result)[1])
    assert result.objective == near(4.5)


# -- rules and power that differ ----------------------------------------------------------------------------------------------------


def test_law_and_power_in_one_scenario() -> None:
    """In one of two scenarios the law closes the cheap region, in the other power there is for 4 only: 10 at 3, or 4 at 2 and 6 at 3."""
    offers = (offer("near", 2), offer("far", 3, region="b"))
    changes = [change("law", "workloads", "jurisdictions", "FR"), change("power", "power", "cap_mw", 0.004)]
    power = [{"region": "a", "period": 0, "cap_mw": 0.02}]
    result = solved(market(*offers, power=power, scenarios=names("law", "power"), changes=changes))
    assert costs(result) == near(30, 4 * 2 + 6 * 3)
    assert result.cost == near((30 + 26) / 2)


def test_copies_are_paid_at_the_prices_of_the_scenario() -> None:
    """90 GB for 0.1 or 0.3 each: 18 on average, and 10 GPUs at 1 instead of 3 save 20."""
    offers = (offer("home", 3), offer("away", 1, region="b"))
    more: dict[str, Any] = {
        "work": {"datasets": ["d"]},
        "datasets": [{"dataset": "d", "region": "a", "size_gb": 90}],
        "egress": [{"from_region": "a", "to_region": "b", "price_per_gb": 0.1}],
    }
    result = solved(market(*offers, scenarios=names("cheap", "dear"), changes=[change("dear", "egress", "price_per_gb", 0.3)], **more))
    assert costs(result) == near(10 + 9, 10 + 27)
    assert [read.audit.cost_by["replication"] for read in result.scenarios] == near(9, 27)


def test_a_pool_that_only_a_scenario_keeps_apart() -> None:
    """Two offers that are alike until one of them changes hands: the other serves what may not run there."""
    offers = (offer("one", 1, max_lots=6), offer("two", 2, max_lots=9), offer("far", 5, region="b", operator_country="DE"))
    changes = [change("sold", "offers", "operator_country", "CN", "offer=one")]
    work = {"excluded_operator_countries": ["CN"]}
    result = solved(market(*offers, work=work, scenarios=names("as it is", "sold"), changes=changes))
    assert costs(result) == near(6 * 1 + 4 * 2, 9 * 2 + 1 * 5)
    pools = result.scenarios[1].tables["pools"]
    assert pools["pool"].nunique() == 3


def test_no_gang_spreads_over_offers_that_a_scenario_tells_apart() -> None:
    """A gang of two on a GPU of each of two offers at 1; where one of them may change hands they are two pools, and the gang runs at 3."""
    offers = (offer("one", 1, max_lots=1), offer("two", 1, max_lots=1), offer("far", 3, region="b"))
    more: dict[str, Any] = {"work": {"kind": "training"}, "profile": {"gpus": 2, "units_per_hour": 2}, "demand": 2}
    assert solved(market(*offers, **more)).objective == near(2)
    changes = [change("sold", "offers", "operator_country", "FR", "offer=two")]
    assert costs(solved(market(*offers, scenarios=names("as it is", "sold"), changes=changes, **more))) == near(6, 6)


def test_nothing_runs_on_a_route_that_the_scenario_closes() -> None:
    """Lots stand idle where memory is short: nothing serves there, at no cost, and nothing is said to."""
    idle = offer("idle", 1, contract="owned", committed_lots=10, max_lots=0)
    more: dict[str, Any] = {"work": {"weights_gb": 70}, "skus": [{"sku": "s", "memory_gb": 80}, {"sku": "t", "memory_gb": 80}]}
    profiles = [{"profile": f"w-{s}", "workload": "w", "sku": s, "gpus": 1, "units_per_hour": 1} for s in "st"]
    data = market(
        idle,
        offer("hire", 3, sku="t"),
        profiles=profiles,
        scenarios=names("fits", "short"),
        changes=[change("short", "skus", "memory_gb", 60, "sku=s")],
        **more,
    )
    result = solved(data)
    assert costs(result) == near(10, 10 + 30)
    assert result.scenarios[1].tables["served"]["sku"].tolist() == ["t"]


def test_prices_are_means_over_the_scenarios() -> None:
    """Two scenarios without a change have the prices of none; where hire costs 3 or 5, 10 GPU-hours of each, it costs 4 in the mean."""
    offers = (offer("quota", 1, max_lots=4), offer("h", 3))
    alone, both = solved(market(*offers)), solved(market(*offers, scenarios=names("a", "b")))
    pd.testing.assert_frame_equal(both.binding.drop(columns="tight"), alone.binding.drop(columns="tight"))
    pd.testing.assert_frame_equal(both.tables["hired"], alone.tables["hired"], check_like=True)
    dear = [change("b", "offers", "price_per_gpu_hour", 5, where="offer=h")]
    mixed = solved(market(offer("h", 3), scenarios=names("a", "b"), changes=dear))
    assert mixed.hired["price_per_gpu_hour"].tolist() == [4.0]
    assert mixed.binding.set_index("family")["price"]["demand"] == near(4.0)


@pytest.mark.parametrize("terms", [{}, {"min_lots": 2}], ids=["any lots", "least lots"])
def test_a_plan_in_a_scenario_that_could_not_use_it(terms: Row) -> None:
    """7 lots are signed; where only 2 outcomes are asked for they cost 7 all the same, where 10 are 3 more are hired at 3."""
    data = newsvendor(0.95, 0.0)
    data["tables"]["offers"][0] |= terms
    result = solved(data)
    named = {one.name: one for one in variants(as_instance(data))}
    few, many = named["2 asked for"], named["10 asked for"]
    found = evaluate(as_instance(data), Signed.of(result), [few, many])
    alone = evaluate(as_instance(data), Signed.of(result), [few])
    assert found.cost.tolist() == near(7.0, 16.0)
    assert alone.cost.tolist() == [near(7.0)]
    assert found.outcomes.tolist() == near(2.0, 10.0)
