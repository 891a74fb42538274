"""A history: observed prices, spot shares, demand and index levels, on one spacing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from ailis_opt.errors import Fault, InputError
from ailis_opt.io.rows import Loaded, load
from ailis_opt.io.tabular import read_csv, read_parquet
from ailis_opt.schema import Table
from ailis_opt.schema.columns import Name, Positive, SourcedRow, cell
from ailis_opt.schema.uncertainty import Basis

Spacing = Literal["hour", "day", "week", "month", "quarter", "year"]
FREQUENCIES: dict[Spacing, str] = {"hour": "h", "day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}
PER_YEAR: dict[Spacing, float] = {"hour": 8766.0, "day": 365.25, "week": 365.25 / 7, "month": 12.0, "quarter": 4.0, "year": 1.0}
_LONGEST_DAYS: dict[Spacing, float] = {"hour": 0.5, "day": 4.0, "week": 20.0, "month": 60.0, "quarter": 200.0, "year": np.inf}
"""Median days between observations up to which a series is said to have a spacing."""
ATTRIBUTES = ("kind", "sku", "region", "contract", "workload", "index", "basis")
_MEANT = {
    "price": ("sku", "region", "contract"),
    "spot_share": ("sku", "region", "basis"),
    "demand": ("workload", "basis"),
    "index": ("index", "basis"),
}
"""Columns that have a meaning for each kind of series."""
_NEEDED = {"price": "sku", "spot_share": "sku", "index": "index"}


def _moment(value: object) -> object:
    """An ISO date, maybe with a time, in one form: `2024-12-26T05:00:00`."""
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None).isoformat()
    except ValueError:
        raise PydanticCustomError("date", "not a date, written like 2024-12-26 or 2024-12-26 05:00") from None


class Observation(SourcedRow):
    """One observation of one series."""

    date: Annotated[str, BeforeValidator(_moment)] = cell("when it was observed", "date")
    series: Name = cell("name of the series", "name")
    kind: Literal["price", "spot_share", "demand", "index"] = cell("what is observed", "one of")
    value: Positive = cell("what was observed", "currency/GPU-hour, share or outcomes")
    sku: str = cell("SKU that is priced", "name", "")
    region: str = cell("region that it is priced in", "name", "")
    contract: Literal["on_demand", "interruptible", "reserved", ""] = cell("kind of contract", "one of", "", blank="on demand")
    workload: str = cell("workload that is demanded", "name", "", blank="all of them")
    index: str = cell("the index", "name", "")
    basis: Basis = cell("type of basis risk that it belongs to", "one of", "")


HISTORY = Table("history", Observation, ("series", "date"))


@dataclass(frozen=True)
class History:
    """Observations on one spacing.

    `series`: attributes by name (columns `ATTRIBUTES`). `values`: (intervals, series), the last observation in each interval, NaN where
    there is none; the index are periods without gaps. `observed`: rows read; `repeated`: those that a later one in the interval replaced.
    """

    file: str
    spacing: Spacing
    series: pd.DataFrame
    values: pd.DataFrame
    observed: int
    repeated: int


def read_history(path: str | Path) -> History:
    """Read a history. Raises InputError with all that is wrong with it."""
    path, faults = Path(path), list[Fault]()
    if not path.exists():
        raise InputError([Fault(str(path), "does not exist", "Name a CSV file of observations, or a fit.json")])
    raw = (read_parquet if path.suffix.lower() == ".parquet" else read_csv)(path, HISTORY, faults)
    loaded = load(raw, faults)
    if not raw.rows and not faults:
        faults.append(Fault(path.name, "there is no observation in it", "Give a row per observation: date, series, kind, value"))
    for check in (_meaning, _alike, _once, _shares):
        faults += check(loaded)
    if faults:
        raise InputError(sorted(faults, key=lambda fault: fault.row or 0))
    return _on_one_spacing(path.name, loaded.frame)


def _found(loaded: Loaded, wrong: pd.Series, column: str, why: str, mend: str) -> Iterator[Fault]:
    """A fault for every row that is wrong, if the column itself is not at fault already."""
    for i in np.flatnonzero(wrong.to_numpy(bool) & loaded.sound(column, "kind", "series", "date")):
        yield loaded.fault(int(i), column, why, mend)


def _meaning(loaded: Loaded) -> list[Fault]:
    """What a kind of series needs, and what has no meaning for it."""
    frame, faults = loaded.frame, list[Fault]()
    for kind, meant in _MEANT.items():
        mine = frame["kind"] == kind
        if kind in _NEEDED:
            column = _NEEDED[kind]
            faults += _found(loaded, mine & (frame[column] == ""), column, f"needed: the series is of kind {kind}", f"Name the {column}")
        for column in set(ATTRIBUTES[1:]) - set(meant):
            given = mine & (frame[column] != "")
            faults += _found(loaded, given, column, f"without meaning for the kind {kind}", "Leave the cell blank")
    return faults


def _alike(loaded: Loaded) -> list[Fault]:
    """All rows of a series say the same of it."""
    frame, faults = loaded.frame, list[Fault]()
    for column in ATTRIBUTES:
        differs = frame[column] != frame.groupby("series")[column].transform("first")
        why, mend = "not what the first row of the series says", "Say the same in all of them, or name the series differently"
        faults += _found(loaded, differs, column, why, mend)
    return faults


def _once(loaded: Loaded) -> list[Fault]:
    """A series has one value at a time."""
    again = loaded.frame.duplicated(["series", "date"])
    return list(_found(loaded, again, "date", "the series has a value at this time already", "Keep one of the rows"))


def _shares(loaded: Loaded) -> list[Fault]:
    """A share is below 1."""
    over = (loaded.frame["kind"] == "spot_share") & (loaded.frame["value"] >= 1)
    return list(_found(loaded, over, "value", "not below 1, the price on demand", "Give the interruptible price as a share of it"))


def _on_one_spacing(file: str, frame: pd.DataFrame) -> History:
    """The observations by interval of the coarsest series."""
    at = pd.to_datetime(frame["date"], format="ISO8601")
    order = np.lexsort((at.to_numpy(), frame["series"].to_numpy(str)))
    frame, at = frame.iloc[order], at.iloc[order]
    days = pd.Series(at.to_numpy("datetime64[s]").astype(float) / 86_400, index=frame.index)
    medians = days.groupby(frame["series"]).diff().groupby(frame["series"]).median().dropna()
    spacing = _spacing(float(medians.max()) if len(medians) else 0.0)
    interval = at.dt.to_period(FREQUENCIES[spacing])
    kept = ~pd.DataFrame({"s": frame["series"], "i": interval}).duplicated(keep="last")
    values = frame[kept].assign(interval=interval[kept]).pivot(index="interval", columns="series", values="value")
    every = pd.period_range(values.index.min(), values.index.max(), freq=FREQUENCIES[spacing])
    series = frame.drop_duplicates("series").set_index("series")[list(ATTRIBUTES)].sort_index()
    series["contract"] = series["contract"].mask((series["kind"] == "price") & (series["contract"] == ""), "on_demand")
    return History(file, spacing, series, values.reindex(every)[list(series.index)], len(frame), int((~kept).sum()))


def _spacing(days: float) -> Spacing:
    return next(name for name, longest in _LONGEST_DAYS.items() if days <= longest)


def label(interval: object) -> str:
    """An interval in words: `2024-12`, `2024Q4`, a week by its last day."""
    return str(interval).split("/")[-1]
