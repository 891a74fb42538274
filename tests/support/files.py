"""Plain data as an instance: written to a folder or a YAML file, or read back through the reader."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Any

import yaml

from ailis_opt.io import read
from ailis_opt.schema.instance import Instance

Data = dict[str, Any]


def write_folder(data: Data, path: Path) -> Path:
    """`instance.yaml` and one CSV file per table that has rows; columns in order of first appearance, absent values blank."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "instance.yaml").write_text(yaml.safe_dump(data["header"], sort_keys=False))
    for table, rows in data["tables"].items():
        if not rows:
            continue
        columns = list(dict.fromkeys(c for row in rows for c in row))
        with (path / f"{table}.csv").open("w", newline="") as file:
            out = csv.DictWriter(file, columns, restval="")
            out.writeheader()
            out.writerows({c: _cell(v) for c, v in row.items()} for row in rows)
    return path


def write_yaml(data: Data, path: Path) -> Path:
    """One YAML file with the tables inline."""
    tables = {
        t: [{c: _cell(v) if isinstance(v, list) else v for c, v in row.items()} for row in rows]
        for t, rows in data["tables"].items()
        if rows
    }
    path.write_text(yaml.safe_dump(data["header"] | tables, sort_keys=False))
    return path


def as_instance(data: Data) -> Instance:
    """The instance as the reader sees it."""
    with tempfile.TemporaryDirectory() as folder:
        return read(write_folder(data, Path(folder) / "instance"))


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return ";".join(value)
    return str(value).lower() if isinstance(value, bool) else value
