"""The progress line: phase, bound, plan, gap, time; on standard error, only where that is a terminal, and gone at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from rich.console import Console

from ailis_opt.engine.search import Progress
from ailis_opt.output.figures import number, percent

Tell = Callable[[Progress], None]


@contextmanager
def progress_line(unit: str, quiet: bool) -> Iterator[Tell | None]:
    """Yields what is to be told of progress, or None where nothing is shown. `unit` is that of bound and plan."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    with Console(stderr=True, markup=False).status("reading and preparing") as status:
        yield lambda p: status.update(describe(p, unit))


@contextmanager
def note_line(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Yields what shows a line of text, in the place of the one before; nothing is shown where standard error is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    with Console(stderr=True, markup=False).status("reading and preparing") as status:
        yield lambda text: status.update(text)


def describe(p: Progress, unit: str) -> str:
    """One line on the state of a search."""
    parts = [p.phase]
    if np.isfinite(p.lower):
        parts.append(f"bound {number(p.lower, 5)}")
    if np.isfinite(p.upper):
        parts.append(f"plan {number(p.upper, 5)} {unit}")
    if np.isfinite(p.lower) and np.isfinite(p.upper) and p.upper:
        parts.append(f"gap {percent(max(0.0, p.upper - p.lower) / abs(p.upper))}")
    return ", ".join([*parts, f"{p.seconds:.0f} s"])
