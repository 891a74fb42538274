"""Price books: private prices and discounts laid over the offers of an instance.

A book is a CSV file or a YAML list. A row selects offers by any of `SELECTORS` (blank: any; `*` in a text stands for any characters)
and says `price_per_gpu_hour`, or `discount` on the list price, and `upfront_per_gpu`. The most specific row that selects an offer counts:
one that names the offer itself, then the one with more columns given in full, then with more columns given as patterns.

Lots that are signed already keep their price: they are sunk. Where an offer has some, they become an offer of their own, `NAME (signed)`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import BeforeValidator, WithJsonSchema

from ailis_opt.errors import Fault, InputError
from ailis_opt.io import recheck, yaml_text
from ailis_opt.io.raw import RawTable, nearest
from ailis_opt.io.rows import load
from ailis_opt.io.tabular import read_csv, read_inline, text_of
from ailis_opt.schema import Booked, Instance, Table
from ailis_opt.schema.columns import CountFrom1, Number, Share, SourcedRow, cell
from ailis_opt.schema.header import Horizon, day_of

SELECTORS = ("offer", "provider", "region", "sku", "tier", "contract", "term_periods")
MOST_BYTES = 100_000_000

Day = Annotated[str, BeforeValidator(lambda text: day_of(text).isoformat()), WithJsonSchema({"type": "string", "format": "date"})]


class Entry(SourcedRow):
    """A row of a price book."""

    offer: str = cell("offers with this name", "name or pattern", "", blank="any")
    provider: str = cell("offers of this provider", "name or pattern", "", blank="any")
    region: str = cell("offers in this region", "name or pattern", "", blank="any")
    sku: str = cell("offers of this SKU", "name or pattern", "", blank="any")
    tier: str = cell("offers of this sovereignty tier", "name or pattern", "", blank="any")
    contract: str = cell("offers with this kind of contract", "name or pattern", "", blank="any")
    term_periods: CountFrom1 | None = cell("offers with this term", "periods", None, blank="any")
    price_per_gpu_hour: Number | None = cell("price instead of the list price", "currency/GPU-hour", None, blank="the list price")
    discount: Share | None = cell("taken off the list price per GPU-hour", "share", None, blank="none")
    upfront_per_gpu: Number | None = cell("payment at the start of a term", "currency/GPU", None, blank="as listed")
    valid_from: Day = cell("first day", "date", "", blank="always")
    valid_until: Day = cell("last day", "date", "", blank="always")


BOOK = Table("book", Entry, ())


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the book: its cells, where it stands, and the positions of the offers that it selects."""

    place: str
    cells: dict[str, Any]
    offers: frozenset[int]

    @property
    def specificity(self) -> tuple[bool, int, int]:
        """Whether it names one offer; columns given in full; columns given as patterns."""
        given = [str(self.cells[c]) for c in SELECTORS[:-1] if self.cells[c].strip("*")]
        exact = [text for text in given if "*" not in text]
        named = bool(self.cells["offer"]) and "*" not in self.cells["offer"]
        return named, len(exact) + int(not pd.isna(self.cells["term_periods"])), len(given) - len(exact)


def apply_book(instance: Instance, path: str | Path) -> Instance:
    """The instance with the prices of a book. Its `booked` says list price and source of each offer that the book has priced.

    Raises InputError with all faults: cells, rows that match no offer, rows that are equally specific for one offer.
    """
    path = Path(path)
    faults: list[Fault] = []
    raw = _read(path)
    if isinstance(raw, list):
        raise InputError(raw)
    entries = load(raw, faults).frame
    if faults:
        raise InputError(faults)
    offers = instance.tables["offers"]
    lines = _lines(raw, entries, offers, faults)
    if faults:
        raise InputError(faults)
    current, warnings = _in_time(lines, instance.header.horizon)
    chosen = _chosen(current, offers, faults)
    if faults:
        raise InputError(faults)
    warnings += _unused(current, chosen)
    return _priced(instance, path.name, chosen, warnings)


def _read(path: Path) -> RawTable | list[Fault]:
    """The rows of the file as text, or what is wrong with it."""
    kind = path.suffix.lower()
    faults: list[Fault] = []
    if not path.exists():
        return [Fault(str(path), "does not exist", "Name a price book: a CSV or YAML file")]
    if kind == ".csv":
        raw = read_csv(path, BOOK, faults)
    elif kind in (".yaml", ".yml"):
        raw = _read_yaml(path, faults)
    else:
        return [Fault(str(path), "neither a CSV nor a YAML file", "Name a price book that ends in .csv, .yaml or .yml")]
    if not faults and not raw.rows:
        faults.append(Fault(path.name, "has no rows", f"Give a row for each price: {', '.join(BOOK.columns)}"))
    return faults or raw


def _read_yaml(path: Path, faults: list[Fault]) -> RawTable:
    text = text_of(path, MOST_BYTES)
    node, problems = (None, []) if isinstance(text, Fault) else yaml_text.parse(text)
    if isinstance(text, Fault):
        faults.append(text)
    faults.extend(Fault(path.name, p.why, p.mend, p.line) for p in problems)
    return RawTable(BOOK, path.name) if faults else read_inline("" if node is None else node, 1, path.name, BOOK, faults)


def _lines(raw: RawTable, entries: pd.DataFrame, offers: pd.DataFrame, faults: list[Fault]) -> list[Line]:
    """The rows with the offers that they select; each selects one at least, and says something about its price."""
    lines = []
    for i, cells in enumerate(_records(entries)):
        priced = [c for c in ("price_per_gpu_hour", "discount", "upfront_per_gpu") if not pd.isna(cells[c])]
        if not priced:
            faults.append(raw.fault(i, None, "says nothing about a price", "Give price_per_gpu_hour, discount or upfront_per_gpu"))
        if {"price_per_gpu_hour", "discount"} <= set(priced):
            faults.append(raw.fault(i, "discount", "a price and a discount on another price", "Give one of the two"))
        if cells["valid_from"] and cells["valid_until"] and cells["valid_until"] < cells["valid_from"]:
            faults.append(raw.fault(i, "valid_until", "before valid_from", "Give a later day"))
        lines.append(Line(f"{raw.file} row {raw.lines[i]}", cells, _matching(raw, i, cells, offers, faults)))
    return lines


def _matching(raw: RawTable, i: int, cells: dict[str, Any], offers: pd.DataFrame, faults: list[Fault]) -> frozenset[int]:
    """Positions of the offers that a row selects; none is a fault, of the column that no offer meets if there is one."""
    hits = set(range(len(offers)))
    alone = {}
    for column in SELECTORS:
        wanted, values = cells[column], offers[column].tolist()
        if (isinstance(wanted, str) and not wanted) or pd.isna(wanted):
            continue
        if isinstance(wanted, str):
            test = re.compile(".*".join(map(re.escape, wanted.split("*"))), re.DOTALL).fullmatch
            alone[column] = {k for k, value in enumerate(values) if test(value)}
        else:
            alone[column] = {k for k, value in enumerate(values) if value == wanted}
        hits &= alone[column]
    if hits:
        return frozenset(hits)
    for column, found in alone.items():
        if not found:
            faults.append(raw.fault(i, column, "no offer has this", nearest(str(cells[column]), _known(offers[column]))))
            return frozenset()
    named = ", ".join(f"{column}={cells[column]:g}" if column == "term_periods" else f"{column}={cells[column]}" for column in alone)
    faults.append(raw.fault(i, None, f"matches no offer: none has {named} together", "Leave a column blank, or mend it"))
    return frozenset()


def _known(values: pd.Series) -> list[str]:
    names = {f"{value:g}" if isinstance(value, float) else str(value) for value in values.dropna() if value != ""}
    return sorted(names)


def _in_time(lines: Sequence[Line], horizon: Horizon) -> tuple[list[Line], list[str]]:
    """The rows that are valid on some day of the horizon, and remarks on those that are not, or not on every day."""
    first, last = horizon.start.isoformat(), _last_day(horizon).isoformat()
    kept, warnings = [], []
    for line in lines:
        start, end = line.cells["valid_from"] or first, line.cells["valid_until"] or last
        said = " to ".join((line.cells["valid_from"] or "always", line.cells["valid_until"] or "always"))
        if end < first or start > last:
            warnings.append(f"{line.place}: valid {said}, outside the horizon ({first} to {last}); it is not used")
            continue
        if start > first or end < last:
            warnings.append(f"{line.place}: valid {said}, a part of the horizon ({first} to {last}); it is used for all of it")
        kept.append(line)
    return kept, warnings


def _last_day(horizon: Horizon) -> date:
    """The last day of the horizon; the last there is, if that lies beyond the calendar."""
    try:
        if horizon.period == "month":
            year, month = divmod(horizon.start.year * 12 + horizon.start.month - 1 + horizon.periods, 12)
            end = date(year, month + 1, min(horizon.start.day, monthrange(year, month + 1)[1]))
        else:
            end = horizon.start + timedelta(hours={"week": 168, "day": 24, "hour": 1}[horizon.period] * horizon.periods + 23)
        return end - timedelta(days=1)
    except (OverflowError, ValueError):
        return date.max


def _chosen(lines: Sequence[Line], offers: pd.DataFrame, faults: list[Fault]) -> dict[int, Line]:
    """By position of the offer the most specific row; two that are equally specific are a fault."""
    chosen: dict[int, Line] = {}
    told: set[tuple[str, str]] = set()
    for at in range(len(offers)):
        rows = sorted((line for line in lines if at in line.offers), key=lambda line: line.specificity, reverse=True)
        if not rows:
            continue
        chosen[at] = rows[0]
        for other in rows[1:]:
            pair = (rows[0].place, other.place)
            if other.specificity == rows[0].specificity and pair not in told:
                told.add(pair)
                file, row = rows[0].place.rsplit(" row ", 1)
                why = f"rows {row} and {other.place.rsplit(' ', 1)[1]} are equally specific for one offer"
                mend = "Give one of them a further column, or take one away"
                faults.append(Fault(file, why, mend, int(row), "offer", offers["offer"].iloc[at]))
    return chosen


def _unused(lines: Sequence[Line], chosen: dict[int, Line]) -> list[str]:
    used = {line.place for line in chosen.values()}
    return [f"{line.place}: prices no offer, more specific rows do" for line in lines if line.place not in used]


def _priced(instance: Instance, book: str, chosen: dict[int, Line], warnings: list[str]) -> Instance:
    """The instance with its offers priced; signed lots split off at their old price."""
    frame = instance.stated["offers"]
    rows, booked = [], dict(instance.booked)
    names = set(frame["offer"])
    for at, row in enumerate(_records(frame)):
        line = chosen.get(at)
        if line is None:
            rows.append(row)
            continue
        if row["committed_lots"] > 0:
            if row["max_lots"] == 0:
                warnings.append(f"{line.place}: {row['offer']} is signed already and nothing more of it is on offer: its price stays")
                rows.append(row)
                continue
            signed = _free(f"{row['offer']} (signed)", names)
            note = _joined(row["note"], f"lots of {row['offer']} signed before {book}")
            rows.append({**row, "offer": signed, "max_lots": 0.0, "min_lots": 0, "note": note})
            row = {**row, "committed_lots": 0}
        listed = booked.get(row["offer"]) or Booked(row["price_per_gpu_hour"], row["upfront_per_gpu"], "")
        new = _with_price(row, line)
        source = _joined(line.place, line.cells["source"])
        booked[row["offer"]] = replace(listed, source=source)
        before = f"list price {row['price_per_gpu_hour']:.10g}" + (f" ({row['source']})" if row["source"] else "")
        rows.append({**new, "source": f"{source}; {before}"})
    offers = pd.DataFrame(rows, columns=list(frame.columns)).astype(frame.dtypes.to_dict())
    made = recheck.remade(instance, {"offers": offers})
    return replace(made, booked=booked, noted={**made.noted, "book": tuple(warnings)})


def _with_price(row: dict[str, Any], line: Line) -> dict[str, Any]:
    price, discount, upfront = (line.cells[c] for c in ("price_per_gpu_hour", "discount", "upfront_per_gpu"))
    new = dict(row)
    if not pd.isna(price):
        new["price_per_gpu_hour"] = float(price)
    if not pd.isna(discount):
        new["price_per_gpu_hour"] = row["price_per_gpu_hour"] * (1 - discount)
    if not pd.isna(upfront):
        new["upfront_per_gpu"] = float(upfront)
    return new


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame by column name."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _joined(*parts: str) -> str:
    return ": ".join(part for part in parts if part)


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number where it is taken."""
    found, count = name, 2
    while found in taken:
        found, count = f"{name} {count}", count + 1
    taken.add(found)
    return found
