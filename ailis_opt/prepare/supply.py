"""Tranches of committed capacity, and hired offers, from the market as it is grouped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ailis_models.arrays import Bools, Calendar, Committed, Data, Floats, Hired, Ints, Relaxable, Slices
from ailis_opt.prepare.market import COMMITTED, Supply


def in_force_until(offers: pd.DataFrame, periods: int) -> Ints:
    """(T, n) first period in which a lot started in t is no longer in force; a blank term runs to the end of the horizon."""
    term = offers["term_periods"].to_numpy(np.float64)[None, :]
    until: Ints = np.fmin(np.arange(periods)[:, None] + term, periods).astype(np.int64)
    return until


def lot_costs(offers: pd.DataFrame, hours: Floats, there: Ints | int = 0) -> tuple[Floats, Floats]:
    """(T, n) price and upfront of one lot started in t, what is paid inside the horizon whether it is used or not [money].

    price · take-or-pay share · lot_gpus · hours in force, none before period `there` (n,); upfront · lot_gpus · periods in force inside the
    horizon ÷ term (all of it if the term is blank).
    """
    t, until = np.arange(len(hours))[:, None], in_force_until(offers, len(hours))
    begin = np.minimum(np.maximum(t, there), until)
    term = offers["term_periods"].to_numpy(np.float64)[None, :]
    clock = np.concatenate([[0.0], np.cumsum(hours)])
    lot = offers["lot_gpus"].to_numpy(np.float64)
    paid = offers["take_or_pay_share"].to_numpy(np.float64) * lot
    price = offers["price_per_gpu_hour"].to_numpy(np.float64) * paid * (clock[until] - clock[begin])
    inside = np.where(np.isnan(term), 1.0, (until - t) / term)
    return price, offers["upfront_per_gpu"].to_numpy(np.float64) * lot * inside


def committed_arrays(supply: Supply, cal: Calendar, need: Floats) -> Committed:
    """Merged committed offers and their tranches. `need` (P,): GPUs that all demand could ever use of a pool, where max_lots is blank."""
    offers, periods = supply.offers, len(cal.period_hours)
    head = offers.iloc[[rows[0] for rows in supply.committed_of]].reset_index(drop=True)
    key, row, _ = tranches(supply)
    pool, availability = head["pool"].to_numpy(np.int64), head["least_available"].to_numpy(np.float64)
    tranche = key.get_indexer(pd.Index(head["tranche"])).astype(np.int64)
    limit = np.array([offers["max_lots"].iloc[rows].sum(skipna=False) for rows in supply.committed_of])
    useful = np.ceil(need[pool] / np.maximum(availability * head["lot_gpus"].to_numpy(np.float64), 1e-12) - 1e-9)
    least = head["least"].to_numpy(np.float64)
    already = np.zeros((periods, len(key)))
    callable_ = np.flatnonzero(head["paid_gpus"].to_numpy(np.float64) < head["lot_gpus"].to_numpy(np.float64))
    before = offers[offers["committed_lots"] > 0]
    price, upfront = lot_costs(before, cal.period_hours)
    until = in_force_until(before, periods)[0]
    sunk = float(((price[0] + upfront[0]) * before["committed_lots"].to_numpy()).sum())
    paid = (before["committed_lots"] * before["paid_gpus"]).to_numpy(np.float64)
    np.add.at(
        already.T,
        key.get_indexer(pd.Index(before["tranche_before"])),
        paid[:, None] * (np.arange(periods) < until[:, None]),
    )
    lots_before = np.array([offers["committed_lots"].iloc[rows].sum() for rows in supply.committed_of], np.float64)
    in_force = np.arange(periods)[:, None] < in_force_until(head, periods)[0][None, :]
    most = np.fmin(limit, np.maximum(useful, least))
    groups = _groups(head)
    price, upfront = lot_costs(head, cal.period_hours)
    return Committed(
        tranche=tranche,
        lot_gpus=head["lot_gpus"].to_numpy(np.float64),
        whole=head["whole_lots"].to_numpy(bool),
        least=least,
        most=most,
        first=head["start"].to_numpy(np.int64),
        last=head["last_start"].to_numpy(np.int64),
        term=np.nan_to_num(head["term_periods"].to_numpy(np.float64), nan=periods).astype(np.int64),
        most_starts=_starts(supply),
        paid_gpus=head["paid_gpus"].to_numpy(np.float64),
        groups=groups,
        group_most=np.array([min(float(head["max_lots"].iloc[list(g)].iloc[0]), float(most[list(g)].sum())) for g in groups], np.float64),
        group_starts=np.array([_starts(supply)[g[0]] for g in groups], np.float64),
        cost=price + upfront,
        tranche_pool=offers["pool"].to_numpy(np.int64)[row],
        already=already,
        callable=callable_,
        callable_already=((head["lot_gpus"] - head["paid_gpus"]).to_numpy(np.float64) * lots_before * in_force)[:, callable_],
        sunk=sunk,
        late_offer=np.zeros(0, np.int64),
        late_period=np.zeros(0, np.int64),
    )


def tranches(supply: Supply) -> tuple[pd.Index, Ints, Bools]:
    """Committed capacity of one pool that is there or not alike: its number, a row of `offers`, and (K,) whether it may come late.

    Lots signed before do not come late, and so stand apart from the lots of an offer that may.
    """
    offers = supply.offers[supply.offers["contract"].isin(COMMITTED)]
    before = offers[(offers["committed_lots"] > 0) | (offers["tranche"] == offers["tranche_before"])]
    codes = np.concatenate([offers["tranche"].to_numpy(np.int64), before["tranche_before"].to_numpy(np.int64)])
    rows = np.concatenate([offers.index.to_numpy(np.int64), before.index.to_numpy(np.int64)])
    late = np.concatenate([(offers["tranche"] != offers["tranche_before"]).to_numpy(), np.zeros(len(before), bool)])
    key, first = np.unique(codes, return_index=True)
    return pd.Index(key), rows[first], late[first]


def owned_available(offers: pd.DataFrame, row: Ints, late: Bools, cal: Calendar) -> Floats:
    """(S|1, K) usable share of committed capacity in one scenario: its availability, nothing before it is there.

    `row` and `late` of its tranches, as in `tranches`.
    """
    available = offers["availability"].to_numpy(np.float64)[row][None, :]
    if not late.any():
        return available
    start = np.where(late, offers["start"].to_numpy(np.int64)[row], 0)
    return np.where(cal.slice_period[:, None] >= start, available, 0.0)


def with_late(committed: Committed, supply: Supply, cases: Sequence[Supply], cal: Calendar) -> tuple[Committed, list[Floats]]:
    """What comes late in some scenario, and (1, L) the money per lot in force that is not paid in each of them for that.

    price · paid GPUs · hours of the period, where the offer is not there before a later one.
    """
    head = [int(rows[0]) for rows in supply.committed_of]
    starts = [case.offers["start"].to_numpy(np.int64)[head] for case in cases]
    t, first = np.arange(len(cal.period_hours))[:, None], committed.first
    latest = np.max(starts, axis=0, initial=0) if starts else first
    period, offer = np.nonzero((t >= first) & (t < latest))
    price = supply.offers["price_per_gpu_hour"].to_numpy(np.float64)[head][offer] * committed.paid_gpus[offer] * cal.period_hours[period]
    credits = [np.where(period < start[offer], price, 0.0)[None, :] for start in starts]
    return replace(committed, late_offer=offer, late_period=period), credits


def _groups(head: pd.DataFrame) -> tuple[tuple[int, ...], ...]:
    """Merged offers that share their lots; one alone has them as it is."""
    shared = head[head["shares_lots_with"] != ""]
    found = shared.groupby("shares_lots_with", sort=True).indices
    return tuple(tuple(int(i) for i in shared.index[rows]) for rows in found.values() if len(rows) > 1)


def _starts(supply: Supply) -> Floats:
    """(O,) lots of merged offers that may start in one period; infinite where that is no limit."""
    starts = np.array([supply.offers["max_lots_per_period"].iloc[rows].sum(skipna=False) for rows in supply.committed_of], np.float64)
    return np.where(np.isnan(starts), np.inf, starts)


def call_prices(supply: Supply, committed: Committed) -> Floats:
    """(1, V) money per GPU-hour of what is paid only where it is used."""
    rows = [supply.committed_of[o][0] for o in committed.callable.tolist()]
    return supply.offers["price_per_gpu_hour"].to_numpy(np.float64)[rows][None, :]


def hired_arrays(offers: pd.DataFrame, hired_of: Sequence[Ints], cal: Calendar, need: Floats) -> tuple[Hired, Floats, Floats]:
    """Merged hired offers, and (1|S, H) usable share, and most lots per slice."""
    first = [int(rows[0]) for rows in hired_of]
    head = {c: offers[c].to_numpy()[first] for c in ("pool", "lot_gpus", "whole_lots", "least", "availability", "start", "last_start")}
    lot, least, pool = head["lot_gpus"].astype(np.float64), head["least"].astype(np.float64), head["pool"].astype(np.int64)
    each = offers["max_lots"].to_numpy(np.float64)
    limit = np.array([each[rows].sum() for rows in hired_of])
    useful = need[pool] / np.maximum(head["availability"].astype(np.float64) * lot, 1e-12)
    most = np.fmin(limit, np.maximum(np.ceil(useful - 1e-9), least))
    t = cal.slice_period[:, None]
    window = (t >= head["start"]) & (t <= head["last_start"])
    return Hired(pool, lot, head["whole_lots"].astype(bool), least), head["availability"].astype(np.float64)[None, :], window * most


def hire_prices(supply: Supply, cal: Calendar) -> Floats:
    """(S|1, H) price per GPU-hour of merged hired offers."""
    price, steady = supply.prices[:, [int(rows[0]) for rows in supply.hired_of]], not (supply.prices != supply.prices[:1]).any()
    return price[:1] if steady else price[cal.slice_period]


def usable_gpus(committed: Committed, hired: Hired, slices: Slices, cal: Calendar, pools: int) -> Floats:
    """(T, P) GPUs that a pool can have running through all of a period at the most: everything on offer, and what was signed before."""
    t, c = np.arange(len(cal.period_hours))[:, None], committed
    there = (t >= c.first) & (t < c.last + c.term)
    gpus = np.zeros((pools, len(t)))
    available = slices.owned_available.max(axis=0)
    np.add.at(gpus, c.tranche_pool[c.tranche], (there * c.most * c.lot_gpus * available[c.tranche]).T)
    np.add.at(gpus, c.tranche_pool, (c.already * available).T)
    called = c.tranche[c.callable]
    np.add.at(gpus, c.tranche_pool[called], (c.callable_already * available[called]).T)
    by_slice = np.zeros((pools, len(cal.slice_period)))
    hire = slices.hire_most * hired.lot_gpus * slices.hired_available
    np.add.at(by_slice, hired.pool, np.broadcast_to(hire, (len(cal.slice_period), len(hired.pool))).T)
    least = np.full((pools, len(t)), np.inf)
    np.minimum.at(least.T, cal.slice_period, by_slice.T)
    total: Floats = (gpus + least).T
    return total


@dataclass(frozen=True, slots=True)
class _ByHour:
    """Committed capacity as if sold by the hour: merged offers, then lots signed before (which cannot be had in larger numbers)."""

    pool: Ints  # (Y,)
    available: Floats  # (Y,)
    price: Floats  # (T, Y) money per GPU-hour
    on_offer: Floats  # (T, Y) GPUs
    useful: Floats  # (Y,) GPUs


def _by_hour(supply: Supply, committed: Committed, hours: Floats, need: Floats) -> _ByHour:
    """price[t] = price_per_gpu_hour + upfront_per_gpu ÷ (term · hours of t), so that nothing costs more by the hour than by the lot.

    An offer is there from its first start to the end of the term of its last, with no more lots than may have started by then.
    """
    offers, periods = supply.offers, len(hours)
    before = np.flatnonzero(offers["committed_lots"].to_numpy(float) > 0)
    row = np.concatenate([[rows[0] for rows in supply.committed_of], before]).astype(np.int64)
    signed = np.arange(len(row)) >= len(supply.committed_of)
    lot, pool = offers["lot_gpus"].to_numpy(float)[row], offers["pool"].to_numpy(np.int64)[row]
    term = np.nan_to_num(offers["term_periods"].to_numpy(float)[row], nan=periods)
    t = np.arange(periods)[:, None]
    first = np.where(signed, 0, offers["start"].to_numpy(np.int64)[row])
    last = np.where(signed, 0, offers["last_start"].to_numpy(np.int64)[row])
    limit = [offers["max_lots"].iloc[rows].sum(skipna=False) for rows in supply.committed_of]
    stated = np.where(np.isnan(limit), np.inf, limit) if limit else np.zeros(0)
    lots = np.concatenate([stated, offers["committed_lots"].to_numpy(float)[before]])
    starts = np.clip(np.minimum(t, last) - np.maximum(first, t - term + 1) + 1, 0, None)  # periods in which lots in force may have started
    per_start = np.where(signed, np.inf, np.concatenate([_starts(supply), np.zeros(len(before))]))
    ramped = np.minimum(lots, np.maximum(starts, 1) * per_start)
    available = offers["availability"].to_numpy(float)[row]
    useful = np.minimum(need[pool] / np.maximum(available, 1e-12), np.where(signed, lots * lot, np.inf))
    on_offer = np.where((t >= first) & (t < last + term), np.minimum(ramped * lot, useful), 0.0)
    price = offers["price_per_gpu_hour"].to_numpy(float)[row] + offers["upfront_per_gpu"].to_numpy(float)[row] / term / hours[:, None]
    return _ByHour(pool, available, price, on_offer, useful)


def with_limits_apart(data: Data, supply: Supply, cases: Sequence[Supply], need: Floats, relaxable: Relaxable) -> Data:
    """The same market with its limits of supply in `Data.relaxable`, and in their place what all demand could use.

    `relaxable` has what closes routes and what limits gangs; the market's part is added.
    """
    c, periods = data.committed, np.arange(data.periods)[:, None]
    head = supply.offers.iloc[[rows[0] for rows in supply.committed_of]]
    usable = head["least_available"].to_numpy(float) * c.lot_gpus
    one = data.calendar.slice_period[: data.scenario_slices]
    hours = [_by_hour(case, c, data.calendar.period_hours, need) for case in cases]
    short = [hour.pool[hour.available < 1] for hour in hours] + [case.offers.loc[case.offers["availability"] < 1, "pool"] for case in cases]
    most = np.maximum(np.ceil(need[c.tranche_pool[c.tranche]] / np.maximum(usable, 1e-12) - 1e-9), np.maximum(c.least, c.most))
    hire = supply.offers.iloc[[rows[0] for rows in supply.hired_of]]
    useful = need[data.hired.pool] / np.maximum((hire["least_available"] * hire["lot_gpus"]).to_numpy(float), 1e-12)
    relaxable = replace(
        relaxable,
        lots_on_offer=c.most,
        lots_window=(periods >= c.first) & (periods <= c.last),
        starts_on_offer=c.most_starts,
        hired_on_offer=data.slices.hire_most,
        by_hour_pool=hours[0].pool,
        by_hour_on_offer=np.concatenate([hour.on_offer[one] for hour in hours]),
        by_hour_useful=np.max([hour.useful for hour in hours], axis=0)[None, :],
        spare_pools=np.unique(np.concatenate(short).astype(np.int64)),
    )
    return replace(
        data,
        committed=replace(
            c,
            most=most,
            most_starts=np.full_like(c.most_starts, np.inf),
            first=np.zeros_like(c.first),
            last=np.full_like(c.last, data.periods - 1),
        ),
        slices=replace(
            data.slices,
            hire_most=np.maximum(np.ceil(useful - 1e-9), data.hired.least)[None, :],
            by_hour_price=np.concatenate([hour.price[one] for hour in hours]),
            by_hour_available=np.concatenate([np.tile(hour.available, (len(one), 1)) for hour in hours])
            if len(hours) > 1
            else hours[0].available[None, :],
        ),
        relaxable=relaxable,
    )
