"""An instance whose layers can be dropped: prepared, compiled and handed to the solver once, solved many times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ailis_models import relaxation
from ailis_models.arrays import Floats
from ailis_models.layers import LAYERS, layer_mask
from ailis_opt.engine.compile import Program, compile_program, templates
from ailis_opt.engine.feasibility import any_plan
from ailis_opt.engine.highs import Solver
from ailis_opt.engine.relax import Relaxer
from ailis_opt.engine.search import Options, Outcome, Search
from ailis_opt.prepare import Prepared, prepare
from ailis_opt.schema.instance import Instance

NAMES = tuple(layer.id for layer in LAYERS)
GAP = 1e-4
PATIENCE = 0.1  # of the time without a basis: dropping a layer moves so many bounds that few bases are worth more


class Layered:
    """One program for every set of layers. `ratio`: whether cost per outcome is minimized."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.prepared: Prepared = prepare(instance, relaxable=True)
        self.data = self.prepared.data
        self.program: Program = compile_program(self.data, *templates(self.data))
        self.relaxer = Relaxer(self.data, self.program)
        self.solver = Solver(self.program)
        self.ratio = instance.header.objective == "cost_per_outcome"
        self.workloads = len(self.data.workloads.total)

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
        """The best plan of a program of the relaxer, from the last basis.

        `price`: a guess of the objective; `quick`: a bound and a plan; `known`: a plan with tighter bounds.
        """
        self.solver.use(program)
        return Search(
            program,
            Options(self.ratio, gap, time_limit, price, quick, duals=False),
            lambda _: False,
            self.solver,
            known,
            patience=PATIENCE,
        ).run()

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
    names = ("column_lower", "column_upper", "row_lower", "row_upper", "integer")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)
