"""What every check works with: the tables, where faults and warnings go, and who can run where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ailis_opt.errors import Fault
from ailis_opt.io.document import Document
from ailis_opt.io.rows import Loaded

HIRED = ("on_demand", "interruptible")
MOST_LISTED = 20


@dataclass
class Scope:
    """The instance as far as it is read, with the faults and warnings found so far."""

    document: Document
    tables: Mapping[str, Loaded]
    faults: list[Fault]
    warnings: list[str] = field(default_factory=list)

    def frame(self, table: str) -> pd.DataFrame:
        """Columns of a table; cells that had a fault hold a blank."""
        return self.tables[table].frame

    def whole(self, *columns: str) -> bool:
        """Whether no cell of these columns (`offers.region`) was at fault."""
        return all(self.tables[c.split(".")[0]].whole(c.split(".")[1]) for c in columns)

    def rows(self, table: str, wrong: Any, column: str, why: str, mend: str, needs: Iterable[str] = ()) -> None:
        """A fault at `column` of every row where `wrong` (bool per row), unless `column` or `needs` had a fault there already."""
        loaded = self.tables[table]
        for i in np.flatnonzero(np.asarray(wrong, dtype=bool) & loaded.sound(column, *needs)):
            self.faults.append(loaded.fault(int(i), column, why, mend))

    def warn(self, table: str, what: str, names: Iterable[object]) -> None:
        """One warning about all the things named, if there are any."""
        found = [str(n) for n in names]
        if found:
            listed = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
            self.warnings.append(f"{self.tables[table].raw.file}: {what}: {listed}")

    @cached_property
    def placed(self) -> pd.DataFrame:
        """Distinct (workload, sku, offer, region): each offer with the workloads that have a profile on its SKU."""
        profiles = self.frame("profiles")[["workload", "sku"]].drop_duplicates()
        return profiles.merge(self.frame("offers")[["offer", "sku", "region"]], on="sku")

    def limited(self, columns: Iterable[str]) -> Scope:
        """What a check sees that reads these columns (`offers.region`) and nothing else; faults and warnings are the same."""
        wanted: dict[str, list[str]] = {}
        for name in columns:
            wanted.setdefault(name.split(".")[0], []).append(name.split(".")[1])
        tables = {name: replace(self.tables[name], frame=self.frame(name)[names]) for name, names in wanted.items()}
        return Scope(self.document, tables, self.faults, self.warnings)

    def can_place(self) -> bool:
        """Whether `placed` rests on sound columns."""
        return self.whole("profiles.workload", "profiles.sku", "offers.offer", "offers.sku", "offers.region")
