"""Command lines, files and folders that are not what a command takes: what is said, and nothing written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import typer

from ailis_opt.cli.app import GROUPS, app
from tests.cli.conftest import Run

QUICKSTART = Path(__file__).parents[2] / "instances" / "quickstart"
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: an instance, things that are none, and what a run looks like."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(QUICKSTART, tmp_path / "the instance")
    shutil.copytree(QUICKSTART, tmp_path / "run" / "instance")
    (tmp_path / "empty").mkdir()
    (tmp_path / "note").write_text("hello", encoding="utf-8")
    (tmp_path / "pic.png").write_bytes(PICTURE)
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04\0\0")
    (tmp_path / "list.yaml").write_text("- a\n", encoding="utf-8")
    for name, sign in (("semicolons", ";"), ("tabs", "\t")):
        shutil.copytree(QUICKSTART, tmp_path / name)
        text = (QUICKSTART / "demand.csv").read_text(encoding="utf-8")
        (tmp_path / name / "demand.csv").write_text(text.replace(",", sign), encoding="utf-8")
    return tmp_path


def _all(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (("slove", "the instance"), "Did you mean 'solve'?"),
        (("solve",), "Missing argument 'INSTANCE'"),
        (("solve", "the instance", "--gpa", "1"), "--gap"),
        (("check", "the instance", "more"), "unexpected extra argument"),
        (("whatif", "the instance"), "say what is changed"),
        (("batch", "study.yaml", "--retry-failed"), "goes with --resume"),
        (("export", "xslx", "the instance"), "Did you mean 'xlsx'?"),
        (("import", "skypilt", "x"), "Did you mean 'skypilot'?"),
    ],
)
def test_a_wrong_command_line_is_a_document_too(desk: Path, ailis: Run, line: tuple[str, ...], words: str) -> None:
    before = _all(desk)
    said, told = ailis(*line), ailis(*line, "--json")
    assert (said.code, said.out) == (2, "")
    assert words in said.err
    document = json.loads(told.out)
    assert (told.code, document["schema"], document["exit_code"]) == (2, "ailis-opt-error/1", 2)
    assert words in document["message"]
    assert said.err == told.err
    assert _all(desk) == before


@pytest.mark.parametrize(
    ("line", "where", "why", "mend"),
    [
        (("check", "pic.png"), "pic.png", "not text", "Name a text file"),
        (("check", "book.xlsx"), "book.xlsx", "workbook", "import xlsx"),
        (("check", "note"), "note", "not `key: value` lines", "schema: ailis-opt/1"),
        (("check", "list.yaml"), "list.yaml", "not `key: value` lines", "schema: ailis-opt/1"),
        (("check", "semicolons"), "demand.csv", "no comma", "Separate the columns by commas"),
        (("check", "tabs"), "demand.csv", "no comma", "Separate the columns by commas"),
        (("check", "run"), "run", "is a run", "run/instance"),
        (("solve", "the instance", "--out", "plan.pdf"), "plan.pdf", "has the name of a file", "Name a folder"),
        (("solve", "the instance", "--out", "note/plan"), "note", "is a file", "Name a folder"),
        (("explain", "the instance", "--layers", ","), "--layers", "names no layer", "L10-L14"),
        (("explain", "the instance", "--loosen", "L10"), "--loosen", "no layer of this name", "L10-L14"),
        (("whatif", "the instance", "--sweep", "demand.outcomes *= 1..2 / 1"), "1..2 / 1", "1 value\n", "2 to 1001"),
        (("quote", "the instance", "--offer", "pic.png"), "pic.png", "not text", "Name a text file"),
        (("batch", "pic.png"), "pic.png", "not text", "Name a text file"),
        (("compare", "note"), "note", "is a file, not a run", "ailis-opt solve INSTANCE --out"),
        (("export", "pic.png"), "pic.png", "is a file, not a run", "ailis-opt solve INSTANCE --out"),
    ],
)
def test_what_is_not_what_it_should_be(desk: Path, ailis: Run, line: tuple[str, ...], where: str, why: str, mend: str) -> None:
    """One fault, with its place, its reason and its mend; nothing is written."""
    before = _all(desk)
    ran = ailis(*line)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("bad input: 1 fault\n")
    assert all(words in ran.err for words in (where, why, mend)), ran.err
    told = json.loads(ailis(*line, "--json").out)
    assert (told["kind"], len(told["faults"])) == ("InputError", 1)
    assert _all(desk) == before


def test_a_path_with_spaces_is_read(desk: Path, ailis: Run) -> None:
    assert ailis("check", "the instance").code == 0


def test_help_tells_every_command_once_and_whole(ailis: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in one group, on one line of 80 columns."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(commands)
    monkeypatch.setenv("COLUMNS", "80")
    lines = ailis("--help").out.splitlines()
    for title, names in GROUPS.items():
        at = lines.index(f"{title}:") + 1
        assert [line.split()[0] for line in lines[at : at + len(names)]] == list(names)
    assert not any(line.endswith("...") for line in lines[3:])


def test_schema_takes_json_as_all_do(ailis: Run) -> None:
    assert json.loads(ailis("schema", "--json").out) == json.loads(ailis("schema").out)


def test_whatif_fits_80_columns(desk: Path, ailis: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every case and every value of a sweep stands on one line, its bar too."""
    monkeypatch.setenv("COLUMNS", "80")
    ran = ailis(
        *("whatif", "the instance", "--jobs", 1, "--quiet", "--set", "offers[contract=on_demand].price_per_gpu_hour *= 1.3"),
        *("--sweep", "offers[offer=fra-reserved].price_per_gpu_hour = 3..4 / 4"),
    )
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert len([line for line in lines if line.startswith("  case 1 ") and line.endswith("100%")]) == 1
    assert [line.split()[0] for line in lines if "█" in line] == ["3", "3.33333", "3.66667", "4"]
