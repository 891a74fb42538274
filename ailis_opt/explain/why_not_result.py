"""The answer to "why not this offer?": figures, a document, and text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType

from ailis_models.layers import LAYERS
from ailis_opt.explain.priced import Range, finite
from ailis_opt.output.figures import number, percent
from ailis_opt.output.text import heading, line, table

SCHEMA = "ailis-opt-why-not/1"
TITLES = {layer.id: layer.title for layer in LAYERS}


@dataclass(frozen=True, slots=True)
class Closed:
    """Routes of a workload in the offer's pool: all, those that the layer closes, and those that nothing else closes."""

    layer: str
    workload: str
    routes: int
    closed: int
    alone: int


@dataclass(frozen=True, slots=True)
class Removal:
    """Whether the offer would be worth taking without a layer ("yes", "no", "not proven"), and what it would cost extra then [money]."""

    layer: str
    worth: str
    extra: Range


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The price per GPU-hour up to which the offer is taken, and what the plan takes of it there.

    Infinite where no plan does without the offer.
    """

    price: Range
    lots: float  # hired: of all slices together
    gpu_hours: float


@dataclass(frozen=True, slots=True)
class WhyNot:
    """What taking one lot of an offer would cost, and what is in the way. Every figure is an interval that is certified.

    `extra` [money] and `change` [unit of the objective] are of the whole plan and infinite where no plan can take a lot. `last_lot`: what
    the plan would cost more with one lot less. `break_even`: None if no such plan was found, or if lots signed before are paid by use, too.
    A committed lot starts in any one period; a hired one is held through every slice.
    """

    instance: str
    offer: str
    twins: tuple[str, ...]
    committed: bool
    currency: str
    objective_name: str
    objective: Range
    gap: float
    price: float  # money per GPU-hour asked
    lots: float  # in the best plan (0 for hired offers: see gpu_hours)
    gpu_hours: float  # paid in the best plan
    extra: Range
    change: Range
    last_lot: Range | None
    break_even: BreakEven | None
    closed: tuple[Closed, ...]
    removals: tuple[Removal, ...]  # empty where the best plan takes the offer

    def to_dict(self) -> dict[str, Any]:
        """The document."""
        best = self.break_even
        return {
            "schema": SCHEMA,
            "instance": self.instance,
            "offer": self.offer,
            "twins": list(self.twins),
            "lot": "starts in any one period" if self.committed else "held through every slice in which the offer is there",
            "currency": self.currency,
            "objective_name": self.objective_name,
            "objective": self.objective.to_dict(),
            "gap": self.gap,
            "taken": {"lots": self.lots if self.committed else None, "gpu_hours": self.gpu_hours},
            "possible": math.isfinite(self.extra.lower),
            "extra_cost": self.extra.to_dict(),
            "objective_change": self.change.to_dict(),
            "last_lot": None if self.last_lot is None else self.last_lot.to_dict(),
            "asked": self.price,
            "break_even": None if best is None else {**best.price.to_dict(), "lots": finite(best.lots), "gpu_hours": best.gpu_hours},
            "closed": [
                {"layer": c.layer, "workload": c.workload, "routes": c.routes, "closed": c.closed, "alone": c.alone} for c in self.closed
            ],
            "without": [{"layer": r.layer, "worth_taking": r.worth, "extra_cost": r.extra.to_dict()} for r in self.removals],
        }


def span(between: Range, digits: int = 4) -> str:
    """`1,234` where both ends read the same, else `1,234 to 5,678`."""
    low, high = number(between.lower, digits), number(between.upper, digits)
    return low if low == high else f"{low} to {'more' if math.isinf(between.upper) else high}"


def render(result: WhyNot) -> list[RenderableType]:
    """The answer as text."""
    also = f" (and {', '.join(result.twins)}: the same but for the name)" if result.twins else ""
    lot = "starts in any one period" if result.committed else "is held through every slice in which the offer is there"
    return [
        heading(f"Why not {result.offer}?"),
        line(f"one lot of {result.offer}{also} {lot}; intervals are certified, solved to a gap of {percent(result.gap)}"),
        *_cost(result),
        *_price(result),
        *_closed(result),
        *_removals(result),
    ]


def _cost(r: WhyNot) -> list[RenderableType]:
    money, parts = r.currency, list[RenderableType]()
    ratio = r.objective_name == "cost_per_outcome"
    unit = f"{money} per weighted outcome" if ratio else money
    if r.gpu_hours > 0:
        amount = f"{number(r.lots)} lots, " if r.committed else ""
        parts.append(line(f"the best plan takes it: {amount}{number(r.gpu_hours)} GPU-hours", "bold"))
    if not math.isfinite(r.extra.lower):
        return [*parts, line("no plan can take a lot of it: the offer's own limits or those of the plan forbid it", "bold")]
    if not (r.committed and r.gpu_hours > 0):
        parts.append(line(f"a lot costs {span(r.extra)} {money} extra, the whole plan", "bold"))
        parts.append(line(f"{'cost per outcome' if ratio else 'cost'} {span(r.objective, 6)} {unit}, with the lot {span(r.change)} more"))
    if r.last_lot is not None:
        parts.append(line(f"the last lot is worth {span(r.last_lot)} {money}: what the plan would cost more without it"))
    return parts


def _price(r: WhyNot) -> list[RenderableType]:
    best = r.break_even
    if best is None:
        return []
    unit = f"{r.currency} per GPU-hour"
    if math.isinf(best.price.upper):
        return [line(f"no plan does without it: it would be taken at any price (asked {number(r.price)} {unit})")]
    if best.price.upper < 0:
        return [line(f"it would not pay as a gift: it breaks even at {span(best.price)} {unit}")]
    held = f"{number(best.lots)} lots, " if r.committed else ""
    text = f"break-even price {span(best.price)} {unit} (asked {number(r.price)}), for {held}{number(best.gpu_hours)} GPU-hours"
    return [line(text), line("below it the best plan takes the offer, above it a plan without it is as good", "dim")]


def _closed(r: WhyNot) -> list[RenderableType]:
    if not r.closed:
        return [line("no layer closes any route in its pool")]
    rows = [(f"{c.layer} {TITLES[c.layer]}", c.workload, f"{c.closed:,}", f"{c.alone:,}", f"{c.routes:,}") for c in r.closed]
    return [heading("Routes closed in its pool"), table(("layer", "workload", "closed", "by it alone", "of"), rows, text=(0, 1))]


def _removals(r: WhyNot) -> list[RenderableType]:
    if not r.removals:
        return []
    extra = [span(x.extra) if math.isfinite(x.extra.lower) else "not on offer" for x in r.removals]
    rows = [(f"{x.layer} {TITLES[x.layer]}", x.worth, text) for x, text in zip(r.removals, extra, strict=True)]
    return [heading("Worth taking without the layer?"), table(("layer", "worth it", f"extra {r.currency}"), rows, text=(0, 1))]
