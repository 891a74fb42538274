"""For every family an instance in which it binds and, where that can be, one in which it does not, with costs worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ailis_models.arrays import Data as Arrays
from ailis_opt.prepare import prepare
from tests.models.markets import Row, by_period, market, offer
from tests.support.files import Data, as_instance


@dataclass(frozen=True)
class Case:
    """`binding` costs `cost`, and `free` without the family's rows; `slack` costs `slack_cost` with and without them.

    `free` is minus infinity where nothing else holds the cost up. `defined` are values of the family's variables in the (only) best plan of
    `binding`. With `ratio` costs are per outcome. `implied` names families that follow from this one and are taken away with it; with
    `relaxed` the costs are those of the relaxation, and with `relaxable` those of the program in which layers may be dropped, none of them
    enforced by bounds.
    """

    binding: Data
    cost: float
    free: float
    slack: Data | None = None
    slack_cost: float = 0.0
    defined: dict[str, list[Any]] = field(default_factory=dict)
    ratio: bool = False
    implied: tuple[str, ...] = ()
    relaxed: bool = False
    relaxable: bool = False

    def arrays(self, data: Data) -> Arrays:
        """`binding` or `slack`, prepared."""
        return prepare(as_instance(data), self.relaxable).data


def _capped(cap_mw: float) -> Data:
    regions: list[Row] = [{"region": "a", "country": "DE", "pue": 1.25}, {"region": "b", "country": "FR"}]
    skus = [{"sku": "s", "power_kw_per_gpu": 0.8}]
    power = [{"region": "a", "period": 0, "cap_mw": cap_mw, "curtailed_share": 0.25}]
    return market(offer("near", 2), offer("far", 3, region="b"), regions=regions, skus=skus, power=power)


def _packed() -> Data:
    """5 replicas of 3 GPUs, each of which takes 4 of a domain of 8."""
    return market(offer("hire", 2), profile={"gpus": 3, "units_per_hour": 2})


TRAINING = {"kind": "training"}
NEAR_FAR = (offer("near", 1), offer("far", 3, region="b"))


def _pinned(cheap: int, demand: float = 4) -> Data:
    """Four gangs' work in one pool: the cheap one, if it holds enough of them at 1 (more there cost 9)."""
    offers = (offer("cheap", 1, max_lots=cheap), offer("more", 9), offer("dear", 3, tier="trusted"))
    return market(*offers, work=TRAINING | {"max_move_share": 0}, demand=demand)


def _held_back(cheap: int, periods: int) -> Data:
    """Four gangs' work in one pool, and nothing but `cheap` lots in the cheap one."""
    offers = (offer("cheap", 1, max_lots=cheap), offer("dear", 3, tier="trusted"))
    work = TRAINING | {"max_move_share": 0}
    return market(*offers, work=work, demand=[{"workload": "w", "outcomes": 4}], periods=periods)


def _data(home: float, away: float, **work: Any) -> Data:
    """100 GB at home in `a`, 0.1 a GB to send them to `b`."""
    return market(
        offer("home", home),
        offer("away", away, region="b"),
        work=work | {"datasets": ["d"]},
        datasets=[{"dataset": "d", "region": "a", "size_gb": 100}],
        egress=[{"from_region": "a", "to_region": "b", "price_per_gb": 0.1}],
    )


def _spot(most: int, **work: Any) -> Data:
    return market(
        offer("spot", 1, contract="interruptible", max_lots=most, interruptions_per_hour=0),
        offer("firm", 3),
        work=work | {"max_interruptible_share": 0.4},
    )


def _standby(most: float, other: float, share: float, egress: float) -> Data:
    """Outcomes that `b` serves cost `egress` more: standing by there is cheaper than serving."""
    return market(
        offer("near", 1, max_lots=most),
        offer("far", other, region="b"),
        work={"failover_share": share, "gb_per_outcome": 1},
        demand=[{"workload": "w", "geo": "north", "outcomes": 10}],
        latency=[{"geo": "north", "region": "a", "rtt_ms": 1}, {"geo": "north", "region": "b", "rtt_ms": 1}],
        egress=[
            {"from_region": "a", "to_region": "north", "price_per_gb": 0},
            {"from_region": "b", "to_region": "north", "price_per_gb": egress},
        ],
    )


def _moving(last: int) -> Data:
    """`a` is cheap until period `last`, then dear; in period 1 all work would move to `b`, but 40 % may."""
    early = offer("early", 1, last_start=last)
    return market(early, offer("late", 4), offer("b", 2, region="b"), work={"max_move_share": 0.4}, demand=by_period(10, 10), periods=2)


def _operators(most: int, **work: Any) -> Data:
    """One region, two operators."""
    return market(offer("p", 1, max_lots=most), offer("q", 3, provider="q"), work=work | {"max_operator_share": 0.6})


def _countries(most: int, **work: Any) -> Data:
    return market(offer("near", 1, max_lots=most), offer("far", 3, region="b"), work=work | {"max_country_share": 0.6})


def _shedding(penalty: float) -> Data:
    return market(offer("hire", 2), work={"min_service": 0.5, "unserved_cost_per_outcome": penalty})


def _reserved(**more: Any) -> dict[str, Any]:
    return offer("reserve", 1, contract="reserved", max_lots=20) | more


def _terms() -> Data:
    """Lots of 5 for two periods at 1: one is signed, one starts in period 0, one in period 1."""
    lots = _reserved(lot_gpus=5, term_periods=2, committed_lots=1)
    return market(lots, demand=by_period(10, 15, 5), periods=3)


def _by_use(price: float) -> Data:
    """Two lots of 4 for 1 a GPU upfront; half of a lot is paid in any case, the other half where it is used; all others at 3."""
    lots = _reserved(lot_gpus=4, max_lots=2, upfront_per_gpu=1, term_periods=1, take_or_pay_share=0.5, price_per_gpu_hour=price)
    return market(lots, offer("any", 3))


def _together(**limit: Any) -> Data:
    """Lots at 1 and at 1.5 that are the same ones, sold in two ways; all others at 3."""
    each = {"contract": "reserved", "shares_lots_with": "both", "max_lots": 20} | limit
    return market(offer("one", 1, **each), offer("other", 1.5, **each), offer("any", 3))


def _least(demand: float, contract: str) -> Data:
    """At least 8 lots at 1, or any number at 3."""
    lots = offer("lots", 1, contract=contract, min_lots=8, max_lots=20)
    return market(lots, offer("any", 3, tier="trusted"), demand=demand)


def _budget(limit: float) -> Data:
    """2 GPUs signed for 5 each; all others at 2. The more is served, the cheaper an outcome."""
    owned = offer("own", 5, contract="owned", committed_lots=2, max_lots=0)
    return market(owned, offer("hire", 2), work={"min_service": 0}, header={"objective": "cost_per_outcome", "budget": limit})


def _held(gpus: int) -> Data:
    """GPUs signed before for 1 each (80 % of them usable), and all others for 2 (80 %, too)."""
    owned = offer("own", 1, contract="owned", committed_lots=gpus, max_lots=0, availability=0.8)
    return market(owned, offer("hire", 2, availability=0.8))


def _tail() -> Data:
    """Nothing or 2 are asked for, as likely: reserved at 2, hired at 3. The worse four fifths count: 5/8 of one, 3/8 of the other."""
    change = {"scenario": "less", "table": "demand", "column": "outcomes", "value": 0}
    return market(
        offer("ahead", 2, contract="reserved"),
        offer("hire", 3),
        demand=2,
        header={"risk": {"alpha": 0.2, "weight": 1}},
        scenarios=[{"scenario": "less"}, {"scenario": "more"}],
        changes=[change],
    )


NO_END = float("-inf")
TAIL = {"outlay": [[0.0], [6.0]], "value_at_risk": [0.0], "shortfall": [[0.0], [6.0]], "cvar": [3.75]}
FLOW = {"served": [[6.0, 4.0]]}

CASES: dict[str, Case] = {
    # 6 kW of 8 are left: 6 GPUs at 2, 4 at 3
    "power_cap": Case(_capped(0.008), 6 * 2 + 4 * 3, 20, _capped(0.04 / 3), 20),
    "use": Case(_packed(), 2 * 5 * 4, 0, defined={"used": [[20.0]], "replicas": [[5.0]]}),
    # 4 GPUs in hand give 3.2; the other 6.8 need 8.5 hired
    "capacity": Case(_held(4), 4 + 2 * 8.5, 4, _held(15), 15),
    # 10 of 10 GPUs run where nothing is out of service; as many as you like where that were no limit
    "spares": Case(market(offer("hire", 2, availability=0.8)), 10 * 2, 0, defined={"spare": [[2.0]]}, relaxable=True),
    # one lot on offer could not do the job, so the cheap pool is not chosen; three can, in two periods
    "gangs_held": Case(_held_back(1, 1), 4 * 3, 4 * 1, _held_back(3, 2), 4 * 1, defined={"chosen": [[0.0, 1.0]]}, relaxable=True),
    "gangs_in_chosen_pool": Case(_pinned(2), 4 * 3, 2 * 1 + 2 * 3, _pinned(4), 4, implied=("gangs_needed",)),
    "one_pool": Case(_pinned(2), 4 * 3, 2 * 1 + 2 * 3, _pinned(4), 4, implied=("gangs_needed",)),
    # three whole gangs, where two and a half would do
    "gangs_needed": Case(_pinned(9, 2.5), 3, 2.5, _pinned(9, 3), 3, defined={"chosen": [[1.0, 0.0]]}, relaxed=True),
    # a copy for 10 and 10 GPUs at 1, instead of 10 at 3
    "data_in_place": Case(_data(3, 1), 10 + 10, 10, _data(1, 3), 10),
    "training_data_in_place": Case(_data(3, 1, kind="training"), 10 + 10, 10, _data(1, 3, kind="training"), 10),
    "interruptible": Case(_spot(9), 4 * 1 + 6 * 3, 9 * 1 + 1 * 3, _spot(3), 3 * 1 + 7 * 3),
    "training_interruptible": Case(_spot(9, kind="training"), 4 * 1 + 6 * 3, 9 * 1 + 1 * 3, _spot(3, kind="training"), 3 * 1 + 7 * 3),
    "regional": Case(_countries(9), 6 * 1 + 4 * 3, 9 * 1 + 1 * 3, defined=FLOW),
    # all is served in a; 5 stand by in b at 3 each, which is less than 3 + 2 for serving there
    "readiness": Case(
        _standby(20, 3, 0.5, 2), 10 + 5 * 3, 10, defined={"ready": [[10.0, 5.0]], "served": [[10.0, 0.0]], "standby": [[0.0, 5.0]]}
    ),
    "failover": Case(_standby(20, 3, 0.5, 2), 10 + 5 * 3, 10, _standby(5, 2, 0.3, 0), 5 * 1 + 5 * 2),
    # 40 % of 10 in a at 1, the rest of both periods in b at 2; seen from one side only, a move counts half: 80 %
    "arrivals": Case(_moving(0), 4 * 1 + 6 * 2 + 10 * 2, 8 * 1 + 2 * 2 + 10 * 2, _moving(1), 20, {"moved": [[0.4, 0.4]]}),
    "departures": Case(_moving(0), 4 * 1 + 6 * 2 + 10 * 2, 8 * 1 + 2 * 2 + 10 * 2, _moving(1), 20, {"moved": [[0.4, 0.4]]}),
    "movement": Case(_moving(0), 4 * 1 + 6 * 2 + 10 * 2, 10 * 1 + 10 * 2, _moving(1), 20),
    "operator_share": Case(_operators(9), 6 * 1 + 4 * 3, 9 * 1 + 1 * 3, _operators(5), 5 * 1 + 5 * 3),
    "country_share": Case(_countries(9), 6 * 1 + 4 * 3, 9 * 1 + 1 * 3, _countries(5), 5 * 1 + 5 * 3),
    "training_operator_share": Case(
        _operators(9, kind="training"), 6 * 1 + 4 * 3, 9 * 1 + 1 * 3, _operators(5, kind="training"), 5 * 1 + 5 * 3
    ),
    "training_country_share": Case(
        _countries(9, kind="training"), 6 * 1 + 4 * 3, 9 * 1 + 1 * 3, _countries(5, kind="training"), 5 * 1 + 5 * 3
    ),
    "demand": Case(_shedding(1), 5 * 2 + 5 * 1, 0, defined={"unserved": [[5.0]], "replicas": [[5.0]]}),
    # 9.5 outcomes need 10 gangs
    "training_done": Case(market(offer("hire", 2), work=TRAINING, demand=9.5), 10 * 2, 0),
    "training_output": Case(market(offer("hire", 2), work=TRAINING, demand=9.5), 10 * 2, 0, defined={"output": [[9.5]], "gangs": [[10.0]]}),
    "service_floor": Case(_shedding(1), 5 * 2 + 5 * 1, 10, _shedding(3), 20),
    "in_force": Case(_terms(), 10 + 20, 10, defined={"in_force": [1.0, 2.0, 1.0], "whole_lots": [1.0, 1.0, 0.0]}),
    "ownership": Case(_terms(), 10 + 20, 10, defined={"owned": [10.0, 15.0, 5.0]}),
    # of 8 GPUs 4 are paid, 4 called; without the right to call nothing would be signed, and all called at 1
    "call_right": Case(_by_use(1), 8 * 1 + 4 * 1 + 4 * 1 + 2 * 3, 10, defined={"callable": [4.0], "owned": [4.0]}),
    "call": Case(_by_use(1), 8 * 1 + 4 * 1 + 4 * 1 + 2 * 3, 10, _by_use(4), 30, {"called": [[4.0]]}),
    "shared_lots": Case(_together(max_lots=6), 6 * 1 + 4 * 3, 6 * 1 + 4 * 1.5, _together(), 10),
    "shared_starts": Case(_together(max_lots_per_period=2), 2 * 1 + 8 * 3, 2 * 1 + 2 * 1.5 + 6 * 3, _together(max_lots_per_period=10), 10),
    # three by the hour and three by the lot
    "shared_by_hour": Case(_together(max_lots=3), 6 * 1 + 4 * 3, 10, _together(max_lots=10), 10, relaxable=True),
    "least_lots": Case(_least(5, "reserved"), 8, 5, _least(10, "reserved"), 10),
    "sign_to_start": Case(_least(5, "reserved"), 8, 5, _least(10, "reserved"), 10, {"signed": [1.0], "whole_lots": [8.0]}),
    "least_hired": Case(_least(5, "on_demand"), 8, 5, _least(10, "on_demand"), 10),
    "engage_to_hire": Case(_least(5, "on_demand"), 8, 5, _least(10, "on_demand"), 10, {"engaged": [[1.0]], "part_hired": [[8.0, 0.0]]}),
    # with 20 to spend 2 + 5 are served, with 26 all 10
    "spending": Case(_budget(20), 20 / 7, 26 / 10, defined={"spend": [[10.0]], "unserved": [[3.0]]}, ratio=True),
    "signing": Case(_budget(20), 20 / 7, 26 / 10, defined={"spent": [10.0]}, ratio=True),
    "outlays": Case(_budget(20), 20 / 7, 26 / 10, defined={"outlay": [[20.0]]}, ratio=True),
    # a GPU ahead costs 2 in any case and saves 3 in 5/8: none is signed; without these rows nothing holds the CVaR up
    "tail": Case(_tail(), 5 / 8 * 6, NO_END, defined=TAIL),
    "tail_mean": Case(_tail(), 5 / 8 * 6, NO_END, defined=TAIL),
    "budget": Case(_budget(20), 20 / 7, 26 / 10, _budget(27), 26 / 10, ratio=True),
}


def _both(name: str, contract: str, price: float = 1, **more: Any) -> dict[str, Any]:
    return offer(name, price, contract=contract) | more


def _window(contract: str, **limit: Any) -> Data:
    """10 in each of two periods; for one hour at 1 within the limit, else at 3."""
    term = {"term_periods": 1} if contract == "reserved" else {}
    return market(_both("cheap", contract, **term, **limit), offer("dear", 3, tier="trusted"), demand=by_period(10, 10), periods=2)


# limit -> (instance, its cost, the same without the limit, its cost)
BOUNDS: dict[str, tuple[Data, float, Data, float]] = {
    f"{contract} {name}": (_window(contract, **limit), cost, _window(contract, **loose), free)
    for contract in ("reserved", "on_demand")
    for name, limit, cost, loose, free in (
        ("max_lots", {"max_lots": 6}, 2 * (6 + 4 * 3), {}, 20.0),
        ("max_lots, slack", {"max_lots": 10}, 20, {}, 20.0),
        *(((("max_lots_per_period", {"max_lots_per_period": 6}, 2 * (6 + 4 * 3), {}, 20.0)),) if contract == "reserved" else ()),
        ("first_start", {"first_start": 1}, 30 + 10, {"first_start": 0}, 20.0),
        ("lead_periods", {"lead_periods": 1}, 30 + 10, {"lead_periods": 0}, 20.0),
        ("last_start", {"last_start": 0}, 10 + 30, {"last_start": 1}, 20.0),
        ("whole lots", {"lot_gpus": 4, "whole_lots": True}, 2 * min(12, 8 + 2 * 3), {"lot_gpus": 4, "whole_lots": False}, 20.0),
    )
}
