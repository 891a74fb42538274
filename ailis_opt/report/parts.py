"""What a report consists of. Sections are made once; the page and the workbook show the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from ailis_opt.output.figures import number, percent

Kind = Literal["text", "number", "share"]
"""How a column is shown: text, a number with four digits that matter, a share as per cent."""
Cell = str | float | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column with its title, which states the unit."""

    title: str
    kind: Kind = "number"

    def shown(self, cell: Cell) -> str:
        """The cell as a reader sees it; nothing for None."""
        if cell is None:
            return ""
        if isinstance(cell, str):
            return cell
        return percent(cell) if self.kind == "share" else number(cell)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; the last row is a total if `total`. More than `most` rows are folded away on the page."""

    id: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    total: bool = False
    most: int = 15
    note: str = ""

    @property
    def shown_first(self) -> Sequence[Sequence[Cell]]:
        """The rows that are always in view."""
        return self.rows if len(self.rows) <= self.most + 3 else self.rows[: self.most]

    @property
    def folded(self) -> Sequence[Sequence[Cell]]:
        """The rows that open on request."""
        return self.rows[len(self.shown_first) :]


@dataclass(frozen=True, slots=True)
class Figure:
    """A plotly figure (`data`, `layout`), its title with the unit, and what it says in a sentence for those who do not see it.

    Colours are written `var(--name)`: the page puts in those of its theme. `height` is in px. `narrow` has shorter labels of axes
    (`yaxis`: labels) for a phone. Two that are `half` stand side by side where there is room.
    """

    id: str
    title: str
    alt: str
    data: Sequence[dict[str, Any]]
    layout: dict[str, Any]
    height: int
    narrow: Mapping[str, Sequence[str]] = field(default_factory=dict)
    half: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing as SVG, escaped already. `least_width` in px: on a narrower screen it scrolls."""

    id: str
    title: str
    alt: str
    svg: str
    least_width: int = 0


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the headline with what it is and what stands beside it."""

    name: str
    figure: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A section: what it tells in plain words, then what shows it."""

    id: str
    title: str
    lead: Sequence[str] = ()
    tiles: Sequence[Tile] = ()
    parts: Sequence[Figure | Drawing | Table] = ()
    fine: Sequence[str] = field(default=())

    @property
    def tables(self) -> list[Table]:
        """The tables of the section."""
        return [part for part in self.parts if isinstance(part, Table)]


def rows_of(frame: pd.DataFrame, *columns: str) -> list[list[Cell]]:
    """The rows of a frame in these columns; NaN becomes None."""
    values = [[_cell(v) for v in frame[c].tolist()] for c in columns]
    return [list(row) for row in zip(*values, strict=True)]


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        return value
    return None if value != value else float(value)
