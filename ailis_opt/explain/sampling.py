"""Shares from a sample of sets, where there are too many to solve.

Shapley's share weighs every set T of n layers:

    φ_i = Σ_T c_i(T)·z(T),     c_i(T) = 1/(n·C(n−1,|T|−1)) where i is in T, −1/(n·C(n−1,|T|)) where it is not

A set and its complement have opposite weights, so that

    φ_i = Σ_{pairs} c_i(T)·d(T),     d(T) = z(T) − z(T complement)

and everything that two layers do together (in general: all interactions of even order) has dropped out of d. Pairs are drawn at random
without replacement, as many for each size of T; the smallest sizes are solved whole. What layers do alone and in threes is fitted to the d
that are known, and only what the fit a(T) leaves is estimated (regression estimator: Särndal, Swensson, Wretman 1992, ch. 6):

    φ_i = Σ_{pairs} c_i(T)·a(T) + Σ_k N_k·mean over the pairs drawn of size k of c_i(T)·(d(T) − a(T))

The estimates sum to z(all) − z(∅) exactly. Paired sampling and the fit are those of kernel SHAP (Covert, Lee 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from ailis_models.arrays import Bools, Floats, Ints
from ailis_opt.explain.lattice import Interval, Lattice

CONFIDENCE = 0.95
SEED = 1
LEAST = 4  # pairs more than are fitted, to speak of confidence
PENALTIES = (1e6, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
FIRM = 1e3  # weight of the pair of all layers and none in the fit: the sum of all shares is known


@dataclass(frozen=True, slots=True)
class Stratum:
    """Pairs of one size: `sets` (pairs,) the smaller one of each pair, in the order in which they are drawn."""

    sets: Ints
    size: int


class Sample:
    """The pairs of a lattice, in strata by size; each is drawn in an order that was fixed by chance."""

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        rng, n, everything = np.random.default_rng(SEED), lattice.n, lattice.all
        masks = np.arange(1 << n)
        size = np.array([int(mask).bit_count() for mask in masks])
        once = (2 * size < n) | ((2 * size == n) & (masks < (everything ^ masks)))
        self.strata = [Stratum(rng.permutation(masks[once & (size == k)]), k) for k in range(n // 2 + 1)]

    def order(self) -> Ints:
        """(sets,) all sets in the order in which they should be solved: pair after pair, of each size in turn."""
        turns = [(turn, stratum.size, int(mask)) for stratum in self.strata for turn, mask in enumerate(stratum.sets)]
        pairs = np.array([mask for _, _, mask in sorted(turns)], dtype=np.int64)
        return np.column_stack([pairs, self.lattice.all ^ pairs]).ravel()

    def estimates(self, known: Bools) -> list[Interval] | None:
        """Shares from the pairs of which both sets are known; None where there are too few.

        The interval is Student's for the estimate, with the width of the solved sets added on either side. `known`: (2^n,)
        """
        from scipy.stats import t as student  # takes a second to load, and is seldom needed

        lattice, n, everything = self.lattice, self.lattice.n, self.lattice.all
        drawn = [self._drawn(stratum, known) for stratum in self.strata]
        partial = [len(d) for s, d in zip(self.strata, drawn, strict=True) if len(d) < len(s.sets)]
        if partial and (min(partial) < 2 or sum(partial) < n + len(partial) + LEAST):
            return None
        z, width, sets = lattice.estimate(), lattice.width, np.concatenate(drawn)
        fit, left, free = _fitted(sets, z[sets] - z[everything ^ sets], n)
        every = np.concatenate([stratum.sets for stratum in self.strata])
        value, error, half = _weights(every, n).T @ fit[every], np.zeros(n), np.zeros(n)
        for stratum, pairs in zip(self.strata, drawn, strict=True):
            count, many, weights = len(pairs), len(stratum.sets), _weights(pairs, n)
            rest = weights * (z[pairs] - z[everything ^ pairs] - fit[pairs])[:, None]
            value += many * rest.mean(axis=0)
            half += many * (np.abs(weights) * (width[pairs] + width[everything ^ pairs])[:, None] / 2).mean(axis=0)
            if count < many:
                spread = weights * left[np.isin(sets, pairs)][:, None]
                error += many**2 * (spread**2).sum(axis=0) / count / (count - 1)  # as if drawn with replacement: no less
        if partial:
            half += student.ppf((1 + CONFIDENCE) / 2, max(free, LEAST)) * np.sqrt(error)
        return [Interval(float(v), float(v - h), float(v + h)) for v, h in zip(value, half, strict=True)]

    def _drawn(self, stratum: Stratum, known: Bools) -> Ints:
        """The pairs of a stratum that are known, up to the first that is not: later ones are known for a reason, so they are no sample."""
        both = known[stratum.sets] & known[self.lattice.all ^ stratum.sets]
        return stratum.sets[: len(both) if both.all() else int(np.argmin(both))]


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
