"""Small markets for hand calculation, and how to solve them.

Unless a test says otherwise: periods of one hour, regions `a` (Germany) and `b` (France), one SKU `s` of 1 kW a GPU in domains of 8, one
workload `w` whose replica (or gang) is one GPU and makes one outcome an hour, a demand of 10 outcomes in the first period. So money is
GPUs times price.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ailis_models.arrays import Data as Arrays
from ailis_opt.engine.compile import Program, compile_program, templates
from ailis_opt.engine.search import Options, Outcome, Search
from ailis_opt.prepare.assemble import Prepared, prepare
from tests.support.files import Data, as_instance

Row = dict[str, Any]


def offer(name: str, price: float, **more: Any) -> Row:
    """An offer on demand in region `a`, unless `more` says otherwise."""
    row: Row = {"offer": name, "provider": "p", "operator_country": "US", "region": "a", "sku": "s", "contract": "on_demand"}
    return row | {"price_per_gpu_hour": price} | more


def market(
    *offers: Row,
    work: Row | None = None,
    demand: list[Row] | float = 10.0,
    periods: int = 1,
    header: Row | None = None,
    profile: Row | None = None,
    **tables: list[Row],
) -> Data:
    """An instance as plain data; `work`, `header` and `profile` add to the usual row, `tables` replace whole tables."""
    asked = demand if isinstance(demand, list) else [{"workload": "w", "period": 0, "outcomes": demand}]
    horizon = {"start": "2027-01-01", "periods": periods, "period": "hour"}
    usual: dict[str, list[Row]] = {
        "regions": [{"region": "a", "country": "DE"}, {"region": "b", "country": "FR"}],
        "skus": [{"sku": "s", "power_kw_per_gpu": 1, "memory_gb": 80}],
        "offers": list(offers),
        "workloads": [{"workload": "w", "outcome": "piece"} | (work or {})],
        "demand": asked,
        "profiles": [{"profile": "w-s", "workload": "w", "sku": "s", "gpus": 1, "units_per_hour": 1} | (profile or {})],
    }
    head: Row = {"schema": "ailis-opt/1", "name": "market", "currency": "EUR", "objective": "cost", "horizon": horizon}
    return {"header": head | (header or {}), "tables": usual | tables}


def by_period(*outcomes: float) -> list[Row]:
    """Demand of `w` by period."""
    return [{"workload": "w", "period": t, "outcomes": x} for t, x in enumerate(outcomes)]


def prepared(data: Data) -> Prepared:
    """The instance, prepared."""
    return prepare(as_instance(data))


def stamped(arrays: Arrays) -> Program:
    """The program of prepared arrays."""
    return compile_program(arrays, *templates(arrays))


def solve(program: Program, ratio: bool = False) -> Outcome:
    """The best plan of a program, proven."""
    outcome = Search(program, Options(ratio=ratio, gap=1e-9), lambda _: False).run()
    assert outcome.status == "optimal"
    return outcome


def family_rows(program: Program, name: str) -> np.ndarray:
    """(rows,) True for the rows of a family."""
    layout, found = program.layout, np.zeros(len(program.row_lower), dtype=bool)
    for scope, group in layout.groups(rows=True):
        if group.name.endswith(f".{name}"):
            found[layout.numbers(scope, group, rows=True)] = True
    return found


def relaxed(program: Program) -> Program:
    """The program with every column free to take any real value in its bounds."""
    return replace(program, integer=np.zeros_like(program.integer))


def without(program: Program, *names: str) -> Program:
    """The program with the rows of the families taken away."""
    found = [family_rows(program, name) for name in names]
    assert all(rows.any() for rows in found), f"no row of {names}"
    rows = np.logical_or.reduce(found)
    return replace(program, row_lower=np.where(rows, -np.inf, program.row_lower), row_upper=np.where(rows, np.inf, program.row_upper))


def values(program: Program, outcome: Outcome, name: str) -> list[Any]:
    """A variable's values in a solution, in the order of its keys; one list per slice for a variable of the slices."""
    assert outcome.x is not None
    found: list[Any] = np.round(program.layout.values(name, outcome.x), 6).tolist()
    return found
