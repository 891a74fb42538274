"""The comparison: every portfolio solved on the same scenarios, its hedges judged, what is left split by type, and the frontier."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.changes import Change, apply
from ailis_opt.changes.scenarios import Variant, variants
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

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Portfolio:
    """One portfolio, solved on all scenarios. Money in the instance's currency; arrays are (scenarios,).

    `result` is None where no plan of the portfolio meets every limit (`why`). `exposure` is the cost without hedges, `payoff` what they
    pay. `cost_variance_reduction`: 1 − variance of the cost ÷ that of the first portfolio's. `basis`: None where it was not asked for, or
    where the plan has no way to meet a limit when only some of the changes come.
    """

    name: str
    changes: tuple[Change, ...]
    result: Result | None
    why: str = ""
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


@dataclass(frozen=True, slots=True)
class Hedging:
    """The whole comparison. `done`: everything was solved to its gap in time."""

    instance: Instance
    scenarios: tuple[str, ...]
    probability: Floats
    portfolios: tuple[Portfolio, ...]
    singles: tuple[Single, ...]
    frontier: tuple[Point, ...]
    seconds: float
    done: bool = True
    interrupted: bool = False

    @property
    def solved(self) -> list[Portfolio]:
        return [one for one in self.portfolios if one.result is not None]

    @property
    def best(self) -> Portfolio | None:
        """The portfolio of least objective."""
        return min(self.solved, key=lambda one: one.result.objective if one.result is not None else math.inf, default=None)

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
    found, alone = [], tuple[Single, ...]()
    for name, of in changed.items():
        say(f"solving {name}")
        found.append(_solved(name, listed[name], of, cases, gap, time_limit))
    found = _compared(found, probability)
    if basis:
        found, alone = _split(instance, found, changed, probability, say)
    curve = frontier(changed.get(FREE, instance), points, gap, time_limit, say) if points > 0 else ()
    results = [one.result for one in found if one.result is not None]
    return Hedging(
        instance=instance,
        scenarios=tuple(case.name for case in cases),
        probability=probability,
        portfolios=tuple(found),
        singles=alone,
        frontier=curve,
        seconds=time.monotonic() - begun,
        done=all(result.status == "optimal" for result in results),
        interrupted=any(result.interrupted for result in results),
    )


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
        return Portfolio(name, changes, None, str(error))
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
    instance: Instance, found: list[Portfolio], changed: Mapping[str, Instance], probability: Floats, say: Tell
) -> tuple[list[Portfolio], tuple[Single, ...]]:
    """What each portfolio leaves open by type of basis, and each hedge against the cost of the first portfolio without its own hedges."""
    alpha, split, alone = instance.header.risk.alpha, [], tuple[Single, ...]()
    for one in found:
        if one.result is None:
            split.append(one)
            continue
        say(f"types of basis risk that {one.name} leaves")
        of = Scenarios(changed[one.name])
        price = one.result.objective if one.result.objective_name == "cost_per_outcome" else 0.0
        signed = Signed.of(one.result)
        costs = costs_of(of, signed, price)
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
