"""The comparison: every portfolio solved on the same scenarios, its hedges judged, what is left split by type, and the frontier."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.changes import Change, apply
from ailis_opt.changes.scenarios import Variant, variants
from ailis_opt.engine.process import Interrupts
from ailis_opt.errors import Fault, InfeasibleError, InputError, NoPlanError
from ailis_opt.evaluate import Signed
from ailis_opt.hedge.basis import BasisSplit, Scenarios, costs_of, payoffs_of, split_of
from ailis_opt.hedge.frontier import Point, frontier
from ailis_opt.hedge.marks import Mark, marks
from ailis_opt.hedge.portfolios import FREE, standard
from ailis_opt.hedge.single import Single, singles
from ailis_opt.optimize import GAP, solve
from ailis_opt.result import Result
from ailis_opt.risk.measures import Effectiveness, effectiveness, regret, variance
from ailis_opt.schema.instance import Instance
from ailis_opt.uncertainty import price_of

Tell = Callable[[str], None]
EQUAL = 1e-7  # relative: objectives that differ by less are equal


@dataclass(frozen=True, slots=True)
class Portfolio:
    """One portfolio, solved on all scenarios. Money in the instance's currency; arrays are (scenarios,).

    `result` is None where no plan of the portfolio meets every limit, or none was found in time (`error`). `exposure` is the cost without
    hedges, `payoff` what they pay. `cost_variance_reduction`: 1 − variance of the cost ÷ that of the first portfolio's. `basis`: None
    where it was not asked for, or where the plan has no way to meet a limit when only some of the changes come.
    """

    name: str
    changes: tuple[Change, ...]
    result: Result | None
    error: InfeasibleError | NoPlanError | None = None
    cost: Floats = field(default_factory=lambda: np.zeros(0))
    payoff: Floats = field(default_factory=lambda: np.zeros(0))
    premium: float = 0.0  # and carry, of all positions
    service: float = 0.0  # share of the weighted demand that is served, in the mean
    effectiveness: Effectiveness | None = None
    cost_variance_reduction: float | None = None
    basis: BasisSplit | None = None
    worst_regret: float | None = None
    expected_regret: float | None = None
    marks: tuple[Mark, ...] = ()

    @property
    def exposure(self) -> Floats:
        """(scenarios,) cost without the hedges."""
        return self.cost - self.premium + self.payoff

    @property
    def status(self) -> str:
        """optimal | limit | infeasible | no plan."""
        if self.result is not None:
            return self.result.status
        return "infeasible" if isinstance(self.error, InfeasibleError) else "no plan"


@dataclass(frozen=True, slots=True)
class Hedging:
    """The whole comparison. `gap`: what was asked for; `basis_split`: whether residuals were to be split; `done`: everything was solved to
    the gap in time; `interrupted`: what is missing was not reached."""

    instance: Instance
    gap: float
    scenarios: tuple[str, ...]
    probability: Floats
    portfolios: tuple[Portfolio, ...]
    singles: tuple[Single, ...]
    frontier: tuple[Point, ...]
    seconds: float
    basis_split: bool = True
    done: bool = True
    interrupted: bool = False

    @property
    def solved(self) -> list[Portfolio]:
        return [one for one in self.portfolios if one.result is not None]

    @property
    def best(self) -> Portfolio | None:
        """The portfolio of least objective; of equals the first."""
        return _least(self.solved, lambda result: result.objective)

    @property
    def cheapest(self) -> Portfolio | None:
        """The portfolio of least expected cost, or of least cost per outcome where that is minimized: what is dearer is the price of risk
        aversion."""
        ratio = self.instance.header.objective == "cost_per_outcome"
        return _least(self.solved, lambda result: (result.cost_per_outcome or math.inf) if ratio else result.cost)

    @property
    def as_good(self) -> list[Portfolio]:
        """Portfolios other than the best of which it is not proven that they are worse: their bound is below what the best attains."""
        best = self.best
        if best is None or best.result is None:
            return []
        most = best.result.objective - EQUAL * abs(best.result.objective)
        return [one for one in self.solved if one is not best and one.result is not None and one.result.bounds.lower < most]

    def to_dict(self) -> dict[str, Any]:
        """The document of `hedge --json` (`ailis-opt-hedge/1`)."""
        from ailis_opt.hedge.document import document

        return document(self)


def hedge(
    instance: Instance,
    portfolios: Mapping[str, Sequence[Change]] | None = None,
    *,
    gap: float = GAP,
    time_limit: float = math.inf,
    points: int = 6,
    basis: bool = True,
    tell: Tell | None = None,
) -> Hedging:
    """Compare portfolios on the instance's scenarios.

    `portfolios`: changes by name; the standard ones if None. `points` of the frontier of expected cost against CVaR (0: none). `gap` and
    `time_limit` (seconds) go for each portfolio's solve. Raises InputError where the instance has no scenarios, or a change is at fault.
    """
    begun, say = time.monotonic(), tell or (lambda _: None)
    if instance.tables["scenarios"].empty:
        mend = "Give the instance tables scenarios and changes; `ailis-opt scenarios` makes them from a history"
        raise InputError([Fault("scenarios", "there are no scenarios to compare portfolios on", mend)])
    listed = {name: tuple(changes) for name, changes in (standard(instance) if portfolios is None else portfolios).items()}
    changed = _changed(instance, listed)
    cases = variants(instance)
    probability = np.array([case.probability for case in cases])
    alone, curve = tuple[Single, ...](), tuple[Point, ...]()
    with Interrupts() as interrupts:
        found, interrupted = _all_solved(listed, changed, cases, gap, time_limit, say)

        def stop() -> bool:
            return interrupted or interrupts.count > 0

        none = all(one.result is None for one in found)
        if stop() and none:
            raise KeyboardInterrupt
        found = _compared(found, probability)
        if basis and not stop():
            found, alone = _split(instance, found, changed, probability, say, stop)
        if points > 0 and not none and not stop():
            with suppress(InfeasibleError):  # portfolios may loosen what the instance by itself cannot meet
                curve = frontier(changed.get(FREE, instance), points, gap, time_limit, say, stop)
        interrupted = stop()
    statuses = {one.status for one in found} | {point.result.status for point in curve}
    return Hedging(
        instance=instance,
        gap=gap,
        scenarios=tuple(case.name for case in cases),
        probability=probability,
        portfolios=tuple(found),
        singles=alone,
        frontier=curve,
        seconds=time.monotonic() - begun,
        basis_split=basis,
        done=statuses <= {"optimal", "infeasible"},
        interrupted=interrupted,
    )


def _least(solved: Sequence[Portfolio], value: Callable[[Result], float]) -> Portfolio | None:
    """The first portfolio of which the value is the least, but for rounding."""
    values = [value(one.result) for one in solved if one.result is not None]
    least = min(values, default=math.inf)
    return next((one for one, of in zip(solved, values, strict=True) if of <= least + EQUAL * abs(least)), None)


def _all_solved(
    listed: Mapping[str, tuple[Change, ...]],
    changed: Mapping[str, Instance],
    cases: tuple[Variant, ...],
    gap: float,
    time_limit: float,
    say: Tell,
) -> tuple[list[Portfolio], bool]:
    """The portfolios one after the other, and whether the user interrupted: those that were not reached are missing."""
    found: list[Portfolio] = []
    for name, of in changed.items():
        say(f"solving {name}")
        try:
            found.append(_solved(name, listed[name], of, cases, gap, time_limit))
        except KeyboardInterrupt:
            return found, True
        if found[-1].result is not None and found[-1].result.interrupted:
            return found, True
    return found, False


def _changed(instance: Instance, listed: Mapping[str, Sequence[Change]]) -> dict[str, Instance]:
    """The instance of each portfolio. Raises InputError with the faults of all."""
    found: dict[str, Instance] = {}
    faults: list[Fault] = []
    for name, changes in listed.items():
        try:
            found[name] = apply(instance, changes) if changes else instance
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    return found


def _solved(
    name: str, changes: tuple[Change, ...], instance: Instance, cases: tuple[Variant, ...], gap: float, time_limit: float
) -> Portfolio:
    try:
        result = solve(instance, gap=gap, time_limit=time_limit)
    except (InfeasibleError, NoPlanError) as error:
        return Portfolio(name, changes, None, error)
    held, work = result.positions, result.workloads
    weight = instance.tables["workloads"]["outcome_weight"].to_numpy(float)
    return Portfolio(
        name,
        changes,
        result,
        cost=np.array([one.audit.cost for one in result.scenarios]),
        payoff=np.array([float(one.tables["positions"]["payoff"].sum()) for one in result.scenarios]),
        premium=float(held[["premium", "carry"]].to_numpy(float).sum()),
        service=float(work["served"].to_numpy(float) @ weight / (work["demanded"].to_numpy(float) @ weight)),
        marks=marks(instance, result, cases),
    )


def _compared(found: list[Portfolio], probability: Floats) -> list[Portfolio]:
    """Each with what its hedges do, and its regret against the others."""
    solved = [one for one in found if one.result is not None]
    if not solved:
        return found
    lost, base = regret(np.array([one.cost for one in solved]), probability), variance(solved[0].cost, probability)
    judged = {
        one.name: replace(
            one,
            effectiveness=effectiveness(one.exposure, one.payoff, probability),
            cost_variance_reduction=1 - variance(one.cost, probability) / base if base > 0 else None,
            worst_regret=float(most),
            expected_regret=float(mean),
        )
        for one, most, mean in zip(solved, lost.most, lost.expected, strict=True)
    }
    return [judged.get(one.name, one) for one in found]


def _split(
    instance: Instance,
    found: list[Portfolio],
    changed: Mapping[str, Instance],
    probability: Floats,
    say: Tell,
    stop: Callable[[], bool],
) -> tuple[list[Portfolio], tuple[Single, ...]]:
    """What each portfolio leaves open by type of basis, and each hedge against the cost of the first portfolio without its own hedges."""
    alpha, split, alone = instance.header.risk.alpha, [], tuple[Single, ...]()
    for one in found:
        if one.result is None or stop():
            split.append(one)
            continue
        say(f"types of basis risk that {one.name} leaves")
        of = Scenarios(changed[one.name])
        signed = Signed.of(one.result)
        costs = costs_of(of, signed, price_of(one.result))
        split.append(replace(one, basis=split_of(costs, probability, alpha)))
        if not alone:
            lots = [signed.positions.get(name, 0.0) for name in instance.tables["hedges"]["hedge"]]
            paid = payoffs_of(of)
            bare = {
                types: cost + sum((n * each[types] for n, each in zip(lots, paid, strict=True)), np.zeros(len(cost)))
                for types, cost in costs.items()
            }
            alone = singles(of, bare, probability, alpha)
    return split, alone
