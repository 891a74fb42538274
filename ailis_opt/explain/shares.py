"""The solves behind the shares: which sets of layers, in which order, for how long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ailis_opt.explain.lattice import Interval, Lattice
from ailis_opt.explain.pool import Pool, Reply, Task
from ailis_opt.explain.sampling import Sample

COLLAPSE = 0.5  # of the open sets are solved before the others follow from them, or so it is hoped when time is planned
RIDGE = 1e-3
QUICK_SECONDS = 30.0  # at most, for one set
FULL_SECONDS = 15.0  # at most, for one set that is solved again, by a full search


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
        """Ends, first and last steps; then all that is open where there is time for it, else a sample; then tighter where it pays."""
        n, everything = self.lattice.n, self.lattice.all
        self._solve([[0], [everything]])
        if not np.isfinite(self.lattice.lower[0]) or n == 0:
            return
        self._solve([m] for i in range(n) for m in (everything & ~(1 << i), 1 << i))
        self._solve([m] for m in self._telling())
        if not self.exact:
            sample = Sample(self.lattice)
            self._solve((int(m) for m in chain if self.lattice.width[m] > self._tolerance) for chain in sample.chains())
            self.sampled = sample.estimates(self.lattice.solved | (self.lattice.width <= self._tolerance))
        self._solve(([m] for m in self._tightened()), full=True)

    @property
    def exact(self) -> bool:
        """True if every set was solved, or is known from those that were."""
        return not len(self.lattice.open_sets(self._tolerance))

    @property
    def _tolerance(self) -> float:
        return 2 * self.budget.gap * abs(float(self.lattice.upper[self.lattice.all]))

    def _solve(self, chains: Iterable[Iterable[int]], full: bool = False) -> None:
        """Solve sets of layers, as long as there is time; a process takes a whole chain, so that it solves sets that are alike."""
        waiting = iter(chains)
        taken: dict[int, Iterator[int]] = {}

        def following(process: int) -> Task | None:
            while self.budget.left > 0:
                for mask in taken.get(process, iter(())):
                    if full or mask not in self._asked:
                        return self._task(mask, full)
                chain = next(waiting, None)
                if chain is None:
                    return None
                taken[process] = iter(chain)
            return None

        for reply in self.pool.run(following):
            self._take(reply)

    def _task(self, mask: int, full: bool) -> Task:
        lattice = self.lattice
        self._asked.add(mask)
        low, high = float(lattice.lower[mask]), float(lattice.upper[mask])
        price = (low + high) / 2 if np.isfinite(high - low) else high
        seconds = min(FULL_SECONDS if full else QUICK_SECONDS, max(self.budget.left, 1.0))
        return Task(mask, lattice.set_of(mask) | self.fixed, price, self.budget.gap, seconds, not (full or self.small))

    def _take(self, reply: Reply) -> None:
        self.seconds.append(reply.seconds)
        assert isinstance(reply.task.key, int)
        self.lattice.record(reply.task.key, reply.lower, reply.upper)
        done, size = int(self.lattice.solved.sum()), 1 << self.lattice.n
        left = len(self.lattice.open_sets(self._tolerance))
        self.tell(f"{done:,} of {size:,} sets of layers solved, {size - done - left:,} known from them")

    def _telling(self) -> Iterator[int]:
        """The most telling of the open sets, again and again, while there is time to solve all of them."""
        while True:
            open_ = self.lattice.open_sets(self._tolerance)
            open_ = open_[~np.isin(open_, list(self._asked))]
            needed = len(open_) * float(np.mean(self.seconds)) / self.pool.jobs if self.seconds else 0.0
            if not len(open_) or needed * COLLAPSE > self.budget.left:
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

    def _model(self, masks: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """z of every set as a sum over layers and pairs of layers, fitted to the given sets; and the shares that it gives.

        In a pair's part each of the two has half.
        """
        n = self.lattice.n
        held = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(np.float64)
        first, second = np.triu_indices(n, 1)
        features = np.concatenate([np.ones((1 << n, 1)), held, held[:, first] * held[:, second]], axis=1)
        damped = np.concatenate([features[masks], RIDGE * np.eye(features.shape[1])])
        weights = np.linalg.lstsq(damped, np.concatenate([z[masks], np.zeros(features.shape[1])]), rcond=None)[0]
        shares = weights[1 : n + 1].copy()
        for part, i, j in zip(weights[n + 1 :], first, second, strict=True):
            shares[[i, j]] += part / 2
        return features @ weights, shares

    def intervals(self) -> tuple[list[Interval], bool]:
        """The shares, and whether sampled intervals are among them.

        Where not all sets are known the values are those of the sample or else of the fitted model, moved inside what is proven; intervals
        are what is proven, narrowed by what was sampled where that is narrower.
        """
        proven = self.lattice.shares()
        if self.exact:
            return proven, False
        lower, upper = (np.array([getattr(p, end) for p in proven]) for end in ("lower", "upper"))
        if self.sampled is None:
            guess = self._model(np.flatnonzero(self.lattice.solved), self.lattice.estimate())[1]
            narrowed = list(zip(lower.tolist(), upper.tolist(), strict=True))
        else:
            guess = np.array([s.value for s in self.sampled])
            narrowed = [(max(p.lower, s.lower), min(p.upper, s.upper)) for p, s in zip(proven, self.sampled, strict=True)]
        total = float(self.lattice.upper[self.lattice.all] - self.lattice.upper[0])
        value = _summing(np.clip(guess, lower, upper), total, lower, upper)
        found = [Interval(v, min(v, low), max(v, high)) for v, (low, high) in zip(value.tolist(), narrowed, strict=True)]
        return found, self.sampled is not None


def _summing(value: np.ndarray, total: float, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Values moved inside their bounds, in proportion to the room there is, so that they sum to `total`."""
    short = total - value.sum()
    room = upper - value if short > 0 else value - lower
    return np.asarray(value + (short * room / room.sum() if room.sum() > 0 else short / max(len(value), 1)))
