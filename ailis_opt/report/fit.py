"""A fit as a page: histories with the bands of the draws, correlation, prices at the end of the horizon."""

from __future__ import annotations

from typing import Any

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.optimize import versions
from ailis_opt.output.figures import moment, number, percent
from ailis_opt.output.fit import drift_said, extent, happened, strongest
from ailis_opt.output.words import counted
from ailis_opt.report.page import filled
from ailis_opt.report.parts import Cell, Column, Figure, Section, Table, Tile
from ailis_opt.report.plot import ACCENT, INK, QUIET, axis, layout, names, narrow, safe
from ailis_opt.scenarios import Factor, Fit
from ailis_opt.scenarios.draw import multipliers, share_today, targets
from ailis_opt.scenarios.history import PER_YEAR
from ailis_opt.scenarios.paths import middles
from ailis_opt.schema import Instance

MOST_FIGURES = 12
BANDS = (5, 25, 50, 75, 95)
"""Per cent of the draws that are below each line of a band."""
BINS = 24


def fit_page(fit: Fit, drawn: Instance, seed: int) -> str:
    """One self-contained page on a fit and the scenarios `drawn` from it with `seed`."""
    moved = multipliers(fit, drawn, len(drawn.tables["scenarios"]), np.random.default_rng(seed))
    content = [_summary(fit, drawn), _bands(fit, drawn, moved), _correlation(fit), _ends(fit, drawn, moved)]
    if fit.events:
        content.append(_events(fit, drawn))
    meta = f"Fitted on {fit.history}: {extent(fit)}. Drawn for {moment(drawn.header.horizon, 0)} and after, seed {seed}."
    return filled("fit.html", content, title=drawn.header.name, meta=meta, version=versions().get("ailis-opt", ""))


def _summary(fit: Fit, drawn: Instance) -> Section:
    tiles = [
        Tile("scenarios", f"{len(drawn.tables['scenarios']):,}", counted(len(drawn.tables["changes"]), "change")),
        Tile("observations", f"{fit.observed:,}", f"by {fit.spacing}, {fit.intervals[0]} to {fit.intervals[-1]}"),
    ]
    if fit.explained_share is not None:
        tiles.append(Tile("explained by the factors", percent(fit.explained_share), "of squared changes of prices on demand"))
    columns = [Column("factor", "text"), Column("basis", "text"), Column("changes"), Column("volatility a year"), Column("drift a year")]
    columns += [Column("its standard error"), Column("drift is", "text"), Column("unchanged", "share"), Column("excess kurtosis")]
    columns.append(Column("moves", "text"))
    rows = [_row(factor, [aim.table for aim in aims]) for factor, aims in zip(fit.factors, targets(fit, drawn), strict=True)]
    table = Table("factors", "Factors", columns, rows, note="Rates of logarithms; of spot shares, of log-odds.")
    return Section("fit", "What was fitted", lead=fit.warnings, tiles=tiles, parts=[table])


def _row(f: Factor, tables: list[str]) -> list[Cell]:
    rates: list[Cell] = [float(f.changes), f.volatility_per_year, f.drift_per_year, f.drift_error]
    what = ", ".join(dict.fromkeys(tables)) or "nothing here"
    return [f.name, f.basis, *rates, drift_said(f), f.unchanged_share, f.excess_kurtosis, what]


def _bands(fit: Fit, drawn: Instance, moved: Floats) -> Section:
    """History and bands of the factors that move something, those with the largest volatility first."""
    aims = targets(fit, drawn)
    order = sorted((i for i, f in enumerate(fit.factors) if aims[i] and f.volatility_per_year > 0), key=lambda i: -_spread(moved[..., i]))
    figures = [_band(fit, drawn, moved, i) for i in order[:MOST_FIGURES]]
    lead = ["Lines are what was observed; bands are where half and nine tenths of the draws lie, events apart."]
    if len(order) > MOST_FIGURES:
        lead.append(f"Shown are the {MOST_FIGURES} factors that spread most, of {len(order)} that move something.")
    return Section("bands", "What was observed, and what is drawn", lead=lead, parts=figures)


def _spread(values: Floats) -> float:
    return float(np.std(np.log(values[:, -1])))


def _band(fit: Fit, drawn: Instance, moved: Floats, i: int) -> Figure:
    factor = fit.factors[i]
    spot = factor.kind == "spot"
    today = share_today(factor, drawn) if spot else 1.0
    past = [(-(len(factor.path) - 1 - k) / PER_YEAR[fit.spacing], _observed(factor, x)) for k, x in enumerate(factor.path) if x is not None]
    shift = max((x for x, _ in past), default=0.0)  # a series that ended early is drawn as if it ended today
    ahead = [0.0, *middles(drawn.header).tolist()]
    lines = np.percentile(today * moved[..., i], BANDS, axis=0)
    low, lower, middle, upper, high = ([today, *row.tolist()] for row in lines)
    unit = "share of the price on demand" if spot else "times today's"
    data = [
        _area(ahead, low, high, "nine tenths of the draws", 0.35),
        _area(ahead, lower, upper, "half of the draws", 0.75),
        {"type": "scatter", "mode": "lines", "name": "median", "x": ahead, "y": middle, "line": {"color": ACCENT, "width": 2}},
        {"type": "scatter", "mode": "lines", "name": "observed", "line": {"color": INK, "width": 1.5}}
        | {"x": [x - shift for x, _ in past], "y": [y for _, y in past]},
    ]
    marks = layout(xaxis=axis("years from today"), yaxis=axis(unit), showlegend=True)
    alt = f"{factor.name}: at the end of the horizon half of the draws lie between {number(lower[-1])} and {number(upper[-1])} {unit}."
    return Figure(f"fig-band-{i}", f"{factor.name} ({unit})", alt, data, marks, 300)


def _observed(factor: Factor, x: float) -> float:
    """What was observed at x from the end of the history."""
    if factor.share_today is None:
        return float(np.exp(x))
    return float(1 / (1 + (1 / factor.share_today - 1) * np.exp(-x)))


def _area(x: list[float], low: list[float], high: list[float], name: str, opacity: float) -> dict[str, Any]:
    shape = {"x": [*x, *x[::-1]], "y": [*high, *low[::-1]], "fill": "toself", "fillcolor": QUIET, "opacity": opacity}
    return {"type": "scatter", "mode": "none", "name": name, "hoverinfo": "skip", **shape}


def _correlation(fit: Fit) -> Section:
    labels = [f.name for f in fit.factors]
    tips = [[f"{safe(a)}, {safe(b)}: {fit.correlation[i][j]:+.2f}" for j, b in enumerate(labels)] for i, a in enumerate(labels)]
    grid = [[round(r, 3) for r in row] for row in fit.correlation]
    heat: dict[str, Any] = {"type": "heatmap", "z": grid, "zmin": -1, "zmax": 1, "xgap": 1, "ygap": 1, "customdata": tips}
    heat |= {"hovertemplate": "%{customdata}<extra></extra>", "colorbar": {"thickness": 12, "outlinewidth": 0}}
    heat["colorscale"] = [[0, "var(--increase)"], [0.5, "var(--panel)"], [1, "var(--accent)"]]
    ticks = {"tickmode": "array", "tickvals": list(range(len(labels))), "ticktext": [safe(x) for x in labels], "tickangle": -60}
    alt = f"Correlation of {len(labels)} factors, shrunk by {percent(fit.shrinkage)} towards none; strongest: {strongest(fit)}."
    marks = layout(xaxis=axis(**ticks, showgrid=False), yaxis=names(labels, 24))
    figure = Figure("fig-correlation", "Correlation of the factors", alt, [heat], marks, 180 + 24 * len(labels), narrow(labels))
    return Section("correlation", "How the factors go together", lead=[alt], parts=[figure])


def _ends(fit: Fit, drawn: Instance, moved: Floats) -> Section:
    """Prices of the hired offers in the last period, mean over the regions of a SKU, events apart."""
    offers = drawn.tables["offers"]
    hired = offers[offers["contract"].isin(("on_demand", "interruptible"))]
    rows: list[list[Cell]] = []
    figures: list[Figure] = []
    money = f"{drawn.header.currency}/GPU-hour"
    for sku, mine in hired.groupby("sku", sort=False):
        bars = []
        for contract, those in mine.groupby("contract", sort=False):
            today, ends = float(those["price_per_gpu_hour"].mean()), _end_prices(fit, those, moved)
            rows.append([str(sku), str(contract), today, float(ends.mean()), *np.percentile(ends, (5, 50, 95)).tolist()])
            bars.append(_bars(ends, str(contract)))
        told = "; ".join(f"{row[1]} {number(float(row[4] or 0))} to {number(float(row[6] or 0))}" for row in rows[-len(bars) :])
        marks = layout(barmode="overlay", showlegend=True, xaxis=axis(money), yaxis=axis("share of the draws", tickformat=".0%"))
        alt = f"Prices of {sku} at the end of the horizon, nine tenths of the draws: {told} {money}."
        figures.append(Figure(f"fig-end-{len(figures)}", f"Price of {sku} in the last period ({money})", alt, bars, marks, 260))
    columns = [Column("SKU", "text"), Column("contract", "text"), Column("today"), Column("mean"), Column("5 %"), Column("median")]
    table = Table("ends", f"Prices in the last period ({money})", [*columns, Column("95 %")], rows, most=20)
    lead = ["Prices of hired capacity in the last period of the horizon, mean over regions; events come on top."]
    return Section("ends", "Prices at the end", lead=lead, parts=[table, *figures[:MOST_FIGURES]])


def _end_prices(fit: Fit, offers: Any, moved: Floats) -> Floats:
    """(n,) mean over the offers of price × what the factors that are about it multiply it by in the last period."""
    total = np.zeros(len(moved))
    for offer in offers.to_dict("records"):
        about = {"market": "", "sku": offer["sku"], "region": offer["region"]}
        about |= {"spot": offer["sku"]} if offer["contract"] == "interruptible" else {}
        mine = [f for f, factor in enumerate(fit.factors) if about.get(factor.kind) == factor.key]
        total += float(offer["price_per_gpu_hour"]) * moved[:, -1, mine].prod(axis=1)
    return total / len(offers)


def _bars(ends: Floats, name: str) -> dict[str, Any]:
    counts, edges = np.histogram(ends, bins=BINS if np.ptp(ends) > 1e-9 * abs(ends.mean()) else 1)
    middles_, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    color = "var(--cost-interruptible)" if name == "interruptible" else "var(--cost-on-demand)"
    bar: dict[str, Any] = {"type": "bar", "name": name.replace("_", " "), "x": middles_.tolist(), "y": (counts / len(ends)).tolist()}
    return bar | {"width": float(width), "opacity": 0.75, "marker": {"color": color}, "hovertemplate": "%{x:.4g}: %{y:.1%}<extra></extra>"}


def _events(fit: Fit, drawn: Instance) -> Section:
    rows: list[list[Cell]] = [[e.name, e.kind, e.tag, e.where, e.probability, happened(e, drawn)] for e in fit.events]
    columns = [Column("event", "text"), Column("kind", "text"), Column("basis", "text"), Column("selects", "text")]
    columns += [Column("probability", "share"), Column("of the scenarios", "share")]
    return Section("events", "Events", parts=[Table("events", "Events that no history shows", columns, rows, most=40)])
