"""What a contract is worth: by hand, and against the instance solved with the contract in it on both sides of the break-even price."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ailis_opt import solve
from ailis_opt.errors import InfeasibleError
from ailis_opt.output.text import render
from ailis_opt.quote import Quote, quote, read_sheet
from ailis_opt.quote.quote import Alternative
from ailis_opt.quote.sheet import with_contract
from ailis_opt.quote.text import quote_text
from ailis_opt.schema.instance import Instance
from tests.models.markets import by_period, market, offer
from tests.support.files import Data, as_instance
from tests.support.generate import random_instance

GAP = 1e-9
NEAR = 1e-3  # of a price: how far below and above the break-even price the instance is solved
HIRE = offer("hour", 3)


def sheet_of(folder: Path, *contracts: dict[str, Any], **given: Any) -> Any:
    """A sheet with these alternatives; JSON is YAML."""
    file = folder / "sheet.yaml"
    file.write_text(json.dumps({"alternatives": list(contracts), **given}), encoding="utf-8")
    return read_sheet(file)


def contract(price: float = 5.0, **terms: Any) -> dict[str, Any]:
    return {"offer": "deal", "provider": "p", "operator_country": "US", "region": "a", "sku": "s", "price_per_gpu_hour": price} | terms


def judged(folder: Path, data: Data, *contracts: dict[str, Any], **given: Any) -> Quote:
    found = quote(as_instance(data), sheet_of(folder, *contracts, **given), gap=GAP, in_process=True)
    json.dumps(found.to_dict(), allow_nan=False)
    text = render(quote_text(found), 100)
    assert all(a.offer in text for a in found.alternatives)
    assert found.done
    return found


def about(value: float) -> Any:
    return pytest.approx(value, rel=1e-6, abs=1e-6)


def break_even(alternative: Alternative) -> float | None:
    """The price, its interval no wider than rounding."""
    price = alternative.case.price
    assert price is not None
    if alternative.case.break_even is not None:
        assert (price.break_even.lower, price.break_even.upper) == (about(alternative.case.break_even),) * 2
    return alternative.case.break_even


def values(alternative: Alternative) -> list[tuple[int, float, float]]:
    curve = alternative.case.curve
    assert curve is not None
    return [(p.lots, p.best, p.best_marginal) for p in curve.points[1:]]


# -- terms, each by hand -----------------------------------------------------------------------------------------------------------


def test_whole_lots(tmp_path: Path) -> None:
    """10 GPUs by the hour at 3. Lots of 4: 12, 12, and 6 of the third; they break even at 3."""
    found = judged(tmp_path, market(HIRE), contract(2.5, lot_gpus=4, max_lots=3))
    assert break_even(found.best) == about(3)
    assert values(found.best) == [(1, about(12), about(3)), (2, about(24), about(3)), (3, about(30), about(1.5))]
    assert found.best.case.verdict == "sign"
    assert [(d.offer, d.gpu_hours, d.cost) for d in found.best.displaced] == [("hour", about(8), about(24))]
    (row,) = found.to_dict()["regret"]
    assert (row["scenario"], row["if_signed"], row["if_not"]) == ("base", 0, about(8 * 0.5))


def test_asked_too_much(tmp_path: Path) -> None:
    """At 3.5 the best plan that signs takes one lot, and costs 4 · 0.5 more."""
    found = judged(tmp_path, market(HIRE), contract(3.5, lot_gpus=4, max_lots=3))
    assert found.best.case.verdict == "do not sign"
    assert found.recommendation == (None, "proven")
    (row,) = found.to_dict()["regret"]
    assert (row["if_signed"], row["if_not"]) == (about(2), 0)


def test_least_lots(tmp_path: Path) -> None:
    """Three lots of 4 or none: 12 GPUs paid where 10 are needed, 30 ÷ 12."""
    found = judged(tmp_path, market(HIRE), contract(lot_gpus=4, min_lots=3, max_lots=3))
    assert break_even(found.best) == about(2.5)
    assert values(found.best) == [(1, 0, 0), (2, 0, 0), (3, about(30), about(7.5))]


def test_ramp(tmp_path: Path) -> None:
    """10 in each of two hours; 4 lots may start in an hour: 4, then 8 are in force. Without a ramp the tenth would be worth 6, too."""
    data = market(HIRE, demand=by_period(10, 10), periods=2)
    found = judged(tmp_path, data, contract(1, max_lots_per_period=4))
    assert found.best.case.price is not None
    assert found.best.case.price.gpu_hours == about(4 * 2 + 4)
    assert values(found.best)[-1][:2] == (10, about(3 * (4 + 8)))


def test_upfront(tmp_path: Path) -> None:
    """1.25 a GPU upfront over two hours: what is left of 3 is 3 − 1.25 ÷ 2. A term of four is half inside: 3 − 1.25 ÷ 4."""
    data = market(HIRE, demand=by_period(10, 10), periods=2)
    found = judged(tmp_path, data, contract(upfront_per_gpu=1.25, max_lots=1))
    assert break_even(found.best) == about(3 - 1.25 / 2)
    assert values(found.best) == [(1, about(6 - 1.25), about((6 - 1.25) / 2))]
    assert break_even(judged(tmp_path, data, contract(upfront_per_gpu=1.25, max_lots=1, term_periods=4)).best) == about(3 - 1.25 / 4)


def test_not_even_as_a_gift(tmp_path: Path) -> None:
    found = judged(tmp_path, market(HIRE), contract(1, upfront_per_gpu=5, max_lots=1))
    assert break_even(found.best) == about(3 - 5)
    assert found.best.case.verdict == "do not sign"
    assert values(found.best) == [(1, 0, 0)]


def test_take_or_pay(tmp_path: Path) -> None:
    """4 GPUs in the first hour, none in the second: all paid is 12 ÷ 8, a quarter paid 12 ÷ (4 + 1), none 12 ÷ 4."""
    data = market(HIRE, demand=by_period(4, 0), periods=2)
    for share, price in ((1, 1.5), (0.25, 12 / 5), (0, 3)):
        found = judged(tmp_path, data, contract(lot_gpus=4, max_lots=1, take_or_pay_share=share, last_start=0))
        assert break_even(found.best) == about(price)


def test_early_exit(tmp_path: Path) -> None:
    """4 GPUs in the first of two hours. All of the term: 12 ÷ 8. Out after one hour for 0.5 a GPU: (12 − 2) ÷ 4; for 8 it is no use."""
    data = market(HIRE, demand=by_period(4, 0), periods=2)
    for fee, price in ((0.5, 2.5), (8, 1.5)):
        terms = {"lot_gpus": 4, "max_lots": 1, "last_start": 0, "exit": {"after_periods": 1, "fee_per_gpu": fee}}
        assert break_even(judged(tmp_path, data, contract(**terms)).best) == about(price)


def test_exit_and_term_are_the_same_lots(tmp_path: Path) -> None:
    """10 and 5 GPUs: of 10 lots on offer 5 leave after an hour, without a fee. As a gift 10 lots are worth 30 + 15, and no more."""
    data = market(HIRE, demand=by_period(10, 5), periods=2)
    found = judged(tmp_path, data, contract(2, max_lots=10, last_start=0, exit={"after_periods": 1}))
    assert found.best.case.price is not None
    assert (found.best.case.price.lots, found.best.case.price.gpu_hours) == (about(10), about(15))
    assert values(found.best)[-1][:2] == (10, about(45))
    assert break_even(found.best) == about(3)


def test_late_delivery(tmp_path: Path) -> None:
    """10 in the first hour, 2 in the second. In time: (12 + 6) ÷ 8 a GPU-hour for a lot of 4. An hour late: 6 ÷ 4, not worth 2."""
    data = market(HIRE, demand=by_period(10, 2), periods=2)
    found = judged(tmp_path, data, contract(2, lot_gpus=4, max_lots=1, last_start=0, late_periods=1))
    assert break_even(found.best) == about(18 / 8)
    late = found.best.cases[1]
    assert late.break_even == about(1.5)
    assert (found.best.case.verdict, late.verdict) == ("sign", "do not sign")
    base, delayed = found.to_dict()["regret"]
    assert (base["if_signed"], base["if_not"]) == (0, about(18 - 16))
    assert (delayed["scenario"], delayed["if_signed"], delayed["if_not"]) == ("late", about(8 - 6), 0)


def test_delivered_after_the_horizon(tmp_path: Path) -> None:
    """Two periods late of two: there is nothing to sign."""
    data = market(HIRE, demand=by_period(10, 2), periods=2)
    found = judged(tmp_path, data, contract(2, max_lots=1, last_start=0, late_periods=2))
    assert found.best.case.verdict == "sign"
    assert found.best.cases[1].verdict == "do not sign"
    assert found.to_dict()["late"]["possible"] is False


def test_metered_power(tmp_path: Path) -> None:
    """A GPU draws 1 kW at a PUE of 1.25; at 0.4 a kWh energy is 0.5 of the 3 that hiring costs."""
    regions = [{"region": "a", "country": "DE", "pue": 1.25, "power_price_per_kwh": 0.4}, {"region": "b", "country": "FR"}]
    found = judged(tmp_path, market(HIRE, regions=regions), contract(power="metered", max_lots=4))
    assert break_even(found.best) == about(2.5)
    (power,) = [c for c in found.best.covers.layers if c.layer == "L0"]
    assert power.attributes[0].state == "excluded"
    assert (power.exposed, power.exposed_cost) == (about(4), about(4 * 0.5))


def test_delivery_date(tmp_path: Path) -> None:
    """Only the second hour is left, in which 2 of 4 GPUs run; 10 GPU-hours come before it."""
    data = market(HIRE, demand=by_period(10, 2), periods=2)
    found = judged(tmp_path, data, contract(lot_gpus=4, max_lots=1, lead_periods=1))
    assert break_even(found.best) == about(1.5)
    assert {c.layer: c.exposed for c in found.best.covers.layers if c.exposed} == {"contract": about(10)}


def test_cost_per_outcome(tmp_path: Path) -> None:
    """Half may be shed. One GPU is paid for 20: at q* = (20 + 9·3) ÷ 10 = 4.7 an outcome. Ten more GPUs save 9 of 3 each, whatever q is."""
    own = offer("own", 20, contract="owned", committed_lots=1, max_lots=0)
    data = market(own, HIRE, work={"min_service": 0.5}, header={"objective": "cost_per_outcome"})
    found = judged(tmp_path, data, contract(lot_gpus=10, max_lots=1))
    assert break_even(found.best) == about(27 / 10)


def test_cost_per_outcome_where_shedding_pays(tmp_path: Path) -> None:
    """Hiring is dear for half of the work: 5 at 1, the rest at 9. Without: 5 served at 1. With 5 GPUs as a gift 10 served for 5, 0.5 each.

    At q = 1 five outcomes more are worth 5: it breaks even at 1 a GPU-hour, where serving all costs 1 each, too.
    """
    data = market(offer("few", 1, max_lots=5), offer("dear", 9), work={"min_service": 0.5}, header={"objective": "cost_per_outcome"})
    found = judged(tmp_path, data, contract(lot_gpus=5, max_lots=1))
    assert break_even(found.best) == about(1)
    assert values(found.best) == [(1, about(5), about(1))]


def test_no_use_for_it(tmp_path: Path) -> None:
    """Work must be in Germany, the contract is in France: what is paid upfront is lost even if the rest is a gift."""
    found = judged(tmp_path, market(HIRE, work={"jurisdictions": ["DE"]}), contract(2, region="b", max_lots=4, upfront_per_gpu=0.5))
    assert break_even(found.best) == about(-0.5)
    assert found.best.case.verdict == "do not sign"
    (row,) = found.to_dict()["regret"]
    assert (row["if_signed"], row["if_not"]) == (about(2.5), 0)


def test_needed(tmp_path: Path) -> None:
    """Without it there is no plan."""
    found = judged(tmp_path, market(offer("few", 3, max_lots=4)), contract(50, max_lots=10))
    document = found.to_dict()
    assert (document["verdict"], document["needed"], document["break_even"]) == ("sign", True, None)
    assert "it would be signed at any price" in render(quote_text(found), 100)


def test_no_plan_with_it_or_without(tmp_path: Path) -> None:
    instance = as_instance(market(offer("few", 3, max_lots=4)))
    with pytest.raises(InfeasibleError):
        quote(instance, sheet_of(tmp_path, contract(max_lots=2)), in_process=True)


def test_like_an_offer_that_is_there(tmp_path: Path) -> None:
    """The same terms as an offer of which 4 lots are there: six more are worth something, at 3 as at 2."""
    same = offer("old", 2, contract="reserved", max_lots=4)
    found = judged(tmp_path, market(same, HIRE), contract(2, max_lots=10))
    assert break_even(found.best) == about(3)
    assert values(found.best)[5][:2] == (6, about(6 * 3))
    assert values(found.best)[9][:2] == (10, about(6 * 3 + 4 * 2))


# -- alternatives ------------------------------------------------------------------------------------------------------------------


def test_alternatives(tmp_path: Path) -> None:
    """Ten GPUs at 2 save 10, four at 1 save 8, five at 4 nothing: only one may be signed."""
    many, few = contract(2, offer="many", max_lots=10), contract(1, offer="few", max_lots=4)
    found = judged(tmp_path, market(HIRE), few, many, contract(4, offer="dear", max_lots=5))
    assert found.best.offer == "many"
    assert found.recommendation == ("many", "proven")
    document = found.to_dict()
    assert (document["offer"], document["recommendation"]) == ("many", {"offer": "many", "proven": True})
    assert [a["verdict"] for a in document["alternatives"]] == ["sign", "sign", "do not sign"]
    assert [a["regret"][0]["if_not"] for a in document["alternatives"]] == [about(8), about(10), 0]


def test_processes_give_the_same(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, contract(2, max_lots=3), contract(4, offer="dear", max_lots=5, late_periods=1))
    instance = as_instance(market(HIRE, demand=by_period(10, 4), periods=2))
    apart, here = quote(instance, sheet, gap=GAP, jobs=2), quote(instance, sheet, gap=GAP, in_process=True)
    assert apart.to_dict() == here.to_dict()


# -- what it covers ----------------------------------------------------------------------------------------------------------------


def test_what_the_law_keeps_away_stays_exposed(tmp_path: Path) -> None:
    """The contract is in France; the work must be in Germany, and is neither in the pool nor displaced."""
    found = judged(tmp_path, market(HIRE, work={"jurisdictions": ["DE"]}), contract(1, region="b", max_lots=4))
    assert found.best.case.verdict == "do not sign"
    assert {c.layer: (c.exposed, c.exposed_cost) for c in found.best.covers.layers if c.exposed} == {"L15": (about(10), about(30))}
    assert (found.best.covers.need, found.best.covers.served) == (about(10), 0)


def test_a_chip_without_profile(tmp_path: Path) -> None:
    """A SKU that is given along, and nothing known to run on it."""
    found = judged(tmp_path, market(HIRE), contract(1, sku="new", max_lots=4), skus=[{"sku": "new", "runtimes": ["rocm"]}])
    assert {c.layer: c.exposed for c in found.best.covers.layers if c.exposed} == {"L2": about(10)}
    states = {a.name: a.state for c in found.best.covers.layers for a in c.attributes}
    assert (states["ROCm"], states["CUDA"], states["drivers"]) == ("included", "excluded", "not stated")


def test_a_region_and_chip_that_are_given_along(tmp_path: Path) -> None:
    """New capacity with a profile: two outcomes an hour at 3, so worth 6."""
    given = {
        "regions": [{"region": "c", "country": "SE"}],
        "skus": [{"sku": "fast"}],
        "profiles": [{"profile": "w-fast", "workload": "w", "sku": "fast", "gpus": 1, "units_per_hour": 2}],
    }
    found = judged(tmp_path, market(HIRE), contract(region="c", sku="fast", max_lots=2), **given)
    assert break_even(found.best) == about(6)


def test_more_need_than_lots(tmp_path: Path) -> None:
    found = judged(tmp_path, market(HIRE), contract(1, max_lots=4))
    assert {c.layer: c.exposed for c in found.best.covers.layers if c.exposed} == {"L1.supply": about(6)}
    assert found.best.covers.served == about(4)


def test_states_have_the_last_word(tmp_path: Path) -> None:
    found = judged(tmp_path, market(HIRE), contract(1, max_lots=4, states={"power": "excluded", "carbon": "included"}))
    (power,) = [c for c in found.best.covers.layers if c.layer == "L0"]
    assert {a.name: a.state for a in power.attributes if a.because} == {"power": "excluded", "carbon": "included"}
    assert power.covered == "partly"


# -- random instances --------------------------------------------------------------------------------------------------------------


def random_contract(seed: int, data: Data, used: bool = False) -> dict[str, Any]:
    """A contract beside some offer of the instance, with terms of every kind; `used`: where work surely runs."""
    rng = random.Random(f"contract {seed}")
    beside = rng.choice([o for o in data["tables"]["offers"] if not used or o["offer"].startswith("firm")])
    row = {c: beside[c] for c in ("provider", "operator_country", "region", "sku", "tier", "power", "cluster_gpus") if c in beside}
    row |= {"offer": "deal", "price_per_gpu_hour": round(rng.uniform(0.5, 4), 2), "lot_gpus": rng.choice([1, 2, 3, 4])}
    row["max_lots"] = rng.randint(1, 4)
    periods, hours = data["header"]["horizon"]["periods"], {"month": 730, "week": 168, "day": 24, "hour": 1}
    if rng.random() < 0.3:
        row["min_lots"] = rng.randint(1, row["max_lots"])
    elif rng.random() < 0.3:
        row["max_lots_per_period"] = 1
    elif rng.random() < 0.3:
        row["whole_lots"] = False
    if rng.random() < 0.4:
        row["upfront_per_gpu"] = round(rng.uniform(0.05, 0.5) * periods * hours[data["header"]["horizon"]["period"]], 2)
    if rng.random() < 0.4:
        row["take_or_pay_share"] = rng.choice([0, 0.25, 0.5, 0.8])
    if rng.random() < 0.3:
        row["availability"] = 0.9
    if rng.random() < 0.4:
        row["lead_periods"] = rng.randint(0, periods - 1)
    if rng.random() < 0.4:
        row["term_periods"] = rng.randint(2, periods + 1)
        if rng.random() < 0.6:
            row["exit"] = {"after_periods": 1, "fee_per_gpu": row.get("upfront_per_gpu", 1) / 2}
    return row


def signs(instance: Instance, sheet: Any, price: float) -> bool:
    """Whether the best plan signs the contract at a price and pays for some of it by the hour, by the ordinary solve."""
    contracts = sheet.contracts.frame.assign(price_per_gpu_hour=price)
    changed, names = with_contract(instance, replace(sheet, contracts=replace(sheet.contracts, frame=contracts)), 0)
    result = solve(changed, gap=GAP, in_process=True)
    signed = set() if sheet.row(0)["take_or_pay_share"] == 0 else set(result.purchases["offer"])
    return bool((signed | set(result.hired["offer"])) & set(names))


def faults(seed: int, folder: Path) -> list[str]:
    data = random_instance(seed)
    instance, sheet = as_instance(data), sheet_of(folder, random_contract(seed, data))
    found = quote(instance, sheet, gap=GAP, in_process=True)
    price, at = found.best.case.price, found.best.case.break_even
    assert price is not None
    wrong = [] if found.done else ["not done"]
    if at is None or at <= 1e-9:  # never, or not even as a gift
        return wrong + (["signed at price 0"] if at != 0 and signs(instance, sheet, 0.0) else [])
    if price.break_even.upper - price.break_even.lower > NEAR * at:
        wrong.append(f"between {price.break_even}")
    for factor, expected in ((1 - NEAR, True), (1 + NEAR, False)):
        if signs(instance, sheet, factor * at) is not expected:
            wrong.append(f"at {factor} of {at}")
    asked = found.best.asked
    if abs(asked - at) > NEAR * at and (found.best.case.verdict == "sign") is not (asked < at):
        wrong.append(f"{found.best.case.verdict} at {asked}, which breaks even at {at}")
    curve = found.best.case.curve
    assert curve is not None
    if any(later.value.lower < sooner.value.lower - 1e-9 for sooner, later in itertools.pairwise(curve.points)):
        wrong.append("more lots are worth less")
    return wrong


@pytest.mark.parametrize("seed", range(10))
def test_signing_turns_at_the_break_even_price_quick(seed: int, tmp_path: Path) -> None:
    assert faults(seed, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 30))
def test_signing_turns_at_the_break_even_price(seed: int, tmp_path: Path) -> None:
    assert faults(seed, tmp_path) == []


def convex(seed: int) -> Data:
    """A random instance without whole numbers, and one on which a divisible contract may lie."""
    features = {"availability", "blocks", "reserved", "geos", "latency", "metered", "power_cap", "tiers", "upfront", "terms", "ratio"}
    data = random_instance(seed, features=features)
    for row in data["tables"]["offers"]:
        row["whole_lots"] = False
    return data


@pytest.mark.parametrize("seed", range(100, 106))
def test_the_demand_curve_never_rises_where_the_instance_is_convex(seed: int, tmp_path: Path) -> None:
    data = convex(seed)
    terms = random_contract(seed, data, used=True) | {"whole_lots": False, "max_lots": 6, "lead_periods": 0}
    terms.pop("min_lots", None)
    found = quote(as_instance(data), sheet_of(tmp_path, terms), gap=GAP, in_process=True)
    curve = found.best.case.curve
    assert curve is not None
    assert curve.done
    prices = [p.best_marginal for p in curve.points[1:]]
    assert prices[0] > 0 or "upfront_per_gpu" in terms
    assert all(later <= sooner + 1e-6 * (1 + sooner) for sooner, later in itertools.pairwise(prices)), prices
    at = found.best.case.break_even
    assert at is not None
    assert at >= prices[0] * (1 - 1e-6)
