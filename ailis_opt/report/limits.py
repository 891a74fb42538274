"""Routes that the layers leave open, and the limits that are tight."""

from __future__ import annotations

from ailis_models.layers import LAYERS
from ailis_opt.output.figures import number, percent
from ailis_opt.report.parts import Cell, Column, Figure, Section, Table, rows_of
from ailis_opt.report.plot import ACCENT, QUIET, axis, layout, names, narrow
from ailis_opt.report.run import Run

TITLES = {layer.id: layer.title for layer in LAYERS}
ALL = "all workloads"
DEMAND = "demand"


def funnel(run: Run) -> Section:
    """How many routes are left after each layer."""
    table = run.tables["funnel"]
    names_, left = [str(x) for x in table["layer"]], [float(n) for n in table[ALL]]
    lost = {layer: before - after for layer, before, after in zip(names_[1:], left[:-1], left[1:], strict=True) if before > after}
    share = left[-1] / left[0] if left[0] else 0.0
    lead = [
        f"A route is one way to produce an outcome: workload, user geography, pool, profile. Of {left[0]:,.0f} routes "
        f"{left[-1]:,.0f} ({percent(share)}) are open to the plan."
    ]
    if lost:
        worst = max(lost, key=lambda layer: lost[layer])
        lead.append(f"Most are closed by {TITLES.get(worst, worst)} ({worst}): {lost[worst]:,.0f}. Layers apply in the order of the map.")
    workloads = [str(c) for c in table.columns if c not in ("layer", ALL)]
    rows: list[list[Cell]] = [["all" if x == "all" else f"{x} {TITLES.get(x, '')}".strip()] for x in names_]
    for row, n, counts in zip(rows, left, table[workloads].to_numpy().tolist(), strict=True):
        row.extend([n, *map(float, counts)])
    columns = [Column("open after", "text"), Column("all"), *(Column(w) for w in workloads)]
    parts: list[Figure | Table] = [_figure(names_, left), Table("funnel", "Open routes by workload", columns, rows, most=20)]
    return Section("funnel", "Which routes the layers leave open", lead=lead, parts=parts)


def _figure(layers: list[str], left: list[float]) -> Figure:
    before = [left[0], *left[:-1]]
    labels = ["all routes", *[f"{TITLES.get(x, '')} ({x})" for x in layers[1:]]]
    texts = [f"{n:,.0f}" + (f"  −{percent(1 - n / b)}" if b > n else "") for n, b in zip(left, before, strict=True)]
    colors = [ACCENT if i == 0 or b > n else QUIET for i, (n, b) in enumerate(zip(left, before, strict=True))]
    rows = list(range(len(layers)))
    bar = {"type": "bar", "orientation": "h", "y": rows, "x": left, "marker": {"color": colors}, "width": 0.7, "text": texts}
    bar |= {"textposition": "outside", "cliponaxis": False, "hovertemplate": "%{x:,} routes<extra></extra>"}
    marks = layout(xaxis=axis("routes", tickformat=",", range=[0, 1.25 * max(left[0], 1)]), yaxis=names(labels))
    alt = "Routes left open after each layer: " + "; ".join(f"{a} {n:,.0f}" for a, n in zip(labels, left, strict=True)) + "."
    return Figure(
        "fig-funnel",
        "Routes left open after each layer (number of routes)",
        alt,
        [bar],
        marks,
        70 + 26 * len(layers),
        narrow(["all", *layers[1:]]),
    )


def binding(run: Run) -> Section:
    """Tight limits with their prices, then what one outcome more costs."""
    frame, money = run.tables["binding"], str(run.result["currency"])
    demand = frame[frame["family"] == DEMAND].sort_values("worth", ascending=False)
    rest = frame[frame["family"] != DEMAND].sort_values("worth", ascending=False)
    lead = [
        "Prices are duals of the polished LP, with all lots as signed: what one unit more of a limit would save, for small steps. "
        "Where several limits are tight together they are one possible set of many. Worth is the price times the limit over the horizon."
    ]
    title = "Which limits are tight"
    if rest.empty:
        lead = ["No limit other than demand is tight at this plan."]
    else:
        top = rest.iloc[0]
        lead.insert(0, f"By worth the first is {top['row']}: one unit more would save {number(top['price'])} {top['unit']}.")
    parts: list[Table] = []
    if len(rest):
        columns = [Column("layer", "text"), Column("limit", "text"), Column("price"), Column("unit", "text"), Column(f"worth ({money})")]
        columns += [Column("tight slices"), Column("price is a", "text")]
        shown = rest.assign(basis="dual, " + rest["basis"], layer=[f"{x} {TITLES.get(str(x), '')}".strip() for x in rest["layer"]])
        rows = rows_of(shown, "layer", "row", "price", "unit", "worth", "tight", "basis")
        parts.append(Table("binding", "Tight limits", columns, rows))
    if len(demand):
        shown = demand.assign(row=demand["row"].str.removeprefix("demand of "), basis="dual, " + demand["basis"])
        columns = [Column("one outcome more of", "text"), Column("costs"), Column("unit", "text"), Column("price is a", "text")]
        parts.append(Table("marginal", "What one outcome more costs", columns, rows_of(shown, "row", "price", "unit", "basis"), most=10))
    return Section("binding", title, lead=lead, parts=parts)
