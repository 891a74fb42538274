"""Stub."""
from __future__ import annotations
import numpy as np
from ailis_models.arrays import Floats, Hedges
from ailis_opt.schema.instance import Instance
def hedge_arrays(instance: Instance) -> Hedges:
    table = instance.tables["hedges"]
    n = len(table)
    most = table["max_lots"].to_numpy(float)
    return Hedges(np.zeros(n), np.where(np.isnan(most), np.inf, most), table["whole_lots"].to_numpy(bool))
def position_cost(instance: Instance) -> Floats:
    return np.zeros((1, len(instance.tables["hedges"])))
