"""The curve of a sweep as a picture (SVG) that needs nothing else."""

from __future__ import annotations

from xml.sax.saxutils import escape

from ailis_opt.study.sweep import Curve

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 380, 90, 20, 40, 60
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#333}.s{fill:#e8a33d;opacity:.45}.l{fill:none;stroke:#2a6fbb;stroke-width:2}.d{fill:#2a6fbb}"
)
TICKS = 5


def curve_svg(curve: Curve, unit: str) -> str:
    """The objective over the values, its certified lower bound as a thin line, switches as bands."""
    plans = [(p.value, p.result.objective, p.result.bounds.lower) for p in curve.points if p.result is not None]
    x0, x1 = curve.sweep.values[0], curve.sweep.values[-1]
    y0, y1 = min((low for *_, low in plans), default=0.0), max((high for _, high, _ in plans), default=1.0)
    y1 = y1 if y1 > y0 else y0 + 1

    def at(x: float, y: float) -> tuple[float, float]:
        across, up = (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', f'<text x="{LEFT}" y="22">{escape(curve.sweep.text)}</text>']
    for switch in curve.switches:
        left, right = at(switch.low, y0)[0], at(switch.high, y0)[0]
        parts.append(f'<rect class="s" x="{left:.1f}" y="{TOP}" width="{max(right - left, 2):.1f}" height="{HEIGHT - TOP - BOTTOM}"/>')
    for i in range(TICKS):
        x, y = x0 + (x1 - x0) * i / (TICKS - 1), y0 + (y1 - y0) * i / (TICKS - 1)
        across, up = at(x, y)
        parts.append(f'<text x="{across:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{x:.4g}</text>')
        parts.append(f'<text x="{LEFT - 8}" y="{up + 4:.1f}" text-anchor="end">{y:.4g}</text>')
    for column, style in ((2, ' style="stroke-width:1;stroke-dasharray:4"'), (1, "")):
        line = " ".join("{:.1f},{:.1f}".format(*at(plan[0], plan[column])) for plan in plans)
        parts.append(f'<polyline class="l"{style} points="{line}"/>')
    parts += ['<circle class="d" cx="{:.1f}" cy="{:.1f}" r="3.5"/>'.format(*at(x, y)) for x, y, _ in plans]
    parts.append(
        f'<text x="{LEFT}" y="{HEIGHT - 14}">{escape(unit)}; dashed: certified; bands: where the lots that are signed change</text>'
    )
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"><style>{STYLE}</style>\n{body}\n</svg>\n'
