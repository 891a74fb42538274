"""What an outcome of each workload costs, and what the money goes into."""

from __future__ import annotations

from typing import Any

from ailis_opt.output.figures import number, percent
from ailis_opt.output.text import records
from ailis_opt.report.facts import COMPONENTS, IDLE
from ailis_opt.report.parts import Cell, Column, Figure, Section, Table
from ailis_opt.report.plot import axis, layout, names, narrow
from ailis_opt.report.run import Run

SMALL = 0.002  # of the cost: components below are one color


def outcomes(run: Run) -> Section:
    """The table of outcomes: demanded, served, cost, cost of each."""
    work, money = run.tables["workloads"], str(run.result["currency"])
    weights = run.instance.tables["workloads"].set_index("workload")["outcome_weight"]
    rows: list[list[Cell]] = []
    for row in records(work):
        share = row["served"] / row["demanded"] if row["demanded"] else None
        each = None if row["cost_per_outcome"] != row["cost_per_outcome"] else float(row["cost_per_outcome"])
        name = str(row["workload"])
        rows.append([name, str(row["outcome"]), float(weights[name]), row["demanded"], row["served"], share, row["cost"], each])
    idle = float(run.result["idle_cost"])
    if idle:
        rows.append([IDLE, "committed capacity in no workload's use", *[None] * 4, idle, None])
    rows.append(["all", "weighted outcomes", None, None, run.result["outcomes"], None, run.result["cost"], run.result["cost_per_outcome"]])
    columns = [Column("workload", "text"), Column("outcome", "text"), Column("weight"), Column("demanded"), Column("served")]
    columns += [Column("of demand", "share"), Column(f"cost ({money})"), Column(f"{money} per outcome")]
    table = Table("outcomes", "Cost of an outcome by workload", columns, rows, total=True, most=40)
    missing = [str(row["workload"]) for row in records(work) if row["served"] < row["demanded"] * (1 - 1e-9)]
    lead = [f"Not all demand is served: {', '.join(missing)}." if missing else "All demand is served."]
    return Section("outcomes", "What each outcome costs", lead=lead, parts=[table])


def components(run: Run) -> Section:
    """Stacked bars of cost by workload and component, and the same as a table."""
    money, whole = str(run.result["currency"]), float(run.result["cost"])
    costs = run.tables["costs"].assign(workload=lambda f: f["workload"].replace("", IDLE))
    grid = costs.pivot_table(index="workload", columns="component", values="amount", aggfunc="sum", fill_value=0.0)
    order = [w for w in (*run.instance.tables["workloads"]["workload"], IDLE) if w in grid.index]
    kinds = [c for c in COMPONENTS if c in grid.columns]
    grid = grid.reindex(index=order, columns=kinds)
    totals = grid.sum().sort_values(ascending=False)
    lead = []
    if len(totals) and whole:
        first = ", ".join(f"{COMPONENTS[str(k)]} {percent(float(v) / whole)}" for k, v in totals.head(3).items())
        lead.append(f"The money goes into {first}.")
    rows: list[list[Cell]] = [[str(w), *(float(grid.loc[w, k]) for k in kinds), float(grid.loc[w].sum())] for w in order]
    rows.append(["all", *(float(grid[k].sum()) for k in kinds), float(grid.to_numpy().sum())])
    columns = [Column("workload", "text"), *(Column(COMPONENTS[k]) for k in kinds), Column("all")]
    table = Table("costs", f"Cost by component and workload ({money})", columns, rows, total=True, most=40)
    return Section("costs", "What the money goes into", lead=lead, parts=[_figure(grid, order, kinds, whole, money), table])


def _figure(grid: Any, order: list[str], kinds: list[str], whole: float, money: str) -> Figure:
    big = [k for k in kinds if grid[k].sum() > SMALL * whole]
    small = [k for k in kinds if k not in big]
    stacks = [(COMPONENTS[k], grid[k], f"var(--cost-{k.replace('_', '-')})") for k in big]
    if small:
        stacks.append(("all others", grid[small].sum(axis=1), "var(--quiet)"))
    rows = list(range(len(order)))
    data: list[dict[str, Any]] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": rows,
            "x": values.tolist(),
            "width": 0.65,
            "marker": {"color": color},
            "customdata": [f"{name}: {number(v)} {money}" for v in values],
            "hovertemplate": "%{customdata}<extra></extra>",
        }
        for name, values, color in stacks
    ]
    sums = grid.sum(axis=1)
    data.append(
        {"type": "scatter", "mode": "text", "y": rows, "x": sums.tolist(), "text": [f"  {number(v)}" for v in sums], "showlegend": False}
        | {"textposition": "middle right", "hoverinfo": "skip", "cliponaxis": False}
    )
    marks = layout(
        barmode="stack", showlegend=True, xaxis=axis(f"cost over the horizon ({money})", range=[0, 1.15 * float(sums.max() or 1)])
    )
    marks["yaxis"] = names(order, 24)
    told = "; ".join(f"{w} {number(float(sums[w]))}" for w in order)
    alt = f"Cost in {money} by workload, stacked by component: {told}."
    return Figure("fig-costs", f"Cost by workload and component ({money})", alt, data, marks, 120 + 40 * len(order), narrow(order))
