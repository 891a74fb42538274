"""Routes that a single layer closes and that would save most if it did not: found by reduced cost, priced by solving again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ailis_models.arrays import Floats
from ailis_models.layers import REASONS, layer_mask
from ailis_opt.engine.compile import Program
from ailis_opt.engine.highs import Answer
from ailis_opt.explain.lattice import Interval
from ailis_opt.explain.layered import NAMES, Layered
from ailis_opt.explain.pool import Pool, Reply, Task
from ailis_opt.result import Bounds

MOST = 3  # routes priced for each layer
SECONDS = 15.0  # at most, for one


class Clock(Protocol):
    """Gap and time for the solves."""

    gap: float

    @property
    def left(self) -> float:
        """Seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Opening:
    """A workload in a pool whose routes one layer closes. `saves`: what opening them would take off the objective, in its unit."""

    layer: str
    workload: str
    region: str
    sku: str
    tier: str
    pool: str
    reasons: tuple[str, ...]
    saves: Interval
    share: float  # of the objective

    @property
    def text(self) -> str:
        """In words: "h100 in sweden, closed to chat by latency: opening it saves 4.1%"."""
        amount = f"saves {self.share:.2%}" if self.share > 0 else "saves nothing"
        proven = "" if self.saves.lower > 0 or self.share <= 0 else " (not proven)"
        return f"{self.pool}, closed to {self.workload} by {' and '.join(self.reasons)}: opening it {amount}{proven}"

    def to_dict(self) -> dict[str, Any]:
        """As in `explain --json`."""
        names = ("workload", "region", "sku", "tier")
        return {"text": self.text, **{name: getattr(self, name) for name in names}, "saves": self.saves.to_dict()}


def openings(
    layered: Layered, pool: Pool, full: Bounds, among: frozenset[str], clock: Clock, small: bool
) -> dict[str, tuple[Opening, ...]]:
    """Per layer, the routes that it alone closes and that would save most, each priced by a solve with just them open."""
    candidates, base = _candidates(layered, full.upper, among, time.monotonic() + max(clock.left, 1.0))

    rows = iter(enumerate(zip(*(candidates[name].tolist() for name in ("workload", "pool", "layer")), strict=True)))

    def following(_: int) -> Task | None:
        i, opened = next(rows, (0, None))
        if opened is None or clock.left <= 0:
            return None
        seconds = min(SECONDS, max(clock.left, 1.0))
        return Task(i, frozenset(NAMES), full.upper, clock.gap, seconds, not small, opened)

    found: dict[str, list[Opening]] = {}
    for reply in pool.run(following):
        assert isinstance(reply.task.key, int)
        if not np.isfinite(reply.lower):
            continue  # not solved in time
        row = candidates.iloc[reply.task.key]
        found.setdefault(row["layer"], []).append(_opening(layered, row, reply, full, base))
    return {layer: tuple(sorted(items, key=lambda o: -o.saves.value)) for layer, items in found.items()}


def _opening(layered: Layered, row: pd.Series, reply: Reply, full: Bounds, base: float) -> Opening:
    """The saving: between plans and bounds it is certified; its value is that of the relaxations, which are alike."""
    lower, upper = max(full.lower - reply.upper, 0.0), max(full.upper - reply.lower, 0.0)
    value = float(np.clip(base - reply.lower, lower, upper))
    p, w, at = layered.prepared, int(row["workload"]), int(row["pool"])
    mask = int(row["blockers"])
    names = layered.instance.tables["workloads"]["workload"]
    place = p.supply.pools.iloc[at]
    return Opening(
        layer=row["layer"],
        workload=str(names.iloc[w]),
        region=str(place["region"]),
        sku=str(place["sku"]),
        tier=str(place["tier"]),
        pool=str(place["label"]),
        reasons=tuple(reason.name for reason in REASONS if reason.mask & mask),
        saves=Interval(value, lower, upper),
        share=value / abs(full.upper) if full.upper else 0.0,
    )


def _candidates(layered: Layered, price: float, among: frozenset[str], deadline: float) -> tuple[pd.DataFrame, float]:
    """The most promising (workload, pool) of each layer, and the relaxation's objective with everything closed as it is.

    See `_promise`; what comes of it is for a solve to say.
    """
    d, relaxable = layered.data, layered.data.relaxable
    assert relaxable is not None
    empty = pd.DataFrame(columns=["layer", "workload", "pool", "blockers", "promise"])
    program = layered.only()
    layered.solver.use(program)
    layered.solver.set_price(price if layered.ratio else 0.0)
    answer = layered.solver.relax(deadline)
    if answer.x is None or answer.column_dual is None:
        return empty, price
    n, served = program.split(answer.x)
    base = n / served if layered.ratio else n
    promise = _promise(layered, program, answer).sum(axis=0)
    blockers = np.bitwise_and.reduce(relaxable.route_blockers)
    parts = [empty]
    for layer in (name for name in NAMES if name in among and layer_mask(name)):
        mine = (blockers != 0) & ((blockers & ~layer_mask(layer)) == 0) & (promise > 0)
        frame = pd.DataFrame(
            {"workload": d.routes.workload[mine], "pool": d.routes.pool[mine], "blockers": blockers[mine], "promise": promise[mine]}
        )
        best = frame.groupby(["workload", "pool"], as_index=False).agg(
            blockers=("blockers", lambda b: int(np.bitwise_or.reduce(b))), promise=("promise", "sum")
        )
        parts.append(best.nlargest(MOST, "promise").assign(layer=layer))
    table = pd.concat([part for part in parts if len(part)] or [empty], ignore_index=True)
    return table.sort_values("promise", ascending=False, ignore_index=True), base


def _promise(layered: Layered, program: Program, answer: Answer) -> Floats:
    """(S, R) money that a route would save if it served all demand of its class, as far as its pool goes, at the relaxation's prices.

    (price of an outcome · rate − GPUs · price of a GPU-hour) · H · replicas. A pool that nobody uses has no price in the relaxation; there,
    and wherever nothing is idle, a GPU costs at least the cheapest offer.
    """
    d, layout = layered.data, program.layout
    assert answer.x is not None
    assert answer.row_dual is not None
    dual, hours = layout.slice_rows(answer.row_dual), d.slices.hours
    rows = {group.name: slice(group.start, group.start + len(group.keys)) for group in layout.slice.rows}
    outcome, gpu = dual[:, rows["L16.demand"]], np.maximum(-dual[:, rows["L1_supply.capacity"]], 0.0) / hours
    cheapest, usable = _market(layered)
    gpu = np.where(gpu > 0, np.maximum(gpu, cheapest), cheapest)
    r = d.routes
    replicas = np.minimum(d.slices.demand[:, r.klass] / (d.slices.rate * hours), usable[:, r.pool] / r.gpus)
    saved = (outcome[:, r.klass] * d.slices.rate - r.gpus * gpu[:, r.pool] - d.slices.egress_cost * d.slices.rate) * hours * replicas
    return np.maximum(saved, 0.0)


def _market(layered: Layered) -> tuple[Floats, Floats]:
    """(S, P) price of a usable GPU-hour at the cheapest offer of each pool, energy included, and usable GPUs of all of its offers."""
    d, relaxable = layered.data, layered.data.relaxable
    assert relaxable is not None
    shape = (d.n_slices, len(d.pools.region))
    cheapest, usable = np.full(shape, np.inf), np.zeros(shape)
    hired = relaxable.hired_on_offer * d.hired.lot_gpus
    parts = (
        (d.hired.pool, hired, d.slices.hired_available, d.slices.hire_price),
        (relaxable.by_hour_pool, relaxable.by_hour_on_offer, d.slices.by_hour_available, d.slices.by_hour_price),
    )
    for pool, gpus, available, price in parts:
        gpus, price = np.broadcast_to(gpus, (shape[0], len(pool))), np.broadcast_to(price / available, (shape[0], len(pool)))
        np.add.at(usable.T, pool, (gpus * available).T)
        np.minimum.at(cheapest.T, pool, np.where(gpus > 0, price, np.inf).T)
    return np.where(np.isfinite(cheapest), cheapest, 1e12) + d.slices.kw * d.slices.energy_price, usable
