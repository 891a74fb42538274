"""One layer dropped: solved again from where all layers were solved, against a solve from scratch. To a gap of 1 %, processor seconds.

From scratch is what `solve` would do: read, prepare, compile, hand to the solver, search, and polish for prices.

python -m tests.benchmarks.layers FOLDER   prints one JSON line: [[layer, again, scratch], ...]
"""

from __future__ import annotations

import json
import sys
import time

from ailis_opt.engine.search import Options, Search
from ailis_opt.explain.layered import NAMES, Layered
from ailis_opt.io import read

GAP = 1e-2


def measured(folder: str) -> list[tuple[str, float, float]]:
    """(layer, seconds again, seconds from scratch) for every layer that changes anything."""
    kept = Layered(read(folder))
    every = kept.solve(kept.only(), GAP)
    found = []
    for layer in kept.active(frozenset(NAMES)):
        rest = frozenset(NAMES) - {layer}
        kept.solve(kept.only(), GAP, price=every.upper, quick=True, known=every.x)  # back to where all are enforced
        begun = time.process_time()
        again = kept.solve(kept.only(rest), GAP, price=every.upper, known=every.x)
        middle = time.process_time()
        fresh = Layered(read(folder))
        scratch = Search(fresh.only(rest), Options(fresh.ratio, GAP), lambda _: False).run()
        ended = time.process_time()
        assert again.lower <= scratch.upper * (1 + 1e-6)
        assert scratch.lower <= again.upper * (1 + 1e-6)
        found.append((layer, middle - begun, ended - middle))
    return found


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1])))
