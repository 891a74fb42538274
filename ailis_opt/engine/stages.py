"""A program of many scenarios, one scenario at a time; and the second stage settled once the plan is made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ailis_models.arrays import Data, Floats, Ints
from ailis_opt.engine.compile import Layout, Program, dot
from ailis_opt.engine.search import Options, Outcome, Search

SETTLED = 1e-7  # gap to which the second stage is settled


def of_scenario(layout: Layout, z: int) -> tuple[Layout, Ints]:
    """The layout of a program of scenario z alone, and the columns of the whole program that are its own: plan, scenario, slices."""
    slices = layout.slices // max(layout.scenarios, 1)
    plan, scenario, slice_ = layout.parts(np.arange(sum(extent.n_columns * count for extent, count in layout.scopes)))
    own = np.concatenate([plan.ravel(), scenario[z], slice_[z * slices : (z + 1) * slices].ravel()])
    return replace(layout, scenarios=1, slices=slices), own


def plan_columns(layout: Layout) -> Ints:
    """Columns of what is decided once; what it costs, and how it does in the tail, follows."""
    follow = ("spent", "value_at_risk", "cvar")
    found = [layout.numbers(0, group).ravel() for scope, group in layout.groups() if scope == 0 and group.name not in follow]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def with_plan(program: Program, x: Floats) -> Program:
    """The program with its plan fixed at that of a solution; what follows is left to decide."""
    lower, upper = program.column_lower.copy(), program.column_upper.copy()
    plan = plan_columns(program.layout)
    at = np.where(program.integer[plan], np.round(x[plan]), x[plan])
    lower[plan], upper[plan] = at, at
    return replace(program, column_lower=lower, column_upper=upper)


def settled(outcome: Outcome, program: Program, data: Data, ratio: bool, seconds: float = 60.0) -> Outcome:
    """The same plan at the least cost of every scenario; where the objective is a ratio, with as much served in each.

    Under an objective that weighs the tail the second stage of all other scenarios is whatever the solver left. The least of the expected
    cost is the least of every scenario's cost, once the plan is fixed, for nothing else joins the scenarios. So no cost rises, and neither
    does the CVaR.
    """
    if outcome.x is None or not data.risk.counts:
        return outcome
    layout, x, money = program.layout, outcome.x, np.zeros(len(program.cost))
    outlay, scope = layout.column("outlay")
    money[layout.numbers(scope, outlay)] = data.probability[:, None]
    fixed = with_plan(program, x)
    if ratio:
        served = np.flatnonzero(program.lost)
        fixed.column_lower[served] = fixed.column_upper[served] = x[served]
    fixed = replace(fixed, cost=money, lost=np.zeros(len(money)), offset=0.0)
    found = Search(fixed, Options(ratio=False, gap=SETTLED, time_limit=seconds), lambda _: False, known=x).run().x
    best = with_tail(layout, x if found is None or dot(money, found) > dot(money, x) else found, data.risk.alpha, data.probability)
    cost, outcomes = program.split(best)
    if cost > outcome.cost + SETTLED * abs(outcome.cost):
        return outcome
    upper = outcome.upper * cost / outcome.cost if outcome.cost else outcome.upper
    return replace(outcome, x=best, cost=cost, outcomes=outcomes, upper=upper, lower=min(outcome.lower, upper))


def with_tail(layout: Layout, x: Floats, alpha: float, probability: Floats) -> Floats:
    """A solution with value at risk, shortfalls and CVaR as they follow from what each scenario costs."""
    names = {group.name: group for _, group in layout.groups()}
    if not names["cvar"].keys:
        return x
    found, cost = x.copy(), layout.values("outlay", x)[:, 0]
    order = np.argsort(cost)
    value_at_risk = float(cost[order][np.searchsorted(np.cumsum(probability[order]), alpha * (1 - 1e-12))])
    shortfall = np.maximum(cost - value_at_risk, 0.0)
    for name, values in (
        ("value_at_risk", value_at_risk),
        ("shortfall", shortfall[:, None]),
        ("cvar", value_at_risk + float(probability @ shortfall) / (1 - alpha)),
    ):
        group, scope = layout.column(name)
        found[layout.numbers(scope, group)] = values
    return found
