"""Portfolios: lists of changes on what may be signed and held. The standard ones, and those of a file."""

from __future__ import annotations

from pathlib import Path

from ailis_opt.changes import Change, parse, read_changes
from ailis_opt.schema.instance import Instance

FORWARDS, OPTIONS = ("swap", "forward"), ("call", "put", "cap", "insurance")
COMMITTED = ("owned", "reserved")
STANDARD = ("no hedge", "forwards only", "options only", "reserved only", "free choice")
FREE = "free choice"


def standard(instance: Instance) -> dict[str, list[Change]]:
    """No hedge: everything is hired as it is needed. Forwards only, options only: the same, with such hedges. Reserved only: capacity may
    be
    signed, and nothing held on paper. Free choice: all of it.

    What an instance does not have is not forbidden in it, and what would be free choice once more is left out.
    """
    hedges, offers = instance.tables["hedges"], instance.tables["offers"]
    kinds = set(hedges["kind"])
    signed = bool(offers["contract"].isin(COMMITTED).any())
    no_lots = _none("offers", f"contract in ({', '.join(COMMITTED)})", ("max_lots", "min_lots")) if signed else []
    nothing = _none("hedges", "", ("max_lots",)) if kinds else []
    found = {"no hedge": [*no_lots, *nothing]}
    for name, others, own in (("forwards only", OPTIONS, FORWARDS), ("options only", FORWARDS, OPTIONS)):
        if kinds & set(own):
            left_out = _none("hedges", f"kind in ({', '.join(others)})", ("max_lots",)) if kinds & set(others) else []
            found[name] = [*no_lots, *left_out]
    if signed:
        found["reserved only"] = nothing
    return {name: changes for name, changes in found.items() if changes} | {FREE: []}


def _none(table: str, where: str, columns: tuple[str, ...]) -> list[Change]:
    """Changes that let nothing be signed of the selected rows."""
    selected = f"[{where}]" if where else ""
    return [parse(f"{table}{selected}.{column} = 0") for column in columns]


def read_portfolios(path: Path) -> dict[str, list[Change]]:
    """The portfolios of a YAML file `{name: [change …]}`; an empty list is free choice. Raises InputError with all faults."""
    return read_changes(path, may_be_empty=True)
