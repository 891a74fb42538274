"""Random instances with scenarios, hedges and risk: SCIP's optimum, and what must hold between an instance and a changed copy of it.

`solve` audits every scenario, and raises where one fails.
"""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ailis_opt import solve
from ailis_opt.risk.measures import cvar
from tests.support.files import as_instance
from tests.support.reference_staged import staged_reference
from tests.support.scenarios import random_stochastic

Data = dict[str, Any]

GAP = 1e-8
SAME = 1e-6  # relative: above the two gaps
SEEDS = st.integers(10_000, 20_000)
LONG = [range(first, first + 12) for first in range(20, 140, 12)]


def few(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None)


def near(value: float) -> Any:
    return pytest.approx(value, rel=SAME, abs=1e-9)


def optimum(data: Data) -> float:
    result = solve(as_instance(data), gap=GAP, in_process=True)
    assert result.status == "optimal"
    assert result.audit.ok
    return result.objective


def averse(seed: int, alpha: float, weight: float) -> Data:
    """A random instance with this measure of risk."""
    data = random_stochastic(seed)
    data["header"]["risk"] = {"alpha": alpha, "weight": weight}
    return data


# -- the optimum ---------------------------------------------------------------------------------------------------------------------


def differences(seeds: range) -> dict[int, tuple[float, float]]:
    """Seeds at which ours and SCIP's optimum differ: an offer that is late is none of its concern."""
    found = {}
    for seed in seeds:
        instance = as_instance(random_stochastic(seed, late=False))
        ours, theirs = solve(instance, gap=GAP, in_process=True).objective, staged_reference(instance).objective
        if ours != near(theirs):
            found[seed] = (ours, theirs)
    return found


def test_optimum_agrees_quick() -> None:
    assert differences(range(6)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", LONG, ids=str)
def test_optimum_agrees(seeds: range) -> None:
    assert differences(seeds) == {}


# -- what a result says ----------------------------------------------------------------------------------------------------------------


def check_result(seed: int) -> None:
    """The objective is that of the audited costs of all scenarios, and the tail lies between the mean and the worst."""
    instance = as_instance(random_stochastic(seed))
    result = solve(instance, gap=GAP, in_process=True)
    cost = np.array([read.audit.cost for read in result.scenarios])
    probability = np.array([read.probability for read in result.scenarios])
    risk, weight = result.risk, instance.header.risk.weight
    assert risk is not None
    assert probability.sum() == pytest.approx(1)
    assert risk.cvar == near(cvar(cost, probability, instance.header.risk.alpha))
    assert result.cost == near(float(probability @ cost))
    assert risk.worst == cost.max()
    slack = 1e-9 * max(1.0, float(np.abs(cost).max()))
    assert risk.expected_cost - slack <= risk.cvar <= risk.worst + slack
    outcomes = float(probability @ np.array([read.audit.outcomes for read in result.scenarios]))
    counted = (1 - weight) * risk.expected_cost + weight * risk.cvar
    assert result.objective == near(counted / outcomes if result.objective_name == "cost_per_outcome" else counted)
    assert sum(result.cost_by.values()) == near(result.cost)
    assert result.tables["costs"]["amount"].sum() == near(result.cost)


@few(4)
@given(seed=SEEDS)
def test_a_result_adds_up_over_its_scenarios(seed: int) -> None:
    check_result(seed)


@pytest.mark.slow
@few(20)
@given(seed=SEEDS)
def test_a_result_adds_up_over_its_scenarios_often(seed: int) -> None:
    check_result(seed)


# -- the same in other words -----------------------------------------------------------------------------------------------------------


def with_probabilities(data: Data) -> Data:
    """Every probability stated."""
    out = copy.deepcopy(data)
    rows = out["tables"]["scenarios"]
    for row in rows:
        row.setdefault("probability", 1 / len(rows))
    return out


def halved(data: Data) -> Data:
    """Every scenario as two of half its probability."""
    out = with_probabilities(data)
    tables = out["tables"]
    for row in tables["scenarios"]:
        row["probability"] /= 2
    for table in ("scenarios", "changes"):
        tables[table] += [row | {"scenario": f"{row['scenario']}-again"} for row in tables[table]]
    return out


def permuted(data: Data) -> Data:
    """Scenarios in the opposite order; the changes of each stay in theirs."""
    out = copy.deepcopy(data)
    out["tables"]["scenarios"].reverse()
    out["tables"]["changes"].sort(key=lambda row: row["scenario"], reverse=True)
    return out


def renamed(data: Data) -> Data:
    out = copy.deepcopy(data)
    for table in ("scenarios", "changes"):
        for row in out["tables"][table]:
            row["scenario"] = f"case {ord(row['scenario'][-1]) % 7} of {row['scenario']}"
    return out


def with_idle_hedges(data: Data) -> Data:
    """Beside the hedges one of which none is on offer, and one that costs and never pays."""
    out = copy.deepcopy(data)
    tables = out["tables"]
    tables["indices"] = [*tables["indices"], {"index": "idle", "price_per_gpu_hour": 5}]
    idle = {"kind": "forward", "index": "idle", "strike": 1, "gpu_hours_per_period": 10}
    never = {"kind": "put", "strike": 0, "premium_per_gpu_hour": 0.1}
    tables["hedges"] = [*tables["hedges"], {"hedge": "none", "max_lots": 0} | idle, idle | never | {"hedge": "never"}]
    return out


@pytest.mark.parametrize("rewritten", [halved, permuted, renamed, with_idle_hedges], ids=lambda f: f.__name__)
def test_other_words_same_answer(rewritten: Any) -> None:
    @few(2)
    @given(seed=SEEDS)
    def check(seed: int) -> None:
        data = random_stochastic(seed)
        assert optimum(rewritten(data)) == near(optimum(data))

    check()


@few(4)
@given(seed=SEEDS, weight=st.sampled_from([0.0, 0.5, 1.0]))
def test_scenarios_without_changes_are_the_instance_itself(seed: int, weight: float) -> None:
    data = averse(seed, 0.75, weight)
    data["tables"]["changes"] = []
    alone = copy.deepcopy(data)
    alone["tables"]["scenarios"] = []
    assert optimum(data) == near(optimum(alone))


@few(2)
@given(seed=SEEDS)
def test_the_tail_of_everything_is_the_mean(seed: int) -> None:
    """As alpha goes to 0 the CVaR becomes the expected cost."""
    assert optimum(averse(seed, 1e-7, 1.0)) == pytest.approx(optimum(averse(seed, 0.5, 0.0)), rel=1e-5, abs=1e-9)


@few(2)
@given(seed=SEEDS)
def test_the_more_the_tail_counts_the_more_there_is_to_pay(seed: int) -> None:
    """CVaR is no less than the mean, and grows with alpha; so does the best objective."""
    found = [optimum(averse(seed, alpha, weight)) for alpha, weight in ((0.5, 0.0), (0.5, 0.6), (0.9, 0.6), (0.9, 1.0))]
    assert all(less <= more + SAME * max(1e-3, abs(more)) for less, more in itertools.pairwise(found))
