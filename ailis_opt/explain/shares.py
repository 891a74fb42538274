"""The solves behind the shares: which sets of layers, in which order, for how long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from ailis_opt.explain.lattice import Interval, Lattice
from ailis_opt.explain.pool import Pool, Reply, Task

CONFIDENCE = 0.95
SAMPLING = 0.5  # of the time left goes to permutations where all sets would take longer than there is
QUICK_SECONDS = 30.0  # at most, for one set
FULL_SECONDS = 20.0  # at most, for one set that is solved again, by a full search
SEED = 1


@dataclass
class Budget:
    """What the solves may cost: `gap` relative, and the time by which they end (`time.monotonic()`)."""

    gap: float
    deadline: float

    @property
    def left(self) -> float:
        """Seconds."""
        return self.deadline - time.monotonic()


class Shares:
    """Solves sets of layers in a pool until the shares are known, or the time is up.

    `fixed`: layers enforced in every set. `small`: each solve is exact and instant, so none is a quick one.
    """

    def __init__(
        self, lattice: Lattice, fixed: frozenset[str], pool: Pool, budget: Budget, small: bool, tell: Callable[[str], None]
    ) -> None:
        self.lattice, self.fixed, self.pool, self.budget, self.small, self.tell = lattice, fixed, pool, budget, small, tell
        self.seconds: list[float] = []
        self.sampled: list[Interval] | None = None
        self._asked: set[int] = set()

    @property
    def solves(self) -> int:
        """Sets solved in the pool."""
        return len(self.seconds)

    def run(self) -> None:
        """Ends, first and last steps, then what tells most; permutations where all would take too long; then tighter where it pays."""
        n, everything = self.lattice.n, self.lattice.all
        self._solve(iter([0, everything]))
        if not np.isfinite(self.lattice.lower[0]) or n == 0:
            return
        self._solve(iter(dict.fromkeys([m for i in range(n) for m in (everything & ~(1 << i), 1 << i)])))
        self._solve(self._telling(self.budget.deadline), early=True)
        if len(self.lattice.open_sets(self._tolerance)):
            permutations = self._permutations()
            self._solve(self._prefixes(permutations))
            self.sampled = self._estimates(permutations)
        self._solve(self._tightened(), full=True)

    @property
    def exact(self) -> bool:
        """True if every set was solved, or is known from those that were."""
        return not len(self.lattice.open_sets(self._tolerance))

    @property
    def _tolerance(self) -> float:
        return 2 * self.budget.gap * abs(float(self.lattice.upper[self.lattice.all]))

    def _solve(self, masks: Iterator[int], full: bool = False, early: bool = False) -> None:
        """Solve the sets that `masks` yields, as long as there is time; with `early` only while all could still be done."""

        def tasks() -> Iterator[Task]:
            for mask in masks:
                if self.budget.left <= 0 or (early and self._hopeless()):
                    return
                if mask not in self._asked or full:
                    self._asked.add(mask)
                    yield self._task(mask, full)

        for reply in self.pool.run(tasks()):
            self._take(reply)

    def _task(self, mask: int, full: bool) -> Task:
        lattice = self.lattice
        low, high = float(lattice.lower[mask]), float(lattice.upper[mask])
        price = (low + high) / 2 if np.isfinite(high - low) else min(high, np.inf)
        seconds = min(FULL_SECONDS if full else QUICK_SECONDS, max(self.budget.left, 1.0))
        return Task(mask, lattice.set_of(mask) | self.fixed, price, self.budget.gap, seconds, not (full or self.small))

    def _take(self, reply: Reply) -> None:
        self.seconds.append(reply.seconds)
        assert isinstance(reply.task.key, int)
        self.lattice.record(reply.task.key, reply.lower, reply.upper)
        done, size = int(self.lattice.solved.sum()), 1 << self.lattice.n
        left = len(self.lattice.open_sets(self._tolerance))
        self.tell(f"{done:,} of {size:,} sets of layers solved, {size - done - left:,} known from them")

    def _hopeless(self) -> bool:
        """Whether half of the time is better kept for permutations: what is open would take more than all that is left."""
        open_ = len(self.lattice.open_sets(self._tolerance))
        needed = open_ * float(np.mean(self.seconds)) / self.pool.jobs if self.seconds else 0.0
        if needed <= self.budget.left:
            self._reserve = 0.0
            return False
        self._reserve = getattr(self, "_reserve", 0.0) or SAMPLING * self.budget.left
        return self.budget.left <= self._reserve

    def _telling(self, deadline: float) -> Iterator[int]:
        """The most telling of the open sets, again and again."""
        while time.monotonic() < deadline:
            open_ = self.lattice.open_sets(self._tolerance)
            open_ = open_[~np.isin(open_, list(self._asked))]
            if not len(open_):
                return
            yield self.lattice.most_telling(open_)

    def _tightened(self) -> Iterator[int]:
        """Sets whose interval widens the shares most, to be solved again by a full search; each once."""
        done: set[int] = set()
        while not self.small and len(done) < 1 << self.lattice.n:
            width = np.where(self.lattice.width > self._tolerance, self.lattice.width, 0.0) * self.lattice.importance
            width[list(done)] = 0.0
            if not width.max(initial=0.0) > 0:
                return
            done.add(int(np.argmax(width)))
            yield int(np.argmax(width))

    # -- permutations ---------------------------------------------------------------------------------------------------------

    def _permutations(self) -> np.ndarray:
        """(many, n) random orders, each followed by its reverse (antithetic pairs)."""
        rng, n = np.random.default_rng(SEED), self.lattice.n
        orders = np.array([rng.permutation(n) for _ in range(2000)])
        return np.stack([orders, orders[:, ::-1]], axis=1).reshape(-1, n)

    def _prefixes(self, permutations: np.ndarray) -> Iterator[int]:
        """The sets that the permutations pass, those left out that are known; until the time is up."""
        for order in permutations:
            for mask in np.cumsum(1 << order)[:-1].tolist():
                if self.lattice.width[mask] > self._tolerance and not self.lattice.solved[mask]:
                    yield mask

    def _estimates(self, permutations: np.ndarray) -> list[Interval] | None:
        """Shares as means over the pairs of permutations that were walked whole, with the Student interval of the mean.

        Half of the mean width of the solved sets is added on either side. None where fewer than two pairs were walked.
        """
        steps = np.concatenate([np.zeros((len(permutations), 1), dtype=np.int64), np.cumsum(1 << permutations, axis=1)], axis=1)
        known = self.lattice.solved | (self.lattice.width <= self._tolerance)
        whole = known[steps].all(axis=1).reshape(-1, 2).all(axis=1)
        first = int(np.argmin(whole)) if not whole.all() else len(whole)
        if first < 2:
            return None
        used, z = permutations[: 2 * first], self.lattice.estimate()[steps[: 2 * first]]
        gains = np.zeros(used.shape)
        np.put_along_axis(gains, used, np.diff(z, axis=1), axis=1)
        pairs = gains.reshape(first, 2, -1).mean(axis=1)
        half = student.ppf((1 + CONFIDENCE) / 2, first - 1) * pairs.std(axis=0, ddof=1) / np.sqrt(first)
        half = half + float(self.lattice.width[steps[: 2 * first]].mean())
        return [Interval(float(m), float(m - h), float(m + h)) for m, h in zip(pairs.mean(axis=0), half, strict=True)]

    def intervals(self) -> tuple[list[Interval], bool]:
        """The shares, and whether a sampled interval is among them: what is proven, narrowed by what was sampled where that is narrower."""
        proven = self.lattice.shares()
        if self.exact or self.sampled is None:
            return proven, False
        total = float(self.lattice.upper[self.lattice.all] - self.lattice.upper[0])
        value = np.array([np.clip(s.value, p.lower, p.upper) for p, s in zip(proven, self.sampled, strict=True)])
        value = _summing(value, total, np.array([p.lower for p in proven]), np.array([p.upper for p in proven]))
        found = []
        for v, p, s in zip(value.tolist(), proven, self.sampled, strict=True):
            found.append(Interval(v, min(v, max(p.lower, s.lower)), max(v, min(p.upper, s.upper))))
        return found, True


def _summing(value: np.ndarray, total: float, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Values moved inside their bounds, in proportion to the room there is, so that they sum to `total`."""
    short = total - value.sum()
    room = upper - value if short > 0 else value - lower
    return np.asarray(value + (short * room / room.sum() if room.sum() > 0 else short / max(len(value), 1)))
