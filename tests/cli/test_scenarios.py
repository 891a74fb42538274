"""`ailis-opt scenarios`: what it says and writes, again from its own fit, and wrong input."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ailis_opt.changes.scenarios import variants
from ailis_opt.io import read
from ailis_opt.scenarios import draw, read_fit
from tests.cli.conftest import Run
from tests.support.files import write_folder
from tests.support.histories import small_case, small_history

EVENT = "gone & <b>:\n  kind: withdrawal\n  where: contract=interruptible\n  probability: 0.5\n"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """An instance, a history and events."""
    write_folder(small_case(), tmp_path / "small")
    small_history(tmp_path / "history.csv")
    (tmp_path / "events.yaml").write_text(EVENT)
    return tmp_path


def test_it_writes_an_instance_with_scenarios_and_the_fit(desk: Path, ailis: Run) -> None:
    line = (
        "scenarios",
        desk / "small",
        "--from",
        desk / "history.csv",
        "--events",
        desk / "events.yaml",
        "--draws",
        4,
        "--out",
        desk / "out",
    )
    ran = ailis(*line)
    assert ran.code == 0, ran.err
    assert "small: 4 scenarios" in ran.out
    assert re.search(r"^  gone & <b>  withdrawal  reliability        50.0%  50.0%$", ran.out, re.MULTILINE)
    assert re.search(r"^  market +- +60 ", ran.out, re.MULTILINE)
    assert ran.err == f"written: {desk / 'out'} (the instance with its scenarios, fit.json and fit.html)\n"
    written = read(desk / "out")
    assert len(variants(written)) == 4
    assert draw(read_fit(desk / "out" / "fit.json"), read(desk / "small"), 4, 1).sha256 == written.sha256
    page = (desk / "out" / "fit.html").read_text()
    assert "<b>" not in page.split("<script>")[0]
    figures = json.loads(page.split('id="figures">')[1].split("</script>")[0])
    assert {"fig-correlation", "fig-end-0"} <= set(figures)
    assert sum(name.startswith("fig-band") for name in figures) == 9
    assert ailis(*line).code == 0  # its own folder may be written again


def test_a_fit_draws_again_as_told(desk: Path, ailis: Run) -> None:
    first = ailis("scenarios", desk / "small", "--from", desk / "history.csv", "--draws", 3, "--out", desk / "out", "--json")
    again = ailis("scenarios", desk / "small", "--from", desk / "out" / "fit.json", "--draws", 3, "--json")
    other = ailis("scenarios", desk / "small", "--from", desk / "out" / "fit.json", "--draws", 3, "--seed", 2, "--json")
    one, two, three = (json.loads(ran.out) for ran in (first, again, other))
    assert one.pop("path") == str(desk / "out")
    assert two.pop("path") is None
    assert one == two
    assert (one["schema"], one["draws"], one["seed"]) == ("ailis-opt-scenarios/1", 3, 1)
    assert {"name", "basis", "volatility_per_year"} <= set(one["fit"]["factors"][0])
    assert three["instance_sha256"] != one["instance_sha256"]


def test_events_may_be_added_to_a_fit_and_not_replaced(desk: Path, ailis: Run) -> None:
    ailis("scenarios", desk / "small", "--from", desk / "history.csv", "--draws", 2, "--out", desk / "out")
    line = ("scenarios", desk / "small", "--from", desk / "out" / "fit.json", "--events", desk / "events.yaml", "--draws", 2)
    assert ailis(*line, "--out", desk / "more").code == 0
    ran = ailis("scenarios", desk / "small", "--from", desk / "more" / "fit.json", "--events", desk / "events.yaml")
    assert ran.code == 2
    assert "has events of its own" in ran.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--from", "none.csv"), "none.csv\n  does not exist"),
        (("--from", "none.json"), "none.json\n  does not exist"),
        (("--from", "history.csv", "--events", "none.yaml"), "none.yaml\n  does not exist"),
        (("--from", "small/offers.csv"), "history has no column 'offer'"),
        (("--from", "history.csv", "--draws", "0"), "1 or more"),
        (("--from", "history.csv", "--out", "small"), "is the folder of an instance"),
        ((), "--from"),
    ],
)
def test_wrong_input_is_told(options: tuple[str, ...], told: str, desk: Path, ailis: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    ran = ailis("scenarios", "small", *options)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_an_event_on_nothing_is_told_with_its_name(desk: Path, ailis: Run) -> None:
    (desk / "events.yaml").write_text("gone:\n  kind: withdrawal\n  where: region=nowhere\n  probability: 0.5\n")
    ran = ailis("scenarios", desk / "small", "--from", desk / "history.csv", "--events", desk / "events.yaml", "--json")
    assert ran.code == 2
    (fault,) = json.loads(ran.out)["faults"]
    assert fault["column"] == "event gone"
    assert "no region of offers is 'nowhere'" in fault["why"]
    assert "event gone" in ran.err
