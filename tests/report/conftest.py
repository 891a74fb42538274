"""Runs that the tests of the report share."""

from __future__ import annotations

import pytest

from ailis_opt.report import Run
from tests.support.runs import hostile, market, run_of


@pytest.fixture(scope="session")
def solved() -> Run:
    """A small run with an explanation."""
    return run_of(market())


@pytest.fixture(scope="session")
def attack() -> Run:
    """The same run with names that are markup, formulas and templates."""
    return run_of(hostile())
