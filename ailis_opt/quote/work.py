"""Contracts judged one after the other, or in processes of their own."""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ailis_opt.engine.process import GRACE, Worker
from ailis_opt.engine.worker import receive, send
from ailis_opt.errors import AilisError
from ailis_opt.explain.priced import Clock
from ailis_opt.quote.judge import Curve, Judge, Price, Task, Told

Answer = Price | Curve


def answers(tasks: Sequence[Task], jobs: int, clock: Clock, stop: Told) -> Iterator[tuple[Task, Answer]]:
    """Answers as they come, each task with its part of the time left; none any more once `stop` says so, or time is up."""
    if jobs <= 1 or len(tasks) <= 1:
        for i, task in enumerate(tasks):
            if stop() or clock.left <= 0:
                return
            yield task, answer(replace(task, seconds=clock.share(1 / (len(tasks) - i))), stop)
        return
    yield from _apart(list(tasks), min(jobs, len(tasks)), clock, stop)


def answer(task: Task, stop: Told) -> Answer:
    """One task, in this process."""
    judge = Judge(task, stop)
    return judge.price() if task.part == "price" else judge.curve()


def _apart(tasks: list[Task], jobs: int, clock: Clock, stop: Told) -> Iterator[tuple[Task, Answer]]:
    """Every process takes the next task that is left; one that does not come back in time is ended, its task given up."""
    workers = [Worker("ailis_opt.quote.work") for _ in range(jobs)]
    running: dict[int, tuple[Task, float]] = {}
    started: set[int] = set()
    try:
        while (tasks or running) and not stop():
            for i, worker in enumerate(workers):
                if i not in running and tasks and clock.left > 0:
                    seconds = clock.share(min(1.0, jobs / len(tasks)))
                    task = replace(tasks.pop(0), seconds=seconds)
                    (worker.send if i in started else worker.start)(task)
                    started.add(i)
                    running[i] = (task, time.monotonic() + seconds + GRACE)
            if not running:
                return
            for i, (task, deadline) in list(running.items()):
                try:
                    reply = workers[i].next(timeout=0.05)
                except queue.Empty:
                    if time.monotonic() < deadline:
                        continue
                    reply = None
                del running[i]
                if isinstance(reply, AilisError):
                    raise reply
                if reply is not None:
                    yield task, reply
                else:
                    workers[i].close()
                    workers[i] = Worker("ailis_opt.quote.work")
                    started.discard(i)
    finally:
        for worker in workers:
            worker.close()


def main() -> None:
    """Entry point of a worker: tasks until the stream ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints goes to standard error
    while (task := receive(sys.stdin.buffer)) is not None:
        try:
            send(out, answer(task, lambda: False))
        except AilisError as error:
            send(out, error)
