"""Batches in processes that can be killed: `python -m tests.study.driver LOG`, then a line of JSON arguments for each.

Each line forks a process, with a group of its own, that runs `ailis-opt batch` with the arguments and a pool that answers at once; its id
is printed. Every case that is answered is a line of LOG.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from ailis_opt.cli import batch
from ailis_opt.errors import InputError
from ailis_opt.study.workers import Case
from tests.support.studies import Canned, answer

SECONDS = 0.004  # that a case takes


def run(arguments: dict[str, str], log: str) -> int:
    """One batch; 0 if all is recorded, 2 if the input was at fault."""

    def hear(case: Case) -> None:
        time.sleep(SECONDS)
        with open(log, "a") as file:
            file.write(f"{case.key}\n")

    batch.Workers = lambda _: Canned(hear)  # type: ignore[misc, assignment]
    try:
        return batch.run_batch(batch.Request(Path(arguments["study"]), Path(arguments["store"]), 1, resume=True, quiet=True, json=False))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2


def main() -> None:
    """Fork a batch for each line of standard input."""
    answer()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            sys.stdout = sys.stderr
            os._exit(run(json.loads(line), sys.argv[1]))
        print(pid, flush=True)


if __name__ == "__main__":
    main()
