"""The page: sections into one HTML file with everything that it needs inside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from ailis_opt.output.figures import ending, moment
from ailis_opt.report.contents import sections
from ailis_opt.report.facts import block_names
from ailis_opt.report.parts import Drawing, Figure, Section, Table
from ailis_opt.report.run import Run

UNSAFE = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def page(run: Run) -> str:
    """The whole page of a run."""
    return filled("page.html", sections(run), run=run, horizon=_horizon(run))


def filled(template: str, content: Sequence[Section], **more: object) -> str:
    """A page of sections. All that comes from an instance is escaped, in the text and in the data of the figures."""
    figures = [part for section in content for part in section.parts if isinstance(part, Figure)]
    return (
        _environment()
        .get_template(template)
        .render(
            sections=content,
            style=Markup(_data("style.css")),
            script=Markup(_data("figures.js")),
            plotly=Markup(get_plotlyjs()),
            figures=Markup(
                _as_data({f.id: {"data": f.data, "layout": {**f.layout, "height": f.height}, "narrow": dict(f.narrow)} for f in figures})
            ),
            kind=_kind,
            **more,
        )
    )


@cache
def _environment() -> Environment:
    loader = PackageLoader("ailis_opt.report", "data")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def _data(name: str) -> str:
    return files("ailis_opt.report").joinpath("data", name).read_text(encoding="utf-8")


def _as_data(value: Any) -> str:
    """JSON that can stand inside a script element: nothing in it ends the element or the line."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).translate(UNSAFE)


def _kind(part: Figure | Drawing | Table) -> str:
    return type(part).__name__.lower()


def _horizon(run: Run) -> str:
    """`2027-01 to 2027-12, 12 months, blocks peak, day, night`."""
    h, blocks = run.instance.header.horizon, block_names(run)
    many = f"{h.periods} {h.period}{'' if h.periods == 1 else 's'}"
    split = f", hours in blocks: {', '.join(blocks)}" if len(blocks) > 1 else ""
    return f"{moment(h, 0)} to {ending(h, h.periods - 1)}, {many}{split}"
