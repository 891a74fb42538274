"""Few scenarios in place of many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ailis_models.arrays import Floats, Ints
from ailis_opt.risk.measures import cvar
from ailis_opt.risk.reduction import distances, forward_selection, tail, with_tail

QUIET = settings(max_examples=100, deadline=None, derandomize=True, database=None)


@st.composite
def scenarios(draw: st.DrawFn) -> tuple[Floats, Floats]:
    """Distances, some of them 0, and probabilities of up to 9 scenarios."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    features = rng.integers(0, 6, size=(draw(st.integers(1, 9)), 2)).astype(float)
    return distances(features), rng.dirichlet(np.ones(len(features)))


def left_over(distance: Floats, chances: Floats, chosen: list[int]) -> float:
    """Kantorovich distance of the chosen from all, by its definition."""
    return sum(p * min(distance[k][j] for j in chosen) for k, p in enumerate(chances))


@QUIET
@given(scenarios(), st.data())
def test_each_step_is_the_best(given_: tuple[Floats, Floats], data: st.DataObject) -> None:
    distance, chances = given_
    n = len(chances)
    count = data.draw(st.integers(1, n))
    keep = data.draw(st.lists(st.integers(0, n - 1), unique=True, max_size=count))
    chosen, shares = forward_selection(distance, chances, count, keep)
    picked = chosen.tolist()
    assert picked[: len(keep)] == keep
    assert len(set(picked)) == count
    for step in range(len(keep), count):
        before = picked[:step]
        best = min(left_over(distance, chances, [*before, u]) for u in range(n) if u not in before)
        assert left_over(distance, chances, picked[: step + 1]) == pytest.approx(best, abs=1e-9)
    assert shares.sum() == pytest.approx(1, abs=1e-12)
    assert (shares >= chances[chosen] - 1e-15).all()


@QUIET
@given(scenarios(), st.data())
def test_probability_goes_to_the_nearest(given_: tuple[Floats, Floats], data: st.DataObject) -> None:
    distance, chances = given_
    chosen, shares = forward_selection(distance, chances, data.draw(st.integers(1, len(chances))))
    moved = shares - chances[chosen]
    for k in set(range(len(chances))) - set(chosen.tolist()):
        near = np.flatnonzero(distance[k, chosen] <= distance[k, chosen].min() + 1e-12)
        assert moved[near].sum() >= chances[k] - 1e-12


@QUIET
@given(scenarios())
def test_all_of_them_are_what_they_were(given_: tuple[Floats, Floats]) -> None:
    distance, chances = given_
    chosen, shares = forward_selection(distance, chances, len(chances))
    assert sorted(chosen.tolist()) == list(range(len(chances)))
    np.testing.assert_array_equal(shares, chances[chosen])


def test_by_hand() -> None:
    """Four points on a line, equally likely: of the sums of distances 13, 11, 11, 35 the first 11, and then the far one."""
    at = np.array([0.0, 1.0, 2.0, 10.0])
    chosen, shares = forward_selection(np.abs(at[:, None] - at), np.full(4, 0.25), 2)
    assert chosen.tolist() == [1, 3]
    assert shares.tolist() == [0.75, 0.25]


def test_distances_are_in_units_of_spread() -> None:
    features = np.array([[0.0, 5.0, 0.0], [1.0, 5.0, 1000.0], [2.0, 5.0, 0.0]])
    found = distances(features)
    assert found[0, 2] == pytest.approx(2 / features[:, 0].std())
    assert found[0, 1] == pytest.approx(np.hypot(1 / features[:, 0].std(), 1000 / features[:, 2].std()))
    np.testing.assert_allclose(found, found.T)
    np.testing.assert_allclose(np.diag(found), 0, atol=1e-6)


@QUIET
@given(scenarios(), st.floats(0.5, 0.95), st.data())
def test_the_tail_is_kept(given_: tuple[Floats, Floats], alpha: float, data: st.DataObject) -> None:
    distance, chances = given_
    costs = np.random.default_rng(3).permutation(len(chances)).astype(float)
    kept: Ints = tail(costs, chances, alpha)
    assert costs[kept].tolist() == sorted(costs[kept].tolist(), reverse=True)
    assert chances[kept].sum() >= 1 - alpha - 1e-9
    assert chances[kept[:-1]].sum() < 1 - alpha
    count = data.draw(st.integers(1, len(chances)))
    chosen, shares = with_tail(distance, chances, count, costs, alpha)
    assert len(chosen) == count
    assert shares.sum() == pytest.approx(1, abs=1e-12)
    if len(kept) <= max(1, count // 2):
        assert set(kept.tolist()) <= set(chosen.tolist())
    else:
        assert len(set(kept.tolist()) & set(chosen.tolist())) >= max(1, count // 2)


def test_the_tail_holds_the_cvar() -> None:
    costs, chances = np.array([1.0, 9.0, 4.0, 7.0]), np.array([0.5, 0.1, 0.3, 0.1])
    kept = tail(costs, chances, 0.8)
    assert kept.tolist() == [1, 3]
    assert chances[kept] @ costs[kept] / chances[kept].sum() == pytest.approx(cvar(costs, chances, 0.8))


def test_more_kept_than_asked_for() -> None:
    with pytest.raises(ValueError, match="2 of which are kept"):
        forward_selection(np.zeros((3, 3)), np.full(3, 1 / 3), 1, [0, 1])
    with pytest.raises(ValueError, match="cannot be chosen"):
        forward_selection(np.zeros((3, 3)), np.full(3, 1 / 3), 4)
