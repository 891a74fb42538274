"""z(S) over all sets S of layers: intervals, what monotonicity says of sets that were not solved, and the shares that follow.

A set is a bit mask over the active layers. S ⊆ T gives z(S) <= z(T): a proven bound of S serves T, and T's plan serves S; where both
ends of an interval of the lattice are equal, everything between them is known. Shapley's share of layer g is

    φ_g = Σ_{S∌g} |S|!·(n−|S|−1)!/n! · (z(S∪g) − z(S)),     Σ_g φ_g = z(all) − z(∅)     (Shapley 1953)

and with intervals of z it is an interval, too: lower ends of z(S∪g) less upper ends of z(S), no difference below 0, and the reverse.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np

from ailis_models.arrays import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the bounds that are proven for it (or, where so said, that hold with the stated confidence)."""

    value: float
    lower: float
    upper: float

    def to_dict(self) -> dict[str, float]:
        """As in `explain --json`."""
        return {"value": self.value, "lower": self.lower, "upper": self.upper}


class Lattice:
    """Intervals of z for all 2^n sets of n layers. `lower` and `upper` (2^n,) hold what is known, monotonicity used."""

    def __init__(self, layers: tuple[str, ...]) -> None:
        self.layers = layers
        self.n = len(layers)
        size = 1 << self.n
        self.lower, self.upper = np.full(size, -np.inf), np.full(size, np.inf)
        self.solved: Bools = np.zeros(size, dtype=bool)
        count = np.array([mask.bit_count() for mask in range(size)])
        weight = np.array([factorial(k) * factorial(self.n - k - 1) / factorial(self.n) for k in range(self.n)])
        self._weight = weight[np.minimum(count, self.n - 1)] if self.n else np.zeros(size)
        joins = np.where(count < self.n, (self.n - count) * self._weight, 0.0)
        leaves = np.where(count > 0, count * weight[np.maximum(count - 1, 0)], 0.0) if self.n else np.zeros(size)
        self.importance: Floats = joins + leaves  # (2^n,) by how much the width of one set widens all shares together

    @property
    def all(self) -> int:
        """The set of all layers."""
        return (1 << self.n) - 1

    def mask(self, layers: frozenset[str]) -> int:
        """The set with these layers."""
        return sum(1 << i for i, name in enumerate(self.layers) if name in layers)

    def set_of(self, mask: int) -> frozenset[str]:
        """The layers of a set."""
        return frozenset(name for i, name in enumerate(self.layers) if mask >> i & 1)

    def record(self, mask: int, lower: float, upper: float) -> None:
        """What a solve of one set proved; what follows for the others."""
        self.solved[mask] = True
        self.lower[mask], self.upper[mask] = max(lower, self.lower[mask]), min(upper, self.upper[mask])
        for bit in range(self.n):
            low, high = self.lower.reshape(-1, 2, 1 << bit), self.upper.reshape(-1, 2, 1 << bit)
            np.maximum(low[:, 1], low[:, 0], out=low[:, 1])
            np.minimum(high[:, 0], high[:, 1], out=high[:, 0])
        np.minimum(self.lower, self.upper, out=self.lower)  # bounds may cross by the solver's tolerance

    @property
    def width(self) -> Floats:
        """(2^n,) what is not known of each set."""
        return np.asarray(self.upper - self.lower)

    def estimate(self) -> Floats:
        """(2^n,) one value of z for each set, monotone, in its interval; at both ends of the lattice that of the plan in hand."""
        middle = (self.lower + self.upper) / 2
        middle = np.maximum(middle, self.upper[0])
        middle[0], middle[self.all] = self.upper[0], self.upper[self.all]
        return np.asarray(middle)

    def share(self, layer: int) -> Interval:
        """Shapley's share of a layer, certified."""
        without = np.flatnonzero((np.arange(1 << self.n) >> layer & 1) == 0)
        with_ = without | 1 << layer
        weight, value = self._weight[without], self.estimate()
        lower = weight @ np.maximum(self.lower[with_] - self.upper[without], 0.0)
        upper = weight @ (self.upper[with_] - self.lower[without])
        return Interval(float(weight @ (value[with_] - value[without])), float(lower), float(upper))

    def shares(self) -> list[Interval]:
        """The share of every layer."""
        return [self.share(i) for i in range(self.n)]

    def removal(self, layer: int) -> Interval:
        """z(all) − z(all without the layer): what it costs as the last one in."""
        rest = self.all & ~(1 << layer)
        return self._difference(self.all, rest)

    def entry(self, layer: int) -> Interval:
        """z(the layer alone) − z(∅): what it costs as the first one in."""
        return self._difference(1 << layer, 0)

    def _difference(self, more: int, less: int) -> Interval:
        lower = max(self.lower[more] - self.upper[less], 0.0)
        return Interval(float(self.upper[more] - self.upper[less]), float(lower), float(self.upper[more] - self.lower[less]))

    def open_sets(self, tolerance: float) -> Ints:
        """Sets that were not solved and are not known to within `tolerance`."""
        return np.flatnonzero(~self.solved & (self.width > tolerance))

    def most_telling(self, candidates: Ints, most: int = 256) -> int:
        """The set whose solve is expected to narrow the shares most, if its z is in the middle of its interval.

        It would raise the lower end of all its supersets and lower the upper end of all its subsets.
        """
        finite = np.where(np.isfinite(self.width), self.width, 0.0)
        if len(candidates) > most:
            candidates = candidates[np.argsort(-(finite * self.importance)[candidates], kind="stable")[:most]]
        every = np.arange(1 << self.n)
        middle = ((self.lower + self.upper) / 2)[candidates, None]
        above = (every[None, :] & candidates[:, None]) == candidates[:, None]
        below = (every[None, :] | candidates[:, None]) == candidates[:, None]
        gain = np.where(above, np.maximum(middle - self.lower[None, :], 0.0), 0.0)
        gain += np.where(below, np.maximum(self.upper[None, :] - middle, 0.0), 0.0)
        return int(candidates[np.argmax(np.where(np.isfinite(gain), gain, 0.0) @ self.importance)])
