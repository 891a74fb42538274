"""Changes: their words, what they match, and that a changed instance is the one that a file would give."""

from __future__ import annotations

import contextlib
import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ailis_opt.changes import Change, apply, parse, parse_all, selector
from ailis_opt.errors import InputError
from ailis_opt.io import read
from ailis_opt.io.write import instance_files
from ailis_opt.optimize import solve
from ailis_opt.prepare import prepare
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


def price(offer: str, period: int, amount: float) -> dict[str, Any]:
    return {"offer": offer, "period": period, "price_per_gpu_hour": amount}


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
        (parse("prices + {offer: hire, period: 1, price_per_gpu_hour: 2}"), lambda d: d["tables"].update(prices=[price("hire", 1, 2)])),
        (
            parse("offers[offer=hire].price_per_gpu_hour *= 2 @ 1.."),
            lambda d: d["tables"].update(prices=[price("hire", 1, 6), price("hire", 2, 6)]),
        ),
        (
            parse("offers + {offer: new, region: here, sku: gpu, contract: owned, price_per_gpu_hour: 1, note: 'a, b'}"),
            lambda d: d["tables"]["offers"].append(
                {"offer": "new", "region": "here", "sku": "gpu", "contract": "owned", "price_per_gpu_hour": 1, "note": "a, b"}
            ),
        ),
        (
            parse("workloads[workload=work].tiers = \"sovereign;public\""),
            lambda d: d["tables"]["workloads"][0].update(tiers=["sovereign", "public"]),
        ),
        (parse("offers[offer in (lots, odd*)] -"), lambda d: d["tables"].update(offers=d["tables"]["offers"][1:2])),
        (parse("power[period >= 1] -"), lambda d: d["tables"].update(power=d["tables"]["power"][:1])),
        (
            parse("regions[region=here].power_price_per_kwh += 0.25 @ 1"),
            lambda d: d["tables"]["power"][1].update(price_per_kwh=0.25),
        ),
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
        (Change("power", "region=here", "cap_mw", "set", "1", 3), "after the end of the horizon"),
        (Change("power", "period=1", "cap_mw", "set", "1", 0, 1), "no row matches in period 0"),
        (Change("power", "period=1", "cap_mw", "set", "1", 2), "no row matches in these periods"),
        (Change("offers", "", "", "remove", ""), "there are no offers"),
        (Change("offers", "offer=lots", "price_per_gpu_hour", "mul", "2", 1), "fixed when it is signed"),
        (Change("offers", "", "", "insert", "{offer: new, region: here, sku: gpu, contract: hire, price_per_gpu_hour: 1}"), "allowed here"),
        (Change("offers", "", "", "insert", "{offer: new}"), "a value is needed"),
        (Change("offers", "", "", "insert", "{offer: hire, region: here, sku: gpu, contract: owned, price_per_gpu_hour: 1}"), "same offer"),
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


def test_all_faults_are_told_at_once() -> None:
    texts = ("offers[offer=lotz].max_lots = 1", "offers[offer=lots].max_lots = many", "power[period=1].cap_mw += x")
    with pytest.raises(InputError) as caught:
        apply(as_instance(market()), [parse(text) for text in texts])
    whys = [fault.why.split(":")[0] for fault in caught.value.faults]
    assert whys == ["no row matches", "'many' is not a whole number", "'x' is not a number"]
    assert caught.value.faults[0].mend == "Did you mean 'lots'?"


def test_what_follows_from_a_fault_is_no_second_one() -> None:
    texts = ("offers + {offer: new}", "offers[offer=new].max_lots = 1")
    with pytest.raises(InputError) as caught:
        apply(as_instance(market()), [parse(text) for text in texts])
    assert {fault.file for fault in caught.value.faults} == {texts[0]}


def test_a_fault_is_told_in_the_words_of_the_change() -> None:
    change = parse("offers + {offer: new, region: here, sku: gpu, contract: owned, price_per_gpu_hour: dear}")
    with pytest.raises(InputError) as caught:
        apply(as_instance(market()), [change])
    fault = caught.value.faults[0]
    assert fault.file == str(change)
    assert fault.mark is not None
    assert fault.file[slice(*fault.mark)] == "price_per_gpu_hour"


def test_what_is_not_touched_is_shared() -> None:
    instance = as_instance(market())
    changed = apply(instance, [parse("offers[offer=lots].max_lots = 3"), parse("instance.budget = 1000")])
    for name in instance.tables:
        assert (changed.tables[name] is instance.tables[name]) == (name != "offers"), name
        assert (changed.stated[name] is instance.stated[name]) == (name != "offers"), name
    sizes = apply(instance, [parse("skus.scaleup_gpus = 16")])
    assert [name for name in instance.tables if sizes.tables[name] is not instance.tables[name]] == ["skus", "offers"]
    assert sizes.tables["offers"]["cluster_gpus"].tolist() == [16, 16, 16]


def test_an_unchanged_instance_stays_as_it_was() -> None:
    """Changes are made in copies: the instance that they start from is still what it was."""
    instance, again = as_instance(market()), as_instance(market())
    for text in ("demand.outcomes *= 3 @ 1", "power.cap_mw += 1", "offers -; ", "offers[offer=hire].price_per_gpu_hour = 9 @ 0"):
        for change in parse_all(text):
            with contextlib.suppress(InputError):
                apply(instance, [change])
    same(instance, again)


def test_prices_follow_their_offer() -> None:
    """A price for all periods is that of the periods with a price of their own, too; an offer goes with its prices."""
    instance = apply(as_instance(market()), [parse("offers[contract=on_demand].price_per_gpu_hour *= 2 @ 1")])
    assert sorted(instance.tables["prices"]["price_per_gpu_hour"]) == [6, 10]
    assert sorted(apply(instance, [parse("offers.price_per_gpu_hour *= 0.5")]).tables["prices"]["price_per_gpu_hour"]) == [3, 5]
    assert len(apply(instance, [parse("offers[offer=hire].price_per_gpu_hour = 1")]).tables["prices"]) == 1
    assert len(apply(instance, [parse("offers[offer=hire] -")]).tables["prices"]) == 1


def test_a_price_by_period_is_paid_by_period() -> None:
    """4, 5, 6 outcomes in three hours at 3 an hour; in the second hour at 6 until 5 are had from elsewhere at 5."""
    data = case([4.0, 5.0, 6.0], periods=3)
    data["tables"]["offers"] = [offer("hire", 3), offer("else", 5)]
    instance = as_instance(data)
    assert solve(instance, in_process=True).cost == pytest.approx(45)
    changed = apply(instance, [parse("offers[offer=hire].price_per_gpu_hour *= 2 @ 1")])
    result = solve(changed, in_process=True)
    assert result.cost == pytest.approx(12 + 25 + 18)
    assert result.hired.set_index("offer")["cost"].to_dict() == pytest.approx({"hire": 30, "else": 25})
    assert result.audit.ok


def test_demand_of_all_periods_is_split() -> None:
    """Months have their own hours: each gets its part, and what is changed is changed in its periods alone."""
    data = case(10, periods=3, period="month")
    data["header"]["horizon"]["blocks"] = [{"block": "peak", "share": 0.25}, {"block": "base", "share": 0.75}]
    data["tables"]["demand"] += [{"workload": "work", "block": "peak", "outcomes": 4}, {"workload": "work", "period": 1, "outcomes": 7}]
    data["tables"]["offers"] = [offer("hire", 3)]
    instance = as_instance(data)
    before = prepare(instance).data.slices.demand
    changed = apply(instance, [parse("demand[workload=work].outcomes *= 2 @ 1..2")])
    np.testing.assert_allclose(prepare(changed).data.slices.demand, before * [[1], [1], [2], [2], [2], [2]], rtol=1e-12)
    only = apply(instance, [parse("demand[block=peak].outcomes = 1 @ 1")])
    base = (10 * 28 / 90 + 7) / 4  # February's part of the rows for both blocks that the peak gets
    assert prepare(only).data.slices.demand[2, 0] == pytest.approx(base + 1)


@pytest.mark.parametrize("seed", range(12))
def test_a_change_by_nothing_is_no_change(seed: int) -> None:
    """Splitting rows, or writing prices out by period, leaves the program as it was."""
    instance = as_instance(random_instance(seed))
    last = instance.header.horizon.periods - 1
    hired = "contract in (on_demand, interruptible)"
    texts = [
        f"demand.outcomes *= 1 @ 0..{last}",
        f"offers[{hired}].price_per_gpu_hour *= 1 @ 1..{last}",
        "regions.power_price_per_kwh += 0 @ 0",
    ]
    changed = apply(instance, [parse(text) for text in texts])
    one, other = prepare(instance).data, prepare(changed).data
    np.testing.assert_allclose(other.slices.demand, one.slices.demand, rtol=1e-12)
    np.testing.assert_allclose(*np.broadcast_arrays(other.slices.hire_price, one.slices.hire_price))
    np.testing.assert_allclose(other.slices.energy_price, one.slices.energy_price)
    assert solve(changed, in_process=True, gap=1e-6).objective == pytest.approx(
        solve(instance, in_process=True, gap=1e-6).objective, rel=2e-6
    )


def test_written_and_read_again(tmp_path: Path) -> None:
    for seed in range(10):
        instance = as_instance(random_instance(seed))
        changed = apply(
            instance, [parse("demand.outcomes *= 1.1 @ 1"), parse("offers[contract=on_demand].price_per_gpu_hour *= 1.3 @ 0..1")]
        )
        folder = tmp_path / str(seed)
        folder.mkdir()
        for name, text in instance_files(changed).items():
            (folder / name).write_text(text)
        assert read(folder).sha256 == changed.sha256
