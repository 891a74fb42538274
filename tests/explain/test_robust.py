"""Ranges of purchases within a share of the best plan: worked out by hand, and against every number of lots tried one by one."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from ailis_opt import read
from ailis_opt.engine.compile import Program
from ailis_opt.engine.highs import Solver
from ailis_opt.errors import InfeasibleError, InputError
from ailis_opt.explain.offers import Stand, stands
from ailis_opt.explain.priced import Range, in_money, least, priced
from ailis_opt.explain.robust import robust
from ailis_opt.explain.robust_result import Purchase, Robust, render
from ailis_opt.output import text
from tests.models.markets import market, offer, prepared, solve, stamped
from tests.support.files import as_instance
from tests.support.generate import random_instance

GAP = 1e-9
MOST_WAYS = 30  # ways to buy one offer that a test tries one by one
WITHIN = 0.05


def lots(result: Robust, name: str) -> Purchase:
    return next(p for p in (*result.purchases, *result.hired) if p.offer == name)


def ranges(data: dict[str, Any], name: str, *shares: float) -> list[tuple[float, float]]:
    found = [lots(robust(as_instance(data), share, GAP), name) for share in shares]
    assert all(p.exact and p.proven == p.found for p in found)
    return [(p.proven.lower, p.proven.upper) for p in found]


def test_lots_by_hand() -> None:
    """10 GPUs are needed, lots of one at 2.00 or by the hour at 2.10, at most 8 lots: 8 are best at 16 + 4.20 = 20.20.

    Each lot less costs 0.10: within 1 % (0.202) one or two less, within 2.5 % (0.505) up to five.
    """
    data = market(offer("lots", 2.0, contract="reserved", max_lots=8), offer("hour", 2.1))
    assert ranges(data, "lots", 0.0, 0.01, 0.025, 0.1) == [(8, 8), (6, 8), (3, 8), (0, 8)]


def test_more_than_is_needed() -> None:
    """Ten lots are best at 20.00, one less costs 2.00 more: within 5 % none is, within 10 % one. No plan buys more than can be used."""
    data = market(offer("lots", 2.0, contract="reserved", max_lots=20), offer("hour", 4.0))
    assert ranges(data, "lots", 0.05, 0.1, 0.2) == [(10, 10), (9, 10), (8, 10)]


def test_verdicts() -> None:
    data = market(
        offer("good", 1.0, contract="reserved", max_lots=6),
        offer("fair", 2.0, contract="reserved", max_lots=20),
        offer("bad", 9.0, contract="reserved", max_lots=20),
        offer("none", 1.0, contract="reserved", max_lots=0),
        offer("hour", 2.2),
    )
    result = robust(as_instance(data), 0.02, GAP)
    assert {p.offer: p.verdict for p in result.purchases} == {"good": "sure", "fair": "at least", "bad": "never"}
    assert lots(result, "good").words == "sure: always 6"
    assert lots(result, "fair").words == "always at least 3"
    shown = text.render(render(result), 100)
    assert "never, in none of these plans (1): bad" in shown
    assert "sure: always 6" in shown


def test_hired_hours_are_bounded_and_attained() -> None:
    """Two lots at 2.00 that may be left unsigned for 2.10 by the hour: within 1 % of 20.00 two of ten GPUs at most are hired."""
    data = market(offer("lots", 2.0, contract="reserved", max_lots=20), offer("hour", 2.1))
    hour = lots(robust(as_instance(data), 0.01, GAP), "hour")
    assert (hour.best, hour.found.lower, hour.proven.lower) == pytest.approx((0, 0, 0))
    assert hour.proven.upper == pytest.approx(2, rel=1e-4)
    assert hour.found.upper == pytest.approx(2, rel=1e-4)


def test_quickstart() -> None:
    """By step 5 of its README: of lots started at any time, within 1 % always 2 (18,312 with one of them a week later), within 5 %
    from 1 (18,480) to 3 (18,480 where the third starts a week later), within 30 % from 1 to 4 and within 35 % from 0 (24,494)."""
    instance = read("instances/quickstart")
    found = {share: lots(robust(instance, share, GAP), "fra-reserved") for share in (0.01, 0.05, 0.3)}
    assert {share: p.proven for share, p in found.items()} == {0.01: Range(2, 2), 0.05: Range(1, 3), 0.3: Range(0, 4)}
    assert all(p.exact for p in found.values())


def test_merged_offers_count_together() -> None:
    row = offer("one", 2.0, contract="reserved", max_lots=4)
    result = robust(as_instance(market(row, row | {"offer": "two"}, offer("hour", 3.0))), 0.0, GAP)
    (only,) = result.purchases
    assert (only.offer, only.twins, only.proven) == ("one", ("two",), Range(8, 8))
    assert "one (with two)" in text.render(render(result), 100)


def test_no_time_leaves_ranges_open_and_says_so() -> None:
    data = market(offer("lots", 2.0, contract="reserved", max_lots=8), offer("hour", 2.1))
    result = robust(as_instance(data), 0.01, GAP, 0.05)
    only = lots(result, "lots")
    assert only.found.lower <= only.best <= only.found.upper
    assert only.proven.lower <= only.found.lower <= only.found.upper <= only.proven.upper


@pytest.mark.parametrize("share", [-0.1, float("nan"), float("inf")])
def test_bad_share(share: float) -> None:
    with pytest.raises(InputError, match="--robust"):
        robust(as_instance(market(offer("only", 2))), share)


def test_infeasible() -> None:
    with pytest.raises(InfeasibleError):
        robust(as_instance(market(offer("only", 2, max_lots=3))))


# -- against every number of lots ------------------------------------------------------------------------------------------------


def cheapest(program: Program, stand: Stand, limit: float) -> dict[float, float]:
    """Least cost by number of lots, every way to start them tried."""
    solver, costs = Solver(program), dict[float, float]()
    most = program.column_upper[stand.columns].astype(int)
    for way in product(*(range(n + 1) for n in most)):
        lower, upper = program.column_lower.copy(), program.column_upper.copy()
        lower[stand.columns] = upper[stand.columns] = way
        outcome = least(solver, replace(program, column_lower=lower, column_upper=upper), GAP, 60.0)
        costs[sum(way)] = min(costs.get(sum(way), np.inf), outcome.upper)
    return costs


def faults(seed: int) -> list[str]:
    data = random_instance(seed)
    instance, p = as_instance(data), prepared(data)
    program = stamped(p.data)
    result = robust(instance, WITHIN, GAP)
    ratio = data["header"]["objective"] == "cost_per_outcome"
    price, best = in_money(program, solve(program, ratio), ratio)
    limit, wide = (1 + WITHIN) * best.upper, priced(program, (1 + WITHIN) * price)
    found = []
    for stand in stands(p, program.layout, True):
        ways = np.prod(program.column_upper[stand.columns] + 1)
        if not stand.whole or not 1 < ways <= MOST_WAYS:
            continue
        fine = [n for n, cost in cheapest(wide, stand, limit).items() if cost <= limit * (1 + 1e-8)]
        ours = lots(result, stand.offer)
        if (min(fine), max(fine)) != (ours.proven.lower, ours.proven.upper) or not ours.exact:
            found.append(f"{stand.offer}: {min(fine)} to {max(fine)}, we have {ours}")
    return found


def nested(seed: int) -> list[str]:
    """The best plan is in every range, and a wider share has wider ranges."""
    instance, found = as_instance(random_instance(seed)), []
    narrow, wide = (robust(instance, share, GAP) for share in (0.01, 0.1))
    for small, large in zip((*narrow.purchases, *narrow.hired), (*wide.purchases, *wide.hired), strict=True):
        inside = small.proven.lower <= small.found.lower <= small.best <= small.found.upper <= small.proven.upper
        slack = 0.011 * max(large.proven.upper, 1.0) if not small.whole else 0.0
        within = large.proven.lower <= small.proven.lower + slack and small.proven.upper <= large.proven.upper + slack
        if not (inside and within):
            found.append(f"{small} {large}")
    return found


@pytest.mark.parametrize("seed", range(4))
def test_every_number_of_lots_quick(seed: int) -> None:
    assert faults(seed) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 10))
def test_every_number_of_lots(seed: int) -> None:
    assert faults(seed) == []


@pytest.mark.parametrize("seed", range(3))
def test_ranges_are_nested_quick(seed: int) -> None:
    assert nested(seed) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 8))
def test_ranges_are_nested(seed: int) -> None:
    assert nested(seed) == []
