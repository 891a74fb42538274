"""The answer to "which decisions are sure?": ranges, verdicts, a document, and text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType

from ailis_opt.explain.priced import Range
from ailis_opt.output.figures import number, percent
from ailis_opt.output.text import heading, line, table

SCHEMA = "ailis-opt-robust/1"
MOST_ROWS = 25
NONE = 1e-6


@dataclass(frozen=True, slots=True)
class Purchase:
    """Lots of a committed offer, or GPU-hours of a hired one, over all plans that count.

    Plans in hand attain both ends of `found`; no plan lies outside `proven`. `exact`: they are the same (of amounts that need not be
    whole, to 1 % of the most).
    """

    offer: str
    twins: tuple[str, ...]
    best: float
    found: Range
    proven: Range
    exact: bool
    whole: bool

    @property
    def verdict(self) -> str:
        """sure | at least | never | open."""
        if self.proven.upper <= NONE:
            return "never"
        if self.whole and self.proven.lower == self.proven.upper:
            return "sure"
        return "at least" if self.proven.lower > NONE else "open"

    @property
    def words(self) -> str:
        """The verdict with its figure; "not proven" where the range is not exact."""
        said = {"never": "never", "sure": f"sure: always {number(self.best)}", "at least": f"always at least {number(self.proven.lower)}"}
        return said.get(self.verdict, "open" if self.exact else "open, range not proven")

    def to_dict(self) -> dict[str, Any]:
        """As in the document."""
        ends = {"found": self.found.to_dict(), "proven": self.proven.to_dict()}
        return {"offer": self.offer, "twins": list(self.twins), "best": self.best, **ends, "exact": self.exact, "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class Robust:
    """The range of every purchase over all plans whose objective is at most (1 + within) times `objective.upper`."""

    instance: str
    currency: str
    objective_name: str
    objective: Range
    gap: float
    within: float
    purchases: tuple[Purchase, ...]  # committed offers that can be bought; lots of all start periods together
    hired: tuple[Purchase, ...]  # hired offers; GPU-hours

    def to_dict(self) -> dict[str, Any]:
        """The document."""
        return {
            "schema": SCHEMA,
            "instance": self.instance,
            "currency": self.currency,
            "objective_name": self.objective_name,
            "objective": self.objective.to_dict(),
            "gap": self.gap,
            "within": self.within,
            "purchases": [p.to_dict() for p in self.purchases],
            "hired": [p.to_dict() for p in self.hired],
        }


def render(result: Robust) -> list[RenderableType]:
    """The answer as text."""
    unit = f"{result.currency} per weighted outcome" if result.objective_name == "cost_per_outcome" else result.currency
    best = number(result.objective.upper, 6)
    parts: list[RenderableType] = [
        heading(f"{result.instance}: which decisions are sure?"),
        line(f"all plans that cost at most {percent(result.within)} more than {best} {unit}, the best known (gap {percent(result.gap)})"),
        line("found: plans in hand go from the least to the most; proven: no plan goes beyond", "dim"),
        heading("Lots to sign"),
    ]
    decided = [p for p in result.purchases if p.verdict != "never"]
    rows = sorted(decided, key=lambda p: (p.verdict == "open", -p.best, -p.found.upper))
    parts += _rows("sign", "lots", rows)
    parts += _never(result.purchases)
    hired = sorted((p for p in result.hired if p.proven.upper > NONE), key=lambda p: -p.found.upper)
    if result.hired:
        parts += [heading("GPU-hours to hire"), *_rows("hire", "GPU-hours", hired), *_never(result.hired)]
    return parts


def _rows(title: str, unit: str, rows: Sequence[Purchase]) -> list[RenderableType]:
    names = (title, f"best plan\n{unit}", "found", "proven", "")
    shown = [(_name(p), number(p.best), _span(p.found), _span(p.proven), p.words) for p in rows[:MOST_ROWS]]
    more = [line(f"and {len(rows) - MOST_ROWS} more: --json prints all")] if len(rows) > MOST_ROWS else []
    return [table(names, shown, text=(0, 4)), *more] if rows else [line("none in any of these plans")]


def _never(rows: Sequence[Purchase]) -> list[RenderableType]:
    names = [_name(p) for p in rows if p.verdict == "never"]
    if not names:
        return []
    more = f" and {len(names) - MOST_ROWS} more" if len(names) > MOST_ROWS else ""
    return [line(f"never, in none of these plans ({len(names)}): {', '.join(names[:MOST_ROWS])}{more}")]


def _name(p: Purchase) -> str:
    return f"{p.offer} (with {', '.join(p.twins)})" if p.twins else p.offer


def _span(between: Range) -> str:
    low, high = number(between.lower), number(between.upper)
    return low if low == high else f"{low} to {high}"
