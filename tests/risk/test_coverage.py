"""The coverage table: what columns imply, what lists say, and who says nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ailis_opt.io import read
from ailis_opt.risk.coverage import COLUMNS, coverage, coverage_text
from ailis_opt.schema import Instance
from ailis_opt.schema.checklist import ATTRIBUTES, EXCLUDED, INCLUDED, NAMES, OPEN
from tests.models.markets import market, offer
from tests.support.files import as_instance

FULL = {"sku": "s", "region": "a", "contract": "reserved", "tier": "public", "term_periods": 12}
HEDGE = {"hedge": "cover", "kind": "cap", "index": "narrow", "strike": 2, "gpu_hours_per_period": 1}


def instance_of(*indices: dict[str, Any], hedges: tuple[dict[str, Any], ...] = ()) -> Instance:
    offers = [
        offer("firm", 2, contract="reserved", max_lots=3, power="metered", availability=0.99),
        offer("hour", 3),
        offer("spot", 1, contract="interruptible"),
    ]
    return as_instance(market(*offers, periods=12, indices=[{"price_per_gpu_hour": 2} | row for row in indices], hedges=list(hedges)))


def said(table: pd.DataFrame, name: str) -> dict[str, str]:
    """What a thing states at all."""
    mine = table[(table["name"] == name) & (table["state"] != OPEN)]
    return dict(zip(mine["attribute"], mine["state"], strict=True))


def test_an_index_states_what_it_tracks() -> None:
    table = coverage(instance_of({"index": "bare"}, {"index": "narrow", **FULL}, {"index": "swept", "contract": "interruptible"}))
    assert said(table, "bare") == {"price": INCLUDED}
    named = ("price", "GPU SKU", "HBM", "VRAM", "data location", "data rights", "firm capacity", "sovereignty", "term")
    assert said(table, "narrow") == dict.fromkeys(named, INCLUDED)
    assert said(table, "swept") == {"price": INCLUDED, "firm capacity": EXCLUDED, "take-or-pay": EXCLUDED}


def test_a_name_that_the_instance_does_not_have_is_only_a_name() -> None:
    table = coverage(instance_of({"index": "far", "sku": "other", "region": "elsewhere"}))
    assert said(table, "far") == dict.fromkeys(("price", "GPU SKU", "data location"), INCLUDED)


def test_the_lists_have_the_last_word() -> None:
    table = coverage(instance_of({"index": "odd", **FULL, "included": ["power", "FP8"], "excluded": ["HBM", "price"]}))
    found = said(table, "odd")
    assert [found[name] for name in ("power", "FP8", "HBM", "price", "VRAM")] == [INCLUDED, INCLUDED, EXCLUDED, EXCLUDED, INCLUDED]
    because = table.set_index(["name", "attribute"])["because"]
    assert because["odd", "FP8"] == "the index says so"
    assert because["odd", "VRAM"] == "80 GB a GPU"
    assert because["odd", "FP4"] == ""


def test_a_hedge_states_what_its_index_does_and_delivers_nothing() -> None:
    hedges = (HEDGE, HEDGE | {"hedge": "costly", "premium_per_gpu_hour": 0.1, "first_period": 2, "last_period": 7, "max_lots": 4})
    table = coverage(instance_of({"index": "narrow", **FULL, "included": ["carbon"]}, hedges=hedges))
    index, cover, costly = (said(table, name) for name in ("narrow", "cover", "costly"))
    assert cover == index | {"firm capacity": EXCLUDED}
    assert costly == cover | {"upfront": INCLUDED, "lots on offer": INCLUDED}
    because = table.set_index(["name", "attribute"])["because"]
    assert because["cover", "term"] == "periods 0 to 11"
    assert because["costly", "term"] == "periods 2 to 7"
    assert because["cover", "carbon"] == "the index narrow says so"


def test_contracts_state_what_a_term_sheet_would() -> None:
    table = coverage(instance_of())
    firm, hour, spot = (said(table, name) for name in ("firm", "hour", "spot"))
    assert (firm["power"], hour["power"]) == (EXCLUDED, INCLUDED)
    assert [one["take-or-pay"] for one in (firm, hour, spot)] == [INCLUDED, EXCLUDED, EXCLUDED]
    assert [one["firm capacity"] for one in (firm, hour, spot)] == [INCLUDED, INCLUDED, EXCLUDED]
    assert "inference SLA" in firm
    assert "inference SLA" not in hour


def test_every_attribute_has_a_row_for_every_thing() -> None:
    table = coverage(instance_of({"index": "narrow", **FULL}, hedges=(HEDGE,)))
    assert tuple(table.columns) == COLUMNS
    assert list(table["attribute"]) == list(NAMES) * 5
    assert list(dict.fromkeys(table["name"])) == ["narrow", "cover", "firm", "hour", "spot"]
    assert set(table["state"]) == {INCLUDED, EXCLUDED, OPEN}
    assert list(dict.fromkeys(coverage(instance_of(), ["spot"])["name"])) == ["spot"]


def test_as_text() -> None:
    table = coverage(instance_of({"index": "narrow", **FULL}, {"index": "bare"}), ["spot"])
    text = coverage_text(table)
    lines = [line.split() for line in text.splitlines()]
    assert lines[:3] == [["1", "index", "narrow"], ["2", "index", "bare"], ["3", "contract", "spot"]]
    assert ["L1.supply", "GPU", "SKU", "+", ".", "+"] in lines
    assert ["L10-L14", "firm", "capacity", "+", ".", "-"] in lines
    for layer, names in ATTRIBUTES.items():  # each is in the table or among those that nobody states
        for name in names:
            assert any(line.startswith((layer, f"  {layer}")) and name in line for line in text.splitlines())
    assert not any(line.split()[:2] == ["L15", "auditability"] for line in text.splitlines())


def test_of_nothing() -> None:
    table = coverage(instance_of(), [])
    assert table.empty
    assert "stated by none of them" in coverage_text(table)


@pytest.mark.parametrize("name", ["quickstart", "assistants-transatlantic"])
def test_shipped_instances_have_one(name: str) -> None:
    instance = read(Path(__file__).resolve().parents[2] / "instances" / name)
    assert len(coverage(instance)) == len(NAMES) * len(instance.tables["offers"])
