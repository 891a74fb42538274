"""`ailis-opt check`: what is there, the funnel, the faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, contract_case
from tests.support.cases import case, offer, region
from tests.support.files import write_folder


def test_contents_and_calendar(ailis: Run, contract: Path) -> None:
    ran = ailis("check", contract)
    assert ran.code == 0
    assert "case: valid" in ran.out
    assert "3 months, 2027-01 to 2027-03, 2,160 hours, 3 slices" in ran.out
    assert "1 reserved, 1 on_demand, 1 owned" in ran.out
    assert "minimizes cost per outcome in EUR" in ran.out


def test_funnel_marks_who_loses_most(ailis: Run, tmp_path: Path) -> None:
    """Of two workloads memory closes one route of `work` (of six) and all three of `big`."""
    data = contract_case()
    tables = data["tables"]
    tables["workloads"].append({"workload": "big", "kind": "batch", "weights_gb": 90, "min_service": 0, "unserved_cost_per_outcome": 1})
    tables["profiles"].append({"profile": "big", "workload": "big", "sku": "gpu", "gpus": 1, "units_per_hour": 1})
    tables["demand"].append({"workload": "big", "outcomes": 5})
    ran = ailis("check", write_folder(data, tmp_path / "two"))
    memory = next(line for line in ran.out.splitlines() if "L1.memory" in line)
    assert memory.split()[-3:] == ["3", "3", "0<"]
    assert ran.code == 0


def test_compact_funnel_where_columns_do_not_suffice(ailis: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = contract_case()
    for i in range(9):
        name = f"a-workload-with-a-name-{i}"
        data["tables"]["workloads"].append(
            {"workload": name, "kind": "batch", "weights_gb": 90 * (i == 4), "min_service": 0, "unserved_cost_per_outcome": 1}
        )
        data["tables"]["profiles"].append({"profile": name, "workload": name, "sku": "gpu", "gpus": 1, "units_per_hour": 1})
        data["tables"]["demand"].append({"workload": name, "outcomes": 5})
    monkeypatch.setenv("COLUMNS", "80")
    ran = ailis("check", write_folder(data, tmp_path / "many"))
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "a-workload-with-a-name-4: 3 -> 0 (-100%)" in ran.out


def test_workload_without_open_route(ailis: Run, closed: Path) -> None:
    ran = ailis("check", closed)
    assert ran.code == 3
    assert "work: 0 of 1 routes open" in ran.out
    assert "1 closed by memory (L1.memory)" in ran.out
    assert "infeasible" in ran.err


def far_case() -> dict[str, Any]:
    """Users in four geos; from all but `near` both routes are too slow."""
    data = case(10)
    tables = data["tables"]
    tables["workloads"][0]["latency_ms"] = 100
    tables["profiles"][0]["latency_ms"] = 60
    tables["offers"] = [offer("cheap", 1), offer("dear", 2, region="there", tier="gold")]
    tables["regions"].append(region("there"))
    times = {"near": 40, "far": 50, "off": 90, "away": 51.5}
    tables["demand"] = [{"workload": "work", "outcomes": 1, "geo": geo} for geo in times]
    for at, more in (("here", 0), ("there", 1)):
        tables.setdefault("latency", []).extend({"geo": geo, "region": at, "rtt_ms": ms + more} for geo, ms in times.items())
    return data


def test_geos_without_open_route_share_a_line(ailis: Run, tmp_path: Path) -> None:
    closed = json.loads(ailis("check", write_folder(far_case(), tmp_path / "far"), "--json").out)["closed"]
    assert closed == [
        "work from away, far, off: 0 of 2 routes open each: 2 closed by latency (L10-L14: limit 100 ms, nearest miss 110 ms)",
    ]


def test_the_nearest_miss_is_of_routes_that_latency_alone_closes(ailis: Run, tmp_path: Path) -> None:
    """`cheap` is closed by its tier as well (latency comes first); without `dear` no route is closed by latency alone."""
    data = far_case()
    data["tables"]["workloads"][0]["tiers"] = ["gold"]
    for name, words in (("both", "limit 100 ms, nearest miss 111 ms"), ("one", "limit 100 ms)")):
        closed = json.loads(ailis("check", write_folder(data, tmp_path / name), "--json").out)["closed"]
        assert words in next(line for line in closed if "far" in line)
        data["tables"]["offers"].pop()


def test_a_table_is_no_instance(ailis: Run, contract: Path) -> None:
    for command in ("check", "solve"):
        ran = ailis(command, contract / "offers.csv")
        assert (ran.code, ran.out) == (2, "")
        assert f"Name the folder that holds it and its instance.yaml: {contract}" in ran.err


def test_json(ailis: Run, contract: Path, closed: Path) -> None:
    document = json.loads(ailis("check", contract, "--json").out)
    assert document["schema"] == "ailis-opt-check/1"
    assert document["instance"] == "case"
    assert len(document["instance_sha256"]) == 64
    assert (document["counts"]["offers"], document["counts"]["slices"], document["counts"]["open_routes"]) == (3, 3, 3)
    assert document["funnel"][0] == {"layer": "all", "all workloads": 3, "work": 3}
    assert document["closed"] == []
    ran = ailis("check", closed, "--json")
    assert ran.code == 3
    assert json.loads(ran.out)["closed"][0].startswith("work: 0 of 1 routes open")


def test_all_faults_by_file(ailis: Run, bad: Path) -> None:
    ran = ailis("check", bad)
    assert (ran.code, ran.out) == (2, "")
    lines = ran.err.splitlines()
    assert lines[0].startswith("bad input: ")
    assert [line for line in lines if line.endswith(".csv")] == ["offers.csv", "profiles.csv"]
    assert any(line.startswith("  row 2, price_per_gpu_hour = 'dear': not a number") for line in lines)
    assert any("'nowhere'" in line for line in lines)
    assert any("gpus" in line for line in lines)


def test_faults_as_json(ailis: Run, bad: Path) -> None:
    ran = ailis("check", bad, "--json")
    document = json.loads(ran.out)
    assert ran.code == document["exit_code"] == 2
    assert document["schema"] == "ailis-opt-error/1"
    assert {"file": "offers.csv", "row": 2, "column": "price_per_gpu_hour", "value": "dear"}.items() <= document["faults"][0].items()


def test_warnings_are_shown(ailis: Run, tmp_path: Path) -> None:
    data = contract_case()
    data["tables"]["offers"][1]["price_per_gpu_hour"] = 0
    ran = ailis("check", write_folder(data, tmp_path / "free"))
    assert ran.code == 0
    assert "Warnings (1)" in ran.out
    assert "hire-me" in ran.out
