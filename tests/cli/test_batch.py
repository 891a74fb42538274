"""`ailis-opt batch`, as a user meets it."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ailis_opt.output import files
from ailis_opt.study.store import Store
from tests.cli.conftest import Run
from tests.support.studies import Canned, dearer, without_times, write_study

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "models")])}
COMMAND = [sys.executable, "-m", "ailis_opt", "batch"]


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> list[Canned]:
    """No worker processes: every case has an answer at once. The pools that were made are listed."""
    made: list[Canned] = []

    def pool(jobs: int | None) -> Canned:
        made.append(Canned())
        return made[-1]

    monkeypatch.setattr("ailis_opt.cli.batch.Workers", pool)
    return made


@pytest.mark.usefixtures("canned")
def test_a_study(ailis: Run, tmp_path: Path) -> None:
    study = write_study(tmp_path, dearer(2) | {"bad": ["offers[offer=x].max_lots = 1"]})
    ran = ailis("batch", study)
    assert (ran.code, ran.out.splitlines()[0]) == (0, f"4 runs in {tmp_path / 'study.store'}: 1 failed, 3 optimal")
    assert ran.err.splitlines() == ["0 of 4 runs done, 0 failed, 4 to go", "4 of 4 runs done, 1 failed, 0 to go"]
    again = ailis("batch", study)
    assert again.code == 2
    assert "has 4 of the 4 runs of this study already" in again.err
    assert "--resume" in again.err
    assert not again.out


def test_resume(ailis: Run, tmp_path: Path, canned: list[Canned]) -> None:
    study = write_study(tmp_path, dearer(2))
    assert ailis("batch", study, "--quiet").code == 0
    ran = ailis("batch", study, "--resume", "--json")
    document = json.loads(ran.out)
    assert len(canned) == 1, "nothing to do, no workers"
    assert {name: document[name] for name in ("schema", "runs", "found", "solved", "statuses")} == {
        "schema": "ailis-opt-batch/1",
        "runs": 3,
        "found": 3,
        "solved": 0,
        "statuses": {"optimal": 3},
    }
    study.write_text(study.read_text().replace("dear-001", "dearest"))
    ran = ailis("batch", study, "--resume", "--json", "--quiet")
    assert (json.loads(ran.out)["found"], ran.err) == (2, "")


@pytest.mark.usefixtures("canned")
def test_store_elsewhere_and_limits(ailis: Run, tmp_path: Path) -> None:
    study = write_study(tmp_path, {}, solve={"gap": 0.01, "time_limit": 50})
    assert ailis("batch", study, "--store", tmp_path / "a" / "b", "--limit-per-run", 20).code == 0
    index = Store.open(tmp_path / "a" / "b").index()
    assert (index["gap_asked"].tolist(), index["time_limit"].tolist()) == ([0.01], [20.0])


WRONG: dict[str, tuple[list[Any], tuple[str, ...]]] = {
    "no study": (["nowhere.yaml"], ("nowhere.yaml", "does not exist", "ailis-opt-study/1")),
    "an instance": (["tiny-0/instance.yaml"], ("schema", "ailis-opt/1", "ailis-opt-study/1", "instances")),
    "a folder": (["tiny-0"], ("is a folder", "a YAML file")),
    "store in an instance": (["study.yaml", "--store", "tiny-0"], ("tiny-0", "is the folder of an instance")),
    "store among files": (["study.yaml", "--store", "."], ("a folder with other files", "Name a new folder")),
    "store is a file": (["study.yaml", "--store", "study.yaml"], ("is a file",)),
    "jobs": (["study.yaml", "--jobs", "0"], ("1 or more",)),
    "limit": (["study.yaml", "--limit-per-run", "-1"], ("above 0",)),
    "retry alone": (["study.yaml", "--retry-failed"], ("--resume",)),
    "jobs and dask": (["study.yaml", "--jobs", "2", "--dask", "tcp://127.0.0.1:9"], ("--jobs",)),
    "option": (["study.yaml", "--resum"], ("--resume",)),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(ailis: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_study(tmp_path, {})
    arguments, words = WRONG[name]
    ran = ailis("batch", *arguments)
    assert (ran.code, ran.out) == (2, "")
    text = " ".join(ran.err.replace("│", " ").split())
    assert [word for word in words if word not in text] == [], ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "study.store").exists()


@pytest.mark.usefixtures("canned")
def test_a_full_disk(ailis: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full after some runs: a clear error, and what was recorded is whole; with space again the rest is solved."""
    study, calls = write_study(tmp_path, dearer(4)), iter(range(1000))
    real, left = os.fsync, 11  # the instance, its tables and some runs still fit

    def full(handle: int) -> None:
        if next(calls) >= left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fsync", full)
        ran = ailis("batch", study, "--json")
    assert ran.code == 2
    assert "No space left on device" in ran.err
    assert json.loads(ran.out)["exit_code"] == 2
    store = tmp_path / "study.store"
    done = len(list(store.glob("runs/*")))
    assert 0 < done < 5
    assert list(store.rglob(".*")) == []
    assert ailis("batch", study, "--resume").out.startswith(f"5 runs in {store}, {done} of them before: 5 optimal")


@pytest.mark.slow
def test_a_tiny_disk(tmp_path: Path) -> None:
    """The same on a real disk of 96 kB, where one may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80k", "none", str(disk)], capture_output=True, check=False).returncode != 0:
        pytest.skip("may not mount a file system")
    try:
        study = write_study(tmp_path, dearer(15))
        ran = subprocess.run(
            [*COMMAND, str(study), "--store", str(disk / "s"), "--jobs", "1"], env=ENVIRONMENT, capture_output=True, text=True
        )
        assert (ran.returncode, ran.stdout) == (2, ""), ran.stderr
        assert "No space left on device" in ran.stderr
        assert "Traceback" not in ran.stderr
        assert list(disk.rglob(".*")) == []
        done = len(list(disk.glob("s/runs/*.parquet")))
        assert 0 < done < 16
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        ran = subprocess.run(
            [*COMMAND, str(study), "--store", str(disk / "s"), "--resume"], env=ENVIRONMENT, capture_output=True, text=True
        )
        assert ran.returncode == 2
        assert "Read-only file system" in ran.stderr or "may not be written" in ran.stderr
        command = [sys.executable, "-m", "ailis_opt", "compare", str(disk / "s"), "--json"]
        ran = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
        assert len(json.loads(ran.stdout)["runs"]) == done, "what is there can be read"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _wait_for_runs(store: Path, count: int) -> None:
    end = time.monotonic() + 60
    while len(list(store.glob("runs/*.parquet"))) < count:
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
def test_interrupted_then_killed_then_resumed(tmp_path: Path) -> None:
    """With real solves: Ctrl-C ends with 130 and an index, kill -9 with neither, and the store is what an undisturbed batch makes."""
    study, store = write_study(tmp_path, dearer(9), 2), tmp_path / "store"
    command = [*COMMAND, str(study), "--store", str(store), "--resume", "--jobs", "2"]
    for how, at in ((signal.SIGINT, 3), (signal.SIGKILL, 7), (signal.SIGKILL, 11)):
        listen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # even where the tests themselves were told not to
        with subprocess.Popen(
            command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=listen
        ) as process:
            _wait_for_runs(store, at)
            os.killpg(process.pid, how)
            _, errors = process.communicate(timeout=60)
        assert process.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
        assert "Traceback" not in errors
        if how == signal.SIGINT:
            assert "go on with --resume" in errors
            assert len(pd.read_parquet(store / "index.parquet")) == len(list(store.glob("runs/*.parquet")))
            assert list(store.rglob(".*")) == []
    kept = {path.name: path.stat().st_ino for path in store.glob("runs/*.parquet")}
    assert len(kept) < 20
    assert subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False).returncode == 0
    assert kept.items() <= {path.name: path.stat().st_ino for path in store.glob("runs/*.parquet")}.items()
    alone = [*COMMAND, str(study), "--store", str(tmp_path / "alone"), "--jobs", "2"]
    assert subprocess.run(alone, env=ENVIRONMENT, capture_output=True, check=False).returncode == 0
    found, expected = (without_times(Store.open(tmp_path / name).index()) for name in ("store", "alone"))
    assert len(found) == 20
    bounds = ["lower", "upper", "gap", "cost", "cost_per_outcome", "idle"]  # within the gap: each run starts from another one
    pd.testing.assert_frame_equal(found.drop(columns=bounds), expected.drop(columns=bounds))
    pd.testing.assert_series_equal(found["cost_per_outcome"], expected["cost_per_outcome"], rtol=2e-4)
    assert (found["lower"] <= expected["upper"] * (1 + 1e-9)).all()
    assert (expected["lower"] <= found["upper"] * (1 + 1e-9)).all()
