"""The table of the layers, and the models made from it.

`plan_model`, `scenario_model` and `slice_model` are templates: the compiler reads their patterns and stamps them over all scenarios and
slices. `whole_model` writes the same rows as one ordinary Pyomo model; it is the reading copy, and the tests hold the stamped matrix
against it coefficient by coefficient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pyomo.environ as pyo

from ailis_models import (
    contracts,
    decisions,
    l00_facilities,
    l01_fabric,
    l05_l09_data,
    l10_l14_flow,
    l15_governance,
    l16_domain,
    risk,
)
from ailis_models.arrays import Data, Scenarios, Slices
from ailis_models.families import Family, Rows, Scope, family
from ailis_models.layers import LAYERS

MODULES = (l00_facilities, l01_fabric, l05_l09_data, l10_l14_flow, l15_governance, l16_domain, contracts, risk)
PLAN_COSTS = (l05_l09_data.plan_cost, contracts.plan_cost)
SCENARIO_COSTS = (l05_l09_data.scenario_cost, l16_domain.scenario_cost, contracts.scenario_cost, risk.scenario_cost)
SLICE_COSTS = (l00_facilities.slice_cost, l01_fabric.slice_cost, l05_l09_data.slice_cost, l16_domain.slice_cost, contracts.slice_cost)


@family("L16", "plan", unit="money", index=("",), kind="definition")
def signing(m: Any, d: Data) -> Rows:
    """Money that is spent whatever happens: Σ of all plan costs = spent   [money]."""
    if d.counts_cost:
        yield 0, sum(cost(m, d) for cost in PLAN_COSTS) - m.spent[0] == 0


@family("L16", "slice", unit="money", index=("",), kind="definition")
def spending(m: Any, d: Data) -> Rows:
    """Money spent in the slice: Σ of all slice costs = spend   [money]."""
    if d.counts_cost:
        yield 0, sum(cost(m, d) for cost in SLICE_COSTS) - m.spend[0] == 0


@family("L16", "scenario", unit="money", index=("",), kind="definition")
def outlays(m: Any, d: Data) -> Rows:
    """All cost of the scenario: spent + Σ_s spend[s] + Σ of all scenario costs = outlay   [money]."""
    if d.counts_cost:
        recourse = pyo.quicksum(m.export_spend[s, 0] for s in range(d.scenario_slices)) + sum(cost(m, d) for cost in SCENARIO_COSTS)
        yield 0, m.spent[0] + recourse - m.outlay[0] == 0


@family("L16", "scenario", unit="money", index=("",), kind="flow")
def budget(m: Any, d: Data) -> Rows:
    """All cost stays within the budget, in every scenario: outlay <= budget   [money]."""
    if d.budget < float("inf"):
        yield 0, m.outlay[0] <= d.budget


FAMILIES: tuple[Family, ...] = (*(f for module in MODULES for f in module.FAMILIES), signing, spending, outlays, budget)
"""Every family of rows, in the order of the layer map. Costs over all layers stand here: layers know nothing of each other."""


def _write(m: Any, d: Data, scope: Scope) -> None:
    """One block per layer, with its families of `scope`."""
    for layer in LAYERS:
        found = [f for f in FAMILIES if f.layer == layer.id and f.scope == scope]
        if found:
            block = pyo.Block()
            m.add_component(layer.component, block)
            for each in found:
                each.add(block, m, d)


def _parameters(m: Any, values: Slices | Scenarios, position: int) -> None:
    """Every array of `Slices`, or of `Scenarios`, as a mutable Param of the same name, at one slice or scenario."""
    for field in fields(values):
        array = getattr(values, field.name)
        row = array[min(position, len(array) - 1)].tolist()
        m.add_component(field.name, pyo.Param(range(len(row)), mutable=True, initialize=row))


Cost = Callable[[Any, Data], Any]


def _total(costs: tuple[Cost, ...], m: Any, d: Data) -> Any:
    """The part of the expected cost in the objective."""
    return risk.averse(d, sum(cost(m, d) for cost in costs))


def _plan(m: Any, d: Data) -> None:
    _write(m, d, "plan")
    m.cost = pyo.Expression(expr=_total(PLAN_COSTS, m, d) + risk.plan_objective(m, d))
    m.lost = pyo.Expression(expr=0.0)


def _scenario(m: Any, d: Data) -> None:
    _write(m, d, "scenario")
    m.cost = pyo.Expression(expr=risk.expected(m, d, _total(SCENARIO_COSTS, m, d)))
    m.lost = pyo.Expression(expr=risk.expected(m, d, l16_domain.scenario_lost(m, d)))


def _slice(m: Any, d: Data) -> None:
    decisions.connect_running(m, d)
    _write(m, d, "slice")
    m.cost = pyo.Expression(expr=risk.expected(m, d, _total(SLICE_COSTS, m, d)))
    m.lost = pyo.Expression(expr=risk.expected(m, d, l16_domain.slice_lost(m, d)))


def plan_model(d: Data) -> Any:
    """What is decided once; exports of the scenarios are stand-ins."""
    m = pyo.ConcreteModel("plan")
    decisions.plan_variables(m, d)
    decisions.declare_scenario_exports(m, d)
    _plan(m, d)
    return m


def scenario_model(d: Data) -> Any:
    """One scenario (the first); ports to the plan and exports of its slices are stand-ins, data are mutable Params."""
    m = pyo.ConcreteModel("scenario")
    _parameters(m, d.scenarios, 0)
    decisions.scenario_variables(m, d)
    decisions.declare_scenario_ports(m, d)
    decisions.declare_exports(m, d)
    _scenario(m, d)
    return m


def slice_model(d: Data) -> Any:
    """One slice (the first); ports to the plan and the scenario are stand-ins, data are mutable Params."""
    m = pyo.ConcreteModel("slice")
    _parameters(m, d.slices, 0)
    decisions.slice_variables(m, d)
    decisions.declare_ports(m, d)
    _slice(m, d)
    return m


def whole_model(d: Data, price: float = 0.0) -> Any:
    """Plan, scenarios and all slices as one Pyomo model, minimizing cost + price · lost outcomes. For reading, tests and small instances.

    `price` is the q of the ratio: N − q·D is, up to a constant, cost + q·lost. Slices are numbered through all scenarios.
    """
    m = pyo.ConcreteModel("ailis")
    m.plan, m.scenarios, m.slices = pyo.Block(), pyo.Block(range(d.n_scenarios)), pyo.Block(range(d.n_slices))
    decisions.plan_variables(m.plan, d)
    for z in range(d.n_scenarios):
        _parameters(m.scenarios[z], d.scenarios, z)
        decisions.scenario_variables(m.scenarios[z], d)
        decisions.connect_scenario_ports(m.scenarios[z], m.plan, d)
    for s, (z, t) in enumerate(zip(d.calendar.slice_scenario.tolist(), d.calendar.slice_period.tolist(), strict=True)):
        _parameters(m.slices[s], d.slices, s)
        decisions.slice_variables(m.slices[s], d)
        decisions.connect_ports(m.slices[s], m.plan, m.scenarios[z], d, t)
        _slice(m.slices[s], d)
    for z in range(d.n_scenarios):
        mine = [m.slices[s] for s in range(z * d.scenario_slices, (z + 1) * d.scenario_slices)]
        decisions.connect_exports(m.scenarios[z], mine, decisions.SLICE_EXPORTS)
        _scenario(m.scenarios[z], d)
    decisions.connect_exports(m.plan, [m.scenarios[z] for z in range(d.n_scenarios)], decisions.SCENARIO_EXPORTS)
    _plan(m.plan, d)
    scopes = [m.plan, *m.scenarios.values(), *m.slices.values()]
    m.objective = pyo.Objective(expr=sum(x.cost + price * x.lost for x in scopes))
    return m
