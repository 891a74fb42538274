"""The public face: what `solve` refuses, and what a result holds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import ailis_opt
from ailis_opt import read, solve
from ailis_opt.errors import InfeasibleError, InputError
from tests.models.markets import market, offer
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
