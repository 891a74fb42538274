"""Draws follow the fit, events come as often as they are said to, and every scenario is a valid instance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ailis_opt.changes.scenarios import variants
from ailis_opt.errors import InputError
from ailis_opt.scenarios import Event, Fit, draw, fit_history, read_events
from ailis_opt.scenarios.paths import HOURS_PER_YEAR, middles, paths, strata
from ailis_opt.schema import Instance
from tests.support.files import as_instance
from tests.support.histories import price, series, small_case, small_history, walk, write_history

EVENTS: dict[str, dict[str, Any]] = {
    "queue": {"kind": "grid_slip", "where": "region=here", "probability": 0.3, "severity": [1, 3]},
    "gone": {"kind": "withdrawal", "where": "contract=interruptible & sku=gpu", "probability": 0.5, "when": [0, 7]},
    "short": {"kind": "shortage", "where": "sku=gpu", "probability": 0.25, "severity": [0.3, 0.7]},
    "engine": {"kind": "efficiency", "where": "runtime=cuda/vllm", "probability": 0.4, "severity": [0.1, 0.5], "elasticity": 0.5},
    "law": {"kind": "closure", "jurisdiction": "EU", "probability": 0.1},
    "cut": {
        "kind": "changes",
        "probability": 0.2,
        "severity": [0.6, 0.8],
        "basis": "SKU",
        "changes": ["offers[sku=gpu & contract=on_demand].price_per_gpu_hour *= {severity} @ {start}.."],
    },
}


@pytest.fixture(scope="module")
def instance() -> Instance:
    return as_instance(small_case())


@pytest.fixture(scope="module")
def fit(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    return fit_history(small_history(tmp_path_factory.mktemp("history") / "h.csv"))


def events(*names: str, **more: Any) -> list[Event]:
    return [Event.model_validate({"name": name, **EVENTS[name], **more}) for name in names]


def without(fit: Fit, found: Sequence[Event] = ()) -> Fit:
    """The fit with other events and nothing that moves."""
    still = [f.model_copy(update={"volatility_per_year": 0.0, "drift_drawn_per_year": 0.0, "pull_per_year": 0.0}) for f in fit.factors]
    return fit.model_copy(update={"factors": still, "events": list(found)})


def only(fit: Fit, name: str, **rates: float) -> Fit:
    """The fit in which nothing but one factor moves, at these rates."""
    still = without(fit).factors
    return fit.model_copy(update={"factors": [f.model_copy(update=rates) if f.name == name else f for f in still]})


def test_the_same_seed_draws_the_same_scenarios(fit: Fit, instance: Instance) -> None:
    full = fit.model_copy(update={"events": events(*EVENTS)})
    one, again, other = (draw(full, instance, 10, seed) for seed in (1, 1, 2))
    assert one.sha256 == again.sha256 != other.sha256
    pd.testing.assert_frame_equal(one.tables["changes"], again.tables["changes"])


@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 100))
def test_every_part_of_a_distribution_is_taken_once(n: int, dimensions: int, seed: int) -> None:
    u = strata(np.random.default_rng(seed), n, dimensions)
    np.testing.assert_array_equal(np.sort(np.floor(u * n), axis=0), np.tile(np.arange(n)[:, None], (1, dimensions)))


def test_paths_have_the_moments_of_the_fit(fit: Fit, instance: Instance) -> None:
    years = middles(instance.header)
    assert years[0] == pytest.approx(31 * 24 / 2 / HOURS_PER_YEAR)
    x = paths(fit, years, 4000, np.random.default_rng(1))
    at = {factor.name: i for i, factor in enumerate(fit.factors)}
    for name in ("market", "demand work", "index own"):
        factor, end = fit.factors[at[name]], x[:, -1, at[name]]
        assert end.std() == pytest.approx(factor.volatility_per_year * np.sqrt(years[-1]), rel=0.05)
        assert np.exp(end).mean() == pytest.approx(1, abs=0.005)
    drawn = np.corrcoef(np.diff(x, axis=1).reshape(-1, x.shape[2]).T)
    np.testing.assert_allclose(drawn, fit.correlation, atol=0.03)


def test_what_reverts_comes_back_to_its_level(fit: Fit) -> None:
    """After long: mean at the level, variance v²/(2·pull)."""
    pulled = only(fit, "spot gpu", volatility_per_year=0.8, pull_per_year=4.0, level=-0.5)
    i = next(i for i, f in enumerate(fit.factors) if f.name == "spot gpu")
    x = paths(pulled, np.arange(1, 6).astype(float), 4000, np.random.default_rng(1))[:, -1, i]
    assert x.mean() == pytest.approx(-0.5, abs=0.02)
    assert x.std() == pytest.approx(0.8 / np.sqrt(8), rel=0.05)


def test_every_drawn_scenario_is_a_valid_instance(fit: Fit, instance: Instance) -> None:
    full = fit.model_copy(update={"events": events(*EVENTS, probability=0.7)})
    drawn = draw(full, instance, 12, 7)
    found = variants(drawn)
    assert [v.probability for v in found] == pytest.approx([1 / 12] * 12)
    assert set(drawn.tables["changes"]["basis"]) == {"", "SKU", "region", "reliability", "workload", "power", "memory", "policy"}
    for variant in found:
        committed = variant.instance.tables["offers"].query("contract == 'reserved'")
        assert committed["price_per_gpu_hour"].tolist() == pytest.approx([1.8, 1.2, 1.8, 1.2])


@pytest.mark.parametrize("name", EVENTS)
def test_events_come_with_their_probability(name: str, fit: Fit, instance: Instance) -> None:
    drawn = draw(without(fit, events(name)), instance, 200, 3)
    changes = drawn.tables["changes"]
    assert changes["scenario"].nunique() == pytest.approx(200 * EVENTS[name]["probability"], abs=1)
    assert set(changes["note"]) == {name}


@pytest.mark.parametrize(("probability", "share"), [(0.0, 0), (1.0, 1)])
def test_what_never_or_always_happens(probability: float, share: float, fit: Fit, instance: Instance) -> None:
    drawn = draw(without(fit, events("queue", probability=probability)), instance, 30, 3)
    assert drawn.tables["changes"]["scenario"].nunique() == 30 * share


def sure(fit: Fit, instance: Instance, name: str, **more: Any) -> Instance:
    """The one scenario in which an event happens."""
    drawn = draw(without(fit, events(name, probability=1, **more)), instance, 1, 1)
    return variants(drawn)[0].instance


def column(instance: Instance, name: str) -> dict[str, float]:
    offers = instance.tables["offers"]
    return dict(zip(offers["offer"], offers[name], strict=True))


def test_a_grid_slip_delays_what_is_committed_where_it_happens(fit: Fit, instance: Instance) -> None:
    lead = column(sure(fit, instance, "queue", severity=2), "lead_periods")
    assert {name for name, periods in lead.items() if periods == 2} == {"here/gpu/reserved", "here/old/reserved"}
    assert sum(lead.values()) == 4


@pytest.mark.parametrize("when", [0, 5])
def test_what_is_withdrawn_is_there_until_then(when: int, fit: Fit, instance: Instance) -> None:
    changed = sure(fit, instance, "gone", when=when)
    gone = {"here/gpu/interruptible", "there/gpu/interruptible"}
    for name, last in column(changed, "last_start").items():
        assert last == (4 if name in gone and when == 5 else 7)
    for name, lots in column(changed, "max_lots").items():
        assert lots == (0 if name in gone and when == 0 else 40)


def test_a_shortage_leaves_whole_lots_of_what_is_hired(fit: Fit, instance: Instance) -> None:
    lots = column(sure(fit, instance, "short", severity=0.33), "max_lots")
    assert {name: n for name, n in lots.items() if n != 40} == {
        f"{region}/gpu/{contract}": 13 for region in ("here", "there") for contract in ("on_demand", "interruptible")
    }


def test_efficiency_raises_rates_and_demand_rebounds(fit: Fit, instance: Instance) -> None:
    changed = sure(fit, instance, "engine", severity=0.44)
    assert changed.tables["profiles"]["units_per_hour"].tolist() == pytest.approx([2.88, 1.44, 2.88, 1.44])
    assert changed.tables["demand"]["outcomes"].sum() == pytest.approx(1.2 * instance.tables["demand"]["outcomes"].sum())


def test_a_jurisdiction_closes_and_the_others_stay(fit: Fit, instance: Instance) -> None:
    assert sure(fit, instance, "law").tables["regions"]["jurisdictions"].tolist() == [("DE",), ("US",)]
    assert sure(fit, instance, "law", jurisdiction="US").tables["regions"]["jurisdictions"].tolist() == [("EU", "DE"), ("none",)]


def test_changes_of_ones_own_take_severity_and_start(fit: Fit, instance: Instance) -> None:
    prices = sure(fit, instance, "cut", severity=0.5, when=6).tables["prices"]
    assert prices.groupby("offer")["period"].agg(["min", "max"]).to_numpy().tolist() == [[6, 7], [6, 7]]
    assert prices["price_per_gpu_hour"].tolist() == pytest.approx([1.5] * 4)


def test_a_factor_moves_what_it_is_about_by_its_mean_over_quarters(fit: Fit, instance: Instance) -> None:
    """A drift of log 2 a year without any noise: e^(x) at the middles of two months, mean."""
    drawn = draw(only(fit, "sku gpu", drift_drawn_per_year=float(np.log(2))), instance, 1, 1)
    changes, path = drawn.tables["changes"], 2.0 ** middles(instance.header)
    assert changes["table"].unique().tolist() == ["offers"]  # the index on the SKU has a history of its own
    assert changes["where"].unique().tolist() == ["sku=gpu & contract in (on_demand, interruptible)"]
    assert changes[["first_period", "last_period"]].to_numpy().tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    np.testing.assert_allclose(changes["value"].astype(float), path.reshape(4, 2).mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("market", {"offers": "contract in (on_demand, interruptible)", "indices": "index!=own"}),
        ("sku old", {"offers": "sku=old & contract in (on_demand, interruptible)", "indices": "sku=old & index!=own"}),
        ("region there", {"offers": "region=there & contract in (on_demand, interruptible)", "indices": "region=there & index!=own"}),
        ("spot gpu", {"offers": "sku=gpu & contract=interruptible"}),
        ("index own", {"indices": "index=own"}),
    ],
)
def test_offers_and_the_indices_that_track_them_move_together(name: str, tables: dict[str, str], fit: Fit, instance: Instance) -> None:
    changes = draw(only(fit, name, volatility_per_year=0.5), instance, 5, 1).tables["changes"]
    assert changes.groupby("table")["where"].unique().map(list).to_dict() == {table: [where] for table, where in tables.items()}
    together = changes.pivot(index=["scenario", "first_period"], columns="table", values="value")
    assert together.nunique(axis=1).eq(1).all()


def test_demand_moves_in_the_periods_that_have_it_and_training_not_at_all(fit: Fit, instance: Instance) -> None:
    changes = draw(only(fit, "demand work", volatility_per_year=0.5), instance, 3, 1).tables["changes"]
    assert changes["where"].unique().tolist() == ["workload=work"]
    spans = changes[changes["scenario"] == "s1"][["first_period", "last_period"]].to_numpy().tolist()
    assert spans == [[1, 1], [2, 3], [4, 5], [6, 7]]


def test_all_demand_takes_training_as_a_whole(instance: Instance, tmp_path: Path) -> None:
    rows = series("asked", walk(np.tile([0.2, -0.1], 15)), kind="demand")
    drawn = draw(fit_history(write_history(rows, tmp_path / "h.csv")), instance, 2, 1)
    changes = drawn.tables["changes"]
    assert changes[changes["where"] == "workload=tune"]["first_period"].isna().all()
    assert (changes["where"] == "workload=tune").sum() == 2
    variants(drawn)


def test_interruptible_prices_stay_below_those_on_demand(fit: Fit, instance: Instance) -> None:
    wild = only(fit, "spot gpu", volatility_per_year=6.0)
    for variant in variants(draw(wild, instance, 8, 1)):
        prices = variant.instance.tables["prices"]
        mine = prices[prices["offer"] == "here/gpu/interruptible"]["price_per_gpu_hour"]
        assert ((mine > 0) & (mine <= 3.0)).all()
        assert mine.max() > 1.3 or mine.min() < 1.1


def test_a_history_of_other_things_is_refused(instance: Instance, tmp_path: Path) -> None:
    rows = series("asked", walk(np.tile([0.2, -0.1], 15)), kind="demand", workload="elsewhere")
    with pytest.raises(InputError, match="nothing in it is about what is in the instance"):
        draw(fit_history(write_history(rows, tmp_path / "h.csv")), instance, 2, 1)
    prices = fit_history(write_history(price("other", "nowhere", walk(np.tile([0.2, -0.1], 15))), tmp_path / "p.csv"))
    assert len(draw(prices, instance, 2, 1).tables["changes"])  # the market that it shows moves all


@pytest.mark.parametrize(
    ("name", "more", "why"),
    [
        ("queue", {"where": "region=nowhere"}, "no region of offers is 'nowhere'"),
        ("queue", {"where": "contract=on_demand"}, "no row matches"),
        ("gone", {"where": "contrakt=interruptible"}, "offers has no column 'contrakt'"),
        ("gone", {"when": 8}, "after the end of the horizon"),
        ("law", {"jurisdiction": "FR"}, "no jurisdictions of regions is 'FR'"),
        ("cut", {"changes": ["offers.lot_gpus = 2"]}, "not what a scenario may change"),
        ("cut", {"changes": ["instance.budget = 2"]}, "not what a scenario may change"),
        ("cut", {"changes": ["offers[offer=x] -"]}, "not what a scenario may change"),
    ],
)
def test_an_event_that_cannot_happen_here_is_refused(name: str, more: dict[str, Any], why: str, fit: Fit, instance: Instance) -> None:
    with pytest.raises(InputError, match=why) as caught:
        draw(without(fit, events(name, **more)), instance, 2, 1)
    assert caught.value.faults[0].column in (f"event {name}", f"event {name}, when")


def test_a_shortage_of_what_has_no_limit_is_refused(fit: Fit) -> None:
    data = small_case()
    for row in data["tables"]["offers"]:
        row.pop("max_lots")
    with pytest.raises(InputError, match="none of the offers that it selects states max_lots"):
        draw(without(fit, events("short")), as_instance(data), 2, 1)


def test_events_are_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "e.yaml").write_text(json.dumps(EVENTS))
    assert read_events(tmp_path / "e.yaml") == events(*EVENTS)
    (tmp_path / "one.yaml").write_text("gone:\n  kind: withdrawal\n  probability: 0.5\n  when: 3\n")
    (one,) = read_events(tmp_path / "one.yaml")
    assert (one.when, one.tag) == ((3, 3), "reliability")


@pytest.mark.parametrize(
    ("text", "row", "column", "why"),
    [
        ("", None, None, "no events"),
        ("a: 3", 1, "a", "not `key: value` lines"),
        ("a:\n  kind: flood\n  probability: 1", 2, "a.kind", "not one of the words allowed here"),
        ("a:\n  kind: withdrawal\n  probability: 2", 3, "a.probability", "more than 1"),
        ("a:\n  kind: withdrawal\n  probability: 1\n  wen: 2", 4, "a.wen", "there is no 'wen' here"),
        ("a:\n  kind: shortage\n  probability: 1", 2, "a", "shortage needs severity"),
        ("a:\n  kind: shortage\n  probability: 1\n  severity: 2", 2, "a", "0 to 1"),
        ("a:\n  kind: grid_slip\n  probability: 1\n  severity: 1.5", 2, "a", "whole periods"),
        ("a:\n  kind: withdrawal\n  probability: 1\n  severity: 1", 2, "a", "severity has no meaning for withdrawal"),
        ("a:\n  kind: withdrawal\n  probability: 1\n  when: [4, 2]", 2, "a", "the first is above the second"),
        ("a:\n  kind: changes\n  probability: 1\n  basis: SKU\n  changes: ['x *= {severity}']", 2, "a", "that is not given"),
        ("a:\n  kind: [\n", 3, None, "not valid YAML"),
    ],
)
def test_a_wrong_event_is_told_with_its_line(text: str, row: int | None, column: str | None, why: str, tmp_path: Path) -> None:
    (tmp_path / "e.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        read_events(tmp_path / "e.yaml")
    fault = caught.value.faults[0]
    assert (fault.file, fault.row, fault.column) == ("e.yaml", row, column)
    assert why in fault.why
