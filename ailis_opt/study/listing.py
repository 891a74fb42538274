"""Runs side by side: those of stores and of folders that `solve --out` wrote, in one table."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ailis_opt.errors import Fault, InputError
from ailis_opt.io import read
from ailis_opt.io.raw import nearest
from ailis_opt.schema import Instance
from ailis_opt.study.record import SCALARS, measures, plan_tables
from ailis_opt.study.store import INSTANCES, RUNS, SUFFIX, Store, is_store, read_row

SHOWN = (
    *("run", "instance", "whatif", "portfolio", "status", "message", "currency", "objective", "cost", "outcomes", "cost_per_outcome"),
    *("lower", "upper", "gap", "carbon", "service", "idle", "wall_s", "started", "gap_asked", "time_limit", "version", "instance_sha256"),
    "same_as",
)
"""Columns of a run that are shown in CSV, in Excel and in JSON, and that `--where` may name."""
PATTERNS = ("instance", "whatif", "portfolio")


@dataclass(frozen=True, slots=True)
class Plan:
    """A run with its plan. `row` has the scalars of the listing."""

    row: Mapping[str, Any]
    result: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    instance: Instance


def listing(paths: Sequence[Path]) -> pd.DataFrame:
    """A row for each run in the stores and run folders: the columns of `record.SCALARS`, and `place`, where it is read from.

    Ordered by instance and cost per outcome, runs without a plan last. Every name of a run is there once: where several are equal,
    the store's name comes first, or the hash of the inputs last. Raises InputError where a path is neither.
    """
    frames, faults = [], list[Fault]()
    for path in paths:
        try:
            frames.append(_runs_at(path).assign(place=str(path)))
        except InputError as error:
            faults.extend(error.faults)
    if faults:
        raise InputError(faults)
    runs = pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)
    runs["run"] = _unique(runs)
    return runs.sort_values(["instance", "cost_per_outcome", "run"], ignore_index=True)


def _runs_at(path: Path) -> pd.DataFrame:
    if is_store(path):
        return Store.open(path).index()[list(SCALARS)]
    if path.suffix == SUFFIX and path.is_file():
        return _frame({name: read_row(path)[name] for name in SCALARS})
    return _frame(dict(_folder(path).row))


def _frame(row: Mapping[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame([row], columns=list(SCALARS))
    numbers = [name for name, kind in SCALARS.items() if kind == "double"]
    return frame.astype(dict.fromkeys(numbers, float))


def _folder(path: Path) -> Plan:
    """The run that `solve --out` wrote."""
    from ailis_opt.report.run import Run

    run = Run.read(path)
    document = run.result
    row: dict[str, Any] = dict.fromkeys(SCALARS) | {name: document[name] for name in ("status", "cost", "outcomes", "gap")}
    row |= {"run": str(path), "instance": document["instance"], "whatif": "", "portfolio": "", "message": "", "same_as": ""}
    row |= {"currency": document["currency"], "objective": document["objective_name"], **document["bounds"]}
    row |= {"cost_per_outcome": document["cost_per_outcome"], "version": document["versions"].get("ailis-opt"), "changes": "[]"}
    row |= {"instance_sha256": document["instance_sha256"], "base_sha256": document["instance_sha256"]}
    row |= measures(run.instance, run.tables, document) | {"wall_s": document["timings"].get("solve_s"), "inputs": run.instance.sha256}
    return Plan(row, document, run.tables, run.instance)


def _unique(runs: pd.DataFrame) -> pd.Series:
    names = runs["run"]
    double = names.duplicated(keep=False)
    if double.any() and runs["place"].nunique() > 1:
        names = names.where(~double, runs["place"].map(lambda place: Path(place).name) + ":" + names)
        double = names.duplicated(keep=False)
    return names.where(~double, names + "@" + runs["inputs"].str[:8])


def chosen(runs: pd.DataFrame, patterns: Mapping[str, str | None], where: str | None) -> pd.DataFrame:
    """The runs whose names match the patterns (`*`, `?`) and for which the condition in SQL holds. Raises InputError where none does."""
    for column in PATTERNS:
        pattern = patterns.get(column)
        if pattern is not None:
            known = list(dict.fromkeys(runs[column]))
            matching = [name for name in known if fnmatch.fnmatchcase(name, pattern)]
            if not matching:
                raise InputError([Fault(f"--{column} {pattern}", "no run matches", nearest(pattern, filter(None, known)))])
            runs = runs[runs[column].isin(matching)]
    if where is not None:
        runs = runs.loc[_where(runs, where)]
    return runs.reset_index(drop=True)


def _where(runs: pd.DataFrame, where: str) -> list[Any]:
    """Labels of the rows for which an SQL condition holds."""
    import duckdb

    with duckdb.connect(config={"enable_external_access": "false", "lock_configuration": "true"}) as connection:
        connection.register("runs", runs[list(SHOWN)].assign(row_=runs.index))
        try:
            found = [row for (row,) in connection.sql("FROM runs").filter(where).project("row_").fetchall()]
        except duckdb.Error as error:
            raise InputError([_no_condition(where, str(error).splitlines()[0])]) from error
    if not found:
        raise InputError([Fault(f"--where {where}", "holds for no run", "Look at all of them first, without --where")])
    return sorted(found)


def _no_condition(where: str, said: str) -> Fault:
    """The fault of a condition about which DuckDB `said` this."""
    column = re.search(r'Referenced column "(.+?)" not found', said)
    if column:
        return Fault(f"--where {where}", f"runs have no column {column[1]!r}", nearest(column[1], SHOWN))
    mend = f"Write a condition such as `service < 1 AND whatif LIKE 'dear%'`. Columns: {', '.join(SHOWN)}"
    return Fault(f"--where {where}", f"not a condition in SQL: {said.partition(': ')[2] or said}", mend)


def short_name(run: str, instance: str) -> str:
    """The name of a run without that of its instance, where something is left of it."""
    return run.removeprefix(f"{instance}/")


def named(runs: pd.DataFrame, name: str) -> Mapping[str, Any]:
    """The row of the run with a name, the instance's part of it maybe left out, or of the one in a folder.

    Raises InputError unless there is one.
    """
    found = runs[(runs["run"] == name) | (runs["place"] == name.rstrip("/"))]
    if found.empty:
        found = runs[[short_name(*pair) == name for pair in zip(runs["run"], runs["instance"], strict=True)]]
    if len(found) == 1:
        return _row(found)
    if len(found) > 1:
        raise InputError([Fault(f"--against {name}", "has several runs", f"Name one of them: {', '.join(found['run'][:5])}")])
    raise InputError([Fault(f"--against {name}", "no such run", nearest(name, runs["run"]))])


def rows_of(runs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The shown columns of each run, None where there is no value."""
    shown = runs[[*SHOWN, *(c for c in runs if c in ("dominated", "dominated_by"))]]
    columns = {str(name): [None if value != value else value for value in shown[name].tolist()] for name in shown}
    for row in zip(*columns.values(), strict=True):
        yield dict(zip(columns, row, strict=True))


def _row(frame: pd.DataFrame) -> dict[str, Any]:
    return {str(name): None if value != value else value for name, value in frame.iloc[0].items()}


def run_at(path: Path) -> Mapping[str, Any]:
    """The one run in a folder that `solve --out` wrote, in a file of a store, or in a store that has no other."""
    runs = listing([path])
    if len(runs) != 1:
        why = f"is a store of {len(runs):,} runs"
        raise InputError([Fault(str(path), why, f"Name the file of one of them: {path / RUNS / f'HASH{SUFFIX}'}")])
    return _row(runs)


def plan_of(row: Mapping[str, Any]) -> Plan:
    """The plan of a run of the listing. Raises InputError where it has none, or where its files are damaged."""
    place = Path(row["place"])
    if not is_store(place) and place.suffix != SUFFIX:
        found = _folder(place)
        return Plan(row, found.result, found.tables, found.instance)
    store = Store.open(place if is_store(place) else place.parent.parent)
    stored = store.row(str(row["inputs"]))
    if stored["plan"] is None:
        raise InputError([Fault(str(row["run"]), f"has no plan: {stored['message']}", "Choose a run whose status is optimal or limit")])
    from ailis_opt.report.stored import TEXT

    return Plan(row, json.loads(stored["result"]), plan_tables(stored["plan"], TEXT), _instance(store, stored))


def _instance(store: Store, stored: Mapping[str, Any]) -> Instance:
    """The instance that was solved: the one that was read, with the changes made."""
    from ailis_opt.changes import apply, parse  # loads the formulation, which a list of runs has no use for

    base = read(store.folder / INSTANCES / str(stored["base_sha256"]))
    changed = apply(base, [parse(text) for text in json.loads(stored["changes"])])
    if changed.sha256 != stored["instance_sha256"]:
        why = "the instance in the store, with the changes of the run, is not the one that was solved"
        raise InputError([Fault(base.path, why, "Solve the study again into a new store", column="sha256", value=changed.sha256)])
    return changed


def mixed(runs: pd.DataFrame) -> list[str]:
    """What makes figures of these runs not comparable, a sentence each: currencies or objectives that differ."""
    said = []
    for column, noun in (("currency", "currencies"), ("objective", "objectives")):
        kinds = sorted(set(runs[column].dropna()))
        if len(kinds) > 1:
            only = f"--where \"{column} = '{kinds[0]}'\""
            said.append(f"{noun} differ ({', '.join(kinds)}): compare figures of one of them only, with {only}")
    return said
