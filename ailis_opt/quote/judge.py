"""One contract judged by solves: signed at the asked price, at what price it breaks even, and what each lot is worth.

All is measured against the best plan without it, in money: V = N + q·lost at q, the best ratio without, where cost per outcome is minimized
(signing improves the ratio just if it lowers V), and V = N where cost is. Every figure is an interval where gaps make it one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ailis_models.arrays import Floats
from ailis_opt.engine.compile import Program, compile_program, templates
from ailis_opt.engine.highs import Solver
from ailis_opt.engine.search import Options, Outcome, Search
from ailis_opt.errors import AuditError
from ailis_opt.explain.break_even import NEVER, break_even, cheaper, used
from ailis_opt.explain.offers import Stand, stand
from ailis_opt.explain.priced import ROUNDING, Clock, Range, least, money, priced
from ailis_opt.optimize import workload_table
from ailis_opt.prepare import prepare
from ailis_opt.schema.instance import Instance
from ailis_opt.spread import Read
from ailis_opt.staged import expected_tables, joint_audit, read_scenarios

MOST_POINTS = 12  # of a demand curve

Told = Callable[[], bool]
"""Whether to stop."""


@dataclass(frozen=True, slots=True)
class Without:
    """The best plan without the contract: the price q of a lost outcome, and the interval of its cost V; infinite where there is none."""

    price: float
    cost: Range


@dataclass(frozen=True, slots=True)
class Task:
    """A contract to judge: the instance with it on offer, the names of its rows; `part`: "price" or "curve"."""

    key: tuple[str, str]  # (alternative, base | late)
    part: str
    instance: Instance
    names: tuple[str, ...]
    without: Without
    gap: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Price:
    """`signed`: cost V of the best plan that signs at the asked price (infinite: none can). `break_even` per GPU-hour; −inf: never.

    `breaks_even_at`: the price by the plans in hand (NaN: none). `lots`, `gpu_hours`: what the plan that signs takes, and pays for by the
    GPU-hour; `tables`: that plan, audited; `by_scenario`: its V in each scenario, but for a constant of the scenario.
    """

    signed: Range
    break_even: Range
    breaks_even_at: float
    lots: float
    gpu_hours: float
    tables: dict[str, pd.DataFrame] | None
    done: bool
    by_scenario: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """At most so many lots in force: what they are worth as a gift [money], and what each more of them is [money per GPU-hour].

    `hours`: GPU-hours of a lot that is in force as long as the offer can be. `best`: the difference of the plans in hand.
    """

    lots: int
    value: Range
    best: float
    marginal: Range
    best_marginal: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The demand curve; `lot_gpu_hours` are those of a lot that is in force for as long as the offer can be."""

    points: tuple[Point, ...]
    lot_gpu_hours: float
    done: bool


def v_of(read: Read, price: float) -> float:
    """V of a plan in one scenario, less what the price of all outcomes asked for comes to, which is the same for every plan."""
    return read.audit.cost - price * read.audit.outcomes


class Judge:
    """One program in which the contract is on offer, solved again and again."""

    def __init__(self, task: Task, stop: Told) -> None:
        self.task, self.stop = task, stop
        self.instance = task.instance
        self.clock = Clock(task.seconds)
        self.prepared = prepare(task.instance)
        self.data = self.prepared.data
        self.program: Program = compile_program(self.data, *templates(self.data))
        self.ratio = task.instance.header.objective == "cost_per_outcome"
        self.solver = Solver(self.program)
        self.stands = [stand(self.prepared, self.program.layout, name) for name in task.names]
        self.place = _joined(self.stands)
        self.money = priced(self.program, task.without.price)

    def price(self) -> Price:
        """Signed at the asked price, and the price at which it breaks even."""
        zero, slivers = self.task.without.cost, not self.place.whole
        if not (self.program.column_upper[self.place.columns] > 0).any():
            return self._idle()
        if np.isinf(zero.lower):
            found = Search(self.program, Options(self.ratio, self.task.gap, self.clock.share(0.9)), self._report, self.solver).run()
        else:
            with used(self.solver, self.money, self.place, slivers) as forced:
                found = least(self.solver, forced, self.task.gap, self.clock.share(0.4), report=self._report)
        if found.status == "infeasible":
            return Price(Range(np.inf, np.inf), NEVER, np.nan, 0.0, 0.0, None, True)
        between, at, lots, hours, tables, done = Range(-np.inf, np.inf), np.nan, 0.0, 0.0, None, found.status == "optimal"
        by_scenario = tuple[float, ...]()
        if found.x is not None:
            lots, hours = self.place.lots(found.x), self.place.hours(found.x)
            tables, by_scenario = self._tables(found.x)
        if not self.stop():
            between, plan = break_even(
                self.solver, self.money, self.place, zero, found.x, self.task.gap, self.clock, slivers=slivers, report=self._report
            )
            if plan is not None and self.place.hours(plan) > 0 and np.isfinite(zero.upper):
                at = self.place.price - (money(self.money, plan) - zero.upper) / self.place.hours(plan)
                at = float(np.clip(0.0 if abs(at) <= ROUNDING * max(self.place.price, 1e-6) else at, between.lower, between.upper))
            done &= bool(np.isfinite(between.lower) and np.isfinite(between.upper)) or between == NEVER or bool(np.isinf(zero.lower))
        return Price(Range(found.lower, found.upper), between, at, lots, hours, tables, done and not self.stop(), by_scenario)

    def _idle(self) -> Price:
        """Of a contract that no workload could use, or that cannot start inside the horizon: what a lot of it costs is lost."""
        c, zero, lots = self.data.committed, self.task.without.cost, [(np.inf, -np.inf)]
        for s in self.stands:
            t = np.arange(len(s.columns))
            there = (t >= c.first[s.position]) & (t <= c.last[s.position]) & (self.offered > 0)
            cost, hours = self.money.cost[s.columns][there], s.gpu_hours[there]
            free = cost - self.place.price * hours
            lots += [(all_, -f / h if h > 0 else 0.0) for all_, f, h in zip(cost * s.fewest, free, hours, strict=True)]
        dearer, at = min(cost for cost, _ in lots), max(price for _, price in lots)
        if np.isinf(dearer):
            return Price(Range(np.inf, np.inf), NEVER, np.nan, 0.0, 0.0, None, True)
        return Price(Range(zero.lower + dearer, zero.upper + dearer), Range(at, at), at, 0.0, 0.0, None, True)

    @property
    def offered(self) -> float:
        """Lots of the contract that are there to be signed."""
        return float(self.prepared.supply.offers["max_lots"].iloc[self.place.row])

    def curve(self) -> Curve:
        """What 1, 2, … lots are worth at price 0: the demand curve, on a grid where there are many."""
        zero, hours, free = self.task.without.cost, self._position_hours(), cheaper(self.money, self.place, self.place.price)
        grid = self._grid()
        bounds, start, done = [Range(zero.lower, zero.upper)], None, True
        for i, n in enumerate(grid[1:]):
            if self.stop() or self.clock.left <= 0 or np.isinf(zero.lower):
                done = False
                break
            found = self._with_at_most(free, n, self.clock.share(1 / (len(grid) - 1 - i)), start)
            done &= found.status == "optimal"
            start = found.x if found.x is not None else start
            upper = min(found.upper, bounds[-1].upper)  # fewer lots are a plan, too
            bounds.append(Range(min(found.lower, upper), upper))
        return Curve(tuple(_points(grid, _monotone(bounds), hours)), hours, done and not np.isinf(zero.lower))

    def _with_at_most(self, program: Program, n: int, seconds: float, start: Floats | None) -> Outcome:
        """The best plan with no more than n lots of the contract in force at any time."""
        layout, upper, row_upper = self.program.layout, program.column_upper.copy(), program.row_upper.copy()
        mine = [s.position for s in self.stands]
        group, scope = layout.column("in_force")
        at = layout.numbers(scope, group)[0, [key[0] in mine for key in group.keys]]
        for columns in (at, self.place.columns):
            upper[columns] = np.minimum(upper[columns], n)
        for scope, rows in layout.groups(rows=True):
            if rows.name == "L1_supply.shared_lots":
                for key, number in zip(rows.keys, layout.numbers(scope, rows, rows=True)[0], strict=True):
                    if set(self.data.committed.groups[key[0]]) <= set(mine):
                        row_upper[number] = min(row_upper[number], n)
        return least(self.solver, replace(program, column_upper=upper, row_upper=row_upper), self.task.gap, seconds, start, self._report)

    def _grid(self) -> list[int]:
        """0, …, the most lots that demand could use: all of them, or some where there are many."""
        c, mine = self.data.committed, [s.position for s in self.stands]
        most = max(float(c.most[o]) for o in mine) if (self.program.column_upper[self.place.columns] > 0).any() else 0.0
        last = int(np.ceil(most - 1e-9))
        if last <= MOST_POINTS:
            return list(range(last + 1))
        return [0, *np.unique(np.round(np.geomspace(1, last, MOST_POINTS)).astype(int)).tolist()]

    def _position_hours(self) -> float:
        """GPU-hours of a lot that is in force in every period in which the contract can be."""
        c, o, t = self.data.committed, self.stands[0].position, np.arange(self.data.periods)
        there = (t >= c.first[o]) & (t < c.last[o] + c.term[o])
        return float(self.data.calendar.period_hours[there].sum() * c.lot_gpus[o])

    def _tables(self, x: Floats) -> tuple[dict[str, pd.DataFrame], tuple[float, ...]]:
        """The plan in the instance's words, after its audit, and V in each scenario."""
        read = read_scenarios(self.instance, self.prepared, self.program.layout, x, workload_table)
        verdict = joint_audit(read)
        if not verdict.ok:
            raise AuditError(f"the plan that signs the contract failed its audit; please report this: {verdict.violations[0]}")
        return expected_tables(read), tuple(v_of(one, self.task.without.price) for one in read)

    def _report(self, _: object) -> bool:
        return self.stop()


def _joined(stands: list[Stand]) -> Stand:
    """Rows of one contract as one offer."""
    first = stands[0]
    return replace(
        first,
        twins=(),
        whole=all(s.whole for s in stands),
        fewest=min(s.fewest for s in stands),
        columns=np.concatenate([s.columns for s in stands]),
        gpu_hours=np.concatenate([s.gpu_hours for s in stands]),
        lot_hours=max(s.lot_hours for s in stands),
        called=np.concatenate([s.called for s in stands]),
        called_hours=np.concatenate([s.called_hours for s in stands]),
    )


def _monotone(bounds: list[Range]) -> list[Range]:
    """More lots as a gift never cost more: bounds passed on to fewer. Upper ends are in order already."""
    lower = np.maximum.accumulate([b.lower for b in bounds[::-1]])[::-1]
    return [Range(min(float(low), b.upper), b.upper) for low, b in zip(lower, bounds, strict=True)]


def _points(grid: list[int], costs: list[Range], hours: float) -> Iterator[Point]:
    zero = costs[0]
    for k, (n, cost) in enumerate(zip(grid, costs, strict=False)):
        value = Range(max(zero.lower - cost.upper, 0.0), max(zero.upper - cost.lower, 0.0)) if k else Range(0.0, 0.0)
        best = max(zero.upper - cost.upper, 0.0)
        if not k or hours <= 0:
            yield Point(n, value, best, Range(np.nan, np.nan), np.nan)
            continue
        before, width = costs[k - 1], hours * (n - grid[k - 1])
        marginal = Range(max(before.lower - cost.upper, 0.0) / width, max(before.upper - cost.lower, 0.0) / width)
        noise = ROUNDING * abs(zero.upper)
        gained = before.upper - cost.upper
        yield Point(n, value, best, marginal, (gained if gained > noise else 0.0) / width)
