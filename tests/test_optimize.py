"""The public face: what `solve` refuses, and what a result holds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import ailis_opt
from ailis_opt import read, solve
from ailis_opt.errors import InfeasibleError, InputError
from tests.models.markets import by_period, market, offer
from tests.support.files import as_instance

QUICKSTART = Path(__file__).parents[1] / "instances" / "quickstart"


def test_cost_per_outcome_needs_a_weight() -> None:
    data = market(offer("hire", 2), work={"outcome_weight": 0})
    assert solve(as_instance(data), objective="cost", in_process=True).cost == pytest.approx(20)
    with pytest.raises(InputError, match="no cost per outcome"):
        solve(as_instance(data), objective="cost_per_outcome", in_process=True)


def test_no_open_route_is_infeasible_with_counts() -> None:
    data = market(offer("hire", 2), work={"tiers": ["sovereign"]})
    with pytest.raises(InfeasibleError, match=r"w: 0 of 1 routes open: 1 closed by tier"):
        solve(as_instance(data), in_process=True)


def test_a_result_accounts_for_all_cost() -> None:
    result = solve(QUICKSTART, gap=1e-9)
    tables = result.tables
    assert result.audit.ok
    assert result.cost == pytest.approx(sum(result.cost_by.values()))
    assert result.cost == pytest.approx(tables["costs"]["amount"].sum())
    assert result.cost == pytest.approx(result.workloads["cost"].sum() + result.idle_cost)
    bought = result.purchases["cost"].sum() + tables["committed"]["cost"].sum() + result.hired["cost"].sum()
    assert bought == pytest.approx(sum(result.cost_by[c] for c in ("owned", "reserved", "upfront", "on_demand", "interruptible")))
    assert result.served["outcomes"].sum() == pytest.approx(result.workloads["served"].sum())
    assert result.cost_per_outcome == pytest.approx(result.objective)


def test_identical_offers_are_split_again() -> None:
    """Three identical offers of two lots: five lots of 2 GPUs are signed, and none of the three sells more than it has."""
    rows = [offer(f"r{i}", 1, contract="reserved", lot_gpus=2, max_lots=2) for i in range(3)]
    result = solve(as_instance(market(*rows, offer("hire", 3))), gap=1e-9, in_process=True)
    lots = result.purchases.set_index("offer")["lots"]
    assert lots.sum() == 5
    assert lots.max() <= 2
    assert result.audit.ok


def test_lots_that_ramp_up_are_split_again() -> None:
    """Three identical offers of three lots, of which each may start two in a period: 2 + 4 start, and no offer starts or has too many."""
    rows = [offer(f"r{i}", 1, contract="reserved", max_lots=3, max_lots_per_period=2) for i in range(3)]
    data = market(*rows, offer("hire", 3), demand=by_period(2, 6, 9), periods=3)
    result = solve(as_instance(data), gap=1e-9, in_process=True)
    lots = result.purchases.pivot_table(index="offer", columns="start_period", values="lots", aggfunc="sum").fillna(0)
    assert lots.sum().tolist() == [2, 4, 3]
    assert lots.to_numpy().max() <= 2
    assert lots.sum(axis=1).tolist() == [3, 3, 3]
    assert result.audit.ok


def test_what_is_called_is_split_again() -> None:
    """Two identical lots of 4, half of each paid in any case: with 7 GPUs in use 3 of the other 4 are called, at their price."""
    rows = [offer(f"r{i}", 1, contract="reserved", lot_gpus=4, max_lots=1, take_or_pay_share=0.5) for i in range(2)]
    result = solve(as_instance(market(*rows, offer("hire", 3), demand=7)), gap=1e-9, in_process=True)
    assert result.hired["gpu_hours"].tolist() == [2, 1]
    assert result.cost_by["reserved"] == result.cost == pytest.approx(4 + 3)
    assert result.idle_cost == 0
    assert result.tables["use"][["committed_gpus", "hired_gpus", "used_gpus"]].iloc[0].tolist() == pytest.approx([4, 3, 7])


def test_what_holds_lots_back_has_its_price() -> None:
    """A lot more in the first of two hours would save (3 − 1) in both; one of the offers that share three lots, (3 − 1) in one."""
    ramp = market(offer("slow", 1, contract="reserved", max_lots_per_period=2), offer("dear", 3), demand=by_period(9, 9), periods=2)
    binding = solve(as_instance(ramp), gap=1e-9, in_process=True).binding.set_index("row")
    assert binding.loc["lots per period of slow", "price"] == pytest.approx(4)
    terms = {"contract": "reserved", "max_lots": 3, "shares_lots_with": "both"}
    shared = market(offer("one", 1, **terms), offer("two", 2, **terms), offer("dear", 3))
    binding = solve(as_instance(shared), gap=1e-9, in_process=True).binding.set_index("row")
    assert binding.loc["lots on offer of one", "price"] == pytest.approx(2)


def test_a_lot_that_is_paid_in_part_has_its_price() -> None:
    """A GPU more at 1, half of it paid in any case, saves 3 in the hour in which it is used, and costs 0.5 in the other."""
    terms = {"contract": "reserved", "max_lots": 1, "take_or_pay_share": 0.5, "last_start": 0}
    data = market(offer("lots", 1, **terms), offer("dear", 3), demand=by_period(9, 0), periods=2)
    binding = solve(as_instance(data), gap=1e-9, in_process=True).binding.set_index("row")
    assert binding.loc["lots on offer of lots", "price"] == pytest.approx((3 - 1) - 0.5)


def test_a_lot_more_has_its_price() -> None:
    """Three lots of 2 GPUs at 1 serve 6 of 10; one lot more would save 2 · (3 − 1)."""
    data = market(offer("cheap", 1, contract="reserved", lot_gpus=2, max_lots=3), offer("dear", 3), header={"objective": "cost"})
    binding = solve(as_instance(data), gap=1e-9, in_process=True).binding.set_index("row")
    assert binding.loc["lots on offer of cheap", "price"] == pytest.approx(4)
    assert binding.loc["lots on offer of cheap", "unit"] == "EUR per lot"
    assert set(binding["basis"]) == {"polished LP"}


def test_reading_is_what_solving_reads() -> None:
    assert isinstance(read(QUICKSTART), ailis_opt.Instance)
    first, second = solve(QUICKSTART, gap=1e-9, in_process=True), solve(read(QUICKSTART), gap=1e-9, in_process=True)
    pd.testing.assert_frame_equal(first.purchases, second.purchases)
