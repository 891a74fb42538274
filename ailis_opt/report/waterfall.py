"""From the commodity price to the real one, layer by layer."""

from __future__ import annotations

from typing import Any

from ailis_opt.output.figures import number, percent
from ailis_opt.report.documents import Explanation, Interval, LayerCost
from ailis_opt.report.headline import layer_name, premium
from ailis_opt.report.parts import Cell, Column, Figure, Section, Table
from ailis_opt.report.plot import DECREASE, INCREASE, INK, TOTAL, axis, layout, names, narrow, safe
from ailis_opt.report.run import Run

NOTHING = 1e-6  # of the real price: a share below is not drawn
SAID = {"yes": "binds", "no": "does not bind", "not proven": "not proven"}
TITLE = "From the commodity price to the real price"


def waterfall(run: Run) -> Section:
    """The waterfall with the verdict on each layer; without an explanation, how to get it."""
    if run.explanation is None:
        how = (
            "This run does not say what each layer costs. `ailis-opt explain DIR/instance --out DIR` adds it, DIR being this run's folder."
        )
        return Section("waterfall", TITLE, lead=[how])
    e = Explanation.model_validate(run.explanation)
    drawn = [x for x in e.layers if abs(x.share.value or 0.0) > NOTHING * abs(e.full)]
    return Section(
        "waterfall",
        TITLE,
        lead=_lead(e, drawn),
        parts=[_figure(e, drawn), _verdicts(e), _alone(e), *_rows(e), *_routes(e)],
        fine=[_method(e)],
    )


def _lead(e: Explanation, drawn: list[LayerCost]) -> list[str]:
    quiet = [x.layer for x in e.layers if x not in drawn]
    adds = [
        f"{layer_name(x)} {'adds' if (x.share.value or 0) > 0 else 'takes off'} {percent(abs(x.share.value or 0.0) / e.commodity)}"
        for x in sorted(drawn, key=lambda x: -(x.share.value or 0.0))[:4]
        if e.commodity
    ]
    said = ["The commodity price is what an outcome would cost if no layer set a limit: compute as an index quotes it. " + premium(e)]
    if len(adds) > 1:
        said.append("; ".join(adds) + ".")
    if quiet:
        said.append(f"No part of the price falls on {', '.join(quiet)}.")
    return said


def _figure(e: Explanation, drawn: list[LayerCost]) -> Figure:
    steps = [x.share.value or 0.0 for x in drawn]
    labels = ["Commodity price", *[layer_name(x) for x in drawn], "Real price"]
    base, at = [0.0], e.commodity
    for step in steps:
        base.append(at)
        at += step
    sizes, bases = [e.commodity, *steps, e.full], [*base, 0.0]
    colors = [TOTAL, *[INCREASE if step > 0 else DECREASE for step in steps], TOTAL]
    texts = [number(e.commodity), *[f"{'+' if s > 0 else '−'}{number(abs(s))}" for s in steps], number(e.full)]
    tips = [b + s for b, s in zip(bases, sizes, strict=True)]
    ends = [(e.bounds.commodity.lower, e.bounds.commodity.upper), *[(x.share.lower, x.share.upper) for x in drawn]]
    ends.append((e.bounds.full.lower, e.bounds.full.upper))
    less = [max(0.0, s - low) if low is not None else 0.0 for s, (low, _) in zip(sizes, ends, strict=True)]
    more = [max(0.0, high - s) if high is not None else 0.0 for s, (_, high) in zip(sizes, ends, strict=True)]
    bar: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        "y": list(range(len(labels))),
        "x": sizes,
        "base": bases,
        "marker": {"color": colors},
        "width": 0.62,
        "customdata": [[safe(a), b, _between(*c)] for a, b, c in zip(labels, texts, ends, strict=True)],
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<br>%{customdata[2]}<extra></extra>",
        "error_x": {"type": "data", "symmetric": False, "array": more, "arrayminus": less, "color": INK, "thickness": 1.2, "width": 4},
    }
    if not any(more) and not any(less):
        del bar["error_x"]
    right = [t + m for t, m in zip([max(t, b) for t, b in zip(tips, bases, strict=True)], more, strict=True)]
    text = {
        "type": "scatter",
        "mode": "text",
        "x": right,
        "y": list(range(len(labels))),
        "text": [f"  {t}" for t in texts],
        "textposition": "middle right",
        "hoverinfo": "skip",
        "cliponaxis": False,
    }
    x = axis(e.unit, range=[min(0.0, *tips), 1.24 * max(right)])
    alt = f"Waterfall in {e.unit}: " + "; ".join(f"{a} {t}" for a, t in zip(labels, texts, strict=True)) + "."
    brief = narrow(["Commodity", *[x.layer for x in drawn], "Real price"])
    title = f"Price of an outcome, layer by layer ({e.unit})" if "outcome" in e.unit else f"Cost, layer by layer ({e.unit})"
    return Figure("fig-waterfall", title, alt, [bar, text], layout(xaxis=x, yaxis=names(labels)), 90 + 38 * len(labels), brief)


def _between(lower: float | None, upper: float | None) -> str:
    if lower is None or upper is None:
        return "not proven"
    return "exact" if lower == upper else f"{number(lower)} to {number(upper)}"


def _verdicts(e: Explanation) -> Table:
    columns = [Column("layer", "text"), Column("verdict", "text"), Column(f"share ({e.unit})"), Column("interval", "text")]
    columns.append(Column("of the commodity price", "share"))
    rows: list[list[Cell]] = [[layer_name(x), SAID[x.binds], *_pair(x.share), _over(x.share.value, e)] for x in e.layers]
    total = e.full - e.commodity
    rows.append(["all layers", "", total, "", _over(total, e)])
    note = "A layer binds if it is proven that the plan would be cheaper without it."
    return Table("layers", "What each layer costs", columns, rows, total=True, note=note)


def _alone(e: Explanation) -> Table:
    columns = [Column("layer", "text"), Column(f"saved if it alone were dropped ({e.unit})"), Column("interval", "text")]
    columns += [Column(f"added if it alone were in force ({e.unit})"), Column("interval", "text")]
    rows = [[layer_name(x), *_pair(x.removal), *_pair(x.entry)] for x in e.layers]
    return Table("alone", "Each layer by itself", columns, rows, note="These do not sum up: layers work together.")


def _pair(i: Interval) -> list[Cell]:
    known = i.value is not None and not i.value == i.lower == i.upper == 0
    return [i.value, _between(i.lower, i.upper) if known else ""]


def _over(amount: float | None, e: Explanation) -> float | None:
    return None if amount is None or not e.commodity else amount / e.commodity


def _rows(e: Explanation) -> list[Table]:
    rows = [[layer_name(x), r.row, r.price, r.unit, None if r.tight is None else float(r.tight)] for x in e.layers for r in x.rows]
    columns = [Column("layer", "text"), Column("limit", "text"), Column("price"), Column("unit", "text"), Column("tight slices")]
    note = "Prices are duals of the polished LP at the plan that was explained."
    return [Table("layer-rows", "Tight limits of each layer", columns, rows, most=8, note=note)] if rows else []


def _routes(e: Explanation) -> list[Table]:
    rows = [[layer_name(x), r.text, r.saves.value, _between(r.saves.lower, r.saves.upper)] for x in e.layers for r in x.routes]
    columns = [
        Column("layer", "text"),
        Column("route that it closes", "text"),
        Column(f"would save ({e.unit})"),
        Column("interval", "text"),
    ]
    return [Table("layer-routes", "Routes that each layer closes, the dearest closures first", columns, rows, most=8)] if rows else []


def _method(e: Explanation) -> str:
    how = "exact over all sets of layers" if e.method == "exact" else "sampled orders of layers"
    sure = f", intervals at {percent(e.confidence)} confidence" if e.confidence else ""
    return f"Shares are Shapley values ({how}{sure}) from {e.solves:,} solves; they sum to the real price less the commodity price."
