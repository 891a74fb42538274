"""The funnel: how many routes each layer leaves open, and workloads that have none left."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ailis_models.layers import LAYERS, MASK, REASONS, layer_mask
from ailis_opt.errors import NoRouteError
from ailis_opt.prepare.assemble import Prepared
from ailis_opt.prepare.routes import closed_by, round_trips
from ailis_opt.schema.instance import Instance

LAYER_OF = {reason.name: reason.layer for reason in REASONS}
MOST_GEOS = 5


def funnel_table(instance: Instance, p: Prepared) -> pd.DataFrame:
    """Rows by layer (first: `all`), columns `layer`, `all workloads` and one per workload: routes left open after the layer.

    A route is (workload, geo, pool, profile); layers apply in the order of the map.
    """
    workload = p.askers.workload[p.routes.asker]
    names = instance.tables["workloads"]["workload"].tolist()
    left = np.ones(len(workload), bool)
    rows = []
    for layer in (None, *LAYERS):
        if layer is not None:
            left &= (p.routes.blockers & layer_mask(layer.id)) == 0
        counts = np.bincount(workload[left], minlength=len(names))
        rows.append(("all" if layer is None else layer.id, int(left.sum()), *counts.tolist()))
    return pd.DataFrame(rows, columns=["layer", "all workloads", *names])


def require_open_routes(instance: Instance, p: Prepared) -> None:
    """Raise NoRouteError if somebody who must be served has no open route at all.

    A line for each workload, with the routes that each reason closes; geos with the same counts share one.
    """
    work, asked = p.data.workloads, p.askers.demand.sum(axis=0)
    open_routes = np.bincount(p.routes.asker[p.routes.blockers == 0], minlength=len(p.askers.geo))
    closed = open_routes == 0
    lost = np.bincount(p.askers.workload[closed], asked[closed], minlength=len(work.total))
    bearable = work.sheddable & (lost <= (1 - work.min_service) * work.total * (1 + 1e-9))
    alike: dict[tuple[int, tuple[tuple[str, int], ...]], list[int]] = {}
    for a in np.flatnonzero(closed & ~bearable[p.askers.workload]).tolist():
        counts = closed_by(p.routes.blockers[p.routes.asker == a])
        reasons = tuple(sorted(counts.items(), key=lambda item: -item[1]))
        alike.setdefault((int(p.askers.workload[a]), reasons), []).append(a)
    if alike:
        raise NoRouteError("\n".join(_closed(instance, p, w, dict(reasons), askers) for (w, reasons), askers in alike.items()))


def _closed(instance: Instance, p: Prepared, w: int, reasons: dict[str, int], askers: list[int]) -> str:
    """One line on askers of workload `w` whose routes are closed by the same counts of reasons."""
    parts = []
    for i, (reason, n) in enumerate(reasons.items()):
        detail = LAYER_OF[reason] + (_latency(instance, p, w, askers) if reason == "latency" else "")
        parts.append(f"{n}{' closed' if i == 0 else ''} by {reason} ({detail})")
    geos = [p.askers.geo[a] for a in askers]
    name = instance.tables["workloads"]["workload"].iloc[w]
    more = f" and {len(geos) - MOST_GEOS} more" if len(geos) > MOST_GEOS else ""
    origin = "" if geos == ["any"] else f" from {', '.join(geos[:MOST_GEOS])}{more}"
    each = " each" if len(geos) > 1 else ""
    why = ", ".join(parts) or "no offer has a SKU that it has a profile for"
    return f"{name}{origin}: 0 of {sum(reasons.values())} routes open{each}: {why}"


def _latency(instance: Instance, p: Prepared, w: int, askers: list[int]) -> str:
    """The limit, and the least that a route takes which latency alone closes, if there is one."""
    limit = instance.tables["workloads"]["latency_ms"].iloc[w]
    mine = np.isin(p.routes.asker, askers) & (p.routes.blockers == MASK["latency"])
    if not mine.any():
        return f": limit {limit:g} ms"
    way, row = p.routes.way[mine], np.searchsorted(askers, p.routes.asker[mine])
    rtt = round_trips(instance.tables["latency"], [p.askers.geo[a] for a in askers], p.regions)[row, p.ways.region[way]]
    taken = rtt + instance.tables["profiles"]["latency_ms"].to_numpy(float)[p.ways.profile[way]]
    return f": limit {limit:g} ms, nearest miss {taken.min():g} ms"
