"""Offers become pools and merged offers: what is alike in every scenario is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ailis_models.arrays import Floats, Ints, Pools
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
    pools = _pools(frames, cases, np.unique(pool, return_index=True)[1])
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
    value = {name: offers[name].to_numpy(np.float64) for name in ("interruptions_per_hour", "min_lots", "max_lots", "take_or_pay_share")}
    spot, lot = (offers["contract"] == "interruptible").to_numpy(bool), offers["lot_gpus"].to_numpy(np.int64)
    interruptions = np.where(spot, value["interruptions_per_hour"], 0.0)
    least = np.where(offers["whole_lots"].to_numpy(bool) & (value["min_lots"] <= 1), 0.0, value["min_lots"])
    apart = (least > 0) | (offers["shares_lots_with"] != "").to_numpy(bool)
    return offers.assign(
        spot=spot,
        interruptions=interruptions,
        lot_if_interrupted=np.where(interruptions > 0, lot, 0),
        least=least,
        start=np.maximum(offers["first_start"].to_numpy(), offers["lead_periods"].to_numpy()),
        apart=np.where(apart, np.arange(len(offers)), -1),
        most_if_ramped=np.where(offers["max_lots_per_period"].notna(), value["max_lots"], np.nan),
        paid_gpus=_near_whole(value["take_or_pay_share"] * lot),
    )


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
        others = _unlike(case, first, columns, rows)
        each += [_groups_of(case, others, rows)] if others else []
    code: Ints = np.unique(np.stack(each, axis=1), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return code


def _groups_of(case: Columns, columns: list[str], rows: Ints | slice) -> Ints:
    """(rows,) the number of the group of rows that are alike in these columns, in the order of their values."""
    if len(columns) == 1 and case[columns[0]].dtype != object:
        return np.asarray(np.unique(case[columns[0]][rows], return_inverse=True)[1], dtype=np.int64).reshape(-1)
    frame = pd.DataFrame({c: pd.Series(case[c][rows], dtype=case[c].dtype) for c in columns})
    return np.asarray(frame.groupby(columns, sort=True, dropna=False).ngroup(), dtype=np.int64)


def _unlike(one: Columns, other: Columns, columns: list[str], rows: Ints | slice = slice(None)) -> list[str]:
    """Those of the columns that are not the same in both."""
    pairs = {c: (one[c], other[c]) for c in columns if one[c] is not other[c]}
    return [c for c, (a, b) in pairs.items() if not np.array_equal(a[rows], b[rows], equal_nan=a.dtype == np.float64)]


def _pools(frames: Sequence[pd.DataFrame], cases: Sequence[Columns], first: Ints) -> list[pd.DataFrame]:
    """The pools of each case, from the first offer of each; where they are as in the first case, the same."""
    pools = frames[0][POOL_KEY].iloc[first].reset_index(drop=True)
    label = _labels(pools)
    own = [
        frame[POOL_KEY].iloc[first].reset_index(drop=True) if _unlike(case, cases[0], POOL_KEY) else pools
        for frame, case in zip(frames, cases, strict=True)
    ]
    return once(lambda each: each.assign(label=label), own)


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
