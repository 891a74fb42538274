"""`ailis-opt compare`: runs side by side, differences of two plans, the front."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from ailis_opt.cli.batch import Request, run_batch
from tests.cli.conftest import Run
from tests.support.files import write_folder
from tests.support.runs import market
from tests.support.studies import write_study

CONTRACT = ("run", "instance", "whatif", "portfolio", "status", "cost", "outcomes", "cost_per_outcome", "gap", "wall_s")
WHATIFS = {
    "dear": ["offers[offer=hire].price_per_gpu_hour *= 2"],
    "more": ["demand.outcomes *= 1.5"],
    "none": ["offers[offer=hire].max_lots = 0", "offers[offer=lot].max_lots = 1"],
    "bad": ["offers[offer=hier].max_lots = 0"],
}
PORTFOLIOS = {"lots": [], "hire only": ["offers[offer=lot].max_lots = 0"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of ten runs, and two runs that `solve --out` would write: in EUR and in USD."""
    folder = tmp_path_factory.mktemp("compare")
    study = write_study(folder, WHATIFS, portfolios=PORTFOLIOS)
    assert run_batch(Request(study, folder / "store", jobs=1, quiet=True)) == 0
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    """The store, one's own."""
    return Path(shutil.copytree(made / "store", tmp_path / "store"))


@pytest.fixture
def folders(ailis: Run, tmp_path: Path) -> list[Path]:
    """Runs of one market, of the same at dearer hire, in dollars, and with another objective."""
    edits: list[dict[str, Any]] = [{}, {"price": 4}, {"currency": "USD"}, {"objective": "cost"}]
    found = []
    for name, edit in zip(("base", "dear", "dollars", "cost"), edits, strict=True):
        data = market()
        data["tables"]["offers"][1]["price_per_gpu_hour"] = edit.get("price", 3)
        data["header"] |= {key: value for key, value in edit.items() if key != "price"}
        out = tmp_path / name
        assert ailis("solve", write_folder(data, tmp_path / f"{name}-instance"), "--out", out, "--gap", "1e-9").code == 0
        found.append(out)
    return found


def test_json_of_the_contract(ailis: Run, store: Path) -> None:
    ran = ailis("compare", store, "--json")
    document = json.loads(ran.out)
    assert (ran.code, ran.err, document["schema"]) == (0, "", "ailis-opt-runs/1")
    runs = {row["run"]: row for row in document["runs"]}
    assert len(runs) == 10
    assert all(set(CONTRACT) <= set(row) for row in runs.values())
    base, bare = runs["tiny-0/base/lots"], runs["tiny-0/base/hire only"]
    assert (base["instance"], base["whatif"], base["portfolio"], base["status"]) == ("tiny-0", "base", "lots", "optimal")
    # 22 GPU-hours hired cost 66; three lots for two hours cost 24 and serve all
    assert (base["cost"], base["outcomes"], base["cost_per_outcome"]) == pytest.approx((24, 22, 24 / 22))
    assert (bare["cost"], bare["outcomes"], bare["cost_per_outcome"]) == pytest.approx((66, 22, 3))
    assert {runs[f"tiny-0/none/{p}"]["status"] for p in PORTFOLIOS} == {"infeasible"}
    assert {runs[f"tiny-0/bad/{p}"]["status"] for p in PORTFOLIOS} == {"failed"}
    assert runs["tiny-0/bad/lots"]["cost"] is None
    assert "Did you mean 'hire'?" in runs["tiny-0/bad/lots"]["message"]


def test_text(ailis: Run, store: Path) -> None:
    ran = ailis("compare", store)
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "tiny-0: 10 runs"
    assert lines[1].split() == ["run", "status", "EUR", "per", "outcome", "gap", "cost", "EUR", "outcomes", "service", "idle"]
    assert lines[2].split() == ["base/lots", "optimal", "1.091", "0%", "24", "22", "100%", "8.3%"]
    assert "4 runs without a plan" in ran.out
    assert ran.out.count("Did you mean 'hire'?") == 1, "one reason is told once"
    assert max(map(len, lines)) <= 100


def test_csv_and_files(ailis: Run, store: Path, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(ailis("compare", store, "--csv").out)))
    assert len(rows) == 10
    assert float(rows[0]["cost"]) == pytest.approx(24)
    assert ailis("compare", store, "--out", tmp_path / "runs.csv").code == 0
    assert list(csv.DictReader(io.StringIO((tmp_path / "runs.csv").read_text()))) == rows
    ran = ailis("compare", store, "--out", tmp_path / "runs.xlsx", "--json")
    assert json.loads(ran.out)
    assert "written" in ran.err
    sheet = CalamineWorkbook.from_path(tmp_path / "runs.xlsx").get_sheet_by_name("runs").to_python(skip_empty_area=False)
    assert sheet[1][:3] == ["run", "instance", "whatif"]
    cost = sheet[1].index("cost")
    assert [row[cost] or None for row in sheet[2:]] == [float(row["cost"]) if row["cost"] else None for row in rows]


CHOICES: dict[str, tuple[list[str], int]] = {
    "one what-if": (["--whatif", "dear"], 2),
    "pattern": (["--whatif", "[dm]*", "--portfolio", "hire*"], 2),
    "instance": (["--instance", "tiny-?"], 10),
    "condition": (["--where", "service >= 1 AND cost > 60"], 3),
    "text": (["--where", "status = 'failed' OR whatif LIKE 'no%'"], 4),
    "both": (["--whatif", "dear", "--where", "cost < 30"], 1),
}


@pytest.mark.parametrize("name", CHOICES)
def test_choices(ailis: Run, store: Path, name: str) -> None:
    options, count = CHOICES[name]
    ran = ailis("compare", store, "--json", *options)
    assert len(json.loads(ran.out)["runs"]) == count


WRONG: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "no folder": (["nowhere"], ("nowhere", "does not exist")),
    "two wrong": (["nowhere", "gone"], ("nowhere", "gone")),
    "what-if": (["store", "--whatif", "daer"], ("--whatif daer", "Did you mean 'dear'?")),
    "column": (["store", "--where", "costs > 1"], ("--where", "runs have no column 'costs'", "Did you mean 'cost'?")),
    "syntax": (["store", "--where", "cost >"], ("--where", "syntax error", "Columns:")),
    "nothing": (["store", "--where", "cost < 0"], ("--where", "holds for no run")),
    "files": (["store", "--where", "cost < (SELECT count(*) FROM read_csv('/etc/passwd'))"], ("--where",)),
    "measure": (["store", "--pareto", "power"], ("carbon", "service", "idle")),
    "against": (["store", "--against", "bsae/lots", "--whatif", "dear"], ("--against bsae/lots",)),
    "against many": (["store", "--against", "base/lots"], ("9 are chosen", "--whatif")),
    "against no plan": (
        ["store", "--against", "base/lots", "--whatif", "none", "--portfolio", "lots"],
        ("tiny-0/none/lots", "has no plan"),
    ),
    "both": (["store", "--against", "base/lots", "--pareto", "idle"], ("--pareto", "--against")),
    "file": (["store", "--out", "runs.pdf"], (".csv", ".xlsx")),
    "no run": ([], ("RUN",)),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(ailis: Run, store: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(store.parent)
    options, words = WRONG[name]
    ran = ailis("compare", *options)
    assert (ran.code, ran.out) == (2, "")
    assert [word for word in words if word not in " ".join(ran.err.split())] == [], ran.err
    assert "Traceback" not in ran.err


def test_differences(ailis: Run, store: Path, tmp_path: Path) -> None:
    """From lots to hire only, by hand: 24 of reserved go, 66 of hire come; the same GPUs serve the same outcomes."""
    out = tmp_path / "d.xlsx"
    ran = ailis("compare", store, "--against", "base/lots", "--whatif", "base", "--portfolio", "hire only", "--json", "--out", out)
    document = json.loads(ran.out)
    assert (document["schema"], document["proven"], document["currency"]) == ("ailis-opt-differences/1", True, "EUR")
    assert (document["before"]["run"], document["after"]["run"]) == ("tiny-0/base/lots", "tiny-0/base/hire only")
    tables = {name: table["rows"] for name, table in document["tables"].items()}
    costs = [(row["component"], row["before"], row["after"], row["difference"], row["within"]) for row in tables["costs"]]
    assert costs == [("on_demand", 0, 66, 66, False), ("reserved", 24, 0, -24, False)]
    assert [(row["offer"], row["gpu_hours_after"]) for row in tables["hired"]] == [("hire", 22)]
    assert sum(row["lots_before"] for row in tables["purchases"]) == 3
    assert tables["served"] == []
    book = CalamineWorkbook.from_path(out)
    assert book.sheet_names == ["costs", "purchases", "hired", "served"]
    rows = book.get_sheet_by_name("costs").to_python()
    assert rows[2][:4] == ["on_demand", 0, 66, 66]
    text = ailis("compare", store, "--against", "base/lots", "--whatif", "base", "--portfolio", "hire only").out
    assert "their proven intervals are apart" in text
    assert "+66" in text
    lines = list(csv.DictReader(io.StringIO(ailis("compare", store, "--against", "base/lots", "--where", "cost = 66", "--csv").out)))
    assert {(row["table"], row["item"], float(row["difference"])) for row in lines} >= {
        ("costs", "on_demand", 66.0),
        ("hired", "hire", 66.0),
    }


def test_back_is_the_opposite(ailis: Run, store: Path) -> None:
    there, back = (
        json.loads(ailis("compare", store, "--against", a, "--portfolio", "lots", "--whatif", b, "--json").out)
        for a, b in (("base/lots", "more"), ("more/lots", "base"))
    )
    for name, table in there["tables"].items():
        amounts = sorted(row["difference"] for row in table["rows"])
        assert amounts == pytest.approx(sorted(-row["difference"] for row in back["tables"][name]["rows"]))
        assert [abs(r["difference"]) for r in table["rows"]] == sorted((abs(r["difference"]) for r in table["rows"]), reverse=True)
    assert there["tables"]["served"]["rows"][0]["difference"] == pytest.approx(11)


def test_within_the_gaps(ailis: Run, tmp_path: Path) -> None:
    """Two searches that stop early at overlapping intervals: what differs is not proven to."""
    data = market()
    found = []
    for name, price in (("a", 3), ("b", 3.003)):
        data["tables"]["offers"][1]["price_per_gpu_hour"] = price
        out = tmp_path / name
        assert ailis("solve", write_folder(data, tmp_path / f"{name}-instance"), "--out", out).code == 0
        document = json.loads((out / "result.json").read_text())
        document["bounds"]["lower"] = 0.9 * document["bounds"]["upper"]  # as if the search had stopped there
        (out / "result.json").write_text(json.dumps(document | {"gap": 0.1}))
        found.append(out)
    document = json.loads(ailis("compare", found[1], "--against", found[0], "--json").out)
    assert not document["proven"]
    assert document["tables"]["costs"]["rows"]
    assert all(row["within"] for row in document["tables"]["costs"]["rows"])
    text = ailis("compare", found[1], "--against", found[0]).out
    assert "which of the two is better is not proven" in text
    assert "~ within the gaps" in text


def test_folders(ailis: Run, folders: list[Path]) -> None:
    base, dear, *_ = folders
    ran = ailis("compare", base, dear, "--json")
    rows = json.loads(ran.out)["runs"]
    expected = [json.loads((folder / "result.json").read_text()) for folder in (base, dear)]
    assert [(row["run"], row["cost"]) for row in rows] == [(str(f), e["cost"]) for f, e in zip((base, dear), expected, strict=True)]
    assert rows[0]["carbon"] > 0
    document = json.loads(ailis("compare", dear, "--against", base, "--json").out)
    assert document["after"]["cost"] - document["before"]["cost"] == pytest.approx(
        sum(row["difference"] for row in document["tables"]["costs"]["rows"])
    )


def test_a_run_of_a_store_against_a_folder(ailis: Run, store: Path, folders: list[Path]) -> None:
    ran = ailis("compare", store, "--against", folders[0], "--whatif", "base", "--portfolio", "lots", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["before"]["run"] == str(folders[0])


def test_currencies_and_objectives_are_not_mixed_silently(ailis: Run, folders: list[Path]) -> None:
    base, _, dollars, cost = folders
    ran = ailis("compare", base, dollars, cost, "--pareto", "carbon")
    assert (ran.code, ran.out) == (2, "")
    assert "the currencies differ: EUR, USD" in ran.err
    text = ailis("compare", base, dollars, cost).out
    assert "currencies differ (EUR, USD)" in text
    assert "objectives differ (cost, cost_per_outcome)" in text
    assert len(json.loads(ailis("compare", base, dollars, cost, "--json").out)["notes"]) == 2
    assert "note: currencies differ" in ailis("compare", base, dollars, "--csv").err
    for other, words in (
        (dollars, "the currencies differ: EUR there, USD here"),
        (cost, "the objectives differ: cost_per_outcome there, cost here"),
    ):
        ran = ailis("compare", other, "--against", base)
        assert ran.code == 2
        assert words in ran.err
    assert ailis("compare", base, dollars, "--pareto", "carbon", "--where", "currency = 'EUR'").code == 0


def test_pareto(ailis: Run, store: Path) -> None:
    """Dear lots with idle hours, dearer hire without: of those that hire only, the cheapest alone is not dominated."""
    ran = ailis("compare", store, "--pareto", "idle", "--json", "--where", "whatif IN ('base', 'dear')")
    rows = {row["run"].removeprefix("tiny-0/"): row for row in json.loads(ran.out)["runs"]}
    assert not rows["base/lots"]["dominated"]
    assert rows["base/lots"]["idle"] > 0
    assert not rows["base/hire only"]["dominated"]
    assert rows["dear/hire only"]["dominated"]
    text = ailis("compare", store, "--pareto", "idle").out
    assert "not dominated (letters)" in text
    assert "│" in text
    (line,) = [line for line in text.splitlines() if line.startswith("  base/lots")]
    assert line.split()[1:3] == ["optimal", "a"]
    rows = list(csv.DictReader(io.StringIO(ailis("compare", store, "--pareto", "idle", "--csv").out)))
    assert {row["dominated"] for row in rows} == {"True", "False", ""}


def test_two_stores(ailis: Run, store: Path, tmp_path: Path) -> None:
    other = shutil.copytree(store, tmp_path / "other")
    rows = json.loads(ailis("compare", store, other, "--json").out)["runs"]
    names = [row["run"] for row in rows]
    assert len(set(names)) == 20
    assert {name.split(":")[0] for name in names} == {"store", "other"}


def test_loads_no_solver(store: Path) -> None:
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "models")])}
    command = [sys.executable, "-X", "importtime", "-m", "ailis_opt", "compare", str(store), "--json"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in ran.stderr.splitlines()}
    assert not loaded & {"pyomo", "highspy", "scipy", "plotly", "jinja2", "xlsxwriter", "distributed"}
