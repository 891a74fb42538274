"""The instance `hedging-h100` as a market: its hedges are no gift, its scenarios vary what they say, its portfolios can be made."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ailis_opt import read
from ailis_opt.changes import apply, parse_list
from ailis_opt.changes.scenarios import variants
from ailis_opt.schema import Instance

FOLDER = Path(__file__).parents[1] / "instances" / "hedging-h100"
MARGIN, LOADING, ROUNDED = 1.02, 1.15, 1e-4
FILES = ("portfolios.yaml", "questions.yaml")


@cache
def instance() -> Instance:
    return read(FOLDER)


@cache
def levels() -> dict[str, np.ndarray]:
    """Index -> (scenarios, periods) level."""
    periods = range(instance().header.horizon.periods)
    found: dict[str, list[np.ndarray]] = {}
    for way in variants(instance()):
        curves = way.instance.tables["curves"].pivot(index="period", columns="index", values="price_per_gpu_hour").reindex(periods)
        for index, today in way.instance.tables["indices"].set_index("index")["price_per_gpu_hour"].items():
            path = curves[index].fillna(today) if index in curves else pd.Series(today, index=periods)
            found.setdefault(str(index), []).append(path.to_numpy(float))
    return {index: np.array(paths) for index, paths in found.items()}


def covered(hedge: pd.Series) -> np.ndarray:
    last = hedge["last_period"]
    return levels()[hedge["index"]][:, : None if np.isnan(last) else int(last) + 1]


def test_forwards_and_swaps_are_struck_above_the_expected_level() -> None:
    hedges = instance().tables["hedges"].query("kind in ('swap', 'forward')")
    assert len(hedges) >= 5
    for _, hedge in hedges.iterrows():
        assert hedge["strike"] == pytest.approx(MARGIN * covered(hedge).mean(), rel=ROUNDED), hedge["hedge"]


def test_options_cost_more_than_they_pay() -> None:
    hedges = instance().tables["hedges"].query("kind not in ('swap', 'forward')")
    assert set(hedges["kind"]) == {"call", "put", "cap", "insurance"}
    for _, hedge in hedges.iterrows():
        path, strike = covered(hedge), hedge["strike"]
        over = np.maximum(path.mean(axis=1) - strike, 0)
        paid = {
            "call": over,
            "put": np.maximum(strike - path.mean(axis=1), 0),
            "cap": np.maximum(path - strike, 0).mean(axis=1),
            "insurance": np.minimum(over, hedge["limit_per_gpu_hour"]),
        }[hedge["kind"]]
        assert hedge["premium_per_gpu_hour"] == pytest.approx(LOADING * paid.mean(), abs=2 * ROUNDED), hedge["hedge"]


def test_scenarios_vary_enough_types_of_basis() -> None:
    basis = instance().tables["changes"]["basis"]
    assert set(basis) >= {"SKU", "region", "duration", "reliability", "memory", "power", "workload", "policy"}
    assert 12 <= len(instance().tables["scenarios"]) <= 20


@pytest.mark.parametrize("file", FILES)
def test_portfolios_limit_what_may_be_held(file: str) -> None:
    """Each can be made, and leaves another market than the one before it."""
    portfolios = yaml.safe_load((FOLDER / file).read_text(encoding="utf-8"))
    made = {name: apply(instance(), parse_list(changes)) for name, changes in portfolios.items()}
    assert len({one.sha256 for one in made.values()} | {instance().sha256}) >= len(portfolios)
    for name, one in made.items():
        held = one.tables["hedges"].query("max_lots > 0")
        if name.startswith("index-"):
            assert len(held) == 1, name
        if name in ("no-hedge", "reserved-only"):
            assert held.empty, name
