"""Shares from a sample of sets, where there are too many to solve.

Shapley's share weighs every set T of n layers:

    φ_i = Σ_T c_i(T)·z(T),     c_i(T) = 1/(n·C(n−1,|T|−1)) where i is in T, −1/(n·C(n−1,|T|)) where it is not

A set and its complement have opposite weights, so that

    φ_i = Σ_{pairs} c_i(T)·d(T),     d(T) = z(T) − z(T complement)

and everything that two layers do together (in general: all interactions of even order) has dropped out of d. Layers are enforced one after
the other in an order drawn at random, and in the opposite order: one such turn gives two pairs of each size, random among all of that size.
The smallest sizes are solved whole. What layers do alone and in threes is fitted to the d that are known, and only what the fit a(T) leaves
is estimated (regression estimator: Särndal, Swensson, Wretman 1992, ch. 6), with turns as units, for the pairs of one are no independent
draws:

    φ_i = Σ_{pairs} c_i(T)·a(T) + mean over turns of Σ_k N_k·mean over its pairs of size k of c_i(T)·(d(T) − a(T))

The estimates sum to z(all) − z(∅) exactly. Paired sampling and the fit are those of kernel SHAP (Covert, Lee 2021), orders those of Castro,
Gómez & Tejada 2009.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from ailis_models.arrays import Bools, Floats, Ints
from ailis_opt.explain.lattice import Interval, Lattice

CONFIDENCE = 0.95
SEED = 1
LEAST = 4  # pairs more than are fitted, to speak of confidence
LEAST_TURNS = 4  # the same of turns
MOST_TURNS = 400
PENALTIES = (1e6, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
FIRM = 1e3  # weight of the pair of all layers and none in the fit: the sum of all shares is known


@dataclass(frozen=True, slots=True)
class Stratum:
    """All pairs of one size: `sets` (pairs,) the smaller one of each pair."""

    sets: Ints
    size: int


class Sample:
    """The pairs of a lattice, in strata by size, and orders of its layers that were drawn by chance."""

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        rng, n, everything = np.random.default_rng(SEED), lattice.n, lattice.all
        masks = np.arange(1 << n)
        size = np.array([int(mask).bit_count() for mask in masks])
        once = (2 * size < n) | ((2 * size == n) & (masks < (everything ^ masks)))
        self.strata = [Stratum(masks[once & (size == k)], k) for k in range(n // 2 + 1)]
        self._orders = [rng.permutation(n) for _ in range(MOST_TURNS)]

    def chains(self) -> Iterator[Ints]:
        """Of each order in turn the sets that grow by a layer, without the empty and the full one; then those of the opposite order."""
        for order in self._orders:
            chain = np.cumsum(1 << order)[:-1]
            yield chain
            yield (self.lattice.all ^ chain)[::-1]

    def pairs(self, turn: int, size: int) -> Ints:
        """The two pairs of a size that an order gives, by the smaller set of each."""
        chain, everything = np.cumsum(1 << self._orders[turn]), self.lattice.all
        both = np.array([chain[size - 1], everything ^ chain[self.lattice.n - size - 1]])
        return np.minimum(both, everything ^ both) if 2 * size == self.lattice.n else both

    def estimates(self, known: Bools) -> list[Interval] | None:
        """Shares from the pairs of which both sets are known; None where there are too few.

        The interval is Student's for the estimate, with the width of the solved sets added on either side. `known`: (2^n,)
        """
        from scipy.stats import t as student  # takes a second to load, and is seldom needed

        lattice, n = self.lattice, self.lattice.n
        other = lattice.all ^ np.arange(1 << n)  # of each set, its complement
        both = known & known[other]
        whole = [s for s in self.strata if both[s.sets].all()]
        partial = [s for s in self.strata if not both[s.sets].all()]
        drawn = self._drawn(partial, both)  # (turns, partial strata, 2)
        turns = len(drawn)
        sets = np.unique(np.concatenate([*(s.sets for s in whole), drawn.ravel()]))
        if partial and (turns < LEAST_TURNS or len(np.unique(drawn)) < n + len(partial) + LEAST):
            return None
        z, width = lattice.estimate(), lattice.width
        fit, left, free = _fitted(sets, (z - z[other])[sets], n)
        every = np.concatenate([stratum.sets for stratum in self.strata])
        rest, half = z - z[other] - fit, (width + width[other]) / 2
        value, error, wide = _weights(every, n).T @ fit[every], np.zeros(n), np.zeros(n)
        for stratum in whole:
            weights = _weights(stratum.sets, n)
            value += weights.T @ rest[stratum.sets]
            wide += np.abs(weights).T @ half[stratum.sets]
        if partial:
            weights = _weights(drawn.ravel(), n) * np.repeat([len(s.sets) / 2 for s in partial] * turns, 2)[:, None]
            value += weights.T @ rest[drawn.ravel()] / turns
            wide += np.abs(weights).T @ half[drawn.ravel()] / turns
            of_turn = (weights * left[np.searchsorted(sets, drawn.ravel())][:, None]).reshape(turns, -1, n).sum(axis=1)
            error = of_turn.var(axis=0, ddof=1) / turns  # as if drawn with replacement: no less
            wide += student.ppf((1 + CONFIDENCE) / 2, max(min(free, turns - 1), 1)) * np.sqrt(error)
        return [Interval(float(v), float(v - h), float(v + h)) for v, h in zip(value, wide, strict=True)]

    def _drawn(self, strata: list[Stratum], both: Bools) -> Ints:
        """(turns, strata, 2) the pairs of the turns that are known, up to the first that is not: later ones are known for a reason."""
        found = []
        for turn in range(MOST_TURNS if strata else 0):
            pairs = np.array([self.pairs(turn, stratum.size) for stratum in strata])
            if not both[pairs].all():
                break
            found.append(pairs)
        return np.array(found, dtype=np.int64).reshape(-1, len(strata), 2)


def _fitted(sets: Ints, difference: Floats, n: int) -> tuple[Floats, Floats, float]:
    """What layers do alone and in threes, fitted to differences d of pairs.

    Returns the fit for every set (2^n,), what is left of each pair by a fit without it, in the order of `sets`, and the degrees of freedom.
    Layers alone are fitted by least squares, threes by ridge regression with the penalty that predicts best (left-one-out, from the hat
    matrix).
    """
    threes = np.array(list(combinations(range(n), 3)), dtype=np.int64).reshape(-1, 3)
    signs = _signs(np.arange(1 << n), n)
    features = np.concatenate([signs, signs[:, threes].prod(axis=2)], axis=1)
    firm = np.where(sets == 0, FIRM, 1.0)
    own, target = features[sets] * firm[:, None], difference * firm
    best: tuple[float, Floats, Floats, float] | None = None
    for penalty in PENALTIES:
        ridge = np.concatenate([np.zeros(n), np.full(len(threes), penalty)])
        inverse = np.linalg.pinv(own.T @ own + np.diag(ridge), hermitian=True)
        weights = inverse @ (own.T @ target)
        hat = np.einsum("ij,jk,ik->i", own, inverse, own)
        left = (target - own @ weights) / np.maximum(1 - hat, 1e-9) / firm
        score = float(np.mean(left[sets != 0] ** 2))
        if best is None or score < best[0]:
            best = score, features @ weights, left, len(sets) - float(hat.sum())
    assert best is not None
    return best[1:]


def _held(sets: Ints, n: int) -> Bools:
    """(sets, n) which layers are in a set."""
    return np.asarray((sets[:, None] >> np.arange(n) & 1) == 1)


def _signs(sets: Ints, n: int) -> Floats:
    """(sets, n) 1 for layers in the set, −1 for the others."""
    return np.asarray(np.where(_held(sets, n), 1.0, -1.0))


def _weights(sets: Ints, n: int) -> Floats:
    """(sets, n) c_i(T)."""
    held = _held(sets, n)
    size = held.sum(axis=1)
    inside = np.array([1 / (n * comb(n - 1, k - 1)) if k > 0 else 0.0 for k in range(n + 1)])
    outside = np.array([1 / (n * comb(n - 1, k)) if k < n else 0.0 for k in range(n + 1)])
    return np.asarray(np.where(held, inside[size][:, None], -outside[size][:, None]))
