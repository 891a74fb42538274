"""`ailis-opt whatif` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

HIRE = "offers[offer=hire-me].price_per_gpu_hour *= 1.3"


def test_cases_side_by_side(ailis: Run, contract: Path) -> None:
    ran = ailis("whatif", contract, "--jobs", 1, "--set", HIRE, "--set", "offers[offer=reserve].max_lots = 1; demand.outcomes *= 1.5")
    assert (ran.code, ran.err) == (0, "")
    assert "case 1  offers[offer=hire-me].price_per_gpu_hour *= 1.3" in ran.out
    assert "case 2  offers[offer=reserve].max_lots = 1; demand.outcomes *= 1.5" in ran.out
    assert [row.split()[0] for row in ran.out.splitlines() if row.startswith("  base  ")] == ["base"]


def test_document(ailis: Run, contract: Path) -> None:
    ran = ailis("whatif", contract, "--jobs", 1, "--set", HIRE, "--json", "--quiet")
    document = json.loads(ran.out)
    assert (ran.code, ran.err) == (0, "")
    assert [case["name"] for case in document["cases"]] == [HIRE]
    assert document["cases"][0]["delta"]["cost"] > 0


def test_file_of_cases_in_their_order(ailis: Run, contract: Path, tmp_path: Path) -> None:
    file = tmp_path / "cases.yaml"
    row = "'offers + {offer: x, region: here, sku: gpu, contract: on_demand, price_per_gpu_hour: 2}'"
    file.write_text(f'dear: ["{HIRE}"]\nmore:\n  - demand.outcomes *= 1.2\n  - {row}\none: demand.outcomes *= 1.1\n')
    ran = ailis("whatif", contract, "--jobs", 2, "--changes", file, "--json")
    assert ran.code == 0
    cases = json.loads(ran.out)["cases"]
    assert [(case["name"], len(case["changes"])) for case in cases] == [("dear", 1), ("more", 2), ("one", 1)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("offers[offer=hire].max_lots = 1", ["             ^^^^", "no offer of offers is 'hire'", "Did you mean 'hire-me'?"]),
        ("ofers.max_lots = 1", ["^^^^^", "there is no table 'ofers'", "Did you mean 'offers'?"]),
        ("offers.max_lots == 1", ["'= 1' is not a whole number"]),
        ("offers[offer=lots", ["      ^", "never closed"]),
        ("demand.outcomes *= 2 @ 7", ["period 7 is after the end", "give 0 to 2"]),
        ("workloads.tiers = a;b", ["^", "not a change", "expected"]),
        ("offers[contract=reserved].region = nowhere", ["not one of the regions", "'here'"]),
    ],
)
def test_wrong_words(ailis: Run, contract: Path, text: str, wanted: list[str]) -> None:
    ran = ailis("whatif", contract, "--set", text)
    assert (ran.code, ran.out) == (2, "")
    assert "Traceback" not in ran.err
    for words in wanted[:1] if text.startswith("workloads") else wanted:
        assert words in ran.err


def test_all_that_is_wrong_is_told_at_once(ailis: Run, contract: Path, tmp_path: Path) -> None:
    file = tmp_path / "cases.yaml"
    file.write_text("base: demand.outcomes *= 2\n")
    ran = ailis("whatif", contract, "--set", "offers.max_lot = 1", "--changes", file, "--sweep", "offers.max_lots = 1", "--json")
    faults = json.loads(ran.out)["faults"]
    assert ran.code == 2
    assert [fault["why"] for fault in faults] == ["offers has no column 'max_lot'", "the base is always solved", "not a range of values"]


@pytest.mark.parametrize(
    ("text", "why", "row"),
    [
        ("a: [offers.max_lot = 1]\nb:\n- demand.outcomes *= 2\n- demand.outcome *= 2\n", "no column 'outcome'", 4),
        ("- demand.outcomes *= 2\n", "no names with lists", 1),
        ("a: {b: c}\n", "not a change", 1),
        ("a: []\n", "no change", 1),
        ("a: offers + {offer: x}\n", "not valid YAML", 1),
        ("a: b\na: c\n", "given twice", 2),
    ],
)
def test_wrong_file(ailis: Run, contract: Path, tmp_path: Path, text: str, why: str, row: int) -> None:
    file = tmp_path / "cases.yaml"
    file.write_text(text)
    ran = ailis("whatif", contract, "--changes", file, "--json")
    faults = json.loads(ran.out)["faults"]
    assert ran.code == 2
    assert any(why in fault["why"] and fault["row"] == row for fault in faults)


def test_no_file_and_nothing_asked(ailis: Run, contract: Path, tmp_path: Path) -> None:
    assert ailis("whatif", contract, "--changes", tmp_path / "none.yaml").code == 2
    ran = ailis("whatif", contract)
    assert ran.code == 2
    assert "--set, --changes or --sweep" in ran.err


def test_an_infeasible_case_is_a_case(ailis: Run, contract: Path) -> None:
    ran = ailis("whatif", contract, "--jobs", 1, "--set", "offers.max_lots = 0", "--set", HIRE)
    assert ran.code == 0
    assert "infeasible: L1.supply (compute fabric: supply)" in ran.out
    assert "What is bought more and less: case 2" in ran.out


def test_an_infeasible_base_is_an_error(ailis: Run, too_much: Path) -> None:
    ran = ailis("whatif", too_much, "--set", "demand.outcomes *= 0.1")
    assert (ran.code, ran.out) == (3, "")
    assert "infeasible" in ran.err


def test_a_limit_is_told(ailis: Run, hard: Path) -> None:
    ran = ailis("whatif", hard, "--jobs", 1, "--set", "offers[offer=hire-me].price_per_gpu_hour = 5", "--gap", "1e-9", "--time-limit", 2)
    assert ran.code == 4
    assert "short of the gap" in ran.out


def test_files(ailis: Run, contract: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("--set", HIRE, "--sweep", "offers[offer=reserve].price_per_gpu_hour = 1..2 / 2", "--out", out, "--jobs", 1)
    for _ in range(2):  # a second run replaces the first
        ran = ailis("whatif", contract, *arguments)
        assert ran.code == 0
        assert sorted(path.name for path in out.iterdir()) == ["sweep.svg", "whatif.json", "whatif.txt"]
    assert json.loads((out / "whatif.json").read_text())["sweep"]["points"]
    assert "Where does the plan switch?" in (out / "whatif.txt").read_text()
    refused = ailis("whatif", contract, "--set", HIRE, "--out", contract)
    assert refused.code == 2
    assert "folder of an instance" in refused.err
