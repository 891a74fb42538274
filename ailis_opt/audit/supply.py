"""Capacity: what is signed and hired, its limits, its cost, and what of it is usable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ailis_opt.audit.ledger import Floats, Ledger, axes, rows
from ailis_opt.audit.world import World, positions, sums

SUPPLY = "L1.supply"


@dataclass(frozen=True)
class Supply:
    """GPUs of each pool in each slice, (P, S), as paid: `committed` whether used or not, `hired` or called, `usable` of both.

    `cost` by component.
    """

    committed: Floats
    hired: Floats
    usable: Floats
    cost: dict[str, float]


def supply(world: World, plan: Mapping[str, pd.DataFrame], ledger: Ledger) -> Supply:
    """Recomputes purchases and hiring from the lots and GPUs of the plan; checks their limits and stated figures."""
    offers = world.offers
    force, signed_cost = _signed(world, plan, ledger)
    force = force[:, world.period_of_slice]
    share = offers["take_or_pay_share"].to_numpy(float)[:, None]
    hired, hired_cost = _hired(world, plan["hired"], (1 - share) * force, ledger)
    signed = share * force
    pooled = offers["pool"].to_numpy() >= 0
    pool = offers["pool"].to_numpy()[pooled]
    available = offers["availability"].to_numpy(float)[:, None]

    def by_pool(gpus: Floats) -> Floats:
        return sums((len(world.pools), len(world.slice_hours)), (pool,), gpus[pooled])

    usable = by_pool(available * signed) + by_pool(available * hired)
    cost = {kind: signed_cost.get(kind, 0.0) + hired_cost.get(kind, 0.0) for kind in {*signed_cost, *hired_cost}}
    return Supply(by_pool(signed), by_pool(hired), usable, cost)


def _signed(world: World, plan: Mapping[str, pd.DataFrame], ledger: Ledger) -> tuple[Floats, dict[str, float]]:
    """(O, T) GPUs in force of each offer, and by component what they cost whether used or not."""
    offers, purchases = world.offers, plan["purchases"]
    periods = len(world.hours)
    term = offers["term_periods"].to_numpy(float)
    end = np.where(np.isnan(term), periods, term)
    lot = offers["lot_gpus"].to_numpy(float)
    chosen = offers["contract"].isin(("owned", "reserved")).to_numpy(bool)
    start = purchases["start_period"].to_numpy(np.intp)
    started = sums((len(offers), periods), (positions(purchases["offer"], list(offers["offer"])), start), purchases["lots"])
    _limits(world, purchases, started, _in_force(started, end), ledger)
    _stated(world, plan, ledger)
    already = np.where(chosen, offers["committed_lots"].to_numpy(float), 0.0)
    there = np.arange(periods)[None, :] >= _delivered(world, offers)[:, None]
    gpus = (_in_force(started, end) * there + already[:, None] * (np.arange(periods)[None, :] < end[:, None])) * lot[:, None]
    started[:, 0] += already
    share = offers["take_or_pay_share"].to_numpy(float)
    paid = offers["price_per_gpu_hour"].to_numpy(float) * share * (gpus @ world.hours)
    upfront = sum(_upfront(offers, started[:, t] * lot, t, periods).sum() for t in range(periods))
    contract = offers["contract"].to_numpy()
    cost = {kind: float(paid[contract == kind].sum()) for kind in ("owned", "reserved")}
    return gpus, cost | {"upfront": float(upfront)}


def _first_start(offers: pd.DataFrame) -> Floats:
    """(rows,) first period in which a lot may start."""
    first: Floats = np.maximum(offers["first_start"].to_numpy(float), offers["lead_periods"].to_numpy(float))
    return first


def _delivered(world: World, offers: pd.DataFrame) -> Floats:
    """(rows,) first period in which a lot that is signed can be there: in a scenario one that was signed to start before comes late."""
    return _first_start(offers) if world.staged else np.zeros(len(offers))


def _in_force(started: Floats, end: Floats) -> Floats:
    """(O, T) lots in force in each period, of lots (O, T) that start in a period and end after `end` (O,) periods."""
    periods = started.shape[1]
    total = np.concatenate([np.zeros((len(started), 1)), np.cumsum(started, axis=1)], axis=1)
    over = np.maximum(0, np.arange(1, periods + 1)[None, :] - np.minimum(end, periods)[:, None]).astype(np.intp)
    return np.asarray(total[:, 1:] - np.take_along_axis(total, over, axis=1))


def _upfront(offers: pd.DataFrame, gpus: Floats, start: Floats | int, periods: int) -> Floats:
    """(rows,) the part of the upfront payment that falls inside the horizon."""
    term = offers["term_periods"].to_numpy(float)
    inside = np.minimum(periods - start, term)
    share = np.where(np.isnan(term), 1.0, inside / np.where(np.isnan(term), 1.0, term))
    return np.asarray(offers["upfront_per_gpu"].to_numpy(float) * gpus * share)


def _limits(world: World, purchases: pd.DataFrame, started: Floats, in_force: Floats, ledger: Ledger) -> None:
    offers = world.offers
    row = purchases[["offer", "start_period", "lots"]].merge(world.signed, on="offer", how="left")
    start, lots = row["start_period"], row["lots"].to_numpy(float)
    early = start < _first_start(row)
    outside = (early | (start > row["last_start"])).to_numpy(bool)
    where = rows(purchases, ["offer", "start_period"])
    ledger.at_most(SUPPLY, "start window", "lots", np.where(outside, np.abs(lots), 0.0), 0.0, where)
    ledger.whole("contract", "whole lots", "lots", lots, where, mask=row["whole_lots"].astype(bool))
    labels = axes(offer=list(offers["offer"]), period=range(len(world.hours)))
    chosen = offers["contract"].isin(("owned", "reserved")).to_numpy(bool)[:, None]
    ledger.at_most(SUPPLY, "max_lots", "lots", in_force, offers["max_lots"].to_numpy(float)[:, None], labels, mask=chosen)
    ramp = offers["max_lots_per_period"].to_numpy(float)
    ledger.at_most(SUPPLY, "max_lots_per_period", "lots", started, ramp[:, None], labels, mask=chosen)
    _shared(world, started, in_force, ledger)
    least = offers["min_lots"].to_numpy(float)[:, None]
    ledger.at_most("contract", "min_lots", "lots", -started, -least, labels, mask=started > ledger.tolerance)


def _shared(world: World, started: Floats, in_force: Floats, ledger: Ledger) -> None:
    """Lots of all offers of each group together, in force and started."""
    offers = world.offers
    for group in sorted(set(offers["shares_lots_with"]) - {""}):
        mine = (offers["shares_lots_with"] == group).to_numpy(bool)
        where = axes(group=[group], period=range(len(world.hours)))
        for limit, lots in (("max_lots", in_force), ("max_lots_per_period", started)):
            most = offers[limit].to_numpy(float)[mine].min()
            ledger.at_most(SUPPLY, f"shared {limit}", "lots", lots[mine].sum(axis=0)[None, :], most, where)


def _stated(world: World, plan: Mapping[str, pd.DataFrame], ledger: Ledger) -> None:
    """GPUs and cost of the tables `purchases` and `committed`."""
    purchases, offers = plan["purchases"], world.offers
    signed = purchases[["offer", "start_period", "lots"]].merge(offers, on="offer", how="left")
    where = rows(purchases, ["offer", "start_period"])
    gpus, cost = _bought(world, signed, signed["start_period"].to_numpy(np.intp), _delivered(world, signed))
    ledger.stated("purchases.gpus", "GPUs", purchases["gpus"], gpus, where)
    ledger.stated("purchases.cost", world.header.currency, purchases["cost"], cost, where)
    given = offers[offers["contract"].isin(("owned", "reserved")) & (offers["committed_lots"] > 0)]
    told = plan["committed"].drop_duplicates("offer").set_index("offer").reindex(given["offer"]).fillna(0.0)
    where = rows(given, ["offer"])
    gpus, cost = _bought(world, given.assign(lots=given["committed_lots"]), np.zeros(len(given), np.intp), np.zeros(len(given)))
    ledger.stated("committed.lots", "lots", told["lots"], given["committed_lots"], where)
    ledger.stated("committed.gpus", "GPUs", told["gpus"], gpus, where)
    ledger.stated("committed.cost", world.header.currency, told["cost"], cost, where)
    extra = plan["committed"][~plan["committed"]["offer"].isin(given["offer"])]
    ledger.stated("committed.lots", "lots", extra["lots"], np.zeros(len(extra)), rows(extra, ["offer"]))


def _bought(world: World, lots: pd.DataFrame, start: np.ndarray, there: Floats) -> tuple[Floats, Floats]:
    """(rows,) GPUs of lots that start in a period, and what they cost inside the horizon whether used or not; not by the hour before
    `there`.
    """
    periods = len(world.hours)
    term = lots["term_periods"].to_numpy(float)
    stop = np.minimum(np.where(np.isnan(term), periods, start + term), periods).astype(np.intp)
    clock = np.concatenate([[0.0], np.cumsum(world.hours)])
    gpus = lots["lots"].to_numpy(float) * lots["lot_gpus"].to_numpy(float)
    hours = clock[stop] - clock[np.minimum(np.maximum(start, there), stop).astype(np.intp)]
    paid = lots["take_or_pay_share"].to_numpy(float) * gpus
    return gpus, lots["price_per_gpu_hour"].to_numpy(float) * paid * hours + _upfront(lots, gpus, start, periods)


def _hired(world: World, hired: pd.DataFrame, callable_: Floats, ledger: Ledger) -> tuple[Floats, dict[str, float]]:
    """(O, S) GPUs hired of each offer, or called of a committed one (at most `callable_` (O, S)), and their cost by component."""
    offers = world.offers
    keys = ["offer", "period", "block"]
    row = hired[[*keys, "gpus"]].merge(offers, on="offer", how="left")
    gpus, lot = row["gpus"].to_numpy(float), row["lot_gpus"].to_numpy(float)
    where = rows(hired, keys)
    by_lot = row["contract"].isin(("on_demand", "interruptible")).to_numpy(bool)
    outside = (row["period"] < np.maximum(row["first_start"], row["lead_periods"])) | (row["period"] > row["last_start"])
    ledger.at_most(SUPPLY, "hire window", "GPUs", np.where(outside & by_lot, np.abs(gpus), 0.0), 0.0, where)
    ledger.whole("contract", "whole lots", "lots", gpus / lot, where, mask=row["whole_lots"].astype(bool) & by_lot)
    place = world.slice_of(hired)
    total = sums((len(offers), len(world.slice_hours)), (positions(hired["offer"], list(offers["offer"])), place), gpus)
    size = offers["lot_gpus"].to_numpy(float)
    labels = axes(offer=list(offers["offer"]), slice=world.slice_labels)
    chosen = offers["contract"].isin(("on_demand", "interruptible")).to_numpy(bool)[:, None]
    ledger.at_most(SUPPLY, "hire quota", "GPUs", total, (size * offers["max_lots"].to_numpy(float))[:, None], labels, mask=chosen)
    least = (size * offers["min_lots"].to_numpy(float))[:, None]
    ledger.at_most("contract", "min_lots", "GPUs", -total, -least, labels, mask=chosen & (total > ledger.tolerance))
    ledger.at_most("contract", "called", "GPUs", total, callable_, labels, mask=~chosen)
    gpu_hours = gpus * world.slice_hours[place]
    paid = gpu_hours * _hourly_price(world, row)
    ledger.stated("hired.gpu_hours", "GPU-hours", hired["gpu_hours"], gpu_hours, where)
    ledger.stated("hired.cost", world.header.currency, hired["cost"], paid, where)
    contract = row["contract"].to_numpy()
    return total, {kind: float(paid[contract == kind].sum()) for kind in ("owned", "reserved", "on_demand", "interruptible")}


def _hourly_price(world: World, hired: pd.DataFrame) -> Floats:
    """(rows,) price of a GPU-hour of the offer in the period: that of the table `prices` where it has a row, else the offer's own."""
    stated = world.tables["prices"][["offer", "period", "price_per_gpu_hour"]]
    found = hired[["offer", "period"]].merge(stated, on=["offer", "period"], how="left")["price_per_gpu_hour"].to_numpy(float)
    return np.where(np.isnan(found), hired["price_per_gpu_hour"].to_numpy(float), found)
