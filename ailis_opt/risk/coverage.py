"""The coverage table: what every index, hedge and contract states about every layer, to be published beside a price methodology.

What the columns of a row imply is worked out; an index's lists `included` and `excluded` say the rest, and have the last word.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pandas as pd

from ailis_opt.schema import Instance
from ailis_opt.schema.checklist import ATTRIBUTES, EXCLUDED, INCLUDED, OPEN, Attribute, checklist, completed

Row = Mapping[str, Any]
COLUMNS = ("kind", "name", "layer", "attribute", "state", "because")
SIGNS = {INCLUDED: "+", EXCLUDED: "-", OPEN: "."}
SHEET: Row = {"exit_after_periods": math.nan, "exit_fee_per_gpu": 0.0, "included": (), "excluded": ()}
"""What a term sheet says beside the columns of an offer, where it says nothing."""


def coverage(instance: Instance, offers: Collection[str] | None = None) -> pd.DataFrame:
    """A row per thing and attribute of the checklist, columns `COLUMNS`; of the offers only these (None: all)."""
    listed = [*_indices(instance), *_hedges(instance), *_contracts(instance, offers)]
    rows = [
        (kind, name, layer, one.name, one.state, one.because)
        for kind, name, layers in listed
        for layer, attributes in layers.items()
        for one in attributes
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


_Listed = tuple[str, str, dict[str, tuple[Attribute, ...]]]


def _rows(instance: Instance, table: str) -> dict[str, Row]:
    """Rows of a table by their name."""
    frame = instance.tables[table]
    return {row[frame.columns[0]]: {str(column): value for column, value in row.items()} for row in frame.to_dict("records")}


def _indices(instance: Instance) -> Iterator[_Listed]:
    for name, row in _rows(instance, "indices").items():
        yield "index", name, completed(_tracked(instance, row), row["included"], row["excluded"], "the index says so")


def _tracked(instance: Instance, index: Row) -> Iterator[Attribute]:
    """What the columns of an index say of the capacity that it tracks."""
    yield Attribute("price", INCLUDED, "what it states")
    if index["sku"]:
        yield Attribute("GPU SKU", INCLUDED, index["sku"])
        memory = _rows(instance, "skus").get(index["sku"], {}).get("memory_gb", math.nan)
        for name in ("HBM", "VRAM") if not math.isnan(memory) else ():
            yield Attribute(name, INCLUDED, f"{memory:g} GB a GPU")
    if index["region"]:
        yield Attribute("data location", INCLUDED, index["region"])
        law = _rows(instance, "regions").get(index["region"], {}).get("jurisdictions", ())
        if law:
            yield Attribute("data rights", INCLUDED, f"under the law of {', '.join(law)}")
    if index["tier"]:
        yield Attribute("sovereignty", INCLUDED, f"tier {index['tier']}")
    if index["contract"]:
        firm = index["contract"] != "interruptible"
        yield Attribute("firm capacity", INCLUDED if firm else EXCLUDED, "not interruptible" if firm else "interruptible")
        if index["contract"] in ("on_demand", "interruptible"):
            yield Attribute("take-or-pay", EXCLUDED, "only what is used is paid")
    if not math.isnan(index["term_periods"]):
        yield Attribute("term", INCLUDED, f"{index['term_periods']:g} periods")


def _hedges(instance: Instance) -> Iterator[_Listed]:
    """A hedge states what its index does, and its own terms; it is settled in money."""
    indices, last = _rows(instance, "indices"), instance.header.horizon.periods - 1
    for name, row in _rows(instance, "hedges").items():
        index = indices[row["index"]]
        stated = completed(_tracked(instance, index), index["included"], index["excluded"], f"the index {row['index']} says so")
        own = {one.name: one for one in _terms(row, last)}
        yield "hedge", name, {layer: tuple(own.get(one.name, one) for one in attributes) for layer, attributes in stated.items()}


def _terms(hedge: Row, last: int) -> Iterator[Attribute]:
    until = last if math.isnan(hedge["last_period"]) else hedge["last_period"]
    yield Attribute("firm capacity", EXCLUDED, "settled in money, no GPU is delivered")
    yield Attribute("price", INCLUDED, f"strike {hedge['strike']:g} a GPU-hour")
    yield Attribute("term", INCLUDED, f"periods {hedge['first_period']:g} to {until:g}")
    if hedge["premium_per_gpu_hour"] > 0:
        yield Attribute("upfront", INCLUDED, f"premium {hedge['premium_per_gpu_hour']:g} a GPU-hour")
    if not math.isnan(hedge["max_lots"]):
        yield Attribute("lots on offer", INCLUDED, f"at most {hedge['max_lots']:g}")


def _contracts(instance: Instance, offers: Collection[str] | None) -> Iterator[_Listed]:
    skus, regions = _rows(instance, "skus"), _rows(instance, "regions")
    for name, row in _rows(instance, "offers").items():
        if offers is None or name in offers:
            yield "contract", name, checklist({**row, **SHEET}, skus[row["sku"]], regions[row["region"]])


def coverage_text(table: pd.DataFrame) -> str:
    """The table as text: a line per attribute that anything states, a column per thing, and then what nothing states."""
    things = list(dict.fromkeys(zip(table["kind"], table["name"], strict=True)))
    states = {
        (kind, name, what): state for kind, name, what, state in table[["kind", "name", "attribute", "state"]].itertuples(index=False)
    }
    lines, silent = [], []
    width = max(len(what) for names in ATTRIBUTES.values() for what in names)
    for layer, names in ATTRIBUTES.items():
        told = [what for what in names if any(states[(*thing, what)] != OPEN for thing in things)]
        lines += [f"{layer:<12}{what:<{width}}" + "".join(f"  {SIGNS[states[(*thing, what)]]:>3}" for thing in things) for what in told]
        silent += [f"  {layer:<12}{', '.join(what for what in names if what not in told)}"] if len(told) < len(names) else []
    numbered = [f"{i:>3} {kind} {name}" for i, (kind, name) in enumerate(things, 1)]
    head = " " * (12 + width) + "".join(f"  {i:>3}" for i in range(1, len(things) + 1))
    legend = f"{SIGNS[INCLUDED]} {INCLUDED}, {SIGNS[EXCLUDED]} {EXCLUDED}, {SIGNS[OPEN]} {OPEN}"
    return "\n".join([*numbered, "", head, *lines, "", legend, "", "stated by none of them:", *silent])
