"""Runs that the tests of the report share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ailis_opt.hedge import hedge
from ailis_opt.report import Run
from tests.support.files import Data, as_instance
from tests.support.hedged import year
from tests.support.runs import HOSTILE, hostile, market, run_of


@pytest.fixture(scope="session")
def solved() -> Run:
    """A small run with an explanation."""
    return run_of(market())


@pytest.fixture(scope="session")
def attack() -> Run:
    """The same run with names that are markup, formulas and templates."""
    return run_of(hostile())


def renamed() -> Data:
    """A planner's year with names that are markup, formulas and templates."""
    data = year()
    data["header"]["name"] = "<script>alert(3)</script>"
    text = {"forward": HOSTILE["work"], "call": HOSTILE["solved case"], "spot": HOSTILE["here"], "world": HOSTILE["fast"]}
    text |= {"lots": HOSTILE["hire-me"], "calm": HOSTILE["there"], "dear": HOSTILE["peak"], "review": "<b>review</b>"}
    for rows in data["tables"].values():
        for row in rows:
            row |= {
                key: text[value] for key, value in row.items() if isinstance(value, str) and key not in ("kind", "where") and value in text
            }
    return data


@pytest.fixture(scope="session")
def staged() -> Run:
    """A run under scenarios, with hedges."""
    return run_of(year(), explain=False)


@pytest.fixture(scope="session")
def staged_attack() -> Run:
    """The same with hostile names."""
    return run_of(renamed(), explain=False)


@pytest.fixture(scope="session")
def comparison() -> Mapping[str, Any]:
    """The document of a comparison of portfolios."""
    return hedge(as_instance(year()), gap=1e-6, points=3).to_dict()


@pytest.fixture(scope="session")
def comparison_attack() -> Mapping[str, Any]:
    """The same with hostile names."""
    return hedge(as_instance(renamed()), gap=1e-6, points=2).to_dict()
