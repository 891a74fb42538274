"""Every family of rows binds where it should, and only there; costs are worked out by hand in `cases.py`."""

from __future__ import annotations

from copy import deepcopy

import pytest

from ailis_models.formulation import FAMILIES
from ailis_opt.errors import UnboundedError
from tests.models.cases import BOUNDS, CASES, NO_END
from tests.models.markets import by_period, family_rows, prepared, relaxed, solve, stamped, values, without

DEFINITIONS = {family.name for family in FAMILIES if family.kind == "definition"}
NEVER_SLACK = {
    "spares",
    "demand",
    "training_done",
    "training_output",
    "use",
    "regional",
    "readiness",
    "in_force",
    "ownership",
    "call_right",
    "spending",
    "signing",
    "outlays",
    "tail",
    "tail_mean",
}


def test_every_family_has_its_case() -> None:
    assert set(CASES) == {family.name for family in FAMILIES}
    assert {name for name, case in CASES.items() if case.defined} >= DEFINITIONS
    assert {name for name, case in CASES.items() if case.slack is None} == NEVER_SLACK


@pytest.mark.parametrize("name", CASES)
def test_binding(name: str) -> None:
    case = CASES[name]
    program = stamped(case.arrays(case.binding))
    program = relaxed(program) if case.relaxed else program
    found = solve(program, case.ratio)
    assert found.upper == pytest.approx(case.cost, rel=1e-7)
    free = without(program, name, *case.implied)
    if case.free == NO_END:
        with pytest.raises(UnboundedError):
            solve(free, case.ratio)
    else:
        assert solve(free, case.ratio).upper == pytest.approx(case.free, rel=1e-7, abs=1e-7)
    assert case.free < case.cost
    assert {key: values(program, found, key) for key in case.defined} == case.defined


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.slack is not None])
def test_slack(name: str) -> None:
    case = CASES[name]
    assert case.slack is not None
    program = stamped(case.arrays(case.slack))
    assert family_rows(program, name).any()
    assert solve(program, case.ratio).upper == pytest.approx(case.slack_cost, rel=1e-7)
    assert solve(without(program, name), case.ratio).upper == pytest.approx(case.slack_cost, rel=1e-7)


@pytest.mark.parametrize("limit", BOUNDS)
def test_bounds_of_offers(limit: str) -> None:
    data, cost, loose, free = BOUNDS[limit]
    assert solve(stamped(prepared(data).data)).upper == pytest.approx(cost, rel=1e-7)
    assert solve(stamped(prepared(loose).data)).upper == pytest.approx(free, rel=1e-7)


def test_standby_needs_its_data() -> None:
    """As in the case of failover, and a copy of the data for 10 where 5 stand by."""
    data = deepcopy(CASES["failover"].binding)
    data["tables"]["workloads"][0]["datasets"] = ["d"]
    data["tables"]["datasets"] = [{"dataset": "d", "region": "a", "size_gb": 100}]
    data["tables"]["egress"].append({"from_region": "a", "to_region": "b", "price_per_gb": 0.1})
    program = stamped(prepared(data).data)
    assert solve(program).upper == pytest.approx(10 + 5 * 3 + 10)
    assert solve(without(program, "data_in_place")).upper == pytest.approx(10 + 5 * 3)


def test_work_moves_freely_over_a_period_without_demand() -> None:
    """All in a at 1, then nothing, then all in b at 2."""
    data = deepcopy(CASES["movement"].binding)
    data["header"]["horizon"]["periods"] = 3
    data["tables"]["demand"] = by_period(10, 0, 10)
    assert solve(stamped(prepared(data).data)).upper == pytest.approx(10 + 20)
