"""Small words."""

from __future__ import annotations


def counted(n: float, noun: str) -> str:
    """`1 slice`, `1,234 slices`."""
    return f"{n:,.0f} {noun}{'' if n == 1 else 's'}"
