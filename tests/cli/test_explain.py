"""`ailis-opt explain`: what a planner reads, what a program reads, files and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

QUICKSTART = Path(__file__).parents[2] / "instances" / "quickstart"


def test_the_way_from_the_commodity_price(ailis: Run) -> None:
    """quickstart: 0.01608 with no layer, 0.054 with all; the shares in between add up."""
    ran = ailis("explain", QUICKSTART)
    assert ran.code == 0
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "0.01608 USD per weighted outcome if compute were a commodity: no layer enforced" in lines
    assert "0.05400 USD per weighted outcome with every layer enforced (certified: not below 0.05400)" in lines
    assert any(line.startswith("+ L15 governance 0.01083 28.6%") for line in lines)
    assert any(line.startswith("support frankfurt h100 L1.memory memory 24.4%") for line in lines)
    assert "L0, L1.supply, L1.topology, L2, L3, L4, L5-L9, L16" in ran.out


def test_the_document(ailis: Run) -> None:
    ran = ailis("explain", QUICKSTART, "--json")
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert document["schema"] == "ailis-opt-explain/1"
    assert {"commodity", "full", "layers", "method", "solves"} <= set(document)
    for item in document["layers"]:
        assert {"layer", "binds", "removal", "entry", "share", "rows", "routes"} <= set(item)
        assert item["binds"] in ("yes", "no", "not proven")
        assert all(set(item[kind]) == {"value", "lower", "upper"} for kind in ("removal", "entry", "share"))
    assert sum(item["share"]["value"] for item in document["layers"]) == pytest.approx(document["full"] - document["commodity"])


def test_only_some_layers(ailis: Run) -> None:
    document = json.loads(ailis("explain", QUICKSTART, "--layers", "L15, contract", "--json").out)
    assert [item["layer"] for item in document["layers"]] == ["L15", "contract"]
    ran = ailis("explain", QUICKSTART, "--layers", "L17")
    assert (ran.code, ran.out) == (2, "")
    assert "L17" in ran.err
    assert "L10-L14" in ran.err


def test_files(ailis: Run, tmp_path: Path) -> None:
    ran = ailis("explain", QUICKSTART, "--out", tmp_path / "run")
    assert ran.code == 0
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"result.json", "summary.txt", "explain.json", "explain.txt", "report.html", "instance", "binding.csv"} <= names
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "From the commodity price to the real price" in page
    assert ailis("report", tmp_path / "run", "--out", tmp_path / "again.html").code == 0
    assert ailis("explain", QUICKSTART, "--out", QUICKSTART).code == 2


@pytest.mark.parametrize("arguments", [("--gap", "2"), ("--time-limit", "-1"), ("--jobs", "0")])
def test_options_that_make_no_sense(ailis: Run, arguments: tuple[str, str]) -> None:
    ran = ailis("explain", QUICKSTART, *arguments)
    assert (ran.code, ran.out) == (2, "")


def test_bad_input(ailis: Run, bad: Path) -> None:
    ran = ailis("explain", bad)
    assert (ran.code, ran.out) == (2, "")
    assert "dear" in ran.err
