"""The page as text: whole, labelled, and harmless whatever the instance's names are."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import plotly.graph_objects as go
import pytest

from ailis_opt.report import Run, html, workbook
from ailis_opt.report.contents import ORDER, sections
from ailis_opt.report.page import page
from ailis_opt.report.parts import Drawing, Figure
from tests.support.generate import random_instance
from tests.support.runs import HOSTILE, SHARES, market, run_of

VOID = {"meta", "link", "img", "br", "line", "circle", "rect", "path", "input"}
MARKUP = re.compile(r"<(?!/?(b|br|extra)>)")


class Outline(HTMLParser):
    """Elements with their attributes, and the text of each kind of element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self._open):
            self.texts[tag][-1] += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def figures(text: str) -> dict[str, Any]:
    """The specifications of the figures, as the page's script reads them."""
    (found,) = re.findall(r'<script type="application/json" id="figures">(.*?)</script>', text, re.DOTALL)
    document: dict[str, Any] = json.loads(found)
    return document


def test_sections_and_structure(solved: Run) -> None:
    text = html(solved)
    outline = Outline(text)
    assert len(outline.of("section")) == len(ORDER) - 1  # none on scenarios
    ids = Counter(a["id"] for _, a in outline.elements if "id" in a)
    assert max(ids.values()) == 1
    for _, attrs in outline.elements:
        for name in ("aria-labelledby", "aria-describedby", "aria-controls"):
            assert attrs.get(name) in (None, *ids)
        if (attrs.get("href") or "").startswith("#"):
            assert (attrs["href"] or "")[1:] in ids
    assert {a.get("scope") for a in outline.of("th")} == {"col", "row"}
    assert len(outline.of("caption")) == len(outline.of("table"))
    assert len(outline.of("figcaption")) == len(outline.of("figure")) == len(figures(text)) + 1  # the map is no plotly figure


def test_needs_no_network(solved: Run) -> None:
    text = html(solved)
    outline = Outline(text)
    assert len([a for a in outline.of("script") if "src" in a]) == 0
    assert [a["href"] for a in outline.of("link")] == ["data:,"]
    assert all((a["href"] or "").startswith("#") for a in outline.of("a"))
    assert "default-src 'none'" in text
    assert len(outline.of("script")) == 3
    assert text.count("Plotly.react(") == 1
    assert "@import" not in text.split("</style>")[0]
    assert "url(" not in text.split("</style>")[0]


def test_same_run_same_page(solved: Run) -> None:
    assert page(solved) == page(solved)


def test_every_figure_says_what_it_shows(solved: Run) -> None:
    """Title and axes with units, and a sentence; the text alternative holds figures."""
    parts = [part for section in sections(solved) for part in section.parts if isinstance(part, (Figure, Drawing))]
    assert len(parts) == 7
    for part in parts:
        assert len(part.title) > 5
        assert re.search(r"\d", part.alt), part.id
        if isinstance(part, Figure):
            axes = [v for k, v in part.layout.items() if k.startswith("xaxis")]
            assert any(axis["title"]["text"] for axis in axes), part.id


def test_figures_are_what_plotly_knows(solved: Run) -> None:
    """Every attribute has a name and a value that plotly accepts (colours are put in by the page)."""
    for name, spec in figures(html(solved)).items():
        plain = json.loads(re.sub(r'"var\(--[\w-]+\)"', '"#000000"', json.dumps(spec)))
        assert go.Figure(data=plain["data"], layout=plain["layout"]).data, name


def test_every_colour_is_one_of_the_page(solved: Run) -> None:
    text = html(solved)
    style = text.split("</style>")[0]
    assert set(re.findall(r"var\((--[\w-]+)\)", json.dumps(figures(text)))) <= set(re.findall(r"(--[\w-]+):", style))


def test_waterfall(solved: Run) -> None:
    """From the commodity price over the layers that count to the real price; increases in the colour of increases."""
    spec = figures(html(solved))["fig-waterfall"]
    bar = spec["data"][0]
    full = solved.result["cost_per_outcome"]
    assert len(bar["x"]) == len(SHARES) + 2
    assert bar["base"][-2] + bar["x"][-2] == pytest.approx(full) == bar["x"][-1]
    colors = ["var(--total)", "var(--increase)", "var(--decrease)", "var(--increase)", "var(--total)"]
    assert bar["marker"]["color"] == colors
    assert bar["error_x"]["array"][1] == pytest.approx(0.02 * full)
    text = Outline(html(solved)).texts["section"][1]
    assert "Governance (L15) adds most" in text
    assert "not proven" in text


def test_without_an_explanation(solved: Run) -> None:
    bare = replace(solved, explanation=None)
    assert "fig-waterfall" not in figures(html(bare))
    assert "ailis-opt explain DIR/instance --out DIR" in html(bare)


def test_the_gap_and_the_label_of_duals_are_shown(solved: Run) -> None:
    text = Outline(html(solved)).texts["section"]
    assert "No plan can cost less" in text[0]
    assert any("dual, polished LP" in section for section in text)
    unproven = {**solved.result, "bounds": {"lower": None, "upper": 1.0}, "gap": None, "status": "limit"}
    text = Outline(html(replace(solved, result=unproven))).texts["section"]
    assert "no lower bound was proven" in text[0]


def test_names_are_text(attack: Run) -> None:
    """No name becomes an element, ends a script, or is read by a template."""
    text = html(attack)
    outline = Outline(text)
    assert len(outline.of("script")) == 3
    assert not outline.of("img")
    assert not outline.of("i")
    shown = " ".join(outline.texts["body"])
    for key, name in HOSTILE.items():
        assert name in shown or key in ("there", "fast"), name  # nothing is done there; profiles are in the workbook alone
    assert "49" not in outline.texts["header"][0]
    assert "\u2028" not in re.findall(r'id="figures">(.*?)</script>', text, re.DOTALL)[0]


def test_names_are_text_in_figures(attack: Run) -> None:
    """Plotly reads a little HTML and fills templates: no label holds markup of the instance, and no template a name."""

    def strings(node: Any, key: str = "") -> list[tuple[str, str]]:
        if isinstance(node, dict):
            return [found for k, v in node.items() for found in strings(v, k)]
        if isinstance(node, list):
            return [found for v in node for found in strings(v, key)]
        return [(key, node)] if isinstance(node, str) else []

    found = strings(figures(html(attack)))
    assert any("&lt;" in text for _, text in found)
    assert not [text for _, text in found if MARKUP.search(text)]
    templates = [text for key, text in found if key == "hovertemplate"]
    assert templates
    assert not [text for text in templates if "alert" in text or "cmd" in text]


def test_unknown_country_is_listed_beside_the_map(solved: Run) -> None:
    data = market()
    data["tables"]["workloads"][0]["jurisdictions"] = ["DE", "ZZ"]
    data["tables"]["offers"] = [row for row in data["tables"]["offers"] if row["offer"] in ("abroad", "old-hall")]
    text = Outline(html(run_of(data, explain=False))).texts["section"]
    (section,) = [t for t in text if "Where the work is done" in t]
    assert "Not on the map" in section
    assert "there" in section.split("Not on the map")[1]
    assert "Not on the map" not in " ".join(Outline(html(solved)).texts["section"])


@pytest.mark.parametrize("seed", [1, 3, 8, 17, 22, 30, 45, 52])
def test_any_instance(seed: int) -> None:
    """Periods of any kind, with and without contracts, training, carbon, demand that is not served; periods without any capacity."""
    run = run_of(random_instance(seed, "small" if seed % 2 else "tiny"), explain=False)
    spec = figures(html(run))
    assert "fig-timeline" in spec
    assert "NaN" not in json.dumps(spec)
    assert workbook(run)
