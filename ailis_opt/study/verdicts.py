"""Whether each layer binds: what dropping it alone would save, by a solve without it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ailis_opt.engine.search import SMALL
from ailis_opt.explain.explanation import EXACT_GAP, NOTHING_LEFT
from ailis_opt.explain.lattice import Interval
from ailis_opt.explain.layered import NAMES, Layered
from ailis_opt.explain.pool import Pool, Task
from ailis_opt.result import Result
from ailis_opt.schema import Instance

SECONDS = 60.0  # for each solve, where no limit is given


@dataclass(frozen=True, slots=True)
class Verdict:
    """`binds` (yes | no | not proven) and `removal`, what dropping the layer alone would save, in the unit of the objective."""

    binds: str
    removal: Interval

    def to_dict(self) -> dict[str, Any]:
        """As in `explain --json`."""
        return {"binds": self.binds, "removal": self.removal.to_dict()}


def verdicts(
    instance: Instance, result: Result, gap: float, time_limit: float = math.inf, jobs: int | None = None
) -> Mapping[str, Verdict]:
    """Per layer whether it binds. `result` is the plan of the instance with all layers enforced; `gap` and `time_limit` are of each solve.

    z(all) is never below z(all without the layer), so a saving is never below 0.
    """
    layered = Layered(instance)
    small = len(layered.program.value) <= SMALL
    everything, active = frozenset(NAMES), layered.active(frozenset(NAMES))
    seconds = min(time_limit, SECONDS)
    sets = [Task(name, everything - {name}, result.objective, min(gap, EXACT_GAP) if small else gap, seconds, False) for name in active]
    if small:
        sets.append(Task("", everything, result.objective, min(gap, EXACT_GAP), seconds, False))
    waiting = iter(sets)
    with Pool(instance, layered, 1 if small else jobs or os.cpu_count() or 1) as pool:
        replies = {str(reply.task.key): reply for reply in pool.run(lambda _: next(waiting, None))}
    lower, upper = result.bounds.lower, result.bounds.upper
    if "" in replies:
        lower, upper = max(lower, replies[""].lower), min(upper, replies[""].upper)
    found = {}
    for name in NAMES:
        if name not in active:
            found[name] = Verdict("no", Interval(0.0, 0.0, 0.0))
            continue
        without = replies[name]
        low = max(lower - without.upper, 0.0) if np.isfinite(without.upper) else 0.0
        removal = Interval(max(upper - min(without.upper, upper), 0.0), low, max(upper - without.lower, 0.0))
        proven, none = low > 1e-9 * abs(upper), removal.upper <= NOTHING_LEFT * abs(upper)
        found[name] = Verdict("yes" if proven else "no" if none else "not proven", removal)
    return found
