"""The whole job on one instance: what is not the solver, and peak memory.

    python -m tests.benchmarks.whole solve FOLDER GAP OUT   read, solve, write to OUT; prints one JSON line
    python -m tests.benchmarks.whole mps FOLDER FILE        writes the model of FOLDER as an MPS file
    python -m tests.benchmarks.whole highs FILE GAP         HiGHS alone on the MPS file; prints one JSON line

Memory is the sum of the resident sets of the process and its children, polled from outside.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

POLL = 0.02


def solve(folder: str, gap: str, out: str) -> None:
    """Read, solve, write as `solve --out` does, and say where the time went. Imports are not counted."""
    from ailis_opt.io import read
    from ailis_opt.optimize import solve as optimize
    from ailis_opt.output.files import write_files
    from ailis_opt.output.folder import run_files
    from ailis_opt.output.summary import summary

    begun = time.perf_counter()
    instance = read(folder)
    seen = time.perf_counter()
    result = optimize(instance, gap=float(gap))
    solved = time.perf_counter()
    write_files(Path(out), run_files(instance, result, summary(instance, result, float(gap))))
    done = time.perf_counter()
    timings = dict(result.timings) | {"read_s": seen - begun, "write_s": done - solved, "total_s": done - begun}
    print(json.dumps({"timings": timings, "status": result.status, "gap": result.gap}))


def mps(folder: str, file: str) -> None:
    """The model as HiGHS has it after hand-over."""
    from ailis_opt.io import read
    from ailis_opt.prepare import prepare
    from tests.benchmarks.building import ours

    highs = ours(prepare(read(folder)).data)
    highs.writeModel(file)


def highs(file: str, gap: str) -> None:
    """Read and solve with nothing but highspy, options as ours."""
    import highspy

    h = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 1), ("mip_rel_gap", float(gap))):
        h.setOptionValue(option, value)
    h.readModel(file)
    begun = time.perf_counter()
    h.run()
    print(json.dumps({"seconds": time.perf_counter() - begun, "status": h.modelStatusToString(h.getModelStatus())}))


def watched(*arguments: str) -> tuple[dict[str, Any], float]:
    """Run a command of this module in a process of its own: its JSON line, and peak memory in MB (with its children)."""
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.whole", *arguments], stdout=subprocess.PIPE, text=True)
    peak, root = 0, psutil.Process(process.pid)
    while process.poll() is None:
        peak = max(peak, _resident(root))
        time.sleep(POLL)
    text = process.stdout.read() if process.stdout is not None else ""
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}")
    return json.loads(text.splitlines()[-1]) if text.strip() else {}, peak / 1e6


def _resident(root: psutil.Process) -> int:
    total = 0
    try:
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in family:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


if __name__ == "__main__":
    commands: dict[str, Callable[..., None]] = {"solve": solve, "mps": mps, "highs": highs}
    commands[sys.argv[1]](*sys.argv[2:])
