"""How well capacity is used: pools and blocks as a heat map, and what stands idle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ailis_opt.output.figures import number, percent
from ailis_opt.report.facts import block_names, hours, period_names, use
from ailis_opt.report.parts import Cell, Column, Figure, Section, Table
from ailis_opt.report.plot import ACCENT, PANEL, QUIET, axis, layout, names, narrow, safe
from ailis_opt.report.run import Run

MOST_POOLS = 25
MOST_COLUMNS = 120
MOST_IDLE = 15
ROW = 24


def capacity(run: Run) -> Section:
    """The heat map of use by pool and block, and the table of pools."""
    frame = use(run)
    if frame.empty:
        return Section("capacity", "How capacity is used", lead=["The plan holds no capacity."])
    pools = by_pool(frame)
    share = float(frame["used_hours"].sum() / frame["usable_hours"].sum()) if frame["usable_hours"].sum() else 0.0
    lead = [
        f"Over the horizon {percent(share)} of the usable GPU-hours are used. Each row is a pool (GPUs that no workload can tell apart), "
        "each column a period within a block of hours; the stronger the colour, the fuller. An empty cell holds no capacity."
    ]
    return Section("capacity", "How capacity is used", lead=lead, parts=[_heat(run, frame, pools), _pools(pools)])


def by_pool(frame: pd.DataFrame) -> pd.DataFrame:
    """GPU-hours by pool, the largest first, with the share that is used."""
    keys = [f"{name}_hours" for name in ("committed", "hired", "usable", "used", "idle")]
    pools = frame.groupby("pool", sort=False)[keys].sum().sort_values("usable_hours", ascending=False, kind="stable")
    return pools.assign(share=pools["used_hours"] / pools["usable_hours"].where(pools["usable_hours"] > 0))


def _heat(run: Run, frame: pd.DataFrame, pools: pd.DataFrame) -> Figure:
    """A panel for each block, a column for each period; where these are too many, one panel of blocks (or periods) over all."""
    blocks, periods = block_names(run), period_names(run)
    shown = list(pools.index[:MOST_POOLS])
    whole = len(blocks) * len(periods) <= MOST_COLUMNS and len(blocks) <= 6
    over = "period" if whole or len(blocks) == 1 else "block"
    panels = blocks if whole else ["all"]
    columns: list[Any] = list(range(len(periods))) if over == "period" else blocks
    labels = periods if over == "period" else blocks
    data: list[dict[str, Any]] = []
    marks = layout(yaxis=names(shown, 48), annotations=[], margin={"l": 8, "r": 8, "t": 26, "b": 8})
    for i, panel in enumerate(panels):
        part = frame[frame["block"] == panel] if whole else frame
        data.append(_panel(part, shown, over, columns, labels, i))
        gap = 0.012
        span = [i / len(panels) + gap * (i > 0), (i + 1) / len(panels)]
        spots = list(range(len(labels)))[:: max(1, -(-len(labels) * len(panels) // 36))]
        ticks = {"tickmode": "array", "tickvals": spots, "ticktext": [safe(labels[t]) for t in spots]}
        edge = {"range": [-0.5, len(labels) - 0.5], "showgrid": False, "zeroline": False, "tickangle": -90 if over == "period" else 0}
        marks["xaxis" if i == 0 else f"xaxis{i + 1}"] = axis(
            over if i == len(panels) // 2 else "", domain=span, anchor="y", **ticks, **edge
        )
        if whole and len(blocks) > 1:
            marks["annotations"].append({"text": f"<b>{safe(panel)}</b>", **_above((span[0] + span[1]) / 2)})
    data[-1]["showscale"] = True
    rest = f" The {len(pools) - len(shown)} smallest pools are in the table alone." if len(pools) > len(shown) else ""
    fullest = ", ".join(f"{pool} {percent(pools['share'][pool])}" for pool in shown[:5])
    alt = f"Share of usable GPUs in use by pool, {over} and block. The largest pools over the horizon: {fullest}.{rest}"
    title = f"Use by pool and {'block' if len(blocks) > 1 else over} (% of usable GPUs)"
    return Figure("fig-heat", title, alt, data, marks, 130 + ROW * max(len(shown), 5), narrow(shown))


def _above(x: float) -> dict[str, Any]:
    return {"xref": "paper", "x": x, "xanchor": "center", "yref": "paper", "y": 1, "yanchor": "bottom", "showarrow": False}


def _panel(part: pd.DataFrame, pools: list[str], over: str, columns: list[Any], labels: list[str], i: int) -> dict[str, Any]:
    """One heat map: used ÷ usable in per cent, None where there is nothing usable."""

    def grid(name: str) -> np.ndarray:
        table = part.pivot_table(index="pool", columns=over, values=name, aggfunc="sum")
        return np.asarray(table.reindex(index=pools, columns=columns).to_numpy(float))

    used, usable = grid("used_hours"), grid("usable_hours")
    share = 100 * used / np.where(usable > 0, usable, np.nan)
    tips = [
        [
            None if np.isnan(share[p, c]) else [safe(pool), safe(labels[c]), *map(number, (used[p, c], usable[p, c]))]
            for c in range(len(columns))
        ]
        for p, pool in enumerate(pools)
    ]
    return {
        "type": "heatmap",
        "z": [[None if np.isnan(v) else round(float(v), 3) for v in row] for row in share],
        "zmin": 0,
        "zmax": 100,
        "xaxis": "x" if i == 0 else f"x{i + 1}",
        "yaxis": "y",
        "xgap": 1,
        "ygap": 2,
        "colorscale": [[0, "var(--heat-0)"], [0.5, "var(--heat-1)"], [1, "var(--heat-2)"]],
        "showscale": False,
        "colorbar": {"title": {"text": "% in use", "side": "right"}, "thickness": 12, "outlinewidth": 0, "len": 0.9},
        "customdata": tips,
        "hoverongaps": False,
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<br>%{z:.0f}% in use<br>"
        "%{customdata[2]} of %{customdata[3]} GPU-hours<extra></extra>",
    }


def _pools(pools: pd.DataFrame) -> Table:
    columns = [
        Column("pool", "text"),
        *(Column(f"{x} GPU-hours") for x in ("committed", "hired", "usable", "used")),
        Column("in use", "share"),
    ]
    keys = ["committed_hours", "hired_hours", "usable_hours", "used_hours"]
    rows: list[list[Cell]] = [[str(pool), *(float(row[k]) for k in keys), float(row["share"])] for pool, row in pools.iterrows()]
    total = pools[keys].sum()
    rows.append(
        ["all", *(float(total[k]) for k in keys), float(total["used_hours"] / total["usable_hours"]) if total["usable_hours"] else None]
    )
    return Table("pools", "Use of pools over the horizon", columns, rows, total=True, most=12)


def idle(run: Run) -> Section:
    """What committed capacity stands idle, by pool."""
    frame, money = use(run), str(run.result["currency"])
    cost = float(run.result["idle_cost"])
    rest = by_pool(frame[frame["committed_gpus"] > 0])
    held = float(rest["usable_hours"].sum())
    rest = rest[rest["idle_hours"] > 1e-6 * max(held, 1.0)].sort_values("idle_hours", ascending=False, kind="stable")
    whole = float(run.result["cost"])
    said = (
        f"{number(cost)} {money} ({percent(cost / whole if whole else 0.0)} of the cost) goes to committed capacity that no workload uses."
    )
    title = "Capacity that stands idle"
    if rest.empty:
        return Section("idle", title, lead=[said if cost > 0 else "Nothing that is committed stands idle."])
    lead = [said + " It is in no workload's price, so that it cannot hide there."]
    return Section("idle", title, lead=lead, parts=[_idle_figure(rest), _idle_table(run, rest)])


def _idle_figure(rest: pd.DataFrame) -> Figure:
    shown = rest.head(MOST_IDLE)
    rows = list(range(len(shown)))
    data = [
        {"type": "bar", "orientation": "h", "name": name, "y": rows, "x": shown[key].tolist(), "marker": {"color": color}, "width": 0.65}
        | {"hovertemplate": f"{name}: %{{x:,.0f}} GPU-hours<extra></extra>"}
        for name, key, color in (("used", "used_hours", QUIET), ("idle", "idle_hours", ACCENT))
    ]
    shares = (shown["idle_hours"] / shown["usable_hours"]).tolist()
    data[1] |= {"text": [percent(s) for s in shares], "textposition": "outside", "cliponaxis": False}
    widest = float(shown["usable_hours"].max())
    marks = layout(barmode="stack", showlegend=True, xaxis=axis("GPU-hours over the horizon", range=[0, 1.14 * widest]))
    marks["yaxis"] = names([str(p) for p in shown.index], 40)
    marks["hoverlabel"] = {**marks["hoverlabel"], "bgcolor": PANEL}
    told = "; ".join(f"{pool} {percent(s)}" for pool, s in zip(shown.index[:5], shares, strict=False))
    alt = f"Used and idle GPU-hours of pools with committed capacity; the most idle, as share of what is usable: {told}."
    return Figure(
        "fig-idle", "Used and idle GPU-hours by pool", alt, data, marks, 110 + 28 * len(shown), narrow([str(p) for p in shown.index])
    )


def _idle_table(run: Run, rest: pd.DataFrame) -> Table:
    every = float(hours(run).sum())
    columns = [
        Column("pool", "text"),
        Column("usable GPU-hours"),
        Column("idle GPU-hours"),
        Column("idle GPUs, mean"),
        Column("idle", "share"),
    ]
    rows: list[list[Cell]] = [
        [
            str(pool),
            float(r["usable_hours"]),
            float(r["idle_hours"]),
            float(r["idle_hours"]) / every,
            float(r["idle_hours"] / r["usable_hours"]),
        ]
        for pool, r in rest.iterrows()
    ]
    return Table("idle", "Idle capacity by pool", columns, rows, most=10)
