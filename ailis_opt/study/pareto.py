"""Which runs are not dominated: none is as good both in cost per outcome and in a second measure, and better in one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ailis_opt.output.figures import number, percent

MEASURES = {"carbon": ("carbon (kg)", 1.0), "service": ("service", -1.0), "idle": ("idle share of the cost", 1.0)}
"""Title and sign of each measure: with the sign, less is better."""
WIDE, HIGH = 60, 14
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def with_front(runs: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The runs with `dominated` (None where the run has no plan) and `dominated_by`, the name of a run that is at least as good in both."""
    values = _rounded(runs[measure]) * MEASURES[measure][1]
    cost = _rounded(runs["cost_per_outcome"])
    dominated: list[bool | None] = [None] * len(runs)
    by: list[str | None] = [None] * len(runs)
    best, best_at = np.inf, -1
    for at in np.lexsort((values, cost)):
        if np.isnan(cost[at]) or np.isnan(values[at]):
            continue
        equal = best_at >= 0 and cost[at] == cost[best_at] and values[at] == best
        dominated[at] = bool(values[at] >= best) and not equal
        if dominated[at]:
            by[at] = str(runs["run"].iloc[best_at])
        elif not equal:
            best, best_at = values[at], int(at)
    return runs.assign(dominated=pd.Series(dominated, dtype=object), dominated_by=pd.Series(by, dtype=object))


def _rounded(values: pd.Series) -> np.ndarray:
    """To 9 digits that matter: what solves of equal inputs agree on."""
    return np.array([float(f"{value:.9g}") for value in values])


def letters(runs: pd.DataFrame) -> list[str]:
    """A letter for each run on the front, by cost (`*` after the 26th); nothing for the others."""
    marks = [""] * len(runs)
    on = np.flatnonzero([value is False for value in runs["dominated"]])
    for rank, at in enumerate(on[np.argsort(runs["cost_per_outcome"].to_numpy(float)[on], kind="stable")]):
        marks[at] = LETTERS[rank] if rank < len(LETTERS) else "*"
    return marks


def picture(runs: pd.DataFrame, measure: str, currency: str) -> list[str]:
    """The runs as a small picture in text, lines from the top: cost per outcome to the right, the measure upwards."""
    cost, values = runs["cost_per_outcome"].to_numpy(float), runs[measure].to_numpy(float)
    there = ~np.isnan(cost) & ~np.isnan(values)
    if not there.any():
        return []
    marks = np.array(letters(runs), dtype=object)
    grid = [[" "] * WIDE for _ in range(HIGH)]
    for on_front in (False, True):  # letters over dots
        for at in np.flatnonzero(there & ((marks != "") == on_front)):
            x, y = _at(cost[at], cost[there], WIDE), _at(values[at], values[there], HIGH)
            grid[HIGH - 1 - y][x] = marks[at] or "·"
    figure = number if measure == "carbon" else percent
    return _framed(grid, [figure(values[there].max()), figure(values[there].min())], MEASURES[measure][0], cost[there], currency)


def _framed(grid: Sequence[Sequence[str]], ends: Sequence[str], title: str, cost: np.ndarray, currency: str) -> list[str]:
    wide = max(map(len, ends))
    labels = [ends[0], *[""] * (HIGH - 2), ends[1]]
    rows = [f"{label:>{wide}} │{''.join(row)}".rstrip() for label, row in zip(labels, grid, strict=True)]
    low, high = number(float(cost.min())), number(float(cost.max()))
    below = f"{' ' * wide} └{'─' * WIDE}"
    scale = f"{' ' * (wide + 2)}{low}{high:>{WIDE - len(low)}}"
    return [title, *rows, below, scale, f"{f'{currency} per outcome':>{wide + 2 + WIDE}}"]


def _at(value: float, among: np.ndarray, cells: int) -> int:
    """The cell of a value on an axis from the least to the greatest."""
    low, high = float(among.min()), float(among.max())
    return round((value - low) / (high - low) * (cells - 1)) if high - low > 1e-9 * abs(high) else cells // 2
