"""Defaults that depend on other columns, tables or the header, filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ailis_opt.schema import Header

COMMITTED = ("owned", "reserved")

Tables = Mapping[str, pd.DataFrame]
Before = tuple[Header, Tables, Tables]
"""Header, drafts and tables in normal form of an instance that was resolved before."""


def resolve(header: Header, drafts: Tables, before: Before | None = None) -> dict[str, pd.DataFrame]:
    """Tables in normal form (see `Instance`) from valid tables whose blank cells are still blank.

    A table that has no such default is the draft itself. What follows from the same drafts as `before` is taken from there.
    """
    tables = dict(drafts)
    for name, default in DEFAULTS.items():
        if before is not None and before[0].horizon == header.horizon and all(drafts[n] is before[1][n] for n in default.needs):
            tables[name] = before[2][name]
        else:
            tables[name] = default.fill(header, tables)
    return tables


def _regions(header: Header, tables: Tables) -> pd.DataFrame:
    regions = tables["regions"].copy()
    alone = [(country,) if country else () for country in regions["country"]]
    filled = [own or default for own, default in zip(regions["jurisdictions"], alone, strict=True)]
    regions["jurisdictions"] = pd.Series(filled, dtype=object, index=regions.index)
    return regions


def _skus(header: Header, tables: Tables) -> pd.DataFrame:
    skus = tables["skus"]
    return skus.assign(scaleup_gpus=_filled(skus["scaleup_gpus"], skus["gpus_per_node"]))


def _offers(header: Header, tables: Tables) -> pd.DataFrame:
    offers, skus = tables["offers"], tables["skus"].set_index("sku")
    whole = np.where(offers["whole_lots"].isna(), offers["contract"].isin(COMMITTED), offers["whole_lots"]).astype(np.bool_)
    return offers.assign(
        cluster_gpus=_filled(offers["cluster_gpus"], offers["sku"].map(skus["scaleup_gpus"]).fillna(1)),  # an unknown SKU is found later
        last_start=_filled(offers["last_start"], header.horizon.periods - 1),
        whole_lots=whole,
    )


def _workloads(header: Header, tables: Tables) -> pd.DataFrame:
    work = tables["workloads"]
    return work.assign(deadline_period=_filled(work["deadline_period"], header.horizon.periods - 1))


def _profiles(header: Header, tables: Tables) -> pd.DataFrame:
    return tables["profiles"].assign(sequences=_filled(tables["profiles"]["sequences"], 1))


@dataclass(frozen=True, slots=True)
class Defaults:
    """The columns of a table that are filled in, the drafts that they follow from, and how. All other columns are as they were stated."""

    columns: tuple[str, ...]
    needs: tuple[str, ...]
    fill: Callable[[Header, Tables], pd.DataFrame]


DEFAULTS: dict[str, Defaults] = {
    "regions": Defaults(("jurisdictions",), ("regions",), _regions),
    "skus": Defaults(("scaleup_gpus",), ("skus",), _skus),
    "offers": Defaults(("cluster_gpus", "last_start", "whole_lots"), ("offers", "skus"), _offers),
    "workloads": Defaults(("deadline_period",), ("workloads",), _workloads),
    "profiles": Defaults(("sequences",), ("profiles",), _profiles),
}
"""Tables with such defaults. SKUs come before the offers that rest on them."""


def _filled(values: pd.Series, default: pd.Series | int) -> pd.Series:
    return values.fillna(default).astype(np.int64)
