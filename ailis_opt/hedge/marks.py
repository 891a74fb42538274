"""Contracts marked to market: what capacity that is signed, and hedges that are held, are worth on their indices, scenario by scenario."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.calendar import calendar
from ailis_opt.changes.scenarios import Variant
from ailis_opt.prepare.payoffs import index_paths, payoffs
from ailis_opt.result import Result
from ailis_opt.schema.instance import Instance


@dataclass(frozen=True, slots=True)
class Mark:
    """One contract: its index, and (scenarios,) its value [money].

    Capacity: Σ_t (index − price) · GPU-hours paid; a hedge: what it pays less the carry of its collateral. Premium and upfront are paid: no
    part.
    """

    contract: str
    kind: str  # capacity | hedge
    index: str
    value: Floats


def marks(instance: Instance, result: Result, scenarios: tuple[Variant, ...]) -> tuple[Mark, ...]:
    """All lots signed, before or now, on an index that tracks them, and all hedges held."""
    paths = [index_paths(variant.instance) for variant in scenarios]  # (T, I) each
    hours = calendar(instance.header).period_hours
    found, offers = [], {row["offer"]: row for row in instance.tables["offers"].to_dict("records")}
    for offer, gpus in _in_force(instance, result).items():
        row = offers[offer]
        at = tracking(instance, row)
        if at is not None:
            paid = gpus * float(row["take_or_pay_share"]) * hours
            value = np.array([float(paid @ (path[:, at] - row["price_per_gpu_hour"])) for path in paths])
            found.append(Mark(offer, "capacity", str(instance.tables["indices"]["index"].iloc[at]), value))
    held = dict(zip(result.positions["hedge"], result.positions["lots"], strict=True))
    of = [payoffs(variant.instance) for variant in scenarios]
    for e, (name, index) in enumerate(zip(instance.tables["hedges"]["hedge"], instance.tables["hedges"]["index"], strict=True)):
        if held.get(name):
            found.append(Mark(name, "hedge", index, np.array([held[name] * (one.payoff[e] - one.carry[e]) for one in of])))
    return tuple(found)


def tracking(instance: Instance, offer: Mapping[Hashable, Any]) -> int | None:
    """The index that tracks an offer best: of its SKU, and of as much of region, tier and contract as any; None where none does."""
    best: tuple[int, int] | None = None
    for i, index in enumerate(instance.tables["indices"].to_dict("records")):
        same = [index[name] == offer[name] for name in ("region", "tier") if index[name]]
        if index["sku"] == offer["sku"] and all(same):
            score = len(same) + int(index["contract"] == offer["contract"])
            best = max(best, (score, -i)) if best is not None else (score, -i)
    return None if best is None else -best[1]


def _in_force(instance: Instance, result: Result) -> dict[str, Floats]:
    """(T,) GPUs in force of every committed offer of which lots are signed, before or now."""
    periods, bought, offers = instance.header.horizon.periods, result.purchases, instance.tables["offers"]
    terms = dict(zip(offers["offer"].tolist(), offers["term_periods"].fillna(periods).astype(int).tolist(), strict=True))
    signed = list(zip(bought["offer"].tolist(), bought["start_period"].astype(int).tolist(), bought["gpus"].tolist(), strict=True))
    before = (offers["committed_lots"] * offers["lot_gpus"]).tolist()
    signed += [(name, 0, gpus) for name, gpus in zip(offers["offer"].tolist(), before, strict=True) if gpus > 0]
    force: dict[str, Floats] = {}
    for name, start, gpus in signed:
        force.setdefault(name, np.zeros(periods))[start : start + terms[name]] += gpus
    return force
