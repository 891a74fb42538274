"""Runs a worker process, passes its progress on, and keeps to the time limit whatever the solver does."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ailis_models.arrays import Data, Floats
from ailis_opt.engine.search import Options, Progress
from ailis_opt.engine.worker import Job, Solved, receive, send
from ailis_opt.errors import AilisError, NoPlanError

GRACE = 30.0  # seconds past the limit before the worker is killed: time to polish, and to notice
STOP_GRACE = 5.0  # the same once there is a plan to fall back on, also after Ctrl-C: HiGHS does not listen while it is in a sub-search
POLISH = 60.0  # seconds that a second worker may take to polish the plan of a killed one


class Worker:
    """A worker process. Start it early: it loads its libraries while the parent still reads the instance.

    `module` holds the `main` that it runs: it receives messages on standard input and answers on standard output.
    """

    def __init__(self, module: str = "ailis_opt.engine.worker") -> None:
        command = [sys.executable, "-c", f"from {module} import main; main()"]
        paths = os.pathsep.join(path for path in sys.path if path)  # the child finds what this process finds
        env = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}  # with more, a dot product waits
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, env=env)
        self._messages: queue.Queue[Any] = queue.Queue()

    def start(self, job: Any) -> None:
        """Send the job; messages arrive from now on."""
        self.send(job)
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, message: Any) -> None:
        """One more message to a worker that was started."""
        assert self._process.stdin is not None
        send(self._process.stdin, message)  # type: ignore[arg-type]

    def _listen(self) -> None:
        assert self._process.stdout is not None
        while (message := receive(self._process.stdout)) is not None:  # type: ignore[arg-type]
            self._messages.put(message)
        self._messages.put(None)

    def next(self, timeout: float) -> Any:
        """The next message; raises queue.Empty after `timeout` seconds; None once the worker has ended."""
        return self._messages.get(timeout=timeout)

    def ask_to_stop(self) -> None:
        """Let the search end with the best plan so far."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()

    def close(self) -> None:
        """End the process, politely or not."""
        self.ask_to_stop()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


class Interrupts:
    """Counts Ctrl-C while a search runs: the first asks the search to stop, the second ends at once."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Interrupts:
        self._main = threading.current_thread() is threading.main_thread()
        self._before = signal.signal(signal.SIGINT, self._hit) if self._main else None
        return self

    def _hit(self, *_: object) -> None:
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        if self._main:
            signal.signal(signal.SIGINT, self._before)


def run(data: Data, options: Options, tell: Callable[[Progress], None], worker: Worker) -> tuple[Solved, bool]:
    """Solve in `worker`; returns what it found and whether the user interrupted.

    Ctrl-C stops the search with the best plan so far; a second one ends at once. A worker that does not come back within the limit (and
    a grace) is killed, and its last plan polished by a new one. Raises NoPlanError if there is none, KeyboardInterrupt if the user stopped
    the search before there was one.
    """
    with Interrupts() as interrupts:
        solved = _converse(data, options, tell, worker, interrupts)
        if interrupts.count and solved.outcome.x is None:
            raise KeyboardInterrupt
        return solved, interrupts.count > 0


def _converse(data: Data, options: Options, tell: Callable[[Progress], None], worker: Worker, interrupts: Interrupts) -> Solved:
    limit = time.monotonic() + options.time_limit
    integers: Floats | None = None
    lower, asked = -np.inf, False
    try:
        worker.start(Job(data, options))
        while time.monotonic() < limit + (GRACE if integers is None else STOP_GRACE):
            if interrupts.count and not asked:
                asked, limit = True, min(limit, time.monotonic())
                worker.ask_to_stop()
            try:
                message = worker.next(timeout=0.2)
            except queue.Empty:
                continue
            if isinstance(message, Progress):
                integers = message.integers if message.integers is not None else integers
                lower = max(lower, message.lower)
                tell(message)
            elif isinstance(message, Solved):
                return message
            elif isinstance(message, Exception):
                raise message
            else:
                break
    finally:
        worker.close()
    if integers is None:
        if interrupts.count:
            raise KeyboardInterrupt
        raise NoPlanError("the solver ended before it found a plan; allow more time with --time-limit, or a wider --gap")
    rescued = _rescue(data, options, integers)
    outcome = rescued.outcome
    return replace(rescued, outcome=replace(outcome, lower=min(max(outcome.lower, lower), outcome.upper)))


def _rescue(data: Data, options: Options, integers: Floats) -> Solved:
    """The solver died or did not stop: polish the last plan it sent, in a new worker."""
    second = Worker()
    try:
        second.start(Job(data, Options(options.ratio, options.gap, POLISH), integers))
        end = time.monotonic() + POLISH + GRACE
        while time.monotonic() < end:
            try:
                message = second.next(timeout=1.0)
            except queue.Empty:
                continue
            if isinstance(message, Solved):
                return message
            if isinstance(message, Exception):
                raise message
            if message is None:
                break
    finally:
        second.close()
    raise AilisError(f"the solver ended without an answer, and its last plan ({np.count_nonzero(integers)} lots) could not be polished")
