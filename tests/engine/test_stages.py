"""Two stages in the engine: the second stage settled, one scenario at a time, templates and sessions with scenarios."""

from __future__ import annotations

from dataclasses import fields
from functools import cache

import numpy as np
import pytest

from ailis_models.arrays import Data as Arrays
from ailis_opt import solve
from ailis_opt.engine.compile import Program, compile_program, templates
from ailis_opt.engine.remembered import Templates
from ailis_opt.engine.search import Options
from ailis_opt.engine.stages import of_scenario, plan_columns, with_plan
from ailis_opt.engine.value import least
from ailis_opt.engine.worker import Job, Solved, solve_job
from ailis_opt.optimize import ready
from ailis_opt.risk.measures import cvar
from ailis_opt.session import Session
from tests.models.markets import market, offer
from tests.models.markets import prepared as prepared_
from tests.support.files import Data, as_instance
from tests.support.scenarios import random_stochastic

GAP = 1e-8
SEEDS = range(500, 506)


@cache
def averse(seed: int) -> Data:
    """A random instance with scenarios in which nothing but the tail counts, and all cost does."""
    data = random_stochastic(seed)
    data["header"] |= {"objective": "cost", "risk": {"alpha": 0.75, "weight": 1.0}}
    return data


def solved(data: Data) -> tuple[Arrays, Program, Solved]:
    d = ready(as_instance(data)).data
    found = solve_job(Job(d, Options(ratio=False, gap=GAP)), lambda _: False)
    assert found.outcome.status == "optimal"
    return d, compile_program(d, *templates(d)), found


@pytest.mark.parametrize("seed", SEEDS)
def test_scenarios_outside_the_tail_cost_what_they_must(seed: int) -> None:
    """Each scenario costs the least that it can with the plan that was made, and the CVaR is that of these costs."""
    d, program, found = solved(averse(seed))
    x, layout = found.outcome.x, program.layout
    assert x is not None
    cost = layout.values("outlay", x)[:, 0]
    outlay, scope = layout.column("outlay")
    for z in range(d.n_scenarios):
        alone = with_plan(program, x)
        alone.cost[:] = 0
        alone.cost[layout.numbers(scope, outlay)[z]] = 1.0
        alone.lost[:] = 0
        best = least(alone, 1e-9, np.inf)
        assert best is not None
        assert cost[z] == pytest.approx(best.cost - alone.offset, rel=1e-6, abs=1e-6)
    tail = cvar(cost, d.probability, d.risk.alpha)
    assert layout.values("cvar", x) == pytest.approx([tail])
    assert found.outcome.cost == pytest.approx(tail)


def test_the_tail_alone_leaves_nothing_to_chance() -> None:
    """Three scenarios, of which the dearest is all of the tail: in the others the cheap offer is hired, not the dear one."""
    changes = [{"scenario": name, "table": "demand", "column": "outcomes", "value": n} for name, n in (("few", 1), ("some", 5))]
    data = market(
        offer("cheap", 1, max_lots=6),
        offer("dear", 3),
        header={"risk": {"alpha": 0.9, "weight": 1.0}},
        scenarios=[{"scenario": name} for name in ("few", "some", "many")],
        changes=changes,
    )
    _, program, found = solved(data)
    assert found.outcome.x is not None
    assert program.layout.values("outlay", found.outcome.x)[:, 0] == pytest.approx([1, 5, 6 + 4 * 3])


def test_columns_of_a_scenario_are_those_of_its_own_program() -> None:
    """Plan, scenario and slices, each column once; those of the plan are in every one of them."""
    d = prepared_(averse(500)).data
    layout = compile_program(d, *templates(d)).layout
    each = [of_scenario(layout, z) for z in range(d.n_scenarios)]
    plan = np.arange(layout.plan.n_columns)
    total = sum(extent.n_columns * count for extent, count in layout.scopes)
    for own_layout, own in each:
        assert own[: len(plan)].tolist() == plan.tolist()
        assert len(own) == sum(extent.n_columns * count for extent, count in own_layout.scopes)
        assert (own_layout.scenarios, own_layout.slices) == (1, d.scenario_slices)
    assert sorted(np.concatenate([plan, *(own[len(plan) :] for _, own in each)]).tolist()) == list(range(total))
    follow = {"spent", "value_at_risk", "cvar"}
    names = {group.name for scope, group in layout.groups() if scope == 0 and group.keys}
    kept = {group.name for scope, group in layout.groups() if scope == 0 and np.isin(layout.numbers(0, group), plan_columns(layout)).any()}
    assert names - kept == follow


def assert_same(one: Program, other: Program) -> None:
    assert one.layout == other.layout
    for field in fields(Program):
        if field.name != "layout":
            assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name


def test_templates_that_are_remembered_are_those_made_afresh() -> None:
    """Instance after instance, each with its own scenarios, and again with other prices, probabilities, demand and measures of risk."""
    remembered = Templates()
    for seed in range(510, 513):
        data = random_stochastic(seed)
        for weight, alpha in ((0.0, 0.5), (0.4, 0.5), (0.4, 0.9)):
            data["header"]["risk"] = {"alpha": alpha, "weight": weight}
            for row, share in zip(data["tables"]["scenarios"], (0.7, 0.3, 0.0, 0.0), strict=False):
                row["probability"] = share
            for offer_ in data["tables"]["offers"]:
                offer_["price_per_gpu_hour"] *= 1 + weight * alpha
            d = prepared_(data).data
            assert_same(compile_program(d, *remembered(d)), compile_program(d, *templates(d)))


def test_templates_notice_a_closed_route_in_one_scenario() -> None:
    """The same instance twice, but for what one scenario closes or asks for."""
    remembered = Templates()
    offers = (offer("near", 1), offer("far", 3, region="b"), offer("lots", 1, contract="reserved", term_periods=1))
    for column, value, table, where in (
        ("tier", "trusted", "offers", "offer=near"),
        ("lead_periods", 1, "offers", "offer=lots"),
        ("outcomes", 0, "demand", ""),
        ("jurisdictions", "FR", "workloads", ""),
    ):
        change = {"scenario": "other", "table": table, "where": where, "column": column, "value": value}
        scenarios = [{"scenario": "as it is"}, {"scenario": "other"}]
        d = prepared_(market(*offers, work={"tiers": ["public"]}, periods=2, scenarios=scenarios, changes=[change])).data
        assert_same(compile_program(d, *remembered(d)), compile_program(d, *templates(d)))


def test_a_session_solves_as_solve_does() -> None:
    session = Session()
    for seed in range(520, 522):
        data = random_stochastic(seed)
        for factor in (1.0, 0.9):
            for row in data["tables"]["offers"]:
                row["price_per_gpu_hour"] *= factor
            instance = as_instance(data)
            ours, afresh = session.solve(instance, gap=GAP), solve(instance, gap=GAP, in_process=True)
            assert ours.objective == pytest.approx(afresh.objective, rel=1e-6, abs=1e-9)
            assert ours.risk is not None
            assert afresh.risk is not None
            assert ours.risk.objective == pytest.approx(afresh.risk.objective, rel=1e-5, abs=1e-9)
