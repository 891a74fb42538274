"""The page in a real browser, without a network: nothing fails, nothing is fetched, every figure is drawn, nothing runs over."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from ailis_opt.report import Run, html
from ailis_opt.report.hedging.page import hedging_page

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FIGURES = 6  # drawn by plotly; the map is drawn by the page
DRAWN = """() => [...document.querySelectorAll(".plot")].map((plot) => ({
    id: plot.id,
    marks: plot.querySelectorAll("svg.main-svg path, svg.main-svg image, svg.main-svg text").length,
    width: plot.querySelector("svg.main-svg").getBoundingClientRect().width,
    room: plot.getBoundingClientRect().width,
}))"""
OVERFLOW = "() => document.documentElement.scrollWidth - window.innerWidth"
COLOR_OF_BAR = """() => getComputedStyle(document.querySelector("#fig-waterfall .barlayer .point path")).fill"""


@dataclass
class Opened:
    """A page with what it said and what it fetched."""

    page: Page
    said: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("chromium is not on PATH: `make test` installs it")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield running
        running.close()


def opened(browser: Browser, run: Run, path: Path, scheme: str = "light", width: int = 1280) -> Opened:
    """The report of `run`, opened from a file."""
    return shown(browser, html(run), path, FIGURES, scheme, width)


def shown(browser: Browser, text: str, path: Path, figures: int, scheme: str = "light", width: int = 1280) -> Opened:
    """A page with so many figures, opened from a file."""
    path.write_text(text, encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light")
    found = Opened(page)
    page.on("console", lambda message: found.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: found.said.append(str(error)))
    page.on("request", lambda request: found.fetched.append(request.url))
    page.goto(path.as_uri())
    until(page, f"document.querySelectorAll('.plot:has(svg.main-svg)').length === {figures}")
    return found


def until(page: Page, condition: str) -> None:
    """Wait for a condition in the page; playwright's own way evaluates text there, which the page's security policy forbids."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never came true: {condition}")


@pytest.mark.parametrize("hostile", [False, True], ids=["names", "hostile names"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_opens(browser: Browser, solved: Run, attack: Run, tmp_path: Path, scheme: str, width: int, hostile: bool) -> None:
    seen = opened(browser, attack if hostile else solved, tmp_path / "report.html", scheme, width)
    assert seen.said == []
    assert seen.fetched == [(tmp_path / "report.html").as_uri()]
    all_drawn(seen, FIGURES)
    assert seen.page.locator("svg.map .spot").count() >= 1
    seen.page.close()


def all_drawn(seen: Opened, figures: int) -> None:
    """Every figure is drawn in the room that it has, and the page is no wider than its window."""
    drawn = seen.page.evaluate(DRAWN)
    assert len(drawn) == figures
    for figure in drawn:
        assert figure["marks"] > 10, figure
        assert figure["width"] == pytest.approx(figure["room"], abs=2), figure
    assert seen.page.evaluate(OVERFLOW) <= 0


@pytest.mark.parametrize("hostile", [False, True], ids=["names", "hostile names"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_pages_under_scenarios(
    browser: Browser,
    staged: Run,
    staged_attack: Run,
    comparison: Mapping[str, Any],
    comparison_attack: Mapping[str, Any],
    tmp_path: Path,
    scheme: str,
    width: int,
    hostile: bool,
) -> None:
    """The comparison of portfolios, and the report of a plan under scenarios."""
    compared, run = (comparison_attack, staged_attack) if hostile else (comparison, staged)
    for name, text in (("hedge.html", hedging_page(compared)), ("report.html", html(run))):
        figures = text.count('class="plot"')
        assert figures >= 6
        seen = shown(browser, text, tmp_path / name, figures, scheme, width)
        assert seen.said == []
        assert seen.fetched == [(tmp_path / name).as_uri()]
        all_drawn(seen, figures)
        seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert seen.page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
        seen.page.close()


def test_the_theme_is_followed(browser: Browser, solved: Run, tmp_path: Path) -> None:
    """Figures take the colours of the theme when it changes, and of paper when the page is printed."""
    seen = opened(browser, solved, tmp_path / "report.html", "dark")
    dark = seen.page.evaluate(COLOR_OF_BAR)
    seen.page.emulate_media(color_scheme="light")
    until(seen.page, f"({COLOR_OF_BAR})() !== {dark!r}")
    light = seen.page.evaluate(COLOR_OF_BAR)
    seen.page.emulate_media(color_scheme="dark")
    until(seen.page, f"({COLOR_OF_BAR})() === {dark!r}")
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.page.evaluate(COLOR_OF_BAR) == light
    assert seen.page.evaluate("document.querySelector('#fig-waterfall svg.main-svg').getBoundingClientRect().width") == 690
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.page.evaluate(COLOR_OF_BAR) == dark
    printed = seen.page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    assert seen.said == []
    seen.page.close()


def test_contrast(browser: Browser, solved: Run, tmp_path: Path) -> None:
    """Ink, muted ink and links on the background and on tiles have at least 4.5 to 1 (WCAG 2.2, AA) in both themes."""
    for scheme in ("light", "dark"):
        seen = opened(browser, solved, tmp_path / "report.html", scheme)
        names = ("ink", "muted", "accent", "bg", "panel", "on-accent", "increase", "decrease")
        style = {n: seen.page.evaluate(f"getComputedStyle(document.documentElement).getPropertyValue('--{n}').trim()") for n in names}
        for front in ("ink", "muted", "accent"):
            for back in ("bg", "panel"):
                assert contrast(style[front], style[back]) >= 4.5, (scheme, front, back)
        assert contrast(style["on-accent"], style["accent"]) >= 4.5, scheme
        for bar in ("increase", "decrease"):
            assert contrast(style[bar], style["bg"]) >= 3, (scheme, bar)
        seen.page.close()


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours `#rrggbb`: (L1 + 0.05) / (L2 + 0.05) of their relative luminances."""
    lights = sorted(map(luminance, (one, other)), reverse=True)
    return (lights[0] + 0.05) / (lights[1] + 0.05)


def luminance(color: str) -> float:
    parts = [int(pair, 16) / 255 for pair in re.findall("[0-9a-f]{2}", color)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
