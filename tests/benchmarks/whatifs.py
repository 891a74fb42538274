"""What-ifs against solves from scratch: prices and demand changed, as one command and as one command per edited copy.

python -m tests.benchmarks.whatifs FOLDER CASES   prints one JSON line: processor seconds of both, and how many answers agree within the gap
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ailis_opt.changes import apply, parse
from ailis_opt.io import read
from ailis_opt.io.write import instance_files
from ailis_opt.schema.instance import Instance

GAP = 1e-2
COMMAND = [sys.executable, "-m", "ailis_opt"]
ONE_THREAD = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}


def changes(instance: Instance, cases: int) -> list[str]:
    """Changes of a price of one SKU or contract, or of the demand of one workload, by up to a quarter."""
    rng, tables = np.random.default_rng(1), instance.tables
    priced = [f"sku={sku}" for sku in tables["offers"]["sku"].unique()] + ["contract=on_demand", "contract=interruptible"]
    asked = list(tables["demand"]["workload"].unique())
    found = []
    for _ in range(cases):
        factor = round(float(rng.uniform(0.8, 1.25)), 3)
        if rng.random() < 0.5:
            found.append(f"offers[{priced[rng.integers(len(priced))]}].price_per_gpu_hour *= {factor}")
        else:
            found.append(f"demand[workload={asked[rng.integers(len(asked))]}].outcomes *= {factor}")
    return found


def processor_seconds() -> float:
    """Of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def told(arguments: Sequence[str]) -> dict[str, Any]:
    """The document that a command prints."""
    done = subprocess.run([*COMMAND, *arguments, "--json", "--quiet"], stdout=subprocess.PIPE, env=ONE_THREAD, check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def measured(path: Path, cases: int) -> dict[str, Any]:
    """Both ways, on as many processes as there are processors."""
    instance = read(path)
    listed = changes(instance, cases)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cases.yaml").write_text(yaml.safe_dump({f"case {i}": [text] for i, text in enumerate(listed)}, sort_keys=False))
        copies = []
        for i, text in enumerate(listed):
            copies.append(folder / f"copy-{i}")
            copies[-1].mkdir()
            for file, content in instance_files(apply(instance, [parse(text)])).items():
                (copies[-1] / file).write_text(content)
        begun = processor_seconds()
        whatif = told(["whatif", str(path), "--changes", str(folder / "cases.yaml"), "--gap", str(GAP)])
        middle = processor_seconds()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            fresh = list(pool.map(lambda copy: told(["solve", str(copy), "--gap", str(GAP)]), copies))
        ended = processor_seconds()
    agree = 0
    for case, alone in zip(whatif["cases"], fresh, strict=True):
        one, other = case["result"]["bounds"], alone["bounds"]
        agree += one["lower"] <= other["upper"] * (1 + 1e-9) and other["lower"] <= one["upper"] * (1 + 1e-9)
    return {"whatif_s": middle - begun, "fresh_s": ended - middle, "cases": cases, "agree": int(agree)}


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), int(sys.argv[2]))))
