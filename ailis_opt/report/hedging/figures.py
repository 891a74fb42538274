"""The figures of a comparison of portfolios."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ailis_models.arrays import Floats
from ailis_models.layers import LAYERS
from ailis_opt.output.figures import number, percent
from ailis_opt.report.hedging.document import Alone, Comparison, Plan
from ailis_opt.report.hedging.said import amount, main_type
from ailis_opt.report.parts import Figure
from ailis_opt.report.plot import ACCENT, INK, MUTED, PANEL, QUIET, axis, layout, names, narrow, safe, short
from ailis_opt.schema.checklist import EXCLUDED, INCLUDED, OPEN

COLORS = {
    "SKU": "var(--basis-sku)",
    "topology": "var(--basis-topology)",
    "memory": "var(--basis-memory)",
    "power": "var(--basis-power)",
    "region": "var(--basis-region)",
    "duration": "var(--basis-duration)",
    "reliability": "var(--basis-reliability)",
    "workload": "var(--basis-workload)",
    "policy": "var(--basis-policy)",
}
PARTLY = "partly"
STATES = (OPEN, EXCLUDED, PARTLY, INCLUDED)
STATE_COLORS = (PANEL, "var(--increase)", "var(--hire)", ACCENT)
MOST_FIGURED = 8  # columns of a heat map with figures in its cells
TITLES = {layer.id: layer.title for layer in LAYERS}
TIP = "%{customdata}<extra></extra>"


def quantile(values: Floats, probability: Floats, level: float) -> float:
    """The least value that is not exceeded with this probability."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(probability[order]) >= level - 1e-12
    return float(values[order][np.argmax(reached)])


def spread(
    title: str,
    unit: str,
    rows: Sequence[tuple[str, Floats]],
    scenarios: Sequence[str],
    probability: Floats,
    id: str,
    tail: Sequence[float] = (),
) -> Figure:
    """A strip for each row of values (scenarios,): a point per scenario, larger the likelier, and a box of the weighted quartiles.

    `tail`: the CVaR of each row, if it is to be shown.
    """
    labels, n = [name for name, _ in rows], len(scenarios)
    lift = 0.16 * np.sin(np.arange(n) * 2.4)  # apart, so that points do not hide one another
    size = 4 + 9 * np.sqrt(probability / probability.max())
    box: dict[str, list[float]] = {key: [] for key in ("lowerfence", "q1", "median", "q3", "upperfence", "mean")}
    for _, values in rows:
        ends = (float(values.min()), *(quantile(values, probability, level) for level in (0.25, 0.5, 0.75)), float(values.max()))
        for key, value in zip(box, (*ends, float(probability @ values)), strict=True):
            box[key].append(value)
    boxes: dict[str, Any] = {"type": "box", "orientation": "h", "y": list(range(len(rows))), **box, "width": 0.5, "hoverinfo": "skip"}
    boxes |= {"fillcolor": QUIET, "line": {"color": MUTED, "width": 1.2}, "opacity": 0.65, "boxmean": False, "boxpoints": False}
    points = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": values.tolist(),
            "y": (i + lift).tolist(),
            "marker": {"size": size.tolist(), "color": ACCENT, "opacity": 0.75, "line": {"width": 0.8, "color": PANEL}},
            "customdata": [
                f"{safe(name)}, {safe(s)} ({percent(float(p))}): {number(float(v))} {safe(unit)}"
                for s, p, v in zip(scenarios, probability, values, strict=True)
            ],
            "hovertemplate": TIP,
        }
        for i, (name, values) in enumerate(rows)
    ]
    means: dict[str, Any] = {"type": "scatter", "mode": "markers", "x": box["mean"], "y": list(range(len(rows))), "hovertemplate": TIP}
    means |= {"marker": {"symbol": "diamond", "size": 11, "color": INK, "line": {"width": 1.5, "color": PANEL}}}
    means["customdata"] = [f"{safe(name)}: mean {number(mean)} {safe(unit)}" for name, mean in zip(labels, box["mean"], strict=True)]
    cvars: dict[str, Any] = {"type": "scatter", "mode": "markers", "x": [*tail], "y": list(range(len(tail))), "hovertemplate": TIP}
    cvars |= {"marker": {"symbol": "x", "size": 10, "color": "var(--increase)", "line": {"width": 1.5, "color": PANEL}}}
    cvars["customdata"] = [f"{safe(name)}: CVaR {number(x)} {safe(unit)}" for name, x in zip(labels, tail, strict=False)]
    told = "; ".join(
        f"{name} {number(low)} to {number(high)}, half of the probability between {number(q1)} and {number(q3)}, mean {number(mean)}"
        for name, low, q1, q3, high, mean in zip(
            labels, box["lowerfence"], box["q1"], box["q3"], box["upperfence"], box["mean"], strict=True
        )
    )
    marks = layout(xaxis=axis(unit), yaxis=names(labels, 24))
    return Figure(
        id, title, f"In {unit}: {told}.", [boxes, *points, means, *([cvars] if tail else [])], marks, 90 + 58 * len(rows), narrow(labels)
    )


def frontier(c: Comparison) -> Figure:
    """CVaR and expected cost of the frontier's plans, and of the portfolios; those at one place share a label."""
    money, ratio = c.currency, c.ratio
    unit = f"{money} per {c.outcome}" if ratio else money
    curve = sorted((one.cvar, (one.cost_per_outcome or 0.0) if ratio else one.expected_cost) for one in c.frontier)
    places: dict[tuple[str, str], list[Plan]] = {}
    for plan in c.plans:
        mean = (plan.cost_per_outcome or 0.0) if ratio else plan.expected_cost
        places.setdefault((number(plan.cvar), number(mean)), []).append(plan)
    told = [(", ".join(p.portfolio for p in same), *where) for where, same in places.items()]
    first = [same[0] for same in places.values()]
    ys = [(p.cost_per_outcome or 0.0) if ratio else p.expected_cost for p in first]
    xs = [p.cvar for p in first]
    what = f"cost per {c.outcome}" if ratio else "expected cost"
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "frontier: free choice",
        "x": [x for x, _ in curve],
        "y": [y for _, y in curve],
        "line": {"color": ACCENT, "width": 2},
        "marker": {"color": ACCENT, "size": 7},
        "customdata": [f"frontier: CVaR {number(x)} {money}, {what} {number(y)} {safe(unit)}" for x, y in curve],
        "hovertemplate": TIP,
    }
    dots = {
        "type": "scatter",
        "mode": "markers+text",
        "name": "portfolios",
        "x": xs,
        "y": ys,
        "text": [short(name, 40) for name, _, _ in told],
        "textposition": _beside(xs),
        "marker": {"color": ["var(--hire)" if p.portfolio != c.best else INK for p in first], "size": 12, "symbol": "diamond"},
        "customdata": [f"{safe(name)}: CVaR {x} {money}, {what} {y} {safe(unit)}" for name, x, y in told],
        "hovertemplate": TIP,
        "cliponaxis": False,
    }
    alt = "; ".join(f"{name}: CVaR {x} {money}, {what} {y} {unit}" for name, x, y in told)
    marks = layout(
        xaxis=axis(f"CVaR at {percent(c.alpha)} ({money})", range=_room([*xs, *(x for x, _ in curve)], 0.12)),
        yaxis=axis(f"{what} ({unit})", range=_room([*ys, *(y for _, y in curve)], 0.14)),
        showlegend=True,
    )
    return Figure("fig-frontier", f"{what.capitalize()} against CVaR", f"{alt}.", [line, dots] if curve else [dots], marks, 420)


def _beside(xs: Sequence[float]) -> list[str]:
    """Where the labels of points have room: towards the middle, above and below by turns."""
    middle, turn = (min(xs) + max(xs)) / 2, {x: i for i, x in enumerate(sorted(xs))}
    return [f"{'bottom' if turn[x] % 2 else 'top'} {'right' if x <= middle else 'left'}" for x in xs]


def _room(values: Sequence[float], share: float) -> list[float]:
    low, high = min(values), max(values)
    more = share * (high - low) or 0.05 * abs(high) or 1.0
    return [low - more, high + more]


def basis(c: Comparison, rows: Sequence[tuple[str, Plan | Alone]], title: str, id: str) -> Figure:
    """What each row leaves open: as long as its standard deviation, split in proportion to the shares of the variance."""
    labels = [name for name, _ in rows]
    deviations = [math.sqrt(max(0.0, of.residual.variance)) if of.residual is not None else 0.0 for _, of in rows]
    data: list[dict[str, Any]] = []
    for kind in c.types:
        shares = [next((s.fraction or 0.0 for s in of.basis if s.name == kind), 0.0) for _, of in rows]
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": kind,
                "y": list(range(len(rows))),
                "x": [share * deviation for share, deviation in zip(shares, deviations, strict=True)],
                "width": 0.62,
                "marker": {"color": COLORS.get(kind, QUIET)},
                "customdata": [
                    f"{safe(name)}: {kind} {percent(share)} of the variance" for name, share in zip(labels, shares, strict=True)
                ],
                "hovertemplate": TIP,
            }
        )
    longest = [sum(x for x in (bar["x"][i] for bar in data) if x > 0) for i in range(len(rows))]
    data.append(
        {"type": "scatter", "mode": "text", "y": list(range(len(rows))), "x": longest, "showlegend": False, "hoverinfo": "skip"}
        | {"text": [f"  {amount(c, d)}" for d in deviations], "textposition": "middle right", "cliponaxis": False}
    )
    least = min(0.0, *(sum(x for x in (bar["x"][i] for bar in data[:-1]) if x < 0) for i in range(len(rows))))
    x = axis(f"standard deviation left open ({c.currency})", range=[1.05 * least, 1.2 * (max(longest) or 1.0)])
    marks = layout(barmode="relative", showlegend=True, xaxis=x, yaxis=names(labels, 30))
    told = "; ".join(f"{name} {amount(c, d)}, mostly {main_type(of.basis)}" for (name, of), d in zip(rows, deviations, strict=True))
    return Figure(
        id, f"{title} ({c.currency})", f"Standard deviation left open: {told}.", data, marks, 130 + 34 * len(rows), narrow(labels)
    )


def against(c: Comparison, plan: Plan, id: str) -> Figure:
    """Payoff of a portfolio's hedges against the cost without them, deviations from the means, with the regression."""
    p, probability = np.array(plan.exposure), c.probability
    h = np.array(plan.payoff)
    x, y = p - probability @ p, h - probability @ h
    slope = None if plan.effectiveness is None else plan.effectiveness.slope
    ends = [float(x.min()), float(x.max())]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "perfect hedge",
            "x": ends,
            "y": ends,
            "line": {"color": MUTED, "dash": "dot", "width": 1.5},
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": "scenarios",
            "x": x.tolist(),
            "y": y.tolist(),
            "marker": {"size": (5 + 9 * np.sqrt(probability / probability.max())).tolist(), "color": ACCENT, "opacity": 0.8},
            "customdata": [
                f"{safe(s.scenario)}: cost without hedges {number(a)}, payoff {number(b)} {c.currency} from the mean"
                for s, a, b in zip(c.scenarios, x.tolist(), y.tolist(), strict=True)
            ],
            "hovertemplate": TIP,
        },
    ]
    if slope is not None:
        fitted = {"type": "scatter", "mode": "lines", "name": "regression", "x": ends, "y": [slope * end for end in ends]}
        data.insert(1, fitted | {"line": {"color": "var(--increase)", "width": 2}})
    for one in data:
        one.setdefault("hoverinfo", "skip") if one["mode"] == "lines" else None
    marks = layout(
        showlegend=True,
        xaxis=axis(f"cost without hedges, from its mean ({c.currency})"),
        yaxis=axis(f"payoff, from its mean ({c.currency})"),
    )
    r2 = None if plan.effectiveness is None else plan.effectiveness.r2
    alt = f"{plan.portfolio}: a unit of cost more is met by {number(slope)} of payoff (slope of the regression), R2 {number(r2)}."
    return Figure(id, f"{plan.portfolio}: payoff against exposure", alt, data, marks, 320, half=True)


def regrets(c: Comparison) -> Figure:
    """What each portfolio costs more than the best of each scenario."""
    costs = np.array([plan.cost for plan in c.plans])
    lost, labels = costs - costs.min(axis=0), [plan.portfolio for plan in c.plans]
    shown = [short(s.scenario, 16) for s in c.scenarios]
    heat: dict[str, Any] = {"type": "heatmap", "z": lost.tolist(), "zmin": 0, "xgap": 1, "ygap": 1, "hovertemplate": TIP}
    heat["customdata"] = [
        [f"{safe(name)}, {safe(s.scenario)}: {amount(c, v)} {c.currency}" for s, v in zip(c.scenarios, row, strict=True)]
        for name, row in zip(labels, lost.tolist(), strict=True)
    ]
    heat["colorscale"] = [[0, PANEL], [1, "var(--increase)"]]
    heat["colorbar"] = {"thickness": 12, "outlinewidth": 0, "title": {"text": c.currency}}
    if lost.shape[1] <= MOST_FIGURED:
        heat |= {"text": [[amount(c, v) for v in row] for row in lost.tolist()], "texttemplate": "%{text}", "textfont": {"size": 10}}
    ticks = {"tickmode": "array", "tickvals": list(range(len(shown))), "ticktext": shown, "tickangle": -60}
    worst = "; ".join(f"{name} {amount(c, float(row.max()))}" for name, row in zip(labels, lost, strict=True))
    marks = layout(xaxis=axis(**ticks, showgrid=False), yaxis=names(labels, 24))
    title = f"Regret: cost above the best portfolio of each scenario ({c.currency})"
    return Figure("fig-regret", title, f"Greatest regret: {worst} {c.currency}.", [heat], marks, 130 + 34 * len(labels), narrow(labels))


def coverage(c: Comparison) -> Figure:
    """What every index, hedge and contract states of each layer."""
    layers = list(dict.fromkeys(row.layer for row in c.coverage))
    things = list(dict.fromkeys((row.kind, row.name) for row in c.coverage))
    stated: dict[tuple[str, str, str], list[str]] = {}
    for row in c.coverage:
        stated.setdefault((row.kind, row.name, row.layer), []).append(row.state)
    counts = [[_counts(stated[(*thing, layer)]) for layer in layers] for thing in things]
    labels = [f"{kind} {name}" for kind, name in things]
    tips = [
        [f"{safe(label)}, {layer}: {n[0]} included, {n[1]} excluded, {n[2]} not stated" for layer, n in zip(layers, row, strict=True)]
        for label, row in zip(labels, counts, strict=True)
    ]
    steps = len(STATES)
    scale = [[(i + edge) / steps, color] for i, color in enumerate(STATE_COLORS) for edge in (0, 1)]
    bar = {"thickness": 12, "outlinewidth": 0, "tickvals": list(range(steps)), "ticktext": [*STATES], "orientation": "h", "y": 1.01}
    bar |= {"yanchor": "bottom", "x": 0, "xanchor": "left", "len": 1.0, "thicknessmode": "pixels"}
    heat: dict[str, Any] = {
        "type": "heatmap",
        "x": [short(f"{x} {TITLES[x]}", 30) for x in layers],
        "z": [[STATES.index(_state(n)) for n in row] for row in counts],
    }
    heat |= {"zmin": -0.5, "zmax": steps - 0.5, "xgap": 1, "ygap": 1, "customdata": tips, "hovertemplate": TIP, "colorscale": scale}
    heat |= {"colorbar": bar, "text": [[_brief(n) for n in row] for row in counts], "texttemplate": "%{text}", "textfont": {"size": 9}}
    marks = layout(xaxis=axis(type="category", tickangle=-55, showgrid=False), yaxis=names(labels, 30))
    alt = "Layers of which something is stated: " + "; ".join(
        f"{label} {', '.join(layer for layer, n in zip(layers, row, strict=True) if n[0] + n[1]) or 'none'}"
        for label, row in zip(labels, counts, strict=True)
    )
    title = "What is stated of each layer: attributes included (+), excluded (-)"
    return Figure("fig-coverage", title, f"{alt}.", [heat], marks, 250 + 26 * len(labels), narrow(labels))


def _counts(states: Sequence[str]) -> tuple[int, int, int]:
    """Attributes that are included, excluded, not stated."""
    return states.count(INCLUDED), states.count(EXCLUDED), states.count(OPEN)


def _state(n: tuple[int, int, int]) -> str:
    return PARTLY if n[0] and n[1] else INCLUDED if n[0] else EXCLUDED if n[1] else OPEN


def _brief(n: tuple[int, int, int]) -> str:
    return f"{n[0]}+" * bool(n[0]) + f"{n[1]}-" * bool(n[1])
