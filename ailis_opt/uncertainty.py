"""Questions to a plan under scenarios: what planning for all of them is worth, how it does in fresh ones, fewer scenarios to plan for."""

from __future__ import annotations

import math
import time
from dataclasses import fields, replace

import numpy as np

from ailis_models.arrays import Data, Floats
from ailis_opt.changes.scenarios import variants
from ailis_opt.engine.compile import compile_program, templates, two_stage
from ailis_opt.engine.value import Value, least, planned, priced, value
from ailis_opt.errors import Fault, InputError
from ailis_opt.evaluate import Signed, evaluate
from ailis_opt.io import recheck
from ailis_opt.optimize import solve
from ailis_opt.prepare import prepare
from ailis_opt.result import Result
from ailis_opt.risk.measures import cvar
from ailis_opt.risk.reduction import distances, forward_selection, with_tail
from ailis_opt.schema.instance import Instance
from ailis_opt.spread import Interval, Risk, Sample

CONFIDENCE = 0.95
RESAMPLES = 2000
ROUGH = 0.01  # gap of the plan by which scenarios are told that are in the tail


def price_of(result: Result) -> float:
    """The price of an outcome at which the plan is of least cost: its ratio, where that is minimized."""
    return result.objective if result.objective_name == "cost_per_outcome" else 0.0


def with_worth(instance: Instance, result: Result, gap: float, time_limit: float = math.inf) -> Result:
    """The result with `risk.vss` and `risk.evpi` [money], of the objective's cost at the price of an outcome; None if it took too long.

    With a weight on the tail both are of the weighted cost; EVPI of a ratio then asks that no outcome may be left unserved, else it is
    None. VSS is infinite where the plan for the mean fails in some scenario.
    """
    if result.risk is None or not result.scenarios:
        return result
    end, price, risk = time.monotonic() + time_limit, price_of(result), result.risk
    data = prepare(instance).data
    neutral = replace(data, risk=replace(data.risk, weight=0.0))
    model = two_stage(neutral, *templates(neutral))
    here = risk.objective + price * (float(model.probability @ model.asked) - result.outcomes)
    unproven = (result.bounds.upper - result.bounds.lower) * (float(model.probability @ model.asked) if price else 1.0)
    found = value(model, price, gap, end - time.monotonic(), (here - unproven, here))
    if found is None:
        return result
    if risk.weight == 0:
        return replace(result, risk=replace(risk, vss=found.vss, evpi=found.evpi))
    averse = least(planned(priced(compile_program(data, *templates(data)), price), found.mean), gap, end)
    vss = math.inf if averse is None else max(averse.upper - here, 0.0)
    return replace(result, risk=replace(risk, vss=vss, evpi=_averse_evpi(data, found, price, risk, here)))


def _averse_evpi(data: Data, found: Value, price: float, risk: Risk, here: float) -> float | None:
    """What knowing the scenario saves of (1 − weight) · mean + weight · CVaR; each scenario's least cost is the least of both."""
    if price and data.workloads.sheddable.any():
        return None
    each, probability = found.alone[:, 1], data.probability
    return max(here - (1 - risk.weight) * float(probability @ each) - risk.weight * cvar(each, probability, risk.alpha), 0.0)


def with_sample(instance: Instance, result: Result, fresh: Instance, seed: int = 1) -> Result:
    """The result with `sample`: its plan in the scenarios of `fresh`, the same instance with other scenarios."""
    found = evaluate(instance, Signed.of(result), variants(fresh), price_of(result))
    met = np.isfinite(found.cost)
    if not met.any():
        return replace(result, sample=Sample(len(met), len(met), CONFIDENCE, None, None, None))
    cost, outcomes, alpha = found.cost[met], found.outcomes[met], instance.header.risk.alpha
    again = np.random.default_rng(seed).integers(0, len(cost), (RESAMPLES, len(cost)))
    even = np.full(len(cost), 1 / len(cost))
    mean = _interval(float(cost.mean()), cost[again].mean(axis=1))
    tail = _interval(cvar(cost, even, alpha), np.array([cvar(cost[i], even, alpha) for i in again]))
    each = (
        _interval(float(cost.sum() / outcomes.sum()), cost[again].sum(axis=1) / outcomes[again].sum(axis=1)) if outcomes.sum() > 0 else None
    )
    return replace(result, sample=Sample(len(met), int((~met).sum()), CONFIDENCE, mean, tail, each))


def _interval(of: float, resampled: Floats) -> Interval:
    """The percentile interval of the bootstrap (Efron 1979)."""
    low, high = np.quantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(of, float(low), float(high))


def reduced(instance: Instance, count: int) -> Instance:
    """The instance with only `count` of its scenarios, which stand for the others: forward selection (Dupačová, Gröwe-Kuska, Römisch 2003).

    Scenarios are as far apart as their figures are, each relative to its mean over the scenarios. With a weight of risk those in the tail
    of the cost of a plan for today's figures are kept first.
    """
    cases = variants(instance)
    if count < 1:
        raise InputError([Fault("--scenarios", "not a number of scenarios", "Give 1 or more", value=str(count))])
    if count >= len(cases) or instance.tables["scenarios"].empty:
        return instance
    probability = np.array([case.probability for case in cases])
    apart = distances(_figures(prepare(instance, scenarios=cases).data))
    if instance.header.risk.weight > 0:
        today = _today(instance)
        cost = evaluate(today, Signed.of(solve(today, gap=ROUGH, time_limit=60.0)), cases).cost
        chosen, weight = with_tail(apart, probability, count, cost, instance.header.risk.alpha)
    else:
        chosen, weight = forward_selection(apart, probability, count)
    names = [cases[z].name for z in chosen]
    scenarios, changes = instance.stated["scenarios"], instance.stated["changes"]
    kept = scenarios.set_index("scenario").loc[names].reset_index()[list(scenarios.columns)]
    return recheck.remade(
        instance,
        {
            "scenarios": kept.assign(probability=np.asarray(weight)),
            "changes": changes[changes["scenario"].isin(names)].reset_index(drop=True),
        },
    )


def _today(instance: Instance) -> Instance:
    """The instance as it is now, without scenarios."""
    return recheck.remade(instance, {name: instance.stated[name].iloc[:0] for name in ("scenarios", "changes")})


def _figures(data: Data) -> Floats:
    """(Z, figures) all that differs between scenarios, each relative to its mean size."""
    parts = []
    for of in (data.scenarios, data.slices):
        for field in fields(of):
            values = getattr(of, field.name)
            if field.name != "probability" and len(values) > 1 and len(values) % data.n_scenarios == 0:
                each = np.where(np.isfinite(values), values, 0.0).reshape(data.n_scenarios, -1)
                size = np.abs(each).mean(axis=0)
                differs = np.ptp(each, axis=0) > 0
                parts.append(each[:, differs] / size[differs] / math.sqrt(max(int(differs.sum()), 1)))
    return np.concatenate(parts, axis=1) if parts else np.zeros((data.n_scenarios, 1))
