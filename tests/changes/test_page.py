"""docs/changes.md is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ailis_opt.changes import apply, parse, parse_list
from ailis_opt.changes.grammar import BY_PERIOD, HEADER, HEADER_COLUMNS, PERIOD
from ailis_opt.errors import Fault, InputError
from ailis_opt.output.faults import faults_text
from ailis_opt.schema import TABLES, Instance

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "changes.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("text", [line for block in blocks("changes") for line in block.splitlines()])
def test_every_example_changes_something(quickstart: Instance, text: str) -> None:
    change = parse(text)
    assert parse(str(change)) == change
    changed = apply(quickstart, [change])
    assert changed.sha256 != quickstart.sha256


def test_the_examples_can_be_made_one_after_the_other(quickstart: Instance) -> None:
    for block in blocks("changes"):
        apply(quickstart, parse_list(block.splitlines()))


def test_the_faults_are_those_that_are_told(quickstart: Instance) -> None:
    (shown,) = blocks("faults")
    found: list[Fault] = []
    for text in re.findall(r"^offers.*$", shown, flags=re.MULTILINE):
        with pytest.raises(InputError) as caught:
            apply(quickstart, [parse(text)])
        found += caught.value.faults
    assert faults_text(found).split("\n\n", 1)[1] == shown.rstrip("\n")


def test_what_has_periods_and_what_of_the_header_can_be_changed() -> None:
    periods = PAGE.split("## Periods")[1].split("##")[0]
    with_rows = re.findall(r"`(\w+)`", re.search(r"\*\*Rows with a period\*\* \((.*?)\)", periods)[1])
    assert with_rows == [name for name, table in TABLES.items() if PERIOD in table.columns]
    told = re.findall(r"`(\w+)\.(\w+)` \(table `(\w+)`", periods)
    assert told == [(table, column, series.table) for (table, column), series in BY_PERIOD.items()]
    assert re.findall(rf"`{HEADER}\.(\w+) = VALUE`", PAGE) == list(HEADER_COLUMNS)
