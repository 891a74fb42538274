"""The files of a result."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType

from ailis_opt.output.document import as_json
from ailis_opt.output.files import LAST, MARK
from ailis_opt.output.text import WIDTH_OF_FILES, render
from ailis_opt.result import Result

TABLES = (
    *("purchases", "committed", "hired", "pools", "served", "training", "unserved", "placements", "use", "energy"),
    *("costs", "workloads", "binding", "funnel"),
)
NAMES = (MARK, LAST, *(f"{name}.csv" for name in TABLES))


def result_files(result: Result, parts: Sequence[RenderableType]) -> dict[str, str]:
    """Name and text of every file: the summary (its `parts`), one CSV file per table, and the document."""
    tables = {f"{name}.csv": frame.to_csv(index=False, lineterminator="\n") for name, frame in result.tables.items()}
    return {MARK: render(parts, WIDTH_OF_FILES), **tables, LAST: as_json(result.to_dict()) + "\n"}
