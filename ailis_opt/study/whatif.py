"""What if: an instance and changed ones, solved and set side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ailis_opt.changes import Change, apply
from ailis_opt.errors import AilisError, Fault, InfeasibleError, InputError, NoPlanError
from ailis_opt.explain.explanation import unit_of
from ailis_opt.explain.infeasible import blamed
from ailis_opt.optimize import GAP
from ailis_opt.result import SCHEMA as RESULT_SCHEMA
from ailis_opt.result import Result
from ailis_opt.schema import Instance
from ailis_opt.study.sweep import Curve, Sweep, Sweeping
from ailis_opt.study.verdicts import Verdict, verdicts
from ailis_opt.study.workers import Case, Workers

SCHEMA = "ailis-opt-whatif/1"
BASE = "base"
BLAME_SECONDS = 5.0  # for naming the layers that are in conflict, for each case

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Delta:
    """By how much a case is above the base (below 0: under it).

    `objective` is the difference of the two plans, `lower` to `upper` what is certified. Cost, outcomes and cost per outcome are those of
    the plans in hand.
    """

    objective: float
    lower: float
    upper: float
    cost: float
    outcomes: float
    cost_per_outcome: float | None

    @property
    def within_gap(self) -> bool:
        """Whether the certified interval holds 0."""
        return self.lower <= 0 <= self.upper

    def to_dict(self) -> dict[str, Any]:
        """As in `whatif --json`."""
        interval = {"value": self.objective, "lower": self.lower, "upper": self.upper, "within_gap": self.within_gap}
        return {"cost": self.cost, "outcomes": self.outcomes, "cost_per_outcome": self.cost_per_outcome, "objective": interval}


@dataclass(frozen=True, slots=True)
class Answer:
    """One instance and what came of it: an audited plan, or why there is none.

    `layers` are those that cannot be met together, where there is no plan; None: not known. `verdicts`: whether each layer binds, if asked.
    """

    name: str
    changes: tuple[Change, ...]
    instance: Instance
    result: Result | None = None
    error: AilisError | None = None
    layers: tuple[str, ...] | None = None
    verdicts: Mapping[str, Verdict] | None = None

    @property
    def status(self) -> str:
        """optimal | limit | infeasible | no plan | failed."""
        if self.result is not None:
            return self.result.status
        return "infeasible" if isinstance(self.error, InfeasibleError) else "no plan" if isinstance(self.error, NoPlanError) else "failed"

    @property
    def service(self) -> float | None:
        """Share of the demand that is served, by weight."""
        if self.result is None:
            return None
        weight = self.instance.tables["workloads"]["outcome_weight"].to_numpy(float)
        asked = float(weight @ self.result.workloads["demanded"].to_numpy(float))
        return self.result.outcomes / asked if asked > 0 else None

    def document(self) -> dict[str, Any]:
        """The result as in `solve --json`, or why there is none."""
        if self.result is not None:
            return self.result.to_dict()
        head = {"schema": RESULT_SCHEMA, "instance": self.instance.header.name, "instance_sha256": self.instance.sha256}
        return {**head, "status": self.status, "message": str(self.error), "layers": self.layers}


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The base and the cases in the order in which they were asked for. `interrupted`: whether some are missing."""

    base: Answer
    cases: tuple[Answer, ...]
    curve: Curve | None
    gap: float
    unit: str
    interrupted: bool

    def delta(self, case: Answer) -> Delta | None:
        """The difference to the base; None where one of the two has no plan."""
        return None if self.base.result is None or case.result is None else delta(self.base.result, case.result)

    def to_dict(self) -> dict[str, Any]:
        """The document of `whatif --json` (`ailis-opt-whatif/1`)."""
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "instance": self.base.instance.header.name,
            "unit": self.unit,
            "gap": self.gap,
            "interrupted": self.interrupted,
            "base": self.base.document(),
            "cases": [self._case(case) for case in self.cases],
        }
        if self.base.verdicts is not None:
            document["layers"] = {name: verdict.to_dict() for name, verdict in self.base.verdicts.items()}
        if self.curve is not None:
            document["sweep"] = self.curve.to_dict()
        return document

    def _case(self, case: Answer) -> dict[str, Any]:
        between = self.delta(case)
        missing = {"cost": None, "outcomes": None, "cost_per_outcome": None, "objective": None}
        document = {
            "name": case.name,
            "changes": [str(change) for change in case.changes],
            "status": case.status,
            "result": case.document(),
            "delta": missing if between is None else between.to_dict(),
        }
        if case.verdicts is not None:
            document["layers"] = {name: verdict.to_dict() for name, verdict in case.verdicts.items()}
        return document


def delta(base: Result, case: Result) -> Delta:
    """The difference of two results with the same objective."""
    each = None
    if base.cost_per_outcome is not None and case.cost_per_outcome is not None:
        each = case.cost_per_outcome - base.cost_per_outcome
    return Delta(
        objective=case.objective - base.objective,
        lower=case.bounds.lower - base.bounds.upper,
        upper=case.bounds.upper - base.bounds.lower,
        cost=case.cost - base.cost,
        outcomes=case.outcomes - base.outcomes,
        cost_per_outcome=each,
    )


def changed(instance: Instance, cases: Mapping[str, Sequence[Change]]) -> dict[str, Instance]:
    """The instance of each case. Raises InputError with the faults of all."""
    found: dict[str, Instance] = {}
    faults: list[Fault] = []
    for name, changes in cases.items():
        try:
            found[name] = apply(instance, changes)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(list(dict.fromkeys(faults)))
    return found


def whatif(
    instance: Instance,
    cases: Mapping[str, Sequence[Change]],
    *,
    sweep: Sweep | None = None,
    gap: float = GAP,
    time_limit: float = math.inf,
    jobs: int | None = None,
    layers: bool = False,
    tell: Tell = lambda _: None,
) -> WhatIf:
    """Solve the instance, and each case of it from the basis and plan of the one before.

    Args:
        instance: the base.
        cases: changes by the name of the case.
        sweep: one change with a range of values: the curve and where the plan switches.
        gap, time_limit: of every solve.
        jobs: processes; as many as there are processors if None.
        layers: whether to solve without each layer, too, for a verdict on which bind.
        tell: called with a line on the progress.

    A case without a plan is an answer that says so. An interruption ends the search: what is there by then is returned.

    Raises: InputError with the faults of all changes; as `ailis_opt.solve` if the base itself has no plan; KeyboardInterrupt if it was
    interrupted before there was any.
    """
    asked = changed(instance, cases)
    sweeping = None if sweep is None else Sweeping(instance, sweep)
    answers: dict[str, Answer] = {}
    interrupted = False
    order = {str(i): name for i, name in enumerate(asked)}
    todo = [Case(key, asked[name], gap, time_limit) for key, name in order.items()]
    try:
        with Workers(jobs) as workers:
            tell(f"solving the base and {len(asked)} cases")
            bases = [Case(BASE, instance, gap, time_limit)] * max(1, min(workers.jobs, len(todo)))  # one for each worker to start from
            for reply in workers.run([*bases, *todo]):
                key = reply.key
                if key in answers:
                    continue
                name, changes = (BASE, ()) if key == BASE else (order[key], tuple(cases[order[key]]))
                answers[key] = Answer(name, changes, instance if key == BASE else asked[name], reply.result, reply.error)
                if key == BASE and reply.error is not None:
                    raise reply.error
                tell(f"{len(answers)} of {len(todo) + 1} solved")
            if sweeping is not None:
                sweeping.run(workers, gap, time_limit, tell)
        answers = {key: _explained(answer, gap, time_limit, jobs, layers, tell) for key, answer in answers.items()}
    except KeyboardInterrupt:
        interrupted = True
    base = answers.get(BASE)
    if base is None or base.result is None:
        raise KeyboardInterrupt
    return WhatIf(
        base=base,
        cases=tuple(answers[key] for key in order if key in answers),
        curve=None if sweeping is None else sweeping.curve(),
        gap=gap,
        unit=unit_of(base.result, instance),
        interrupted=interrupted or any(answer.result is not None and answer.result.interrupted for answer in answers.values()),
    )


def _explained(answer: Answer, gap: float, time_limit: float, jobs: int | None, layers: bool, tell: Tell) -> Answer:
    """The answer with the layers in conflict where there is no plan, and with verdicts where they are asked for."""
    if isinstance(answer.error, InfeasibleError):
        tell(f"{answer.name}: which layers are in conflict?")
        try:
            conflict = blamed(answer.instance, BLAME_SECONDS)
        except AilisError:  # that there is no plan is known; why is not worth an error
            return answer
        return replace(answer, layers=conflict.layers if conflict.status == "conflict" else None)
    if layers and answer.result is not None:
        tell(f"{answer.name}: which layers bind?")
        return replace(answer, verdicts=verdicts(answer.instance, answer.result, gap, time_limit, jobs))
    return answer


def signed(result: Result) -> pd.DataFrame:
    """Lots and GPUs signed, by offer."""
    return result.purchases.groupby("offer")[["lots", "gpus"]].sum()


def hired(result: Result) -> pd.DataFrame:
    """GPU-hours hired, by offer."""
    return result.hired.set_index("offer")[["gpu_hours"]]


def bought(base: Result, case: Result) -> list[tuple[str, str, float, float]]:
    """What is bought more and less: unit, offer, before, after; by unit the largest difference first, what is alike left out."""
    found = []
    for unit, column, amounts in (("GPUs signed", "gpus", signed), ("GPU-hours hired", "gpu_hours", hired)):
        both = pd.concat([amounts(base)[column].rename("before"), amounts(case)[column].rename("after")], axis=1).fillna(0.0)
        moved = (both["after"] - both["before"]).abs()
        both = both[moved > 1e-6 * (1 + both.max(axis=1))]
        for offer in moved[both.index].sort_values(ascending=False, kind="stable").index:
            found.append((unit, str(offer), float(both["before"][offer]), float(both["after"][offer])))
    return found


def tight(result: Result) -> dict[tuple[str, str], tuple[float, str]]:
    """Tight rows but those of demand: price and unit by layer and row."""
    rows = result.binding[result.binding["family"] != "demand"]
    columns = (rows[name].tolist() for name in ("layer", "row", "price", "unit"))
    return {(str(layer), str(row)): (float(price), str(unit)) for layer, row, price, unit in zip(*columns, strict=True)}
