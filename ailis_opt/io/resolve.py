"""Defaults that depend on other columns, tables or the header, filled in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ailis_opt.schema import Header

COMMITTED = ("owned", "reserved")


def resolve(header: Header, drafts: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables in normal form (see `Instance`) from valid tables whose blank cells are still blank."""
    tables = {name: frame.copy() for name, frame in drafts.items()}
    last = header.horizon.periods - 1
    regions, skus, offers = tables["regions"], tables["skus"], tables["offers"]
    alone = [(country,) if country else () for country in regions["country"]]
    filled = [own or default for own, default in zip(regions["jurisdictions"], alone, strict=True)]
    regions["jurisdictions"] = pd.Series(filled, dtype=object, index=regions.index)
    skus["scaleup_gpus"] = _filled(skus["scaleup_gpus"], skus["gpus_per_node"])
    offers["cluster_gpus"] = _filled(offers["cluster_gpus"], offers["sku"].map(skus.set_index("sku")["scaleup_gpus"]))
    offers["last_start"] = _filled(offers["last_start"], last)
    offers["whole_lots"] = np.where(offers["whole_lots"].isna(), offers["contract"].isin(COMMITTED), offers["whole_lots"]).astype(np.bool_)
    tables["workloads"]["deadline_period"] = _filled(tables["workloads"]["deadline_period"], last)
    tables["profiles"]["sequences"] = _filled(tables["profiles"]["sequences"], 1)
    return tables


def _filled(values: pd.Series, default: pd.Series | int) -> pd.Series:
    return values.fillna(default).astype(np.int64)
