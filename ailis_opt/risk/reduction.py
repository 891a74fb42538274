"""Few scenarios in place of many: forward selection (Dupačová, Gröwe-Kuska, Römisch 2003), the tail kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ailis_models.arrays import Floats, Ints
from ailis_opt.risk.measures import ROUNDING


def distances(features: Floats) -> Floats:
    """(n, n) Euclidean distances of scenarios with features (n, f), each feature in units of its standard deviation."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    squares = (scaled**2).sum(axis=1)
    found: Floats = np.sqrt(np.maximum(squares[:, None] + squares - 2 * scaled @ scaled.T, 0.0))
    return found


def forward_selection(distance: Floats, probabilities: Floats, count: int, keep: Sequence[int] = ()) -> tuple[Ints, Floats]:
    """The scenarios that are chosen, in the order of choice, and their new probabilities: both (count,).

    `keep` come first. Then one by one that u which leaves the least Σ_k π_k min_{j chosen or u} d(k, j), the Kantorovich distance of what
    is chosen from all; the first of equals. Each scenario that is not chosen gives its probability to the nearest that is.
    """
    n = len(probabilities)
    if not len(keep) <= count <= n:
        raise ValueError(f"{count} scenarios cannot be chosen of {n}, {len(keep)} of which are kept")
    chosen = list(keep)
    nearest = distance[:, chosen].min(axis=1, initial=np.inf)
    while len(chosen) < count:
        left = probabilities @ np.minimum(nearest[:, None], distance)
        left[chosen] = np.inf
        chosen.append(int(np.argmin(left)))
        nearest = np.minimum(nearest, distance[:, chosen[-1]])
    heirs = np.argmin(distance[:, chosen], axis=1)
    heirs[chosen] = np.arange(count)
    inherited: Floats = np.zeros(count)
    np.add.at(inherited, heirs, probabilities)
    return np.array(chosen, dtype=np.int64), inherited


def tail(costs: Floats, probabilities: Floats, alpha: float) -> Ints:
    """The scenarios that the CVaR at `alpha` is made of, dearest first."""
    order = np.argsort(-costs, kind="stable")
    order = order[probabilities[order] > 0]
    before = np.cumsum(probabilities[order]) - probabilities[order]
    return order[before < 1 - alpha - ROUNDING]


def with_tail(distance: Floats, probabilities: Floats, count: int, costs: Floats, alpha: float) -> tuple[Ints, Floats]:
    """As `forward_selection`, with the tail of these costs kept; of a tail that is more than half of `count`, the half that stands for it
    best."""
    keep, most = tail(costs, probabilities, alpha), max(1, count // 2)
    if len(keep) > most:
        keep = keep[forward_selection(distance[np.ix_(keep, keep)], probabilities[keep], most)[0]]
    return forward_selection(distance, probabilities, count, keep.tolist())
