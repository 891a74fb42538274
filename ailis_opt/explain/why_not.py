"""Why not offer k? What taking one lot of it would cost, the price at which it would pay, and the layers in the way.

The extra cost is z(lots of k >= 1) − z*, one solve (methods a.5). The break-even price is found in `break_even.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ailis_models.arrays import Floats
from ailis_models.layers import LAYERS, layer_mask
from ailis_opt.engine.compile import Program
from ailis_opt.engine.search import Outcome, Progress
from ailis_opt.errors import InfeasibleError, NoPlanError
from ailis_opt.explain.break_even import break_even, shortest, taken
from ailis_opt.explain.layered import GAP, NAMES, Layered, alike
from ailis_opt.explain.offers import Stand, by_hour_columns, stand, with_a_lot
from ailis_opt.explain.priced import ROUNDING, Clock, Range, in_money, least, priced, row
from ailis_opt.explain.why_not_result import BreakEven, Closed, Removal, WhyNot, render
from ailis_opt.prepare import prepare
from ailis_opt.schema.instance import Instance

__all__ = ["WhyNot", "render", "why_not"]

FEW = 1e-6  # lots that count as none
NOTHING = Range(np.inf, np.inf)


def why_not(instance: Instance | Layered, offer: str, gap: float = GAP, time_limit: float = np.inf) -> WhyNot:
    """What it would cost to take one lot of an offer, and what is in the way.

    One lot of a committed offer starts in any one period, the best (or `min_lots` of them, where one alone is not sold). One lot of a hired
    offer is held through every slice in which the offer is there. `gap` is that of every solve, relative on the objective; `time_limit` is
    in seconds for all of them, and what was not reached is left open ("not proven").

    Raises InputError if there is no such offer; InfeasibleError, NoPlanError if there is no plan to compare with.
    """
    clock = Clock(time_limit)
    layered = instance if isinstance(instance, Layered) else Layered(instance)
    place = stand(layered.prepared, layered.program.layout, offer)
    program = layered.only()
    base = layered.solve(program, gap, clock.share(0.5))
    if base.status == "infeasible":
        raise InfeasibleError("no plan meets every limit of the instance, with the offer or without it")
    if base.x is None:
        raise NoPlanError("the time limit came before the first plan; allow more with --time-limit, or accept a wider --gap")
    return _Question(layered, place, gap, clock, program, base).answer()


@dataclass
class _Question:
    """One offer, and the best plan of the instance as it is."""

    layered: Layered
    place: Stand
    gap: float
    clock: Clock
    program: Program
    base: Outcome

    def answer(self) -> WhyNot:
        header, x = self.layered.instance.header, self.x
        extra, change, plan = self._extra()
        there = np.isfinite(extra.lower)
        last = self._last_lot()
        best = self._break_even(plan) if there and not self.place.mixed else None
        closed = self._closed()
        return WhyNot(
            instance=header.name,
            offer=self.place.offer,
            twins=self.place.twins,
            committed=self.place.committed,
            currency=header.currency,
            objective_name=header.objective,
            objective=Range(self.base.lower, self.base.upper),
            gap=self.gap,
            price=self.place.price,
            lots=self.place.lots(x) if self.place.committed else 0.0,
            gpu_hours=self.place.hours(x),
            extra=extra,
            change=change,
            last_lot=last,
            break_even=best,
            closed=closed,
            removals=self._removals(closed, plan, extra) if self.place.hours(x) <= FEW else (),
        )

    @property
    def x(self) -> Floats:
        assert self.base.x is not None
        return self.base.x

    @property
    def there(self) -> np.ndarray:
        """(n,) the columns in which a lot can be had at all."""
        return np.asarray(self.program.column_upper[self.place.columns] > 0)

    @cached_property
    def price(self) -> float:
        """What an outcome is worth where plans are compared with the best one."""
        return in_money(self.program, self.base, self.layered.ratio)[0]

    @cached_property
    def best(self) -> Range:
        """The best plan's cost, at that price."""
        return in_money(self.program, self.base, self.layered.ratio)[1]

    def _extra(self) -> tuple[Range, Range, Floats | None]:
        """The extra cost in money, the change of the objective, and the plan that takes a lot."""
        if not self.there.any():
            return NOTHING, NOTHING, None
        has = self.place.committed and self.place.lots(self.x) >= 1 - FEW
        width = self.best.upper - self.best.lower
        if has:
            return Range(0.0, width), Range(0.0, self.base.upper - self.base.lower), self.x
        program = priced(self.program, self.price)
        with taken(self.layered.solver, program, self.place) as forced:
            tries = with_a_lot(self.layered.prepared, program.layout, self.place, self.x, np.flatnonzero(self.there))
            found = least(self.layered.solver, forced, self.gap, self.clock.share(0.2), tries=tries)
        if found.status == "infeasible":
            return NOTHING, NOTHING, None
        lower, upper = max(found.lower - self.best.upper, 0.0), max(found.upper - self.best.lower, 0.0)
        unit = self.program.asked if self.layered.ratio else 1.0
        attained = np.inf if found.x is None else self._objective(found.x)
        return Range(lower, upper), Range(lower / unit, max(attained - self.base.lower, lower / unit)), found.x

    def _objective(self, x: Floats) -> float:
        p = self.program
        cost, served = p.split(x)
        return cost / served if self.layered.ratio else cost

    def _last_lot(self) -> Range | None:
        """What the plan would cost more with one lot less; None where there is none to give up."""
        lots = np.round(self.place.lots(self.x))
        if not (self.place.committed and self.place.whole and lots >= 1):
            return None
        program = priced(self.program, self.price)
        with taken(self.layered.solver, program, self.place, 0.0, lots - 1) as fewer:
            found = least(self.layered.solver, fewer, self.gap, self.clock.share(0.3))
        return Range(max(found.lower - self.best.upper, 0.0), max(found.upper - self.best.lower, 0.0))

    # -- the break-even price -------------------------------------------------------------------------------------------------

    def _break_even(self, plan: Floats | None) -> BreakEven | None:
        """The price up to which a plan that takes the offer is as good as any without it; None if no such plan was found."""
        without = self._without()
        if without.status == "infeasible":
            return BreakEven(NOTHING, self.place.lots(self.x), self.place.hours(self.x))
        price, zero = in_money(self.program, without, self.layered.ratio)
        program, solver = priced(self.program, price), self.layered.solver
        most = np.inf if self.place.committed else self.place.fewest  # what is hired beyond one lot does not go through every slice
        if not self.place.committed:
            with taken(solver, program, self.place, most=most) as forced:
                plan = least(solver, forced, self.gap, self.clock.share(0.3)).x
        if without.x is None or plan is None:
            return None
        between, plan = break_even(solver, program, self.place, zero, plan, self.gap, self.clock, most=most)
        return None if plan is None else BreakEven(between, self.place.lots(plan), self.place.hours(plan))

    def _without(self) -> Outcome:
        """The best plan without the offer."""
        if self.place.hours(self.x) <= FEW:
            return self.base
        upper = self.program.column_upper.copy()
        upper[self.place.columns] = 0.0
        return self.layered.solve(replace(self.program, column_upper=upper), self.gap, self.clock.share(0.3), self.base.upper)

    # -- the layers in the way ------------------------------------------------------------------------------------------------

    def _closed(self) -> tuple[Closed, ...]:
        """Routes in the offer's pool by layer and workload: how many there are, the layer closes, and nothing else closes."""
        p, names = prepare(self.layered.instance), self.layered.instance.tables["workloads"]["workload"]
        mine = p.ways.pool[p.routes.way] == self.place.pool
        blockers, workload = p.routes.blockers[mine], p.askers.workload[p.routes.asker[mine]]
        found = []
        for layer in LAYERS:
            hit = (blockers & layer_mask(layer.id)) != 0
            alone = hit & ((blockers & ~layer_mask(layer.id)) == 0)
            for w in np.unique(workload[hit]).tolist():
                of_w = workload == w
                counts = (int(of_w.sum()), int((hit & of_w).sum()), int((alone & of_w).sum()))
                found.append(Closed(layer.id, str(names.iloc[w]), *counts))
        return tuple(found)

    def _removals(self, closed: tuple[Closed, ...], plan: Floats | None, extra: Range) -> tuple[Removal, ...]:
        """For each layer: whether the offer would be worth taking without it. Those that close routes come first, for want of time."""
        first = {c.layer for c in closed}
        order = sorted(NAMES, key=lambda name: name not in first)
        found = {}
        for i, layer in enumerate(order):
            found[layer] = self._removal(layer, plan, extra, self.clock.share(1 / (len(order) - i), least=0.0))
        return tuple(found[name] for name in NAMES)

    def _removal(self, layer: str, plan: Floats | None, extra: Range, seconds: float) -> Removal:
        place, solver, ratio = self.place, self.layered.solver, self.layered.ratio
        program = self.layered.only(frozenset(NAMES) - {layer})
        if alike(program, self.program):
            return Removal(layer, "no" if extra.lower > 0 else "not proven", extra)
        if layer == "contract" and place.committed:  # capacity by the hour stands for lots, and any of it will do
            columns = by_hour_columns(self.layered.prepared, program.layout, place.position)
            hours, none = self.layered.data.slices.hours[:, 0], np.zeros(0, dtype=np.int64)
            place, plan = replace(place, columns=columns, gpu_hours=hours, called=none, called_hours=np.zeros(0)), None
        if not (program.column_upper[place.columns] > 0).any():
            return Removal(layer, "no", NOTHING)
        free = self.layered.solve(program, self.gap, seconds / 2, self.base.upper)
        price, best = in_money(program, free, ratio)
        if free.x is None:
            return Removal(layer, "not proven", Range(0.0, np.inf))
        if place.hours(free.x) > FEW:
            return Removal(layer, "yes" if free.status == "optimal" else "not proven", Range(0.0, best.upper - best.lower))

        def known(p: Progress) -> bool:
            return p.lower > best.upper or p.upper <= best.upper

        with self._some(place, priced(program, price)) as forced:
            found = least(solver, forced, self.gap, seconds / 2, plan, known)
        between = Range(max(found.lower - best.upper, 0.0), max(found.upper - best.lower, 0.0))
        if between.upper <= self.gap * abs(best.upper) * (1 + ROUNDING):
            return Removal(layer, "yes", between)
        return Removal(layer, "no" if between.lower > ROUNDING * abs(best.upper) else "not proven", between)

    @contextmanager
    def _some(self, place: Stand, program: Program) -> Iterator[Program]:
        """A lot; of capacity by the hour as many GPU-hours as the shortest lot has."""
        if place is self.place:
            with taken(self.layered.solver, program, place) as forced:
                yield forced
        else:
            with row(self.layered.solver, place.columns, place.gpu_hours, shortest(self.program, self.place, False), np.inf):
                yield program
