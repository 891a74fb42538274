"""Offers become pools, tranches of committed capacity, and hired offers; identical offers are merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ailis_models.arrays import Bools, Calendar, Committed, Data, Floats, Hired, Ints, Pools, Relaxable, Slices
from ailis_opt.prepare.once import Tables, once, tables_of
from ailis_opt.schema.instance import Instance

COMMITTED = ("owned", "reserved")
Column = npt.NDArray[Any]
Columns = Mapping[str, Column]
POOL_KEY = ["region", "sku", "tier", "provider", "operator_country", "spot", "cluster_gpus", "power", "interruptions", "lot_if_interrupted"]


@dataclass(frozen=True, slots=True)
class Supply:
    """The market, grouped. Rows of `offers` and `pools` are in the order of the arrays' positions."""

    offers: pd.DataFrame  # the instance's offers with pool, group (merged offer) and limits resolved
    prices: Floats  # (T, n) price per GPU-hour of each of the offers; of a committed one the same in every period
    pools: pd.DataFrame  # one row a pool: POOL_KEY and label
    pool_arrays: Pools
    committed_of: tuple[Ints, ...]  # per merged committed offer: rows of `offers`
    hired_of: tuple[Ints, ...]  # per merged hired offer: rows of `offers`


def group_offers(instances: Sequence[Instance], regions: pd.Index, operators: pd.Index, countries: pd.Index) -> tuple[Supply, ...]:
    """Find pools and merge identical offers: the market of each of several instances that have the same offers, all grouped alike.

    Offers are identical if only their names, sources and counts differ, in every instance. Offers that ask for a least number of lots stay
    apart: {0} ∪ [m, M] taken twice is not {0} ∪ [m, 2M]. So do those that share their lots with others. Where the lots that may start in a
    period are limited, they must be so alike: n offers of R in a period and M in all are one of n·R and n·M (see `plan._in_turn`).
    """
    own = once(_with_limits, [i.tables["offers"] for i in instances])
    prices = once(hourly_prices, tables_of(instances, "offers", "prices"), [instances[0].header.horizon.periods] * len(instances))
    frames = list({id(offers): offers for offers in own}.values())
    cases = once(_columns, frames)
    pool, same_tranche = _codes(cases, POOL_KEY), _codes(cases, [*POOL_KEY, "availability"])
    late = np.any([case["start"] != cases[0]["start"] for case in cases], axis=0) & frames[0]["contract"].isin(COMMITTED).to_numpy()
    apart = len(pool) + _codes(cases, [*POOL_KEY, "availability", "start"])
    available = np.stack([case["availability"].astype(np.float64) for case in cases])
    least = np.where(available > 0, available, np.inf).min(axis=0)  # where it is there at all
    for offers in frames:
        offers["least_available"] = np.where(np.isinf(least), 0.0, least)
        offers["pool"], offers["tranche_before"], offers["tranche"] = pool, same_tranche, np.where(late, apart, same_tranche)
    first = np.unique(pool, return_index=True)[1]
    pools = [offers[POOL_KEY].iloc[first].reset_index(drop=True) for offers in frames]
    label = _labels(pools[0])
    for each in pools:
        each["label"] = label
    country = instances[0].tables["regions"].set_index("region")["country"].reindex(pools[0]["region"])
    arrays = Pools(
        region=regions.get_indexer(pd.Index(pools[0]["region"])).astype(np.int64),
        operator=operators.get_indexer(pd.Index(pools[0]["provider"])).astype(np.int64),
        country=countries.get_indexer(pd.Index(country)).astype(np.int64),
        interruptible=pools[0]["spot"].to_numpy(bool),
        metered=(pools[0]["power"] == "metered").to_numpy(bool),
    )
    committed = frames[0]["contract"].isin(COMMITTED).to_numpy()
    same = ["pool", "availability", "contract", "prices", "lot_gpus", "whole_lots", "start", "last_start", "apart"]
    terms = ["upfront_per_gpu", "term_periods", "take_or_pay_share", "max_lots_per_period", "most_if_ramped"]
    priced = once(_priced, once(_columns, own), prices)
    cases = list({id(case): case for case in priced}.values())
    of = _merge(cases, np.flatnonzero(committed), [*same, *terms]), _merge(cases, np.flatnonzero(~committed), same)
    pools_of = {id(offers): each for offers, each in zip(frames, pools, strict=True)}
    return tuple(once(lambda offers, price: Supply(offers, price, pools_of[id(offers)], arrays, *of), own, prices))


def _with_limits(offers: pd.DataFrame) -> pd.DataFrame:
    """The offers with their limits resolved."""
    offers = offers.copy()
    spot = (offers["contract"] == "interruptible").to_numpy()
    offers["spot"] = spot
    offers["interruptions"] = np.where(spot, offers["interruptions_per_hour"], 0.0)
    offers["lot_if_interrupted"] = np.where(offers["interruptions"] > 0, offers["lot_gpus"], 0)
    whole, least = offers["whole_lots"].to_numpy(bool), offers["min_lots"].to_numpy(np.float64)
    offers["least"] = np.where(whole & (least <= 1), 0.0, least)
    offers["start"] = np.maximum(offers["first_start"], offers["lead_periods"])
    offers["apart"] = np.where((offers["least"] > 0) | (offers["shares_lots_with"] != ""), np.arange(len(offers)), -1)
    offers["most_if_ramped"] = offers["max_lots"].where(offers["max_lots_per_period"].notna())
    offers["paid_gpus"] = _near_whole(offers["take_or_pay_share"].to_numpy(np.float64) * offers["lot_gpus"].to_numpy(np.float64))
    return offers


def _columns(offers: pd.DataFrame) -> Columns:
    return {name: values.to_numpy() for name, values in offers.items() if isinstance(name, str)}


def _priced(offers: Columns, prices: Floats) -> Columns:
    """The columns of offers, and `prices`: a number for each path of prices."""
    return {**offers, "prices": np.unique(prices, axis=1, return_inverse=True)[1].reshape(-1)}


def _codes(cases: Sequence[Columns], columns: list[str], rows: Ints | slice = slice(None)) -> Ints:
    """(rows,) the same number for rows that are alike in these columns, in every case; in the order of the first case's values.

    Of a later case only the columns count that are not those of the first.
    """
    first = cases[0]
    each = [_groups_of(first, columns, rows)]
    for case in cases[1:]:
        others = [c for c in columns if not (case[c] is first[c] or _equal(case[c][rows], first[c][rows]))]
        each += [_groups_of(case, others, rows)] if others else []
    code: Ints = np.unique(np.stack(each, axis=1), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return code


def _groups_of(case: Columns, columns: list[str], rows: Ints | slice) -> Ints:
    """(rows,) the number of the group of rows that are alike in these columns, in the order of their values."""
    if len(columns) == 1 and case[columns[0]].dtype != object:
        code: Ints = np.unique(case[columns[0]][rows], return_inverse=True)[1].reshape(-1).astype(np.int64)
        return code
    frame = pd.DataFrame({c: pd.Series(case[c][rows], dtype=case[c].dtype) for c in columns})
    return np.asarray(frame.groupby(columns, sort=True, dropna=False).ngroup(), dtype=np.int64)


def _equal(one: Column, other: Column) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype == np.float64)


def _near_whole(values: Floats) -> Floats:
    """The values, those that miss a whole number by rounding alone made whole."""
    whole = np.round(values)
    return np.where(np.abs(values - whole) <= 1e-9, whole, values)


def hourly_prices(tables: Tables, periods: int) -> Floats:
    """(T, n) price per GPU-hour of each offer in each period: its own, or that of the table `prices`."""
    offers, stated = tables["offers"], tables["prices"]
    prices = np.tile(offers["price_per_gpu_hour"].to_numpy(np.float64), (periods, 1))
    at = pd.Index(offers["offer"]).get_indexer(pd.Index(stated["offer"]))
    prices[stated["period"].to_numpy(np.int64), at] = stated["price_per_gpu_hour"].to_numpy(np.float64)
    return prices


def _labels(pools: pd.DataFrame) -> list[str]:
    """A name for each pool in the instance's own words, as short as keeps them apart."""
    parts: list[Any] = [
        pools["region"] + " " + pools["sku"] + " " + pools["tier"],
        np.where(pools["spot"], " interruptible", ""),
        np.where(pools["power"] == "metered", " metered", ""),
        np.where(pools["provider"] != "", " " + pools["provider"], ""),
        " cluster " + pools["cluster_gpus"].astype(int).astype(str),
        np.where(pools["operator_country"] != "", " " + pools["operator_country"], ""),
        " interrupted " + pools["interruptions"].astype(str) + "/h lot " + pools["lot_if_interrupted"].astype(int).astype(str),
    ]
    label = pd.Series(parts[0]) + parts[1] + parts[2]
    for part in parts[3:]:
        twice = label.duplicated(keep=False)
        label = label.where(~twice, label + part)
    twice, number = label.duplicated(keep=False), label.groupby(label).cumcount() + 1
    label = label.where(~twice, label + " (" + number.astype(str) + ")")  # pools that only a scenario keeps apart
    names: list[str] = label.tolist()
    return names


def _merge(cases: Sequence[Columns], rows: Ints, same: list[str]) -> tuple[Ints, ...]:
    """Rows that are alike, group by group."""
    if not len(rows):
        return ()
    code = _codes(cases, same, rows)
    order = np.argsort(code, kind="stable")
    return tuple(np.split(rows[order], np.flatnonzero(np.diff(code[order])) + 1))


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
