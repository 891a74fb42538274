"""What a hedge leaves, split over the types of basis risk by Shapley: it sums exactly, and does not depend on any order.

A coalition is a set of types whose changes are made in every scenario, while those of the others are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

from ailis_models.arrays import Floats
from ailis_opt.risk.measures import expected

MOST_PLAYERS = 10

Coalition = frozenset[str]
Measure = Callable[[Floats, Floats], float]
"""Of values and probabilities, (scenarios,) each: `measures.variance`, or `measures.cvar` at a level."""


def coalitions(players: Sequence[str]) -> Iterator[Coalition]:
    """All 2ⁿ subsets, small ones first."""
    for size in range(len(players) + 1):
        yield from map(frozenset, combinations(players, size))


def shapley(value: Callable[[Coalition], float], players: Sequence[str]) -> dict[str, float]:
    """φ_g = Σ_{S∌g} |S|! (n − |S| − 1)! / n! · (v(S∪g) − v(S)) for each player; sums to v(all) − v(∅) (Shapley 1953).

    `value` is asked once for each of the 2ⁿ sets, n <= 10.
    """
    n = len(players)
    if n > MOST_PLAYERS:
        raise ValueError(f"{n} players: exact shares are for {MOST_PLAYERS} at most")
    worth = {coalition: value(coalition) for coalition in coalitions(players)}
    weight = [math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n) for size in range(n)]
    return {player: math.fsum(weight[len(s)] * (worth[s | {player}] - worth[s]) for s in worth if player not in s) for player in players}


def split(residuals: Mapping[Coalition, Floats], probabilities: Floats, measure: Measure) -> dict[str, float]:
    """Shares of each type in the measure of the residual of all types.

    `residuals`: for every subset of types the residual by scenario (S,): cost less what the hedge pays. All are taken less the mean of that
    of the empty set, in which nothing changes, so that a CVaR is that of the deviation from what is expected without any of the risks. The
    shares sum to the measure of all types less that of none, which is 0 where all changes have a type.
    """
    players = sorted(frozenset().union(*residuals))
    centre = expected(residuals[frozenset()], probabilities)
    return shapley(lambda coalition: measure(residuals[coalition] - centre, probabilities), players)
