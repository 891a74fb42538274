"""Many instances that are alike, solved one after the other, each from the basis and the plan of the one before."""

from __future__ import annotations

import time
from dataclasses import replace

import highspy
import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.engine.compile import Layout, compile_program
from ailis_opt.engine.highs import Solver
from ailis_opt.engine.remembered import Templates
from ailis_opt.engine.search import Options, Search
from ailis_opt.engine.worker import Solved
from ailis_opt.optimize import GAP, published, ready
from ailis_opt.result import Result
from ailis_opt.schema.instance import Instance


class Session:
    """Solves instances in this process.

    Where an instance has the same rows and columns as the last one (prices, demand or limits differ, but not what there is) the search
    starts from the last basis, and tries the last plan's lots first.
    """

    def __init__(self) -> None:
        self._templates = Templates()
        self._layout: Layout | None = None
        self._solver: Solver | None = None
        self._plan: Floats | None = None
        self._polished: highspy.HighsBasis | None = None
        self._objective = np.inf

    def solve(self, instance: Instance, *, gap: float = GAP, time_limit: float = np.inf) -> Result:
        """As `ailis_opt.solve`; raises the same errors."""
        begun = time.monotonic()
        prepared = ready(instance)
        begins = time.monotonic()
        program = compile_program(prepared.data, *self._templates(prepared.data))
        solver, ratio = Solver(program), instance.header.objective == "cost_per_outcome"
        built = time.monotonic()
        options = Options(ratio, gap, max(time_limit - (built - begun), 0.0))
        if self._solver is not None and program.layout == self._layout:
            solver.begin(self._solver.root, self._solver.seconds_afresh)
            search = Search(program, replace(options, price=self._objective), lambda _: False, solver, self._plan, self._polished)
        else:
            search = Search(program, options, lambda _: False, solver)
        outcome = search.run()
        if outcome.x is not None:
            self._layout, self._solver, self._plan, self._objective = program.layout, solver, outcome.x, outcome.upper
            self._polished = solver.last
        timings = {"prepare_s": begins - begun, "build_s": built - begins, "solve_s": time.monotonic() - built}
        timings |= {"solver_s": outcome.solver_s, "polish_s": outcome.polish_s}
        solved = Solved(outcome, program.without_matrix(), built - begins, timings["solve_s"])
        return published(instance, prepared, solved, False, timings)
