"""A table as it was found: cells as text, each with its place, and the draft that faults are gathered in."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ailis_opt.errors import Fault
from ailis_opt.schema import Table


@dataclass
class RawTable:
    """Rows of one table before validation: per row the cells that are not blank (str, or a list of inline YAML).

    `lines` holds the row numbers of faults: line of the file for CSV and YAML, data row from 1 for Parquet.
    `absent` are required columns that the file lacks altogether; `partial` is true when rows could not be read at all.
    """

    table: Table
    file: str
    inline: bool = False
    rows: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    cell_lines: list[dict[str, int]] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    partial: bool = False

    def label(self, column: str | None) -> str | None:
        """Name of a column in a fault: `offers.region` where the table stands inside the YAML file."""
        if not self.inline:
            return column
        return self.table.name if column is None else f"{self.table.name}.{column}"

    def fault(self, index: int | None, column: str | None, why: str, mend: str) -> Fault:
        """A fault in row `index` (0-based; None for the table as a whole)."""
        if index is None:
            return Fault(self.file, why, mend, column=self.label(column))
        line = self.lines[index]
        if self.cell_lines and column is not None:
            line = self.cell_lines[index].get(column, line)
        return Fault(self.file, why, mend, line, self.label(column), shown(self.rows[index].get(column or "")))


def shown(value: object) -> str | None:
    """A value as a fault shows it: as written, long ones cut; None for a blank."""
    if value is None:
        return None
    text = "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def nearest(name: str, known: Iterable[str]) -> str:
    """The mend for a name that is not known: the nearest that is, or the list of those that are."""
    return _nearest(name[:200], tuple(known))


def did_you_mean(name: str) -> str:
    """The mend that suggests a name."""
    return f"Did you mean {name!r}?"


@lru_cache(maxsize=1000)
def _nearest(name: str, names: tuple[str, ...]) -> str:
    folded = {n.casefold(): n for n in names}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    if close:
        return did_you_mean(folded[close[0]])
    if not names:
        return "None is defined"
    return "Known: " + ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
