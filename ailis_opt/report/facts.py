"""Figures that several sections use."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ailis_opt.calendar import calendar, slice_hours
from ailis_opt.output.figures import moment
from ailis_opt.report.run import Run

COMPONENTS = {
    "owned": "owned",
    "reserved": "reserved",
    "upfront": "upfront payments",
    "on_demand": "on demand",
    "interruptible": "interruptible",
    "energy": "energy",
    "storage": "storage",
    "replication": "replication",
    "refresh": "refresh",
    "egress": "egress",
    "unserved": "unserved",
    "hedges": "hedges",
}
IDLE = "(idle)"


def period_names(run: Run) -> list[str]:
    """The name of every period of the horizon."""
    horizon = run.instance.header.horizon
    return [moment(horizon, t) for t in range(horizon.periods)]


def block_names(run: Run) -> list[str]:
    """The blocks of hours, in the order of the instance."""
    return [block.block for block in run.instance.header.horizon.blocks]


def hours(run: Run) -> pd.Series:
    """Hours of every slice, by (period, block)."""
    header = run.instance.header
    shares = np.array([block.share for block in header.horizon.blocks])
    cal = calendar(header)
    index = pd.MultiIndex.from_product([range(header.horizon.periods), block_names(run)], names=["period", "block"])
    return pd.Series(slice_hours(cal, shares), index=index)


def use(run: Run) -> pd.DataFrame:
    """The use of pools with the hours of each slice and GPU-hours committed, hired, usable, used and idle."""
    frame = run.tables["use"].copy()
    frame["period"] = frame["period"].astype(int)
    frame["hours"] = hours(run).reindex(pd.MultiIndex.from_frame(frame[["period", "block"]])).to_numpy(float)
    for name in ("committed", "hired", "usable", "used", "idle"):
        frame[f"{name}_hours"] = frame[f"{name}_gpus"] * frame["hours"]
    return frame
