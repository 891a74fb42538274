"""A correct plan passes with the costs worked out by hand; each figure that it states is held to them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ailis_opt.audit import audit
from ailis_opt.schema import Instance

Document = dict[str, Any]
Plan = dict[str, pd.DataFrame]
Load = Callable[[Document], Instance]

STATED = [
    *[("purchases", column) for column in ("gpus", "cost")],
    *[("committed", column) for column in ("lots", "gpus", "cost")],
    *[("hired", column) for column in ("gpu_hours", "cost")],
    *[("served", column) for column in ("gpus", "standby_gpus")],
    ("training", "gpus"),
    *[("placements", column) for column in ("storage", "replication", "refresh")],
    *[("use", column) for column in ("committed_gpus", "hired_gpus", "usable_gpus", "used_gpus", "idle_gpus")],
    *[("energy", column) for column in ("mwh", "metered_mwh", "cost", "carbon_kg")],
    ("costs", "amount"),
]


def test_a_correct_plan_passes_with_the_costs_worked_out_by_hand(document: Document, plan: Plan, load: Load, hand: dict[str, Any]) -> None:
    found = audit(load(document), plan)
    assert found.violations == ()
    assert found.ok
    assert found.max_violation < 1e-12
    assert found.cost_by == pytest.approx(hand["cost_by"])
    assert found.cost == pytest.approx(hand["cost"])
    assert found.outcomes == pytest.approx(hand["outcomes"])


@pytest.mark.parametrize(("table", "column"), STATED)
def test_a_stated_figure_that_differs_is_a_violation(table: str, column: str, document: Document, plan: Plan, load: Load) -> None:
    plan[table][column] = plan[table][column] * (1 + 2e-6) + 2e-6
    found = audit(load(document), plan)
    assert not found.ok
    assert {(v.layer, v.limit) for v in found.violations} == {("plan", "stated figure")}
    assert all(v.where.startswith(f"{table}.{column}: ") for v in found.violations)


def test_an_audit_changes_nothing(document: Document, plan: Plan, load: Load) -> None:
    instance = load(document)
    before = [frame.copy() for frame in (*instance.tables.values(), *plan.values())]
    audit(instance, plan)
    for old, new in zip(before, (*instance.tables.values(), *plan.values()), strict=True):
        pd.testing.assert_frame_equal(old, new)


def test_the_order_of_rows_does_not_matter(document: Document, plan: Plan, load: Load, hand: dict[str, Any]) -> None:
    found = audit(load(document), {name: frame.iloc[::-1] for name, frame in plan.items()})
    assert found.ok
    assert found.cost == pytest.approx(hand["cost"])


def test_the_audit_shares_nothing_with_what_it_guards() -> None:
    folder = Path(audit.__code__.co_filename).parent
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in folder.glob("*.py")]
    named = {node.module or "" for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named |= {alias.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    ours = {name for name in named if name.startswith("ailis")}
    assert all(name.startswith(("ailis_opt.audit.", "ailis_opt.schema")) for name in ours)


def test_the_home_of_a_dataset_is_stated_rightly(document: Document, plan: Plan, load: Load) -> None:
    plan["placements"]["home"] = True
    assert [v.where for v in audit(load(document), plan).violations] == ["placements.home: dataset=kb, region=iowa"]


@pytest.mark.parametrize(("table", "row"), [("use", 0), ("energy", 0), ("costs", 0), ("committed", 0)])
def test_a_row_left_out_is_a_stated_zero(table: str, row: int, document: Document, plan: Plan, load: Load) -> None:
    plan[table] = plan[table].drop(index=row)
    found = audit(load(document), plan)
    assert {(v.layer, v.limit) for v in found.violations} == {("plan", "stated figure")}


def test_a_cost_put_on_the_wrong_workload_is_a_violation(document: Document, plan: Plan, load: Load) -> None:
    plan["costs"]["workload"] = plan["costs"]["workload"].replace("chat", "tune")
    where = {v.where for v in audit(load(document), plan).violations}
    assert where == {"costs.amount: workload=chat, component=egress", "costs.amount: workload=tune, component=egress"}


def test_committed_lots_that_nobody_signed_are_a_violation(document: Document, plan: Plan, load: Load) -> None:
    row = {"offer": "res", "lots": 1, "gpus": 8.0, "cost": 0.0}
    plan["committed"] = pd.DataFrame([*plan["committed"].to_dict("records"), row])
    assert [v.where for v in audit(load(document), plan).violations] == ["committed.lots: offer=res"]


@pytest.mark.parametrize("table", sorted({table for table, _ in STATED} | {"pools", "unserved"}))
def test_a_missing_table_is_an_error(table: str, document: Document, plan: Plan, load: Load) -> None:
    del plan[table]
    with pytest.raises(ValueError, match=f"table '{table}' is missing"):
        audit(load(document), plan)


def test_a_missing_column_is_an_error_and_all_are_named(document: Document, plan: Plan, load: Load) -> None:
    del plan["hired"]["block"], plan["served"]["replicas"]
    with pytest.raises(ValueError, match="'hired' has no column 'block'; table 'served' has no column 'replicas'"):
        audit(load(document), plan)


def test_a_plan_of_empty_tables_serves_nothing_and_costs_nothing(document: Document, plan: Plan, load: Load) -> None:
    document["offers"][0]["committed_lots"] = 0
    nothing = {name: pd.DataFrame(columns=frame.columns) for name, frame in plan.items()} | {"pools": plan["pools"]}
    found = audit(load(document), nothing)
    assert {v.limit for v in found.violations} == {"demand", "home", "failover"}
    assert (found.cost, found.outcomes) == (0.0, 0.0)


def test_a_blank_term_pays_the_whole_upfront(document: Document, plan: Plan, load: Load) -> None:
    del document["offers"][0]["term_periods"]
    assert audit(load(document), plan).cost_by["upfront"] == 24 * 100 + 80


def test_lots_whose_term_is_over_are_neither_there_nor_paid(document: Document, plan: Plan, load: Load) -> None:
    document["offers"][0]["term_periods"] = 1
    found = audit(load(document), plan)
    assert found.cost_by["owned"] == 24 * 744
    assert found.cost_by["upfront"] == 24 * 100 + 80
    assert {v.where for v in found.violations if v.limit == "capacity"} == {"pool=P1, slice=1/peak", "pool=P1, slice=1/base"}


def test_storage_of_hours_is_counted_in_months_of_730_hours(document: Document, plan: Plan, load: Load) -> None:
    document["horizon"] |= {"period": "week"}
    assert audit(load(document), plan).cost_by["storage"] == pytest.approx(41 * 2 * 168 / 730)
