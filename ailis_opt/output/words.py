"""Small words, and warnings as they are told in passing."""

from __future__ import annotations

from collections.abc import Sequence

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
