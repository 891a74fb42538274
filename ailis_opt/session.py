"""Many instances that are alike, solved one after the other, each from the basis and the plan of one solved before."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.engine.basis import Basis
from ailis_opt.engine.compile import Program, compile_program
from ailis_opt.engine.highs import Solver
from ailis_opt.engine.remembered import Templates
from ailis_opt.engine.search import Options, Outcome, Search
from ailis_opt.engine.stages import settled
from ailis_opt.engine.worker import Solved
from ailis_opt.optimize import GAP, published, ready
from ailis_opt.result import Result
from ailis_opt.schema.instance import Instance

LIMITS = ("value", "row_lower", "row_upper", "column_lower", "column_upper")
COSTS = ("cost", "lost")
MOST = 4  # programs that are remembered


@dataclass(frozen=True, slots=True, eq=False)
class _Start:
    """A program that was solved, and what the next search may start from: bases of its relaxation (at `price`) and of its polished plan."""

    program: Program
    price: float
    plan: Floats
    root: Basis | None
    polished: Basis | None
    seconds_afresh: float

    def distance(self, program: Program) -> float:
        """How many numbers of another program differ; infinite where it has other rows or columns."""
        if program.layout != self.program.layout or len(program.value) != len(self.program.value):
            return np.inf
        return float(sum(np.count_nonzero(getattr(program, name) != getattr(self.program, name)) for name in (*LIMITS, *COSTS)))

    def same_limits(self, program: Program) -> bool:
        """True if only costs differ: the last basis is feasible, then."""
        return all(np.array_equal(getattr(program, name), getattr(self.program, name)) for name in LIMITS)


class Session:
    """Solves instances in this process.

    Where an instance has the same rows and columns as one solved before (prices, demand or limits differ, but not what there is), the
    search starts from the basis of the nearest one, and tries its lots first. Those that served last are remembered.
    """

    def __init__(self) -> None:
        self._templates = Templates()
        self._starts: list[_Start] = []

    def solve(self, instance: Instance, *, gap: float = GAP, time_limit: float = np.inf) -> Result:
        """As `ailis_opt.solve`; raises the same errors."""
        begun = time.monotonic()
        prepared = ready(instance)
        begins = time.monotonic()
        program = compile_program(prepared.data, *self._templates(prepared.data))
        solver = Solver(program)
        built = time.monotonic()
        options = Options(instance.header.objective == "cost_per_outcome", gap, max(time_limit - (built - begun), 0.0))
        outcome = settled(self._search(program, solver, options), program, prepared.data, options.ratio)
        timings = {"prepare_s": begins - begun, "build_s": built - begins, "solve_s": time.monotonic() - built}
        timings |= {"solver_s": outcome.solver_s, "polish_s": outcome.polish_s}
        solved = Solved(outcome, program.without_matrix(), built - begins, timings["solve_s"])
        return published(instance, prepared, solved, False, timings)

    def _search(self, program: Program, solver: Solver, options: Options) -> Outcome:
        start = min(self._starts, key=lambda known: known.distance(program), default=None)
        if start is None or np.isinf(start.distance(program)):
            outcome = Search(program, options, lambda _: False, solver).run()
        else:
            self._starts.remove(start)
            self._starts.append(start)
            solver.begin(start.root, start.seconds_afresh, start.same_limits(program))
            options = replace(options, price=start.price)
            outcome = Search(program, options, lambda _: False, solver, start.plan, start.polished).run()
        if outcome.x is not None:
            price = outcome.prices[0] if outcome.prices else 0.0
            self._starts.append(_Start(program, price, outcome.x, solver.root, solver.last, solver.seconds_afresh))
            del self._starts[:-MOST]
        return outcome
