"""A map of the world as SVG, cropped to the countries of the regions that are shown on it."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files

from ailis_opt.output.figures import number

WIDTH, LOW, HIGH = 960.0, 380.0, 540.0  # px of the drawing: width, least and greatest height
MARGIN = (14.0, 30.0, 7.0)  # degrees left around: to the west, to the east (lists stand there), to north and south
SOUTH, NORTH = -58.0, 82.0
LARGEST, SMALLEST = 17.0, 3.0  # px, radius
LETTER = 6.9  # px, mean width of a letter of a label
MOST_LISTED = 9


@dataclass(frozen=True, slots=True)
class Country:
    """Name and middle of a country, degrees."""

    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Spot:
    """A region on the map: mean GPUs, share of the cost."""

    name: str
    country: str
    gpus: float
    share: float


@dataclass(frozen=True, slots=True)
class _Frame:
    """The part of the world that is shown, and where it lies on the drawing."""

    west: float
    north: float
    scale: float  # px per degree of latitude
    narrow: float  # px of a degree of longitude ÷ px of a degree of latitude
    height: float

    def x(self, longitude: float) -> float:
        return (longitude - self.west) * self.scale * self.narrow

    def y(self, latitude: float) -> float:
        return (self.north - latitude) * self.scale


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    width: float
    height: float

    def meets(self, other: _Box) -> bool:
        apart = self.x + self.width < other.x or other.x + other.width < self.x
        return not (apart or self.y + self.height < other.y or other.y + other.height < self.y)


def _data(name: str) -> str:
    return files("ailis_opt.report").joinpath("data", name).read_text(encoding="utf-8")


@cache
def countries() -> dict[str, Country]:
    """The countries of ISO 3166-1 by alpha-2 code; their middles are those of the largest part of Natural Earth's outline, or of
    the first place in zone.tab of the tz database where that has none."""
    rows = csv.DictReader(io.StringIO(_data("countries.csv")))
    return {r["country"]: Country(r["name"], float(r["latitude"]), float(r["longitude"])) for r in rows}


@cache
def _land() -> tuple[tuple[tuple[float, float], ...], ...]:
    """Rings of (longitude, latitude)."""
    return tuple(tuple(zip(ring[::2], ring[1::2], strict=True)) for ring in json.loads(_data("land.json"))["rings"])


def world_map(spots: Sequence[Spot]) -> str:
    """The drawing; every spot's country is one of `countries`. Names are escaped; colours are the page's."""
    known = countries()
    groups: dict[str, list[Spot]] = {}
    for spot in sorted(spots, key=lambda s: -s.gpus):
        groups.setdefault(spot.country, []).append(spot)
    frame = _frame([known[c] for c in groups])
    largest, most = max(s.gpus for s in spots), max(s.share for s in spots)
    drawn = [_ground(frame)]
    middles = [(frame.x(known[c].longitude), frame.y(known[c].latitude)) for c in groups]
    taken = [_Box(x - 5, y - 5, 10, 10) for x, y in middles]
    for country, members in sorted(groups.items(), key=lambda item: -len(item[1])):
        at = (frame.x(known[country].longitude), frame.y(known[country].latitude))
        listed = members[:MOST_LISTED]
        radii = [max(SMALLEST, LARGEST * math.sqrt(s.gpus / largest)) if largest else SMALLEST for s in listed]
        box = _place(at, _size(listed, radii), taken, frame.height)
        taken.append(box)
        drawn.append(_group(at, box, listed, radii, most, len(members) - len(listed)))
    size = f"0 0 {WIDTH:.0f} {frame.height:.0f}"
    return f'<svg viewBox="{size}" class="map" role="img" aria-labelledby="map-alt">{"".join(drawn)}</svg>'


def _frame(shown: Iterable[Country]) -> _Frame:
    places = list(shown)
    west, east = (f(p.longitude for p in places) for f in (min, max))
    south, north = (f(p.latitude for p in places) for f in (min, max))
    west, east, south, north = west - MARGIN[0], east + MARGIN[1], max(SOUTH, south - MARGIN[2]), min(NORTH, north + MARGIN[2])
    narrow = max(0.4, math.cos(math.radians((south + north) / 2)))
    wide, high = (east - west) * narrow, north - south
    if wide / high > WIDTH / LOW:
        high = wide * LOW / WIDTH
    elif wide / high < WIDTH / HIGH:
        wide = high * WIDTH / HIGH
    middle = ((west + east) / 2, min(max((south + north) / 2, SOUTH + high / 2), NORTH - high / 2))
    scale = WIDTH / wide
    return _Frame(middle[0] - wide / narrow / 2, middle[1] + high / 2, scale, narrow, high * scale)


def _ground(frame: _Frame) -> str:
    paths = []
    for ring in _land():
        points = [(frame.x(x), frame.y(y)) for x, y in ring]
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        if max(xs) >= 0 and min(xs) <= WIDTH and max(ys) >= 0 and min(ys) <= frame.height:
            paths.append("M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in points) + "Z")
    return f'<path class="land" d="{"".join(paths)}"/>'


def _label(spot: Spot) -> str:
    name = spot.name if len(spot.name) <= 28 else spot.name[:27] + "…"
    return f"{name} {number(spot.gpus, 3)}"


def _size(listed: Sequence[Spot], radii: Sequence[float]) -> tuple[float, float]:
    text = max(len(_label(s)) for s in listed) * LETTER
    return 2 * max(radii) + 8 + text, sum(_row(r) for r in radii) + (14 if len(listed) == MOST_LISTED else 0) + 6


def _row(radius: float) -> float:
    return max(15.0, 2 * radius + 3)


def _place(at: tuple[float, float], size: tuple[float, float], taken: Sequence[_Box], height: float) -> _Box:
    """Where a list stands: as near to its country as there is room, on the drawing; the nearest place if there is none."""
    nearest = None
    for distance in range(8, 420, 10):
        for turn in range(0, 360, 15):
            x = at[0] + math.cos(math.radians(turn)) * (distance + size[0] / 2) - size[0] / 2
            y = at[1] + math.sin(math.radians(turn)) * (distance + size[1] / 2) - size[1] / 2
            box = _Box(min(max(x, 4), WIDTH - size[0] - 4), min(max(y, 4), max(4.0, height - size[1] - 4)), *size)
            nearest = nearest or box
            if not any(box.meets(other) for other in taken):
                return box
    assert nearest is not None
    return nearest


def _group(at: tuple[float, float], box: _Box, listed: Sequence[Spot], radii: Sequence[float], most: float, more: int) -> str:
    """A panel with a row for each region, and a line from the middle of the country."""
    end = min(max(at[0], box.x), box.x + box.width), min(max(at[1], box.y), box.y + box.height)
    parts = [
        f'<line class="leader" x1="{at[0]:.1f}" y1="{at[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>',
        f'<circle class="middle" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="2.5"/>',
        f'<rect class="list" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="4"/>',
    ]
    middle, y = box.x + max(radii) + 3, box.y + 3
    for spot, radius in zip(listed, radii, strict=True):
        row, tone = _row(radius), 100 * spot.share / most if most else 0.0
        center = y + row / 2
        fill = f"color-mix(in srgb, var(--heat-2) {tone:.0f}%, var(--heat-0))"
        parts.append(f'<circle class="spot" cx="{middle:.1f}" cy="{center:.1f}" r="{radius:.1f}" style="fill:{fill}"/>')
        parts.append(f'<text x="{middle + max(radii) + 4:.1f}" y="{center + 4:.1f}">{escape(_label(spot))}</text>')
        y += row
    if more:
        parts.append(f'<text x="{middle + max(radii) + 4:.1f}" y="{y + 9:.1f}">and {more} more</text>')
    return "".join(parts)
