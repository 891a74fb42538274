"""Offers become pools, tranches of committed capacity, and hired offers; identical offers are merged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ailis_models.arrays import Bools, Calendar, Committed, Floats, Hired, Ints, Pools
from ailis_opt.schema.instance import Instance

COMMITTED = ("owned", "reserved")
POOL_KEY = ["region", "sku", "tier", "provider", "operator_country", "spot", "cluster_gpus", "power", "interruptions", "lot_if_interrupted"]


@dataclass(frozen=True, slots=True)
class Supply:
    """The market, grouped. Rows of `offers` and `pools` are in the order of the arrays' positions."""

    offers: pd.DataFrame  # the instance's offers with pool, group (merged offer) and limits resolved
    pools: pd.DataFrame  # one row a pool: POOL_KEY and label
    pool_arrays: Pools
    committed_of: tuple[Ints, ...]  # per merged committed offer: rows of `offers`
    hired_of: tuple[Ints, ...]  # per merged hired offer: rows of `offers`


def group_offers(instance: Instance, regions: pd.Index, operators: pd.Index, countries: pd.Index) -> Supply:
    """Find pools and merge identical offers.

    Offers are identical if only their names, sources and counts differ. Offers that ask for a least number of lots stay apart:
    {0} ∪ [m, M] taken twice is not {0} ∪ [m, 2M].
    """
    offers = instance.tables["offers"].copy()
    spot = (offers["contract"] == "interruptible").to_numpy()
    offers["spot"] = spot
    offers["interruptions"] = np.where(spot, offers["interruptions_per_hour"], 0.0)
    offers["lot_if_interrupted"] = np.where(offers["interruptions"] > 0, offers["lot_gpus"], 0)
    offers["pool"] = offers.groupby(POOL_KEY, sort=True, dropna=False).ngroup()
    pools = offers.drop_duplicates("pool").sort_values("pool")[POOL_KEY].reset_index(drop=True)
    pools["label"] = _labels(pools)
    country = instance.tables["regions"].set_index("region")["country"].reindex(pools["region"])
    arrays = Pools(
        region=regions.get_indexer(pd.Index(pools["region"])).astype(np.int64),
        operator=operators.get_indexer(pd.Index(pools["provider"])).astype(np.int64),
        country=countries.get_indexer(pd.Index(country)).astype(np.int64),
        interruptible=pools["spot"].to_numpy(bool),
        metered=(pools["power"] == "metered").to_numpy(bool),
    )
    whole, least = offers["whole_lots"].to_numpy(bool), offers["min_lots"].to_numpy(np.float64)
    offers["least"] = np.where(whole & (least <= 1), 0.0, least)
    offers["start"] = np.maximum(offers["first_start"], offers["lead_periods"])
    offers["apart"] = np.where(offers["least"] > 0, np.arange(len(offers)), -1)
    committed = offers["contract"].isin(COMMITTED).to_numpy()
    same = ["pool", "availability", "contract", "price_per_gpu_hour", "lot_gpus", "whole_lots", "start", "last_start", "apart"]
    return Supply(
        offers=offers,
        pools=pools,
        pool_arrays=arrays,
        committed_of=_merge(offers, committed, [*same, "upfront_per_gpu", "term_periods"]),
        hired_of=_merge(offers, ~committed, same),
    )


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
    names: list[str] = label.tolist()
    return names


def _merge(offers: pd.DataFrame, chosen: Bools, same: list[str]) -> tuple[Ints, ...]:
    groups = offers[chosen].groupby(same, sort=True, dropna=False).indices
    rows = np.flatnonzero(chosen)
    return tuple(rows[members].astype(np.int64) for members in groups.values())


def in_force_until(offers: pd.DataFrame, periods: int) -> Ints:
    """(T, n) first period in which a lot started in t is no longer in force; a blank term runs to the end of the horizon."""
    term = offers["term_periods"].to_numpy(np.float64)[None, :]
    until: Ints = np.fmin(np.arange(periods)[:, None] + term, periods).astype(np.int64)
    return until


def lot_costs(offers: pd.DataFrame, hours: Floats) -> tuple[Floats, Floats]:
    """(T, n) price and upfront of one lot started in t, what falls inside the horizon [money].

    price · lot_gpus · hours in force; upfront · lot_gpus · periods in force inside the horizon ÷ term (all of it if the term is blank).
    """
    t, until = np.arange(len(hours))[:, None], in_force_until(offers, len(hours))
    term = offers["term_periods"].to_numpy(np.float64)[None, :]
    clock = np.concatenate([[0.0], np.cumsum(hours)])
    lot = offers["lot_gpus"].to_numpy(np.float64)
    price = offers["price_per_gpu_hour"].to_numpy(np.float64) * lot * (clock[until] - clock[t])
    inside = np.where(np.isnan(term), 1.0, (until - t) / term)
    return price, offers["upfront_per_gpu"].to_numpy(np.float64) * lot * inside


def committed_arrays(supply: Supply, cal: Calendar, need: Floats) -> Committed:
    """Merged committed offers and their tranches. `need` (P,): GPUs that all demand could ever use of a pool, where max_lots is blank."""
    offers, periods = supply.offers, len(cal.period_hours)
    head = offers.iloc[[rows[0] for rows in supply.committed_of]].reset_index(drop=True)
    key = pd.MultiIndex.from_frame(offers.loc[offers["contract"].isin(COMMITTED), ["pool", "availability"]]).unique().sort_values()
    pool, availability = head["pool"].to_numpy(np.int64), head["availability"].to_numpy(np.float64)
    tranche = key.get_indexer(pd.MultiIndex.from_arrays([pool, availability])).astype(np.int64) if len(head) else np.zeros(0, np.int64)
    limit = np.array([offers["max_lots"].iloc[rows].sum(skipna=False) for rows in supply.committed_of])
    useful = np.ceil(need[pool] / np.maximum(availability * head["lot_gpus"].to_numpy(np.float64), 1e-12) - 1e-9)
    least = head["least"].to_numpy(np.float64)
    already = np.zeros((periods, len(key)))
    before = offers[offers["committed_lots"] > 0]
    price, upfront = lot_costs(before, cal.period_hours)
    until = in_force_until(before, periods)[0]
    sunk = float(((price[0] + upfront[0]) * before["committed_lots"].to_numpy()).sum())
    gpus = (before["committed_lots"] * before["lot_gpus"]).to_numpy(np.float64)
    np.add.at(
        already.T,
        key.get_indexer(pd.MultiIndex.from_frame(before[["pool", "availability"]])),
        gpus[:, None] * (np.arange(periods) < until[:, None]),
    )
    price, upfront = lot_costs(head, cal.period_hours)
    return Committed(
        tranche=tranche,
        lot_gpus=head["lot_gpus"].to_numpy(np.float64),
        whole=head["whole_lots"].to_numpy(bool),
        least=least,
        most=np.fmin(limit, np.maximum(useful, least)),
        first=head["start"].to_numpy(np.int64),
        last=head["last_start"].to_numpy(np.int64),
        term=np.nan_to_num(head["term_periods"].to_numpy(np.float64), nan=periods).astype(np.int64),
        cost=price + upfront,
        tranche_pool=np.array([p for p, _ in key], dtype=np.int64),
        already=already,
        sunk=sunk,
    )


def hired_arrays(supply: Supply, cal: Calendar, need: Floats) -> tuple[Hired, Floats, Floats, Floats]:
    """Merged hired offers, and (S|1, H) price per GPU-hour, usable share, and most lots per slice."""
    offers = supply.offers
    head = offers.iloc[[rows[0] for rows in supply.hired_of]].reset_index(drop=True)
    limit = np.array([offers["max_lots"].iloc[rows].sum(skipna=False) for rows in supply.hired_of])
    pool, least = head["pool"].to_numpy(np.int64), head["least"].to_numpy(np.float64)
    useful = need[pool] / np.maximum((head["availability"] * head["lot_gpus"]).to_numpy(np.float64), 1e-12)
    most = np.fmin(limit, np.maximum(np.ceil(useful - 1e-9), least))
    t = cal.slice_period[:, None]
    window = (t >= head["start"].to_numpy()[None, :]) & (t <= head["last_start"].to_numpy()[None, :])
    arrays = Hired(
        pool=pool,
        lot_gpus=head["lot_gpus"].to_numpy(np.float64),
        whole=head["whole_lots"].to_numpy(bool),
        least=least,
    )
    price, available = (head[name].to_numpy(np.float64)[None, :] for name in ("price_per_gpu_hour", "availability"))
    return arrays, price, available, window * most[None, :]
