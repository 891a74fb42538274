"""What to sign: terms on a timeline against demand, and the tables of contracts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ailis_opt.output.contracts import due_later
from ailis_opt.output.figures import beginning, ending, moment, number
from ailis_opt.output.text import records
from ailis_opt.report.facts import hours, use
from ailis_opt.report.parts import Column, Figure, Section, Table, rows_of
from ailis_opt.report.plot import ACCENT, INK, MUTED, QUIET, axis, layout, names, narrow, safe
from ailis_opt.report.run import Run

MOST_BARS = 18
BAR = 24


def signing(run: Run) -> Section:
    """The timeline, then what is signed, what was signed before, and what is hired."""
    bought, before, hired = run.tables["purchases"], run.tables["committed"], run.tables["hired"]
    money = str(run.result["currency"])
    lead = [
        "Columns show the capacity in force, lines the GPUs in use; what is between the two is idle. "
        "Hired capacity is a mean over the period; the dotted line is the busiest block of hours. "
        "Below, a bar for each contract, from its start to the end of its term."
    ]
    later = due_later(run.instance, bought) if len(bought) else 0.0
    if later > 0:
        lead.append(f"Costs count inside the horizon only: {number(later)} {money} for these contracts fall due after it.")
    parts: list[Figure | Table] = [_timeline(run), _purchases(run)]
    if len(before):
        columns = [Column("signed already", "text"), Column("lots"), Column("GPUs"), Column(f"cost ({money})")]
        rows = rows_of(before.sort_values("cost", ascending=False), "offer", "lots", "gpus", "cost")
        parts.append(Table("committed", "Signed before", columns, rows))
    if len(hired):
        parts.append(_hired(run))
    return Section("signing", "What to sign, and what to hire", lead=lead, parts=parts)


def terms(run: Run) -> pd.DataFrame:
    """Every contract, new and old: offer, start_period, last (period, maybe past the horizon), lots, gpus, cost, new; by start."""
    bought = run.tables["purchases"].assign(new=True)
    before = run.tables["committed"].assign(start_period=0, new=False)
    frame = pd.concat([f for f in (before, bought) if len(f)] or [bought], ignore_index=True)
    term = run.instance.tables["offers"].set_index("offer")["term_periods"].reindex(frame["offer"]).to_numpy(float)
    start = frame["start_period"].to_numpy(float)
    frame["last"] = np.where(np.isnan(term), run.instance.header.horizon.periods, start + term) - 1
    return frame.astype({"start_period": int, "last": int}).sort_values(["new", "start_period", "cost"], ascending=[True, True, False])


def _timeline(run: Run) -> Figure:
    """Two panels over one axis of time: capacity against use, and the terms."""
    horizon, all_terms = run.instance.header.horizon, terms(run)
    largest = set(all_terms.nlargest(MOST_BARS, "cost").index)
    shown = all_terms[all_terms.index.isin(largest)]
    rows, top = len(shown), 250
    height = top + 70 + (BAR * rows + 20 if rows else 0)
    split = BAR * rows / (top + BAR * rows) if rows else 0.0
    end = beginning(horizon, horizon.periods)
    capacity, most = _capacity(run)
    marks = layout(
        xaxis=axis(f"period ({horizon.period}s)", type="date", range=[_day(run, 0), end.isoformat()], anchor="y2" if rows else "y"),
        yaxis=axis("GPUs", domain=[split + 0.05 if rows else 0.0, 1.0], tickformat=",", range=[0, 1.12 * most if most else 1]),
        barmode="stack",
        showlegend=True,
        annotations=[],
    )
    if rows:
        marks["yaxis2"] = names(list(shown["offer"]), 30, domain=[0.0, split])
        over = [(i, int(t)) for i, t in enumerate(shown["last"]) if t >= horizon.periods]
        marks["annotations"] = [_beyond(i, ending(horizon, t)) for i, t in over]
        marks["margin"] = {"l": 8, "r": 78 if over else 16, "t": 8, "b": 8}
    data = [*capacity, *_bars(run, shown)]
    rest = f" The {len(all_terms) - rows} smallest are in the table alone." if rows < len(all_terms) else ""
    told = ", ".join(
        f"{o} from {moment(horizon, s)} to {ending(horizon, t)}" for o, s, t in shown[["offer", "start_period", "last"]].values[:6]
    )
    alt = f"Capacity in force against GPUs in use, at most {number(most)} GPUs, and {len(all_terms)} contracts: {told or 'none'}." + rest
    title = f"Contracts and demand (GPUs by {horizon.period})"
    return Figure("fig-timeline", title, alt, data, marks, height, narrow(list(shown["offer"]), "yaxis2"))


def _day(run: Run, period: int) -> str:
    return beginning(run.instance.header.horizon, period).isoformat()


def _beyond(row: int, until: str) -> dict[str, Any]:
    """At the right edge: the term runs on."""
    where = {"xref": "paper", "x": 1, "xanchor": "left", "yref": "y2", "y": row, "showarrow": False}
    return {**where, "text": f"▸ {until}", "font": {"size": 11, "color": MUTED}}


def _capacity(run: Run) -> tuple[list[dict[str, Any]], float]:
    """Columns of GPUs in force (signed before, signed now, hired) and lines of GPUs in use, by period; and the greatest of all."""
    horizon, slices, every = run.instance.header.horizon, use(run), terms(run)
    index = range(horizon.periods)
    length = hours(run).groupby(level="period").sum()
    force = {new: np.zeros(horizon.periods) for new in (False, True)}
    for new, start, last, gpus in every[["new", "start_period", "last", "gpus"]].itertuples(index=False):
        force[bool(new)][start : last + 1] += gpus
    by_period = slices.groupby("period")
    mean = by_period["used_hours"].sum().reindex(index, fill_value=0.0) / length
    hired = by_period["hired_hours"].sum().reindex(index, fill_value=0.0) / length
    busiest = slices.groupby(["period", "block"])["used_gpus"].sum().groupby(level="period").max().reindex(index, fill_value=0.0)
    start, wide = [_day(run, t) for t in index], [0.9 * 3_600_000 * h for h in length]
    columns = (("signed before", force[False], QUIET), ("to sign", force[True], ACCENT), ("hired, mean", hired.to_numpy(), "var(--hire)"))
    data: list[dict[str, Any]] = [
        {"type": "bar", "name": name, "x": start, "y": list(y), "width": wide, "offset": 0, "marker": {"color": color}}
        for name, y, color in columns
        if y.any()
    ]
    edges = [*start, _day(run, horizon.periods)]
    for name, y, dash in (("in use, mean", mean, "solid"), ("in use, busiest block", busiest, "dot")):
        values = [*y.tolist(), float(y.iloc[-1])]
        line = {"color": INK, "width": 2, "dash": dash, "shape": "hv"}
        data.append({"type": "scatter", "mode": "lines", "name": name, "x": edges, "y": values, "line": line})
    for trace in data:
        trace["hovertemplate"] = f"{trace['name']}: %{{y:,.4~g}} GPUs<extra></extra>"
    stacked = force[False] + force[True] + hired.to_numpy()
    return data, float(max(stacked.max(initial=0.0), busiest.max()))


def _bars(run: Run, shown: pd.DataFrame) -> list[dict[str, Any]]:
    """A bar for each contract."""
    horizon, money = run.instance.header.horizon, str(run.result["currency"])
    bars = []
    for i, row in enumerate(records(shown)):
        start, end = beginning(horizon, row["start_period"]), beginning(horizon, min(row["last"] + 1, horizon.periods))
        until = ending(horizon, row["last"])
        amount = f"{number(row['gpus'])} GPUs, {number(row['cost'])} {money}"
        said = f"{safe(row['offer'])}<br>{moment(horizon, row['start_period'])} to {until}<br>{number(row['lots'])} lots, {amount}"
        bars.append(
            {
                "type": "bar",
                "orientation": "h",
                "xaxis": "x",
                "yaxis": "y2",
                "base": [start.isoformat()],
                "x": [(end - start) / pd.Timedelta(milliseconds=1)],
                "y": [i],
                "width": 0.7,
                "marker": {"color": ACCENT if row["new"] else QUIET},
                "showlegend": False,
                "text": [amount],
                "textposition": "inside",
                "insidetextanchor": "start",
                "textfont": {"color": "var(--on-accent)" if row["new"] else INK, "size": 11},
                "constraintext": "none",
                "customdata": [f"{said} inside the horizon"],
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        )
    return bars


def _purchases(run: Run) -> Table:
    horizon, money = run.instance.header.horizon, str(run.result["currency"])
    frame = terms(run)
    frame = frame[frame["new"].astype(bool)].sort_values("cost", ascending=False, kind="stable")
    offers = run.instance.tables["offers"].set_index("offer").reindex(frame["offer"])
    rows: list[list[str | float | None]] = [
        [
            *(row["offer"], provider, region, sku, tier, moment(horizon, row["start_period"]), ending(horizon, row["last"])),
            *(row["lots"], row["gpus"], price, row["cost"]),
        ]
        for row, provider, region, sku, tier, price in zip(
            records(frame), *(offers[c] for c in ("provider", "region", "sku", "tier", "price_per_gpu_hour")), strict=True
        )
    ]
    if rows:
        rows.append(["all", *[""] * 6, None, float(frame["gpus"].sum()), None, float(frame["cost"].sum())])
    text = ("sign", "provider", "region", "SKU", "tier", "from", "until")
    columns = [
        *(Column(t, "text") for t in text),
        Column("lots"),
        Column("GPUs"),
        Column(f"{money} per GPU-hour"),
        Column(f"cost ({money})"),
    ]
    return Table("purchases", "Sign", columns, rows, total=bool(rows), most=20, note="Cost inside the horizon.")


def _hired(run: Run) -> Table:
    money, every = str(run.result["currency"]), float(hours(run).sum())
    grouped = run.tables["hired"].groupby("offer", sort=False)
    frame = grouped.agg(gpu_hours=("gpu_hours", "sum"), most=("gpus", "max"), cost=("cost", "sum")).sort_values("cost", ascending=False)
    offers = run.instance.tables["offers"].set_index("offer").reindex(frame.index)
    rows: list[list[str | float | None]] = [
        [str(offer), contract.replace("_", " "), region, sku, row.gpu_hours, row.gpu_hours / every, row.most, row.cost]
        for (offer, row), contract, region, sku in zip(frame.iterrows(), offers["contract"], offers["region"], offers["sku"], strict=True)
    ]
    rows.append(
        ["all", "", "", "", float(frame["gpu_hours"].sum()), float(frame["gpu_hours"].sum()) / every, None, float(frame["cost"].sum())]
    )
    columns = [*(Column(t, "text") for t in ("hire", "contract", "region", "SKU")), Column("GPU-hours"), Column("mean GPUs")]
    return Table("hired", "Hire", [*columns, Column("most GPUs"), Column(f"cost ({money})")], rows, total=True)
