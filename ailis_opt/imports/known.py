"""What the package knows of regions, accelerators and machine types, and what a user adds to it.

The three tables stand in `data/`, each row with its source and date.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from ailis_opt.errors import Fault, InputError
from ailis_opt.imports.source import csv_rows, price_text, refused
from ailis_opt.io.raw import nearest

FILES = ("regions", "accelerators", "machines")
Rows = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine type: the accelerator in it, how many, and (where they are priced apart) the parts of its price."""

    sku: str  # of the accelerator in its usual node
    gpus: int
    vcpus: int | None = None
    memory_gib: float | None = None
    host: str = ""  # first words of the descriptions of its cores and memory
    gpu_names: tuple[str, ...] = ()  # first words of the description of its GPU
    listed_as: str = ""  # accelerator whose price is listed apart from the host's


@dataclass(frozen=True)
class Known:
    """Regions by (provider, the provider's own name), accelerators by SKU, machines by (provider, machine type)."""

    regions: dict[tuple[str, str], dict[str, str]]
    accelerators: dict[str, dict[str, str]]
    machines: dict[tuple[str, str], Machine]

    @cached_property
    def by_name(self) -> dict[str, str]:
        """SKU of each name under which an accelerator is listed, in lower case."""
        names = {sku.casefold(): sku for sku in self.accelerators}
        for sku, row in self.accelerators.items():
            names |= {name.strip().casefold(): sku for name in row["names"].split(";") if name.strip()}
        return names

    def sku_name(self, sku: str, gpus: int) -> str:
        """The SKU of a machine with so many GPUs: a machine of another size than the usual is a SKU of its own."""
        return sku if gpus == int(self.accelerators[sku]["node_gpus"]) else f"{sku}-x{gpus}"

    def sku_row(self, sku: str, gpus: int) -> dict[str, str]:
        """The row of `skus` for a machine with so many GPUs. Scale-up ends at the machine where no larger domain is known."""
        row = self.accelerators[sku]
        kept = {"memory_gb": row["memory_gb"], "scaleup_gpus": row["scaleup_gpus"], "runtimes": row["runtimes"], "source": row["source"]}
        return {"sku": self.sku_name(sku, gpus), "accelerator": row["accelerator"], "gpus_per_node": str(gpus), **kept}


def known(more: Path | None = None) -> Known:
    """The package's tables, with the rows of `more` (a folder with files of the same names) before them."""
    tables = {name: _packaged(name) for name in FILES}
    if more is not None:
        tables = {name: [*_own(more, name, list(rows[0])), *rows] for name, rows in tables.items()}
        _check(tables, more)
    accelerators = {row["sku"]: row for row in reversed(tables["accelerators"])}
    return Known(
        {(row["provider"], row["native"]): row for row in reversed(tables["regions"])},
        accelerators,
        {(row["provider"], row["machine"]): _machine(row) for row in reversed(tables["machines"])},
    )


def _packaged(name: str) -> Rows:
    text = files("ailis_opt.imports").joinpath("data", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _own(folder: Path, name: str, columns: list[str]) -> Rows:
    """A user's rows; the columns that have no part in a price may be missing."""
    if not folder.is_dir():
        raise refused(folder, "no folder", f"Name a folder with any of {', '.join(f'{n}.csv' for n in FILES)}")
    path = folder / f"{name}.csv"
    if not path.exists():
        if not any((folder / f"{n}.csv").exists() for n in FILES):
            raise refused(folder, "holds none of the files that are looked for", f"Put {', '.join(f'{n}.csv' for n in FILES)} there")
        return []
    needed = {"regions": columns[:4], "accelerators": columns[:3], "machines": columns[:4]}[name]
    rows = []
    for line, row in csv_rows(path, price_text(path, f"the columns {', '.join(columns)}"), needed):
        odd = [c for c in row if c not in columns]
        if odd:
            raise refused(path, f"there is no column {odd[0]!r} here", nearest(odd[0], columns), 1, odd[0])
        blank = [c for c in needed if not row[c].strip()]
        if blank:
            raise refused(path, "a value is needed here", "Fill the cell", line, blank[0])
        rows.append({c: row.get(c, "").strip() for c in columns})
    return rows


def _check(tables: dict[str, Rows], folder: Path) -> None:
    """Raise InputError where a machine names no accelerator, or a count is none."""
    faults = []
    skus = {row["sku"] for row in tables["accelerators"]}
    for name, column in (("accelerators", "node_gpus"), ("machines", "gpus")):
        for row in tables[name]:
            if not row[column].isdigit() or int(row[column]) < 1:
                faults.append(
                    Fault(str(folder / f"{name}.csv"), "not a number of GPUs", "Give 1 or more", column=column, value=row[column])
                )
    for row in tables["machines"]:
        if row["sku"] not in skus:
            faults.append(
                Fault(str(folder / "machines.csv"), "no such accelerator", nearest(row["sku"], skus), column="sku", value=row["sku"])
            )
    if faults:
        raise InputError(faults)


def _machine(row: dict[str, str]) -> Machine:
    names = tuple(name.strip() for name in row["gpu_names"].split(";") if name.strip())
    vcpus = int(row["vcpus"]) if row["vcpus"] else None
    memory = float(row["memory_gib"]) if row["memory_gib"] else None
    return Machine(row["sku"], int(row["gpus"]), vcpus, memory, row["host"], names, row["listed_as"])
