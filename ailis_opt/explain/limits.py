"""Every limit that an instance puts on its plans, by name: what a conflict is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ailis_models.arrays import Floats, Ints
from ailis_models.layers import LAYERS, MASK, REASONS
from ailis_opt.explain.layered import Layered

ALL = -1


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: its kind, the workload that it is about (ALL: all together), and what it is about besides (−1: nothing).

    `key`: a capped region, a merged offer, a pool, an operator or a country, by its position in the prepared arrays.
    """

    layer: str
    kind: str
    workload: int
    key: int
    text: str
    unit: str = ""
    amount: float | None = None


def reasons_of(kind: str) -> int:
    """The blocker bit of a kind of limit that closes routes; 0 of any other. A limit on interruptible capacity is one with its share."""
    return MASK.get(kind, 0)


def limits(layered: Layered) -> tuple[Limit, ...]:
    """All limits that stand in the program of `layered`, in the order of the layer map."""
    order = {layer.id: i for i, layer in enumerate(LAYERS)}
    named = _Named(layered)
    found = [*named.power(), *named.supply(), *named.contract(), *named.routes(), *named.shares(), *named.training(), *named.budget()]
    return tuple(sorted(found, key=lambda limit: order[limit.layer]))


class _Named:
    """Puts names to positions."""

    def __init__(self, layered: Layered) -> None:
        self.p, self.d, self.instance = layered.prepared, layered.data, layered.instance
        assert self.d.relaxable is not None
        self.r = self.d.relaxable
        self.workload = self.instance.tables["workloads"]["workload"].tolist()
        self.offers = self.p.supply.offers

    def _offer(self, rows: Ints) -> str:
        return ", ".join(self.offers["offer"].to_numpy()[rows])

    def power(self) -> Iterator[Limit]:
        least = self.d.slices.cap_mw.min(axis=0, initial=np.inf)
        for i, k in enumerate(self.d.capped.tolist()):
            yield Limit("L0", "power cap", ALL, i, f"power cap of {self.p.regions[k]}", "MW", float(least[i]))

    def supply(self) -> Iterator[Limit]:
        c, d, r = self.d.committed, self.d, self.r
        for o, rows in enumerate(self.p.supply.committed_of):
            name = self._offer(rows)
            if r.lots_on_offer[o] < c.most[o] - 1e-9 and not any(o in group for group in c.groups):
                yield Limit("L1.supply", "lots on offer", ALL, o, f"lots on offer of {name}", "lots", float(r.lots_on_offer[o]))
            if r.starts_on_offer[o] < r.lots_on_offer[o] - 1e-9 and not any(o in group for group in c.groups):
                yield Limit("L1.supply", "ramp", ALL, o, f"lots per period of {name}", "lots", float(r.starts_on_offer[o]))
            if not r.lots_window[:, o].all():
                yield Limit("L1.supply", "delivery", ALL, o, f"delivery of {name}", "period", self._first(rows))
        for g, group in enumerate(c.groups):
            name = ", ".join(self._offer(self.p.supply.committed_of[o]) for o in group)
            yield Limit("L1.supply", "shared lots", ALL, g, f"lots on offer of {name} together", "lots", float(c.group_most[g]))
            if np.isfinite(c.group_starts[g]):
                yield Limit("L1.supply", "shared ramp", ALL, g, f"lots per period of {name} together", "lots", float(c.group_starts[g]))
        for h, rows in enumerate(self.p.supply.hired_of):
            name, quota = self._offer(rows), float(r.hired_on_offer[:, h].max(initial=0.0))
            if self._quota(rows) and quota < d.slices.hire_most[0, h] - 1e-9:
                yield Limit("L1.supply", "quota", ALL, h, f"quota of {name}", "lots", quota)
            if quota > 0 and (r.hired_on_offer[:, h] <= 0).any():
                yield Limit("L1.supply", "hire window", ALL, h, f"delivery of {name}", "period", self._first(rows))
        for p in r.spare_pools.tolist():
            yield Limit("L1.supply", "availability", ALL, p, f"availability of {self.p.supply.pools['label'].iloc[p]}", "share")
        before = r.by_hour_on_offer[:, len(c.term) :]
        if (before < np.broadcast_to(r.by_hour_useful[:, len(c.term) :], before.shape) - 1e-9).any():
            yield Limit("L1.supply", "signed until", ALL, -1, "end of the lots signed before")

    def _quota(self, rows: Ints) -> bool:
        """Whether the offers, merged, say how much of them there is, or are there at all."""
        limit = self.offers["max_lots"].iloc[rows].sum(skipna=False)
        start, last = self.offers["start"].iloc[rows[0]], self.offers["last_start"].iloc[rows[0]]
        return bool(np.isfinite(limit)) or start > last

    def _first(self, rows: Ints) -> float:
        return float(self.offers["start"].iloc[rows[0]])

    def contract(self) -> Iterator[Limit]:
        c, h = self.d.committed, self.d.hired
        for o, rows in enumerate(self.p.supply.committed_of):
            name = self._offer(rows)
            if c.whole[o]:
                yield Limit("contract", "whole lots", ALL, o, f"whole lots of {name}", "GPU", float(c.lot_gpus[o]))
            if c.least[o] > 0:
                yield Limit("contract", "least lots", ALL, o, f"least lots of {name}", "lots", float(c.least[o]))
            yield Limit("contract", "terms", ALL, o, f"term of {name}", "periods", float(c.term[o]))
        if c.already.any():
            yield Limit("contract", "signed before", ALL, -1, "payment for lots signed before")
        for i, rows in enumerate(self.p.supply.hired_of):
            name = self._offer(rows)
            if h.whole[i]:
                yield Limit("contract", "whole hired", ALL, i, f"whole lots of {name}", "GPU", float(h.lot_gpus[i]))
            if h.least[i] > 0:
                yield Limit("contract", "least hired", ALL, i, f"least lots of {name}", "lots", float(h.least[i]))

    def routes(self) -> Iterator[Limit]:
        """What closes routes of a workload."""
        d, r = self.d, self.r
        bits = np.zeros(len(self.workload), dtype=np.int64)
        for blockers, workload in (
            (r.route_blockers, d.routes.workload),
            (r.standby_blockers, d.standby.workload),
            (r.job_blockers, d.jobs.workload),
        ):
            np.bitwise_or.at(bits, workload, np.bitwise_or.reduce(blockers))
        table = self.instance.tables["workloads"]
        for reason in REASONS:
            if reason.name == "interruption":
                continue
            for w in np.flatnonzero(bits & reason.mask).tolist():
                name = self.workload[w]
                latency = float(table["latency_ms"].iloc[w]) if reason.name == "latency" else None
                text = f"routes of {name} closed by {reason.name} ({reason.layer})"
                yield Limit(reason.layer, reason.name, w, -1, text, "" if latency is None else "ms", latency)
        work, mask = d.workloads, MASK["interruption"]
        for w, name in enumerate(self.workload):
            if bits[w] & mask or work.interruptible_share[w] < 1:
                text = f"interruptible share of {name}"
                yield Limit("L10-L14", "interruption", w, -1, text, "share of demand", float(work.interruptible_share[w]))

    def shares(self) -> Iterator[Limit]:
        d, work = self.d, self.d.workloads
        for w, name in enumerate(self.workload):
            if any(w in needed for needed in d.placements.needed_by):
                yield Limit("L5-L9", "data in place", w, -1, f"datasets of {name} held where it runs")
            if work.failover_share[w] > 0:
                yield Limit("L10-L14", "failover", w, -1, f"failover of {name}", "share of demand", float(work.failover_share[w]))
            if work.move_share[w] < 1 and not work.training[w]:
                yield Limit("L10-L14", "movement", w, -1, f"movement of {name}", "share of demand", float(work.move_share[w]))
        for kind, share, names in (
            ("operator share", work.operator_share, self.p.operators),
            ("country share", work.country_share, self.p.countries),
        ):
            yield from self._concentration(kind, share, names.tolist())

    def _concentration(self, kind: str, share: Floats, names: list[str]) -> Iterator[Limit]:
        d = self.d
        by = d.pools.operator if kind == "operator share" else d.pools.country
        workload, pool = np.concatenate([d.routes.workload, d.jobs.workload]), np.concatenate([d.routes.pool, d.jobs.pool])
        for w in np.flatnonzero(share < 1).tolist():
            for a in np.unique(by[pool[workload == w]]).tolist():
                yield Limit("L15", kind, w, a, f"share of {names[a]} in {self.workload[w]}", "share of demand", float(share[w]))

    def training(self) -> Iterator[Limit]:
        d, table = self.d, self.instance.tables["workloads"]
        for w in np.flatnonzero(d.workloads.training & (d.workloads.total > 0)).tolist():
            name = self.workload[w]
            yield Limit("L1.topology", "whole gangs", w, -1, f"whole gangs of {name}")
            if d.workloads.move_share[w] <= 0:
                yield Limit("L1.topology", "one pool", w, -1, f"one pool for {name}")
            mine = d.jobs.workload == w
            if not self.r.job_window[:, mine].all():
                deadline = float(table["deadline_period"].iloc[w])
                late = deadline < d.periods - 1
                yield Limit("L16", "deadline", w, -1, f"{'deadline' if late else 'release'} of {name}", "period", deadline)

    def budget(self) -> Iterator[Limit]:
        if np.isfinite(self.d.budget):
            yield Limit("L16", "budget", ALL, -1, "budget", self.instance.header.currency, float(self.d.budget))
