"""Known answers of the search, and defects of solvers that must not come through."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ailis_opt.engine.compile import Program
from ailis_opt.engine.highs import Solver
from ailis_opt.engine.ratio import Step, minimize_ratio
from ailis_opt.engine.search import Options, Outcome, Progress, Search
from ailis_opt.errors import NumbersError
from tests.models.dense import INF, program
from tests.models.markets import market, offer, prepared, stamped


def changed(p: Program, field: str, value: Any) -> Program:
    """The program with one field replaced."""
    new: dict[str, Any] = {field: value}
    return replace(p, **new)


def search(p: Program, ratio: bool = False, **options: float) -> Outcome:
    return Search(p, Options(ratio=ratio, **{"gap": 1e-9, **options}), lambda _: False).run()


# -- the ratio: min (12 + 9a + 4b + 5·[a > 0]) / (5a + 3b), 3a + 2b <= 20, a <= 6, b <= 8, integers, not both 0 -----------------

POINTS = [(a, b) for a, b in itertools.product(range(7), range(9)) if 3 * a + 2 * b <= 20 and a + b > 0]


def split(a: int, b: int) -> tuple[float, float]:
    """N and D."""
    return 12 + 9 * a + 4 * b + 5 * (a > 0), 5 * a + 3 * b


def enumerate_points(price: float, _: float) -> Step:
    n, d = min((split(*point) for point in POINTS), key=lambda nd: nd[0] - price * nd[1])
    return Step(n, d, n - price * d)


MOST = max(split(*point)[1] for point in POINTS)
RATIO = program(  # a, b, [a > 0], and the outcomes not made
    cost=[9, 4, 5, 0],
    rows=[(-INF, [3, 2, 0, 0], 20), (-INF, [1, 0, -6, 0], 0), (1, [1, 1, 0, 0], INF), (MOST, [5, 3, 0, 1], MOST)],
    upper=[6, 8, 1, MOST],
    integer=[0, 1, 2],
    lost=[0, 0, 0, 1],
    offset=12,
    asked=MOST,
    least=3,
)


def test_dinkelbach_takes_three_solves() -> None:
    found = minimize_ratio(enumerate_points, 26 / 5, least=3, most=MOST, gap=1e-9)
    assert found.prices == pytest.approx((26 / 5, 63 / 31, 11 / 6))
    assert found.lower == pytest.approx(11 / 6) == found.upper


@pytest.mark.parametrize("least", [0.0, 3.0])
def test_dinkelbach_certifies_with_bounds_that_are_a_little_off(least: float) -> None:
    """A solver that proves 1e-4 too little: the interval holds 11/6 and is as wide as that allows."""

    def loose(price: float, gap: float) -> Step:
        step = enumerate_points(price, gap)
        return replace(step, bound=step.bound - 1e-4)

    found = minimize_ratio(loose, 26 / 5, least=least, most=MOST, gap=1e-3)
    assert found.lower <= 11 / 6 <= found.upper == pytest.approx(11 / 6)
    assert found.upper - found.lower <= 1e-3 * found.upper


def test_dinkelbach_divides_a_positive_bound_by_the_most() -> None:
    """The solver knows 20/10 and proves that nothing beats N = 19 at D = 10: at the price 1.8 that is a bound of 1, worth 0.1."""
    found = minimize_ratio(lambda price, _: Step(20, 10, 19 - 10 * price), 2.0, least=0, most=10, gap=0.1)
    assert found.prices == pytest.approx((2.0, 1.8))
    assert (found.lower, found.upper) == pytest.approx((1.9, 2.0))


def test_dinkelbach_claims_nothing_without_a_plan() -> None:
    found = minimize_ratio(lambda price, gap: Step(None, None, -INF), 5.0, least=1, most=10, gap=1e-4)
    assert (found.lower, found.upper, found.prices) == (0.0, 5.0, (5.0,))


def test_ratio_with_integers() -> None:
    found = search(RATIO, ratio=True)
    assert found.status == "optimal"
    assert found.x is not None
    assert found.x[:3].tolist() == [0, 8, 0]
    assert (found.cost, found.outcomes) == pytest.approx((44, 24))
    assert found.lower <= 11 / 6 * (1 + 1e-12)
    assert found.upper == pytest.approx(11 / 6, rel=1e-12)


def test_ratio_is_not_the_cheapest_plan() -> None:
    cheapest = search(RATIO)
    assert cheapest.upper == pytest.approx(16)  # (0, 1)
    assert cheapest.upper / 3 > 11 / 6


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_ratio_of_random_programs(seed: int, empty: bool) -> None:
    """Against enumeration. With `empty`, serving nothing for nothing is a plan, too, and the best one at every price below the answer."""
    rng = np.random.default_rng(seed)
    (c, d), fixed = rng.integers(1, 20, (2, 3)).astype(float), 0.0 if empty else float(rng.integers(1, 40))
    weight, limit = rng.integers(1, 6, 3).astype(float), 15.0
    step = 5 * d.max()  # outcomes come from lots in part only
    points = [np.array(x) for x in itertools.product(range(5), repeat=3) if any(x) and weight @ x <= limit]
    most = float(max(d @ x for x in points))
    best = min((fixed + c @ x) / min(d @ x, step) for x in points)
    p = program(  # three kinds of lots, and the outcomes not made
        cost=[*c, 0],
        rows=[(-INF, [*weight, 0], limit), (0 if empty else 1, [1, 1, 1, 0], INF), (most, [*d, 1], INF), (most - step, [0, 0, 0, 1], INF)],
        upper=[4, 4, 4, most],
        integer=[0, 1, 2],
        lost=[0, 0, 0, 1],
        offset=fixed,
        asked=most,
        least=0.0 if empty else min(float(d.min()), step),
    )
    found = search(p, ratio=True)
    assert found.status == "optimal"
    assert found.lower <= best * (1 + 1e-9)
    assert found.upper == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("gap", [1e-9, 1e-4])
def test_ratio_where_serving_nothing_is_allowed(gap: float) -> None:
    """Lots of 7 at 2 a GPU, 10 asked for, none of it a must: one lot at 14/7 beats two at 28/10."""
    lots = offer("lots", 2, contract="reserved", lot_gpus=7)
    market_ = market(lots, work={"min_service": 0}, header={"objective": "cost_per_outcome"})
    found = search(stamped(prepared(market_).data), ratio=True, gap=gap)
    assert found.status == "optimal"
    assert (found.cost, found.outcomes) == pytest.approx((14, 7))


def test_ratio_where_nothing_can_be_served() -> None:
    """There is no cost per outcome without an outcome."""
    none = market(offer("hire", 2, max_lots=0), work={"min_service": 0}, header={"objective": "cost_per_outcome"})
    found = search(stamped(prepared(none).data), ratio=True)
    assert found.x is None
    assert found.status == "infeasible"


# -- duals ----------------------------------------------------------------------------------------------------------------------


def test_duals_are_prices() -> None:
    """min x + 100y, x + y >= 1, x, y <= 1: any price in 1..100 is right."""
    answer = Solver(program([1, 100], [(1, [1, 1], INF)], [1, 1])).relax(INF)
    assert answer.objective == pytest.approx(1)
    assert answer.row_dual is not None
    assert 1 - 1e-9 <= answer.row_dual[0] <= 100 + 1e-9


def test_duals_are_in_the_program_s_own_units() -> None:
    """Rows and columns far from 1: 1e6·x >= 3e6 with x at 5 a unit has the price 5e-6."""
    answer = Solver(program([5, 70], [(3e6, [1e6, 0], INF), (0.002, [0, 0.001], INF)], [10, 10])).relax(INF)
    assert answer.row_dual is not None
    assert answer.row_dual.tolist() == pytest.approx([5e-6, 7e4])


# -- defects of solvers -----------------------------------------------------------------------------------------------------------


def test_tolerances_are_not_spent() -> None:
    """min 3x + 2y, x + y >= 4.5, x integer: 9, where solvers have claimed 8.999999."""
    found = search(program([3, 2], [(4.5, [1, 1], INF)], [10, 10], [0]))
    assert found.status == "optimal"
    assert found.upper == pytest.approx(9, abs=1e-7)
    assert found.lower <= 9


@pytest.mark.parametrize("big", [1e3, 1e6, 1e7, 1e8])
def test_no_trickle_flow(big: float) -> None:
    """min 1000y + 2000z, x <= big·y, x + z >= 1, y binary: 1000, not 1000/big with y = 1/big."""
    found = search(program([0, 1000, 2000], [(-INF, [1, -big, 0], 0), (1, [1, 0, 1], INF)], [INF, 1, INF], [1]))
    assert found.status == "optimal"
    assert found.upper == pytest.approx(1000, rel=1e-9)
    assert found.x is not None
    assert found.x[1] == 1


def test_integers_that_stay_at_zero() -> None:
    """min 2x + 3z, x + z >= 4.5, x, z <= 10, z integer: 9, where a solver has said 15."""
    found = search(program([2, 3], [(4.5, [1, 1], INF)], [10, 10], [1]))
    assert found.status == "optimal"
    assert (found.lower, found.upper) == pytest.approx((9, 9), abs=1e-7)


def test_infeasible_rows() -> None:
    assert search(program([1, 1], [(3, [1, 1], INF)], [1, 1])).status == "infeasible"


@pytest.mark.parametrize("ratio", [False, True])
def test_infeasible_only_because_of_integers(ratio: bool) -> None:
    """2x + 2y = 3 has no whole solution; its relaxation has."""
    p = program([1, 1, 0], [(3, [2, 2, 0], 3), (4, [1, 1, 1], 4)], [5, 5, 4], [0, 1], lost=[0, 0, 1], asked=4, least=1)
    found = search(p, ratio)
    assert found.x is None
    assert found.status == "infeasible"


def test_infeasible_only_because_of_integers_in_a_market() -> None:
    """Three gangs that must be in one pool; each of two pools holds two, and both may be chosen by halves."""
    pools = (offer("a", 1, max_lots=2), offer("b", 1, max_lots=2, tier="trusted"))
    found = search(stamped(prepared(market(*pools, work={"kind": "training", "max_move_share": 0}, demand=3)).data))
    assert found.status == "infeasible"


@pytest.mark.parametrize("value", [math.nan, INF, -INF])
@pytest.mark.parametrize("field", ["value", "cost", "lost"])
def test_numbers_that_are_none_are_refused(field: str, value: float) -> None:
    p = program([1, 2], [(1, [1, 1], INF)], [5, 5])
    array = getattr(p, field).copy()
    array[-1] = value
    with pytest.raises(NumbersError):
        Solver(changed(p, field, array))


@pytest.mark.parametrize(
    ("field", "value"),
    [(f, math.nan) for f in ("row_lower", "row_upper", "column_lower", "column_upper")]
    + [("row_lower", INF), ("row_upper", -INF), ("column_lower", INF), ("column_upper", -INF)],
)
def test_bounds_that_are_none_are_refused(field: str, value: float) -> None:
    p = program([1, 2], [(1, [1, 1], INF)], [5, 5])
    with pytest.raises(NumbersError):
        Solver(changed(p, field, np.full(len(getattr(p, field)), value)))


@pytest.mark.parametrize("field", ["offset", "asked"])
def test_constants_that_are_none_are_refused(field: str) -> None:
    with pytest.raises(NumbersError):
        Solver(changed(program([1], [(1, [1], INF)], [5]), field, math.nan))


def test_a_coefficient_that_would_be_dropped_is_refused() -> None:
    """1e-10 beside 1 in both its row and its column: no scaling saves it."""
    with pytest.raises(NumbersError, match="span too far"):
        Solver(program([1, 1], [(1, [1, 1e-10], INF), (1, [0, 1], INF)], [5, 5], [0, 1]))


def test_a_small_coefficient_that_scales_is_kept() -> None:
    """min x + 1e-11·y, x + 1e-10·y >= 1: y = 1e10 for 0.1, which is lost if 1e-10 is dropped."""
    found = search(program([1, 1e-11], [(1, [1, 1e-10], INF)], [INF, INF]))
    assert found.upper == pytest.approx(0.1, rel=1e-6)


def split_market(rows: int, columns: int) -> Program:
    """A market split (Cornuéjols and Dawande 1999): tiny, and out of reach for branch and bound."""
    weight = np.random.default_rng(5).integers(1, 100, (rows, columns)).astype(float)
    slack = np.hstack([np.eye(rows), -np.eye(rows)])
    half = np.floor(weight.sum(axis=1) / 2)
    equal = [(half[i], [*weight[i], *slack[i]], half[i]) for i in range(rows)]
    return program([0.0] * columns + [1.0] * 2 * rows, equal, [1.0] * columns + [INF] * 2 * rows, range(columns))


def test_time_limit() -> None:
    found = search(split_market(5, 45), time_limit=2.0)
    assert found.status == "limit"
    assert found.x is not None
    assert found.lower < found.upper == pytest.approx(found.cost)


def test_no_time_at_all() -> None:
    found = search(split_market(5, 45), time_limit=0.0)
    assert found.status == "limit"
    assert found.lower <= found.upper


def test_stopped_by_the_report() -> None:
    """A report that says stop ends the search with the best plan so far."""
    seen: list[Progress] = []

    def stop(progress: Progress) -> bool:
        seen.append(progress)
        return progress.upper < math.inf

    found = Search(split_market(5, 45), Options(ratio=False, gap=1e-9, time_limit=60), stop).run()
    assert found.status == "limit"
    assert found.x is not None
    assert len(seen) > 1
    assert all(a.seconds <= b.seconds for a, b in itertools.pairwise(seen))


def test_integers_that_the_solver_infers() -> None:
    """ERGO-Code/HiGHS 3274: min x1, x1 >= x2, x0 + x2 = x3, 68 x2 + x3 <= 12, x0 and x3 whole. Presolve makes x2 whole: 1, not 0.

    The search therefore does without presolve where that costs nothing, and larger programs hold no column that follows from
    integers alone.
    """
    rows = [(0.0, (0, 1, -1, 0), INF), (0.0, (1, 0, 1, -1), 0.0), (-INF, (0, 0, 68, 1), 12.0)]
    asked = program((0, 1, 0, 0), rows, upper=(INF,) * 4, lower=(-INF, -INF, 0, 0), integer=(0, 3))
    assert Solver(asked).search(INF, 1e-9, presolve=False).objective == pytest.approx(0.0, abs=1e-7)
    assert Search(asked, Options(ratio=False, gap=1e-9), lambda _: False).run().upper == pytest.approx(0.0, abs=1e-7)


def test_bounds_of_a_running_search_are_not_believed() -> None:
    """HiGHS calls back from searches of its heuristics, too: on a market split it tells of bounds far above the plans that it has."""
    asked = program((1, 1), [(1, (1, 1), INF)], upper=(5, 5), integer=(0,), lost=(0, 1), asked=10.0, least=0.0)
    search = Search(asked, Options(ratio=True), lambda _: False)
    for tell in (search.solver.maximize_outcomes, lambda: search.solver.set_price(0.5)):
        tell()
        search._watch()(6.0, INF, np.zeros(1))
        assert search.lower == -INF
