"""L0, facilities and power: site power caps, curtailment, PUE, metered energy."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from ailis_models.arrays import Data, members
from ailis_models.families import Rows, family


@family("L0", "slice", unit="MW", index=("capped region",))
def power_cap(m: Any, d: Data) -> Rows:
    """All GPUs that run in a region stay under its power cap, metered or not.

    Σ_{p in region} kw[p]·running[p] / 1000 <= cap_mw · (1 − curtailed_share)   [MW]

    kw[p] = power_kw_per_gpu · pue is the draw at the meter of one GPU that runs.
    Source: PUE after ISO/IEC 30134-2 (total facility energy ÷ IT energy).
    """
    pools_in = members(d.pools.region, int(d.pools.region.max(initial=-1)) + 1)
    for i, region in enumerate(d.capped.tolist()):
        if region < len(pools_in) and pools_in[region]:
            yield i, pyo.quicksum(m.kw[p] * 0.001 * m.running[p] for p in pools_in[region]) <= m.cap_mw[i]


FAMILIES = (power_cap,)


def slice_cost(m: Any, d: Data) -> Any:
    """Metered energy: Σ_p running[p] · kw[p] · H · energy_price[p]   [GPU · kW/GPU · h · money/kWh]."""
    metered = [p for p in range(len(d.pools.metered)) if d.pools.metered[p]]
    return pyo.quicksum(m.kw[p] * m.energy_price[p] * m.hours[0] * m.running[p] for p in metered)
