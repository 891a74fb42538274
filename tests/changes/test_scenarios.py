"""The instances of scenarios: what a change makes of each, and faults at the row of the table `changes`."""

from __future__ import annotations

import gc
import json
import re
import weakref
from pathlib import Path
from typing import Any

import pytest

from ailis_opt.changes import apply, parse_list
from ailis_opt.changes.scenarios import MAY_CHANGE, variants
from ailis_opt.errors import Fault, InputError
from ailis_opt.io import read
from ailis_opt.schema import TABLES, Instance
from tests.models.markets import market, offer
from tests.support.files import as_instance, write_folder, write_yaml

CHANGE = ["scenario", "basis", "table", "where", "column", "op", "value", "first_period", "last_period"]


def with_scenarios(instance: Instance, *rows: tuple[Any, ...], shares: tuple[float, ...] = ()) -> Instance:
    """The instance with scenarios `high` and `low`, and these rows of the table `changes`."""
    words = [f"scenarios + {{scenario: {name}}}" for name in ("high", "low")]
    words += [f"scenarios[scenario={name}].probability = {p}" for name, p in zip(("high", "low"), shares, strict=bool(shares))]
    for row in rows:
        cells = {k: v for k, v in zip(CHANGE, row, strict=False) if v not in ("", None)}
        words.append("changes + {" + ", ".join(f"{k}: {_cell(v)}" for k, v in cells.items()) + "}")
    return apply(instance, parse_list(words))


def _cell(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def faults(instance: Instance) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        variants(instance)
    assert all(f.why and f.mend for f in caught.value.faults)
    return caught.value.faults


def test_an_instance_without_scenarios_is_its_own_variant(quickstart: Instance) -> None:
    (one,) = variants(quickstart)
    assert (one.name, one.probability) == ("", 1.0)
    assert one.instance is quickstart


def test_changes_are_made_and_all_else_is_shared(quickstart: Instance) -> None:
    rows = (
        ("high", "", "offers", "contract=on_demand", "price_per_gpu_hour", "mul", 1.5, 1, 1),
        ("high", "workload", "demand", "workload=support", "outcomes", "mul", 2),
        ("high", "", "demand", "workload=support", "outcomes", "mul", 2),
        ("low", "SKU", "offers", "contract=on_demand", "price_per_gpu_hour", "add", -0.5),
    )
    instance = with_scenarios(quickstart, *rows, shares=(0.25, 0.75))
    high, low = variants(instance)
    assert [(v.name, v.probability) for v in (high, low)] == [("high", 0.25), ("low", 0.75)]
    assert all(v.instance.tables[name].empty for v in (high, low) for name in ("scenarios", "changes"))
    hired = quickstart.tables["offers"]["contract"] == "on_demand"
    prices = quickstart.tables["offers"]["price_per_gpu_hour"]
    assert high.instance.tables["prices"]["price_per_gpu_hour"].tolist() == pytest.approx((prices[hired] * 1.5).tolist())
    assert low.instance.tables["offers"]["price_per_gpu_hour"].tolist() == pytest.approx((prices - 0.5 * hired).tolist())
    asked = quickstart.tables["demand"].groupby("workload")["outcomes"].sum()
    assert high.instance.tables["demand"].groupby("workload")["outcomes"].sum()["support"] == pytest.approx(4 * asked["support"])
    touched = {"scenarios", "changes"}
    for variant, own in ((high, {"prices", "demand"}), (low, {"offers"})):
        assert {t for t in TABLES if variant.instance.tables[t] is not instance.tables[t]} == touched | own


@pytest.mark.parametrize(("basis", "factor"), [(None, 12), ((), 1), (("workload",), 2), (("",), 3), (("", "SKU"), 6), (("power",), 1)])
def test_only_changes_of_some_types(quickstart: Instance, basis: tuple[str, ...] | None, factor: int) -> None:
    rows = [("high", kind, "demand", "", "outcomes", "mul", f) for kind, f in (("workload", 2), ("", 3), ("SKU", 2))]
    high, low = variants(with_scenarios(quickstart, *rows), basis)
    total = quickstart.tables["demand"]["outcomes"].sum()
    assert high.instance.tables["demand"]["outcomes"].sum() == pytest.approx(factor * total)
    assert low.instance.tables["demand"]["outcomes"].sum() == total


def test_every_column_that_may_change_is_one() -> None:
    assert all(set(columns) <= set(TABLES[table].columns) for table, columns in MAY_CHANGE.items())


BOTH = (("high", "w"), ("low", "v"))
OFFERS = ("high", "", "offers")
BAD = {
    "no row": (("high", "", "demand", "workload=suport", "outcomes", "mul", 2), "where", "Did you mean 'support'"),
    "no column": (("high", "", "demand", "wrkload=support", "outcomes", "mul", 2), "where", "no column 'wrkload'"),
    "below zero": (("high", "", "demand", "", "outcomes", "add", -1e9), "value", "less than 0"),
    "periods": (("high", "", "latency", "", "rtt_ms", "mul", 2, 0, 0), "first_period", "no periods"),
    "blank": (("high", "", "workloads", "workload=digest", "latency_ms", "mul", 2), "column", "blank"),
    "signed price": ((*OFFERS, "contract=reserved", "price_per_gpu_hour", "mul", 2), "where", "fixed once signed"),
    "signed lots": ((*OFFERS, "contract=reserved", "max_lots", "set", 99), "where", "fixed once signed"),
    "signed price by period": (
        (*OFFERS, "contract=reserved", "price_per_gpu_hour", "mul", 2, 0, 0),
        "first_period",
        "fixed when it is signed",
    ),
    "window": ((*OFFERS, "contract=reserved", "last_start", "set", 0), "value", "offers.first_start is no longer valid"),
    "smuggled": ((*OFFERS, "offer=*].provider = x", "availability", "set", 1), "where", "not a list of conditions"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_fault_is_at_its_row(quickstart: Instance, name: str) -> None:
    row, column, word = BAD[name]
    base = apply(quickstart, parse_list(["offers[contract=reserved].first_start = 1", "latency + {geo: eu, region: frankfurt, rtt_ms: 9}"]))
    fine = ("low", "", "demand", "", "outcomes", "mul", 2)
    (fault,) = faults(with_scenarios(base, fine, row))
    assert (fault.file, fault.row, fault.column) == ("changes", 2, column)
    assert fault.value == ("0" if column == "first_period" else str(dict(zip(CHANGE, row, strict=False))[column]))
    assert "'high'" in fault.why
    assert word in f"{fault.why} {fault.mend}"


def test_all_faults_of_all_scenarios_at_once(quickstart: Instance) -> None:
    rows = [(s, "", "demand", f"workload=w{i}", "outcomes", "mul", 2) for s in ("high", "low") for i in range(2)]
    assert [f.row for f in faults(with_scenarios(quickstart, *rows))] == [1, 2, 3, 4]


def test_what_may_differ_of_a_signed_offer(quickstart: Instance) -> None:
    rows = [(*OFFERS, "contract=reserved", column, "set", value) for column, value in (("availability", 0.9), ("lead_periods", 1))]
    high, _ = variants(with_scenarios(quickstart, *rows))
    reserved = high.instance.tables["offers"].query("contract == 'reserved'")
    assert (reserved["availability"] == 0.9).all()
    assert (reserved["lead_periods"] == 1).all()


def test_columns_that_joined_later_leave_the_fingerprint_as_it_was() -> None:
    rows = (
        {"index": "i", "price_per_gpu_hour": 2},
        {"hedge": "h", "kind": "insurance", "index": "i", "strike": 2, "gpu_hours_per_period": 1},
    )

    def sha(index: dict[str, Any], hedge: dict[str, Any]) -> str:
        return as_instance(market(offer("hour", 3), indices=[rows[0] | index], hedges=[rows[1] | hedge])).sha256

    plain = sha({}, {})
    assert sha({}, {"committed_lots": 0, "collateral_per_gpu_hour": 0, "limit_per_gpu_hour": ""}) == plain
    changed = [({"included": "HBM"}, {}), ({"excluded": "HBM"}, {}), ({}, {"committed_lots": 1}), ({}, {"limit_per_gpu_hour": 0})]
    changed += [({}, {"collateral_per_gpu_hour": 1}), ({}, {"collateral_per_gpu_hour": 1, "carry_rate_per_year": 0.05})]
    assert len({plain, *(sha(*cells) for cells in changed)}) == len(changed) + 1


def test_the_fingerprint_of_a_plain_instance_is_what_it_was(quickstart: Instance) -> None:
    stored = json.loads((Path(quickstart.path) / "expected.json").read_text(encoding="utf-8"))
    assert quickstart.sha256 == stored["instance_sha256"]


@pytest.mark.parametrize("inline", [False, True])
def test_a_fault_is_at_its_line_of_the_file(tmp_path: Path, inline: bool) -> None:
    rows = [{"scenario": s, "table": "demand", "where": f"workload={w}", "column": "outcomes", "op": "mul", "value": 2} for s, w in BOTH]
    data = market(offer("hour", 3), scenarios=[{"scenario": "high"}, {"scenario": "low"}], changes=rows)
    instance = read(write_yaml(data, tmp_path / "all.yaml") if inline else write_folder(data, tmp_path / "all"))
    (fault,) = faults(instance)
    assert (fault.file, fault.column) == (("all.yaml", "changes.where") if inline else ("changes.csv", "where"))
    assert fault.value == "workload=v"
    text = (tmp_path / "all.yaml" if inline else tmp_path / "all" / "changes.csv").read_text(encoding="utf-8").splitlines()
    assert fault.row is not None
    assert "workload=v" in text[fault.row - 1]
    changed = apply(instance, parse_list(["changes[scenario=high].value = 3"]))
    assert [(f.file, f.row) for f in faults(changed)] == [("changes", 2)]
    for file in (tmp_path / "all").glob("*"):
        file.unlink()
    if not inline:
        assert [(f.file, f.row) for f in faults(instance)] == [("changes", 2)]


def test_the_page_lists_what_may_change() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
    listed = page.split("and nothing else:")[1].split("\n- ")[0]
    rows = [re.findall(r"`(\w+)`", line) for line in listed.splitlines()]
    assert {row[0]: tuple(row[1:]) for row in rows if row} == MAY_CHANGE


def test_what_was_made_is_there_for_as_long_as_the_instance(quickstart: Instance) -> None:
    rows = [("high", "workload", "demand", "", "outcomes", "mul", 2), ("low", "SKU", "demand", "", "outcomes", "mul", 3)]
    instance = with_scenarios(quickstart, *rows)
    high, low = variants(instance)
    again, other = variants(instance, ("workload",))
    assert again.instance is high.instance
    assert other.instance is not low.instance
    assert other.instance.tables["demand"] is instance.tables["demand"]
    last = weakref.ref(low.instance)
    del high, low, again, other, instance
    gc.collect()
    assert last() is None
