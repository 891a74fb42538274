"""The efficient frontier of expected cost and CVaR, by ε-constraint: the least expected cost with CVaR <= ε. Weighted sums would miss plans
in whole lots.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.engine.compile import Program, compile_program, templates
from ailis_opt.engine.search import Options, Outcome, Search
from ailis_opt.engine.stages import settled
from ailis_opt.engine.value import priced
from ailis_opt.engine.worker import Solved
from ailis_opt.optimize import published, ready
from ailis_opt.result import Result
from ailis_opt.schema.instance import Instance
from ailis_opt.uncertainty import price_of

NEAR = 1e-6


@dataclass(frozen=True, slots=True)
class Point:
    """One plan of the frontier, audited. `most` is the ε that its CVaR had to keep; `lower`: no plan that does costs less in the mean."""

    most: float
    result: Result
    lower: float


def frontier(
    instance: Instance, points: int, gap: float, time_limit: float, say: Callable[[str], None], stop: Callable[[], bool]
) -> tuple[Point, ...]:
    """Plans of least expected cost for `points` levels of CVaR, evenly from its least to that of the plan of least expected cost.

    Where the objective is the cost per outcome, it is that which is least. Plans than which another one is no dearer and less risky, or no
    riskier and cheaper, are left out. `stop` ends it with the plans found so far.
    """
    neutral = _neutral(instance)
    prepared = ready(neutral)
    data = replace(prepared.data, risk=replace(prepared.data.risk, tracked=True))
    program = compile_program(data, *templates(data))
    ratio = instance.header.objective == "cost_per_outcome"
    at = program.layout.numbers(0, program.layout.column("cvar")[0])[0, 0]

    def best(of: Program, ratio: bool, known: Floats | None) -> Outcome:
        limit = time_limit / (points + 1)
        return settled(Search(of, Options(ratio, gap, limit), lambda _: stop(), known=known).run(), of, data, ratio)

    def point(most: float, known: Floats | None) -> tuple[Point, Floats] | None:
        upper = program.column_upper.copy()
        upper[at] = most
        begun = time.monotonic()
        outcome = best(replace(program, column_upper=upper), ratio, known)
        if outcome.x is None:
            return None
        seconds = time.monotonic() - begun
        solved = Solved(outcome, program.without_matrix(), 0.0, seconds)
        return Point(most, published(neutral, prepared, solved, False, {"solve_s": seconds}), outcome.lower), outcome.x

    say("frontier: least expected cost")
    first = point(math.inf, None)
    if first is None or stop():
        return () if first is None else (first[0],)
    found, x = [first[0]], first[1]
    only_tail = np.zeros_like(program.cost)
    only_tail[at] = 1.0
    say("frontier: least CVaR")
    safest = best(priced(replace(program, cost=only_tail), price_of(found[0].result)), False, x)
    if safest.x is None:
        return tuple(found)
    least, most = float(safest.x[at]), _ends(found[0], ratio)[1]
    known = safest.x
    for i in range(1, points if most - least > NEAR * abs(most) else 1):
        if stop():
            break
        level = most - (most - least) * i / (points - 1)
        say(f"frontier: plan {i + 1} of {points}")
        more = point(level + NEAR * abs(level), known)
        if more is not None:
            found.append(more[0])
            known = more[1]
    return tuple(one for one in found if not any(_dominates(other, one, ratio) for other in found))


def _ends(point: Point, ratio: bool) -> tuple[float, float]:
    """What is least, and the CVaR."""
    assert point.result.risk is not None
    return point.result.objective if ratio else point.result.cost, point.result.risk.cvar


def _dominates(one: Point, other: Point, ratio: bool) -> bool:
    """Whether `one` is better than `other` in cost or CVaR, and not worse in the other of the two."""
    mine, its = np.array(_ends(one, ratio)), np.array(_ends(other, ratio))
    near = NEAR * np.abs(its)
    return bool((mine <= its + near).all() and (mine < its - 2 * near).any())


def _neutral(instance: Instance) -> Instance:
    """The instance with no weight on the tail."""
    header = instance.header
    return replace(instance, header=header.model_copy(update={"risk": header.risk.model_copy(update={"weight": 0.0})}))
