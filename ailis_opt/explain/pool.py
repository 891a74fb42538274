"""Solves of many sets of layers, spread over processes. Each holds the program once and starts from its own last basis."""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.engine.process import GRACE, Worker
from ailis_opt.engine.worker import receive, send
from ailis_opt.errors import AilisError
from ailis_opt.explain.layered import Layered
from ailis_opt.schema.instance import Instance

MOST_PLANS = 64  # kept in each process


@dataclass(frozen=True, slots=True)
class Task:
    """One set of layers to solve. `key` is the asker's own; `opened`: workload and pool whose routes a layer does not close."""

    key: object
    layers: frozenset[str]
    price: float
    gap: float
    seconds: float
    quick: bool
    opened: tuple[int, int, str] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a solve proved: `lower` <= z <= `upper`; both infinite where nothing is feasible."""

    task: Task
    lower: float
    upper: float
    seconds: float


class Tasks:
    """Solves tasks in this process. Plans of the sets solved so far serve the sets inside them."""

    def __init__(self, layered: Layered) -> None:
        self.layered = layered
        self._plans: dict[frozenset[str], tuple[float, Floats]] = {}

    def solve(self, task: Task) -> Reply:
        """One task."""
        layered, begun = self.layered, time.monotonic()
        program = layered.opened(*task.opened) if task.opened else layered.only(task.layers)
        price = task.price if np.isfinite(task.price) else None
        outcome = layered.solve(program, task.gap, task.seconds, price, task.quick, self._known(task.layers))
        if outcome.x is not None and task.opened is None:
            self._plans[task.layers] = (outcome.upper, outcome.x)
            if len(self._plans) > MOST_PLANS:
                del self._plans[next(iter(self._plans))]
        return Reply(task, outcome.lower, outcome.upper, time.monotonic() - begun)

    def _known(self, layers: frozenset[str]) -> Floats | None:
        """The best plan of a set that holds this one."""
        above = [plan for more, plan in self._plans.items() if more >= layers]
        return min(above, key=lambda plan: plan[0])[1] if above else None


class Pool:
    """Solves tasks, `jobs` at a time; with one job in this process, without any worker."""

    def __init__(self, instance: Instance, layered: Layered, jobs: int) -> None:
        self._instance, self._here = instance, Tasks(layered)
        self._workers: list[Worker] = []
        self._running: dict[int, tuple[Task, float]] = {}
        self.jobs = jobs
        if jobs > 1:
            self._workers = [self._started() for _ in range(jobs)]

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.close()

    def _started(self) -> Worker:
        worker = Worker("ailis_opt.explain.pool")
        worker.start(self._instance)
        return worker

    def run(self, following: Callable[[int], Task | None]) -> Iterator[Reply]:
        """Replies as they come.

        `following(i)` is asked for the next task of process i when that is free (None: no more for it), so it may depend on the replies so
        far, and may give each process tasks that are like its last one.
        """
        if not self._workers:
            while (task := following(0)) is not None:
                yield self._here.solve(task)
            return
        ended: set[int] = set()
        while len(ended) < self.jobs or self._running:
            for i, worker in enumerate(self._workers):
                if i not in self._running and i not in ended:
                    task = following(i)
                    if task is None:
                        ended.add(i)
                    else:
                        worker.send(task)
                        self._running[i] = (task, time.monotonic() + task.seconds + GRACE)
            yield from self._collect()

    def _collect(self) -> Iterator[Reply]:
        """Replies that are there after a short wait; a worker that does not come back is replaced, its task given up."""
        for i, (task, deadline) in list(self._running.items()):
            try:
                reply = self._workers[i].next(timeout=0.02)
            except queue.Empty:
                if time.monotonic() < deadline:
                    continue
                reply = None
            del self._running[i]
            if isinstance(reply, Reply):
                yield reply
            elif isinstance(reply, AilisError):
                raise reply
            else:
                self._workers[i].close()
                self._workers[i] = self._started()
                yield Reply(task, -np.inf, np.inf, task.seconds)


def main() -> None:
    """Entry point of a worker: an instance, then tasks until the stream ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints goes to standard error
    tasks = Tasks(Layered(receive(sys.stdin.buffer)))
    while (task := receive(sys.stdin.buffer)) is not None:
        try:
            send(out, tasks.solve(task))
        except AilisError as error:
            send(out, error)
