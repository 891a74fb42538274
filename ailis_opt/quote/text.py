"""A quote as a planner reads it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rich.console import RenderableType

from ailis_models.layers import LAYERS
from ailis_opt.explain.why_not_result import span
from ailis_opt.output.figures import number, percent
from ailis_opt.output.text import BLANK, heading, line, table
from ailis_opt.quote.quote import OPEN, REFUSE, SIGN, Alternative, Case, Quote
from ailis_opt.schema.checklist import OPEN as UNSAID

TITLES = {layer.id: layer.title for layer in LAYERS}
MOST_SCENARIOS = 12
SAID = {SIGN: "sign", REFUSE: "do not sign", OPEN: "not proven: the bounds of signing and not signing overlap"}


def quote_text(q: Quote) -> list[RenderableType]:
    """The whole quote."""
    parts = [*_side_by_side(q)] if len(q.alternatives) > 1 else []
    for alternative in q.alternatives:
        parts += _alternative(q, alternative)
    if q.interrupted:
        parts += [BLANK, line("interrupted: what is missing was not reached", "bold")]
    elif not q.done:
        parts += [BLANK, line("not all of it was solved to the gap in time: allow more with --time-limit", "bold")]
    return parts


def _side_by_side(q: Quote) -> list[RenderableType]:
    """The alternatives, of which one may be signed."""
    offer, proven = q.recommendation
    rows = []
    for a in q.alternatives:
        price, not_signed = a.case.price, a.case.regret(False)
        gains = "-" if not_signed is None else number(not_signed[0])
        lots = "-" if price is None else number(price.lots)
        rows.append((a.offer, a.case.verdict, number(a.asked), _break_even(a.case), lots, gains))
    names = ("alternative", "verdict", "asked", "breaks even", "lots", f"saves {q.currency}")
    said = f"sign {offer}" if offer is not None else "sign none of them"
    return [
        heading(f"{q.instance}: {len(q.alternatives)} alternatives, of which one may be signed"),
        line(f"{said} ({proven})", "bold"),
        BLANK,
        table(names, rows, text=(0, 1)),
    ]


def _break_even(case: Case) -> str:
    if case.price is None:
        return "-"
    between = case.price.break_even
    if between.upper == -math.inf:
        return "never"
    if between.lower == math.inf:
        return "any price"
    return "-" if case.break_even is None else number(case.break_even)


def _alternative(q: Quote, a: Alternative) -> list[RenderableType]:
    parts: list[RenderableType] = [heading(f"What {a.offer} is worth"), *_verdict(q, a)]
    parts += _curve(q, a)
    parts += _displaced(q, a)
    parts += _regret(q, a)
    return [*parts, *_covers(q, a)]


def _verdict(q: Quote, a: Alternative) -> list[RenderableType]:
    case, unit = a.case, f"{q.currency} per GPU-hour"
    parts: list[RenderableType] = [line(f"verdict at {number(a.asked)} {unit}: {SAID[case.verdict]}", "bold")]
    if case.price is None:
        return [*parts, line("its price was not reached")]
    between = case.price.break_even
    if between.upper == -math.inf:
        return [*parts, line("no plan can sign a lot of it: its own limits or those of the plan forbid it")]
    if between.lower == math.inf:
        return [*parts, line("no plan does without it: it would be signed at any price")]
    if case.break_even is not None and case.break_even < 0:
        parts.append(line(f"it would not pay as a gift: it breaks even at {number(case.break_even)} {unit}"))
    elif case.break_even is not None:
        within = "" if span(between) == number(case.break_even) else f" (proven: {span(between)})"
        parts.append(line(f"breaks even at {number(case.break_even)} {unit}{within}: below it signing saves, above it does not"))
    lots = case.price.lots
    paid = f"{number(lots)} {'lot' if lots == 1 else 'lots'} and {number(case.price.gpu_hours)} GPU-hours"
    parts.append(line(f"the best plan that signs it at the asked price takes {paid}"))
    return parts


def _curve(q: Quote, a: Alternative) -> list[RenderableType]:
    curve = a.case.curve
    if curve is None or len(curve.points) < 2:
        return []
    rows = []
    for point in curve.points[1:]:
        exact = span(point.value) == number(point.best)
        rows.append((f"{point.lots:,}", number(point.best), number(point.best_marginal), "" if exact else span(point.marginal)))
    hours = number(curve.lot_gpu_hours)
    return [
        heading("Demand curve"),
        line(f"what so many lots are worth as a gift, and what each more of them is, over its {hours} GPU-hours"),
        table(("lots", f"worth {q.currency}", f"each {q.currency}\na GPU-hour", "between"), rows, text=()),
    ]


def _displaced(q: Quote, a: Alternative) -> list[RenderableType]:
    if not a.displaced:
        return []
    rows = [(d.offer, number(d.gpu_hours), number(d.cost)) for d in a.displaced]
    return [heading("What it displaces"), table(("less of", "GPU-hours", q.currency), rows)]


def _regret(q: Quote, a: Alternative) -> list[RenderableType]:
    rows = []
    for case in a.cases:
        signed, not_signed = case.regret(True), case.regret(False)
        if signed is not None and not_signed is not None:
            rows.append((case.scenario, case.verdict, _break_even(case), number(signed[0]), number(not_signed[0])))
    if not rows:
        return []
    money = (f"if signed {q.currency}", f"if not {q.currency}")
    parts: list[RenderableType] = [heading("Regret"), table(("delivery", "verdict", "breaks even", *money), rows, text=(0, 1))]
    if a.regrets:
        worst = sorted(a.regrets, key=lambda r: -max(r.if_signed, r.if_not))[:MOST_SCENARIOS]
        said = "by scenario, of the best plan that signs and the best that does not" + (
            f"; the {MOST_SCENARIOS} largest of {len(a.regrets)}" if len(a.regrets) > MOST_SCENARIOS else ""
        )
        parts += [line(said), table(("scenario", *money), [(r.scenario, number(r.if_signed), number(r.if_not)) for r in worst], text=(0,))]
    return parts


def _covers(q: Quote, a: Alternative) -> list[RenderableType]:
    c, need = a.covers, a.covers.need
    served = f" ({percent(c.served / need)})" if need > 0 else ""
    text = f"of {number(need)} GPU-hours that the best plan without it uses, it could serve {number(c.served)}{served} at most"
    rows = []
    for cover in c.layers:
        whose = ", ".join(cover.workloads) if cover.exposed > 0 else ""
        exposed = (number(cover.exposed), number(cover.exposed_cost)) if cover.exposed > 0 else ("", "")
        rows.append((f"{cover.layer} {TITLES[cover.layer]}", cover.covered, *exposed, whose))
    parts: list[RenderableType] = [heading("What it covers, and what stays exposed"), line(text)]
    parts.append(table(("layer", "covered", "exposed\nGPU-hours", f"exposed\n{q.currency}", "whose need"), rows, text=(0, 1, 4)))
    parts.append(heading("Checklist"))
    lines = []
    for cover in c.layers:
        said = [a for a in cover.attributes if a.state != UNSAID]
        unsaid = ", ".join(a.name for a in cover.attributes if a.state == UNSAID)
        lines += [(cover.layer, a.name, a.state, a.because) for a in said]
        lines += [(cover.layer, unsaid, UNSAID, "")] if unsaid else []
    return [*parts, table(("layer", "attribute", "state", "because"), _once(lines), text=(0, 1, 2, 3))]


def _once(rows: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The first cell only where it is not that of the row before."""
    out: list[tuple[str, ...]] = []
    before = ""
    for row in rows:
        out.append(("" if row[0] == before else row[0], *row[1:]))
        before = row[0]
    return out
