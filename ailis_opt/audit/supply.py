"""Capacity: what is signed and hired, its limits, its cost, and what of it is usable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ailis_opt.audit.ledger import Bools, Columns, Floats, Ints, Ledger, axes, rows
from ailis_opt.audit.lookup import Found, find, listed, positions, sums
from ailis_opt.audit.world import World

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


def supply(world: World, plan: Mapping[str, Columns], ledger: Ledger) -> Supply:
    """Recomputes purchases and hiring from the lots and GPUs of the plan; checks their limits and stated figures."""
    offers = world.offers
    force, signed_cost = _signed(world, plan, ledger)
    force = force[:, world.period_of_slice]
    share = offers["take_or_pay_share"][:, None]
    hired, hired_cost = _hired(world, plan["hired"], (1 - share) * force, ledger)
    signed = share * force
    pooled = offers["pool"] >= 0
    pool = offers["pool"][pooled]
    available = offers["availability"][:, None]

    def by_pool(gpus: Floats) -> Floats:
        return sums((len(world.pool_names), len(world.slice_hours)), (pool,), gpus[pooled])

    usable = by_pool(available * signed) + by_pool(available * hired)
    cost = {kind: signed_cost.get(kind, 0.0) + hired_cost.get(kind, 0.0) for kind in {*signed_cost, *hired_cost}}
    return Supply(by_pool(signed), by_pool(hired), usable, cost)


def _signed(world: World, plan: Mapping[str, Columns], ledger: Ledger) -> tuple[Floats, dict[str, float]]:
    """(O, T) GPUs in force of each offer, and by component what they cost whether used or not."""
    offers, purchases = world.offers, plan["purchases"]
    periods = len(world.hours)
    term = offers["term_periods"]
    end = np.where(np.isnan(term), periods, term)
    lot = offers["lot_gpus"]
    start = purchases["start_period"].astype(np.intp)
    started = sums((len(lot), periods), (positions(purchases["offer"], offers["offer"]), start), purchases["lots"])
    _limits(world, purchases, started, _in_force(started, end), ledger)
    _stated(world, plan, ledger)
    already = np.where(_chosen(offers), offers["committed_lots"], 0.0)
    there = np.arange(periods)[None, :] >= _delivered(world, offers)[:, None]
    gpus = (_in_force(started, end) * there + already[:, None] * (np.arange(periods)[None, :] < end[:, None])) * lot[:, None]
    started[:, 0] += already
    paid = offers["price_per_gpu_hour"] * offers["take_or_pay_share"] * (gpus @ world.hours)
    upfront = sum(_upfront(offers, started[:, t] * lot, t, periods).sum() for t in range(periods))
    cost = {kind: float(paid[offers["contract"] == kind].sum()) for kind in ("owned", "reserved")}
    return gpus, cost | {"upfront": float(upfront)}


def _chosen(offers: Columns) -> Bools:
    """(O,) True for capacity that is signed for."""
    return np.asarray((offers["contract"] == "owned") | (offers["contract"] == "reserved"))


def _first_start(offers: Columns | Found) -> Floats:
    """(rows,) first period in which a lot may start."""
    first: Floats = np.maximum(offers["first_start"].astype(float), offers["lead_periods"].astype(float))
    return first


def _delivered(world: World, offers: Columns | Found) -> Floats:
    """(rows,) first period in which a lot that is signed can be there: in a scenario one that was signed to start before comes late."""
    first = _first_start(offers)
    return first if world.staged else np.zeros(len(first))


def _in_force(started: Floats, end: Floats) -> Floats:
    """(O, T) lots in force in each period, of lots (O, T) that start in a period and end after `end` (O,) periods."""
    periods = started.shape[1]
    total = np.concatenate([np.zeros((len(started), 1)), np.cumsum(started, axis=1)], axis=1)
    over = np.maximum(0, np.arange(1, periods + 1)[None, :] - np.minimum(end, periods)[:, None]).astype(np.intp)
    return np.asarray(total[:, 1:] - np.take_along_axis(total, over, axis=1))


def _upfront(offers: Columns | Found, gpus: Floats, start: Ints | int, periods: int) -> Floats:
    """(rows,) the part of the upfront payment that falls inside the horizon."""
    term = offers["term_periods"]
    inside = np.minimum(periods - start, term)
    share = np.where(np.isnan(term), 1.0, inside / np.where(np.isnan(term), 1.0, term))
    return np.asarray(offers["upfront_per_gpu"] * gpus * share)


def _limits(world: World, purchases: Columns, started: Floats, in_force: Floats, ledger: Ledger) -> None:
    offers = world.offers
    of, start, lots = find(world.signed, "offer", purchases["offer"]), purchases["start_period"], purchases["lots"]
    outside = (start < _first_start(of)) | (start > of["last_start"])
    where = rows(purchases, ["offer", "start_period"])
    ledger.at_most(SUPPLY, "start window", "lots", np.where(outside, np.abs(lots), 0.0), 0.0, where)
    ledger.whole("contract", "whole lots", "lots", lots, where, mask=of["whole_lots"])
    labels = axes(offer=list(offers["offer"]), period=range(len(world.hours)))
    chosen = _chosen(offers)[:, None]
    for limit, held in (("max_lots", in_force), ("max_lots_per_period", started)):
        ledger.at_most(SUPPLY, limit, "lots", held, offers[limit][:, None], labels, mask=chosen)
    _shared(world, started, in_force, ledger)
    least = offers["min_lots"][:, None]
    ledger.at_most("contract", "min_lots", "lots", -started, -least, labels, mask=started > ledger.tolerance)


def _shared(world: World, started: Floats, in_force: Floats, ledger: Ledger) -> None:
    """Lots of all offers of each group together, in force and started."""
    offers = world.offers
    for group in sorted(set(offers["shares_lots_with"]) - {""}):
        mine = offers["shares_lots_with"] == group
        where = axes(group=[group], period=range(len(world.hours)))
        for limit, lots in (("max_lots", in_force), ("max_lots_per_period", started)):
            most = offers[limit][mine].min()
            ledger.at_most(SUPPLY, f"shared {limit}", "lots", lots[mine].sum(axis=0)[None, :], most, where)


def _stated(world: World, plan: Mapping[str, Columns], ledger: Ledger) -> None:
    """GPUs and cost of the tables `purchases` and `committed`."""
    purchases, committed, offers = plan["purchases"], plan["committed"], world.offers
    where, of = rows(purchases, ["offer", "start_period"]), find(offers, "offer", purchases["offer"])
    gpus, cost = _bought(world, of, purchases["lots"], purchases["start_period"].astype(np.intp), _delivered(world, of))
    ledger.stated("purchases.gpus", "GPUs", purchases["gpus"], gpus, where)
    ledger.stated("purchases.cost", world.header.currency, purchases["cost"], cost, where)
    given = Found(offers, np.flatnonzero(_chosen(offers) & (offers["committed_lots"] > 0)))
    at = positions(given["offer"], committed["offer"])
    lots, gpus, cost = (np.append(committed[name], 0.0)[at] for name in ("lots", "gpus", "cost"))  # 0 where nothing is said
    where = rows({"offer": given["offer"]}, ["offer"])
    due_gpus, due = _bought(world, given, given["committed_lots"], np.zeros(len(at), np.intp), np.zeros(len(at)))
    ledger.stated("committed.lots", "lots", lots, given["committed_lots"], where)
    ledger.stated("committed.gpus", "GPUs", gpus, due_gpus, where)
    ledger.stated("committed.cost", world.header.currency, cost, due, where)
    extra = positions(committed["offer"], given["offer"]) < 0
    where = rows({"offer": committed["offer"][extra]}, ["offer"])
    ledger.stated("committed.lots", "lots", committed["lots"][extra], np.zeros(int(extra.sum())), where)


def _bought(world: World, offers: Found, lots: Floats, start: Ints, there: Floats) -> tuple[Floats, Floats]:
    """(rows,) GPUs of lots that start in a period, and what they cost inside the horizon whether used or not.

    They are not paid by the hour before `there`.
    """
    periods = len(world.hours)
    term = offers["term_periods"]
    stop = np.minimum(np.where(np.isnan(term), periods, start + term), periods).astype(np.intp)
    clock = np.concatenate([[0.0], np.cumsum(world.hours)])
    gpus = lots * offers["lot_gpus"]
    paid = offers["take_or_pay_share"] * gpus
    hours = clock[stop] - clock[np.minimum(np.maximum(start, there), stop).astype(np.intp)]
    return gpus, offers["price_per_gpu_hour"] * paid * hours + _upfront(offers, gpus, start, periods)


def _hired(world: World, hired: Columns, callable_: Floats, ledger: Ledger) -> tuple[Floats, dict[str, float]]:
    """(O, S) GPUs hired of each offer, or called of a committed one (at most `callable_` (O, S)), and their cost by component."""
    offers = world.offers
    of, gpus = find(offers, "offer", hired["offer"]), hired["gpus"]
    where = rows(hired, ["offer", "period", "block"])
    by_lot = np.isin(of["contract"], ("on_demand", "interruptible"))
    outside = (hired["period"] < np.maximum(of["first_start"], of["lead_periods"])) | (hired["period"] > of["last_start"])
    ledger.at_most(SUPPLY, "hire window", "GPUs", np.where(outside & by_lot, np.abs(gpus), 0.0), 0.0, where)
    ledger.whole("contract", "whole lots", "lots", gpus / of["lot_gpus"], where, mask=of["whole_lots"] & by_lot)
    place = world.slice_of(hired)
    total = sums((len(offers["offer"]), len(world.slice_hours)), (of.at, place), gpus)
    labels = axes(offer=list(offers["offer"]), slice=world.slice_labels)
    most, least = ((offers["lot_gpus"] * offers[limit])[:, None] for limit in ("max_lots", "min_lots"))
    signed = _chosen(offers)[:, None]
    ledger.at_most(SUPPLY, "hire quota", "GPUs", total, most, labels, mask=~signed)
    ledger.at_most("contract", "min_lots", "GPUs", -total, -least, labels, mask=~signed & (total > ledger.tolerance))
    ledger.at_most("contract", "called", "GPUs", total, callable_, labels, mask=signed)
    gpu_hours = gpus * world.slice_hours[place]
    paid = gpu_hours * _hourly_price(world, hired, of)
    ledger.stated("hired.gpu_hours", "GPU-hours", hired["gpu_hours"], gpu_hours, where)
    ledger.stated("hired.cost", world.header.currency, hired["cost"], paid, where)
    return total, {kind: float(paid[of["contract"] == kind].sum()) for kind in ("owned", "reserved", "on_demand", "interruptible")}


def _hourly_price(world: World, hired: Columns, offers: Found) -> Floats:
    """(rows,) price of a GPU-hour of the offer in the period: that of the table `prices` where it has a row, else the offer's own."""
    stated = listed(world.tables["prices"], ("offer", "period"), "price_per_gpu_hour")
    own = zip(hired["offer"], hired["period"], offers["price_per_gpu_hour"], strict=True)
    return np.array([stated.get((offer, period), price) for offer, period, price in own], dtype=float)
