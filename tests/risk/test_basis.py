"""Shares of a residual by type of basis risk."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ailis_models.arrays import Floats
from ailis_opt.risk.basis import Coalition, coalitions, shapley, split
from ailis_opt.risk.measures import cvar, variance

TAIL = partial(cvar, alpha=0.75)
QUIET = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def additive(components: Mapping[str, Floats], base: float = 0.0) -> dict[Coalition, Floats]:
    """Residuals that are sums of components."""
    size = len(next(iter(components.values())))
    return {s: base + sum((components[name] for name in s), np.zeros(size)) for s in coalitions(list(components))}


def covariance_shares(components: Mapping[str, Floats], chances: Floats) -> dict[str, float]:
    """cov(e_k, Σe): the closed form where components add up (arXiv 1606.09424)."""
    centred = {name: e - chances @ e for name, e in components.items()}
    whole = sum(centred.values(), np.zeros(len(chances)))
    return {name: float(chances @ (e * whole)) for name, e in centred.items()}


def test_two_components_that_move_together() -> None:
    """K8: variances 4 and 9, covariance 3."""
    factor = np.linalg.cholesky(np.array([[4.0, 3.0], [3.0, 9.0]]))
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    one, other = factor @ signs.T
    shares = split(additive({"SKU": one, "region": other}, base=100), np.full(4, 0.25), variance)
    assert shares == pytest.approx({"SKU": 7.0, "region": 12.0}, abs=1e-9)


@QUIET
@given(st.integers(1, 4), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_the_closed_form_of_additive_components(players: int, scenarios: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    components = {f"type {i}": rng.normal(size=scenarios) for i in range(players)}
    chances = rng.dirichlet(np.ones(scenarios))
    assert split(additive(components, 7), chances, variance) == pytest.approx(covariance_shares(components, chances), abs=1e-9)


@QUIET
@given(st.integers(1, 5), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_shares_sum_to_the_residual(players: int, scenarios: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"type {i}" for i in range(players)]
    residuals = {s: rng.normal(size=scenarios) for s in coalitions(names)}
    residuals[frozenset()] = np.full(scenarios, 3.0)
    chances = rng.dirichlet(np.ones(scenarios))
    everything = residuals[frozenset(names)]
    assert sum(split(residuals, chances, variance).values()) == pytest.approx(variance(everything, chances), abs=1e-9)
    assert sum(split(residuals, chances, TAIL).values()) == pytest.approx(TAIL(everything - 3, chances), abs=1e-9)


@pytest.mark.parametrize("measure", [variance, TAIL])
def test_one_type_alone_takes_all(measure: partial[float]) -> None:
    components = {"SKU": np.zeros(4), "power": np.array([1.0, 2.0, 3.0, 7.0]), "region": np.zeros(4)}
    chances = np.array([0.4, 0.3, 0.2, 0.1])
    whole = measure(components["power"], chances)
    assert whole > 1
    shares = split(additive(components, 9), chances, measure)
    assert shares == pytest.approx({"SKU": 0, "power": whole, "region": 0}, abs=1e-9)
    assert split(additive({"power": components["power"]}), chances, measure) == pytest.approx({"power": whole}, abs=1e-9)


def test_shares_are_the_mean_over_all_orders() -> None:
    worth = {s: float(np.random.default_rng(len(s) * 7 + sum(map(ord, "".join(sorted(s))))).normal()) for s in coalitions("abcd")}
    orders = list(permutations("abcd"))
    mean = {
        player: sum(worth[frozenset(o[: o.index(player) + 1])] - worth[frozenset(o[: o.index(player)])] for o in orders) / len(orders)
        for player in "abcd"
    }
    asked: list[Coalition] = []

    def value(coalition: Coalition) -> float:
        asked.append(coalition)
        return worth[coalition]

    assert shapley(value, "abcd") == pytest.approx(mean, abs=1e-12)
    assert len(asked) == len(set(asked)) == 16


def test_too_many_players() -> None:
    with pytest.raises(ValueError, match="11 players"):
        shapley(lambda _: 0.0, [str(i) for i in range(11)])
