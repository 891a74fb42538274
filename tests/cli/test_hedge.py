"""`ailis-opt hedge`: the document, exit codes, the files, and wrong input."""

from __future__ import annotations

import csv
import functools
import json
from pathlib import Path

import pytest

import ailis_opt.hedge.study as study
from ailis_opt import optimize
from ailis_opt.errors import NoPlanError
from tests.cli.conftest import Run
from tests.support.files import write_folder
from tests.support.hedged import k7, year

FILES = ["coverage.csv", "hedge.html", "hedge.json", "hedge.txt", "portfolios.csv"]
KEYS = {"portfolio", "expected_cost", "cvar", "worst", "cost_per_outcome", "service", "positions", "effectiveness", "basis"}


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "solve", functools.partial(optimize.solve, in_process=True))


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return write_folder(k7(max_lots=2), tmp_path / "k7")


def test_the_document(case: Path, ailis: Run) -> None:
    ran = ailis("hedge", case, "--points", 3, "--gap", "1e-9", "--json")
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert document["schema"] == "ailis-opt-hedge/1"
    none, free = document["portfolios"]
    assert set(none) > KEYS
    assert {"variance_reduction", "r2", "slope", "dollar_offset"} <= set(free["effectiveness"])
    assert [set(row) for row in free["basis"]] == [{"type", "share", "fraction", "cvar"}] * 2
    assert free["effectiveness"]["r2"] == pytest.approx(4 / 7)
    assert (none["cvar"], free["cvar"]) == (pytest.approx(5), pytest.approx(4))
    assert free["positions"][0]["lots"] == pytest.approx(1.5)
    assert {"expected_cost", "cvar", "positions"} <= set(document["frontier"][0])
    assert document["best"] == "free choice"
    assert document["price_of_risk_aversion"]["expected_cost"] == pytest.approx(0)


def test_what_it_says(case: Path, ailis: Run) -> None:
    ran = ailis("hedge", case, "--points", 0, "--gap", "1e-9")
    assert ran.code == 0
    said = " ".join(ran.out.split())
    assert "Take free choice: expected cost 3.333 EUR, CVaR 4 EUR" in said
    assert "Against no hedge: expected cost the same, CVaR 1 EUR lower (-20.0%)" in said
    assert "The price of risk aversion is nothing" in said
    assert "of its variance SKU 75.0%, region 25.0%" in said
    assert "0.57!" in said
    assert "no accounting opinion" in said
    assert "Frontier" not in ran.out


def test_files(tmp_path: Path, ailis: Run) -> None:
    case, out = write_folder(year(), tmp_path / "year"), tmp_path / "out"
    ran = ailis("hedge", case, "--points", 2, "--gap", "1e-6", "--out", out)
    assert ran.code == 0
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert "written" in ran.err
    with (out / "portfolios.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    document = json.loads((out / "hedge.json").read_text())
    assert [row["portfolio"] for row in rows] == [one["portfolio"] for one in document["portfolios"]]
    for row, one in zip(rows, document["portfolios"], strict=True):
        assert float(row["cvar"]) == pytest.approx(one["cvar"])
        assert sum(float(row[f"share_{name}"]) for name in ("SKU", "region", "workload")) == pytest.approx(1)
    with (out / "coverage.csv").open(newline="") as file:
        stated = list(csv.DictReader(file))
    assert {row["name"] for row in stated} == {"spot", "world", "forward", "call", "lots"}
    text, page = (out / "hedge.txt").read_text(), (out / "hedge.html").read_text()
    assert "stated by none of them" in text
    assert "The price of risk aversion is" in text
    figures = json.loads(page.split('id="figures">')[1].split("</script>")[0])
    named = {"fig-spread", "fig-frontier", "fig-basis", "fig-against-0", "fig-against-1", "fig-alone", "fig-regret", "fig-coverage"}
    assert set(figures) == named
    again = ailis("report", out, "--json")
    assert (again.code, json.loads(again.out)["paths"]) == (0, [str(out / "hedge.html")])
    assert (out / "hedge.html").read_text() == page
    refused = ailis("report", out, "--out", tmp_path / "hedge.xlsx")
    assert refused.code == 2
    assert "has no workbook" in refused.err
    (out / "hedge.json").write_text('{"schema": "ailis-opt-hedge/1"}')
    broken = ailis("report", out)
    assert broken.code == 2
    assert "ailis-opt hedge INSTANCE --out DIR" in broken.err


def test_level_and_weight_of_the_tail(case: Path, ailis: Run) -> None:
    """With no weight on the tail nothing is held; with all of it the volume of least CVaR."""
    none, all_ = (
        json.loads(ailis("hedge", case, "--no-basis", "--points", 0, "--alpha", 0.5, "--weight", weight, "--json").out) for weight in (0, 1)
    )
    assert (none["alpha"], none["weight"], all_["weight"]) == (0.5, 0, 1)
    assert none["best"] == "no hedge"
    assert all_["best"] == "free choice"
    assert none["portfolios"][0]["basis"] == []


def test_portfolios_of_a_file(case: Path, tmp_path: Path, ailis: Run) -> None:
    (tmp_path / "mine.yaml").write_text("one lot: [hedges.max_lots = 1]\n<b>all</b>: []\n")
    ran = ailis("hedge", case, "--portfolios", tmp_path / "mine.yaml", "--points", 0, "--no-basis", "--out", tmp_path / "out", "--json")
    assert ran.code == 0
    assert [one["portfolio"] for one in json.loads(ran.out)["portfolios"]] == ["one lot", "<b>all</b>"]
    assert "<b>all" not in (tmp_path / "out" / "hedge.html").read_text().split("<script>")[0]


def test_all_infeasible(case: Path, tmp_path: Path, ailis: Run) -> None:
    (tmp_path / "mine.yaml").write_text("nothing: offers.max_lots = 0\n")
    ran = ailis("hedge", case, "--portfolios", tmp_path / "mine.yaml", "--out", tmp_path / "out")
    assert ran.code == 3
    assert "No portfolio has a plan" in ran.out
    assert "nothing: infeasible" in ran.out
    assert "Traceback" not in ran.err
    assert (tmp_path / "out" / "hedge.html").exists()


def test_time_limits(case: Path, ailis: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object, **__: object) -> None:
        raise NoPlanError("too late")

    monkeypatch.setattr(study, "solve", late)
    ran = ailis("hedge", case)
    assert ran.code == 5
    assert "no plan. too late" in ran.out


def test_wrong_input(case: Path, tmp_path: Path, ailis: Run) -> None:
    (tmp_path / "typo.yaml").write_text("mine:\n  - hedges[hedge=nobody].max_lots = 0\n  - hedge.max_lots = 0\n")
    data = k7()
    del data["tables"]["scenarios"], data["tables"]["changes"]
    plain = write_folder(data, tmp_path / "plain")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "portfolios.csv").write_text("mine\n")
    for line, told in (
        ((plain,), "`ailis-opt scenarios` makes them from a history"),
        ((case, "--portfolios", tmp_path / "none.yaml"), "none.yaml"),
        ((case, "--portfolios", tmp_path / "typo.yaml"), "hedge"),
        ((case, "--portfolios", case / "instance.yaml"), "not a change"),
        ((tmp_path / "nowhere",), "nowhere"),
        ((case, "--alpha", 1), "between 0 and 1"),
        ((case, "--weight", 2), "--weight"),
        ((case, "--points", 1), "2 or more"),
        ((case, "--out", case), "is the folder of an instance"),
        ((case, "--out", tmp_path / "foreign"), "holds portfolios.csv"),
    ):
        ran = ailis("hedge", *line)
        assert (ran.code, ran.out) == (2, ""), line
        assert told in ran.err, line
        assert "Traceback" not in ran.err
