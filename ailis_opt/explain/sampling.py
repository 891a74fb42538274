"""Shares from a sample of sets, where there are too many to solve.

Shapley's share weighs every set T of n layers:

    φ_i = Σ_T c_i(T)·z(T),     c_i(T) = 1/(n·C(n−1,|T|−1)) where i is in T, −1/(n·C(n−1,|T|)) where it is not

A set and its complement have opposite weights, so that

    φ_i = Σ_{pairs} c_i(T)·d(T),     d(T) = z(T) − z(T complement)

and everything that two layers do together (in general: all interactions of even order) has dropped out of d. Pairs are drawn at random
without replacement, as many for each size of T; the smallest sizes are solved whole. What layers do one by one,
a(T) = Σ_{i in T} a_i − Σ_{i not in T} a_i, is fitted to the d that are known, and only the rest is estimated (regression estimator:
Särndal, Swensson, Wretman 1992, ch. 6):

    φ_i = a_i + Σ_k N_k·mean over the pairs drawn of size k of c_i(T)·(d(T) − a(T))

The estimates sum to z(all) − z(∅) exactly. Paired sampling and the fit are those of kernel SHAP (Covert, Lee 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from scipy.stats import t as student

from ailis_models.arrays import Bools, Floats, Ints
from ailis_opt.explain.lattice import Interval, Lattice

CONFIDENCE = 0.95
SEED = 1
LEAST = 4  # pairs more than are fitted, to speak of confidence
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
        lattice, n = self.lattice, self.lattice.n
        drawn = [self._drawn(stratum, known) for stratum in self.strata]
        partial = [len(d) for s, d in zip(self.strata, drawn, strict=True) if len(d) < len(s.sets)]
        if partial and (min(partial) < 2 or sum(partial) < n + len(partial) + LEAST):
            return None
        z, width = lattice.estimate(), lattice.width
        alone = self._alone(np.concatenate(drawn), z)
        value, error, half = alone.copy(), np.zeros(n), np.zeros(n)
        for stratum, sets in zip(self.strata, drawn, strict=True):
            count, many = len(sets), len(stratum.sets)
            signs, weights = _signs(sets, n), _weights(sets, n)
            rest = weights * (z[sets] - z[lattice.all ^ sets] - signs @ alone)[:, None]
            value += many * rest.mean(axis=0)
            half += many * (np.abs(weights) * (width[sets] + width[lattice.all ^ sets])[:, None] / 2).mean(axis=0)
            if count < many:
                error += many**2 * (1 - count / many) * rest.var(axis=0, ddof=1) / count
        if partial:
            pairs = sum(partial)
            free = pairs - (n - 1) - len(partial)  # degrees of freedom: n − 1 layers are fitted, and a mean is taken in each stratum
            half += student.ppf((1 + CONFIDENCE) / 2, free) * np.sqrt(error * pairs / free)
        return [Interval(float(v), float(v - h), float(v + h)) for v, h in zip(value, half, strict=True)]

    def _drawn(self, stratum: Stratum, known: Bools) -> Ints:
        """The pairs of a stratum that are known, up to the first that is not: later ones are known for a reason, so they are no sample."""
        both = known[stratum.sets] & known[self.lattice.all ^ stratum.sets]
        return stratum.sets[: len(both) if both.all() else int(np.argmin(both))]

    def _alone(self, sets: Ints, z: Floats) -> Floats:
        """(n,) what each layer adds by itself, by least squares over the pairs."""
        n, everything = self.lattice.n, self.lattice.all
        firm = np.where(sets == 0, FIRM, 1.0)
        difference = z[sets] - z[everything ^ sets]
        return np.asarray(np.linalg.lstsq(_signs(sets, n) * firm[:, None], difference * firm, rcond=None)[0])


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
