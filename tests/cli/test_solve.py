"""`ailis-opt solve`: what a planner reads, what a program reads, and exit codes."""

from __future__ import annotations

import functools
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ailis_opt import optimize
from ailis_opt.cli import solve as command
from ailis_opt.errors import AuditError, NoPlanError
from ailis_opt.result import Bounds
from tests.cli.conftest import Run, contract_case
from tests.support.cases import case, offer
from tests.support.files import write_folder


def test_three_questions_in_order(ailis: Run, contract: Path) -> None:
    """By hand: 9,000 outcomes; 2,160 from the hall, 6,480 from three lots, 360 hired.

    1,080 + 3 x (2,160 + 5 upfront inside) + 360 x 3 = 8,655 EUR.
    """
    ran = ailis("solve", contract)
    assert ran.code == 0
    text = ran.out
    assert text.index("What does an outcome cost?") < text.index("What do I sign?") < text.index("What limits me?") < text.index("Audit")
    assert "0.9617 EUR per solved case" in text
    assert "cost 8,655 EUR for 9,000 solved cases" in text
    assert "reserved           6,480  74.9%" in text


def test_what_to_sign(ailis: Run, contract: Path) -> None:
    """Three lots run to June; April to June are 2,184 hours: 3 x (2,184 + 5) EUR later."""
    lines = [line.split() for line in ailis("solve", contract).out.splitlines()]
    assert ["reserve", "2027-01", "2027-06", "3", "3", "6,495"] in lines
    assert ["old-hall", "1", "1", "1,080"] in lines
    assert any(line[:1] == ["hire-me"] and line[-1] == "1,080" and line[1] == "360" for line in lines)
    text = " ".join(word for line in lines for word in line)
    assert "6,567 EUR more are due after the horizon" in text


def test_what_limits(ailis: Run, contract: Path) -> None:
    text = ailis("solve", contract).out
    assert "duals of the polished LP" in text
    demand = text[text.index("one outcome more of") :].splitlines()[1].split()
    assert demand == ["work", "from", "any", "3", "EUR/outcome"]


@pytest.mark.parametrize("columns", [80, 120])
def test_width(ailis: Run, contract: Path, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = ailis("solve", contract).out.splitlines()
    assert max(map(len, lines)) <= columns
    assert all(line == line.rstrip() for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_weights_are_told(ailis: Run, tmp_path: Path) -> None:
    data = contract_case()
    data["tables"]["workloads"][0]["outcome_weight"] = 2
    text = ailis("solve", write_folder(data, tmp_path / "weighted")).out
    assert "0.4808 EUR per weighted outcome" in text
    assert "18,000 weighted outcomes" in text
    assert "weight" in next(line for line in text.splitlines() if "demanded" in line)


def test_objective_cost(ailis: Run, contract: Path) -> None:
    ran = ailis("solve", contract, "--objective", "cost", "--gap", "0.01")
    assert "8,655 EUR in all" in ran.out
    assert "0.9617 EUR per solved case (not what was minimized)" in ran.out
    assert "within 1% of the best plan" in ran.out


def test_json_document(ailis: Run, contract: Path) -> None:
    ran = ailis("solve", contract, "--json")
    document = json.loads(ran.out, parse_constant=_no_constant)
    assert ran.code == 0
    assert document["schema"] == "ailis-opt-result/1"
    assert document["status"] == "optimal"
    assert math.isclose(document["cost"], 8655)
    assert document["purchases"][0]["offer"] == "reserve"
    assert document["timings"]["read_s"] > 0


def test_files(ailis: Run, contract: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "result"
    ran = ailis("solve", contract, "--out", out)
    assert ran.code == 0
    assert str(out) in ran.err
    document = json.loads((out / "result.json").read_text())
    assert math.isclose(document["cost"], 8655)
    assert (out / "summary.txt").read_text() == ran.out
    assert (out / "purchases.csv").read_text().splitlines()[1].startswith("reserve,0,3")
    assert {p.suffix for p in out.iterdir() if p.is_file()} == {".csv", ".json", ".txt"}
    assert [p.name for p in out.parent.iterdir()] == ["result"]


def test_files_again_replace_ours_only(ailis: Run, contract: Path, tmp_path: Path) -> None:
    out = tmp_path / "result"
    ailis("solve", contract, "--out", out)
    (out / "mine.txt").write_text("keep")
    (out / "purchases.csv").write_text("old")
    assert ailis("solve", contract, "--out", out).code == 0
    assert (out / "mine.txt").read_text() == "keep"
    assert (out / "purchases.csv").read_text() != "old"


def test_out_that_is_refused(ailis: Run, contract: Path, tmp_path: Path) -> None:
    """A file, an instance (its workloads.csv is not ours), a folder with a file of one of our names."""
    file = tmp_path / "file"
    file.write_text("")
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "costs.csv").write_text("somebody's")
    before = (contract / "workloads.csv").read_text()
    for out, why in ((file, "is a file"), (contract, "folder of an instance"), (strange, "costs.csv")):
        ran = ailis("solve", contract, "--out", out)
        assert (ran.code, ran.out) == (2, "")
        assert why in ran.err
    assert (contract / "workloads.csv").read_text() == before
    assert (strange / "costs.csv").read_text() == "somebody's"


def test_bad_input_writes_nothing(ailis: Run, bad: Path, tmp_path: Path) -> None:
    assert ailis("solve", bad, "--out", tmp_path / "result").code == 2
    assert not (tmp_path / "result").exists()


@pytest.mark.parametrize(
    "options", [["--gap", "0"], ["--gap", "1"], ["--gap", "nan"], ["--time-limit", "0"], ["--time-limit", "-1"], ["--objective", "profit"]]
)
def test_bad_options(ailis: Run, contract: Path, options: list[str]) -> None:
    ran = ailis("solve", contract, *options)
    assert (ran.code, ran.out) == (2, "")
    assert options[0] in ran.err


def test_infeasible(ailis: Run, too_much: Path) -> None:
    ran = ailis("solve", too_much)
    assert (ran.code, ran.out) == (3, "")
    said = "infeasible: L1.supply (compute fabric: supply) cannot be met; "
    assert ran.err.startswith(f"{said}`ailis-opt explain {too_much}` says why and how to mend it\n")
    assert f"Fewest open routes: work (1 of 1). `ailis-opt check {too_much}` shows what each layer closes." in ran.err


def test_infeasible_names_the_three_workloads_with_the_fewest_open_routes(ailis: Run, tmp_path: Path) -> None:
    """`fourth` has the most; `idle` demands nothing, which is two warnings."""
    data = case(10)
    tables = data["tables"]
    tables["offers"] = [offer(f"tier-{i}", 1, tier=f"tier-{i}", max_lots=1) for i in range(3)]
    accepted = {"fourth": 3, "third": 2, "lean": 1, "idle": 1}
    tables["workloads"][0]["tiers"] = ["tier-0", "tier-1"]
    for name, n in accepted.items():
        tables["workloads"].append({"workload": name, "tiers": [f"tier-{i}" for i in range(n)]})
        tables["profiles"].append({"profile": name, "workload": name, "sku": "gpu", "gpus": 1, "units_per_hour": 1})
        tables["demand"].append({"workload": name, "outcomes": 0 if name == "idle" else 1})
    ran = ailis("solve", write_folder(data, tmp_path / "lean"))
    assert ran.code == 3
    assert "Fewest open routes: lean (1 of 3), work (2 of 3), third (2 of 3). `" in ran.err
    assert "2 warnings about the instance:" in ran.err


def test_warnings_are_told(ailis: Run, tmp_path: Path) -> None:
    """Three of them themselves, and where the others are."""
    data = contract_case()
    metals = ["gold", "silver", "bronze", "tin"]
    for n in (1, 3, 4):
        data["tables"]["workloads"][0]["tiers"] = ["public", *metals[:n]]
        text = ailis("solve", write_folder(data, tmp_path / str(n))).out
        assert f"{n} warning{'s' if n > 1 else ''} about the instance:" in text
        assert [f"no offer has the tier {metal!r}" in text for metal in metals] == [i < min(n, 3) for i in range(4)]
        assert ("and 1 more: see `ailis-opt check`" in text) == (n == 4)


def test_until_is_the_last_day_in_force(ailis: Run, tmp_path: Path) -> None:
    data = case([8.0, 8.0], periods=2, period="week")
    data["header"]["horizon"]["start"] = "2027-01-04"
    data["tables"]["offers"] = [offer("lot", 1, "reserved", term_periods=2)]
    lines = [line.split() for line in ailis("solve", write_folder(data, tmp_path / "weeks")).out.splitlines()]
    assert ["lot", "2027-01-04", "2027-01-17", "1", "1", "336"] in lines


def test_infeasible_as_json(ailis: Run, too_much: Path, closed: Path) -> None:
    for folder, layers in ((too_much, ["L1.supply"]), (closed, ["L15"])):
        ran = ailis("solve", folder, "--json")
        document = json.loads(ran.out)
        assert ran.code == 3
        assert set(document) == {"schema", "instance", "instance_sha256", "status", "message", "layers"}
        assert document["layers"] == layers
        assert document["status"] == "infeasible"
        assert document["message"] in ran.err.replace("\n  ", "\n")


def _no_constant(name: str) -> float:
    raise AssertionError(f"{name} is not JSON")


def _patched(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """The search's result with other fields."""

    def altered(*args: Any, **options: Any) -> Any:
        return replace(optimize.solve(*args, **options, in_process=True), **changes)

    monkeypatch.setattr(command, "solve", altered)


def test_limit_with_a_plan(ailis: Run, contract: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _patched(monkeypatch, status="limit", bounds=Bounds(0.9, 0.961667))
    ran = ailis("solve", contract)
    assert ran.code == 4
    assert "stopped at the limit, short of the gap of 0.01%" in ran.out
    assert "no plan costs less than 0.9000 (gap 6.4%)" in ran.out


def test_no_bound_is_said(ailis: Run, contract: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _patched(monkeypatch, status="limit", bounds=Bounds(-math.inf, 0.961667))
    assert "no lower bound was proven" in ailis("solve", contract).out
    document = json.loads(ailis("solve", contract, "--json").out, parse_constant=_no_constant)
    assert document["bounds"]["lower"] is None
    assert document["gap"] is None


def test_interrupted_with_a_plan(ailis: Run, contract: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _patched(monkeypatch, status="limit", interrupted=True)
    ran = ailis("solve", contract, "--out", tmp_path / "result")
    assert ran.code == 130
    assert "interrupted: the best plan so far" in ran.out
    assert json.loads((tmp_path / "result" / "result.json").read_text())["interrupted"] is True


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (NoPlanError("the time limit came"), 5, "no plan: the time limit came"),
        (AuditError("the plan failed its audit"), 1, "the plan failed its audit"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ZeroDivisionError("oops"), 1, "ZeroDivisionError: oops"),
    ],
)
def test_errors(ailis: Run, contract: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str) -> None:
    monkeypatch.setattr(command, "solve", functools.partial(_raise, error))
    ran = ailis("solve", contract)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err
    assert "Traceback" not in ran.err
    document = json.loads(ailis("solve", contract, "--json").out)
    assert document["exit_code"] == code


def test_traceback_only_on_demand(ailis: Run, contract: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "solve", functools.partial(_raise, ZeroDivisionError("oops")))
    monkeypatch.setenv("AILIS_OPT_DEBUG", "1")
    assert "Traceback" in ailis("solve", contract).err


def _raise(error: BaseException, *_: Any, **__: Any) -> None:
    raise error
