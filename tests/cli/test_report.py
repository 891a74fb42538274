"""`ailis-opt report`, and the run that `solve --out` leaves for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from ailis_opt.io import read
from tests.cli.conftest import Run


@pytest.fixture
def run(ailis: Run, contract: Path, tmp_path: Path) -> Path:
    """The folder of a run."""
    assert ailis("solve", contract, "--out", tmp_path / "run").code == 0
    return tmp_path / "run"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_page_in_the_run(ailis: Run, run: Path) -> None:
    before = names(run)
    ran = ailis("report", run)
    assert (ran.code, ran.err) == (0, "")
    assert str(run / "report.html") in ran.out
    assert names(run) == before | {"report.html"}
    assert (run / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_elsewhere_as_page_and_workbook(ailis: Run, run: Path, tmp_path: Path) -> None:
    page, book = tmp_path / "new" / "x.html", tmp_path / "x.XLSX"
    for path in (page, book, book):
        ran = ailis("report", run, "--out", path, "--json")
        assert ran.code == 0, ran.err
        document = json.loads(ran.out)
        assert document == {"schema": "ailis-opt-report/1", "instance": "case", "paths": [str(path)]}
    assert page.read_bytes().startswith(b"<!doctype")
    assert "summary" in CalamineWorkbook.from_path(book).sheet_names
    assert "report.html" not in names(run)
    assert names(tmp_path) == {"contract", "run", "new", "x.XLSX"}


@pytest.mark.parametrize(("out", "why"), [("x.pdf", "neither a page nor a workbook"), ("run", "neither"), ("contract.html", "is a folder")])
def test_out_that_is_refused(ailis: Run, run: Path, tmp_path: Path, out: str, why: str) -> None:
    (tmp_path / "contract.html").mkdir()
    ran = ailis("report", run, "--out", tmp_path / out)
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.err


def test_a_bad_run_writes_nothing(ailis: Run, run: Path, contract: Path, tmp_path: Path) -> None:
    (run / "result.json").write_text("{")
    for place, why in ((run, "not valid JSON"), (contract, "holds no result.json"), (tmp_path / "nowhere", "does not exist")):
        before = names(place) if place.exists() else None
        ran = ailis("report", place, "--json")
        assert ran.code == 2
        assert why in ran.err
        assert json.loads(ran.out)["exit_code"] == 2
        assert (names(place) if place.exists() else None) == before


def test_workbook_at_once(ailis: Run, contract: Path, tmp_path: Path) -> None:
    ran = ailis("solve", contract, "--out", tmp_path / "plan.xlsx")
    assert ran.code == 0
    assert "plan.xlsx" in ran.err
    assert "purchases" in CalamineWorkbook.from_path(tmp_path / "plan.xlsx").sheet_names
    assert names(tmp_path) == {"contract", "plan.xlsx"}


def test_the_run_holds_the_instance(ailis: Run, run: Path, contract: Path, tmp_path: Path) -> None:
    """It solves to the same plan; tables of an earlier instance go, what is not ours stays."""
    assert read(run / "instance").sha256 == read(contract).sha256
    (run / "instance" / "power.csv").write_text("region,period,cap_mw\nhere,0,0.001\n")
    (run / "instance" / "README.md").write_text("mine")
    assert ailis("solve", contract, "--out", run).code == 0
    assert read(run / "instance").sha256 == read(contract).sha256
    assert (run / "instance" / "README.md").read_text() == "mine"
    ran = ailis("solve", run / "instance", "--json")
    assert json.loads(ran.out)["cost"] == json.loads((run / "result.json").read_text())["cost"]


def test_a_folder_called_instance_that_is_not_ours(ailis: Run, contract: Path, tmp_path: Path) -> None:
    mine = tmp_path / "project" / "instance"
    mine.parent.mkdir()
    contract.rename(mine)
    before = {path.name: path.read_text() for path in mine.iterdir()}
    ran = ailis("solve", mine, "--out", mine.parent)
    assert (ran.code, ran.out) == (2, "")
    assert "holds instance" in ran.err
    assert {path.name: path.read_text() for path in mine.iterdir()} == before


def test_another_objective_than_the_instance_has(ailis: Run, contract: Path, tmp_path: Path) -> None:
    assert ailis("solve", contract, "--objective", "cost", "--out", tmp_path / "run").code == 0
    assert ailis("report", tmp_path / "run").code == 0
    assert "EUR in all" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
