"""A changed instance is held to every rule, though not every check is made again."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

import pytest

from ailis_opt.changes import apply, parse_all
from ailis_opt.errors import AilisError, InputError
from ailis_opt.io import recheck
from ailis_opt.schema import Instance
from tests.support.files import as_instance
from tests.support.generate import random_instance

CHANGES = (
    "offers.price_per_gpu_hour *= 0",
    "offers.operator_country =",
    "offers.provider =",
    "offers.tier = other",
    "workloads.tiers = nowhere",
    "workloads.excluded_operator_countries = XX",
    "workloads.max_country_share = 0.5",
    "workloads.latency_ms = 100",
    "workloads.gb_per_outcome = 1",
    "workloads.min_service = 0.5; workloads.unserved_cost_per_outcome = 0",
    "demand.outcomes = 0 @ 0",
    "demand.geo = mars",
    "demand.outcomes *= 1.5",
    "regions.country =",
    "regions.jurisdictions = Moon",
    "regions + {region: new}; offers.region = new",
    "skus.memory_gb =; workloads.weights_gb = 1",
    "offers.power = metered; skus.power_kw_per_gpu =",
    "latency -",
    "egress -",
    "datasets.jurisdictions = Moon",
    "profiles.runtime = abacus",
    "instance.budget = 1e12",
    "offers.first_start = 1; offers.last_start = 0",
)


def everything(instance: Instance, text: str, monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    with monkeypatch.context() as patched:
        patched.setattr(recheck, "_changed", lambda *_: None)
        return outcome(instance, text)


def outcome(instance: Instance, text: str) -> Sequence[str]:
    """The warnings, or the faults."""
    try:
        return apply(instance, parse_all(text)).warnings
    except InputError as error:
        return [str(fault) for fault in error.faults]


def test_what_is_not_checked_again_would_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = set()
    for seed in range(25):
        instance, rng = as_instance(random_instance(seed)), random.Random(seed)
        for text in rng.sample(CHANGES, 8):
            found, wanted = outcome(instance, text), everything(instance, text, monkeypatch)
            assert type(found) is type(wanted)
            assert [words(t) for t in found] == [words(t) for t in wanted], text
            kinds.add((text, type(found)))
    assert {kind for _, kind in kinds} == {tuple, list}
    assert {text for text, _ in kinds} == set(CHANGES)


def words(text: str) -> str:
    """A warning without its place: one that was not found again has that of the file that was read."""
    return re.sub(r"row \d+", "row", text.replace(" (changed)", "").replace(".csv", ""))


def test_warnings_are_those_of_a_changed_instance_that_is_changed_again() -> None:
    """What was warned of is told again where nothing of it has changed, and is gone where it has."""
    for seed in range(25):
        instance = as_instance(random_instance(seed))
        try:
            free = apply(instance, parse_all("offers[contract!=owned].price_per_gpu_hour = 0"))
        except AilisError:
            continue
        assert any("cost nothing" in text for text in apply(free, parse_all("demand.outcomes *= 2")).warnings)
        assert not any("cost nothing" in text for text in apply(free, parse_all("offers.price_per_gpu_hour = 1")).warnings)
        return
    raise AssertionError
