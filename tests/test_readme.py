"""README.md says what is so: its examples run, its commands, options, layers and links exist, its output is printed."""

from __future__ import annotations

import doctest
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import ailis_opt
from ailis_models.layers import LAYERS
from ailis_opt import errors
from ailis_opt.cli import main
from ailis_opt.cli.app import app
from ailis_opt.cli.demo import GAP

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGE = README.read_text(encoding="utf-8")
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "models")])}
SOLVED = "ailis-opt solve instances/quickstart --gap 1e-9"
EXPLAINED = "ailis-opt explain instances/quickstart"
MINE = "ailis-opt solve mine.yaml --out mine-result"


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every command line in the blocks of shell, in order."""
    return [line for block in blocks("sh") for line in block.splitlines()]


def first_cells(header: str) -> list[str]:
    """The first cells of the table under a header, without code marks."""
    table = PAGE.split(f"\n{header}\n", 1)[1].split("\n\n", 1)[0].splitlines()[1:]
    return [line.split("|")[1].strip().strip("`") for line in table]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what a reader has: the files saved from the page, and the shipped quickstart."""
    (text,) = blocks("yaml")
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    for name, content in re.findall(r"^```yaml (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        (tmp_path / name).write_text(content, encoding="utf-8")
    shutil.copytree(ROOT / "instances" / "quickstart", tmp_path / "instances" / "quickstart")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def run(line: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", shlex.split(line))
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_commands_run(desk: Path, update: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """The commands end well, and what the page shows of the quickstart is what is printed (`--update` renews it)."""
    printed = {}
    for line in commands():
        assert run(line, monkeypatch) == 0, line
        printed[line] = capfd.readouterr().out
    shown, now = blocks("text")[-1], printed[SOLVED].split("\nAudit\n")[0].rstrip("\n") + "\n"
    if update:
        README.write_text(PAGE.replace(shown, now), encoding="utf-8")
    else:
        assert shown == now
    (explained,), way = blocks("console"), printed[EXPLAINED].split("\n3  What limits me?\n")[0].rstrip("\n") + "\n"
    if update:
        README.write_text(
            README.read_text(encoding="utf-8").replace(f"```console\n{explained}```", f"```console\n{way}```"), encoding="utf-8"
        )
    else:
        assert explained == way
    mine = printed[MINE]
    figure = re.search(r"The answer: ([\d.]+) EUR a ticket", PAGE)
    assert figure is not None
    assert f"{figure[1]} EUR per resolved ticket" in mine
    signed = [row.split()[1:4:2] for row in mine.splitlines() if row.startswith("  paris-reserved")]
    assert signed == [["2027-01", "1"], ["2027-02", "1"]]


def test_the_cases_of_whatif_are_as_shown(
    desk: Path, update: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What the page shows of `whatif` is what is printed, and the switches that it tells of lie in the intervals found."""
    compared, swept = [line for line in commands() if " whatif " in line]
    assert run(compared, monkeypatch) == 0
    now = capfd.readouterr().out.rstrip("\n") + "\n"
    (shown,) = blocks("output")
    if update:
        README.write_text(PAGE.replace(f"```output\n{shown}```", f"```output\n{now}```"), encoding="utf-8")
    else:
        assert shown == now
    assert run(f"{swept} --json", monkeypatch) == 0
    switches = json.loads(capfd.readouterr().out)["sweep"]["switches"]
    told = re.search(r"up to ([\d.]+) USD an hour, a second one up to ([\d.]+), and the first one up to ([\d.]+)", PAGE)
    assert told is not None
    assert len(switches) == 3
    assert all(s["from"] <= float(price) <= s["to"] for s, price in zip(switches, told.groups(), strict=True))


def test_the_day_goes_as_told(desk: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Every command of the day, in order, prints what stands under it; `...` is for what the page leaves out."""
    day = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(blocks("shell-session")), re.MULTILINE)
    assert {line.split()[1] for line, _ in day} == {"check", "solve", "whatif", "quote", "batch", "compare", "export"}
    for line, shown in day:
        assert run(line, monkeypatch) == 0, line
        printed = capfd.readouterr().out
        assert doctest.OutputChecker().check_output(shown, printed, doctest.ELLIPSIS), f"{line}\n{printed}"
    assert "fra-reserved" in Path("commitments.csv").read_text(encoding="utf-8")


def test_excerpt_of_the_demo() -> None:
    """What the page shows of the real instance is no older than its stored answer."""
    stored = json.loads((ROOT / "instances" / "assistants-transatlantic" / "expected.json").read_text(encoding="utf-8"))
    shown = re.search(
        r"^  ([\d.]+) USD per weighted outcome\n  certified: no plan costs less than ([\d.]+)", blocks("text")[0], re.MULTILINE
    )
    assert shown is not None
    plan, bound, bounds = float(shown[1]), float(shown[2]), stored["bounds"]
    assert bounds["lower"] <= plan <= bounds["upper"] * (1 + GAP)
    assert bound <= bounds["upper"]


def test_python_runs(desk: Path) -> None:
    """As a script of its own, without the guard that multiprocessing would ask for."""
    (text,) = blocks("python")
    (desk / "example.py").write_text(text, encoding="utf-8")
    ran = subprocess.run([sys.executable, "-W", "error", "example.py"], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "paris-reserved" in ran.stdout
    for name in ("served", "hired", "placements", "use", "energy", "costs"):
        assert f"'{name}'" in ran.stdout


def test_names_of_the_python_face() -> None:
    named = re.search(r"Five names: (.*)\.\n", PAGE)
    assert named is not None
    assert set(re.findall(r"`(\w+)`", named[1])) == set(ailis_opt.__all__)


def test_commands_and_options_exist() -> None:
    registered = typer.main.get_command(app)
    known = registered.commands  # type: ignore[attr-defined]
    assert {cell.split()[1] for cell in first_cells("| command | does |")} == set(known)
    assert set(re.findall(r"ailis-opt ([a-z]+)\b", PAGE)) <= set(known)
    inner = [command for group in known.values() for command in getattr(group, "commands", {}).values()]
    every = (*known.values(), *inner, registered)
    options = {option for command in every for each in command.params for option in each.opts} | {"--help"}
    own = re.sub(r"pytest --\w+", "", PAGE)
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", own)) <= options


def test_exit_codes() -> None:
    codes = {int(cell) for cell in first_cells("| exit code | means |")}
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.AilisError)]
    assert {kind.exit_code for kind in kinds} <= codes
    assert {0, 4, 130} <= codes


def test_layers() -> None:
    rows = [line.split("|")[1:3] for line in PAGE.split("\n## The layers\n")[1].split("\n## ")[0].splitlines() if line.startswith("|")]
    assert [(name.strip(), title.strip()) for name, title in rows[2:]] == [(layer.id, layer.title) for layer in LAYERS]


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CHANGELOG.md",
        "instances/quickstart/README.md",
        "instances/assistants-transatlantic/README.md",
        "instances/hedging-h100/README.md",
    ],
)
def test_links_lead_somewhere(page: str) -> None:
    file = ROOT / page
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", file.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (file.parent / link).exists()] == []


def test_make_targets_and_folders_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)[ `\n]", "".join(re.findall(r"`make \w+`|^    make \w+ ", PAGE, re.MULTILINE)))) <= targets
    folders = [name for cell in first_cells("| folder | holds |") for name in re.findall(r"[\w/]+/", cell)]
    assert folders
    assert [name for name in folders if not (ROOT / name).is_dir()] == []


def test_changelog_names_the_version() -> None:
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
