"""What a store adds to a run: runs with one answer, recorded in a process of their own.

    python -m tests.benchmarks.store FOLDER RUNS

writes RUNS runs into a store at FOLDER and prints {"put_ms", "put_cpu_ms", "index_ms"} by run. No solver takes part but for the one answer.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from ailis_opt.optimize import solve
from ailis_opt.study.record import Asked, now, solved
from ailis_opt.study.store import Store
from tests.support.files import as_instance
from tests.support.runs import market


def main() -> None:
    """Record the runs, bring the index up to date, and print what both took."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    instance = as_instance(market())
    result = solve(instance, in_process=True)
    store = Store.create(folder)
    begun, spent = time.perf_counter(), time.process_time()
    for i in range(count):
        asked = Asked("market", f"case-{i:05}", "", instance, (f"offers.price_per_gpu_hour *= {1 + i / count}",), 1e-4, None, "0")
        changed = replace(instance, sha256=f"{i:064x}")
        inputs = asked.inputs(changed.sha256)
        assert store.claim(inputs)
        assert not store.has(inputs)
        store.put(solved(asked, changed, replace(result, cost=result.cost * (1 + i / count)), 0.01, now()))
        store.release(inputs)
    put, spent = time.perf_counter(), time.process_time() - spent
    assert len(store.index()) == count
    done = time.perf_counter()
    print(json.dumps({"put_ms": 1000 * (put - begun) / count, "put_cpu_ms": 1000 * spent / count, "index_ms": 1000 * (done - put) / count}))


if __name__ == "__main__":
    main()
