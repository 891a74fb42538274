"""Lists of changes against the same edits made row by row, in plain Python."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ailis_opt.calendar import calendar
from ailis_opt.changes import Change, apply, selector
from ailis_opt.changes.grammar import BY_PERIOD
from ailis_opt.changes.parse import parsed
from ailis_opt.errors import InputError
from ailis_opt.io import recheck
from ailis_opt.io.resolve import DEFAULTS
from ailis_opt.schema import TABLES, Instance
from ailis_opt.schema.uncertainty import MAY_CHANGE
from tests.support.files import as_instance
from tests.support.generate import random_instance

Rows = list[dict[str, Any]]
WORDS = {"tier": ("public", "sovereign"), "operator_country": ("US", ""), "precision": ("fp8", ""), "runtime": ("cuda", "")}
LISTS = {"jurisdictions": ("EU; US", ""), "tiers": ("public; sovereign", ""), "precisions": ("fp8", ""), "runtimes": ("cuda", "")}
IN_PERIODS = ("power", "prices", "demand", "curves")


def drawn(instance: Instance, rng: random.Random) -> Change:
    """A change that a scenario may make; some are refused."""
    table = rng.choice([name for name in MAY_CHANGE if len(instance.stated[name])])
    column = rng.choice(MAY_CHANGE[table])
    key = (TABLES[table].key or ("workload",))[0]
    where = selector(**{key: rng.choice(instance.stated[table][key].tolist())}) if rng.random() < 0.6 else ""
    if table == "offers" and column == "price_per_gpu_hour" and rng.random() < 0.8:
        where = " & ".join([*([where] if where else []), "contract in (on_demand, interruptible)"])
    first: int | None = None
    last: int | None = None
    if (table in IN_PERIODS or (table, column) in BY_PERIOD) and rng.random() < 0.8:
        first = rng.randrange(instance.header.horizon.periods)
        last = rng.choice((None, rng.randrange(first, instance.header.horizon.periods)))
    if TABLES[table].kinds[column] in ("text", "list"):
        words = (LISTS if TABLES[table].kinds[column] == "list" else WORDS).get(column, ("EU",))
        return Change(table, where, column, "set", rng.choice(words), first, last)
    op = rng.choice(("set", "mul", "add"))
    value = str(rng.choice((0, 1, 2))) if TABLES[table].is_whole(column) else f"{rng.uniform(0.2, 1.8):.6g}"
    return Change(table, where, column, op, value, first, last)


def edited(instance: Instance, changes: Sequence[Change]) -> Instance:
    """The instance with the changes made, row by row."""
    held: dict[str, Rows] = {name: frame.to_dict("records") for name, frame in instance.stated.items()}
    for change in changes:
        one_more(instance, held, change)
    touched = {change.table for change in changes}
    touched |= {BY_PERIOD[change.table, change.column].table for change in changes if (change.table, change.column) in BY_PERIOD}
    return recheck.remade(instance, {name: frame_of(instance, name, held[name]) for name in touched})


def one_more(instance: Instance, held: dict[str, Rows], change: Change) -> None:
    table, periods = change.table, instance.header.horizon.periods
    first, last = change.first_period or 0, periods - 1 if change.last_period is None else change.last_period
    dated = (change.first_period, change.last_period) != (None, None)
    normal = recheck.resolved(instance.header, {n: frame_of(instance, n, r) for n, r in held.items()}, before(instance))[table]
    filled = [{**row, **{c: normal[c].iloc[i] for c in defaults(table)}} for i, row in enumerate(held[table])]
    chosen = [i for i, row in enumerate(filled) if all(meets(row, c) for c in parsed(str(change)).conditions)]
    series = BY_PERIOD.get((table, change.column))
    if dated and series is not None:
        for name, own in [(held[table][i][series.key], held[table][i][change.column]) for i in chosen]:
            there = {row["period"]: row for row in held[series.table] if row[series.key] == name}
            for t in range(first, last + 1):
                if t not in there:
                    there[t] = blank(instance, series.table) | {series.key: name, "period": t, series.value: own}
                    held[series.table].append(there[t])
                before_it = there[t][series.value]
                there[t][series.value] = made(series.table, series.value, own if before_it != before_it else before_it, change)
        return
    if dated:
        rows = []
        for i, row in enumerate(held[table]):
            spread = i in chosen and row["period"] != row["period"]
            for t, share in enumerate(shares(instance)) if spread else [(row["period"], 1.0)]:
                one = {**row, "period": float(t), "outcomes": row["outcomes"] * share} if spread else row
                if i in chosen and first <= t <= last:
                    one[change.column] = made(table, change.column, one[change.column], change)
                rows.append(one)
        held[table] = rows
        return
    for i in chosen:
        held[table][i][change.column] = made(table, change.column, filled[i][change.column], change)
        if series is not None:
            kept = []
            for row in held[series.table]:
                mine = row[series.key] == held[table][i][series.key] and row[series.value] == row[series.value]
                if mine and change.op == "set" and series.value not in TABLES[series.table].required:
                    row[series.value] = np.nan
                elif mine and change.op != "set":
                    row[series.value] = made(series.table, series.value, row[series.value], change)
                if not (mine and change.op == "set" and series.value in TABLES[series.table].required):
                    kept.append(row)
            held[series.table] = kept


def shares(instance: Instance) -> list[float]:
    hours = calendar(instance.header).period_hours
    return [float(share) for share in hours / hours.sum()]


def meets(row: dict[str, Any], condition: Any) -> bool:
    return any(row[condition.column] == word.text for word in condition.words)


def made(table: str, column: str, before_it: Any, change: Change) -> Any:
    kind = TABLES[table].kinds[column]
    if kind == "list":
        return tuple(item.strip() for item in change.value.split(";")) if change.value else ()
    if kind == "text":
        return change.value
    operand = float(change.value)
    return {"set": operand, "mul": before_it * operand, "add": before_it + operand}[change.op]


def defaults(table: str) -> tuple[str, ...]:
    return DEFAULTS[table].columns if table in DEFAULTS else ()


def before(instance: Instance) -> recheck.Before:
    return (instance.header, instance.stated, instance.tables)


def blank(instance: Instance, table: str) -> dict[str, Any]:
    kinds = TABLES[table].kinds
    return {c: {"text": "", "list": (), "optional": np.nan}.get(kind, 0) for c, kind in kinds.items()}


def frame_of(instance: Instance, name: str, rows: Rows) -> pd.DataFrame:
    like = instance.stated[name]
    index = pd.RangeIndex(len(rows))
    return pd.DataFrame({c: pd.Series([row[c] for row in rows], index, dtype=like[c].dtype) for c in like.columns}, index)


def alike(one: Instance, other: Instance) -> None:
    for name in TABLES:
        for frame, wanted in ((one.stated[name], other.stated[name]), (one.tables[name], other.tables[name])):
            pd.testing.assert_frame_equal(frame, wanted, check_exact=True)
    assert one.sha256 == other.sha256


@pytest.mark.parametrize("seed", range(12))
def test_lists_of_changes_are_made_as_row_by_row(seed: int) -> None:
    rng, instance = random.Random(seed), as_instance(random_instance(seed))
    made_of: list[Change] = []
    for _ in range(10):
        change = drawn(instance, rng)
        try:
            apply(instance, [*made_of, change])
        except InputError:
            continue
        made_of.append(change)
    assert len(made_of) > 1
    alike(apply(instance, made_of), edited(instance, made_of))
