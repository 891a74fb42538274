"""Solves of many sets of layers, spread over processes. Each holds the program once and starts from its own last basis."""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ailis_opt.engine.process import GRACE, Worker
from ailis_opt.engine.worker import receive, send
from ailis_opt.errors import AilisError
from ailis_opt.explain.layered import Layered
from ailis_opt.schema.instance import Instance


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


def solve_task(layered: Layered, task: Task) -> Reply:
    """One task in this process."""
    begun = time.monotonic()
    program = layered.opened(*task.opened) if task.opened else layered.relaxer.program_of(layered.enforced(task.layers))
    price = task.price if np.isfinite(task.price) else None
    outcome = layered.solve_program(program, task.gap, task.seconds, price, task.quick)
    return Reply(task, outcome.lower, outcome.upper, time.monotonic() - begun)


class Pool:
    """Solves tasks, `jobs` at a time; with one job in this process, without any worker."""

    def __init__(self, instance: Instance, layered: Layered, jobs: int) -> None:
        self._instance, self._layered = instance, layered
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

    def run(self, tasks: Iterator[Task]) -> Iterator[Reply]:
        """Replies as they come; `tasks` is asked for the next one when a process is free, so it may depend on the replies so far."""
        if not self._workers:
            for task in tasks:
                yield solve_task(self._layered, task)
            return
        more = True
        while more or self._running:
            for i, worker in enumerate(self._workers):
                if more and i not in self._running:
                    following = next(tasks, None)
                    if following is None:
                        more = False
                    else:
                        worker.send(following)
                        self._running[i] = (following, time.monotonic() + following.seconds + GRACE)
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
    layered = Layered(receive(sys.stdin.buffer))
    while (task := receive(sys.stdin.buffer)) is not None:
        try:
            send(out, solve_task(layered, task))
        except AilisError as error:
            send(out, error)
