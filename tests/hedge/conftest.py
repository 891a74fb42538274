"""Comparisons that several tests read, solved in the test's own process."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

import ailis_opt.hedge.study as study
from ailis_opt import optimize
from ailis_opt.hedge import Hedging, hedge
from tests.support.files import as_instance
from tests.support.hedged import k7, year


@pytest.fixture(scope="session", autouse=True)
def in_process() -> Iterator[None]:
    """Searches without child processes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(study, "solve", functools.partial(optimize.solve, in_process=True))
        yield


@pytest.fixture(scope="session")
def by_hand() -> Hedging:
    """K7 with half the weight on the tail."""
    return hedge(as_instance(k7(max_lots=2)), gap=1e-9, points=4)


@pytest.fixture(scope="session")
def compared() -> Hedging:
    """The standard portfolios of a planner's year."""
    return hedge(as_instance(year()), gap=1e-9, points=5)
