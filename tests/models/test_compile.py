"""The stamped matrix against Pyomo's own standard form of the whole model, coefficient by coefficient.

Columns and rows are matched by what they are (scope, component, index, slice), never by position.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from ailis_models.arrays import Data as Arrays
from ailis_models.arrays import Scenarios, Slices
from ailis_models.formulation import FAMILIES, whole_model
from ailis_opt.engine.compile import Program
from ailis_opt.prepare import prepare
from tests.models.cases import BOUNDS, CASES
from tests.models.markets import stamped
from tests.support.files import Data, as_instance
from tests.support.generate import FEATURES, TERMS, random_instance
from tests.support.scenarios import random_stochastic

Key = tuple[str, int, str, Any]
"""(scope, which of the scenarios or slices, component, index)."""

Row = tuple[dict[Key, float], float, float]
"""Coefficients, lower and upper bound."""

SCOPES = ("plan", "scenarios", "slices")
SEEDS = range(40)
EVERYTHING = range(100, 105)
STAGED = (*range(200, 210), 244, 253, 284)
STAGED_EVERYTHING = (301, 305, 320)
PRICE = 3.7
SIGNED = {"hours", "call_price", "by_hour_price"}
"""What no scenario changes: hours, and prices of what is signed."""


def keys(program: Program, what: str) -> list[Key]:
    """Who is who among the program's columns or rows."""
    found: list[Key] = []
    for name, (extent, count) in zip(SCOPES, program.layout.scopes, strict=True):
        local = [(group.name, key) for group in getattr(extent, what) for key in group.keys]
        found += [(name, i, component, key) for i in range(count) for component, key in local]
    return found


def stamped_rows(program: Program) -> dict[Key, Row]:
    """The program's rows; entries of one column add up, zeros are left out."""
    columns = keys(program, "columns")
    rows: dict[Key, Row] = {}
    for i, key in enumerate(keys(program, "rows")):
        entries: dict[Key, float] = {}
        for e in range(program.start[i], program.start[i + 1]):
            column = columns[program.index[e]]
            assert column not in entries, f"{key} holds {column} twice"
            entries[column] = float(program.value[e])
        rows[key] = ({c: v for c, v in entries.items() if v}, float(program.row_lower[i]), float(program.row_upper[i]))
    return rows


def scope(block: Any) -> tuple[str, int]:
    """What a block of the whole model is."""
    return block.parent_component().local_name, int(block.index() or 0)


def column_key(var: Any) -> Key:
    return *scope(var.parent_block()), var.parent_component().local_name, var.index()


def row_key(row: Any) -> Key:
    layer = row.parent_block()
    return *scope(layer.parent_block()), f"{layer.local_name}.{row.parent_component().local_name}", row.index()


def pyomo_rows(form: Any) -> dict[Key, Row]:
    """The rows of a standard form in mixed form."""
    columns, matrix = [column_key(v) for v in form.columns], form.A.tocsr()
    rows: dict[Key, Row] = {}
    for i, (constraint, sense) in enumerate(form.rows):
        span = slice(matrix.indptr[i], matrix.indptr[i + 1])
        entries = {columns[c]: float(v) for c, v in zip(matrix.indices[span], matrix.data[span], strict=True) if v}
        low, high = (form.rhs[i] if sense <= 0 else -math.inf, form.rhs[i] if sense >= 0 else math.inf)
        known = rows.get(row_key(constraint), (entries, -math.inf, math.inf))
        rows[row_key(constraint)] = (entries, max(low, known[1]), min(high, known[2]))
    return rows


def compared(program: Program, model: Any) -> Iterator[tuple[str, Any, Any]]:
    """Everything that must be the same: (what, stamped, Pyomo's)."""
    form = LinearStandardFormCompiler().write(model, mixed_form=True)
    columns = keys(program, "columns")
    variables = {column_key(v): v for v in model.component_data_objects(pyo.Var)}
    assert set(columns) == set(variables)
    for j, key in enumerate(columns):
        low, high = variables[key].bounds
        yield f"lower bound of {key}", program.column_lower[j], -math.inf if low is None else low
        yield f"upper bound of {key}", program.column_upper[j], math.inf if high is None else high
        yield f"integrality of {key}", bool(program.integer[j]), variables[key].is_integer() or variables[key].is_binary()
    cost = {column_key(v): c for v, c in zip(form.columns, np.asarray(form.c.todense()).ravel(), strict=True)}
    for j, key in enumerate(columns):
        yield f"cost of {key}", program.cost[j] + PRICE * program.lost[j], cost.get(key, 0.0)
    yield "constant cost", program.offset, float(form.c_offset[0])
    ours, theirs = stamped_rows(program), pyomo_rows(form)
    for key, (entries, low, high) in ours.items():
        other, other_low, other_high = theirs.pop(
            key, ({}, low if low <= 0 else 0.0, high if high >= 0 else 0.0)
        )  # Pyomo leaves out rows without variables
        yield f"pattern of {key}", set(entries), set(other)
        for column, value in entries.items():
            yield f"coefficient of {column} in {key}", value, other[column]
        yield f"lower bound of {key}", low, other_low
        yield f"upper bound of {key}", high, other_high
    yield "rows left over", set(theirs), set()


def same(one: Any, other: Any) -> bool:
    return math.isclose(one, other, rel_tol=1e-12) if isinstance(one, (float, np.floating)) else bool(one == other)


@cache
def instances() -> dict[str, Data]:
    """Random instances, some with every feature at once or with scenarios, and the handmade ones of `cases.py`."""
    found = {f"random {seed}": random_instance(seed) for seed in SEEDS}
    found |= {f"random {seed}, all features": random_instance(seed, features=FEATURES) for seed in EVERYTHING}
    found |= {f"scenarios {seed}": random_stochastic(seed) for seed in STAGED}
    found |= {f"scenarios {seed}, all features": random_stochastic(seed, features={*FEATURES, *TERMS}) for seed in STAGED_EVERYTHING}
    found |= {name: case.binding for name, case in CASES.items()}
    found |= {f"{name}, relaxable": found[name] for name in [*list(found)[::5], "scenarios 253", "scenarios 305, all features"]}
    return found | {name: data for name, (data, *_) in BOUNDS.items()}


@cache
def arrays(name: str) -> Arrays:
    return prepare(as_instance(instances()[name]), relaxable=name.endswith("relaxable")).data


def families(name: str) -> set[str]:
    """Families with at least one row in an instance."""
    return {row.partition(".")[2] for *_, row, _ in keys(stamped(arrays(name)), "rows")}


@pytest.mark.parametrize("name", instances())
def test_stamped_as_pyomo_has_it(name: str) -> None:
    data = arrays(name)
    wrong = [(what, one, other) for what, one, other in compared(stamped(data), whole_model(data, PRICE)) if not same(one, other)]
    assert wrong == []


def test_every_family_occurs() -> None:
    assert set().union(*(families(name) for name in instances())) == {family.name for family in FAMILIES}


def test_random_instances_hold_nearly_every_family() -> None:
    assert len(set().union(*(families(name) for name in instances() if name.startswith(("random", "scenarios"))))) >= len(FAMILIES) - 2


def test_scenarios_differ_in_every_way_that_the_program_knows() -> None:
    """Among the instances with scenarios each array differs by scenario somewhere, where it may at all."""
    staged = [arrays(name) for name in instances() if name.startswith("scenarios")]
    differ = {f.name for d in staged for of in (d.scenarios, d.slices) for f in fields(of) if _by_scenario(d, of, f.name)}
    assert differ >= {f.name for of in (Scenarios, Slices) for f in fields(of)} - SIGNED
    assert (
        {d.risk.counts for d in staged} == {d.budget < math.inf for d in staged} == {d.relaxable is None for d in staged} == {True, False}
    )
    assert any(len(d.hedges.most) and d.hedges.whole.any() for d in staged)
    assert any(len(d.committed.callable) and len(d.committed.late_offer) for d in staged)


def _by_scenario(d: Arrays, of: Scenarios | Slices, name: str) -> bool:
    """Whether an array differs from scenario to scenario."""
    values = getattr(of, name)
    if len(values) == 1:
        return False
    each = values.reshape(d.n_scenarios, -1)
    return bool((each != each[0]).any())


def test_a_changed_coefficient_is_noticed() -> None:
    data = arrays("movement")
    program, model = stamped(data), whole_model(data, PRICE)
    for array in (program.value, program.row_upper, program.cost, program.column_upper):
        finite = np.flatnonzero(np.isfinite(array) & (array != 0))[0]
        array[finite] *= 1 + 1e-9
        assert any(not same(one, other) for _, one, other in compared(program, model))
        array[finite] /= 1 + 1e-9
