"""The worked examples: each solves to its stored answer (`expected.json`). `pytest --update` stores the answer anew."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ailis_opt import Result, read, solve
from ailis_opt.cli import main

ROOT = Path(__file__).parents[1]
FOLDERS = sorted(path.parent for path in (ROOT / "instances").glob("*/instance.yaml"))
QUICKSTART = ROOT / "instances" / "quickstart"
REAL = ROOT / "instances" / "assistants-transatlantic"
HEDGING = ROOT / "instances" / "hedging-h100"
GAPS = {QUICKSTART: 1e-9, REAL: 5e-3, HEDGING: 1e-3}
EXACT = 1e-6  # with a gap up to this, the plan itself is compared
TIME_LIMIT = 900.0

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
each_answer = pytest.mark.parametrize(
    "folder",
    [pytest.param(folder, id=folder.name, marks=[] if GAPS[folder] <= EXACT else pytest.mark.slow) for folder in FOLDERS],
)


@cache
def solved(folder: Path) -> Result:
    return solve(folder, gap=GAPS[folder], time_limit=TIME_LIMIT)


def answer(result: Result, gap: float) -> dict[str, Any]:
    """What is stored of a result: figures and bounds; purchases only where the optimum is exact."""
    stored: dict[str, Any] = {"gap": gap} | {
        key: getattr(result, key) for key in ("instance_sha256", "status", "objective_name", "objective", "cost", "outcomes")
    }
    stored["bounds"] = {"lower": result.bounds.lower, "upper": result.bounds.upper}
    if gap <= EXACT:
        stored["purchases"] = result.purchases.to_dict("records")
        stored["hired"] = result.hired.to_dict("records")
    return stored


@each_answer
def test_answer_is_the_stored_one(folder: Path, update: bool) -> None:
    result, file = solved(folder), folder / "expected.json"
    if update:
        file.write_text(json.dumps(answer(result, GAPS[folder]), indent=2) + "\n", encoding="utf-8")
    stored = json.loads(file.read_text(encoding="utf-8"))
    assert stored["gap"] == GAPS[folder]
    assert result.instance_sha256 == stored["instance_sha256"], "the data have changed: look at the new answer, then store it with --update"
    assert (result.status, result.objective_name) == (stored["status"], stored["objective_name"])
    assert result.audit.ok
    bounds, gap = stored["bounds"], stored["gap"]
    slack = 1e-9 * bounds["upper"]
    assert max(result.bounds.lower, bounds["lower"]) <= min(result.bounds.upper, bounds["upper"]) + slack, (
        "the certified intervals are apart"
    )
    assert result.objective == pytest.approx(stored["objective"], rel=max(gap, 1e-8))
    assert result.outcomes == pytest.approx(stored["outcomes"], rel=1e-6)
    if gap <= EXACT:
        assert result.cost == pytest.approx(stored["cost"], rel=1e-8)
        for table, rows in (("purchases", result.purchases), ("hired", result.hired)):
            pd.testing.assert_frame_equal(rows, pd.DataFrame(stored[table]), rtol=1e-6, check_dtype=False)


@each_folder
def test_check_passes(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["ailis-opt", "check", str(folder)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert f"{folder.name}: valid" in capsys.readouterr().out


@each_folder
def test_every_figure_has_a_source(folder: Path) -> None:
    """A section on sources; rows that name their source or say what is assumed, or a section that speaks for all of them."""
    instance = read(folder)
    assert instance.header.name == folder.name
    section = (folder / "README.md").read_text(encoding="utf-8").split("\n## Sources\n", 1)[1].split("\n## ", 1)[0]
    for name, table in instance.tables.items():
        unsourced = table[(table["source"] == "") & (table["note"] == "")] if len(table) else table
        assert unsourced.empty or "every table and column" in section, f"{name}: rows without source and note:\n{unsourced}"


@pytest.mark.slow
def test_many_layers_matter_in_the_real_one() -> None:
    """At least five layers close routes or hold a tight limit; demand itself is none."""
    result = solved(REAL)
    binding = set(result.binding.loc[result.binding["family"] != "demand", "layer"])
    left = result.tables["funnel"].set_index("layer")["all workloads"]
    closing = set(left.index[left.diff() < 0])
    assert len(binding) >= 3, binding
    assert len(closing) >= 3, closing
    assert len(binding | closing) >= 5, (binding, closing)


def cells(page: str, section: str) -> list[list[str]]:
    """Rows of the tables in a section of a page, without emphasis and thousands separators."""
    lines = page.split(f"\n## {section}", 1)[1].split("\n## ", 1)[0].splitlines()
    rows = [[cell.strip().strip("*`").replace(",", "") for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in rows if not set(row[0]) <= set("- ")]


def with_lots(lots: int, folder: Path) -> Path:
    """The quickstart with exactly so many lots in force from the first week on."""
    shutil.copytree(QUICKSTART, folder)
    offers = pd.read_csv(folder / "offers.csv")
    reserved = offers["contract"] == "reserved"
    offers.loc[reserved, ["max_lots", "committed_lots"]] = (0, lots)
    offers.to_csv(folder / "offers.csv", index=False)
    return folder


def test_derivation_of_the_quickstart(tmp_path: Path) -> None:
    """What its README derives step by step is what the program finds: open routes, plan, cost of each number of lots."""
    page, result = (QUICKSTART / "README.md").read_text(encoding="utf-8"), solved(QUICKSTART)
    left = result.tables["funnel"].set_index("layer")["all workloads"]
    shown = {row[0]: int(row[3]) for row in cells(page, "Step 1")[1:]}
    assert shown == left[left.diff() < 0].to_dict()

    components = {row[0]: float(row[2]) for row in cells(page, "Step 4") if len(row) == 3 and row[2].isdigit()}
    hired = result.hired.set_index("offer")["cost"]
    assert components["on demand Frankfurt"] == pytest.approx(hired["fra-on-demand"])
    assert components["on demand Virginia"] == pytest.approx(hired["iad-on-demand"])
    assert components["interruptible"] == pytest.approx(result.cost_by["interruptible"])
    assert components["reserved"] == pytest.approx(result.cost_by["reserved"])
    assert components["all"] == pytest.approx(result.cost)

    rows = cells(page, "Step 5")[1:]
    assert [int(row[0]) for row in rows] == [0, 1, 2, 3, 4]
    for lots, reserved, rest, cost, each in rows:
        fixed = solve(with_lots(int(lots), tmp_path / lots), gap=1e-9, in_process=True)
        assert fixed.cost_by["reserved"] == pytest.approx(float(reserved))
        assert fixed.cost - fixed.cost_by["reserved"] == pytest.approx(float(rest))
        assert fixed.cost == pytest.approx(float(cost))
        assert fixed.objective == pytest.approx(float(each))
    assert min(float(row[3]) for row in rows) == pytest.approx(result.cost)
