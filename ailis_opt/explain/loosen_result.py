"""The objective against a layer's limits: figures, a document, and text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType

from ailis_models.layers import LAYERS
from ailis_opt.explain.priced import Range, finite
from ailis_opt.output.figures import number, percent
from ailis_opt.output.text import heading, line, table

SCHEMA = "ailis-opt-loosen/1"
TITLES = {layer.id: layer.title for layer in LAYERS}
WIDTH = 24  # characters of the longest bar
BAR = "#"


@dataclass(frozen=True, slots=True)
class Point:
    """The objective where the limits are `percent` looser: an interval, infinite where no plan meets them."""

    percent: float
    objective: Range

    @property
    def status(self) -> str:
        """solved | no plan found | infeasible."""
        if math.isinf(self.objective.lower) and self.objective.lower > 0:
            return "infeasible"
        return "solved" if math.isfinite(self.objective.upper) else "no plan found"


@dataclass(frozen=True, slots=True)
class Loosened:
    """The curve of the objective over the limits of a layer; points from the tightest to the loosest, 0 being the instance as it is."""

    instance: str
    layer: str
    currency: str
    objective_name: str
    gap: float
    scaled: tuple[str, ...]  # what was scaled, in words
    monotone: bool  # whether looser never costs more
    points: tuple[Point, ...]

    @property
    def base(self) -> Range:
        """The objective of the instance as it is."""
        return next(p.objective for p in self.points if p.percent == 0)

    def change(self, point: Point) -> Range:
        """By how much the objective is above that of the instance as it is (below 0: a saving)."""
        low, high = point.objective.lower - self.base.upper, point.objective.upper - self.base.lower
        if point.percent == 0:
            return Range(0.0, 0.0)
        if self.monotone:
            return Range(max(low, 0.0), high) if point.percent < 0 else Range(low, min(high, 0.0))
        return Range(low, high)

    def to_dict(self) -> dict[str, Any]:
        """The document."""
        return {
            "schema": SCHEMA,
            "instance": self.instance,
            "layer": self.layer,
            "currency": self.currency,
            "objective_name": self.objective_name,
            "gap": self.gap,
            "scaled": list(self.scaled),
            "monotone": self.monotone,
            "points": [
                {
                    "percent": p.percent,
                    "status": p.status,
                    "value": finite(p.objective.upper),
                    **p.objective.to_dict(),
                    "change": self.change(p).to_dict() if p.status == "solved" and math.isfinite(self.base.upper) else None,
                }
                for p in self.points
            ],
        }


def render(result: Loosened) -> list[RenderableType]:
    """The curve as a table with bars."""
    unit = f"{result.currency} per weighted outcome" if result.objective_name == "cost_per_outcome" else result.currency
    finite_ends = [p.objective.upper for p in result.points if p.status == "solved"]
    low, high = min(finite_ends, default=0.0), max(finite_ends, default=0.0)
    rows = []
    for p in result.points:
        name = f"{p.percent:+g}%" if p.percent else "as it is"
        if p.status != "solved":
            rows.append((name, p.status, number(p.objective.lower, 6) if p.status != "infeasible" else "", "", ""))
            continue
        length = 1 + round((WIDTH - 1) * (p.objective.upper - low) / (high - low)) if high > low else 1
        rows.append((name, number(p.objective.upper, 6), number(p.objective.lower, 6), _share(result, p), BAR * length))
    parts: list[RenderableType] = [
        heading(f"{result.instance}: {result.layer} {TITLES[result.layer]}, looser and tighter"),
        *(line(text) for text in result.scaled),
        table(("limits", unit, "certified:\nnot less than", "change", ""), rows, text=(0, 4)),
        line(
            f"each point solved to a gap of {percent(result.gap)}; the change is between plans in hand, in brackets what is certified",
            "dim",
        ),
    ]
    if not result.monotone:
        parts.append(line("looser may cost more here: what does not pack into a larger domain is lost"))
    return parts


def _share(result: Loosened, point: Point) -> str:
    """`-1.2% (-1.4% to -0.9%)`."""
    base = result.base.upper
    if point.percent == 0 or not math.isfinite(base) or base <= 0:
        return ""
    between = result.change(point)
    ends = [f"{100 * x / base:+.2f}%" if math.isfinite(x) else "?" for x in (between.lower, between.upper)]
    middle = f"{100 * (point.objective.upper - base) / base:+.2f}%"
    return middle if ends[0] == ends[1] else f"{middle} ({ends[0]} to {ends[1]})"
