"""Measures of risk and of effectiveness: known answers, and what holds for every distribution."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ailis_models.arrays import Floats
from ailis_opt.risk.measures import CUSTOMARY, cvar, effectiveness, expected, regret, var, variance, worst

THIRDS = np.full(3, 1 / 3)
PRICE, INDEX = np.array([2.0, 3.0, 5.0]), np.array([2.0, 4.0, 4.0])  # K7
FORWARD = INDEX - 10 / 3
COSTS = st.floats(-1e3, 1e3)
LEVEL = st.floats(0, 0.999)
QUIET = settings(max_examples=100, deadline=None, derandomize=True, database=None)


@st.composite
def distributions(draw: st.DrawFn) -> tuple[Floats, Floats]:
    """Values, many of them alike, with probabilities, some of them 0."""
    n = draw(st.integers(1, 8))
    values = draw(st.lists(st.one_of(st.integers(-3, 3).map(float), COSTS), min_size=n, max_size=n))
    weights = np.array(draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)), dtype=float)
    weights[draw(st.integers(0, n - 1))] += 1
    return np.array(values), weights / weights.sum()


def reserved(lots: int) -> Floats:
    """K2: demand uniform on 0..10, reserved at 1, on demand at 3."""
    return lots + 3 * np.maximum(np.arange(11.0) - lots, 0.0)


@pytest.mark.parametrize(("alpha", "lots", "least"), [(0.0, 7, 95 / 11), (0.5, 9, 105 / 11), (0.75, 10, 10.0)])
def test_cvar_of_a_reservation(alpha: float, lots: int, least: float) -> None:
    found = [cvar(reserved(n), np.full(11, 1 / 11), alpha) for n in range(11)]
    assert np.argmin(found) == lots
    assert min(found) == pytest.approx(least, rel=1e-12)


def test_a_forward_on_an_index_that_is_not_the_price() -> None:
    found = effectiveness(PRICE, FORWARD, THIRDS)
    assert found.min_variance_ratio == pytest.approx(1)
    assert found.r2 == pytest.approx(4 / 7)
    assert found.variance_reduction == pytest.approx(4 / 7)
    assert found.slope == pytest.approx(4 / 7)
    assert found.dollar_offset == pytest.approx((4 / 3 - 2 / 3 + 2 / 3) / (4 / 3 + 1 / 3 + 5 / 3))
    assert found.customary() == dict.fromkeys(CUSTOMARY, False)
    for ratio, tail in ((0, 5), (1, 13 / 3), (1.5, 4)):
        assert cvar(PRICE - ratio * FORWARD, THIRDS, 2 / 3) == pytest.approx(tail)
    least = min(np.linspace(0, 3, 301), key=lambda h: cvar(PRICE - h * FORWARD, THIRDS, 2 / 3))
    assert least == pytest.approx(1.5)


def test_a_perfect_hedge_and_none() -> None:
    perfect = effectiveness(PRICE, PRICE - 1, THIRDS)
    assert perfect.to_dict() == pytest.approx(dict.fromkeys(perfect.to_dict(), 1.0))
    assert all(perfect.customary().values())
    none = effectiveness(PRICE, np.full(3, 0.1), THIRDS)
    assert none.to_dict() == {"variance_reduction": 0, "r2": None, "slope": 0, "dollar_offset": 0, "min_variance_ratio": None}
    still = effectiveness(np.full(3, 0.1), FORWARD, THIRDS)
    expected_ = {"variance_reduction": None, "r2": None, "slope": None, "dollar_offset": None, "min_variance_ratio": 0}
    assert still.to_dict() == expected_
    assert set(still.customary().values()) == {None}
    json.dumps([one.to_dict() for one in (perfect, none, still)], allow_nan=False)


@pytest.mark.parametrize(("scale", "inside"), [(0.79, False), (0.8, True), (1.25, True), (1.26, False)])
def test_the_customary_range_includes_its_ends(scale: float, inside: bool) -> None:
    found = effectiveness(PRICE, scale * PRICE, THIRDS).customary()
    assert found["slope"] is inside
    assert found["dollar_offset"] is inside
    assert found["r2"] is True


def test_value_at_risk() -> None:
    values, chances = np.array([3.0, 1.0, 2.0, 9.0]), np.array([0.3, 0.5, 0.2, 0.0])
    assert [var(values, chances, a) for a in (0, 0.5, 0.51, 0.7, 0.71, 1)] == [1, 1, 2, 2, 3, 3]
    assert worst(values, chances) == 3
    assert cvar(values, chances, 1) == 3
    assert cvar(values, chances, 0.6) == pytest.approx((0.3 * 3 + 0.1 * 2) / 0.4)


def test_regret() -> None:
    found = regret(np.array([[1.0, 9.0], [3.0, 4.0], [9.0, 0.0]]), np.array([0.75, 0.25]))
    assert found.table.tolist() == [[0, 9], [2, 4], [8, 0]]
    assert found.most.tolist() == [9, 4, 8]
    assert found.expected.tolist() == [2.25, 2.5, 6]
    assert regret(np.array([[1.0, 9.0], [1.0, 0.0]]), np.array([1.0, 0.0])).most.tolist() == [0, 0]


@QUIET
@given(distributions(), LEVEL)
def test_cvar_is_between_mean_and_worst(given_: tuple[Floats, Floats], alpha: float) -> None:
    values, chances = given_
    mean, tail = expected(values, chances), cvar(values, chances, alpha)
    assert mean - 1e-9 <= tail <= worst(values, chances) + 1e-9
    assert tail >= var(values, chances, alpha) - 1e-9
    assert cvar(values, chances, 0) == pytest.approx(mean, abs=1e-9)


@QUIET
@given(distributions(), LEVEL)
def test_cvar_is_the_least_of_rockafellar_and_uryasev(given_: tuple[Floats, Floats], alpha: float) -> None:
    values, chances = given_
    least = min(eta + chances @ np.maximum(values - eta, 0) / (1 - alpha) for eta in values)  # it is least at one of the values
    assert cvar(values, chances, alpha) == pytest.approx(least, rel=1e-9, abs=1e-6)


@QUIET
@given(distributions(), LEVEL, LEVEL)
def test_cvar_grows_with_alpha(given_: tuple[Floats, Floats], one: float, other: float) -> None:
    values, chances = given_
    low, high = sorted((one, other))
    assert cvar(values, chances, low) <= cvar(values, chances, high) + 1e-9


@QUIET
@given(distributions(), LEVEL, st.integers(0, 7), st.floats(0, 1), st.randoms())
def test_splitting_a_scenario_changes_nothing(
    given_: tuple[Floats, Floats], alpha: float, at: int, part: float, random: st.random.Random
) -> None:
    values, chances = given_
    at %= len(values)
    order = list(range(len(values) + 1))
    random.shuffle(order)
    more, parts = np.append(values, values[at])[order], np.append(chances, chances[at] * part)
    parts[at] *= 1 - part
    parts = parts[order]
    for measure in (expected, variance, lambda v, p: cvar(v, p, alpha)):
        assert measure(more, parts) == pytest.approx(measure(values, chances), rel=1e-9, abs=1e-6)


@QUIET
@given(distributions(), LEVEL, COSTS, st.floats(0.01, 100))
def test_cvar_moves_and_scales_with_the_values(given_: tuple[Floats, Floats], alpha: float, shift: float, scale: float) -> None:
    values, chances = given_
    assert cvar(scale * values + shift, chances, alpha) == pytest.approx(scale * cvar(values, chances, alpha) + shift, rel=1e-9, abs=1e-6)


@QUIET
@given(distributions(), LEVEL, st.data())
def test_cvar_of_a_sum_is_at_most_the_sum(given_: tuple[Floats, Floats], alpha: float, data: st.DataObject) -> None:
    values, chances = given_
    other = np.array(data.draw(st.lists(COSTS, min_size=len(values), max_size=len(values))))
    assert cvar(values + other, chances, alpha) <= cvar(values, chances, alpha) + cvar(other, chances, alpha) + 1e-6
