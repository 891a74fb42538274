"""Which limits bind at the plan, and what a unit more of each would save."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich.console import RenderableType
from rich.padding import Padding

from ailis_models.layers import LAYERS
from ailis_opt.output.figures import number
from ailis_opt.output.text import BLANK, heading, line, records, table
from ailis_opt.result import Result

TITLES = {layer.id: layer.title for layer in LAYERS}
PER_LAYER = 3
MOST_DEMANDS = 8
DEMAND = "demand"


def limits(result: Result) -> list[RenderableType]:
    """The most important rows of each layer, then what one outcome more would cost."""
    binding = result.binding
    demand = binding[binding["family"] == DEMAND]
    rest = binding[binding["family"] != DEMAND]
    parts: list[RenderableType] = [
        heading("3  What limits me?"),
        line("Prices at this plan (duals of the polished LP, all lots as signed): what one unit more of a limit would save."),
    ]
    if rest.empty:
        parts.append(line("No limit is tight."))
    else:
        shown = rest.groupby("layer", sort=False, group_keys=False).head(PER_LAYER)
        rows, styles = _rows(shown)
        parts.append(table(("limit", "price", "", "tight slices"), rows, text=(0, 2), styles=styles))
        if len(rest) > len(shown):
            parts.append(line(f"and {len(rest) - len(shown):,} more: see binding.csv (--out DIR writes it)"))
    if len(demand):
        largest = demand.sort_values("worth", ascending=False, kind="stable")
        costs = [
            (str(r["row"]).removeprefix("demand of "), number(r["price"]), _short(r["unit"])) for r in records(largest.head(MOST_DEMANDS))
        ]
        parts += [BLANK, table(("one outcome more of", "costs", ""), costs, text=(0, 2))]
        if len(demand) > MOST_DEMANDS:
            parts.append(line(f"and {len(demand) - MOST_DEMANDS:,} more: see binding.csv (--out DIR writes it)"))
    return parts


def _rows(frame: pd.DataFrame) -> tuple[list[Sequence[RenderableType]], list[str]]:
    """Rows with their styles: a line that names each layer, then its limits."""
    rows: list[Sequence[RenderableType]] = []
    styles: list[str] = []
    for layer, group in frame.groupby("layer", sort=False):
        rows.append((f"{layer} {TITLES.get(str(layer), '')}".rstrip(), "", "", ""))
        for r in records(group):
            rows.append((Padding(str(r["row"]), (0, 0, 0, 2)), number(r["price"]), _short(r["unit"]), f"{r['tight']:,}"))
        styles += ["bold", *[""] * len(group)]
    return rows, styles


def _short(unit: str) -> str:
    """`USD per MW and month` as USD/MW/month."""
    return unit.replace(" per ", "/").replace(" and ", "/")
