"""A session and worker processes answer as `solve` does."""

from __future__ import annotations

import pytest

from ailis_opt import read, solve
from ailis_opt.changes import Change, apply, parse
from ailis_opt.engine import search
from ailis_opt.errors import AilisError, InfeasibleError, NoPlanError
from ailis_opt.schema.instance import Instance
from ailis_opt.session import Session
from ailis_opt.study.workers import Case, Workers
from tests.support.files import as_instance
from tests.support.generate import random_instance
from tests.test_instances import QUICKSTART

GAP = 1e-9


@pytest.fixture(scope="module")
def quickstart() -> Instance:
    return read(QUICKSTART)


def edits() -> list[list[Change]]:
    return [
        [],
        [Change("offers", "contract=on_demand", "price_per_gpu_hour", "mul", "1.5")],
        [Change("demand", "workload=support", "outcomes", "mul", "0.6")],
        [Change("offers", "offer=fra-on-demand", "max_lots", "set", "0")],
    ]


def test_each_instance_of_a_session_is_solved_as_if_it_stood_alone(quickstart: Instance) -> None:
    session = Session()
    for changes in [*edits(), *reversed(edits())]:
        changed = apply(quickstart, changes)
        try:
            alone = solve(changed, gap=GAP, in_process=True).objective
        except InfeasibleError:
            with pytest.raises(InfeasibleError):
                session.solve(changed, gap=GAP)
        else:
            assert session.solve(changed, gap=GAP).objective == pytest.approx(alone, rel=1e-7)


def test_workers_answer_every_case_with_a_result_or_an_error(quickstart: Instance) -> None:
    impossible = apply(quickstart, [Change("offers", "", "max_lots", "set", "0"), Change("offers", "", "committed_lots", "set", "0")])
    cases = [Case(str(i), apply(quickstart, changes), GAP) for i, changes in enumerate(edits()[:3])]
    with Workers(2) as pool:
        found = {reply.key: reply for reply in pool.run([*cases, Case("impossible", impossible, GAP)])}
    assert isinstance(found["impossible"].error, AilisError)
    for case in cases:
        result = found[case.key].result
        assert result is not None
        assert result.objective == pytest.approx(solve(case.instance, gap=GAP, in_process=True).objective, rel=1e-7)


def test_a_worker_that_does_not_stop_is_replaced_and_the_others_go_on(quickstart: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    with Workers(1, grace=0.0) as pool:
        first = pool._workers[0]
        late, after = Case("late", quickstart, GAP, time_limit=0.0), Case("after", quickstart, GAP, time_limit=60.0)
        replies = {reply.key: reply for reply in pool.run([late, after])}
        assert pool._workers[0] is not first
    assert isinstance(replies["late"].error, NoPlanError)
    assert replies["after"].result is not None


TEXTS = (
    "offers[contract=on_demand].price_per_gpu_hour *= 1.3",
    "offers[contract=reserved].price_per_gpu_hour *= 0.7",
    "offers[contract=reserved].max_lots *= 0",
    "demand.outcomes *= 0.8",
    "offers[contract in (owned, reserved)].max_lots += 1",
    "demand.outcomes *= 1.1",
)


@pytest.mark.parametrize("seed", range(16))
def test_plans_of_other_instances_never_break_the_limits_of_this_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As large programs are solved: in the core of the relaxation, from the plan before, which may ask for more lots than there are now."""
    base, session = as_instance(random_instance(seed, "small")), Session()
    for text in ("", *TEXTS):
        try:
            changed = apply(base, [parse(text)]) if text else base
            alone = solve(changed, gap=GAP, in_process=True)
        except AilisError:  # such a change is none here, or leaves no plan
            continue
        with monkeypatch.context() as patched:
            patched.setattr(search, "SMALL", 0)
            found = session.solve(changed, gap=1e-4)
        assert found.bounds.lower <= alone.objective * (1 + 1e-6) + 1e-9, text
        assert found.objective >= alone.objective * (1 - 1e-6) - 1e-9, text
        assert found.gap is None or found.gap <= 1e-4 + 1e-9, text
