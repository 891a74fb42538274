"""The files of a run: its result, and the instance that was solved."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich.console import RenderableType

from ailis_opt import schema
from ailis_opt.io.write import instance_files
from ailis_opt.output.document import as_json
from ailis_opt.output.files import LAST, MARK
from ailis_opt.output.text import WIDTH_OF_FILES, render
from ailis_opt.result import Result
from ailis_opt.schema import Instance
from ailis_opt.spread import KEYS, Read, scenario_table

TABLES = (
    *("purchases", "committed", "hired", "pools", "served", "training", "unserved", "placements", "use", "energy"),
    *("costs", "workloads", "positions", "binding", "funnel", "booked"),
)
SCENARIOS = "scenarios.csv"
APART = "by_scenario"
"""Folder inside a run: the tables that differ from scenario to scenario, with a column that names it."""
FROZEN = "instance"
"""Folder inside a run: the instance as it was read."""
NAMES = (MARK, LAST, FROZEN, APART, SCENARIOS, *(f"{name}.csv" for name in TABLES))
REPLACED = (
    "booked.csv",
    SCENARIOS,
    *(f"{APART}/{name}.csv" for name in KEYS),
    *(f"{FROZEN}/{name}{suffix}" for name in schema.TABLES for suffix in (".csv", ".parquet")),
)
"""Tables of an earlier run and its instance, which may have had more of them than the new one."""


def run_files(instance: Instance, result: Result, parts: Sequence[RenderableType]) -> dict[str, str]:
    """Name and text of every file: the summary (its `parts`), a CSV file per table, the instance in `instance/`, and the document; with
    scenarios their table, and those of the plan in each of them in `by_scenario/`."""
    tables = {f"{name}.csv": _csv(frame) for name, frame in result.tables.items()}
    if result.scenarios:
        tables[SCENARIOS] = _csv(scenario_table(result.scenarios))
        tables |= {f"{APART}/{name}.csv": _csv(_joined(result.scenarios, name)) for name in KEYS}
    frozen = {f"{FROZEN}/{name}": text for name, text in instance_files(instance).items()}
    return {MARK: render(parts, WIDTH_OF_FILES), **tables, **frozen, LAST: as_json(result.to_dict()) + "\n"}


def _joined(read: Sequence[Read], name: str) -> pd.DataFrame:
    """A table of all scenarios, one after the other; the first column names the scenario."""
    columns = ["scenario", *read[0].tables[name].columns]
    parts = [one.tables[name].assign(scenario=one.name)[columns] for one in read if len(one.tables[name])]
    return pd.concat(parts) if parts else pd.DataFrame(columns=columns)


def _csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, lineterminator="\n")
