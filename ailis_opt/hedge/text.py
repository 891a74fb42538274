"""The comparison of portfolios as a planner reads it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from rich.console import RenderableType

from ailis_opt.hedge.study import Hedging
from ailis_opt.output.figures import number, percent
from ailis_opt.output.text import BLANK, heading, line, table
from ailis_opt.report.hedging import said
from ailis_opt.report.hedging.document import FIGURES, Comparison, Effect
from ailis_opt.risk.coverage import COLUMNS, coverage_text
from ailis_opt.schema.checklist import OPEN

MOST_COLUMNS = 5  # portfolios side by side
MOST_THINGS = 8  # of the coverage table on the screen
TITLES = {"variance_reduction": "variance\nreduction", "r2": "R2", "slope": "slope", "dollar_offset": "dollar\noffset"}
OUTSIDE = "!"


def hedge_text(found: Hedging, full: bool = False) -> list[RenderableType]:
    """The whole comparison; the coverage table in full where asked."""
    c = Comparison.of(found.to_dict())
    parts: list[RenderableType] = [heading(f"{c.instance}: {said.basis_of_comparison(c)}")]
    first, *rest = said.headline(c)
    parts += [line(first, "bold"), *(line(text) for text in rest if text)]
    parts += [*_portfolios(c), *_plans(c), *_effectiveness(c), *_basis(c), *_alone(c), *_frontier(c), *_marks(c), *_coverage(c, full)]
    more = said.ending(c)
    return [*parts, BLANK, *(line(text, "bold") for text in more)] if more else parts


def _portfolios(c: Comparison) -> list[RenderableType]:
    """What each costs, and why others have no plan."""
    parts: list[RenderableType] = [heading("Portfolios")]
    if c.plans:
        money, least = c.currency, said.tail(c)
        names = ("portfolio", f"expected\n{money}", f"CVaR\n{money}", f"worst\n{money}", f"{money} per\noutcome", "served", "gap")
        rows = [
            (
                _starred(c, p.portfolio),
                *(number(value) for value in (p.expected_cost, p.cvar, p.worst, p.cost_per_outcome)),
                percent(p.service),
                said.gap_text(p.gap),
            )
            for p in c.plans
        ]
        parts += [table(names, rows), line(f"* the least {said.objective(c)}; CVaR is {least}"), BLANK]
        more = ("portfolio", f"premium\n{money}", f"pays back\n{money}", "regret\nin the mean", "regret\nat worst")
        rows = [
            (p.portfolio, *(said.amount(c, v) for v in (p.premium, _payback(c, p.payoff), p.expected_regret, p.worst_regret)))
            for p in c.plans
        ]
        parts += [table(more, rows), line(f"regret: what it costs more than the best portfolio of each scenario ({money})")]
    return [*parts, *(line(f"{one.portfolio}: {one.status}. {one.why}") for one in c.missing)]


def _payback(c: Comparison, payoff: Sequence[float]) -> float:
    """Mean payoff of all positions [money]."""
    return float(c.probability @ payoff)


def _starred(c: Comparison, name: str) -> str:
    return f"{name} *" if name == c.best else name


def _plans(c: Comparison) -> list[RenderableType]:
    """What each signs, and what it holds."""
    if not c.plans:
        return []
    rows = [(p.portfolio, said.signed(p.purchases), said.held(p.positions)) for p in c.plans]
    return [heading("What each signs and holds"), table(("portfolio", "signs (lots)", "holds (lots)"), rows, text=(0, 1, 2))]


def _effectiveness(c: Comparison) -> list[RenderableType]:
    """How well the hedges of each offset the cost without them."""
    hedged = [p for p in c.plans if p.held and p.effectiveness is not None]
    if not hedged:
        return []
    rows = [(p.portfolio, *_figures(c, p.effectiveness), percent(p.cost_variance_reduction)) for p in hedged if p.effectiveness is not None]
    rows.append(("customary range", *(f"{low:g} to {high:g}" for low, high in (c.customary[name] for name in FIGURES)), ""))
    base = "" if c.base is None else c.base.portfolio
    return [
        heading("How well the hedges work"),
        table(("portfolio", *TITLES.values(), f"variance below\n{base}"), rows),
        line(f"of the cost with the same contracts and without hedges; {OUTSIDE} is outside its customary range"),
        line(said.NO_OPINION),
    ]


def _figures(c: Comparison, of: Effect) -> list[str]:
    found = []
    for name in FIGURES:
        value: float | None = getattr(of, name)
        inside = said.customary(c, name, value)
        found.append("-" if value is None else f"{value:.2f}{' ' if inside else OUTSIDE}")
    return found


def _basis(c: Comparison) -> list[RenderableType]:
    """Types of basis risk, by portfolio: share of the variance, and amount of the CVaR."""
    split = [p for p in c.plans if p.residual is not None]
    parts: list[RenderableType] = [heading("What is left open, by type of basis risk")] if split and c.types else []
    for first in range(0, len(split) if parts else 0, MOST_COLUMNS):
        some = split[first : first + MOST_COLUMNS]
        names = [_folded(p.portfolio) for p in some]
        by_type = [{share.name: share for share in p.basis} for p in some]
        rows = [(name, *(percent(of[name].fraction) if name in of else "-" for of in by_type)) for name in c.types]
        deviations = [number(math.sqrt(max(0.0, p.residual.variance))) if p.residual is not None else "-" for p in some]
        parts += [table(("share of variance", *names), [*rows, (f"std. deviation {c.currency}", *deviations)]), BLANK]
        rows = [(name, *(said.amount(c, of[name].cvar) if name in of else "-" for of in by_type)) for name in c.types]
        tails = [said.amount(c, p.residual.cvar) if p.residual is not None else "-" for p in some]
        parts += [table((f"of the CVaR {c.currency}", *names), [*rows, ("above the expected", *tails)]), BLANK]
    if parts:
        parts[-1] = line("Shapley shares, which sum exactly; the CVaR is that of the cost less what is expected if nothing changes")
    unsplit = [p.portfolio for p in c.plans if p.residual is None] if c.basis_split and not c.interrupted else []
    if unsplit:
        why = "their plans have no way to meet a limit where only some types of changes come"
        parts += [line(f"not split: {', '.join(unsplit)}: {why}")]
    return parts


def _folded(name: str) -> str:
    """A name as the head of a narrow column."""
    return "\n".join(name.replace("-", " ").split())


def _alone(c: Comparison) -> list[RenderableType]:
    """Each hedge at the volume that leaves the least variance."""
    if not c.hedges:
        return []
    rows = [
        (
            one.hedge,
            one.index,
            number(one.lots),
            _figures(c, one.effectiveness)[0],
            said.main_type(one.basis),
        )
        for one in c.hedges
    ]
    base = "" if c.base is None else c.base.portfolio
    return [
        heading("Each hedge alone"),
        line(f"against the cost of {base}, at the lots that leave the least variance (below 0: to be sold; limits on lots apart)"),
        table(("hedge", "index", "lots", "variance\nreduction", "most open"), rows, text=(0, 1, 4)),
    ]


def _frontier(c: Comparison) -> list[RenderableType]:
    """Least expected cost for a CVaR, plan by plan."""
    if not c.frontier:
        return []
    rows = []
    for one in c.frontier:
        each = (number(one.cost_per_outcome),) if c.ratio else ()
        figures = (number(one.expected_cost), *each, number(one.cvar), number(one.worst), said.gap_text(one.gap))
        rows.append((*figures, number(sum(p.gpus for p in one.purchases)), said.held(one.positions)))
    names = [
        f"expected\n{c.currency}",
        *([f"{c.currency} per\noutcome"] if c.ratio else []),
        f"CVaR\n{c.currency}",
        f"worst\n{c.currency}",
        "gap",
        "signs\nGPUs",
    ]
    only = ["There is one plan only: none has a lower CVaR."] if len(rows) == 1 else []
    return [
        heading("Frontier"),
        line(f"least {'cost per outcome' if c.ratio else 'expected cost'} for a CVaR; contracts and hedges are chosen freely"),
        table((*names, "holds (lots)"), rows, text=(len(names),)),
        *(line(text) for text in only),
    ]


def _marks(c: Comparison) -> list[RenderableType]:
    """Contracts and hedges of the best portfolio at the market's prices."""
    best = c.recommended
    if best is None or not best.marks:
        return []
    rows = [(m.contract, m.kind, m.index, *(said.amount(c, v) for v in (m.expected, m.worst, max(m.by_scenario)))) for m in best.marks]
    names = ("contract", "kind", "index", f"mean\n{c.currency}", "lowest", "highest")
    return [
        heading(f"Marked to market: {best.portfolio}"),
        table(names, rows, text=(0, 1, 2)),
        line("premiums and upfront payments are paid, and no part of it"),
        *([line(f"no index tracks {', '.join(said.unmarked(best))}")] if said.unmarked(best) else []),
    ]


def _coverage(c: Comparison, full: bool) -> list[RenderableType]:
    """What indices, hedges and contracts state about the layers: in full, or how much of each layer the first of them state."""
    if not c.coverage:
        return []
    frame = pd.DataFrame([[getattr(row, name) for name in COLUMNS] for row in c.coverage], columns=list(COLUMNS))
    parts: list[RenderableType] = [heading("What indices, hedges and contracts state")]
    if full:
        return [*parts, *(line(text) if text else BLANK for text in coverage_text(frame).split("\n"))]
    stated = frame.assign(said=frame["state"] != OPEN).groupby(["kind", "name", "layer"], sort=False)["said"].agg(["sum", "count"])
    layers = list(dict.fromkeys(frame["layer"]))
    things = list(dict.fromkeys(zip(frame["kind"], frame["name"], strict=True)))
    rows = [(f"{kind} {name}", *(f"{stated.loc[(kind, name, layer), 'sum']}" for layer in layers)) for kind, name in things[:MOST_THINGS]]
    rows.append(("of", *(f"{stated.loc[(*things[0], layer), 'count']}" for layer in layers)))
    more = f"and {len(things) - MOST_THINGS} more; " if len(things) > MOST_THINGS else ""
    names = [layer.replace("L1.", "L1\n").replace("-", "-\n") for layer in layers]
    return [*parts, table(("attributes stated", *names), rows), line(f"{more}what each states is in coverage.csv (--out DIR writes it)")]
