"""Costs by component and workload, use of pools, energy and carbon.

Committed capacity is paid by the hour it is in force, its take-or-pay share. What of it runs is paid by the workloads that run on it, in
proportion to their GPUs; what stands idle is booked to nobody (workload ""), so that it cannot hide in a unit price. What is hired, or
called beyond the take-or-pay share, is paid by those who use it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ailis_models.arrays import Floats
from ailis_opt.plan import Decisions, in_force_gpus
from ailis_opt.prepare.assemble import Prepared
from ailis_opt.prepare.market import COMMITTED
from ailis_opt.prepare.payoffs import payoffs
from ailis_opt.prepare.structure import egress_prices
from ailis_opt.prepare.supply import in_force_until, lot_costs
from ailis_opt.schema.instance import Instance

NOBODY = ""
ROUND = 1e-12  # of what is usable: idle by rounding alone


def add_money(instance: Instance, p: Prepared, decided: Decisions, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables with their cost columns, and those that only money needs: placements, use, energy, costs."""
    offers, hours = p.supply.offers, p.data.slices.hours[:, 0]
    period_hours = p.data.calendar.period_hours
    price, upfront = lot_costs(offers, period_hours, offers["start"].to_numpy(np.int64))
    price_before = lot_costs(offers, period_hours)[0][0]
    at = pd.Index(offers["offer"])
    bought, before, hired = tables["purchases"], tables["committed"], tables["hired"]
    o, t = at.get_indexer(bought["offer"]), bought["start_period"].to_numpy(np.int64)
    bought["cost"] = bought["lots"].to_numpy(float) * (price + upfront)[t, o]
    o = at.get_indexer(before["offer"])
    before["cost"] = before["lots"].to_numpy(float) * (price_before + upfront[0])[o]
    o, t = at.get_indexer(hired["offer"]), hired["period"].to_numpy(np.int64)
    hired["cost"] = hired["gpu_hours"].to_numpy(float) * p.supply.prices[t, o]

    for name in ("purchases", "hired"):
        tables[name] = tables[name].assign(**price_columns(instance, offers.iloc[at.get_indexer(tables[name]["offer"])]))
    gpus = _gpus(p, decided)
    used = gpus.sum(axis=2)
    owned, usable_owned, usable_force, hired_gpus, usable_hired = _supply(p, decided)
    tables["placements"] = _placements(instance, p, decided)
    tables["use"] = _use(instance, p, used, owned, hired_gpus, usable_owned + usable_hired)
    kwh = used * p.data.slices.kw * hours[:, None]
    tables["energy"] = _energy(instance, p, kwh)

    rows = []
    for component, by_slice in _committed_costs(p, decided, upfront).items():
        usable = usable_force if component == "upfront" else usable_owned
        busy = np.minimum(used, usable) / np.where(usable > 0, usable, 1.0)
        busy = np.where(busy > 1 - ROUND, 1.0, busy)
        rows += _shared(component, by_slice * busy, gpus)
        rows.append((NOBODY, component, float((by_slice * (1 - busy)).sum())))
    hourly = p.supply.prices[p.data.calendar.slice_period] * offers["lot_gpus"].to_numpy(float)
    for component in ("on_demand", "interruptible", *COMMITTED):  # of committed offers: what is called
        mine = np.where(offers["contract"] == component, hourly, 0.0)
        rows += _shared(component, _by_pool(p, decided.hired * mine) * hours[:, None], gpus)
    rows += _shared("energy", kwh * p.data.slices.energy_price, gpus)
    rows += _data_rows(instance, tables["placements"])
    rows += _egress_rows(instance, p, tables["served"])
    weights = dict(zip(*(instance.tables["workloads"][c] for c in ("workload", "unserved_cost_per_outcome")), strict=True))
    rows += [(w, "unserved", n * weights[w]) for w, n in zip(*(tables["unserved"][c] for c in ("workload", "outcomes")), strict=True)]
    tables["positions"] = _positions(instance, tables["positions"])
    rows.append((NOBODY, "hedges", float(tables["positions"]["cost"].sum())))
    tables["costs"] = _costs(instance, rows)
    return tables


def _positions(instance: Instance, held: pd.DataFrame) -> pd.DataFrame:
    """Hedges that are held, with what they cost and pay [money]."""
    of, at = payoffs(instance), held.index.to_numpy(np.int64)
    lots = held["lots"].to_numpy(float)
    amounts = {name: lots * getattr(of, name)[at] for name in ("premium", "carry", "payoff")}
    return held.assign(**amounts, cost=amounts["premium"] + amounts["carry"] - amounts["payoff"]).reset_index(drop=True)


def booked_table(instance: Instance) -> pd.DataFrame:
    """The offers that a price book has priced: prices (currency/GPU-hour) and upfronts (currency/GPU), listed and paid, the book's row."""
    offers = instance.tables["offers"].set_index("offer")
    rows = [
        (
            o,
            b.list_price_per_gpu_hour,
            offers.at[o, "price_per_gpu_hour"],
            b.list_upfront_per_gpu,
            offers.at[o, "upfront_per_gpu"],
            b.source,
        )
        for o, b in instance.booked.items()
        if o in offers.index
    ]
    prices = ("list_price_per_gpu_hour", "price_per_gpu_hour", "list_upfront_per_gpu", "upfront_per_gpu")
    return pd.DataFrame(rows, columns=["offer", *prices, "source"])


def price_columns(instance: Instance, offers: pd.DataFrame) -> dict[str, list[float] | list[str]]:
    """Per row of `offers`: list price and price paid (currency/GPU-hour), and the row of the book or else the offer's source."""
    price, source = offers["price_per_gpu_hour"].tolist(), offers["source"].tolist()
    booked = [instance.booked.get(name) for name in offers["offer"]]
    return {
        "list_price_per_gpu_hour": [p if b is None else b.list_price_per_gpu_hour for p, b in zip(price, booked, strict=True)],
        "price_per_gpu_hour": price,
        "price_source": [s if b is None else b.source for s, b in zip(source, booked, strict=True)],
    }


def _gpus(p: Prepared, decided: Decisions) -> Floats:
    """(S, P, W) GPUs taken by each workload: replicas, standby, gangs."""
    d = p.data
    out = np.zeros((d.n_slices, len(d.pools.region), len(d.workloads.total)))
    gangs = decided.gangs[d.calendar.slice_period]
    for values, kind in ((decided.replicas, d.routes), (decided.standby, d.standby), (gangs, d.jobs)):
        s, i = np.nonzero(values)
        np.add.at(out, (s, kind.pool[i], kind.workload[i]), values[s, i] * kind.gpus[i])
    return out


def _by_pool(p: Prepared, by_offer: Floats) -> Floats:
    """(rows, P) sum over the offers of each pool."""
    out = np.zeros((len(p.supply.pools), len(by_offer)))
    np.add.at(out, p.supply.offers["pool"].to_numpy(), by_offer.T)
    return np.asarray(out.T)


def _supply(p: Prepared, decided: Decisions) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """(S, P) GPUs in force that are paid whether used or not, usable of them, usable of all in force, hired or called, usable of those."""
    offers, period = p.supply.offers, p.data.calendar.slice_period
    available = offers["availability"].to_numpy(float)
    force = in_force_gpus(p, decided.lots)
    paid = force * offers["take_or_pay_share"].to_numpy(float)
    hired = decided.hired * offers["lot_gpus"].to_numpy(float)
    owned, usable, usable_force = (_by_pool(p, gpus)[period] for gpus in (paid, paid * available, force * available))
    return owned, usable, usable_force, _by_pool(p, hired), _by_pool(p, hired * available)


def _committed_costs(p: Prepared, decided: Decisions, upfront: Floats) -> dict[str, Floats]:
    """(S, P) money of committed capacity by component: of the hours it is there, and each lot's upfront spread evenly over its time in
    force.
    """
    offers, d = p.supply.offers, p.data
    clock = np.concatenate([[0.0], np.cumsum(d.calendar.period_hours)])
    until = in_force_until(offers, d.periods)
    started = decided.lots.copy()
    started[0] += np.where(offers["contract"].isin(COMMITTED), offers["committed_lots"].to_numpy(float), 0.0)
    spread = np.zeros((d.periods, len(offers)))
    for t in range(d.periods):
        rate = started[t] * upfront[t] / np.maximum(clock[until[t]] - clock[t], 1e-300)
        spread[t:] += np.where(np.arange(t, d.periods)[:, None] < until[t], rate, 0.0)
    paid = in_force_gpus(p, decided.lots) * (offers["take_or_pay_share"] * offers["price_per_gpu_hour"]).to_numpy(float)
    kinds = {c: np.where(offers["contract"] == c, paid, 0.0) for c in COMMITTED} | {"upfront": spread}
    return {component: _by_pool(p, hourly)[d.calendar.slice_period] * d.slices.hours for component, hourly in kinds.items()}


def _shared(component: str, money: Floats, gpus: Floats) -> list[tuple[object, str, float]]:
    """Money (S, P) shared by the workloads that run there, in proportion to GPUs (S, P, W); to nobody where none runs."""
    used = gpus.sum(axis=2)
    shares = np.einsum("sp,spw->w", money / np.where(used > 0, used, 1.0), gpus)
    return [(w, component, float(amount)) for w, amount in enumerate(shares)] + [(NOBODY, component, float(money[used <= 0].sum()))]


def _placements(instance: Instance, p: Prepared, decided: Decisions) -> pd.DataFrame:
    table, cal = instance.tables["datasets"], p.data.calendar
    home = p.regions.get_indexer(pd.Index(table["region"]))
    i = np.flatnonzero(decided.placed > 0.5)
    dataset = np.concatenate([np.arange(len(table)), p.data.placements.dataset[i]])
    region = np.concatenate([home, p.data.placements.region[i]]).astype(np.int64)
    at_home = np.arange(len(dataset)) < len(table)
    size = table["size_gb"].to_numpy(float)[dataset]
    sent = np.where(at_home, 0.0, size * egress_prices(instance.tables["egress"], p.regions, ())[home[dataset], region])
    frame = pd.DataFrame(
        {
            "dataset": table["dataset"].to_numpy()[dataset],
            "region": p.regions.to_numpy()[region],
            "home": at_home,
            "storage": size * table["storage_price_per_gb_month"].to_numpy(float)[dataset] * cal.months.sum(),
            "replication": sent,
            "refresh": sent * table["refresh_share_per_period"].to_numpy(float)[dataset] * len(cal.months),
        }
    )
    return frame.sort_values(["dataset", "home", "region"], ascending=[True, False, True], ignore_index=True)


def _use(instance: Instance, p: Prepared, used: Floats, owned: Floats, hired: Floats, usable: Floats) -> pd.DataFrame:
    s, pool = np.nonzero((used > 0) | (owned > 0) | (hired > 0))
    blocks = np.array([b.block for b in instance.header.horizon.blocks], dtype=object)
    pools = p.supply.pools
    return pd.DataFrame(
        {
            "pool": pools["label"].to_numpy()[pool],
            "region": pools["region"].to_numpy()[pool],
            "sku": pools["sku"].to_numpy()[pool],
            "period": p.data.calendar.slice_period[s],
            "block": blocks[p.data.calendar.slice_block[s]],
            "committed_gpus": owned[s, pool],
            "hired_gpus": hired[s, pool],
            "usable_gpus": usable[s, pool],
            "used_gpus": used[s, pool],
            "idle_gpus": np.maximum(usable[s, pool] - used[s, pool], 0.0),
        }
    )


def _energy(instance: Instance, p: Prepared, kwh: Floats) -> pd.DataFrame:
    d, regions = p.data, instance.tables["regions"]
    total, metered, money = (np.zeros((len(regions), d.n_slices)) for _ in range(3))
    for out, values in ((total, kwh), (metered, kwh * d.pools.metered), (money, kwh * d.slices.energy_price)):
        np.add.at(out, d.pools.region, values.T)
    k, s = np.nonzero(total)
    blocks = np.array([b.block for b in instance.header.horizon.blocks], dtype=object)
    return pd.DataFrame(
        {
            "region": regions["region"].to_numpy()[k],
            "period": d.calendar.slice_period[s],
            "block": blocks[d.calendar.slice_block[s]],
            "mwh": total[k, s] / 1000,
            "metered_mwh": metered[k, s] / 1000,
            "cost": money[k, s],
            "carbon_kg": total[k, s] * regions["carbon_g_per_kwh"].to_numpy(float)[k] / 1000,
        }
    )


def _data_rows(instance: Instance, placements: pd.DataFrame) -> list[tuple[object, str, float]]:
    """Datasets are paid in equal parts by the workloads that need them."""
    needs = instance.tables["workloads"]["datasets"]
    rows: list[tuple[object, str, float]] = []
    for placed in placements.itertuples():
        users: list[object] = [w for w, names in enumerate(needs) if placed.dataset in names] or [NOBODY]
        for component in ("storage", "replication", "refresh"):
            rows += [(w, component, float(getattr(placed, component)) / len(users)) for w in users]
    return rows


def _egress_rows(instance: Instance, p: Prepared, served: pd.DataFrame) -> list[tuple[object, str, float]]:
    geos = tuple(dict.fromkeys(p.askers.geo))
    prices = egress_prices(instance.tables["egress"], p.regions, geos)[:, len(p.regions) :]
    at = pd.Index(instance.tables["workloads"]["workload"])
    w = at.get_indexer(pd.Index(served["workload"]))
    price = prices[p.regions.get_indexer(pd.Index(served["region"])), pd.Index(geos).get_indexer(pd.Index(served["geo"]))]
    money = served["outcomes"].to_numpy(float) * price * instance.tables["workloads"]["gb_per_outcome"].to_numpy(float)[w]
    return [(i, "egress", float(amount)) for i, amount in enumerate(np.bincount(w, money, minlength=len(at)))]


def _costs(instance: Instance, rows: list[tuple[object, str, float]]) -> pd.DataFrame:
    names = instance.tables["workloads"]["workload"].tolist()
    frame = pd.DataFrame(
        [(names[w] if isinstance(w, int) else w, component, amount) for w, component, amount in rows],
        columns=["workload", "component", "amount"],
    )
    frame = frame[frame["amount"] != 0]
    return frame.groupby(["workload", "component"], as_index=False, sort=True)[["amount"]].sum()
