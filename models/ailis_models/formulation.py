"""The table of the layers, and the three models made from it.

`plan_model` and `slice_model` are templates: the compiler reads their pattern and stamps it over all slices. `whole_model` writes the
same rows as one ordinary Pyomo model; it is the reading copy, and the tests hold the stamped matrix against it coefficient by coefficient.
"""

from __future__ import annotations

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
)
from ailis_models.arrays import Data, Slices
from ailis_models.families import Family, Rows, Scope, family
from ailis_models.layers import LAYERS

MODULES = (l00_facilities, l01_fabric, l05_l09_data, l10_l14_flow, l15_governance, l16_domain, contracts)
PLAN_COSTS = (l05_l09_data.plan_cost, l16_domain.plan_cost, contracts.plan_cost)
SLICE_COSTS = (l00_facilities.slice_cost, l01_fabric.slice_cost, l05_l09_data.slice_cost, l16_domain.slice_cost, contracts.slice_cost)


@family("L16", "slice", unit="money", index=("",), kind="definition")
def spending(m: Any, d: Data) -> Rows:
    """Money spent in the slice, for the budget: Σ of all slice costs = spend   [money]."""
    if d.budget < float("inf"):
        yield 0, sum(cost(m, d) for cost in SLICE_COSTS) - m.spend[0] == 0


@family("L16", "plan", unit="money", index=("",), kind="flow")
def budget(m: Any, d: Data) -> Rows:
    """All cost stays within the budget: plan costs + Σ_s spend[s] <= budget   [money]."""
    if d.budget < float("inf"):
        spent = pyo.quicksum(m.export_spend[s, 0] for s in range(d.n_slices))
        yield 0, sum(cost(m, d) for cost in PLAN_COSTS) + spent <= d.budget


FAMILIES: tuple[Family, ...] = (*(f for module in MODULES for f in module.FAMILIES), spending, budget)
"""Every family of rows, in the order of the layer map. Costs over all layers (the budget) stand here: layers know nothing of each other."""


def _write(m: Any, d: Data, scope: Scope) -> None:
    """One block per layer, with its families of `scope`."""
    for layer in LAYERS:
        found = [f for f in FAMILIES if f.layer == layer.id and f.scope == scope]
        if found:
            block = pyo.Block()
            m.add_component(layer.component, block)
            for each in found:
                each.add(block, m, d)


def _parameters(m: Any, values: Slices, slice_: int) -> None:
    """Every array of `Slices` as a mutable Param of the same name, at one slice."""
    for field in fields(values):
        array = getattr(values, field.name)
        row = array[min(slice_, len(array) - 1)].tolist()
        m.add_component(field.name, pyo.Param(range(len(row)), mutable=True, initialize=row))


def _plan(m: Any, d: Data) -> None:
    _write(m, d, "plan")
    m.cost = pyo.Expression(expr=sum(cost(m, d) for cost in PLAN_COSTS))
    m.lost = pyo.Expression(expr=l16_domain.plan_lost(m, d))


def _slice(m: Any, d: Data) -> None:
    decisions.connect_running(m, d)
    _write(m, d, "slice")
    m.cost = pyo.Expression(expr=sum(cost(m, d) for cost in SLICE_COSTS))
    m.lost = pyo.Expression(expr=l16_domain.slice_lost(m, d))


def plan_model(d: Data) -> Any:
    """What is decided once; exports of the slices are stand-ins."""
    m = pyo.ConcreteModel("plan")
    decisions.plan_variables(m, d)
    decisions.declare_exports(m, d)
    _plan(m, d)
    return m


def slice_model(d: Data) -> Any:
    """One slice (the first); ports to the plan are stand-ins, data are mutable Params."""
    m = pyo.ConcreteModel("slice")
    _parameters(m, d.slices, 0)
    decisions.slice_variables(m, d)
    decisions.declare_ports(m, d)
    _slice(m, d)
    return m


def whole_model(d: Data, price: float = 0.0) -> Any:
    """Plan and all slices as one Pyomo model, minimizing cost + price · lost outcomes. For reading, tests and small instances.

    `price` is the q of the ratio: N − q·D is, up to a constant, cost + q·lost.
    """
    m = pyo.ConcreteModel("ailis")
    m.plan = pyo.Block()
    decisions.plan_variables(m.plan, d)
    m.slices = pyo.Block(range(d.n_slices))
    for s in range(d.n_slices):
        block = m.slices[s]
        _parameters(block, d.slices, s)
        decisions.slice_variables(block, d)
        decisions.connect_ports(block, m.plan, d, int(d.calendar.slice_period[s]))
        _slice(block, d)
    decisions.connect_exports(m.plan, [m.slices[s] for s in range(d.n_slices)], d)
    _plan(m.plan, d)
    scopes = [m.plan, *(m.slices[s] for s in range(d.n_slices))]
    m.objective = pyo.Objective(expr=sum(x.cost + price * x.lost for x in scopes))
    return m
