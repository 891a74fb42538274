"""What must hold between an instance and a changed copy of it, whatever the optimum is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ailis_opt import solve
from tests.support import rewrite
from tests.support.files import as_instance
from tests.support.generate import FEATURES, random_instance
from tests.support.relax import RELAXATIONS, relaxed

Data = dict[str, Any]

GAP = 1e-7
SAME = 1e-6  # relative: above the two gaps
SEEDS = st.integers(10_000, 20_000)
WITHOUT_GANGS = sorted(set(FEATURES) - {"training", "budget"})


def few(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None)


def optimum(data: Data) -> float:
    result = solve(as_instance(data), gap=GAP, in_process=True)
    assert result.status == "optimal"
    assert result.audit.ok
    return result.objective


def with_limit(name: str, seed: int) -> Data:
    """The first instance from `seed` on that has the limit of a relaxation."""
    while relaxed(data := random_instance(seed), name) == data:
        seed += 1
    return data


def assert_no_dearer(name: str, seed: int) -> None:
    data = with_limit(name, seed)
    before = optimum(data)
    assert optimum(relaxed(data, name)) <= before * (1 + SAME) + 1e-9


@few(6)
@given(seed=SEEDS, name=st.sampled_from(sorted(RELAXATIONS)))
def test_a_looser_limit_costs_no_more_quick(seed: int, name: str) -> None:
    assert_no_dearer(name, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(RELAXATIONS))
def test_a_looser_limit_costs_no_more(name: str) -> None:
    @few(6)
    @given(seed=SEEDS)
    def check(seed: int) -> None:
        assert_no_dearer(name, seed)

    check()


@few(4)
@given(seed=SEEDS)
def test_a_share_of_one_is_the_default(seed: int) -> None:
    """Said or not, it is the same instance, and every lot is paid whether used or not."""
    data = random_instance(seed, features=set(FEATURES) - {"training"})
    said = copy.deepcopy(data)
    for row in said["tables"]["offers"]:
        row["take_or_pay_share"] = 1
    assert as_instance(said).sha256 == as_instance(data).sha256
    result = solve(as_instance(said), gap=GAP, in_process=True)
    committed = {row["offer"] for row in said["tables"]["offers"] if row["contract"] in ("owned", "reserved")}
    assert not committed & set(result.hired["offer"])


@few(5)
@given(seed=SEEDS, rate=st.sampled_from([0.01, 0.7, 140.0]))
def test_another_currency(seed: int, rate: float) -> None:
    data = random_instance(seed)
    assert optimum(rewrite.other_currency(data, rate)) == pytest.approx(rate * optimum(data), rel=SAME)


REWRITINGS: dict[str, Callable[[Data], Data]] = {
    "larger_outcomes": lambda data: rewrite.larger_outcomes(data, 12.0),
    "other_units": lambda data: rewrite.other_units(data, 1000.0),
    "renamed": rewrite.renamed,
    "reordered": lambda data: rewrite.reordered(data, 1),
    "split_offers": rewrite.split_offers,
}


@pytest.mark.parametrize("name", sorted(REWRITINGS))
def test_other_words_same_answer(name: str) -> None:
    @few(3)
    @given(seed=SEEDS)
    def check(seed: int) -> None:
        data = random_instance(seed)
        assert optimum(REWRITINGS[name](data)) == pytest.approx(optimum(data), rel=SAME)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(REWRITINGS))
def test_other_words_same_answer_often(name: str) -> None:
    @few(25)
    @given(seed=SEEDS)
    def check(seed: int) -> None:
        data = random_instance(seed)
        assert optimum(REWRITINGS[name](data)) == pytest.approx(optimum(data), rel=SAME)

    check()


@few(4)
@given(seed=SEEDS, features=st.sets(st.sampled_from(WITHOUT_GANGS), min_size=8, max_size=20))
def test_two_halves_are_the_whole(seed: int, features: set[str]) -> None:
    """Every limit of a workload is a share of its own demand; only gangs are whole."""
    data = random_instance(seed, features=features)
    assert optimum(rewrite.halved_workloads(data)) == pytest.approx(optimum(data), rel=SAME)
