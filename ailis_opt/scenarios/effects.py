"""What an event changes in an instance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ailis_opt.changes import parse
from ailis_opt.errors import Fault, InputError
from ailis_opt.scenarios.events import TABLE_OF, Event
from ailis_opt.scenarios.rows import COMMITTED, HIRED, Row, among, begins, change, joined, number, positions
from ailis_opt.schema import Instance
from ailis_opt.schema.uncertainty import MAY_CHANGE

CLOSED = "none"
"""The jurisdiction of a region that is under none any longer: a blank would mean its country."""


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as drawn: how strong, and the period in which it begins."""

    severity: float
    start: int


def require_target(event: Event, instance: Instance) -> None:
    """Raise InputError where an event selects nothing in the instance, or could not happen to it."""
    try:
        effects(event, instance, Happening(event.severity[0] if event.severity else 0.0, event.when[0] if event.when else 0))
    except InputError as error:
        raise InputError([replace(fault, column=f"event {event.name}") for fault in error.faults]) from None
    last = instance.header.horizon.periods - 1
    if event.when is not None and event.when[1] > last:
        why, mend = f"period {event.when[1]} is after the end of the horizon", f"Periods count from 0: give 0 to {last}"
        raise InputError([Fault("events", why, mend, column=f"event {event.name}, when")])


def effects(event: Event, instance: Instance, drawn: Happening) -> list[Row]:
    """The rows of `changes` of an event. Raises InputError where it selects nothing."""
    return _KINDS[event.kind](event, instance, drawn)


def _selected(event: Event, instance: Instance, more: str = "") -> tuple[str, np.ndarray]:
    """The whole selector of an event, and the positions of the rows that it selects."""
    where = joined(event.where, more)
    return where, positions(instance, TABLE_OF[event.kind], where)


def _grid_slip(event: Event, instance: Instance, drawn: Happening) -> list[Row]:
    where, _ = _selected(event, instance, COMMITTED)
    if not drawn.severity:
        return []
    return [change(event.tag, "offers", where, "lead_periods", "add", str(int(drawn.severity)), event.name)]


def _withdrawal(event: Event, instance: Instance, drawn: Happening) -> list[Row]:
    """An offer that has begun ends before the period; one that has not is not there at all."""
    _, at = _selected(event, instance, HIRED)
    offers = instance.tables["offers"].iloc[at]
    begun, ends = begins(offers) < drawn.start, offers["last_start"].to_numpy(float)
    cut, gone = offers["offer"][begun & (ends >= drawn.start)], offers[~begun]
    bound = gone["offer"][gone["min_lots"] > 0]
    if len(bound):
        raise InputError([Fault("events", f"{bound.iloc[0]} has min_lots: it cannot be withdrawn", "Select offers without min_lots")])
    found = []
    if len(cut):
        found.append(change(event.tag, "offers", among("offer", cut), "last_start", "set", str(drawn.start - 1), event.name))
    if len(gone):
        found.append(change(event.tag, "offers", among("offer", gone["offer"]), "max_lots", "set", "0", event.name))
    return found


def _shortage(event: Event, instance: Instance, drawn: Happening) -> list[Row]:
    """Whole lots, never fewer than `min_lots`; the offers that are left the same number share a row, the least last."""
    _, at = _selected(event, instance, HIRED)
    offers = instance.tables["offers"].iloc[at]
    offers = offers[offers["max_lots"].notna()]
    if offers.empty:
        why = "none of the offers that it selects states max_lots, so a shortage of them changes nothing"
        raise InputError([Fault("events", why, "Give the offers max_lots, or take a withdrawal")])
    left = np.maximum(np.floor(offers["max_lots"] * drawn.severity + 1e-9), offers["min_lots"]).astype(int)
    groups = offers["offer"][left < offers["max_lots"]].groupby(left)
    return [
        change(event.tag, "offers", among("offer", names), "max_lots", "set", str(lots), event.name)
        for lots, names in sorted(groups, key=lambda group: -group[0])
    ]


def _efficiency(event: Event, instance: Instance, drawn: Happening) -> list[Row]:
    where, at = _selected(event, instance)
    gain = 1 + drawn.severity
    found = [change(event.tag, "profiles", where, "units_per_hour", "mul", number(gain), event.name)]
    names = dict.fromkeys(instance.tables["profiles"]["workload"].iloc[at])
    asked = [name for name in names if (instance.tables["demand"]["workload"] == name).any()]
    if event.elasticity and asked:
        factor = number(math.pow(gain, event.elasticity))
        found.append(change(event.tag, "demand", among("workload", asked), "outcomes", "mul", factor, event.name))
    return found


def _closure(event: Event, instance: Instance, drawn: Happening) -> list[Row]:
    """Regions that are left under the same jurisdictions share a row."""
    where, _ = _selected(event, instance, among("jurisdictions", [event.jurisdiction]))
    regions = instance.tables["regions"].iloc[positions(instance, "regions", where)]
    groups: dict[str, list[str]] = {}
    for name, under in zip(regions["region"], regions["jurisdictions"], strict=True):
        left = ";".join(word for word in under if word != event.jurisdiction) or CLOSED
        groups.setdefault(left, []).append(name)
    return [
        change(event.tag, "regions", among("region", names), "jurisdictions", "set", left, event.name) for left, names in groups.items()
    ]


def _changes(event: Event, instance: Instance, drawn: Happening) -> list[Row]:
    found = []
    for text in event.changes:
        said = parse(text.replace("{severity}", number(drawn.severity)).replace("{start}", str(drawn.start)))
        if said.op in ("insert", "remove") or said.column not in MAY_CHANGE.get(said.table, ()):
            why = f"not what a scenario may change: {text}"
            raise InputError([Fault("events", why, f"Change any of {_known(said.table)}, with =, *= or +=")])
        positions(instance, said.table, said.where)
        last = instance.header.horizon.periods - 1
        dated = said.first_period is not None or said.last_period is not None
        periods = (said.first_period or 0, last if said.last_period is None else said.last_period) if dated else None
        found.append(change(event.tag, said.table, said.where, said.column, said.op, said.value, event.name, periods))
    return found


def _known(table: str) -> str:
    """What a scenario may change: of the table, or the tables."""
    return ", ".join(f"{table}.{column}" for column in MAY_CHANGE[table]) if table in MAY_CHANGE else f"the tables {', '.join(MAY_CHANGE)}"


_KINDS: dict[str, Callable[[Event, Instance, Happening], list[Row]]] = {
    "grid_slip": _grid_slip,
    "withdrawal": _withdrawal,
    "shortage": _shortage,
    "efficiency": _efficiency,
    "closure": _closure,
    "changes": _changes,
}
