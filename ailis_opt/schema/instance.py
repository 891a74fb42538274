"""An instance in normal form, and the fingerprint of its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ailis_opt.schema.columns import Kind
from ailis_opt.schema.header import Header
from ailis_opt.schema.registry import TABLES

_LATER = ("prices",)
"""Tables that joined the format after its first version: without rows they leave a fingerprint as it was."""
_LATER_COLUMNS = {
    "indices": ("included", "excluded"),
    "hedges": ("limit_per_gpu_hour", "collateral_per_gpu_hour", "carry_rate_per_year", "committed_lots"),
}
"""Columns that joined their table later: where all are at their default, which is nothing, they leave a fingerprint as it was."""


@dataclass(frozen=True, slots=True)
class Booked:
    """What a price book has changed of an offer: list price (currency/GPU-hour), listed upfront (currency/GPU), and the book's row."""

    list_price_per_gpu_hour: float
    list_upfront_per_gpu: float
    source: str


@dataclass(frozen=True)
class Instance:
    """A valid instance.

    `tables` holds every table of the format (maybe without rows), each with every column in the order of the schema and a
    RangeIndex. Text is `str` (blank: ""), lists are tuples of str, numbers int64 or float64 (NaN: no value), flags bool.
    `stated` are the same tables before defaults that follow from other cells were filled in: what a changed instance is made from.
    `noted` has the warnings by the check that gave them.
    `booked` has the offers that a price book has priced, by name; it is no part of the content.
    """

    header: Header
    tables: Mapping[str, pd.DataFrame]
    sha256: str
    path: str
    noted: Mapping[str, tuple[str, ...]]
    stated: Mapping[str, pd.DataFrame]
    booked: Mapping[str, Booked] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed, and yet seldom meant."""
        return tuple(text for texts in self.noted.values() for text in texts)


def fingerprint(header: Header, tables: Mapping[str, pd.DataFrame]) -> str:
    """SHA-256 (hex) of the content in normal form: independent of path, file format, column order and of defaults written out."""
    digest = hashlib.sha256(json.dumps(header.content(), sort_keys=True).encode())
    for name, table in TABLES.items():
        frame = tables[name]
        if name in _LATER and frame.empty:
            continue
        digest.update(f"\n{name} {len(frame)}".encode())
        for column, kind in table.kinds.items():
            if column in _LATER_COLUMNS.get(name, ()) and _nothing(frame[column], kind):
                continue
            digest.update(f"\n{column} ".encode())
            digest.update(_content(frame[column], kind))
    return digest.hexdigest()


def _nothing(values: pd.Series, kind: Kind) -> bool:
    """Whether every cell is at its default: an empty list, blank, or 0."""
    if kind == "list":
        return not any(values)
    return bool((values.isna() if kind == "optional" else values == 0).all())


def _content(values: pd.Series, kind: Kind) -> bytes:
    if kind in ("text", "list"):
        return json.dumps(values.tolist()).encode()
    numbers = values.to_numpy(dtype="<f8") + 0.0  # -0 is 0
    return np.where(np.isnan(numbers), np.nan, numbers).tobytes()
