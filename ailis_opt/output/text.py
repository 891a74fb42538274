"""Plain layout: headings, paragraphs, and tables without frames, as text of a given width."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

import pandas as pd
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDEST = 120
WIDTH_OF_FILES = 100
BLANK = Text("")


def width() -> int:
    """Columns of the terminal (or of the environment variable COLUMNS), between 60 and 120; 100 where there is no terminal."""
    return max(60, min(WIDEST, shutil.get_terminal_size((WIDTH_OF_FILES, 24)).columns))


def colored() -> bool:
    """Whether standard output is a terminal that may be coloured."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def render(parts: Iterable[RenderableType], columns: int, color: bool = False) -> str:
    """The parts one after the other as text at most `columns` wide, without blanks at the ends of lines."""
    out = StringIO()
    console = Console(
        file=out,
        width=columns,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part)
    text = out.getvalue().lstrip("\n")
    return text if color else "\n".join(line.rstrip() for line in text.split("\n"))


def heading(text: str) -> Text:
    """A heading, with a blank line before it."""
    return Text("\n" + text, style="bold")


def line(text: str, style: str = "") -> Padding:
    """A paragraph, indented."""
    return Padding(Text(text, style=style), (0, 0, 0, 2), expand=False)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[RenderableType]], *, text: Sequence[int] = (0,), styles: Sequence[str] = ()
) -> Padding:
    """A table, indented. Columns at the positions in `text` are text and may wrap; all others are figures."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for i, name in enumerate(columns):
        if i in text:
            grid.add_column(name, overflow="fold")
        else:
            grid.add_column(name, justify="right", no_wrap=True)
    for i, row in enumerate(rows):
        grid.add_row(*row, style=styles[i] if styles else None)
    return Padding(grid, (0, 0, 0, 2), expand=False)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame by column name."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
