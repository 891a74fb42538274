"""Why an offer is not taken: worked out by hand, and against the changed instance solved on its own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ailis_opt import read, solve
from ailis_opt.errors import InfeasibleError, InputError
from ailis_opt.explain.layered import Layered
from ailis_opt.explain.offers import stands
from ailis_opt.explain.priced import in_money, least, priced
from ailis_opt.explain.why_not import render, why_not
from ailis_opt.explain.why_not_result import WhyNot
from ailis_opt.output import text
from ailis_opt.schema.instance import Instance
from tests.models.markets import by_period, market, offer
from tests.support.files import as_instance
from tests.support.generate import random_instance

GAP = 1e-9
NEAR = 1e-3  # of a price: how far below and above the break-even price the instance is solved


def asked(data: dict[str, Any], name: str) -> WhyNot:
    result = why_not(as_instance(data), name, GAP)
    json.dumps(result.to_dict(), allow_nan=False)
    assert name in text.render(render(result), 100)
    return result


def about(value: float) -> Any:
    return pytest.approx((value, value), rel=1e-6, abs=1e-6)


def both(between: Any) -> tuple[float, float]:
    return between.lower, between.upper


def worth(result: WhyNot) -> dict[str, str]:
    return {r.layer: r.worth for r in result.removals}


def test_dear_lot() -> None:
    """A lot of 2 GPUs at 5 replaces two at 3: 4 more, and it would do at 3."""
    result = asked(market(offer("lots", 5, contract="reserved", lot_gpus=2, max_lots=4), offer("hour", 3)), "lots")
    assert both(result.extra) == both(result.change) == about(4)
    assert result.break_even is not None
    assert both(result.break_even.price) == about(3)
    assert (result.lots, result.gpu_hours, result.last_lot) == (0, 0, None)
    assert set(worth(result).values()) == {"no"}


def test_upfront_counts_against_the_price() -> None:
    """1 of the 3 that it may cost is paid upfront."""
    result = asked(market(offer("lots", 5, contract="reserved", upfront_per_gpu=1, max_lots=4), offer("hour", 3)), "lots")
    assert both(result.extra) == about(3)
    assert result.break_even is not None
    assert both(result.break_even.price) == about(2)


def test_the_start_that_is_cheapest_is_not_where_it_breaks_even() -> None:
    """10 GPUs in period 0, 2 in period 1. A lot of 4 at 5 costs least to hold in period 1 alone, 4·5 − 2·3 = 14, 3.50 an hour.

    Over both periods it costs 8·5 − 6·3 = 22 extra, 2.75 an hour: it breaks even at 2.25, not at 1.50.
    """
    lots = offer("lots", 5, contract="reserved", lot_gpus=4, max_lots=1)
    result = asked(market(lots, offer("hour", 3), demand=by_period(10, 2), periods=2), "lots")
    assert both(result.extra) == about(14)
    assert result.break_even is not None
    assert both(result.break_even.price) == about(2.25)
    assert result.break_even.gpu_hours == pytest.approx(8)


def test_taken() -> None:
    """Lots of 4 at 2: two are taken; the second saves 4·(3 − 2) = 4, a third would save 2·3 and cost 8. The first saves 4·(3 − 2), too."""
    result = asked(market(offer("lots", 2, contract="reserved", lot_gpus=4, max_lots=4), offer("hour", 3)), "lots")
    assert result.lots == 2
    assert both(result.extra) == about(0)
    assert result.last_lot is not None
    assert both(result.last_lot) == about(4)
    assert result.break_even is not None
    assert both(result.break_even.price) == about(3)
    assert result.removals == ()


def test_needed() -> None:
    """With no other offer there is no plan without it."""
    result = asked(market(offer("lots", 2, contract="reserved", max_lots=20)), "lots")
    assert result.break_even is not None
    assert np.isinf(both(result.break_even.price)).all()
    assert "at any price" in text.render(render(result), 100)


def test_least_lots_are_taken_together() -> None:
    """At least 4 lots at 5: each costs 2 more than by the hour."""
    result = asked(market(offer("lots", 5, contract="reserved", min_lots=4, max_lots=8), offer("hour", 3)), "lots")
    assert both(result.extra) == about(8)


def test_hired_lot_is_held_through_every_slice() -> None:
    """10 GPUs in period 0, none in period 1: a GPU of the quota at 4 through both costs 8 and saves 3. It breaks even at 1.50."""
    result = asked(market(offer("quota", 4, max_lots=5), offer("hour", 3), demand=by_period(10, 0), periods=2), "quota")
    assert both(result.extra) == about(5)
    assert result.break_even is not None
    assert both(result.break_even.price) == about(1.5)
    assert "held through every slice" in result.to_dict()["lot"]


def test_law_in_the_way() -> None:
    """`b` at 1 is not German: a lot there stands idle and costs 1. Without L15 it saves 2."""
    data = market(offer("far", 1, contract="reserved", region="b", max_lots=4), offer("hour", 3), work={"jurisdictions": ["DE"]})
    result = asked(data, "far")
    assert both(result.extra) == about(1)
    assert worth(result)["L15"] == "yes"
    assert set(worth(result).values()) == {"yes", "no"}
    assert [(c.layer, c.workload, c.routes, c.closed, c.alone) for c in result.closed] == [("L15", "w", 1, 1, 1)]
    assert result.break_even is not None
    assert both(result.break_even.price) == about(0)


def test_two_layers_in_the_way() -> None:
    """Law and memory both close it: no single layer's removal would do."""
    work = {"jurisdictions": ["DE"], "weights_gb": 100}
    skus = [{"sku": "s", "memory_gb": 160}, {"sku": "small", "memory_gb": 80}]
    profiles = [{"profile": f"w-{s}", "workload": "w", "sku": s, "gpus": 1, "units_per_hour": 1} for s in ("s", "small")]
    far = offer("far", 1, contract="reserved", region="b", sku="small", max_lots=4)
    result = asked(market(far, offer("hour", 3), work=work, skus=skus, profiles=profiles), "far")
    assert [(c.layer, c.closed, c.alone) for c in result.closed] == [("L1.memory", 1, 0), ("L15", 1, 0)]
    assert worth(result)["L15"] == worth(result)["L1.memory"] == "no"


def test_market_terms_in_the_way() -> None:
    """A lot of 20 at 2 costs 40 where 10 at 3 cost 30: by the GPU it would be taken."""
    result = asked(market(offer("lots", 2, contract="reserved", lot_gpus=20, max_lots=4), offer("hour", 3)), "lots")
    assert both(result.extra) == about(10)
    assert {layer for layer, answer in worth(result).items() if answer == "yes"} == {"contract"}


def test_supply_in_the_way() -> None:
    """It is delivered too late for any plan."""
    late = offer("late", 1, contract="reserved", first_start=1, max_lots=4)
    result = asked(market(late | {"lead_periods": 9}, offer("hour", 3), demand=by_period(10, 10), periods=2), "late")
    assert np.isinf(both(result.extra)).all()
    assert not result.to_dict()["possible"]
    assert worth(result)["L1.supply"] == "yes"
    assert "no plan can take a lot" in text.render(render(result), 100)


def test_cost_per_outcome_with_work_left_undone() -> None:
    """Half must be served. At 3 each an outcome costs 3, whatever is served; a lot at 5 for one of at most 10 outcomes: 32/10."""
    lots, hour = offer("lots", 5, contract="reserved", max_lots=4), offer("hour", 3)
    data = market(lots, hour, work={"min_service": 0.5}, header={"objective": "cost_per_outcome"})
    result = asked(data, "lots")
    assert both(result.extra) == about(2)
    assert result.change.lower <= 0.2 * (1 + 1e-6)
    assert result.change.upper >= 0.2 * (1 - 1e-6)
    assert result.break_even is not None
    assert both(result.break_even.price) == about(3)


def test_twins_are_one() -> None:
    row = offer("one", 5, contract="reserved", max_lots=4)
    result = asked(market(row, row | {"offer": "two"}, offer("hour", 3)), "two")
    assert result.twins == ("one",)
    assert both(result.extra) == about(2)


def test_unknown_offer() -> None:
    with pytest.raises(InputError, match="Did you mean 'hour'"):
        why_not(as_instance(market(offer("hour", 3))), "hours")


def test_infeasible() -> None:
    with pytest.raises(InfeasibleError):
        why_not(as_instance(market(offer("hour", 3, max_lots=3))), "hour")


def test_quickstart() -> None:
    """By its README: the last of two lots is worth 336, and the first saves 31 USD an hour with 8 GPUs."""
    result = why_not(read("instances/quickstart"), "fra-reserved", GAP)
    assert result.lots == 2
    assert result.last_lot is not None
    assert both(result.last_lot) == about(336)
    assert result.break_even is not None
    assert both(result.break_even.price) == about(31 / 8)


# -- against the changed instance ------------------------------------------------------------------------------------------------


def takes(instance: Instance, name: str, price: float) -> bool:
    """Whether the best plan takes an offer at a price."""
    offers = instance.tables["offers"].copy()
    offers.loc[offers["offer"] == name, "price_per_gpu_hour"] = price
    result = solve(replace(instance, tables={**instance.tables, "offers": offers}), gap=GAP, in_process=True)
    return name in set(result.purchases["offer"])


def forced(layered: Layered, name: str) -> float:
    """Extra cost of a lot, each start tried by bounds."""
    program = layered.only()
    price, best = in_money(program, layered.solve(program, GAP), layered.ratio)
    place = next(s for s in stands(layered.prepared, program.layout, True) if s.offer == name)
    costs = []
    for column in place.columns[program.column_upper[place.columns] >= 1].tolist():
        lower = program.column_lower.copy()
        lower[column] = 1
        costs.append(least(layered.solver, priced(replace(program, column_lower=lower), price), GAP, 60).upper)
    return min(costs, default=np.inf) - best.upper


def faults(seed: int) -> list[str]:
    instance = as_instance(random_instance(seed))
    layered, found = Layered(instance), []
    offers = instance.tables["offers"]
    called_before = (offers["committed_lots"] > 0) & (offers["take_or_pay_share"] < 1)  # their price changes, too
    for name in offers["offer"][offers["contract"].isin(["owned", "reserved"]) & offers["whole_lots"] & ~called_before]:
        result = why_not(layered, name, GAP)
        scale = abs(result.objective.upper) * (layered.program.asked if layered.ratio else 1)
        if not result.twins and result.extra.upper != pytest.approx(max(forced(layered, name), 0.0), rel=1e-6, abs=1e-6 * scale):
            found.append(f"{name}: extra {result.extra}")
        best = result.break_even
        if best is None or result.twins or not np.isfinite(best.price.upper):
            continue
        for price, expected in ((best.price.lower * (1 - NEAR), True), (best.price.upper * (1 + NEAR), False)):
            if price > 1e-6 and takes(instance, name, price) is not expected:
                found.append(f"{name} at {price}, breaks even at {best}: {not expected}")
    return found


@pytest.mark.parametrize("seed", range(5))
def test_break_even_price_quick(seed: int) -> None:
    assert faults(seed) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5, 16))
def test_break_even_price(seed: int) -> None:
    assert faults(seed) == []
