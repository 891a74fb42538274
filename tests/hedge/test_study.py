"""Portfolios on the same scenarios: K7 by hand, basis, regret, frontier, what is infeasible, files at fault."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import ailis_opt.hedge.study as study
from ailis_opt.changes import parse
from ailis_opt.errors import InputError, NoPlanError
from ailis_opt.hedge import Hedging, hedge, read_portfolios, standard
from ailis_opt.result import Result
from ailis_opt.risk.measures import variance
from tests.models.markets import market, offer
from tests.support.files import as_instance
from tests.support.hedged import k7, year

EXACT = pytest.approx


def test_k7(by_hand: Hedging) -> None:
    """h* = 1 takes 4/7 of the variance; CVaR 5 without, 4 at 3/2 lots, and the mean is the same."""
    (alone,) = by_hand.singles
    assert alone.lots == EXACT(1)
    assert alone.effectiveness.variance_reduction == EXACT(4 / 7)
    assert alone.effectiveness.r2 == EXACT(4 / 7)
    none, free = by_hand.portfolios
    assert none.result is not None
    assert free.result is not None
    assert none.result.risk is not None
    assert free.result.risk is not None
    assert (none.result.risk.cvar, free.result.risk.cvar) == (EXACT(5), EXACT(4))
    assert free.result.positions["lots"].tolist() == [EXACT(1.5)]
    assert free.result.cost == EXACT(none.result.cost) == EXACT(10 / 3)
    assert free.exposure == EXACT([2, 3, 5])
    assert free.payoff == EXACT([-2, 1, 1])
    assert by_hand.best is free
    assert by_hand.as_good == []


def test_the_frontier_of_k7_is_one_plan(by_hand: Hedging) -> None:
    """Hedging costs nothing in the mean, so every other plan is worse."""
    (only,) = by_hand.frontier
    assert only.result.risk is not None
    assert only.result.risk.cvar == EXACT(4, abs=1e-4)


def test_residual_by_hand(by_hand: Hedging) -> None:
    """Unhedged all of it is of the price's type. Hedged by one lot the residual is (10/3, 7/3, 13/3): price and index act against each
    other."""
    none, _ = by_hand.portfolios
    assert none.basis is not None
    assert none.basis.variance == {"SKU": EXACT(0, abs=1e-12), "region": EXACT(14 / 9)}
    (alone,) = by_hand.singles
    assert alone.basis is not None
    price, index = np.array([2, 3, 5]), np.array([2, 4, 4])
    even = np.full(3, 1 / 3)
    both, alone_price, alone_index = (variance(x, even) for x in (price - index, price * 1.0, index * 1.0))
    assert alone.basis.variance["region"] == EXACT((alone_price + both - alone_index) / 2)
    assert alone.basis.variance["SKU"] == EXACT((alone_index + both - alone_price) / 2)


def test_shares_sum_to_the_residual(compared: Hedging) -> None:
    splits = [one.basis for one in compared.portfolios] + [one.basis for one in compared.singles]
    assert len(splits) == 7
    for split in splits:
        assert split is not None
        assert set(split.variance) == {"SKU", "region", "workload"}
        assert math.fsum(split.variance.values()) == EXACT(split.total_variance, rel=1e-9)
        assert math.fsum(split.cvar.values()) == EXACT(split.total_cvar, rel=1e-9)
    for one in compared.portfolios:
        assert one.basis is not None
        assert one.basis.total_variance == EXACT(variance(one.cost, compared.probability), rel=1e-6)


def test_one_type_alone_takes_all() -> None:
    found = hedge(as_instance(k7(price_type="SKU", index_type="SKU", max_lots=1)), gap=1e-9, points=0)
    for one in (*found.portfolios, *found.singles):
        assert one.basis is not None
        assert one.basis.variance == {"SKU": EXACT(one.basis.total_variance, rel=1e-12)}
        assert one.basis.cvar == {"SKU": EXACT(one.basis.total_cvar, rel=1e-12)}


def test_the_frontier_rises_as_risk_falls(compared: Hedging) -> None:
    ends = [(one.result.cost, one.result.risk.cvar if one.result.risk is not None else math.nan) for one in compared.frontier]
    assert len(ends) == 5
    costs, tails = zip(*ends, strict=True)
    assert all(np.diff(costs) > 0)
    assert all(np.diff(tails) < 0)
    for one, (cost, tail) in zip(compared.frontier, ends, strict=True):
        assert tail <= one.most * (1 + 1e-6)
        assert one.lower <= cost * (1 + 1e-9)
        assert one.result.audit.ok


def test_regret_and_the_best(compared: Hedging) -> None:
    costs = np.array([one.cost for one in compared.portfolios])
    for one in compared.portfolios:
        lost = one.cost - costs.min(axis=0)
        assert (one.worst_regret, one.expected_regret) == (EXACT(lost.max()), EXACT(float(compared.probability @ lost)))
    best, cheapest = compared.best, compared.cheapest
    assert best is not None
    assert cheapest is not None
    assert (best.name, cheapest.name) == ("free choice", "reserved only")
    said = compared.to_dict()["price_of_risk_aversion"]
    assert said["portfolio"] == "reserved only"
    assert best.result is not None
    assert cheapest.result is not None
    assert said["expected_cost"] == EXACT(best.result.cost - cheapest.result.cost)
    assert said["expected_cost"] > 0


def test_a_lone_portfolio_regrets_nothing() -> None:
    found = hedge(as_instance(k7()), {"mine": [parse("hedges.max_lots = 1")]}, gap=1e-9, points=0, basis=False)
    (one,) = found.portfolios
    assert (one.worst_regret, one.expected_regret) == (0, 0)
    assert found.singles == ()
    assert one.basis is None


def test_marks(compared: Hedging) -> None:
    """Lots at 2.4 against the index at 3 and its moves, 8 GPUs for two hours; a call at 3.2 pays what the index is above."""
    free = compared.portfolios[-1]
    by_contract = {mark.contract: mark for mark in free.marks}
    level = 3 * np.array([1, 1.8, 1, 1.1])
    assert by_contract["lots"].value == EXACT(16 * (level - 2.4))
    assert free.result is not None
    (lots,) = free.result.positions["lots"]
    assert by_contract["call"].value == EXACT(2 * lots * np.maximum(level - 3.2, 0))


def test_standard_portfolios() -> None:
    names = ["no hedge", "forwards only", "options only", "reserved only", "free choice"]
    assert list(standard(as_instance(year()))) == names
    assert list(standard(as_instance(k7()))) == ["no hedge", "free choice"]
    assert list(standard(as_instance(market(offer("hire", 3))))) == ["free choice"]


def test_the_standard_keep_their_word(compared: Hedging) -> None:
    for one in compared.portfolios:
        assert one.result is not None
        held = one.result.positions
        assert one.name in ("options only", "free choice") or held["lots"].sum() == 0
        assert bool(len(one.result.purchases)) == (one.name in ("reserved only", "free choice"))


def test_infeasible_portfolios_are_told() -> None:
    portfolios = {"nothing": [parse("offers.max_lots = 0")], "all": []}
    data = year()
    data["tables"]["workloads"][0] |= {"min_service": 1, "unserved_cost_per_outcome": 0}
    found = hedge(as_instance(data), portfolios, gap=1e-6, points=0, basis=False)
    nothing, every = found.portfolios
    assert (nothing.status, every.status) == ("infeasible", "optimal")
    assert found.best is every
    assert found.done
    assert found.to_dict()["portfolios"][0]["why"]
    assert every.worst_regret == 0


def test_no_plan_in_time_is_not_infeasible(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object, **__: object) -> Result:
        raise NoPlanError("too late")

    monkeypatch.setattr(study, "solve", late)
    found = hedge(as_instance(k7()))
    assert {one.status for one in found.portfolios} == {"no plan"}
    assert not found.done
    assert found.frontier == ()


def test_an_interruption_keeps_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, asked = study.solve, []

    def stopped(*arguments: object, **more: object) -> Result:
        asked.append(arguments)
        if len(asked) > 1:
            raise KeyboardInterrupt
        return usual(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(study, "solve", stopped)
    found = hedge(as_instance(k7()))
    assert [one.name for one in found.portfolios] == ["no hedge"]
    assert found.interrupted
    assert (found.singles, found.frontier) == ((), ())
    with pytest.raises(KeyboardInterrupt):
        hedge(as_instance(k7()))


def test_without_scenarios() -> None:
    with pytest.raises(InputError, match="no scenarios to compare"):
        hedge(as_instance(market(offer("hire", 3))))


def test_faults_of_all_portfolios_at_once() -> None:
    with pytest.raises(InputError) as caught:
        hedge(as_instance(k7()), {"one": [parse("hedges[hedge=nobody].max_lots = 0")], "two": [parse("hedges.strike = -1")]})
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no names with lists"),
        ("- a\n", "no names with lists"),
        ("mine: [nonsense]\n", "nonsense"),
        ("mine: 3\n", "not a change"),
        ("mine:\n", "not a change"),
    ],
)
def test_portfolio_files_at_fault(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        read_portfolios(tmp_path / "mine.yaml")
    assert why in str(caught.value)


def test_an_empty_list_is_free_choice(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("free: []\nnone: hedges.max_lots = 0\n")
    assert {name: len(changes) for name, changes in read_portfolios(tmp_path / "mine.yaml").items()} == {"free": 0, "none": 1}
