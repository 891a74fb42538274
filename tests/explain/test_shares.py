"""The lattice and the sampling behind the shares, on made-up costs of sets of layers."""

from __future__ import annotations

import time

import numpy as np
import pytest

from ailis_opt.explain.lattice import Lattice
from ailis_opt.explain.pool import Pool, Reply, Task
from ailis_opt.explain.shares import Budget, Shares

NAMES = tuple("abcdefgh")


def made_up(seed: int) -> np.ndarray:
    """(2^n,) costs that grow with the set: a sum over layers, pairs and threes, none negative."""
    rng, n = np.random.default_rng(seed), len(NAMES)
    held = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(float)
    z = 10 + held @ rng.uniform(0, 3, n)
    for _ in range(12):
        z += rng.uniform(0, 2) * held[:, rng.choice(n, 2, replace=False)].prod(axis=1)
        z += rng.uniform(0, 1) * held[:, rng.choice(n, 3, replace=False)].prod(axis=1)
    return z


def exact(z: np.ndarray) -> np.ndarray:
    lattice = Lattice(NAMES)
    for mask, cost in enumerate(z):
        lattice.record(mask, cost, cost)
    return np.array([share.value for share in lattice.shares()])


class Oracle(Pool):
    """Answers from a table, each in its own time."""

    def __init__(self, z: np.ndarray, loose: float) -> None:
        self.jobs, self.z, self.loose, self.asked = 1, z, loose, 0

    def run(self, following):  # type: ignore[no-untyped-def]
        while (task := following(0)) is not None:
            assert isinstance(task, Task)
            self.asked += 1
            cost = float(self.z[task.key])  # type: ignore[index]
            yield Reply(task, cost * (1 - self.loose), cost, 1.0)


class Counting(Budget):
    """Time that runs out after so many solves."""

    def __init__(self, oracle: Oracle, solves: int) -> None:
        super().__init__(1e-9, time.monotonic())
        self.oracle, self.solves = oracle, solves

    @property
    def left(self) -> float:
        return float(self.solves - self.oracle.asked)


def shares(seed: int, solves: int, loose: float = 0.0) -> tuple[Shares, np.ndarray]:
    z = made_up(seed)
    oracle = Oracle(z, loose)
    found = Shares(Lattice(NAMES), frozenset(), oracle, Counting(oracle, solves), small=True, tell=lambda _: None)
    found.run()
    return found, exact(z)


def test_all_sets_in_time_are_exact() -> None:
    found, truth = shares(1, 1000)
    intervals, sampled = found.intervals()
    assert found.exact
    assert not sampled
    assert [i.value for i in intervals] == pytest.approx(truth.tolist())


def test_equal_ends_need_no_solves_in_between() -> None:
    """Three of eight layers cost nothing: 2^5 sets and a few more are solved, not 2^8."""
    z = made_up(2)
    z = z[np.arange(256) & 0b11111]
    oracle = Oracle(z, 0.0)
    found = Shares(Lattice(NAMES), frozenset(), oracle, Counting(oracle, 1000), small=True, tell=lambda _: None)
    found.run()
    assert found.exact
    assert oracle.asked < 100
    assert [i.value for i in found.intervals()[0]] == pytest.approx(exact(z).tolist())


@pytest.mark.parametrize("loose", [0.0, 0.002])
def test_sampled_intervals_hold_as_often_as_they_say(loose: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """80 solves of 256: 95 % intervals, so that of 30 x 8 shares at most a tenth may lie outside; and they are no trivial ones."""
    outside, widths = 0, []
    for seed in range(30):
        monkeypatch.setattr("ailis_opt.explain.sampling.SEED", seed)
        found, truth = shares(seed, 80, loose)
        intervals, sampled = found.intervals()
        assert sampled
        whole = truth.sum()
        for interval, share in zip(intervals, truth, strict=True):
            outside += not interval.lower - 1e-9 <= share <= interval.upper + 1e-9
            widths.append((interval.upper - interval.lower) / whole)
        assert sum(i.value for i in intervals) == pytest.approx(float(found.lattice.upper[-1] - found.lattice.upper[0]))
    assert outside <= 24
    assert np.mean(widths) < 0.025


def test_too_few_pairs_leave_what_is_proven() -> None:
    found, truth = shares(3, 25)
    intervals, sampled = found.intervals()
    assert not sampled
    assert not found.exact
    assert all(i.lower - 1e-9 <= share <= i.upper + 1e-9 for i, share in zip(intervals, truth, strict=True))
    assert sum(i.value for i in intervals) == pytest.approx(truth.sum())
