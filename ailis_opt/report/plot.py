"""What all plotly figures share. Colours are names that the page resolves by its theme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

INK, MUTED, GRID, PANEL = "var(--ink)", "var(--muted)", "var(--grid)", "var(--panel)"
INCREASE, DECREASE, TOTAL, ACCENT, QUIET = "var(--increase)", "var(--decrease)", "var(--total)", "var(--accent)", "var(--quiet)"
LONGEST = 44
LONGEST_NARROW = 23


def safe(text: str) -> str:
    """A name as a label: plotly reads a little HTML in labels, so what would be markup is written as text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short(text: str, longest: int = LONGEST) -> str:
    """A safe label, cut in the middle where it is too long for an axis."""
    half = (longest - 1) // 2
    return safe(text if len(text) <= longest else f"{text[:half]}…{text[-half:]}")


def axis(title: str = "", /, **more: Any) -> dict[str, Any]:
    """An axis with a title that states its unit."""
    quiet = {"gridcolor": GRID, "linecolor": GRID, "zerolinecolor": GRID, "automargin": True, "fixedrange": True}
    return {**quiet, "title": {"text": title, "standoff": 8}, "tickfont": {"color": MUTED}, **more}


def names(labels: Sequence[str], longest: int = LONGEST, **more: Any) -> dict[str, Any]:
    """A vertical axis of names, the first on top; rows are counted from 0, so that no two names are taken for one."""
    span: dict[str, Any] = {"tickmode": "array", "tickvals": list(range(len(labels))), "ticktext": [short(x, longest) for x in labels]}
    return axis(**span, range=[len(labels) - 0.5, -0.5], showgrid=False, zeroline=False, **more)


def narrow(labels: Sequence[str], axis_name: str = "yaxis") -> dict[str, list[str]]:
    """Labels of an axis for a phone."""
    return {axis_name: [short(x, LONGEST_NARROW) for x in labels]}


def layout(**more: Any) -> dict[str, Any]:
    """A layout without background or title; the page has both."""
    base: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12.5, "color": INK},
        "margin": {"l": 8, "r": 16, "t": 8, "b": 8},
        "hoverlabel": {"bgcolor": PANEL, "bordercolor": GRID, "font": {"color": INK}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom", "traceorder": "normal"},
        "dragmode": False,
        "showlegend": False,
    }
    return {**base, **more}
