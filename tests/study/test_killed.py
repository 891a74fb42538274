"""Batches that are killed at any moment, and batches that share a store: the store is in the end what one undisturbed batch makes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import pytest

from ailis_opt.study.store import Store
from tests.support.studies import dearer, without_times, write_study

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "models")])}
RUNS, KILLS = 200, 20
FEW = 40
PATIENCE = 120  # seconds for a batch to end


class Driver:
    """Starts batches, each a process group of its own, without loading the libraries again."""

    def __init__(self, log: Path) -> None:
        self.log = log
        command = [sys.executable, "-W", "ignore", "-m", "tests.study.driver", str(log)]
        self._process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, study: Path, store: Path) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"study": str(study), "store": str(store)}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self, pid: int) -> None:
        """Until the batch has ended (its parent does not reap it: it is a zombie then)."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(FileNotFoundError):
                if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                    time.sleep(0.02)
                    continue
            return
        pytest.fail("the batch did not end")

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def solved(self) -> list[str]:
        """The cases that were answered, in order."""
        return self.log.read_text().split() if self.log.exists() else []


@contextmanager
def driver(log: Path) -> Iterator[Driver]:
    made = Driver(log)
    try:
        yield made
    finally:
        made.close()


def study_of(folder: Path, runs: int) -> Path:
    """So many runs of two instances, some of them with equal inputs, two that are not valid."""
    whatifs = dearer(runs // 2 - 4)
    whatifs |= {"same": ["offers[offer=hire].price_per_gpu_hour *= 1"], "again": [*whatifs["dear-003"]]}
    return write_study(folder, whatifs | {"bad": ["demand[workload=x].outcomes = 1"]}, 2)


def undisturbed(study: Path, folder: Path, runs: int) -> pd.DataFrame:
    """The index that one batch makes."""
    with driver(folder / "log alone") as made:
        made.wait(made.start(study, folder / "alone"))
        index = Store.open(folder / "alone").index()
        assert len(index) == runs
        assert len(made.solved()) == runs - 2 * 3
        return without_times(index)


def recorded(store: Path) -> dict[str, int]:
    """Name and inode of every file of a run."""
    return {path.name: path.stat().st_ino for path in store.glob("runs/*.parquet")}


def assert_whole(store: Path, alone: pd.DataFrame) -> None:
    """Nothing is missing, half-written or left over; the index that stands, and one made afresh, are those of an undisturbed batch."""
    # Which of the runs with equal inputs was solved, and which refer to it, depends on who came first: the figures do not.
    names = [
        "run",
        "inputs",
        "status",
        "cost",
        "cost_per_outcome",
        "lower",
        "upper",
        "gap",
        "message",
        "asked",
        "changes",
        "instance_sha256",
    ]
    for _ in range(2):
        index = without_times(Store.open(store).index())
        pd.testing.assert_frame_equal(index[names], alone[names])
        (store / "index.parquet").unlink()
    assert list(store.rglob(".*")) == []
    for inputs in index["inputs"].unique():
        row = Store.open(store).row(inputs)
        assert (row["plan"] is None) == (row["status"] == "failed")


@pytest.mark.slow
def test_killed_twenty_times(tmp_path: Path) -> None:
    """What was recorded stays as it is, file by file, and is not solved again; only what was being solved may be."""
    draw, store, study = random.Random(20), tmp_path / "store", study_of(tmp_path, RUNS)
    with driver(tmp_path / "log") as made:
        kills = 0
        while kills < KILLS:
            before, answered = recorded(store), len(made.solved())
            pid = made.start(study, store)
            if kills % 2:  # at any moment of the start, or of the work
                end = time.monotonic() + PATIENCE
                while len(made.solved()) <= answered and time.monotonic() < end:
                    time.sleep(0.005)
            time.sleep(draw.uniform(0, 0.4))
            os.killpg(pid, signal.SIGKILL)
            made.wait(pid)
            kills += 1
            after = recorded(store)
            assert before.items() <= after.items()
            assert not {Path(name).stem for name in before} & set(made.solved()[answered:])
            assert len(after) < RUNS, "killed too late to show anything"
        made.wait(made.start(study, store))
        counts = Counter(made.solved())
        assert sum(counts.values()) <= len(counts) + KILLS, "at most the one run that each kill hit is solved again"
    assert_whole(store, undisturbed(study, tmp_path, RUNS))


def test_two_batches_on_one_store(tmp_path: Path) -> None:
    """At a time, from an empty folder: both end, every run is solved by one of them."""
    store, study = tmp_path / "store", study_of(tmp_path, FEW)
    with driver(tmp_path / "log") as made:
        both = [made.start(study, store) for _ in range(2)]
        for pid in both:
            made.wait(pid)
        counts = Counter(made.solved())
        assert max(counts.values()) == 1
        assert len(counts) == FEW - 2 * 3
    assert_whole(store, undisturbed(study, tmp_path, FEW))


def test_a_batch_takes_over_from_one_that_is_killed(tmp_path: Path) -> None:
    store, study = tmp_path / "store", study_of(tmp_path, FEW)
    with driver(tmp_path / "log") as made:
        first = made.start(study, store)
        second = made.start(study, store)
        while len(recorded(store)) < 10:
            time.sleep(0.01)
        os.killpg(first, signal.SIGKILL)
        made.wait(second)
    assert_whole(store, undisturbed(study, tmp_path, FEW))
