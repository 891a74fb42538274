"""The funnel: how many routes each layer leaves open, and workloads that have none left."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ailis_models.layers import LAYERS, layer_mask
from ailis_opt.errors import InfeasibleError
from ailis_opt.prepare.assemble import Prepared
from ailis_opt.prepare.routes import closed_by
from ailis_opt.schema.instance import Instance


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
    """Raise InfeasibleError, with the counts, if somebody who must be served has no open route at all."""
    table = instance.tables["workloads"]
    work, asked = p.data.workloads, p.askers.demand.sum(axis=0)
    open_routes = np.bincount(p.routes.asker[p.routes.blockers == 0], minlength=len(p.askers.geo))
    faults = []
    closed = open_routes == 0
    lost = np.bincount(p.askers.workload[closed], asked[closed], minlength=len(work.total))
    bearable = work.sheddable & (lost <= (1 - work.min_service) * work.total * (1 + 1e-9))
    for a in np.flatnonzero(closed).tolist():
        w = p.askers.workload[a]
        if bearable[w]:
            continue
        blockers = p.routes.blockers[p.routes.asker == a]
        reasons = sorted(closed_by(blockers).items(), key=lambda item: -item[1])
        counts = ", ".join(f"{n}{' closed' if i == 0 else ''} by {reason}" for i, (reason, n) in enumerate(reasons))
        geo = "" if p.askers.geo[a] == "any" else f" from {p.askers.geo[a]}"
        why = counts or "no offer has a SKU that it has a profile for"
        faults.append(f"{table['workload'].iloc[w]}{geo}: 0 of {len(blockers)} routes open: {why}")
    if faults:
        raise InfeasibleError("\n".join(faults))
