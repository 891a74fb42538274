"""What `whatif` prints: base and cases side by side, what is bought more and less, which layer binds, and the curve of a sweep."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from rich.console import RenderableType

from ailis_models.layers import LAYERS
from ailis_opt.explain.lattice import Interval
from ailis_opt.output.figures import number, percent
from ailis_opt.output.text import BLANK, heading, line, table
from ailis_opt.output.words import counted
from ailis_opt.result import Result
from ailis_opt.study.sweep import Curve, Point, Switch
from ailis_opt.study.whatif import Answer, Delta, WhatIf, bought, tight

MOST_BOUGHT = 6  # offers of each kind
MOST_ROWS = 4  # tight limits of each kind
LONGEST_NAME = 24
BAR_WIDTH = 20
WITHIN = "within the gap"


def whatif_text(found: WhatIf) -> list[RenderableType]:
    """The whole text."""
    labels = _labels(found)
    parts: list[RenderableType] = []
    if found.cases:
        parts += [heading(f"{found.base.instance.header.name}: what if"), *_legend(found, labels), BLANK, _side_by_side(found, labels)]
        parts += _statuses(found, labels)
        for case, label in zip(found.cases, labels, strict=True):
            parts += _bought(found, case, label)
        parts += _binding(found, labels)
    if found.curve is not None:
        parts += _curve(found, found.curve)
    ending = "interrupted: what was solved by then" if found.interrupted else f"gap asked of every solve: {percent(found.gap)}"
    return [*parts, BLANK, line(ending, "dim")]


def _labels(found: WhatIf) -> list[str]:
    """What a case is called in the tables: its name, or its number where that is long."""
    return [case.name if len(case.name) <= LONGEST_NAME else f"case {i}" for i, case in enumerate(found.cases, 1)]


def _legend(found: WhatIf, labels: list[str]) -> list[RenderableType]:
    rows = [(label, "; ".join(map(str, case.changes))) for label, case in zip(labels, found.cases, strict=True)]
    return [table(("case", "changes"), rows, text=(0, 1))]


def _side_by_side(found: WhatIf, labels: list[str]) -> RenderableType:
    """A row for the base and each case. A difference that the gaps could make is not shown as one."""
    currency = found.base.instance.header.currency
    names: tuple[str, ...] = ("", _two_lines(found.unit), "certified:\nnot less than", "change", f"cost {currency}", "change", "served")
    rows = [_row("base", found.base, None)]
    rows += [_row(label, case, found.delta(case)) for label, case in zip(labels, found.cases, strict=True)]
    if found.base.result is not None and found.base.result.objective_name == "cost":  # which is in the second column already
        names = (*names[:4], f"{currency} per\noutcome", names[6])
        answers = (found.base, *found.cases)
        each = ["" if answer.result is None else number(answer.result.cost_per_outcome) for answer in answers]
        rows = [(*row[:4], cell, row[6]) for row, cell in zip(rows, each, strict=True)]
        return table(names, rows, text=(0, 3))
    return table(names, rows, text=(0, 3, 5))


def _row(label: str, answer: Answer, between: Delta | None) -> tuple[str, ...]:
    result = answer.result
    if result is None:
        return (label, answer.status, "", "", "", "", "")
    cells = [label, number(result.objective), _bound(result.bounds.lower), "", number(result.cost), "", percent(answer.service)]
    if between is not None:
        cells[3], cells[5] = _changes(between, result)
    return tuple(cells)


def _bound(lower: float) -> str:
    return number(lower) if math.isfinite(lower) else "not known"


def _changes(between: Delta, case: Result) -> tuple[str, str]:
    """Change of the objective (with what is certified of it) and of the cost, relative to the base."""
    base = case.objective - between.objective
    cost = case.cost - between.cost
    if between.within_gap:
        objective = WITHIN
    elif base:
        objective = _signed(between.objective / abs(base))
        low, high = (_signed(x / abs(base)) if math.isfinite(x) else "?" for x in (between.lower, between.upper))
        objective += "" if low == high == objective else f" ({low} to {high})"
    else:
        objective = f"{between.objective:+.4g}"
    slack = (between.upper - between.lower) / abs(case.objective) * abs(case.cost) if case.objective else 0.0
    money = WITHIN if abs(between.cost) <= slack else _signed(between.cost / abs(cost)) if cost else f"{between.cost:+.4g}"
    return objective, money


def _signed(share: float) -> str:
    """`+11.1%`."""
    return ("+" if share > 0 else "") + percent(share)


def _statuses(found: WhatIf, labels: list[str]) -> list[RenderableType]:
    """A line for each case without a plan, or with one short of the gap."""
    parts: list[RenderableType] = []
    titles = {layer.id: layer.title for layer in LAYERS}
    for case, label in zip(found.cases, labels, strict=True):
        if case.status == "infeasible":
            named = " and ".join(f"{name} ({titles[name]})" for name in case.layers or ())
            verb = "cannot be met" if len(case.layers or ()) == 1 else "together cannot be met"
            parts.append(line(f"{label} is infeasible: {f'{named} {verb}' if named else case.error}"))
        elif case.status == "limit":
            parts.append(line(f"{label}: stopped at the limit, short of the gap: the best plan so far"))
        elif case.result is None:
            parts.append(line(f"{label}: {case.error}"))
    return parts


def _bought(found: WhatIf, case: Answer, label: str) -> list[RenderableType]:
    if case.result is None or found.base.result is None:
        return []
    moved = bought(found.base.result, case.result)
    parts: list[RenderableType] = [heading(f"What is bought more and less: {label}")]
    if not moved:
        return [*parts, line("the same as in the base")]
    between = found.delta(case)
    if between is not None and between.within_gap:
        parts.append(line("The two plans are within the gap of one another: they need not differ for any reason."))
    rows, left = [], 0
    for unit in dict.fromkeys(unit for unit, *_ in moved):
        mine = [row for row in moved if row[0] == unit]
        left += max(0, len(mine) - MOST_BOUGHT)
        for i, (_, offer, before, after) in enumerate(mine[:MOST_BOUGHT]):
            sign = "+" if after > before else ""
            rows.append((unit if i == 0 else "", offer, number(before), number(after), f"{sign}{number(after - before)}"))
    parts.append(table(("", "offer", "base", "case", "change"), rows, text=(0, 1)))
    return [*parts, *([line(f"and {counted(left, 'more offer')} with smaller differences: see --json")] if left else [])]


def _binding(found: WhatIf, labels: list[str]) -> list[RenderableType]:
    """Which limits are tight before and after; with verdicts, which layers bind."""
    parts: list[RenderableType] = [heading("Which layer binds, before and after?")]
    if found.base.verdicts is not None:
        parts += [_verdicts(found, labels), BLANK]
    parts.append(line("Limits that are tight, priced at the plan (duals of the polished LP): what one unit more of a limit would save."))
    assert found.base.result is not None
    before = tight(found.base.result)
    parts.append(_tight_layers(found, labels))
    for case, label in zip(found.cases, labels, strict=True):
        if case.result is None:
            continue
        after = tight(case.result)
        rows = [
            *_tight_rows("tight now", {key: after[key] for key in after if key not in before}),
            *_tight_rows("no longer tight", {key: before[key] for key in before if key not in after}),
        ]
        parts.append(BLANK)
        if rows:
            parts.append(table((label, "layer", "limit", "price", ""), rows, text=(0, 1, 2, 4)))
        else:
            parts.append(line(f"{label}: the same limits are tight as in the base"))
    return parts


def _tight_layers(found: WhatIf, labels: list[str]) -> RenderableType:
    """How many limits of each layer are tight, in the base and each case."""
    counts = [Counter(layer for layer, _ in tight(a.result)) if a.result else None for a in (found.base, *found.cases)]
    rows = [
        (f"{layer.id} {layer.title}", *("" if count is None else str(count[layer.id]) for count in counts))
        for layer in LAYERS
        if any(count is not None and count[layer.id] for count in counts)
    ]
    return table(("tight limits of", "base", *labels), rows)


def _tight_rows(what: str, rows: Mapping[tuple[str, str], tuple[float, str]]) -> list[tuple[str, ...]]:
    shown = [
        (what if i == 0 else "", layer, row, number(price), unit.replace(" per ", "/").replace(" and ", "/"))
        for i, ((layer, row), (price, unit)) in enumerate(list(rows.items())[:MOST_ROWS])
    ]
    more = len(rows) - len(shown)
    return [*shown, *([("", "", f"and {more} more", "", "")] if more > 0 else [])]


def _verdicts(found: WhatIf, labels: list[str]) -> RenderableType:
    """Per layer, for the base and each case: yes, no or not proven, and what dropping it would save."""
    answers = (found.base, *found.cases)
    names = ["base", *labels]
    rows = []
    for layer in LAYERS:
        cells = [_verdict(answer, layer.id) for answer in answers]
        if any(cell not in ("no", "") for cell in cells):
            rows.append((layer.id, *cells))
    return table(("binds (dropping it saves)", *names), rows, text=tuple(range(len(names) + 1)))


def _verdict(answer: Answer, layer: str) -> str:
    if answer.verdicts is None or answer.result is None:
        return ""
    verdict = answer.verdicts[layer]
    share = verdict.removal.value / abs(answer.result.objective) if answer.result.objective else 0.0
    return f"{verdict.binds} ({percent(share)}{_between(verdict.removal, answer.result)})" if verdict.binds == "yes" else verdict.binds


def _between(removal: Interval, result: Result) -> str:
    scale = abs(result.objective)
    if removal.upper - removal.lower <= 1e-6 * abs(removal.upper) or not scale:
        return ""
    return f", {percent(removal.lower / scale)} to {percent(removal.upper / scale)}"


def _curve(found: WhatIf, curve: Curve) -> list[RenderableType]:
    """The curve with bars, and where the plan switches."""
    plans = [point for point in curve.points if point.result is not None]
    low = min((p.result.objective for p in plans if p.result), default=0.0)
    high = max((p.result.objective for p in plans if p.result), default=0.0)
    rows = [_point(point, low, high) for point in curve.points]
    parts: list[RenderableType] = [
        heading(f"{found.base.instance.header.name}: {curve.sweep.text}"),
        table(("value", _two_lines(found.unit), "certified:\nnot less than", "GPUs signed", "least to most"), rows, text=(4,)),
        heading("Where does the plan switch?"),
    ]
    if not curve.switches:
        return [*parts, line("nowhere at these values: the same lots are signed" if len(plans) > 1 else "not known")]
    parts.append(table(("between", "and", "lots signed, below and above"), [_switch(s) for s in curve.switches], text=(2,)))
    width = f"narrowed to {curve.sweep.width:.3g} by solving in between"
    if not curve.narrow:
        width = f"not all narrowed to {curve.sweep.width:.3g}"
    return [*parts, line(f"{width}, {counted(curve.solves, 'solve')} in all; plans within the gap of one another may differ, too", "dim")]


def _two_lines(unit: str) -> str:
    """`USD per` over `weighted outcome`: a column no wider than its figures need, so that the table fits 80 columns."""
    return unit.replace(" per ", " per\n", 1)


def _point(point: Point, low: float, high: float) -> tuple[str, ...]:
    result = point.result
    if result is None:
        return (f"{point.value:g}", point.status, "", "", "")
    length = 1 + round((BAR_WIDTH - 1) * (result.objective - low) / (high - low)) if high > low else 1
    gpus = float(result.purchases["gpus"].sum())
    return (f"{point.value:g}", number(result.objective), _bound(result.bounds.lower), number(gpus), "█" * length)


def _switch(switch: Switch) -> tuple[str, ...]:
    if switch.before is None or switch.after is None:
        return (f"{switch.low:.6g}", f"{switch.high:.6g}", "no plan above" if switch.after is None else "no plan below")
    names = [name for name in {**switch.before, **switch.after} if switch.before.get(name) != switch.after.get(name)]
    told = [f"{name}: {number(switch.before.get(name, 0.0))} -> {number(switch.after.get(name, 0.0))}" for name in names]
    return (f"{switch.low:.6g}", f"{switch.high:.6g}", ", ".join(told))
