"""The solve in a process of its own, which can be killed.

The parent sends one pickled Job on standard input; the worker answers with length-prefixed pickled messages on standard output: Progress
while it searches, then Solved (or the exception). When the parent closes standard input, the search stops with the best plan so far.
Only integer values of a new best plan travel while the search runs: they are all that is needed to polish it again.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from ailis_models.arrays import Data, Floats
from ailis_opt.engine.compile import Program, compile_program, templates
from ailis_opt.engine.search import Options, Outcome, Progress, Report, Search
from ailis_opt.engine.stages import settled


@dataclass(frozen=True, slots=True)
class Job:
    """What the worker is to do. With `integers` it only polishes that plan."""

    data: Data
    options: Options
    integers: Floats | None = None
    sent: float = field(default_factory=time.time)  # the time limit runs from here


@dataclass(frozen=True, slots=True)
class Solved:
    """The outcome, and the parts of the program that are needed to read it back (the matrix stays behind)."""

    outcome: Outcome
    program: Program
    build_s: float
    solve_s: float


def solve_job(job: Job, report: Report) -> Solved:
    """Build, stamp and search, in this process."""
    begun = time.monotonic()
    program = compile_program(job.data, *templates(job.data))
    built = time.monotonic()
    left = max(job.options.time_limit - (time.time() - job.sent), 0.0)
    search = Search(program, replace(job.options, time_limit=left), report)
    outcome = search.run() if job.integers is None else search.finish(job.integers)
    outcome = settled(outcome, program, job.data, job.options.ratio)
    return Solved(outcome, program.without_matrix(), built - begun, time.monotonic() - built)


def send(stream: BinaryIO, message: Any) -> None:
    """One message: 8 bytes of length, then the pickle."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(struct.pack("<Q", len(body)) + body)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """The next message; None at the end of the stream."""
    head = stream.read(8)
    if len(head) < 8:
        return None
    body = stream.read(struct.unpack("<Q", head)[0])
    return pickle.loads(body)


def main() -> None:
    """Entry point of the worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints goes to standard error
    job = receive(sys.stdin.buffer)
    stop = threading.Event()

    def watch() -> None:
        os.read(0, 1)  # returns at the end of the stream
        stop.set()

    threading.Thread(target=watch, daemon=True).start()

    def report(progress: Progress) -> bool:
        send(out, progress)
        return stop.is_set()

    try:
        send(out, solve_job(job, report))
    except Exception as error:
        send(out, error)
    os._exit(0)  # the watching thread still reads
