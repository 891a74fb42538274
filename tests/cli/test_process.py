"""The command line as a process: start, streams, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.cases import case, offer
from tests.support.files import write_folder

ROOT = Path(__file__).parents[2]
REAL = ROOT / "instances" / "assistants-transatlantic"
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "models")])}
COMMAND = [sys.executable, "-m", "ailis_opt"]


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, arguments)], env=ENVIRONMENT, capture_output=True, text=True, check=False)


def _start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def test_help_loads_nothing_heavy() -> None:
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ailis_opt", "--help"], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in ran.stderr.splitlines()}
    assert not loaded & {"numpy", "pandas", "pyomo", "highspy", "pydantic", "rich", "plotly", "jinja2", "xlsxwriter"}
    assert "typer" in loaded
    for name in ("demo", "check", "solve", "report", "schema", "130 interrupted"):
        assert name in " ".join(ran.stdout.split())


def test_schema_and_version() -> None:
    document = json.loads(_run("schema").stdout)
    assert {"offers", "workloads", "horizon"} <= set(document["properties"])
    assert _run("--version").stdout.startswith("ailis-opt")


def test_json_alone_on_standard_output(contract: Path) -> None:
    ran = _run("solve", contract, "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["status"] == "optimal"


def test_reader_that_goes_away(contract: Path) -> None:
    """Standard output is closed at its other end before the first word; the exit code is still that of the work."""
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run([*COMMAND, "check", str(contract)], env=ENVIRONMENT, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_narrow_character_set(tmp_path: Path) -> None:
    data = case(1)
    data["tables"]["workloads"][0]["outcome"] = "gelöster Fall"
    data["tables"]["offers"] = [offer("only", 1)]
    folder = write_folder(data, tmp_path / "umlaut")
    environment = ENVIRONMENT | {"PYTHONIOENCODING": "ascii"}
    ran = subprocess.run([*COMMAND, "solve", str(folder)], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "gel?ster Fall" in ran.stdout


@contextmanager
def _at_a_terminal(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process whose standard error is a terminal, and this terminal's other end."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [*COMMAND, *map(str, arguments)]
    environment = ENVIRONMENT | {"TERM": "xterm"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True, start_new_session=True)
    os.close(theirs)
    try:
        yield process, ours
    finally:
        os.close(ours)


def _read(terminal: int, until: bytes | None = None) -> bytes:
    """What the terminal shows, until it shows something, or to its end."""
    seen = b""
    with suppress(OSError):  # closed at the other end
        while (until is None or until not in seen) and (part := os.read(terminal, 4096)):
            seen += part
    return seen


@pytest.mark.parametrize("quiet", [False, True])
def test_progress_goes_to_a_terminal_only(contract: Path, quiet: bool) -> None:
    with _at_a_terminal("solve", contract, *(["--quiet"] if quiet else [])) as (process, terminal):
        seen = _read(terminal)
        text, _ = process.communicate()
    assert process.returncode == 0
    assert (b"reading and preparing" in seen) != quiet
    assert "\x1b" not in text


@pytest.mark.slow
def test_interruption_once_there_is_a_plan(hard: Path, tmp_path: Path) -> None:
    out = tmp_path / "result"
    with _at_a_terminal("solve", hard, "--gap", "1e-9", "--json", "--out", out) as (process, terminal):
        assert b"gap" in _read(terminal, b"gap")
        process.send_signal(signal.SIGINT)
        seen = _read(terminal)
        text, _ = process.communicate()
    assert process.returncode == 130, seen
    document = json.loads(text)
    assert (document["status"], document["interrupted"]) == ("limit", True)
    assert document["audit"]["ok"]
    assert json.loads((out / "result.json").read_text()) == document


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [3.0, 8.0])
def test_interruption(tmp_path: Path, seconds: float) -> None:
    """130, with a plan that is whole or with none."""
    out = tmp_path / "result"
    process = _start("solve", REAL, "--json", "--out", out)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    text, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    document = json.loads(text)
    planned = document["schema"] == "ailis-opt-result/1"
    assert planned == (out / "result.json").exists() == out.exists()
    assert "Traceback" not in errors


@pytest.mark.slow
def test_killed_leaves_nothing(tmp_path: Path) -> None:
    process = _start("solve", REAL, "--out", tmp_path / "result")
    time.sleep(6)
    process.kill()
    process.communicate(timeout=30)
    assert not list(tmp_path.iterdir())


def test_interrupted_what_ifs_are_told_as_far_as_they_are_solved(hard: Path) -> None:
    """Each instance takes its two seconds: the interruption comes while the second or third is solved."""
    sets = [part for i in range(20) for part in ("--set", f"offers[offer=hire-me].price_per_gpu_hour = {5 + i}")]
    process = _start("whatif", hard, "--jobs", 1, "--gap", "1e-12", "--time-limit", 2, "--json", *sets)
    try:
        time.sleep(7)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130, err
    document = json.loads(out)
    if document["schema"] == "ailis-opt-whatif/1":  # on a slow machine even the base was not there yet
        assert document["interrupted"] is True
        assert len(document["cases"]) < 20
        assert document["base"]["status"] == "limit"
