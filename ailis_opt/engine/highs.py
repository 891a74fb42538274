"""One HiGHS object around one program: same rows and columns, changing costs and integer bounds.

All values that go in and come out are in the program's own units; scaling stays inside.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np

from ailis_models.arrays import Floats, Ints
from ailis_opt.engine.basis import Basis
from ailis_opt.engine.compile import Program, dot
from ailis_opt.engine.scaling import Scaling, check, scale, scaled
from ailis_opt.errors import AilisError, UnboundedError

Tick = Callable[[float, float, Floats | None], bool]
"""Called now and then with (bound, best) of the running search, and with the integer values of a new best plan; True stops the search.

What it is told proves nothing: HiGHS calls back from the smaller searches of its heuristics, too, with bounds of those. What is proven is
the bound of a search that returned.
"""

STATUS = highspy.HighsModelStatus
ANSWERS = ("optimal", "infeasible", "limit")
UNBOUNDED = ("Unbounded", "Primal infeasible or unbounded")
PRICED = 1e-7  # as HiGHS sees it: a price that is less is none
MOST_WRONG = 100  # prices of a basis that is worth more than none; what is many was 276 and more where it was measured
ROUND = 1e-9  # by which a whole number may miss a bound
DUAL = 1  # of simplex_strategy; 0: HiGHS chooses
PERTURBATION = "dual_simplex_cost_perturbation_multiplier"
LIMITS = (STATUS.kTimeLimit, STATUS.kInterrupt, STATUS.kIterationLimit, STATUS.kSolutionLimit)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one run found. `x` is None where nothing feasible was found; `bound` is proven (−inf if nothing is)."""

    status: str  # optimal | infeasible | limit (and inside here what HiGHS says where it fails)
    x: Floats | None
    objective: float
    bound: float
    row_dual: Floats | None = None
    column_dual: Floats | None = None
    added_dual: float = 0.0  # of the row added
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class AddedRow:
    """A row after all others: lower <= values·x[columns] <= upper; `scale`: what the solver sees it multiplied by."""

    columns: Ints
    values: Floats
    lower: float
    upper: float
    scale: float


class _Quiet(highspy.Highs):
    """HiGHS 1.16 prints its banner when callbacks are enabled, which its constructor does, before an option could say no."""

    def enableCallbacks(self) -> None:
        self.setOptionValue("output_flag", False)
        enable: Callable[[], None] = super().enableCallbacks
        enable()


class Solver:
    """A program inside HiGHS. `q` is the price of a lost outcome: the objective is cost + q·lost (N − qD up to a constant)."""

    def __init__(self, program: Program, scaling: Scaling | None = None) -> None:
        if scaling is None:
            check(program)
        self.program = p = program
        self.scaling = scaling or scale(p)
        self._integers = np.flatnonzero(p.integer).astype(np.int32)
        self._money, self._q = 1.0, 0.0
        self._basis: Basis | None = None  # of the last LP solved
        self._root: Basis | None = None  # of the last relaxation with no integer fixed
        self._prices: tuple[Floats, Floats] | None = None  # of its rows, and its reduced costs at a price of a lost outcome of 0
        self._before: Basis | None = None  # the same when a row was added
        self._added = 1.0  # what the row added is multiplied by
        self.added: AddedRow | None = None
        self._fresh = True  # HiGHS has no basis to start from
        self._given: Basis | None = None  # HiGHS was told to start from, and has not yet
        self.seconds_afresh = np.inf  # that the last relaxation without a basis took
        self._perturbed = True  # costs, where relaxations go on from a basis
        self.seconds = 0.0  # inside HiGHS
        quiet: Callable[[], Any] = _Quiet
        self._highs = h = quiet()
        for option, setting in (("threads", 1), ("random_seed", 1), ("simplex_strategy", 0)):
            h.setOptionValue(option, setting)
        if self.scaling.before is not None:
            h.setOptionValue("simplex_scale_strategy", 0)
        with scaled(p, self.scaling):
            status = h.passModel(
                len(p.cost), len(p.row_lower), len(p.value), int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize), 0.0,
                p.cost, p.column_lower, p.column_upper, p.row_lower, p.row_upper, p.start, p.index, p.value, p.integer.astype(np.int32),
            )  # fmt: skip
        if status == highspy.HighsStatus.kError:
            raise AilisError("the solver refused the program; this is a defect, please report it with the instance")

    def set_price(self, q: float) -> None:
        """Minimize cost + q·lost from now on."""
        self._objective(1.0, q)

    @property
    def price(self) -> float:
        """The price of a lost outcome now set; infinite where outcomes are maximized."""
        return self._q if self._money else np.inf

    def maximize_outcomes(self) -> None:
        """Minimize lost outcomes, whatever they cost."""
        self._objective(0.0, 1.0)

    def forget_costs(self) -> None:
        """Look for any plan at all."""
        self._objective(0.0, 0.0)

    def follow(self, other: Solver) -> None:
        """Minimize what another solver minimizes."""
        self._objective(other._money, other._q)

    def _objective(self, money: float, q: float) -> None:
        self._money, self._q = money, q
        cost = self.costs * self.scaling.column * self.scaling.cost
        self._highs.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost)

    @property
    def costs(self) -> Floats:
        """(columns,) the objective now set."""
        return np.asarray(self._money * self.program.cost + self._q * self.program.lost)

    def use(self, program: Program) -> None:
        """Another program of the same matrix and costs, with its own bounds and its own whole columns."""
        h, row, column = self._highs, self.scaling.row, self.scaling.column
        rows, columns = np.arange(len(row), dtype=np.int32), np.arange(len(column), dtype=np.int32)
        h.changeColsBounds(len(columns), columns, program.column_lower / column, program.column_upper / column)
        h.changeRowsBounds(len(rows), rows, program.row_lower * row, program.row_upper * row)
        changed = np.flatnonzero(program.integer != self.program.integer).astype(np.int32)
        if len(changed):
            h.changeColsIntegrality(len(changed), changed, program.integer[changed].astype(np.uint8))
        self.program = program
        self._integers = np.flatnonzero(program.integer).astype(np.int32)

    def remember(self, answer: Answer) -> None:
        """Keep the basis of the relaxation just solved, and its prices, for `recall`."""
        self._root, self._prices = self._basis, None
        if answer.row_dual is not None and answer.column_dual is not None and self._money:
            self._prices = answer.row_dual, answer.column_dual - self._q * self.program.lost

    def recall(self) -> None:
        """Go on from the basis kept last, whatever was solved since; from nothing where its prices are wrong at many bounds now."""
        if self._root is None:
            return
        if self._wrong() > MOST_WRONG:
            self.forget()
        elif self._given is not self._root:
            self._highs.setBasis(self._root.held)
            self._given, self._fresh = self._root, False

    def _wrong(self) -> int:
        """At how many bounds that are infinite now the prices kept say that rows and columns stand."""
        if self._prices is None:
            return 0
        p, by = self.program, self.scaling
        y, d = self._prices[0] / by.row, (self._prices[1] + self._q * p.lost) * by.column
        found = 0
        for price, low, high in ((y, p.row_lower, p.row_upper), (d, p.column_lower, p.column_upper)):
            found += int(np.isinf(np.where(price > 0, low, high)[np.abs(price) * by.cost > PRICED]).sum())
        return found

    def begin(self, basis: Basis | None, seconds: float, feasible: bool = True) -> None:
        """Start from a basis of a program with the same rows and columns; `seconds`: what one without a basis would take.

        `feasible`: whether the basis still keeps all limits; else the dual simplex is told to take it from there, costs as they are.
        """
        if not feasible:
            self._highs.setOptionValue("simplex_strategy", DUAL)
            self._perturbed = False
        self._basis = self._root = basis
        self._prices, self.seconds_afresh = None, seconds
        self.recall()

    @property
    def root(self) -> Basis | None:
        """The basis that `remember` kept."""
        return self._root

    @property
    def last(self) -> Basis | None:
        """The basis of the last relaxation."""
        return self._basis

    def forget(self) -> None:
        """Let the next relaxation start from nothing."""
        self._highs.clearSolver()
        self._basis, self._given, self._fresh = None, None, True

    def warm(self, basis: Basis | None) -> None:
        """Let the next warm relaxation start from this basis."""
        self._basis = self._basis if basis is None else basis

    def add_row(self, columns: Ints, values: Floats, lower: float, upper: float) -> None:
        """One more row, lower <= values·x[columns] <= upper, after all others; it stays through `use`. The last basis stays good."""
        held: Floats = values * self.scaling.column[columns]
        self._added = float(2.0 ** -np.round(np.log2(np.abs(held).max(initial=1e-300))))
        self._highs.addRow(lower * self._added, upper * self._added, len(columns), columns.astype(np.int32), held * self._added)
        self.added = AddedRow(columns, values, lower, upper, self._added)
        self._before = self._basis
        if self._basis is not None:
            self._basis = self._basis.with_row()
            self._highs.setBasis(self._basis.held)
        self._root, self._prices = self._basis, None

    def move_added_row(self, lower: float, upper: float) -> None:
        """Other bounds of the row added."""
        self._highs.changeRowBounds(len(self.scaling.row), lower * self._added, upper * self._added)
        assert self.added is not None
        self.added = replace(self.added, lower=lower, upper=upper)

    def drop_added_row(self) -> None:
        """Without the row added, and with the basis from before."""
        self._highs.deleteRows(1, np.array([len(self.scaling.row)], dtype=np.int32))
        self.added = None
        self._basis = self._root = self._before
        self._prices = None
        if self._basis is not None:
            self._highs.setBasis(self._basis.held)

    def set_integer_bounds(self, lower: Floats, upper: Floats) -> None:
        """Bounds of the integer columns, in their order."""
        column = self.scaling.column[self._integers]
        self._highs.changeColsBounds(len(self._integers), self._integers, lower / column, upper / column)

    @property
    def integer_bounds(self) -> tuple[Floats, Floats]:
        """The program's own bounds of its integer columns."""
        return self.program.column_lower[self._integers], self.program.column_upper[self._integers]

    def allows(self, integers: Floats) -> bool:
        """Whether the program's own bounds allow these values of its integer columns: a plan of another program may have others."""
        lower, upper = self.integer_bounds
        return not ((integers < lower - ROUND) | (integers > upper + ROUND)).any()

    def integers(self, x: Floats) -> Floats:
        """Values of the integer columns of x."""
        return x[self._integers]

    def relax(
        self, deadline: float, presolve: bool = True, warm: bool = False, patience: float | None = None, duals: bool = True
    ) -> Answer:
        """Solve the LP relaxation (with the integer bounds now set): optimum and duals. `warm` starts from the basis of the last one.

        HiGHS goes on from what it has, without presolve, where it has a basis. With `patience` that may take this share of the time that
        the last start afresh took; then it starts afresh with presolve, which is faster where much has changed.
        """
        h = self._highs
        h.setOptionValue("solve_relaxation", True)
        if warm and self._basis is not None:
            h.setBasis(self._basis.held)
            self._fresh = False
        begun, fresh = time.monotonic(), self._fresh
        h.setOptionValue(PERTURBATION, 1.0 if fresh or self._perturbed else 0.0)
        limit = np.inf if fresh or patience is None else begun + patience * self.seconds_afresh
        answer = self._run(min(deadline, limit), None, presolve)
        if answer.status == "limit" and limit < deadline and time.monotonic() < deadline:
            h.clearSolver()
            h.setOptionValue(PERTURBATION, 1.0)
            begun, fresh = time.monotonic(), True
            answer = self._run(deadline, None, presolve)
        if fresh and answer.status == "optimal":
            self.seconds_afresh = time.monotonic() - begun
        self._fresh = answer.status == "infeasible" and fresh  # presolve leaves no basis behind
        h.setOptionValue("solve_relaxation", False)
        if answer.x is None or answer.status != "optimal":
            return answer
        self._basis = Basis(h.getBasis())
        if not duals:
            return answer
        solution = h.getSolution()
        scale, rows, row_dual = self.scaling.cost, len(self.scaling.row), np.asarray(solution.row_dual)
        return Answer(
            "optimal",
            answer.x,
            answer.objective,
            answer.objective,
            row_dual[:rows] * self.scaling.row / scale,
            np.asarray(solution.col_dual) / self.scaling.column / scale,
            float(row_dual[rows]) * self._added / scale if len(row_dual) > rows else 0.0,
            self._basis,
        )

    def relax_otherwise(self, deadline: float) -> Answer:
        """The relaxation that was infeasible once more: from nothing if it went on from a basis, else without presolve."""
        if self._fresh:
            return self.relax(deadline, presolve=False)
        self.forget()
        return self.relax(deadline)

    def search(
        self,
        deadline: float,
        gap: float,
        start: Floats | None = None,
        stop: Tick | None = None,
        presolve: bool = True,
        strict: bool = False,
    ) -> Answer:
        """Solve the MIP to an absolute gap, from a known plan if there is one. `strict` tightens integrality and feasibility."""
        if self.scaling.before is not None:
            apart = Solver(self.program, self.scaling.before)
            apart.follow(self)
            return apart.search(deadline, gap, start, stop, presolve, strict)
        h = self._highs
        h.setOptionValue("mip_rel_gap", 0.0)
        h.setOptionValue("mip_abs_gap", max(gap * self.scaling.cost, 1e-12))
        h.setOptionValue("mip_feasibility_tolerance", 1e-9 if strict else 1e-6)
        h.setOptionValue("primal_feasibility_tolerance", 1e-9 if strict else 1e-7)
        if start is not None:
            known = highspy.HighsSolution()
            known.col_value = (start / self.scaling.column).tolist()
            h.setSolution(known)
        answer = self._run(deadline, stop, presolve)
        self._fresh = True
        h.setOptionValue("primal_feasibility_tolerance", 1e-7)
        return answer

    def _run(self, deadline: float, stop: Tick | None, presolve: bool) -> Answer:
        """One run; where HiGHS loses its way numerically, once more from nothing, with presolve the other way round."""
        answer = self._attempt(deadline, stop, presolve)
        if answer.status not in ANSWERS:
            self._highs.clearSolver()
            answer = self._attempt(deadline, stop, not presolve)
        if answer.status in UNBOUNDED:
            raise UnboundedError(
                "there is no best plan: together some hedges gain more in the scenarios than they cost, without limit; give them max_lots"
            )
        if answer.status not in ANSWERS:
            raise AilisError(f"the solver stopped with '{answer.status}'; this is a defect, please report it with the instance")
        return answer

    def _attempt(self, deadline: float, stop: Tick | None, presolve: bool) -> Answer:
        h = self._highs
        h.setOptionValue("presolve", "choose" if presolve else "off")
        left = max(deadline - time.monotonic(), 0.01)
        h.setOptionValue("time_limit", h.getRunTime() + left if np.isfinite(left) else highspy.kHighsInf)
        watch, improved = self._listeners(stop, deadline)
        h.cbMipInterrupt.subscribe(watch)
        h.cbMipImprovingSolution.subscribe(improved)
        begun = time.monotonic()
        self._given = None
        h.run()
        self.seconds += time.monotonic() - begun
        h.cbMipInterrupt.unsubscribe(watch)
        h.cbMipImprovingSolution.unsubscribe(improved)
        status, info = h.getModelStatus(), h.getInfo()
        feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        x = np.asarray(h.getSolution().col_value) * self.scaling.column if feasible else None
        objective = self.value(x) if x is not None else np.inf
        if status in (STATUS.kInfeasible, STATUS.kUnboundedOrInfeasible):
            return Answer("infeasible", None, np.inf, np.inf)
        bound = self._outside(info.mip_dual_bound) if info.mip_dual_bound > -highspy.kHighsInf else -np.inf
        if status == STATUS.kOptimal:
            return Answer("optimal", x, objective, bound)
        if status in LIMITS:
            return Answer("limit", x, objective, bound)
        return Answer(h.modelStatusToString(status), None, np.inf, -np.inf)

    def value(self, x: Floats) -> float:
        """The objective at x, computed here and not by the solver."""
        return self._money * dot(self.program.cost, x) + self._q * dot(self.program.lost, x)

    def _outside(self, objective: float) -> float:
        return objective / self.scaling.cost

    def _listeners(self, stop: Tick | None, deadline: float) -> tuple[Callable[[Any], None], Callable[[Any], None]]:
        """Watchers of the search, for its bound and for new plans (LP runs are short and keep to the time limit by themselves)."""
        stopped = [False]

        def tell(out: Any, integers: Floats | None) -> None:
            best = out.mip_primal_bound
            best = self._outside(best) if best < highspy.kHighsInf else np.inf
            stopped[0] |= stop is not None and stop(self._outside(out.mip_dual_bound), best, integers)

        def watch(event: Any) -> None:
            tell(event.data_out, None)
            event.interrupt(stopped[0] or time.monotonic() > deadline)  # said either way: HiGHS keeps the flag from run to run

        def improved(event: Any) -> None:
            tell(event.data_out, np.asarray(event.data_out.mip_solution)[self._integers])

        return watch, improved
