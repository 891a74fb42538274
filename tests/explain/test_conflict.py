"""The conflict that is named is the one that was planted, for every pair of layers; and by brute force nothing in it can be left out."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import pytest

from ailis_opt.explain.conflict import Conflict, Finder, find_conflict
from ailis_opt.explain.layered import Layered
from ailis_opt.explain.limits import ALL
from ailis_opt.explain.pieces import Pieces
from ailis_opt.explain.shrink import shrink
from tests.support import plant
from tests.support.files import as_instance
from tests.support.generate import random_instance

SECONDS = 120.0


def found(data: dict[str, Any]) -> tuple[Layered, Conflict]:
    layered = Layered(as_instance(data))
    return layered, find_conflict(Pieces(layered), time.monotonic() + SECONDS)


def feasible(layered: Layered, layers: set[str]) -> bool:
    """By the search itself, with costs."""
    status = layered.solve(layered.only(frozenset(layers))).status
    assert status in ("optimal", "infeasible")
    return status == "optimal"


def check(data: dict[str, Any], layers: set[str]) -> Conflict:
    """Just these layers are named, and they are what was planted: infeasible together, feasible without any one of them."""
    layered, conflict = found(data)
    everything = set(layered.enforced())
    assert not feasible(layered, everything)
    assert not feasible(layered, layers)
    for name in layers:
        assert feasible(layered, everything - {name})
    assert conflict.status == "conflict"
    assert set(conflict.layers) == layers
    assert {layer for layer, _ in conflict.pairs} == layers
    assert {limit.layer for limit in conflict.rows} == layers
    assert conflict.minimal
    return conflict


PAIRS = [pair for pair in itertools.combinations(plant.CLOSINGS, 2) if len(plant.layers_of(pair)) == 2]
FIRST = [pair for pair in PAIRS if set(pair) <= set(plant.ONE_EACH)]


def test_every_pair_of_layers_that_close_places() -> None:
    """One closing of each layer: 55 pairs of 11 layers."""
    pairs = {frozenset(plant.layers_of(pair)) for pair in FIRST}
    assert len(FIRST) == len(pairs) == 55
    for pair in FIRST:
        conflict = check(plant.closed(*pair), plant.layers_of(pair))
        assert len(conflict.rows) == 2
        assert conflict.workloads == ("work",)


@pytest.mark.slow
def test_every_pair_of_ways_to_close_places() -> None:
    for pair in PAIRS:
        if pair not in FIRST:
            assert len(check(plant.closed(*pair), plant.layers_of(pair)).rows) == 2


@pytest.mark.parametrize("name", plant.CLOSINGS)
def test_one_layer_alone(name: str) -> None:
    check(plant.closed(name, name), plant.layers_of([name]))


@pytest.mark.parametrize("names", [("power", "tier", "latency"), ("memory", "quota", "budget"), ("data rights", "engine", "operator")])
def test_three_layers(names: tuple[str, ...]) -> None:
    assert len(check(plant.closed(*names), plant.layers_of(names)).rows) == 3


@pytest.mark.parametrize("limit", plant.NEEDS_BOTH)
def test_who_may_not_be_in_one_place_alone(limit: str) -> None:
    for name in plant.CLOSINGS:
        layers = {plant.NEEDS_BOTH[limit], *plant.layers_of([name])}
        check(plant.needs_both(limit, name), layers)


def test_movement() -> None:
    conflict = check(plant.movement(), {"L1.supply", "L10-L14"})
    assert [limit.text for limit in conflict.rows] == ["delivery of p0", "delivery of p1", "movement of work"]


@pytest.mark.parametrize("name", plant.contracts())
def test_market_terms(name: str) -> None:
    layers, data = plant.contracts()[name]
    rows = {limit.kind for limit in check(data, layers).rows if limit.layer == "contract"}
    assert rows == {"least lots" if name == "least lots" else {"term": "terms"}.get(name, name)}


@pytest.mark.parametrize("name", plant.whole_gangs())
def test_gangs_that_must_be_whole(name: str) -> None:
    """Integrality alone is to blame: with gangs in parts, or in several pools, there is a plan."""
    layers, data = plant.whole_gangs()[name]
    rows = {limit.kind for limit in check(data, layers).rows if limit.layer == "L1.topology"}
    assert rows == {"one pool" if name.startswith("one pool") else "whole gangs"}


@pytest.mark.parametrize("name", plant.deadlines())
def test_deadlines(name: str) -> None:
    layers, data = plant.deadlines()[name]
    check(data, layers)


def test_no_layer_to_blame() -> None:
    """The workload's profile is on a SKU that nobody offers."""
    data = plant.world(2)
    for row in data["tables"]["profiles"]:
        row["sku"] = "p1"
    del data["tables"]["offers"][1]
    _, conflict = found(data)
    assert (conflict.status, conflict.layers, conflict.rows) == ("conflict", (), ())
    assert conflict.unreachable == ("work",)


def test_a_feasible_instance() -> None:
    assert found(plant.world(2))[1] == Conflict("feasible")


def test_no_time_is_no_verdict() -> None:
    layered = Layered(as_instance(plant.closed("power", "tier")))
    assert find_conflict(Pieces(layered), time.monotonic() - 1) == Conflict("unknown")


def test_who_takes_part() -> None:
    """Two workloads share a quota that is enough for either; a third has nothing to do with it."""
    data = plant.world(1)
    tables = data["tables"]
    tables["offers"][0]["max_lots"] = 30
    tables["power"] = []
    for name in ("more", "apart"):
        tables["workloads"].append({"workload": name})
        tables["profiles"].append({"profile": name, "workload": name, "sku": "p0", "gpus": 2, "units_per_hour": 1})
        tables["demand"].append({"workload": name, "outcomes": 10})
    tables["skus"].append({"sku": "other"})
    tables["profiles"][-1]["sku"] = "other"
    tables["offers"].append(tables["offers"][0] | {"offer": "other", "sku": "other"})
    conflict = check(data, {"L1.supply"})
    assert conflict.workloads == ("work", "more")
    assert conflict.pairs == (("L1.supply", None),)
    assert [(r.text, r.unit, r.amount) for r in conflict.rows] == [("quota of p0", "lots", 30)]


def test_whom_a_law_is_about() -> None:
    """Two workloads with the same law: the one that only the closed place could do is named."""
    data = plant.closed("tier", "memory")
    tables = data["tables"]
    tables["workloads"].append({"workload": "free", "tiers": ["public", "shared"]})
    tables["profiles"].append({"profile": "free", "workload": "free", "sku": "p0", "gpus": 1, "units_per_hour": 1})
    tables["demand"].append({"workload": "free", "outcomes": 1})
    conflict = check(data, {"L1.memory", "L15"})
    assert conflict.pairs == (("L1.memory", "work"), ("L15", "work"))
    assert [r.text for r in conflict.rows] == ["routes of work closed by memory (L1.memory)", "routes of work closed by tier (L15)"]


def random_conflicts(seeds: range, size: str) -> None:
    """By brute force: the layers, then the demand, then the limits are in conflict, and no part of them can be left out."""
    infeasible = 0
    for seed in seeds:
        data = random_instance(seed, size, planted=False)
        layered, conflict = found(data)
        everything = set(layered.enforced())
        assert (conflict.status == "feasible") == feasible(layered, everything), seed
        if conflict.status == "feasible":
            continue
        infeasible += 1
        assert conflict.minimal
        assert not feasible(layered, set(conflict.layers)), seed
        for name in conflict.layers:
            assert feasible(layered, set(conflict.layers) - {name}), (seed, name)
        finder = Finder(Pieces(layered), time.monotonic() + SECONDS)
        names = np.array(layered.instance.tables["workloads"]["workload"].tolist())
        demanded = np.isin(names, conflict.workloads)
        assert finder.infeasible(conflict.limits, demanded), seed
        for limit in conflict.limits:
            assert finder.infeasible([other for other in conflict.limits if other != limit], demanded) is False, (seed, limit)
        for name in conflict.workloads:
            assert finder.infeasible(conflict.limits, demanded & (names != name)) is False, (seed, name)
    assert infeasible >= len(seeds) // 4


def test_nothing_can_be_left_out_quick() -> None:
    random_conflicts(range(12), "tiny")


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(first, first + 15) for first in range(100, 160, 15)], ids=str)
def test_nothing_can_be_left_out(seeds: range) -> None:
    random_conflicts(seeds, "tiny")


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(first, first + 5) for first in range(500, 510, 5)], ids=str)
def test_nothing_can_be_left_out_of_larger_ones(seeds: range) -> None:
    random_conflicts(seeds, "small")


def test_limits_one_by_one_are_the_layers() -> None:
    """All limits of some layers together make the program of these layers: the same verdict, for random sets of them."""
    rng = np.random.default_rng(7)
    for seed in range(12):
        layered = Layered(as_instance(random_instance(seed, planted=False)))
        finder = Finder(Pieces(layered), time.monotonic() + SECONDS)
        for _ in range(6):
            layers = {name for name in layered.enforced() if rng.random() < 0.7}
            limits = [limit for limit in finder.pieces.limits if limit.layer in layers]
            assert finder.infeasible(limits) is not feasible(layered, layers), (seed, layers)


def test_limits_are_told_apart() -> None:
    for seed in range(12):
        pieces = Pieces(Layered(as_instance(random_instance(seed))))
        marks = [(limit.kind, limit.workload, limit.key) for limit in pieces.limits]
        assert len(set(marks)) == len(marks)
        assert all(limit.workload == ALL or limit.workload >= 0 for limit in pieces.limits)


def test_shrink_by_halves() -> None:
    """Any set that holds {3, 7} or {40, 41} is in conflict: what is tried last is kept, with few questions."""
    asked: list[int] = []

    def infeasible(items: list[int]) -> bool:
        asked.append(len(items))
        return {3, 7} <= set(items) or {40, 41} <= set(items)

    assert shrink(range(100), infeasible) == ([40, 41], True)
    assert len(asked) < 40


def test_what_is_not_known_is_kept() -> None:
    assert shrink([1, 2, 3], lambda items: True if {2, 3} <= set(items) else None) == ([2, 3], False)
