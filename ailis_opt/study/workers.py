"""Solves of many instances, spread over worker processes, each with one session: what is alike is fast from one to the next."""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ailis_opt.engine.process import GRACE, Worker
from ailis_opt.engine.worker import receive, send
from ailis_opt.errors import AilisError, NoPlanError
from ailis_opt.optimize import GAP
from ailis_opt.result import Result
from ailis_opt.schema.instance import Instance
from ailis_opt.session import Session

TICK = 0.02  # seconds between looks at a worker


@dataclass(frozen=True, slots=True)
class Case:
    """One instance to solve. `key` is the asker's own; `time_limit` in seconds."""

    key: str
    instance: Instance
    gap: float = GAP
    time_limit: float = np.inf


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a case: a result or an error."""

    key: str
    result: Result | None
    error: AilisError | None
    seconds: float


def solve_case(session: Session, case: Case) -> Reply:
    """One case in this process."""
    begun = time.monotonic()
    try:
        result, error = session.solve(case.instance, gap=case.gap, time_limit=case.time_limit), None
    except AilisError as raised:
        result, error = None, raised
    return Reply(case.key, result, error, time.monotonic() - begun)


class Workers:
    """Worker processes. A worker that exceeds a case's limit (and a grace) is killed and replaced; its case is answered with an error."""

    def __init__(self, jobs: int | None = None, grace: float = GRACE) -> None:
        self.jobs, self.grace = jobs or os.cpu_count() or 1, grace
        self._workers = [self._started() for _ in range(self.jobs)]
        self._running: dict[int, tuple[Case, float]] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.close()

    def _started(self) -> Worker:
        worker = Worker("ailis_opt.study.workers")
        worker.start(os.getpid())
        return worker

    def run(self, cases: Iterable[Case]) -> Iterator[Reply]:
        """Replies as they come. A case is taken from `cases` only when a worker is free for it."""
        waiting, more = iter(cases), True
        while more or self._running:
            for i, worker in enumerate(self._workers):
                if more and i not in self._running:
                    case = next(waiting, None)
                    if case is None:
                        more = False
                        break
                    worker.send(case)
                    self._running[i] = (case, time.monotonic())
            yield from self._collect()

    def _collect(self) -> Iterator[Reply]:
        """Replies that are there after a short wait."""
        for i, (case, begun) in list(self._running.items()):
            try:
                reply = self._workers[i].next(timeout=TICK / self.jobs)
            except queue.Empty:
                if time.monotonic() < begun + case.time_limit + self.grace:
                    continue
                reply = NoPlanError(f"the solver did not stop {self.grace:g} s after its limit of {case.time_limit:g} s and was ended")
            del self._running[i]
            if isinstance(reply, Reply):
                yield reply
                continue
            self._workers[i].close()
            self._workers[i] = self._started()
            error = reply if isinstance(reply, AilisError) else AilisError("the worker process ended without an answer")
            yield Reply(case.key, None, error, time.monotonic() - begun)


def main() -> None:
    """Entry point of a worker: cases until the stream ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints goes to standard error
    receive(sys.stdin.buffer)  # a greeting
    session = Session()
    with suppress(BrokenPipeError):  # whoever asked was killed
        while (case := receive(sys.stdin.buffer)) is not None:
            send(out, solve_case(session, case))
    os._exit(0)  # what cannot be written any more is not to be told of
