"""`ailis-opt quote`: what a planner reads, what a program reads, wrong sheets, files, limits and exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.support.cases import case, offer
from tests.support.files import write_folder

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
QUICKSTART = ROOT / "instances" / "quickstart"
SHEET = QUICKSTART / "term-sheet.yaml"
DEAL = {"offer": "deal", "region": "here", "sku": "gpu", "price_per_gpu_hour": 2, "max_lots": 4}


def sheet(folder: Path, content: Any, name: str = "sheet.yaml") -> Path:
    """A sheet as a file; JSON is YAML."""
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """10 outcomes an hour, GPUs at 3."""
    data = case(10)
    data["tables"]["offers"] = [offer("hire", 3)]
    return write_folder(data, tmp_path / "plain")


def block(language: str, page: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return str(text)


def test_the_readme_shows_the_shipped_sheet_and_its_quote(update: bool, ailis: Run) -> None:
    page = README.read_text(encoding="utf-8")
    ran = ailis("quote", QUICKSTART, "--offer", SHEET, "--gap", "1e-9", "--jobs", 1)
    assert (ran.code, ran.err) == (0, "")
    printed, text = ran.out.split("\nChecklist\n")[0].rstrip("\n") + "\n", SHEET.read_text(encoding="utf-8")
    if update:
        for language, new in (("yml", text), ("txt", printed)):
            page = page.replace(f"```{language}\n{block(language, page)}```", f"```{language}\n{new}```")
        README.write_text(page, encoding="utf-8")
    assert block("yml", page) == text
    assert block("txt", page) == printed


@pytest.mark.parametrize("price", [2.24, 2.26])
def test_what_the_quickstart_says(price: float, tmp_path: Path, ailis: Run) -> None:
    """By its README: fra-reserved at 2.25 is the same, two lots of it are signed, and a third would save 4,872 over 2,688 GPU-hours."""
    head = "offer,region,sku,provider,price_per_gpu_hour,lot_gpus,max_lots"
    file = sheet(tmp_path, f"{head}\ndeal,frankfurt,h100,cloud,{price},8,3\n", "sheet.csv")
    ran = ailis("quote", QUICKSTART, "--offer", file, "--gap", "1e-9", "--jobs", 1, "--json")
    document = json.loads(ran.out)
    assert ran.code == 0
    assert document["schema"] == "ailis-opt-quote/1"
    assert (document["offer"], document["asked"]) == ("deal", price)
    assert document["break_even"] == pytest.approx(2.25)
    assert document["verdict"] == ("sign" if price < 2.25 else "do not sign")
    values = [row["value"] for row in document["value_by_lots"]]
    assert values == pytest.approx([0, 2688 * 2.25, 2 * 2688 * 2.25, 2 * 2688 * 2.25 + 4872])
    assert [row["marginal_price"] for row in document["value_by_lots"]][1:] == pytest.approx([2.25, 2.25, 4872 / 2688])
    assert all({"layer", "covered", "exposed"} <= set(row) for row in document["covers"])
    (row,) = document["regret"]
    assert row["scenario"] == "base"
    assert (row["if_not"] > 0) is (price < 2.25)


def test_out(plain: Path, tmp_path: Path, ailis: Run) -> None:
    out = tmp_path / "judged"
    ran = ailis("quote", plain, "--offer", sheet(tmp_path, DEAL), "--jobs", 1, "--out", out, "--json")
    assert ran.code == 0
    assert sorted(file.name for file in out.iterdir()) == ["quote.json", "summary.txt"]
    assert json.loads((out / "quote.json").read_text()) == json.loads(ran.out)
    assert "What deal is worth" in (out / "summary.txt").read_text()
    assert ailis("quote", plain, "--offer", sheet(tmp_path, DEAL), "--jobs", 1, "--out", plain).code == 2


WRONG: dict[str, tuple[Any, list[str]]] = {
    "field": (DEAL | {"pric_per_gpu_hour": 3}, ["no 'pric_per_gpu_hour' in a contract", "Did you mean 'price_per_gpu_hour'?"]),
    "late": (DEAL | {"late_period": 1}, ["Did you mean 'late_periods'?"]),
    "region": (DEAL | {"region": "heer"}, ["sheet.yaml", "region = 'heer'", "Did you mean 'here'?"]),
    "sku": (DEAL | {"sku": "gpus"}, ["'gpus' is not one of the skus", "Did you mean 'gpu'?"]),
    "number": (DEAL | {"max_lots": "many"}, ["max_lots = 'many'", "not a whole number"]),
    "contract": (DEAL | {"contract": "on_demand"}, ["not one of the words allowed here", "owned, reserved"]),
    "missing": ({"offer": "deal", "region": "here", "sku": "gpu"}, ["price_per_gpu_hour", "a value is needed here"]),
    "signed": (DEAL | {"committed_lots": 1}, ["nothing of a contract on the table is signed yet"]),
    "exit": (DEAL | {"exit": {"after": 1}}, ["no 'after' in exit", "Did you mean 'after_periods'?"]),
    "exit too late": (DEAL | {"term_periods": 2, "exit": {"after_periods": 2}}, ["not before the end of the term"]),
    "exit fee": (DEAL | {"exit": {"fee_per_gpu": 2}}, ["a fee without an exit"]),
    "exit as a number": (DEAL | {"exit": 3}, ["exit = '3'", "not `key: value` lines"]),
    "attribute": (DEAL | {"states": {"pwer": "included"}}, ["no attribute 'pwer'", "Did you mean 'power'?"]),
    "state": (DEAL | {"states": {"power": "includd"}}, ["neither included nor excluded", "Did you mean 'included'?"]),
    "alternatives": ({"alternatives": [DEAL, DEAL]}, ["two alternatives have the same name"]),
    "beside": ({"alternatives": [DEAL], "region": [{"region": "x"}]}, ["no 'region' beside alternatives"]),
    "table": ({"alternatives": [DEAL], "sku": [{"sku": "x"}]}, ["no 'sku' beside alternatives"]),
    "given": ({"alternatives": [DEAL], "regions": [{"regin": "x"}]}, ["'regin'", "Did you mean 'region'?"]),
    "given twice": ({"alternatives": [DEAL], "regions": [{"region": "here"}]}, ["the same region as in row", "sheet.yaml"]),
    "name taken": (DEAL | {"offer": "hire"}, ["the instance has an offer of this name"]),
    "group": (DEAL | {"shares_lots_with": "nobody"}, ["no offer of the instance is in this group"]),
    "window": (DEAL | {"first_start": 9}, ["after the end of the horizon"]),
    "least": (DEAL | {"min_lots": 5}, ["more than max_lots"]),
    "empty": ("", ["is empty"]),
    "list": ("- 3\n", ["without `column: value`"]),
    "no yaml": ("{", ["not valid YAML"]),
    "nothing in it": ({"alternatives": []}, ["there is no contract in it"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_sheets(name: str, plain: Path, tmp_path: Path, ailis: Run) -> None:
    content, words = WRONG[name]
    ran = ailis("quote", plain, "--offer", sheet(tmp_path, content), "--jobs", 1)
    assert (ran.code, ran.out) == (2, "")
    assert [word for word in words if word not in " ".join(ran.err.split())] == []
    assert "Traceback" not in ran.err


def test_all_that_is_wrong_at_once(plain: Path, tmp_path: Path, ailis: Run) -> None:
    content = {"alternatives": [DEAL | {"region": "heer"}, DEAL | {"offer": "other", "sku": "gpus"}]}
    ran = ailis("quote", plain, "--offer", sheet(tmp_path, content), "--json")
    document = json.loads(ran.out)
    assert document["schema"] == "ailis-opt-error/1"
    assert [(f["column"], f["value"]) for f in document["faults"]] == [("region", "heer"), ("sku", "gpus")]


@pytest.mark.parametrize("file", ["nothing.yaml", "plain", "hello.parquet"])
def test_wrong_files(file: str, plain: Path, tmp_path: Path, ailis: Run) -> None:
    (tmp_path / "hello.parquet").write_bytes(b"\xff\xfe\x00PAR1")
    ran = ailis("quote", plain, "--offer", tmp_path / file)
    assert ran.code == 2
    assert "bad input" in ran.err or file in ran.err
    assert "Traceback" not in ran.err


def test_csv_with_an_unknown_column(plain: Path, tmp_path: Path, ailis: Run) -> None:
    ran = ailis("quote", plain, "--offer", sheet(tmp_path, "offer,region,sku,price_per_gpu_hour,lots\nd,here,gpu,1,2\n", "sheet.csv"))
    assert ran.code == 2
    assert "no column 'lots'" in ran.err


def test_an_option_is_missing(plain: Path, ailis: Run) -> None:
    ran = ailis("quote", plain)
    assert ran.code == 2
    assert "--offer" in ran.err


def test_a_contract_that_no_workload_can_use(tmp_path: Path, ailis: Run) -> None:
    """It stands idle in a country that the law forbids."""
    data = case(10)
    data["tables"]["regions"] = [{"region": "here", "country": "DE"}, {"region": "there", "country": "FR"}]
    data["tables"]["offers"] = [offer("hire", 3)]
    data["tables"]["workloads"][0]["jurisdictions"] = ["DE"]
    law = write_folder(data, tmp_path / "law")
    ran = ailis("quote", law, "--offer", sheet(tmp_path, DEAL | {"region": "there"}), "--jobs", 1, "--json")
    document = json.loads(ran.out)
    assert ran.code == 0
    assert (document["verdict"], document["break_even"]) == ("do not sign", 0)
    assert (document["regret"][0]["if_signed"], document["regret"][0]["if_not"]) == (pytest.approx(2), 0)
    assert {row["value"] for row in document["value_by_lots"]} == {0}
    assert {row["layer"]: row["exposed"] for row in document["covers"] if row["exposed"]} == {"L15": pytest.approx(10)}


def test_an_instance_without_need(tmp_path: Path, ailis: Run) -> None:
    ran = ailis("quote", write_folder(case(0), tmp_path / "idle"), "--offer", sheet(tmp_path, DEAL))
    assert ran.code == 2
    assert "nothing is demanded" in ran.err


def test_infeasible_with_it_and_without(too_much: Path, tmp_path: Path, ailis: Run) -> None:
    ran = ailis("quote", too_much, "--offer", sheet(tmp_path, DEAL | {"max_lots": 1}), "--jobs", 1)
    assert (ran.code, ran.out) == (3, "")
    assert "with the contract or without it" in ran.err


@pytest.mark.slow
def test_time_limit(hard: Path, tmp_path: Path, ailis: Run) -> None:
    """What is known by then, with its intervals."""
    terms = DEAL | {"price_per_gpu_hour": 1.2, "lot_gpus": 50, "max_lots": 6}
    ran = ailis("quote", hard, "--offer", sheet(tmp_path, terms), "--time-limit", 20, "--gap", "1e-9", "--jobs", 1, "--json")
    document = json.loads(ran.out)
    assert ran.code == 4
    assert document["without"]["lower"] < document["without"]["upper"]
    between = document["break_even_between"]
    assert between is None or between["lower"] is None or between["upper"] is None or between["lower"] < between["upper"]


def test_interrupted(hard: Path, tmp_path: Path) -> None:
    """Ctrl-C: the document with what is known, exit code 130, no traceback."""
    terms = sheet(tmp_path, DEAL | {"lot_gpus": 50, "max_lots": 6})
    command = [sys.executable, "-m", "ailis_opt", "quote", str(hard), "--offer", str(terms), "--gap", "1e-9", "--json"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "models")])}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        time.sleep(6)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    document = json.loads(out)
    assert document.get("interrupted") is True or document["kind"] == "interrupted"
