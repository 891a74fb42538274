"""Random instances over every feature: our optimum is SCIP's, every plan passes its audit, and verdicts agree."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ailis_opt import solve
from ailis_opt.errors import InfeasibleError
from tests.support.files import as_instance
from tests.support.generate import FEATURES, TERMS, random_instance
from tests.support.reference import reference

GAP = 1e-7
AGREE = 1e-6  # relative

QUICK = range(20)
PLANTED = [range(first, first + 15) for first in range(20, 260, 15)]  # 16 chunks
SMALL = [range(first, first + 10) for first in range(2000, 2040, 10)]
SPOILED = [range(first, first + 10) for first in range(3000, 3080, 10)]
PAIRS = sorted([*FEATURES, *TERMS])


def differences(data: dict[str, Any]) -> list[str]:
    """What our answer and the reference's do not agree on."""
    instance = as_instance(data)
    theirs = reference(instance)
    try:
        ours = solve(instance, gap=GAP, in_process=True)
    except InfeasibleError:
        return [] if theirs.status == "infeasible" else [f"we find it infeasible, SCIP has {theirs.objective!r}"]
    if theirs.status == "infeasible":
        return [f"SCIP finds it infeasible, we have {ours.objective!r}"]
    faults = []
    if ours.status != "optimal" or not ours.audit.ok:
        faults.append(f"status {ours.status}, audit {ours.audit.ok}")
    if ours.objective != pytest.approx(theirs.objective, rel=AGREE, abs=1e-9):
        faults.append(f"objective {ours.objective!r}, SCIP {theirs.objective!r}")
    if ours.bounds.lower > theirs.objective * (1 + AGREE) + 1e-9:
        faults.append(f"lower bound {ours.bounds.lower!r} above SCIP's optimum {theirs.objective!r}")
    per_outcome = instance.header.objective == "cost_per_outcome"
    if ours.objective != pytest.approx(ours.cost / ours.outcomes if per_outcome else ours.cost, rel=AGREE, abs=1e-9):
        faults.append(f"objective {ours.objective!r} of cost {ours.cost!r} and outcomes {ours.outcomes!r}")
    return faults


def all_differences(seeds: range, size: str = "tiny", planted: bool = True) -> dict[int, list[str]]:
    found = {seed: differences(random_instance(seed, size, planted=planted)) for seed in seeds}
    return {seed: faults for seed, faults in found.items() if faults}


def test_optimum_agrees_quick() -> None:
    assert all_differences(QUICK) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", PLANTED, ids=str)
def test_optimum_agrees(seeds: range) -> None:
    assert all_differences(seeds) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", SMALL, ids=str)
def test_optimum_agrees_on_larger_ones(seeds: range) -> None:
    assert all_differences(seeds, "small") == {}


def test_verdict_agrees_quick() -> None:
    assert all_differences(range(3080, 3090), planted=False) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", SPOILED, ids=str)
def test_verdict_agrees(seeds: range) -> None:
    assert all_differences(seeds, planted=False) == {}


TERM_SHEET = {"reserved", "owned", "terms", "upfront", "committed_lots", "min_lots", "availability", "blocks", "metered", *TERMS}


def with_terms(seeds: range) -> dict[int, list[str]]:
    """Every term of a sheet at once, for both objectives."""
    more = {0: set(), 1: {"ratio", "min_service", "budget"}}
    found = {seed: differences(random_instance(seed, features=TERM_SHEET | more[seed % 2])) for seed in seeds}
    return {seed: faults for seed, faults in found.items() if faults}


def test_optimum_agrees_with_terms_of_sheets_quick() -> None:
    assert with_terms(range(7000, 7006)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(7010, 7018), range(7018, 7026)], ids=str)
def test_optimum_agrees_with_terms_of_sheets(seeds: range) -> None:
    assert with_terms(seeds) == {}


@pytest.mark.slow
@pytest.mark.parametrize("feature", PAIRS)
def test_optimum_agrees_with_one_feature_alone(feature: str) -> None:
    seeds = range(4000, 4003)
    found = {seed: differences(random_instance(seed, features={feature, "reserved"})) for seed in seeds}
    assert {seed: faults for seed, faults in found.items() if faults} == {}


@pytest.mark.slow
def test_a_budget_below_what_the_ratio_would_spend() -> None:
    """A budget matters to the ratio only where less is cheaper in all and dearer for each."""
    found, bound = {}, 0
    for seed in range(5000, 5020):
        data = random_instance(seed, features={"ratio", "min_service", "reserved", "owned", "committed_lots", "weights", "blocks"})
        free = reference(as_instance(data))
        tight = copy.deepcopy(data)
        tight["header"]["budget"] = round(0.95 * free.cost, 4)
        held = reference(as_instance(tight))
        bound += held.status == "optimal" and held.objective > free.objective * (1 + 1e-6)
        found[seed] = differences(tight)
    assert {seed: faults for seed, faults in found.items() if faults} == {}
    assert bound >= 3


@pytest.mark.slow
def test_every_instance_has_its_planted_plan() -> None:
    """The generator keeps its promise, and the other mode has both kinds."""
    statuses = {seed: reference(as_instance(random_instance(seed))).status for seed in range(6000, 6100)}
    assert [seed for seed, status in statuses.items() if status != "optimal"] == []
    spoiled = [reference(as_instance(random_instance(seed, planted=False))).status for seed in range(40)]
    assert 10 <= spoiled.count("infeasible") <= 30


def test_the_generator_draws_everything() -> None:
    """Every feature comes up, and the same seed gives the same instance."""
    drawn = [set(random_instance(seed)["features"]) for seed in range(60)]
    assert {*FEATURES, *TERMS} == set().union(*drawn)
    assert random_instance(5) == random_instance(5)
    assert random_instance(5) != random_instance(6)
