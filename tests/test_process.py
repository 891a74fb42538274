"""The worker process: killed, interrupted, late; no plan is lost and no time limit is overrun for long."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ailis_opt import solve
from ailis_opt.engine import process
from ailis_opt.engine.search import Options, Progress
from ailis_opt.errors import NoPlanError
from ailis_opt.io import read
from ailis_opt.prepare import prepare

INSTANCES = Path(__file__).parents[1] / "instances"
HARD = INSTANCES / "assistants-transatlantic"


def test_child_and_own_process_agree() -> None:
    path = INSTANCES / "quickstart"
    child, here = solve(path, gap=1e-9), solve(path, gap=1e-9, in_process=True)
    assert child.objective == here.objective
    assert child.purchases.equals(here.purchases)


def test_a_worker_that_dies_before_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(_: Progress) -> None:
        worker._process.kill()

    data = prepare(read(HARD)).data
    worker = process.Worker()
    with pytest.raises(NoPlanError, match="before it found a plan"):
        process.run(data, Options(ratio=True), kill, worker)


def _after_a_plan(action: Callable[[], None]) -> Callable[[Progress], None]:
    """Progress that acts once, when the first plan has been told."""
    done = threading.Event()

    def tell(progress: Progress) -> None:
        if progress.integers is not None and not done.is_set():
            done.set()
            action()

    return tell


@pytest.mark.slow
def test_the_last_plan_of_a_killed_worker_is_polished() -> None:
    data = prepare(read(HARD)).data
    worker = process.Worker()
    solved, interrupted = process.run(data, Options(ratio=True, gap=1e-6), _after_a_plan(lambda: worker._process.kill()), worker)
    outcome = solved.outcome
    assert not interrupted
    assert outcome.status == "limit"
    assert outcome.x is not None
    assert 0 < outcome.lower <= outcome.upper < np.inf


@pytest.mark.slow
def test_an_interrupted_search_gives_its_audited_plan() -> None:
    result = solve(HARD, gap=1e-6, progress=_after_a_plan(lambda: os.kill(os.getpid(), signal.SIGINT)))
    assert result.interrupted
    assert result.status == "limit"
    assert result.audit.ok
    assert 0 < result.bounds.lower <= result.bounds.upper
