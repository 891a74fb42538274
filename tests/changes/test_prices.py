"""Prices of hired offers by period: what is refused, what stays apart, and that the audit sees them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from ailis_opt.audit import audit
from ailis_opt.changes import apply, parse
from ailis_opt.errors import InputError
from ailis_opt.explain.why_not import why_not
from ailis_opt.optimize import solve
from ailis_opt.prepare import prepare
from tests.support.cases import case, offer
from tests.support.files import as_instance


def market(**prices: dict[int, float]) -> Any:
    """10 outcomes in each of two hours; two offers that are alike, of 10 GPUs together, and a dear one."""
    data = case([10.0, 10.0], periods=2)
    twin = {"provider": "p", "max_lots": 5}
    data["tables"]["offers"] = [offer("one", 3, **twin), offer("two", 3, **twin), offer("dear", 9), offer("lot", 20, "reserved")]
    data["tables"]["prices"] = [
        {"offer": name, "period": t, "price_per_gpu_hour": price} for name, by_period in prices.items() for t, price in by_period.items()
    ]
    return data


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"offer": "lot", "period": 0, "price_per_gpu_hour": 1}, "fixed when it is signed"),
        ({"offer": "on", "period": 0, "price_per_gpu_hour": 1}, "Did you mean 'one'"),
        ({"offer": "one", "period": 2, "price_per_gpu_hour": 1}, "after the end of the horizon"),
        ({"offer": "one", "period": 0, "price_per_gpu_hour": -1}, "least that is allowed"),
        ({"offer": "one", "period": 0}, "needed"),
    ],
)
def test_what_is_refused(row: dict[str, Any], why: str) -> None:
    data = market(two={0: 1.0})
    data["tables"]["prices"].append(row)
    with pytest.raises(InputError, match=why):
        as_instance(data)
    data["tables"]["prices"][-1] = {"offer": "two", "period": 0, "price_per_gpu_hour": 1}
    with pytest.raises(InputError, match="the same offer and period"):
        as_instance(data)


def test_offers_are_alike_only_where_their_prices_are() -> None:
    priced: list[dict[str, dict[int, float]]] = [{}, {"one": {1: 2.0}}, {"one": {1: 2.0}, "two": {1: 2.0}}]
    assert [len(prepare(as_instance(market(**prices))).supply.hired_of) for prices in priced] == [2, 3, 2]


def test_each_hour_is_paid_at_its_price() -> None:
    """One GPU-hour of `one` costs 3, then 12: in the second hour `dear` (9) is taken in its place."""
    result = solve(as_instance(market(one={1: 12.0})), in_process=True)
    assert result.cost == pytest.approx(10 * 3 + 5 * 3 + 5 * 9)
    hired = result.tables["hired"].set_index(["offer", "period"])["cost"]
    assert hired.to_dict() == pytest.approx({("one", 0): 15, ("two", 0): 15, ("two", 1): 15, ("dear", 1): 45})


def test_the_audit_reads_the_prices_itself() -> None:
    instance = as_instance(market(one={0: 2.0, 1: 4.0}))
    result = solve(instance, in_process=True)
    assert audit(instance, result.tables).ok
    assert not audit(as_instance(market(one={0: 2.0, 1: 5.0})), result.tables).ok


def test_the_price_that_why_not_compares_is_the_mean_over_the_hours() -> None:
    """A GPU of `dear`, held for both hours at 9 and 5, does what one at 3 does: it breaks even at 3 an hour."""
    document = why_not(as_instance(market(dear={1: 5.0})), "dear").to_dict()
    assert document["asked"] == pytest.approx(7)
    assert document["break_even"]["upper"] == pytest.approx(3, rel=1e-3)
    data = market(dear={1: 5.0})
    data["tables"]["offers"][2]["last_start"] = 0
    assert why_not(as_instance(data), "dear").to_dict()["asked"] == pytest.approx(9)


def test_changes_by_period_add_up() -> None:
    instance = as_instance(market(one={1: 6.0}))
    texts = ("offers[offer=one].price_per_gpu_hour *= 2 @ 0..1", "offers[offer=one].price_per_gpu_hour += 1 @ 1")
    changed = apply(instance, [parse(text) for text in texts])
    prices = prepare(changed).supply.prices
    np.testing.assert_allclose(prices[:, 0], [6, 13])
    np.testing.assert_allclose(prices[:, 1:], prepare(instance).supply.prices[:, 1:])


def test_without_rows_the_fingerprint_is_as_before() -> None:
    plain = market()
    del plain["tables"]["prices"]
    assert as_instance(market()).sha256 == as_instance(plain).sha256
    assert as_instance(market(one={1: 3.0})).sha256 != as_instance(plain).sha256


def test_faults_pass_from_one_process_to_another() -> None:
    with pytest.raises(InputError) as caught:
        parse("offer.a = 1")
    assert pickle.loads(pickle.dumps(caught.value)).faults == caught.value.faults
