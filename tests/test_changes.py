"""Changes: their words, what they match, and that a changed instance is the one that a file would give."""

from __future__ import annotations

import copy
from typing import Any

import pandas as pd
import pytest

from ailis_opt.changes import Change, apply, selector
from ailis_opt.errors import InputError
from ailis_opt.schema import Instance
from tests.support.cases import case, offer
from tests.support.files import as_instance
from tests.support.generate import random_instance


def market() -> dict[str, Any]:
    data = case([4.0, 5.0, 6.0], periods=3)
    data["tables"]["offers"] = [
        offer("lots", 1, "reserved", max_lots=2),
        offer("hire", 3, tier="sovereign", max_lots=4),
        offer('odd & "ends" = 1', 5),
    ]
    data["tables"]["power"] = [{"region": "here", "period": t, "cap_mw": 0.001 * (t + 1)} for t in range(3)]
    data["tables"]["workloads"][0]["tiers"] = ["public", "sovereign"]
    return data


def same(one: Instance, other: Instance) -> None:
    assert one.sha256 == other.sha256
    assert one.header == other.header
    for name, frame in one.tables.items():
        pd.testing.assert_frame_equal(frame, other.tables[name])
    for name, frame in one.stated.items():
        pd.testing.assert_frame_equal(frame, other.stated[name])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            Change("offers", "sku=H100 & contract=on_demand", "price_per_gpu_hour", "mul", "1.3", 3, 8),
            "offers[sku=H100 & contract=on_demand].price_per_gpu_hour *= 1.3 @ 3..8",
        ),
        (Change("power", "region=here", "cap_mw", "add", "0.4", 3), "power[region=here].cap_mw += 0.4 @ 3.."),
        (Change("power", "", "cap_mw", "set", "", None, 2), "power.cap_mw = @ ..2"),
        (Change("instance", "", "budget", "set", "250000"), "instance.budget = 250000"),
    ],
)
def test_words(change: Change, words: str) -> None:
    assert str(change) == words


def test_selectors_quote_what_they_must() -> None:
    assert selector(region="paris", sku="h100") == "region=paris & sku=h100"
    name = 'odd & "ends" = 1'
    changed = apply(as_instance(market()), [Change("offers", selector(offer=name), "price_per_gpu_hour", "set", "6")])
    assert changed.tables["offers"].set_index("offer")["price_per_gpu_hour"].to_dict() == {"lots": 1, "hire": 3, name: 6}


@pytest.mark.parametrize(
    ("change", "edit"),
    [
        (Change("offers", "offer=lots", "max_lots", "add", "3"), lambda d: d["tables"]["offers"][0].update(max_lots=5)),
        (
            Change("offers", "contract=on_demand & tier=sovereign", "price_per_gpu_hour", "mul", "1.5"),
            lambda d: d["tables"]["offers"][1].update(price_per_gpu_hour=4.5),
        ),
        (Change("offers", "offer=lots", "whole_lots", "set", "false"), lambda d: d["tables"]["offers"][0].update(whole_lots=False)),
        (Change("offers", "whole_lots=true", "max_lots", "set", ""), lambda d: d["tables"]["offers"][0].pop("max_lots")),
        (
            Change("power", "region=here", "cap_mw", "add", "0.5", 1, 2),
            lambda d: [r.update(cap_mw=r["cap_mw"] + 0.5) for r in d["tables"]["power"][1:]],
        ),
        (Change("power", "period=0", "cap_mw", "set", ""), lambda d: d["tables"]["power"][0].pop("cap_mw")),
        (Change("demand", "workload=work", "outcomes", "mul", "2", 2), lambda d: d["tables"]["demand"][2].update(outcomes=12)),
        (Change("workloads", "tiers=public", "tiers", "set", "public"), lambda d: d["tables"]["workloads"][0].update(tiers=["public"])),
        (Change("skus", "sku=gpu", "gpus_per_node", "set", "4"), lambda d: d["tables"]["skus"][0].update(gpus_per_node=4)),
        (Change("instance", "", "budget", "set", "70"), lambda d: d["header"].update(budget=70)),
    ],
    ids=lambda value: str(value) if isinstance(value, Change) else "",
)  # fmt: skip
def test_a_changed_instance_is_the_one_that_a_file_would_give(change: Change, edit: Any) -> None:
    data = market()
    changed = apply(as_instance(data), [change])
    other = copy.deepcopy(data)
    edit(other)
    same(changed, as_instance(other))


def test_changes_follow_one_another() -> None:
    """A size that others follow from by default is changed first, then what follows from it is found by its new value."""
    changes = [Change("skus", "sku=gpu", "scaleup_gpus", "set", "16"), Change("offers", "cluster_gpus=16", "lot_gpus", "add", "1")]
    assert apply(as_instance(market()), changes).tables["offers"]["lot_gpus"].tolist() == [2, 2, 2]


def test_no_change_is_the_same_instance() -> None:
    for seed in range(20):
        instance = as_instance(random_instance(seed))
        same(apply(instance, []), instance)
        name = instance.tables["offers"]["offer"].iloc[0]
        same(apply(instance, [Change("offers", selector(offer=name), "price_per_gpu_hour", "mul", "1")]), instance)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Change("offers", "offer=nobody", "max_lots", "set", "1"), "no row matches"),
        (Change("offers", "offer=lots & sku=other", "max_lots", "set", "1"), "no row matches"),
        (Change("power", "region=here", "cap_mw", "set", "1", 3), "no row matches"),
        (Change("offer", "", "max_lots", "set", "1"), "no table 'offer'"),
        (Change("offers", "", "max_lot", "set", "1"), "no column 'max_lot'"),
        (Change("offers", "offr=lots", "max_lots", "set", "1"), "no column 'offr'"),
        (Change("offers", "lots", "max_lots", "set", "1"), "not a list of conditions"),
        (Change("offers", "offer=lots", "max_lots", "set", "many"), "not a whole number"),
        (Change("offers", "offer=lots", "max_lots", "mul", "1.3"), "not a whole number"),
        (Change("offers", "offer=lots", "max_lots", "mul", "x"), "not a number"),
        (Change("offers", "offer=lots", "availability", "set", "2"), "more than 1"),
        (Change("offers", "offer=lots", "term_periods", "add", "1"), "blank"),
        (Change("offers", "offer=lots", "tier", "add", "1"), "not a number"),
        (Change("offers", "offer=lots", "max_lots", "set", "1", 0, 1), "no periods"),
        (Change("offers", "offer=hire", "term_periods", "set", "2"), "without meaning"),
        (Change("offers", "", "offer", "set", "same"), "the same offer"),
        (Change("offers", "offer=lots", "region", "set", "mars"), "not one of the regions"),
        (Change("offers", "offer=lots", "price_per_gpu_hour", "set", ""), "a value is needed"),
        (Change("instance", "", "name", "set", "x"), "not a part of instance.yaml"),
        (Change("instance", "", "budget", "add", "1"), "blank"),
        (Change("instance", "", "budget", "set", "-1"), "greater than or equal to 0"),
        (Change("instance", "", "budget", "set", "1", 0), "no periods"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_refused(change: Change, why: str) -> None:
    with pytest.raises(InputError, match=why):
        apply(as_instance(market()), [change])


def test_periods_need_rows_of_periods() -> None:
    data = case(10, periods=2)
    data["tables"]["offers"] = [offer("hire", 3)]
    instance = as_instance(data)
    with pytest.raises(InputError, match="for all periods"):
        apply(instance, [Change("demand", "", "outcomes", "mul", "2", 1)])
