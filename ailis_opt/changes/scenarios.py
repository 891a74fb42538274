"""The instance of every scenario.

A scenario is a list of changes (its rows of the table `changes`) with a probability. What it may change is what becomes known after the
plan is signed: prices, supply, demand, efficiency, rules (`MAY_CHANGE`).
"""

from __future__ import annotations

import weakref
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ailis_opt.changes.apply import apply
from ailis_opt.changes.grammar import BY_PERIOD, Change
from ailis_opt.changes.parse import parsed
from ailis_opt.errors import Fault, InputError
from ailis_opt.io import places, recheck
from ailis_opt.io.raw import shown
from ailis_opt.io.resolve import COMMITTED
from ailis_opt.schema import Instance
from ailis_opt.schema.uncertainty import MAY_CHANGE

__all__ = ["FIXED", "MAY_CHANGE", "Variant", "variants"]

FIXED = ("price_per_gpu_hour", "max_lots")
"""Columns of a committed offer that are fixed once it is signed, though a scenario may change those of a hired one."""
_TABLE = "changes"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way that things may turn out, as an instance without scenarios of its own."""

    name: str
    probability: float
    instance: Instance


@dataclass(frozen=True, slots=True)
class _Listed:
    """A change of a scenario, with its row in the table `changes`, from 1."""

    row: int
    change: Change

    @property
    def words(self) -> str:
        return " ".join(str(self.change).split())

    def fault(self, scenario: str, column: str, why: str, mend: str) -> Fault:
        value = getattr(self.change, column)
        return Fault(_TABLE, f"in scenario {scenario!r}, {why}", mend, self.row, column, shown(value))


def variants(instance: Instance, basis: Collection[str] | None = None) -> tuple[Variant, ...]:
    """The instance of every scenario, in the order of the table; tables that no change touches are shared with `instance`.

    An instance without scenarios has one variant: itself, without a name. `basis`: only changes of these types of basis risk are made (""
    is the blank type); None: all. Scenarios of the same changes have the same instance, from call to call. Raises InputError with the
    faults of all scenarios, each at its row of `changes`.
    """
    scenarios = instance.tables["scenarios"]
    if scenarios.empty:
        return (Variant("", 1.0, instance),)
    known = _known_of(instance)
    found, faults = list[Variant](), list[Fault]()
    for name, probability in zip(scenarios["scenario"], probabilities(scenarios), strict=True):
        listed = [one for of_type, one in known.listed.get(name, ()) if basis is None or of_type in basis]
        try:
            found.append(Variant(name, float(probability), _varied(known, name, listed)))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(_located(faults, instance))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was made of an instance already. `base`: without scenarios; `listed`: changes by scenario, each with its type of basis risk."""

    base: Instance
    listed: Mapping[str, Sequence[tuple[str, _Listed]]]
    made: dict[tuple[Change, ...], Instance]


_KNOWN: dict[int, _Known] = {}
"""By the identity of an instance, for as long as that is there: hedges are judged under every set of types, most of which make the same
of most scenarios."""


def _known_of(instance: Instance) -> _Known:
    if id(instance) not in _KNOWN:
        base = recheck.remade(instance, {name: instance.stated[name].iloc[:0] for name in ("scenarios", _TABLE)})
        _KNOWN[id(instance)] = _Known(base, _listed(instance.tables[_TABLE]), {})
        weakref.finalize(instance, _KNOWN.pop, id(instance), None).atexit = False
    return _KNOWN[id(instance)]


def _located(faults: Sequence[Fault], instance: Instance) -> list[Fault]:
    """The faults with file and line in place of the row of the table, where the files still hold it."""
    raw = places.found(instance, _TABLE)
    if raw is None:
        return list(faults)
    return [
        raw.fault(fault.row - 1, fault.column, fault.why, fault.mend) if fault.file == _TABLE and fault.row is not None else fault
        for fault in faults
    ]


def probabilities(scenarios: pd.DataFrame) -> np.ndarray:
    """(scenarios,) as stated, scaled to sum to 1 exactly; equal where all are blank."""
    stated = scenarios["probability"].to_numpy(float)
    stated = np.ones(len(stated)) if np.isnan(stated).all() else stated
    return np.asarray(stated / stated.sum())


def _listed(changes: pd.DataFrame) -> dict[str, list[tuple[str, _Listed]]]:
    """The changes of each scenario with their types of basis risk, in the order of the table."""
    found: dict[str, list[tuple[str, _Listed]]] = {}
    for i, row in enumerate(changes.to_dict("records"), 1):
        first, last = (None if np.isnan(row[name]) else int(row[name]) for name in ("first_period", "last_period"))
        change = Change(row["table"], row["where"], row["column"], row["op"], row["value"], first, last)
        found.setdefault(row["scenario"], []).append((row["basis"], _Listed(i, change)))
    return found


def _varied(known: _Known, scenario: str, listed: Sequence[_Listed]) -> Instance:
    """The instance of one scenario. Raises InputError with all that is wrong with its changes."""
    changes = tuple(one.change for one in listed)
    if not changes:
        return known.base
    if changes in known.made:
        return known.made[changes]
    _require_conditions(scenario, listed)
    try:
        changed = apply(known.base, changes, scenario=True)
    except InputError as error:
        raise InputError(list(dict.fromkeys(_placed(fault, scenario, listed) for fault in error.faults))) from None
    faults = _refixed(known.base, changed, scenario, listed)
    if faults:
        raise InputError(faults)
    known.made[changes] = changed
    return changed


def _require_conditions(scenario: str, listed: Sequence[_Listed]) -> None:
    """Raise InputError where a bracket in `where` would close it, so that the words are those of another change."""
    why, mend = "not a list of conditions", "Write column=value & column=value, values that have a bracket in them between double quotes"
    faults = []
    for one in listed:
        try:
            read = parsed(str(one.change)).change
        except InputError:
            continue  # told when it is made
        if (read.table, read.column, read.op) != (one.change.table, one.change.column, one.change.op):
            faults.append(one.fault(scenario, "where", why, mend))
    if faults:
        raise InputError(faults)


def _placed(fault: Fault, scenario: str, listed: Sequence[_Listed]) -> Fault:
    """A fault of a changed instance, or of the words of a change, at the row of the table `changes` that it comes from."""
    if fault.mark is not None:
        one = next(one for one in listed if one.words == " ".join(fault.file.split()))
        return one.fault(scenario, _part(one.change, fault), fault.why, fault.mend)
    table = fault.file.removesuffix(" (changed)")
    mine = [one for one in listed if table in _edits(one.change)]
    exact = [one for one in mine if fault.column == _edits(one.change)[table]]
    what = table if fault.column is None else f"{table}.{fault.column}"
    if not mine:
        why = f"its changes make {what} invalid: {fault.why}"
        return Fault("scenarios", why, fault.mend, column="scenario", value=scenario)
    return (exact or mine)[-1].fault(scenario, "value", f"{what} is no longer valid: {fault.why}", fault.mend)


def _part(change: Change, fault: Fault) -> str:
    """The column of `changes` that holds what is marked in the words of a change."""
    at = 0 if fault.mark is None else fault.mark[0]
    try:
        spans = parsed(fault.file).spans
    except InputError:  # only conditions and periods are not checked when the table is read
        return "where" if at <= len(change.table) + len(change.where) + 1 else "first_period"
    part = next((part for part, (begin, end) in spans.items() if begin <= at < max(end, begin + 1)), "where")
    return "first_period" if part == "periods" else part


def _edits(change: Change) -> dict[str, str]:
    """Tables that the change may edit, each with the column."""
    series = BY_PERIOD.get((change.table, change.column))
    own = {change.table: change.column}
    return own if series is None else {series.table: series.value, **own}


def _refixed(base: Instance, changed: Instance, scenario: str, listed: Sequence[_Listed]) -> list[Fault]:
    """Faults of changes to what is fixed once a committed offer is signed."""
    before, after = base.tables["offers"], changed.tables["offers"]
    committed = before["contract"].isin(COMMITTED).to_numpy()
    faults = []
    for column in FIXED:
        old, new = before[column].to_numpy(float), after[column].to_numpy(float)
        differs = committed & ~((old == new) | (np.isnan(old) & np.isnan(new)))
        if differs.any():
            one = next(one for one in reversed(listed) if (one.change.table, one.change.column) == ("offers", column))
            why = f"{column} of {before['offer'][differs].iloc[0]!r} is fixed once signed: it is owned or reserved"
            faults.append(one.fault(scenario, "where", why, "Select hired offers: contract in (on_demand, interruptible)"))
    return faults
