"""Near-optimal plans: the range of every purchase over all plans within a share of the best (methods a.4).

A plan counts if its objective is at most (1 + ε) times that of the best plan known: V(x) <= limit, with V at the price of that limit where
cost per outcome is minimized, N − (1+ε)·q·D <= 0. The outer end of a range is proven, first by the LP relaxation, then by searches that ask
"is any plan with at least so many lots cheap enough?"; its inner end is attained by a plan in hand. Where both meet, the range is exact.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.engine.compile import Program, compile_program, templates
from ailis_opt.engine.highs import Solver
from ailis_opt.engine.search import Options, Outcome, Progress, Search
from ailis_opt.errors import Fault, InfeasibleError, InputError, NoPlanError
from ailis_opt.explain.offers import Stand, stands
from ailis_opt.explain.priced import ROUNDING, Clock, Range, in_money, least, money, priced, row
from ailis_opt.explain.robust_result import Purchase, Robust, render
from ailis_opt.prepare import prepare, require_open_routes
from ailis_opt.schema.instance import Instance

__all__ = ["Robust", "render", "robust"]

GAP = 1e-4
WHOLE = 1e-6  # of a relaxed number of lots: what the solver's tolerance may have added to it
COARSE = 0.01  # share of its range to which an amount that is no whole number is narrowed
ROUNDS = 12  # of Newton's method on a relaxation's cost
LP_SHARE, HIRED_SHARE = 0.4, 0.2  # of the time left, for the relaxations of committed and of hired offers


def robust(instance: Instance, within: float = 0.01, gap: float = GAP, time_limit: float = np.inf) -> Robust:
    """Least and most of every purchase over all plans whose objective is at most (1 + `within`) times that of the best plan known.

    Lots are those of all start periods together; offers that differ in their names only count together. No plan buys more than all demand
    could use. `gap` is that of the best plan; `time_limit` in seconds is for everything, and a range that is not closed by then says what
    is found and what is proven.

    Raises InputError if `within` is no share; InfeasibleError, NoPlanError if there is no plan to start from.
    """
    if not (math.isfinite(within) and within >= 0):
        why = "not a share of the best plan's objective"
        raise InputError([Fault("--robust", why, "Give a share such as 1% or 0.01", value=f"{within:g}")])
    clock = Clock(time_limit)
    prepared = prepare(instance)
    require_open_routes(instance, prepared)
    program = compile_program(prepared.data, *templates(prepared.data))
    solver, ratio = Solver(program), instance.header.objective == "cost_per_outcome"
    base = Search(program, Options(ratio, gap, clock.share(0.4)), lambda _: False, solver).run()
    if base.status == "infeasible":
        raise InfeasibleError("no plan meets every limit of the instance")
    if base.x is None:
        raise NoPlanError("the time limit came before the first plan; allow more with --time-limit, or accept a wider --gap")
    ranges = _Ranges(program, solver, base, within, ratio, clock)
    bought = [_Item(s, program) for s in stands(prepared, program.layout, True) if (program.column_upper[s.columns] > 0).any()]
    hired = [_Item(s, program) for s in stands(prepared, program.layout, False) if (program.column_upper[s.columns] > 0).any()]
    ranges.watch([*bought, *hired])
    ranges.relax(bought, clock.share(LP_SHARE))
    ranges.relax(hired, clock.share(HIRED_SHARE))
    ranges.decide(bought)
    return Robust(
        instance=instance.header.name,
        currency=instance.header.currency,
        objective_name=instance.header.objective,
        objective=Range(base.lower, base.upper),
        gap=gap,
        within=within,
        purchases=tuple(item.purchase() for item in bought),
        hired=tuple(item.purchase() for item in hired),
    )


@dataclass
class _Item:
    """One merged offer and what is known of its range: lots of committed, GPU-hours of hired offers."""

    stand: Stand
    program: Program

    def __post_init__(self) -> None:
        s = self.stand
        self.weight: Floats = np.ones(len(s.columns)) if s.committed else s.gpu_hours
        self.whole = s.committed and s.whole
        self.best = 0.0
        self.found = Range(np.inf, -np.inf)
        self.proven = Range(0.0, float(self.weight @ self.program.column_upper[s.columns]))
        self.refused = [-np.inf, np.inf]  # the amount nearest to what is found that a search did not reach, at either end

    def see(self, x: Floats) -> None:
        """A plan that counts."""
        amount = self.amount(x)
        self.found = Range(min(self.found.lower, amount), max(self.found.upper, amount))

    def amount(self, x: Floats) -> float:
        value = float(self.weight @ x[self.stand.columns])
        return float(np.round(value)) if self.whole else max(value, 0.0)

    @property
    def step(self) -> float:
        """Amounts that are less than this apart count as equal."""
        return 1.0 if self.whole else max(COARSE * self.proven.upper, 1e-6)

    def prove(self, most: bool, value: float) -> None:
        """No plan that counts has more (less) than `value`, a relaxed figure."""
        margin = WHOLE if self.whole else WHOLE * max(1.0, abs(value))
        if most:
            value = math.floor(value + margin) if self.whole else value + margin
            self.proven = Range(self.proven.lower, max(min(self.proven.upper, value), self.found.upper))
        else:
            value = math.ceil(value - margin) if self.whole else value - margin
            self.proven = Range(min(max(self.proven.lower, value), self.found.lower), self.proven.upper)

    @property
    def margin(self) -> float:
        """What lies between an amount that is ruled out and the next one that may not be."""
        return 1.0 if self.whole else 0.0

    def rounded(self, value: float, most: bool) -> float:
        """The last amount that is not beyond a value."""
        return value if not self.whole else math.floor(value + WHOLE) if most else math.ceil(value - WHOLE)

    def closed(self, most: bool) -> bool:
        """Whether what is found and what is proven meet at this end."""
        return abs((self.found.upper - self.proven.upper) if most else (self.found.lower - self.proven.lower)) < self.step * (1 - ROUNDING)

    def next(self, most: bool) -> float | None:
        """The amount to ask for next, halfway from what is found to what may be; None where there is nothing left to ask."""
        sign = 1.0 if most else -1.0
        near, far = (self.found.upper, self.proven.upper) if most else (self.found.lower, self.proven.lower)
        far = sign * min(sign * far, sign * (self.refused[most] - sign * self.margin))
        if sign * (far - near) < self.step * (1 - ROUNDING):
            return None
        middle = near + (far - near) / 2
        return middle if not self.whole else math.ceil(middle - WHOLE) if most else math.floor(middle + WHOLE)

    def purchase(self) -> Purchase:
        s = self.stand
        return Purchase(s.offer, s.twins, self.best, self.found, self.proven, self.closed(True) and self.closed(False), self.whole)


@dataclass
class _Ranges:
    """All plans within the limit."""

    base_program: Program
    solver: Solver
    base: Outcome
    within: float
    ratio: bool
    clock: Clock

    def __post_init__(self) -> None:
        p = self.base_program
        price, best = in_money(p, self.base, self.ratio)
        self.limit = (1 + self.within) * best.upper
        self.program = priced(p, (1 + self.within) * price)
        self.slack = ROUNDING * abs(self.limit)
        self.items: list[_Item] = []

    def watch(self, items: list[_Item]) -> None:
        """The offers whose ranges are asked for."""
        assert self.base.x is not None
        self.items = items
        for item in items:
            item.best = item.amount(self.base.x)
            item.see(self.base.x)

    def _see(self, x: Floats | None) -> None:
        if x is not None and money(self.program, x) <= self.limit + self.slack:
            for item in self.items:
                item.see(x)

    def relax(self, items: list[_Item], seconds: float) -> None:
        """Outer ends by the LP relaxation. What is hired is tried with the whole numbers of the best plan, too: that gives plans."""
        clock, solver, x = Clock(seconds), self.solver, self.base.x
        assert x is not None
        solver.use(self.program)
        solver.set_price(0.0)
        solver.relax(clock.end)
        for most in (True, False):
            for item in items:
                if clock.left > 0 and not item.closed(most):
                    item.prove(most, self._reach(item, most, clock))
        whole = np.round(solver.integers(x))
        solver.set_integer_bounds(whole, whole)
        for item in [i for i in items if not i.stand.committed]:
            for most in (True, False):
                if clock.left > 0 and not item.closed(most):
                    self._reach(item, most, clock)
        solver.use(self.program)

    def _reach(self, item: _Item, most: bool, clock: Clock) -> float:
        """The farthest amount at which the LP's least cost f is within the limit, or a bound on it.

        f is convex, so each dual λ gives a bound: f(u) >= f(v) + λ·(u − v) exceeds the limit beyond v + (limit − f(v))/λ (Newton's
        method on f = limit). Each step starts from the last basis.
        """
        sign = 1.0 if most else -1.0
        near, far = (item.found.upper, item.proven.upper) if most else (item.found.lower, item.proven.lower)
        amount = sign * min(sign * near + item.step, sign * far)
        with row(self.solver, item.stand.columns, item.weight, *_from(amount, most)):
            for _ in range(ROUNDS):
                self.solver.move_added_row(*_from(amount, most))
                answer = self.solver.relax(clock.end, warm=True)
                if answer.status == "infeasible":
                    far = amount - sign * item.margin
                    amount = item.rounded(near + (far - near) / 2, most)
                elif answer.status != "optimal" or answer.x is None:
                    break
                else:
                    self._see_whole(answer.x)
                    over = answer.objective + self.program.offset - self.limit - self.slack
                    slope = abs(answer.added_dual)
                    if slope > 0:
                        far = sign * min(sign * far, sign * (amount - sign * over / slope))
                    if over > 0:
                        far = sign * min(sign * far, sign * (amount - sign * item.margin))
                    aim = item.rounded(far, most)
                    if over <= 0 and sign * (aim - amount) <= item.margin / 2:
                        break
                    amount = aim
                if sign * (far - near) < item.step * (1 - ROUNDING):
                    break
        return far

    def _see_whole(self, x: Floats) -> None:
        value = self.solver.integers(x)
        if np.abs(value - np.round(value)).max(initial=0.0) <= ROUNDING:
            self._see(x)

    def decide(self, items: list[_Item]) -> None:
        """Ends that are open, by searches, each with its part of the time left: plans by rounding first, then all that a search can do."""
        for quick in (True, False):
            queue = deque((item, most) for item in items for most in (True, False))
            for item in items:
                item.refused = [-np.inf, np.inf]
            while queue and self.clock.left > 0:
                item, most = queue.popleft()
                amount = item.next(most)
                if amount is not None:
                    self._ask(item, most, amount, self.clock.share(1 / (len(queue) + 1)), quick)
                    queue.append((item, most))

    def _ask(self, item: _Item, most: bool, amount: float, seconds: float, quick: bool) -> None:
        """Is there a plan within the limit with at least (at most) this amount?"""

        def known(p: Progress) -> bool:
            return p.lower > self.limit + self.slack or p.upper <= self.limit

        with row(self.solver, item.stand.columns, item.weight, *_from(amount, most)):
            found = least(self.solver, self.program, ROUNDING, seconds, None, known, quick)
        self._see(found.x)
        reached = item.found.upper >= amount - WHOLE if most else item.found.lower <= amount + WHOLE
        if found.lower > self.limit + self.slack:
            item.prove(most, amount - item.margin if most else amount + item.margin)
        if not reached:
            item.refused[most] = amount


def _from(amount: float, most: bool) -> tuple[float, float]:
    """Bounds of a row that asks for at least (at most) an amount."""
    return (amount, np.inf) if most else (-np.inf, amount)
