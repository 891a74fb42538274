"""What a term sheet is worth: every alternative judged against the best plan without any, and which of them to sign."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ailis_models.arrays import Floats
from ailis_opt.engine.process import Interrupts
from ailis_opt.errors import Fault, InfeasibleError, InputError
from ailis_opt.explain.priced import ROUNDING, Clock, Range, finite
from ailis_opt.optimize import solve
from ailis_opt.prepare import prepare
from ailis_opt.quote.covers import Covers, covers
from ailis_opt.quote.judge import Curve, Price, Task, Without, v_of
from ailis_opt.quote.sheet import Sheet, with_contract
from ailis_opt.quote.work import answers
from ailis_opt.result import Result
from ailis_opt.schema.instance import Instance

Tables = Mapping[str, pd.DataFrame]

SCHEMA = "ailis-opt-quote/1"
GAP = 1e-4
BASE, LATE = "base", "late"
SIGN, REFUSE, OPEN = "sign", "do not sign", "not proven"
LEAST = 1e-9  # relative: GPU-hours and money below which nothing is displaced


@dataclass(frozen=True, slots=True)
class Displaced:
    """What a plan that signs buys or hires less of an offer than the best plan without (negative: more)."""

    offer: str
    gpu_hours: float
    cost: float


@dataclass(frozen=True, slots=True)
class Case:
    """A contract judged with one delivery. What was not reached is None."""

    scenario: str
    without: Without
    asked: float
    price: Price | None
    curve: Curve | None

    @property
    def verdict(self) -> str:
        """ "sign" or "do not sign" where that is proven."""
        if self.price is None:
            return OPEN
        zero, signed, between = self.without.cost, self.price.signed, self.price.break_even
        noise = ROUNDING * abs(zero.upper) if np.isfinite(zero.upper) else 0.0
        if signed.upper < zero.lower - noise or self.asked < between.lower - ROUNDING * abs(between.lower):
            return SIGN
        if signed.lower >= zero.upper - noise or self.asked >= between.upper - ROUNDING * abs(between.upper):
            return REFUSE
        return OPEN

    def regret(self, signing: bool) -> tuple[float, Range] | None:
        """What signing (not signing) costs more than the better of the two [money]: by the plans in hand, and the interval."""
        if self.price is None:
            return None
        ours, other = self.price.signed, self.without.cost
        ours, other = (ours, other) if signing else (other, ours)
        if np.isinf(other.lower) and np.isinf(ours.lower):
            return 0.0, Range(0.0, 0.0)
        return max(ours.upper - other.upper, 0.0), Range(max(ours.lower - other.upper, 0.0), max(ours.upper - other.lower, 0.0))

    @property
    def break_even(self) -> float | None:
        """The price by the plans in hand; None where it is not known, or there is none."""
        return None if self.price is None else finite(self.price.breaks_even_at)

    @property
    def done(self) -> bool:
        """Whether everything was solved to the gap."""
        if self.price is None or self.curve is None:
            return False
        return self.price.done and (self.curve.done or bool(np.isinf(self.without.cost.lower)))


@dataclass(frozen=True, slots=True)
class ScenarioRegret:
    """What signing, and not signing, costs more in one scenario than the other of the two plans [money]."""

    scenario: str
    if_signed: float
    if_not: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """One contract of the sheet; `cases`: delivered as agreed, and late where the sheet asks for that. `regrets`: by scenario."""

    offer: str
    asked: float
    cases: tuple[Case, ...]
    covers: Covers
    displaced: tuple[Displaced, ...]
    regrets: tuple[ScenarioRegret, ...] = ()

    @property
    def case(self) -> Case:
        """Delivered as agreed."""
        return self.cases[0]

    def to_dict(self) -> dict[str, Any]:
        """What is said of it in the document."""
        late = [c for c in self.cases[1:] if c.price is not None]
        return {
            "offer": self.offer,
            "asked": self.asked,
            **_judged(self.case),
            "late": _judged(late[0]) if late else None,
            "displaced": [{"offer": d.offer, "gpu_hours": d.gpu_hours, "cost": d.cost} for d in self.displaced],
            "need_gpu_hours": self.covers.need,
            "served_gpu_hours": self.covers.served,
            "covers": [
                {
                    "layer": c.layer,
                    "covered": c.covered,
                    "exposed": c.exposed,
                    "exposed_cost": c.exposed_cost,
                    "workloads": dict(c.workloads),
                    "attributes": [{"attribute": a.name, "state": a.state, "because": a.because} for a in c.attributes],
                }
                for c in self.covers.layers
            ],
            "regret": [
                *(_regret(case) for case in self.cases if case.price is not None),
                *({"scenario": r.scenario, "if_signed": r.if_signed, "if_not": r.if_not} for r in self.regrets),
            ],
        }


def _judged(case: Case) -> dict[str, Any]:
    price, curve = case.price, case.curve
    between = None if price is None else price.break_even
    return {
        "verdict": case.verdict,
        "break_even": case.break_even,
        "break_even_between": None if between is None else between.to_dict(),
        "needed": bool(np.isinf(case.without.cost.lower)) and price is not None and bool(np.isfinite(price.signed.upper)),
        "possible": None if price is None else bool(np.isfinite(price.signed.lower)),
        "signed": None if price is None else {"lots": price.lots, "gpu_hours": price.gpu_hours, "cost": price.signed.to_dict()},
        "lot_gpu_hours": None if curve is None else curve.lot_gpu_hours,
        "value_by_lots": []
        if curve is None
        else [
            {
                "lots": point.lots,
                "value": finite(point.best),
                "marginal_price": finite(point.best_marginal),
                "value_between": point.value.to_dict(),
                "marginal_price_between": point.marginal.to_dict(),
            }
            for point in curve.points
        ],
    }


def _regret(case: Case) -> dict[str, Any]:
    row: dict[str, Any] = {"scenario": case.scenario}
    for name, signing in (("if_signed", True), ("if_not", False)):
        found = case.regret(signing)
        assert found is not None
        row[name], row[f"{name}_between"] = finite(found[0]), found[1].to_dict()
    return row


@dataclass(frozen=True, slots=True)
class Quote:
    """A judged term sheet. Prices are per GPU-hour; values, costs and regret in the instance's currency."""

    instance: str
    instance_sha256: str
    currency: str
    objective_name: str
    gap: float
    without: Result | None  # None: no plan without the contract
    alternatives: tuple[Alternative, ...]
    interrupted: bool
    warnings: tuple[str, ...]

    @property
    def best(self) -> Alternative:
        """The alternative to sign if any: the least cost with it. The first where none was judged."""
        judged = [(a.case.price.signed.upper, i) for i, a in enumerate(self.alternatives) if a.case.price is not None]
        return self.alternatives[min(judged)[1] if judged else 0]

    @property
    def recommendation(self) -> tuple[str | None, str]:
        """Which one to sign (None: none of them), and whether that is proven: "proven" or "not proven"."""
        best = self.best
        verdicts = [a.case.verdict for a in self.alternatives]
        if SIGN not in verdicts:
            return None, "proven" if set(verdicts) == {REFUSE} else OPEN
        others = [a.case.price for a in self.alternatives if a is not best and a.case.verdict != REFUSE]
        mine = best.case.price
        ahead = mine is not None and all(other is not None and mine.signed.upper <= other.signed.lower for other in others)
        return best.offer, "proven" if best.case.verdict == SIGN and ahead else OPEN

    @property
    def done(self) -> bool:
        """Whether every solve reached its gap."""
        solved = self.without is None or self.without.status == "optimal"
        return solved and not self.interrupted and all(case.done for a in self.alternatives for case in a.cases)

    def to_dict(self) -> dict[str, Any]:
        """The document of `quote --json`: the best alternative, and all of them."""
        offer, proven = self.recommendation
        bounds = None if self.without is None else {"lower": self.without.bounds.lower, "upper": self.without.bounds.upper}
        return {
            "schema": SCHEMA,
            "instance": self.instance,
            "instance_sha256": self.instance_sha256,
            "currency": self.currency,
            "objective_name": self.objective_name,
            "gap": self.gap,
            "interrupted": self.interrupted,
            "without": bounds,
            **self.best.to_dict(),
            "recommendation": {"offer": offer, "proven": proven == "proven"},
            "alternatives": [a.to_dict() for a in self.alternatives] if len(self.alternatives) > 1 else [],
            "warnings": list(self.warnings),
        }


def quote(
    instance: Instance,
    sheet: Sheet,
    *,
    gap: float = GAP,
    time_limit: float = np.inf,
    jobs: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
    in_process: bool = False,
) -> Quote:
    """Judge every alternative of a sheet, each as if it were the only one.

    `gap` is that of every solve, relative on the objective; `time_limit` in seconds is for all of them; `jobs`: processes (None: as many as
    processors, and no more than there is work for). The first Ctrl-C ends it with what is known by then.

    Raises InputError where sheet and instance do not fit; InfeasibleError if there is no plan with a contract or without; NoPlanError if
    the time ended before the first plan.
    """
    clock, offered = Clock(time_limit), _offered(instance, sheet)
    tell("the best plan without it")
    with Interrupts() as interrupts:
        result = _without(instance, gap, clock, in_process)
        known = Without(np.nan, Range(np.inf, np.inf)) if result is None else _in_money(instance, result)
        stopped = result is not None and result.interrupted

        def stop() -> bool:
            return stopped or interrupts.count > 0

        tasks = [
            Task(key, part, changed, tuple(names), known, gap, math.inf)
            for part in ("price", "curve")
            for key, (changed, names) in offered.items()
        ]
        found: dict[tuple[tuple[str, str], str], Any] = {}
        tell(f"judged: 0 of {len(tasks)}")
        for task, answer in answers(tasks, 1 if in_process else jobs or os.cpu_count() or 1, clock, stop):
            found[task.key, task.part] = answer
            tell(f"judged: {len(found)} of {len(tasks)}")
        interrupted = stop()
    alternatives = tuple(_alternative(sheet, i, offered, known, result, found) for i in range(len(sheet.names)))
    prices = [case.price for a in alternatives for case in a.cases]
    if result is None and not interrupted and all(price is not None and np.isinf(price.signed.lower) for price in prices):
        raise InfeasibleError("no plan meets every limit of the instance, with the contract or without it")
    header = instance.header
    return Quote(header.name, instance.sha256, header.currency, header.objective, gap, result, alternatives, interrupted, instance.warnings)


def _offered(instance: Instance, sheet: Sheet) -> dict[tuple[str, str], tuple[Instance, list[str]]]:
    """(alternative, base or late) -> the instance with it on offer, and the names of its rows; all faults at once."""
    out: dict[tuple[str, str], tuple[Instance, list[str]]] = {}
    faults: list[Fault] = []
    for i, name in enumerate(sheet.names):
        for scenario in (BASE, LATE) if np.isfinite(sheet.row(i)["late_periods"]) else (BASE,):
            try:
                out[name, scenario] = with_contract(instance, sheet, i, scenario == LATE)
            except InputError as error:
                faults += [fault for fault in error.faults if fault not in faults]
    if faults:
        raise InputError(faults)
    return out


def _without(instance: Instance, gap: float, clock: Clock, in_process: bool) -> Result | None:
    """The best plan without any contract; None if there is none."""
    try:
        return solve(instance, gap=gap, time_limit=clock.share(0.4), in_process=in_process)
    except InfeasibleError:
        return None


def _in_money(instance: Instance, result: Result) -> Without:
    """As `explain.priced.in_money`, from a result."""
    if instance.header.objective == "cost":
        return Without(0.0, Range(result.bounds.lower, result.bounds.upper))
    work = prepare(instance).data.workloads
    asked = float(work.total @ work.weight)
    return Without(result.bounds.upper, Range(result.bounds.lower * asked, result.bounds.upper * asked))


def _alternative(
    sheet: Sheet,
    i: int,
    offered: dict[tuple[str, str], tuple[Instance, list[str]]],
    without: Without,
    result: Result | None,
    found: dict[tuple[tuple[str, str], str], Any],
) -> Alternative:
    name, row = sheet.names[i], sheet.row(i)
    asked, scenarios = float(row["price_per_gpu_hour"]), [s for s in (BASE, LATE) if (name, s) in offered]
    cases = tuple(Case(s, without, asked, found.get(((name, s), "price")), found.get(((name, s), "curve"))) for s in scenarios)
    changed, names = offered[name, BASE]
    covered = covers(changed, prepare(changed), name, row, None if result is None else result.tables)
    price, displaced = cases[0].price, tuple[Displaced, ...]()
    if price is not None and price.tables is not None and result is not None:
        displaced = _displaced(changed, result.tables, price.tables, names)
    return Alternative(name, asked, cases, covered, displaced, _regrets(result, without.price, price))


def _regrets(without: Result | None, q: float, price: Price | None) -> tuple[ScenarioRegret, ...]:
    """By scenario, of the plans in hand: the best that signs, and the best that does not."""
    if without is None or price is None or not without.scenarios:
        return ()
    pairs = zip(without.scenarios, price.by_scenario, strict=True) if price.by_scenario else ()
    found = [(read.name, v - v_of(read, q)) for read, v in pairs]
    return tuple(ScenarioRegret(name, max(more, 0.0), max(-more, 0.0)) for name, more in found)


def _displaced(instance: Instance, without: Tables, signed: Tables, names: list[str]) -> tuple[Displaced, ...]:
    """Offers of which the plan that signs buys or hires less, or more; the largest saving first."""
    hours = prepare(instance).data.calendar.period_hours
    less = _bought(instance, hours, without).sub(_bought(instance, hours, signed), fill_value=0.0).drop(index=names, errors="ignore")
    scale = LEAST * float(np.abs(less["cost"]).sum() + 1.0)
    kept = less[(np.abs(less["cost"]) > scale) | (np.abs(less["gpu_hours"]) > 1e-6)].sort_values("cost", ascending=False, kind="stable")
    return tuple(Displaced(str(offer), float(r["gpu_hours"]), float(r["cost"])) for offer, r in kept.iterrows())


def _bought(instance: Instance, hours: Floats, tables: Tables) -> pd.DataFrame:
    """By offer, GPU-hours and cost of what a plan signs, hires and calls."""
    clock, term = np.concatenate([[0.0], np.cumsum(hours)]), instance.tables["offers"].set_index("offer")["term_periods"]
    bought, hired = tables["purchases"], tables["hired"]
    start = bought["start_period"].to_numpy(np.int64)
    end = np.fmin(start + bought["offer"].map(term).to_numpy(float), len(hours)).astype(np.int64)
    share = bought["offer"].map(instance.tables["offers"].set_index("offer")["take_or_pay_share"]).to_numpy(float)
    signed = pd.DataFrame(
        {"offer": bought["offer"], "gpu_hours": bought["gpus"] * share * (clock[end] - clock[start]), "cost": bought["cost"]}
    )
    return pd.concat([signed, hired[["offer", "gpu_hours", "cost"]]]).groupby("offer")[["gpu_hours", "cost"]].sum()
