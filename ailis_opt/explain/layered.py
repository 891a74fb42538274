"""An instance whose layers can be dropped: prepared and compiled once, solved many times with other bounds, from the basis most like it."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from ailis_models import relaxation
from ailis_models.arrays import Floats
from ailis_models.layers import LAYERS, layer_mask
from ailis_opt.engine.compile import Program, compile_program, templates
from ailis_opt.engine.feasibility import any_plan
from ailis_opt.engine.highs import Solver
from ailis_opt.engine.part import Last, open_part
from ailis_opt.engine.relax import Relaxer
from ailis_opt.engine.scaling import check, scale
from ailis_opt.engine.search import SMALL, Options, Outcome, Search
from ailis_opt.prepare import Prepared, prepare
from ailis_opt.schema.instance import Instance

NAMES = tuple(layer.id for layer in LAYERS)
GAP = 1e-4
MOST_SOLVED = 8  # relaxations kept to go on from
PATIENCE = 3.0  # of the time that a relaxation from nothing took: one that goes on from another takes less, mostly


class Layered:
    """One program for every set of layers. `ratio`: whether cost per outcome is minimized."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.prepared: Prepared = prepare(instance, relaxable=True)
        self.data = self.prepared.data
        self.program: Program = compile_program(self.data, *templates(self.data))
        self.relaxer = Relaxer(self.data, self.program)
        check(self.program)
        self.scaling = scale(self.program)
        self._solved: list[tuple[Program, Last]] = []  # the last relaxations, the latest at the end
        self.ratio = instance.header.objective == "cost_per_outcome"
        self.workloads = len(self.data.workloads.total)

    @cached_property
    def solver(self) -> Solver:
        """The whole program in a solver."""
        return Solver(self.program, self.scaling)

    def enforced(self, layers: frozenset[str] | None = None) -> dict[str, np.ndarray]:
        """The given layers enforced for every workload (all layers if None); change the masks to hold only some workloads to a layer."""
        return relaxation.only(frozenset(NAMES) if layers is None else layers, self.workloads)

    def only(self, layers: frozenset[str] | None = None) -> Program:
        """The program with the given layers enforced for every workload (all layers if None)."""
        return self.relaxer.program_of(self.enforced(layers))

    def solve(
        self,
        program: Program,
        gap: float = GAP,
        time_limit: float = np.inf,
        price: float | None = None,
        quick: bool = False,
        known: Floats | None = None,
    ) -> Outcome:
        """The best plan of a program of the relaxer, from a relaxation solved before.

        `price`: a guess of the objective; `quick`: a bound and a plan; `known`: a plan with tighter bounds.
        """
        options = Options(self.ratio, gap, time_limit, price, quick, duals=False)
        if len(program.value) > SMALL:
            return self._in_part(program, options, known)
        self.solver.use(program)
        return Search(program, options, lambda _: False, self.solver, known, patience=PATIENCE).run()

    def _in_part(self, program: Program, options: Options, known: Floats | None) -> Outcome:
        """The same with nothing but the columns that are open, from the relaxation of the program most like it."""
        part = open_part(program, self.scaling, self._nearest(program))
        inside = None if known is None or np.delete(known, part.columns).any() else known[part.columns]
        search = Search(part.solver.program, options, lambda _: False, part.solver, inside, patience=PATIENCE)
        outcome = search.run()
        relaxed = None if search.last is None else search.last[1]
        if relaxed is not None and relaxed.basis is not None:
            self._solved = [*self._solved[-MOST_SOLVED + 1 :], (program, part.last(relaxed))]
        return outcome if outcome.x is None else replace(outcome, x=part.lift(outcome.x), row_dual=None, column_dual=None)

    def _nearest(self, program: Program) -> Last | None:
        """The relaxation of the program whose bounds differ from this one's in the fewest places."""
        if not self._solved:
            return None
        at = min(range(len(self._solved)), key=lambda i: apart(self._solved[i][0], program))
        self._solved.append(self._solved.pop(at))
        return self._solved[-1][1]

    def any_plan(self, program: Program, deadline: float, relaxed_only: bool = False) -> bool | None:
        """Whether a program of the relaxer, some bounds changed, has any plan; None if not known by `deadline` (monotonic seconds)."""
        return any_plan(self.solver, program, deadline, self.data.budget, relaxed_only)

    def opened(self, workload: int, pool: int, layer: str) -> Program:
        """Every layer enforced, but for the routes of one workload in one pool that nothing but `layer` closes: they are open."""
        d, relaxable = self.data, self.data.relaxable
        assert relaxable is not None
        program = self.only()
        upper = program.column_upper.copy()
        for name, kind, blockers in (
            ("replicas", d.routes, relaxable.route_blockers),
            ("standby", d.standby, relaxable.standby_blockers),
            ("gangs", d.jobs, relaxable.job_blockers),
        ):
            mine = (kind.workload == workload) & (kind.pool == pool) & (np.bitwise_and.reduce(blockers) & ~layer_mask(layer) == 0)
            columns = self.relaxer.columns(name, np.flatnonzero(mine))
            upper[columns] = self.program.column_upper[columns]
            if name == "gangs":
                there = np.where(relaxable.job_window, relaxable.job_on_offer, 0.0).transpose(0, 2, 1)
                upper[columns] = np.minimum(upper[columns], there[:, mine].ravel())
        return replace(program, column_upper=upper)

    def active(self, among: frozenset[str]) -> tuple[str, ...]:
        """The layers that change the program at all, alone or as the last one in."""
        nothing, everything = frozenset(NAMES) - among, frozenset(NAMES)
        found = []
        for name in (n for n in NAMES if n in among):
            pairs = ((nothing, nothing | {name}), (everything - {name}, everything))
            if any(not alike(*(self.only(s) for s in pair)) for pair in pairs):
                found.append(name)
        return tuple(found)


def alike(one: Program, other: Program) -> bool:
    """True if two programs of one matrix have the same bounds and the same whole columns."""
    return apart(one, other) == 0


def apart(one: Program, other: Program) -> int:
    """In how many places two programs of one matrix differ."""
    names = ("column_lower", "column_upper", "row_lower", "row_upper", "integer")
    return sum(int((getattr(one, name) != getattr(other, name)).sum()) for name in names)
