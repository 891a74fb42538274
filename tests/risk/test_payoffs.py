"""What hedges pay, cost and tie up: by hand, and against plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ailis_opt.changes import apply, parse_list
from ailis_opt.changes.scenarios import variants
from ailis_opt.prepare.payoffs import Payoffs, index_paths, payoffs
from ailis_opt.schema import Instance
from tests.models.markets import market, offer
from tests.support.files import as_instance

PATH = (2.0, 5.0, 3.0, 6.0)  # of the index `i`: its level of 2 today, and a curve from period 1 on
KINDS = ("swap", "forward", "call", "put", "cap", "insurance")


def instance_of(*hedges: dict[str, Any], path: tuple[float, ...] = PATH, period: str = "month", **header: Any) -> Instance:
    curves = [{"index": "i", "period": t, "price_per_gpu_hour": x} for t, x in enumerate(path) if t]
    indices = [{"index": name, "price_per_gpu_hour": x} for name, x in (("flat", 1.5), ("i", path[0]))]
    horizon = {"start": "2027-01-01", "periods": len(path), "period": period}
    tables = {"indices": indices, "curves": curves, "hedges": list(hedges)}
    return as_instance(market(offer("hour", 3), header={"horizon": horizon, **header}, **tables))


def hedge(kind: str, strike: float = 3.0, **terms: Any) -> dict[str, Any]:
    return {"hedge": kind, "kind": kind, "index": "i", "strike": strike, "gpu_hours_per_period": 10} | terms


def paid(*hedges: dict[str, Any], **more: Any) -> Payoffs:
    return payoffs(instance_of(*hedges, **more))


def test_paths_of_indices() -> None:
    paths = index_paths(instance_of())
    np.testing.assert_array_equal(paths, [[1.5, x] for x in PATH])


@pytest.mark.parametrize(
    ("terms", "payoff"),
    [
        (hedge("swap"), 10 * (-1 + 2 + 0 + 3)),
        (hedge("forward"), 10 * (-1 + 2 + 0 + 3)),
        (hedge("cap"), 10 * (2 + 3)),
        (hedge("call"), 4 * 10 * (4 - 3)),  # on the mean, which is 4
        (hedge("call", 5), 0),
        (hedge("put", 5), 4 * 10 * (5 - 4)),
        (hedge("put"), 0),
        (hedge("insurance"), 4 * 10 * (4 - 3)),
        (hedge("insurance", limit_per_gpu_hour=0.25), 4 * 10 * 0.25),
        (hedge("insurance", limit_per_gpu_hour=2), 4 * 10 * 1),
        (hedge("call", 5, first_period=1), 0),  # the mean of periods 1 to 3 is 14/3
        (hedge("call", 4, first_period=1), 3 * 10 * (14 / 3 - 4)),
        (hedge("cap", 4, last_period=1), 10 * 1),
        (hedge("swap", 4, first_period=2, last_period=2), 10 * -1),
        (hedge("swap", 1, index="flat"), 4 * 10 * 0.5),
    ],
)
def test_payoff_of_a_lot(terms: dict[str, Any], payoff: float) -> None:
    found = paid(terms)
    assert found.hedges == (terms["hedge"],)
    assert found.payoff.tolist() == pytest.approx([payoff])
    assert found.premium.tolist() == found.carry.tolist() == [0]


def test_premium_is_of_all_gpu_hours() -> None:
    found = paid(hedge("call", premium_per_gpu_hour=0.2), hedge("cap", premium_per_gpu_hour=0.2, first_period=1, last_period=2))
    assert found.premium.tolist() == pytest.approx([0.2 * 40, 0.2 * 20])


def test_carry_is_of_what_is_still_to_be_settled() -> None:
    """Collateral of 2 a GPU-hour at 10 % a year; January to April 2027 have 744, 672, 744 and 720 hours."""
    terms = {"collateral_per_gpu_hour": 2, "carry_rate_per_year": 0.1}
    found = paid(hedge("swap", **terms), hedge("call", **terms), hedge("cap", first_period=1, last_period=2, **terms))
    rate, hours = 2 * 0.1 * 10 / 8760, (744, 672, 744, 720)
    assert found.carry[0] == pytest.approx(rate * (4 * hours[0] + 3 * hours[1] + 2 * hours[2] + 1 * hours[3]))
    assert found.carry[1] == pytest.approx(rate * 4 * sum(hours))
    assert found.carry[2] == pytest.approx(rate * (2 * hours[0] + 2 * hours[1] + 1 * hours[2]))
    assert paid(hedge("put", last_period=1, **terms), period="week").carry[0] == pytest.approx(rate * 2 * 2 * 168)


def test_a_scenario_moves_the_index_and_so_the_payoff() -> None:
    words = ["scenarios + {scenario: up}", "scenarios + {scenario: later}"]
    words += ["changes + {scenario: up, table: indices, where: index=i, column: price_per_gpu_hour, op: mul, value: '2'}"]
    words += [
        "changes + {scenario: later, table: indices, where: index=i, column: price_per_gpu_hour, op: add, value: '4', first_period: 3}"
    ]
    up, later = (payoffs(v.instance) for v in variants(apply(instance_of(hedge("swap"), hedge("put", 5)), parse_list(words))))
    assert up.payoff.tolist() == pytest.approx([10 * (1 + 7 + 3 + 9), 0])
    assert later.payoff.tolist() == pytest.approx([10 * (-1 + 2 + 0 + 7), 0])


def test_without_hedges() -> None:
    found = paid()
    assert found.hedges == ()
    assert found.payoff.shape == found.premium.shape == found.carry.shape == (0,)


def by_loops(terms: dict[str, Any], path: tuple[float, ...]) -> float:
    """The payoff as docs/format.md tells it, sentence by sentence."""
    periods, strike = range(terms["first_period"], terms["last_period"] + 1), terms["strike"]
    mean = sum(path[t] for t in periods) / len(periods)
    if terms["kind"] in ("swap", "forward"):
        return 10 * sum(path[t] - strike for t in periods)
    if terms["kind"] == "cap":
        return 10 * sum(max(path[t] - strike, 0) for t in periods)
    once = max(strike - mean, 0) if terms["kind"] == "put" else max(mean - strike, 0)
    if terms["kind"] == "insurance":
        once = min(once, terms["limit_per_gpu_hour"])
    return 10 * len(periods) * once


@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(st.lists(st.floats(0, 10), min_size=1, max_size=5).map(tuple), st.floats(0, 10), st.floats(0, 5), st.data())
def test_every_kind_by_plain_loops(path: tuple[float, ...], strike: float, limit: float, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(path) - 1))
    span = {"first_period": first, "last_period": data.draw(st.integers(first, len(path) - 1))}
    rows = [hedge(kind, strike, **span, **({"limit_per_gpu_hour": limit} if kind == "insurance" else {})) for kind in KINDS]
    assert paid(*rows, path=path).payoff.tolist() == pytest.approx([by_loops(row, path) for row in rows], rel=1e-9, abs=1e-9)
