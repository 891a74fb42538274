"""All that a formulation may read: frozen dataclasses of numpy arrays.

Sizes: T periods, Z scenarios, S slices of all scenarios, P pools, K tranches, O committed offers, H hired offers, W workloads, Q demand
classes, R routes of serving and batch workloads, B standby routes, J gang routes (training), N regional splits, C capped regions, M
placements, Y contracts whose capacity may be had by the hour, G groups of offers that share their lots, V offers of which a part is paid
only where it is used, F choices of a pool (workload, pool), L (offer, period) pairs that come late in some scenario, E hedges. Integer
arrays hold positions in the list they name. `Slices` holds what may vary from slice to slice, `Scenarios` what may vary from scenario to
scenario.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def members(of: Ints, n: int) -> list[list[int]]:
    """The positions at which each of 0..n-1 stands in `of`, as plain ints (Pyomo is slow with numpy's)."""
    groups: list[list[int]] = [[] for _ in range(n)]
    for position, group in enumerate(of.tolist()):
        groups[group].append(position)
    return groups


def somewhere(values: Floats) -> list[bool]:
    """(items,) whether a figure (scenarios, items) is above 0 in any scenario, as plain truth values."""
    return [bool(most > 0) for most in values.max(axis=0, initial=0.0)]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Periods and slices. A slice is (scenario, period, block), in that order."""

    period_hours: Floats  # (T,)
    months: Floats  # (T,) for prices per month
    slice_period: Ints  # (S,)
    slice_block: Ints  # (S,)
    slice_scenario: Ints  # (S,)


@dataclass(frozen=True, slots=True)
class Pools:
    """Offers that no workload can tell apart; GPUs of a pool are fungible."""

    region: Ints  # (P,)
    operator: Ints  # (P,) provider
    country: Ints  # (P,) of the region
    interruptible: Bools  # (P,)
    metered: Bools  # (P,)


@dataclass(frozen=True, slots=True)
class Committed:
    """Owned and reserved offers, identical ones merged, and the tranches they fill.

    A tranche is the committed capacity of one pool at one availability.
    """

    tranche: Ints  # (O,)
    lot_gpus: Floats  # (O,) GPUs
    whole: Bools  # (O,) lots are integers
    least: Floats  # (O,) lots; 0 where no start switch is needed
    most: Floats  # (O,) lots in force at any one time
    first: Ints  # (O,) first period a lot may start
    last: Ints  # (O,) last period a lot may start
    term: Ints  # (O,) periods in force; T where it runs to the end of the horizon
    most_starts: Floats  # (O,) lots that may start in one period
    paid_gpus: Floats  # (O,) GPUs of a lot that are paid whether used or not: take-or-pay share · lot_gpus
    groups: tuple[tuple[int, ...], ...]  # (G,) offers that share their lots
    group_most: Floats  # (G,) lots of all its offers in force at any one time
    group_starts: Floats  # (G,) lots of all its offers that may start in one period
    cost: Floats  # (T, O) money per lot started in t, what is paid whether used or not, all of it that falls inside the horizon
    tranche_pool: Ints  # (K,)
    already: Floats  # (T, K) GPUs in force of lots signed before that are paid whether used or not
    callable: Ints  # (V,) offers of which a part is paid only where it is used
    callable_already: Floats  # (T, V) GPUs in force of lots signed before that are paid only where they are used
    sunk: float  # money: what lots signed before cost inside the horizon
    late_offer: Ints  # (L,) offers that some scenario delivers late,
    late_period: Ints  # (L,) and the periods in which they are not there, then


@dataclass(frozen=True, slots=True)
class Hired:
    """Usage-based offers (on demand, interruptible), identical ones merged."""

    pool: Ints  # (H,)
    lot_gpus: Floats  # (H,) GPUs
    whole: Bools  # (H,)
    least: Floats  # (H,) lots; 0 where no switch is needed


@dataclass(frozen=True, slots=True)
class Workloads:
    """What is asked for. Limits that vary with scenarios or slices are in `Scenarios` and `Slices`."""

    training: Bools  # (W,)
    total: Floats  # (W,) outcomes over the horizon, the mean over scenarios
    weight: Floats  # (W,) outcome weight
    min_service: Floats  # (W,)
    sheddable: Bools  # (W,) outcomes may be left unserved at all
    move_share: Floats  # (W,)
    unserved_cost: Floats  # (W,) money per outcome
    interruptible_share: Floats  # (W,)
    operator_share: Floats  # (W,)
    country_share: Floats  # (W,)
    failover_share: Floats  # (W,)

    @property
    def asked(self) -> Bools:
        """(W,) True where any outcome is asked for. All that the pattern of rows rests on: how many is a parameter."""
        return np.asarray(self.total > 0)


@dataclass(frozen=True, slots=True)
class Routes:
    """Open routes: (demand class, pool, profile)."""

    workload: Ints  # (R,)
    klass: Ints  # (R,)
    pool: Ints  # (R,)
    region: Ints  # (R,)
    gpus: Floats  # (R,) GPUs that a replica takes


@dataclass(frozen=True, slots=True)
class Standby:
    """Ways to stand by for a workload with a failover share: (workload, pool, profile)."""

    workload: Ints  # (B,)
    pool: Ints  # (B,)
    region: Ints  # (B,)
    gpus: Floats  # (B,)


@dataclass(frozen=True, slots=True)
class Jobs:
    """Gang routes of training workloads: (workload, pool, profile)."""

    workload: Ints  # (J,)
    pool: Ints  # (J,)
    region: Ints  # (J,)
    gpus: Floats  # (J,) GPUs that a gang takes
    choice_workload: Ints  # (F,) workloads that may not move,
    choice_pool: Ints  # (F,) and the pools that one may choose


@dataclass(frozen=True, slots=True)
class Splits:
    """(workload, region) pairs whose served outcomes are asked for by a row of their own."""

    workload: Ints  # (N,)
    region: Ints  # (N,)
    country: Ints  # (N,)


@dataclass(frozen=True, slots=True)
class Placements:
    """(dataset, region) pairs, homes left out, that an open route could use; what a copy costs is in `Scenarios`."""

    dataset: Ints  # (M,)
    region: Ints  # (M,)
    needed_by: tuple[tuple[int, ...], ...]  # (D,) workloads that need the dataset
    home_cost: float  # money: storage at the homes


@dataclass(frozen=True, slots=True)
class Hedges:
    """Contracts that pay on an index; what a lot costs less what it pays is in `Scenarios`."""

    held: Floats  # (E,) lots held before, which stay
    most: Floats  # (E,) lots that may be held
    whole: Bools  # (E,) lots are integers


@dataclass(frozen=True, slots=True)
class Risk:
    """The measure of risk: (1 − weight) · expected cost + weight · CVaR of the cost at level alpha."""

    alpha: float
    weight: float
    tracked: bool = False  # the CVaR is a variable of the program, with or without a weight

    @property
    def counts(self) -> bool:
        return self.weight > 0 or self.tracked


@dataclass(frozen=True, slots=True)
class Scenarios:
    """What may vary from scenario to scenario. The first axis is Z, or 1 where all scenarios are alike; what has a period and an item
    stands at items · period + item.
    """

    probability: Floats  # (Z, 1)
    total: Floats  # (., W) outcomes over the horizon
    demand_share: Floats  # (., T·W) 1 ÷ outcomes demanded of the workload in the period; 0 where none are
    move_limit: Floats  # (., T·W) share that may change region from the period before; 1 where one of them has no demand
    job_rate: Floats  # (., J) outcomes per gang-hour
    job_most: Floats  # (., T·J) gangs that would do the whole job in that period, or that its pool can hold; 0 outside release..deadline
    job_short: Floats  # (., T·J) how many of these may not run with all layers enforced; only where layers are to be compared
    gangs_needed: Floats  # (., F) gangs that the job needs at least in that pool
    copy_cost: Floats  # (., M) money over the horizon for a dataset in a region: storage, replication, refresh
    position_cost: Floats  # (., E) money per lot held: premium and carry less payoff
    late_credit: Floats  # (., L) money per lot in force that is not paid, because it is not there yet


@dataclass(frozen=True, slots=True)
class Relaxable:
    """What the layers limit, kept apart from the program so that each may be dropped: only where layers are to be compared.

    The program then holds every route, open or closed, and whatever a dropped layer would allow: committed capacity by the hour
    (`by_hour`), GPUs that are out of service (`spare`). Which of it counts is decided by bounds alone (`relaxation.py`).
    """

    route_blockers: Ints  # (Z, R) reasons
    standby_blockers: Ints  # (Z, B)
    job_blockers: Ints  # (Z, J)
    job_window: Bools  # (T, J) release..deadline
    job_on_offer: Floats  # (Z, T, J) gangs, or parts of one, that all capacity on offer in the pool could hold
    lots_on_offer: Floats  # (O,) lots in force at any one time; `Committed.most` are those that all demand could use
    lots_window: Bools  # (T, O) periods in which a lot may start
    starts_on_offer: Floats  # (O,) lots that may start in one period; `Committed.most_starts` are without limit
    hired_on_offer: Floats  # (S, H) lots, 0 outside the offer's window; `Slices.hire_most` are those that all demand could use
    by_hour_pool: Ints  # (Y,)
    by_hour_on_offer: Floats  # (S, Y) GPUs, 0 where no lot could be in force
    by_hour_useful: Floats  # (1, Y) GPUs that all demand could use
    spare_pools: Ints  # pools of which some capacity is less than fully available


@dataclass(frozen=True, slots=True)
class Slices:
    """What may vary from slice to slice. The first axis is S, or 1 where all slices are alike."""

    probability: Floats  # (S, 1) of the slice's scenario; (1, 1) where there is one scenario
    hours: Floats  # (S, 1)
    demand: Floats  # (S, Q) outcomes
    workload_demand: Floats  # (S, W) outcomes
    rate: Floats  # (., R) outcomes per replica-hour
    egress_cost: Floats  # (., R) money per outcome
    standby_rate: Floats  # (., B) outcomes per replica-hour
    owned_available: Floats  # (., K) usable share
    hired_available: Floats  # (., H) usable share
    hire_price: Floats  # (., H) money per GPU-hour
    hire_most: Floats  # (., H) lots
    call_price: Floats  # (., V) money per GPU-hour
    kw: Floats  # (., P) kW at the meter per GPU
    energy_price: Floats  # (., P) money per kWh; 0 where included
    cap_mw: Floats  # (., C) MW, inf where none
    by_hour_price: Floats  # (., Y) money per GPU-hour, upfront included; Y = 0 where layers are not to be compared
    by_hour_available: Floats  # (., Y) usable share


@dataclass(frozen=True, slots=True)
class Data:
    """One instance, prepared."""

    calendar: Calendar
    pools: Pools
    committed: Committed
    hired: Hired
    workloads: Workloads
    class_workload: Ints  # (Q,)
    routes: Routes
    standby: Standby
    jobs: Jobs
    splits: Splits
    placements: Placements
    capped: Ints  # (C,) regions with a power cap in some period
    hedges: Hedges
    scenarios: Scenarios
    slices: Slices
    risk: Risk
    budget: float  # money, inf where none
    relaxable: Relaxable | None = None

    @property
    def periods(self) -> int:
        return len(self.calendar.period_hours)

    @property
    def n_scenarios(self) -> int:
        return len(self.scenarios.probability)

    @property
    def probability(self) -> Floats:
        """(Z,)"""
        return self.scenarios.probability[:, 0]

    @property
    def n_slices(self) -> int:
        """Slices of all scenarios."""
        return len(self.calendar.slice_period)

    @property
    def scenario_slices(self) -> int:
        """Slices of one scenario; the first ones are those of the first scenario."""
        return self.n_slices // self.n_scenarios

    @property
    def counts_cost(self) -> bool:
        """Whether the cost of a scenario is a variable of the program: there is a budget, or the CVaR counts."""
        return self.budget < float("inf") or self.risk.counts
