"""`ailis-opt demo`, on an instance that is solved at once in place of the real one."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from ailis_opt.cli import demo
from tests.cli.conftest import Run


@pytest.fixture
def origin(contract: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (contract / "README.md").write_text("where it comes from")
    (contract / "derive.py").write_text("print()")
    monkeypatch.setattr(demo, "source", lambda: contract)
    monkeypatch.chdir(contract.parent)
    return contract


def test_copies_solves_explains_and_names_three_commands(ailis: Run, origin: Path) -> None:
    ran = ailis("demo")
    assert ran.code == 0
    assert "8,655 EUR" in ran.out
    folder = Path("ailis-opt-demo")
    assert (folder / "result" / "result.json").is_file()
    assert (folder / "README.md").is_file()
    assert not (folder / "derive.py").exists()
    commands = [shlex.split(line) for line in ran.out[ran.out.index("\nNext\n") :].splitlines() if line.startswith("  ailis-opt ")]
    assert [command[1] for command in commands] == ["check", "explain", "solve"]
    assert "from the commodity price to the real one" in ran.out
    assert ran.out.rstrip().endswith(str(folder / "result" / "report.html"))
    assert (folder / "result" / "report.html").is_file()
    for command in commands:
        assert ailis(*command[1:]).code == 0
    assert Path("ailis-opt-demo/result/summary.txt").is_file()


def test_refreshes_its_own(ailis: Run, origin: Path) -> None:
    ailis("demo", "--out", "here")
    (origin / "README.md").write_text("newer")
    assert ailis("demo", "--out", "here").code == 0
    assert Path("here/README.md").read_text() == "newer"


def test_leaves_alone_what_is_edited_or_not_its_own(ailis: Run, origin: Path) -> None:
    ailis("demo", "--out", "here")
    edited = Path("here/offers.csv").read_text().replace("reserve", "my-offer")
    Path("here/offers.csv").write_text(edited)
    ran = ailis("demo", "--out", "here")
    assert (ran.code, ran.out) == (2, "")
    assert "edited" in ran.err
    assert Path("here/offers.csv").read_text() == edited
    Path("other").mkdir()
    Path("other/notes.txt").write_text("mine")
    ran = ailis("demo", "--out", "other")
    assert (ran.code, ran.out) == (2, "")
    assert [p.name for p in Path("other").iterdir()] == ["notes.txt"]


def test_the_real_instance_is_there() -> None:
    assert (demo.source() / "instance.yaml").is_file()
