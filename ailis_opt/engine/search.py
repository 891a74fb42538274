"""The search: LP first, then integers, then polish; for a ratio, the same inside Dinkelbach's loop.

The solver's incumbent is never the result: integers are rounded and fixed, the LP is solved again, and what counts is the cost of
that polished plan. Where it misses the solver's claim (a tolerance was exploited) the search runs again with tight tolerances.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.engine.basis import Basis
from ailis_opt.engine.compile import Program
from ailis_opt.engine.core import NEAR, core_of
from ailis_opt.engine.dive import AS_SIGNED, Hint, dive, improved
from ailis_opt.engine.highs import Answer, Solver, Tick
from ailis_opt.engine.part import Part
from ailis_opt.engine.ratio import RatioResult, Step, minimize_ratio

SMALL = 20_000  # entries up to which the search goes without presolve: it costs nothing there, and HiGHS 1.15's has errors (3274)
ROUND = 1e-9
WORTH = 0.03  # of the bound: how far a known plan may be from it to be tried first, and to be made better
PATIENCE = 0.3  # of the time without a basis: what a relaxation may take from the one before, before it is solved afresh
RESERVE_SECONDS, RESERVE_SHARE = 5.0, 0.1  # of the time limit, kept for polishing
DIVE_SECONDS, DIVE_SHARE = 30.0, 0.3  # the same for a plan by rounding
BOX_SECONDS, BOX_SHARE = 60.0, 0.3  # at most so long, and at most that share of the time left, for the search near the relaxation


Report = Callable[["Progress"], bool]
"""Told of progress now and then; returns True to stop the search with the best plan so far."""


@dataclass(frozen=True, slots=True)
class Options:
    """`ratio`: minimize cost per outcome (else cost). `gap`: relative, on the objective. `time_limit`: seconds.

    `price`: a guess of the best ratio, to start from. `quick`: be content with the relaxation's bound and a plan by rounding. `duals`:
    polish a plan by rounding on the whole program, too, for its duals.
    """

    ratio: bool
    gap: float = 1e-4
    time_limit: float = np.inf
    price: float | None = None
    quick: bool = False
    duals: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """State of a search, in units of the objective. `integers` holds a new best plan's integer values, if there is one."""

    phase: str
    lower: float
    upper: float
    seconds: float
    integers: Floats | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search found. Everything but `status` and `lower` is empty where there is no plan."""

    status: str  # optimal | limit | infeasible
    lower: float
    upper: float = np.inf
    x: Floats | None = None
    cost: float = np.inf
    outcomes: float = 0.0
    row_dual: Floats | None = None
    column_dual: Floats | None = None
    prices: tuple[float, ...] = ()
    solves: int = 0
    solver_s: float = 0.0  # seconds inside HiGHS, polishing apart
    polish_s: float = 0.0  # seconds inside HiGHS for polishing


@dataclass
class Search:
    """One program, searched once, in a solver of its own or one that already holds it. `best` is the best polished plan so far.

    `known`: a plan of a program much like this one; its whole numbers are tried first, from `known_basis` (of its polished LP) if given.
    """

    program: Program
    options: Options
    report: Report
    loaded: Solver | None = None
    known: Floats | None = None
    known_basis: Basis | None = None
    patience: float = PATIENCE
    solver: Solver = field(init=False)
    best: Floats | None = None
    polished: tuple[float, Answer] | None = None  # the price and the LP of `best`; None if it was found in a core
    cores: list[Part] = field(default_factory=list)  # all that were made
    last: tuple[float, Answer | None] | None = None  # the price and the answer of the last relaxation of the ratio
    lower: float = -np.inf
    solves: int = 0
    stopped: bool = False
    polish_s: float = 0.0

    def __post_init__(self) -> None:
        self.begun = time.monotonic()
        limit = self.options.time_limit
        self.deadline = self.begun + limit - min(RESERVE_SECONDS, RESERVE_SHARE * limit)
        self.solver = Solver(self.program) if self.loaded is None else self.loaded
        self.seconds_before = self.solver.seconds

    def run(self) -> Outcome:
        """Search to the gap, the time limit, or the stop."""
        self.solver.set_price(self.options.price or 0.0 if self._is_ratio else 0.0)
        self.solver.recall()
        first = self._relax()
        if first is None:
            return Outcome("limit", -np.inf, solves=self.solves)
        if first.status == "infeasible":
            return Outcome("infeasible", np.inf, solves=self.solves)
        self.last = (self.solver.price, first)
        result = self._ratio(first) if self._is_ratio else self._cost(first)
        return self._outcome(result, self._is_ratio)

    def finish(self, integers: Floats) -> Outcome:
        """Polish a plan of which the integers are known, and no more: its bound is the LP's."""
        first = self._relax()
        if first is None or first.x is None or self.polish(integers) is None:
            return Outcome("limit", -np.inf, solves=self.solves)
        lower = (first.bound + self.program.offset) / self._unit if not self._is_ratio else -np.inf
        assert self.best is not None
        return self._outcome(RatioResult(lower, self._objective(self.best), ()), self._is_ratio)

    # -- the two objectives -------------------------------------------------------------------------------------------------

    def _cost(self, first: Answer) -> RatioResult:
        """Minimize N; with D fixed the ratio is N/D."""
        offset, unit = self.program.offset, self._unit
        self.lower = (first.bound + offset) / unit
        target = self.options.gap * max(abs(first.bound + offset), 1e-9)
        step = self._integers(target, first)
        lower = max(self.lower, (step.bound + offset) / unit)
        upper = np.inf if self.best is None else self._objective(self.best)
        return RatioResult(min(lower, upper), upper, (0.0,))

    def _ratio(self, first: Answer) -> RatioResult:
        """Dinkelbach: on the LP relaxation first, for a bound and a good price, then with integers."""
        p = self.program
        known = np.inf if self.options.price is None or first.x is None else self._ratio_of(first.x)
        if not np.isfinite(known):
            self.solver.maximize_outcomes()
            most = self._relax()
            if most is None or most.x is None:
                return RatioResult(-np.inf, np.inf, ())
            known = self._ratio_of(most.x)
            if not np.isfinite(known):  # nobody can be served
                return RatioResult(np.inf, np.inf, ())
        relaxed = minimize_ratio(self._relaxed_step, known, p.least, p.asked, 1e-9)
        self.lower = relaxed.lower
        if not p.integer.any():
            final = self._integer_step(relaxed.upper, 0.0)
            return RatioResult(relaxed.lower, final.cost / final.outcomes, relaxed.prices) if final.cost and final.outcomes else relaxed
        start = relaxed.upper
        step = self._integer_step(start, self.options.gap * abs(start) * max(p.least, 0.1 * p.asked))
        if step.cost is None:
            return RatioResult(self._certified(start, step.bound), np.inf, (start,))
        if self.best is not None and not np.isfinite(self._ratio_of(self.best)):  # serving nothing is best at that price
            self.solver.maximize_outcomes()
            most = self._relax()
            if most is None or most.x is None:
                return RatioResult(self.lower, np.inf, (start,))
            served = self._integers(1e-6 * p.asked, most)
            if served.bound >= (1 - 1e-9) * p.asked:
                return RatioResult(np.inf, np.inf, (start,))
        if self.best is None or not np.isfinite(self._ratio_of(self.best)):
            return RatioResult(self.lower, np.inf, (start,))
        if self.options.quick:
            lower = self._certified(start, step.bound)
            return RatioResult(lower, self._objective(self.best), (start,))
        result = minimize_ratio(
            self._integer_step, self._objective(self.best), p.least, p.asked, self.options.gap, lower=self._certified(start, step.bound)
        )
        return RatioResult(result.lower, result.upper, (start, *result.prices))

    def _certified(self, price: float, bound: float) -> float:
        """Lower bound on the ratio that a proven bound on N − price·D gives."""
        p = self.program
        certified = price + bound / p.asked if bound >= 0 else price + bound / p.least if p.least > 0 else -np.inf
        return max(self.lower, certified)

    def _relaxed_step(self, price: float, _: float) -> Step:
        answer = self._relaxed_at(price)
        if answer is None or answer.x is None:
            return Step(None, None, -np.inf)
        n, d = self.program.split(answer.x)
        return Step(n, d, n - price * d)

    def _integer_step(self, price: float, target: float) -> Step:
        first = self._relaxed_at(price)
        if first is None or first.x is None:
            return Step(None, None, -np.inf)
        step = self._integers(target, first)
        return Step(step.cost, step.outcomes, step.bound + self.program.offset - price * self.program.asked)

    # -- solves ---------------------------------------------------------------------------------------------------------------

    def _relaxed_at(self, price: float) -> Answer | None:
        """The relaxation at a price, solved if the last one was not at that price, and does not hold there, too."""
        self.solver.set_price(price)
        if self.last is None or self.last[0] != price:
            moved = None if self.last is None or self.last[1] is None else self._moved(self.last[1], price - self.last[0])
            self.last = (price, self._relax() if moved is None else moved)
        return self.last[1]

    def _moved(self, answer: Answer, rise: float) -> Answer | None:
        """A relaxation with the price of a lost outcome risen: the same if nothing is lost, and losing would not pay; else None."""
        lost = self.program.lost
        assert answer.x is not None
        if answer.column_dual is None or (answer.x[lost != 0] != 0).any():
            return None
        dual = answer.column_dual + rise * lost
        return None if (dual[lost != 0] < 0).any() else replace(answer, column_dual=dual)

    def _relax(self) -> Answer | None:
        """The LP relaxation; 'infeasible' only if a second solve, another way, agrees; None if time is up."""
        self._tell("relaxation")
        answer = self.solver.relax(self.deadline, patience=self.patience if self.loaded else None)
        self.solves += 1
        if answer.status == "infeasible":
            self._tell("second opinion")
            answer = self.solver.relax_otherwise(self.deadline)
            self.solves += 1
        self.solver.remember(answer)
        return None if answer.status == "limit" else answer

    def _integers(self, target: float, first: Answer) -> Step:
        """Minimize the objective now set over the integers to an absolute gap; Step.bound is on that objective."""
        assert first.x is not None
        values = self.solver.integers(first.x)
        if np.abs(values - np.round(values)).max(initial=0.0) <= 1e-9:
            plan = self.polish(values)
            if plan is not None and self.solver.value(plan) <= first.bound + max(target, 1e-9 * abs(first.bound)):
                return self._step(plan, first.bound)
        bound, plan = first.bound, self.best
        small = len(self.program.value) <= SMALL
        if not small:
            plan = self._in_core(first, target)
            if self.options.quick or self._enough(plan, bound, target):
                return self._step(plan, bound)
        for strict in (False, True):
            answer = self.solver.search(self.deadline, 0.9 * target, plan, self._watch(), presolve=not (small or strict), strict=strict)
            self.solves += 1
            if answer.status != "infeasible" or (strict and plan is None):  # said twice, and no plan to the contrary
                bound = max(bound, answer.bound)
            found = None if answer.x is None else self.polish(self.solver.integers(answer.x))
            plan = self._better(plan, found)
            closed = plan is not None and self.solver.value(plan) - bound <= max(target, 1e-9 * abs(bound))
            if closed or answer.status == "limit" or self.stopped:
                break
        return self._step(plan, bound)

    def _in_core(self, first: Answer, target: float) -> Floats | None:
        """A plan in the core of the relaxation: a known one, one by rounding, one with lots near those of the relaxation.

        One of many programs is rounded in haste first, and again with care where that will not do.
        """
        now, ways = time.monotonic(), ((NEAR, True), (NEAR, False), (np.inf, False))
        until = now + min(DIVE_SECONDS, DIVE_SHARE * (self.deadline - now))
        if self.best is None and self.known is not None and self.known_basis is not None:
            self.solver.warm(self.known_basis)
            if self._enough(self.polish(self.solver.integers(self.known)), first.bound, target):
                return self.best
        if (
            self.best is None
            and self._enough(self.known, first.bound, target)
            and self.known is not None
            and self.program.holds(self.known)
        ):
            return self._noted(self.known)
        core, plan, rounded = self._core(first, NEAR), self.best, None
        hint = None if self.known is None else Hint(self.known)
        if plan is None and self.known is not None and self._worth(self.known, first.bound):
            plan = self._as_known(core, first, target, until)
        for near, hasty in ways if self.loaded else ways[1:]:
            if self._enough(plan, first.bound, target):
                return plan
            if time.monotonic() > until or (self.options.quick and rounded is not None):
                break
            self._tell("rounding")
            core = core if near == NEAR else self._core(first, near)
            rounded = self._noted(dive(core, self.solver, first, until, hasty, hint))
            if rounded is not None and not self.options.quick:
                rounded = self._noted(improved(core, self.solver, rounded, first.bound + target, until))
            plan = self._better(plan, rounded)
        if self.options.quick or self._enough(plan, first.bound, target):
            return plan
        return self._better(plan, self._near(core, first, target))

    def _core(self, first: Answer, near: float) -> Part:
        self.cores.append(core_of(self.solver, first, near, self.known))
        return self.cores[-1]

    def _as_known(self, core: Part, first: Answer, target: float, until: float) -> Floats | None:
        """The known plan, or one with its lots, made better where it is near enough to be worth it."""
        assert self.known is not None
        plan = core.plan(self.solver.integers(self.known), until)
        if plan is None:
            plan = dive(core, self.solver, first, until, True, Hint(self.known, AS_SIGNED))
        if plan is None or self.options.quick or self._enough(plan, first.bound, target):
            return self._noted(plan)
        if self._worth(plan, first.bound):
            plan = improved(core, self.solver, plan, first.bound + target, until)
        return self._noted(plan)

    def _worth(self, plan: Floats, bound: float) -> bool:
        return self.solver.value(plan) - bound <= WORTH * abs(bound)

    def _enough(self, plan: Floats | None, bound: float, target: float) -> bool:
        """Whether a plan is within the gap of a bound on cost + price·lost: of that objective, or of the ratio itself."""
        if plan is None:
            return False
        if self.solver.value(plan) - bound <= target:
            return True
        if not self._is_ratio or not np.isfinite(self.solver.price):
            return False
        best = self._objective(plan)
        return best - self._proven(self.solver.price, bound) <= self.options.gap * best

    def _near(self, core: Part, first: Answer, target: float) -> Floats | None:
        """A good plan with lots near those of the relaxation: a search in the box [floor − 1, ceil + 1], lots at 0 left at 0."""
        assert first.x is not None
        relaxed = self.solver.integers(first.x)[core.whole]
        lower, upper = core.solver.integer_bounds
        lots, taken = core.solver.program.rounded, relaxed > ROUND
        floor, ceil = np.floor(relaxed + ROUND) - 1, np.where(taken, np.ceil(relaxed - ROUND) + 1, 0.0)
        core.solver.set_integer_bounds(np.where(lots, np.maximum(lower, floor), lower), np.where(lots, np.minimum(upper, ceil), upper))
        now = time.monotonic()
        until = now + min(BOX_SECONDS, BOX_SHARE * (self.deadline - now))
        tick = self._watch()

        def watch(bound: float, best: float, integers: Floats | None) -> bool:
            return tick(bound, best, None if integers is None else core.spread(integers))

        answer = core.solver.search(until, target, None, watch)
        self.solves += 1
        core.solver.set_integer_bounds(lower, upper)
        if answer.x is None:
            return None
        return self._noted(core.plan(core.spread(core.solver.integers(answer.x)), max(self.deadline, time.monotonic() + 5.0)))

    def _noted(self, plan: Floats | None) -> Floats | None:
        """A plan that was found in a core, kept if it is the best so far."""
        if plan is not None and (self.best is None or self._objective(plan) < self._objective(self.best)):
            self.best, self.polished = plan, None
            self._tell("plan", np.round(self.solver.integers(plan)))
        return plan

    def polish(self, integers: Floats) -> Floats | None:
        """Round and fix the integers, solve the LP again: an exact plan, or None if rounding broke it. Keeps the best plan seen."""
        rounded = np.round(integers)
        if (
            self.best is not None
            and self.polished is not None
            and self.polished[0] == self.solver.price
            and np.array_equal(rounded, self.solver.integers(self.best))
        ):
            return self.best
        if not self.solver.allows(rounded):
            return None
        self.solver.set_integer_bounds(rounded, rounded)
        answer = self._timed_polish(5.0)
        self.solver.set_integer_bounds(*self.solver.integer_bounds)
        if answer.x is None or answer.status != "optimal":
            return None
        x = answer.x.copy()
        x[self.program.integer] = rounded
        if self.best is None or self._objective(x) < self._objective(self.best):
            self.best, self.polished = x, (self.solver.price, answer)
            self._tell("plan", rounded)
        return x

    def _timed_polish(self, seconds: float) -> Answer:
        """The LP with the integers as now fixed, mostly a few steps from the last basis; it gets its seconds even when time is up."""
        before = self.solver.seconds
        answer = self.solver.relax(max(self.deadline, time.monotonic() + seconds), warm=True)
        self.polish_s += self.solver.seconds - before
        return answer

    # -- bookkeeping ----------------------------------------------------------------------------------------------------------

    def _better(self, one: Floats | None, other: Floats | None) -> Floats | None:
        if one is None or other is None:
            return one if other is None else other
        return one if self.solver.value(one) <= self.solver.value(other) else other

    def _step(self, plan: Floats | None, bound: float) -> Step:
        if plan is None:
            return Step(None, None, bound)
        return Step(*self.program.split(plan), bound)

    def _ratio_of(self, x: Floats) -> float:
        n, d = self.program.split(x)
        return n / d if d > 1e-9 * self.program.asked else np.inf

    @property
    def _is_ratio(self) -> bool:
        """A true ratio; where every outcome must be served, N/D is N over a constant."""
        return self.options.ratio and bool(self.program.lost.any())

    @property
    def _unit(self) -> float:
        return self.program.asked if self.options.ratio else 1.0

    def _objective(self, x: Floats) -> float:
        return self._ratio_of(x) if self.options.ratio else self.program.split(x)[0]

    def _watch(self) -> Tick:
        """Passes the running search's new plans on, at most five times a second what else there is to tell.

        Its bound is not believed before it ends: HiGHS calls back from the smaller searches of its heuristics, too, with bounds of those.
        Where outcomes are maximized the solver's figures are no money, and say nothing of the objective.
        """
        p, price, last = self.program, self.solver.price, [time.monotonic()]

        def tick(_: float, best: float, integers: Floats | None) -> bool:
            now = time.monotonic()
            if integers is None and now - last[0] < 0.2:
                return self.stopped
            last[0] = now
            upper = (best + p.offset) / self._unit if price == 0.0 else np.inf
            self._tell("search", integers, upper)
            return self.stopped

        return tick

    def _proven(self, price: float, bound: float) -> float:
        """Lower bound on the objective from a bound on cost + price·lost."""
        if not self._is_ratio:
            return (bound + self.program.offset) / self._unit
        return self._certified(price, bound + self.program.offset - price * self.program.asked)

    def _tell(self, phase: str, integers: Floats | None = None, upper: float = np.inf) -> None:
        best = np.inf if self.best is None else self._objective(self.best)
        self.stopped |= self.report(Progress(phase, self.lower, min(best, upper), time.monotonic() - self.begun, integers))

    def _outcome(self, result: RatioResult, ratio: bool) -> Outcome:
        """Polish once more at the final price, for its duals."""
        if self.best is None or result.upper == np.inf:
            return Outcome("infeasible" if result.lower == np.inf else "limit", result.lower, prices=result.prices, solves=self.solves)
        price = self._objective(self.best) if ratio else 0.0
        fixed, x = np.round(self.solver.integers(self.best)), self.best
        if self.polished is not None and self.polished[0] == price:
            final = self.polished[1]
        elif self.polished is None and not self.options.duals:
            final = Answer("limit", None, np.inf, -np.inf)
        else:
            self.solver.set_price(price)
            self.solver.set_integer_bounds(fixed, fixed)
            if self.polished is None:  # far from any basis
                self.solver.forget()
            final = self._timed_polish(10.0)
        if final.x is not None and final.status == "optimal":
            candidate = final.x.copy()
            candidate[self.program.integer] = fixed
            x = candidate if self._objective(candidate) <= self._objective(x) + 1e-9 * abs(self._objective(x)) else x
        n, d = self.program.split(x)
        upper = self._objective(x)
        lower = min(result.lower, upper)
        done = upper - lower <= self.options.gap * abs(upper) + 1e-12
        return Outcome(
            status="optimal" if done else "limit",
            lower=lower,
            upper=upper,
            x=x,
            cost=n,
            outcomes=d,
            row_dual=final.row_dual,
            column_dual=final.column_dual,
            prices=result.prices,
            solves=self.solves,
            solver_s=self.solver.seconds - self.seconds_before - self.polish_s + sum(core.solver.seconds for core in self.cores),
            polish_s=self.polish_s,
        )
