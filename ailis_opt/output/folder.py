"""The files of a run: its result, and the instance that was solved."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType

from ailis_opt import schema
from ailis_opt.io.write import instance_files
from ailis_opt.output.document import as_json
from ailis_opt.output.files import LAST, MARK
from ailis_opt.output.text import WIDTH_OF_FILES, render
from ailis_opt.result import Result
from ailis_opt.schema import Instance

TABLES = (
    *("purchases", "committed", "hired", "pools", "served", "training", "unserved", "placements", "use", "energy"),
    *("costs", "workloads", "binding", "funnel", "booked"),
)
FROZEN = "instance"
"""Folder inside a run: the instance as it was read."""
NAMES = (MARK, LAST, FROZEN, *(f"{name}.csv" for name in TABLES))
REPLACED = ("booked.csv", *(f"{FROZEN}/{name}{suffix}" for name in schema.TABLES for suffix in (".csv", ".parquet")))
"""Tables of an earlier run and its instance, which may have had more of them than the new one."""


def run_files(instance: Instance, result: Result, parts: Sequence[RenderableType]) -> dict[str, str]:
    """Name and text of every file: the summary (its `parts`), a CSV file per table, the instance in `instance/`, and the document."""
    tables = {f"{name}.csv": frame.to_csv(index=False, lineterminator="\n") for name, frame in result.tables.items()}
    frozen = {f"{FROZEN}/{name}": text for name, text in instance_files(instance).items()}
    return {MARK: render(parts, WIDTH_OF_FILES), **tables, **frozen, LAST: as_json(result.to_dict()) + "\n"}
