"""Small words, and warnings as they are told in passing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ailis_opt.schema import Instance

MOST_WARNINGS = 3


def counted(n: float, noun: str) -> str:
    """`1 slice`, `1,234 slices`."""
    return f"{n:,.0f} {noun}{'' if n == 1 else 's'}"


def told(warnings: Sequence[str]) -> list[str]:
    """The first warnings about an instance, a line each, and where the others are; nothing where there are none."""
    if not warnings:
        return []
    more = len(warnings) - MOST_WARNINGS
    rest = [f"  and {more} more: see `ailis-opt check`"] if more > 0 else []
    return [f"{counted(len(warnings), 'warning')} about the instance:", *(f"  {text}" for text in warnings[:MOST_WARNINGS]), *rest]


def outcome_unit(instance: Instance) -> str:
    """What the cost per outcome is counted in: the one outcome that there is, or weighted outcomes."""
    work = instance.tables["workloads"]
    kinds = {str(name) for name in work["outcome"]}
    if (work["outcome_weight"] == 1).all():
        return kinds.pop() or "outcome" if len(kinds) == 1 else "outcome"
    return "weighted outcome"


def weighing(alpha: float, weight: float) -> str:
    """What is minimized where risk has a weight: `0.25 x CVaR at 90% + 0.75 x expected cost`."""
    tail = f"CVaR at {100 * alpha:.3g}%"
    return tail if weight == 1 else f"{weight:g} x {tail} + {1 - weight:g} x expected cost"


def plural(noun: str) -> str:
    """Several of it."""
    return noun if noun.endswith("s") else f"{noun}s"
