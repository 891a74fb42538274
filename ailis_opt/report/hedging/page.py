"""A comparison of portfolios as one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ailis_opt.optimize import versions
from ailis_opt.output.figures import number, percent
from ailis_opt.output.words import counted
from ailis_opt.report.hedging import figures, said
from ailis_opt.report.hedging.document import FIGURES, Comparison, Effect, Plan
from ailis_opt.report.page import filled
from ailis_opt.report.parts import Cell, Column, Figure, Section, Table, Tile
from ailis_opt.schema.checklist import EXCLUDED, INCLUDED

RULES = (
    "Contracts and hedges are decided once, before the scenario is known; hired capacity and routing follow it. Each scenario is optimized "
    "again for the plan before anything is told of it.",
    "The CVaR is that of all cost of the horizon, signed and hired alike; it is not time consistent from period to period.",
    "A comparison is as good as its scenarios: a tail of few scenarios is fitted closely by a plan. Judge it on fresh ones as well.",
)
TITLES = {"variance_reduction": "variance reduction", "r2": "R2", "slope": "slope", "dollar_offset": "dollar offset"}


def hedging_page(document: Mapping[str, Any]) -> str:
    """The page of a document of `hedge --json`."""
    c = Comparison.of(document)
    content = [_summary(c)]
    if c.plans:
        content += [_plans(c), _spread(c), _frontier(c), *_basis(c), *_effect(c), _regret(c), *_marks(c)]
    content += [*_coverage(c), _evidence(c)]
    meta = f"{said.basis_of_comparison(c)}. All money in {c.currency}."
    return filled("hedging.html", content, title=c.instance, meta=meta, version=versions().get("ailis-opt", ""))


def _summary(c: Comparison) -> Section:
    best, base, money = c.recommended, c.base, c.currency
    tiles = []
    if best is not None and base is not None:
        tiles = [
            Tile("Portfolio", best.portfolio, "not proven to be the best" if c.as_good else f"best of {len(c.plans)}"),
            Tile("Expected cost", f"{number(best.expected_cost)} {money}", _beside(best.expected_cost, base.expected_cost, base)),
            Tile(f"CVaR at {percent(c.alpha)}", f"{number(best.cvar)} {money}", _beside(best.cvar, base.cvar, base)),
            Tile("Worst scenario", f"{number(best.worst)} {money}", _beside(best.worst, base.worst, base)),
            Tile(f"Cost per {c.outcome}", f"{number(best.cost_per_outcome)} {money}", f"{percent(best.service)} of the demand is served"),
            Tile("Price of risk aversion", *_aversion(c)),
        ]
    missing = [f"{one.portfolio}: {one.status}. {one.why}" for one in c.missing]
    return Section("headline", "In short", tiles=tiles, lead=[text for text in (*said.headline(c), *said.ending(c), *missing) if text])


def _beside(now: float, before: float, base: Plan) -> str:
    """`12.3% below no hedge`."""
    if now == before or not before:
        return f"as with {base.portfolio}"
    return f"{percent(abs(now / before - 1))} {'above' if now > before else 'below'} {base.portfolio} ({number(before)})"


def _aversion(c: Comparison) -> tuple[str, str]:
    found = c.price_of_risk_aversion
    amount = None if found is None else found.cost_per_outcome if c.ratio else found.expected_cost
    if found is None or amount is None or amount <= 0:
        return "nothing", "no portfolio is cheaper in the mean"
    unit = f"{c.currency} per {c.outcome}" if c.ratio else c.currency
    return f"{number(amount)} {unit}", f"expected cost above that of {found.portfolio}"


def _plans(c: Comparison) -> Section:
    money = c.currency
    columns = [Column("portfolio", "text"), Column(f"expected cost ({money})"), Column(f"CVaR ({money})"), Column(f"worst ({money})")]
    columns += [Column(f"{money} per {c.outcome}"), Column("served", "share"), Column(f"premium ({money})"), Column(f"pays back ({money})")]
    columns += [Column(f"objective ({money}{f' per {c.outcome}' if c.ratio else ''})"), Column("gap", "text")]
    rows: list[list[Cell]] = [
        [
            p.portfolio,
            p.expected_cost,
            p.cvar,
            p.worst,
            p.cost_per_outcome,
            p.service,
            p.premium,
            said.clean(c, float(c.probability @ p.payoff)),
            p.objective,
            said.gap_text(p.gap),
        ]
        for p in c.plans
    ]
    note = f"The objective is {said.objective(c)}; no plan of the portfolio is better by more than the gap."
    deeds: list[list[Cell]] = [[p.portfolio, said.signed(p.purchases), said.held(p.positions)] for p in c.plans]
    parts = [
        Table("portfolios", "Portfolios", columns, rows, most=30, note=note),
        Table(
            "deeds", "What each signs and holds", [Column(t, "text") for t in ("portfolio", "signs (lots)", "holds (lots)")], deeds, most=30
        ),
    ]
    return Section("portfolios", "The portfolios", lead=[f"CVaR is {said.tail(c)}."], parts=parts)


def _spread(c: Comparison) -> Section:
    unit = f"{c.currency} per {c.outcome}"
    rows = [(p.portfolio, np.array(p.cost) / np.array(p.outcomes)) for p in c.plans if min(p.outcomes) > 0]
    names = [chance.scenario for chance in c.scenarios]
    lead = [
        "A point is a scenario, larger the likelier; the box holds the middle half of the probability, the line in it is the median, "
        "the diamond the mean."
    ]
    if not rows:
        return Section("spread", "How the cost spreads", lead=["In some scenario nothing is served: there is no cost per outcome."])
    parts = [figures.spread(f"Cost per {c.outcome} over the scenarios ({unit})", unit, rows, names, c.probability, "fig-spread")]
    return Section("spread", "How the cost spreads", lead=lead, parts=parts)


def _frontier(c: Comparison) -> Section:
    if not c.frontier:
        lead = ["The frontier was not asked for, or not reached: the portfolios alone."]
        return Section("frontier", "What less risk costs", lead=lead, parts=[figures.frontier(c)])
    columns = [Column(f"expected cost ({c.currency})"), Column(f"{c.currency} per {c.outcome}"), Column(f"CVaR ({c.currency})")]
    columns += [Column(f"worst ({c.currency})"), Column("gap", "text"), Column("signs (GPUs)"), Column("holds (lots)", "text")]
    rows: list[list[Cell]] = [
        [
            *(o.expected_cost, o.cost_per_outcome, o.cvar, o.worst),
            *(said.gap_text(o.gap), sum(p.gpus for p in o.purchases), said.held(o.positions)),
        ]
        for o in c.frontier
    ]
    what = f"cost per {c.outcome}" if c.ratio else "expected cost"
    lead = [
        f"A point of the line is the least {what} for its CVaR, with all contracts and hedges to choose from, but for the gap. Between two "
        "points the line only joins them: a plan may lie a little below it."
    ]
    if len(rows) == 1:
        lead.append("It is a single plan: none has a lower CVaR.")
    table = Table(
        "frontier", "Plans of the frontier", [Column("plan", "text"), *columns], [[str(i), *row] for i, row in enumerate(rows, 1)]
    )
    return Section("frontier", "What less risk costs", lead=lead, parts=[figures.frontier(c), table])


def _basis(c: Comparison) -> list[Section]:
    split = [(p.portfolio, p) for p in c.plans if p.residual is not None]
    best = c.recommended
    if not split or not c.types or best is None:
        return []
    columns = [Column("portfolio", "text"), *(Column(kind, "share") for kind in c.types), Column(f"standard deviation ({c.currency})")]
    rows: list[list[Cell]] = []
    tails: list[list[Cell]] = []
    for name, plan in split:
        by_type = {share.name: share for share in plan.basis}
        assert plan.residual is not None
        rows.append([name, *(by_type[k].fraction if k in by_type else None for k in c.types), max(0.0, plan.residual.variance) ** 0.5])
        tails.append(
            [name, *(said.clean(c, by_type[k].cvar) if k in by_type else None for k in c.types), said.clean(c, plan.residual.cvar)]
        )
    of_tail = [Column("portfolio", "text"), *(Column(kind) for kind in c.types), Column("all")]
    note = "Shapley shares over the types: they sum exactly. Below 0: the type works against the others."
    above = "Of the CVaR of the cost less what is expected if nothing changes."
    parts: list[Figure | Table] = [
        figures.basis(c, split, "What portfolios leave open, by type of basis risk", "fig-basis"),
        Table("basis", "Share of the variance that is left", columns, rows, most=30, note=note),
        Table("basis-cvar", f"Amount of the CVaR that is left ({c.currency})", of_tail, tails, most=30, note=above),
    ]
    return [Section("basis", "What is left open", lead=[said.left_open(c, best)], parts=parts)]


def _effect(c: Comparison) -> list[Section]:
    hedged = [p for p in c.plans if p.held and p.effectiveness is not None]
    columns = [Column(TITLES[name]) for name in FIGURES]
    sections = []
    if hedged:
        rows: list[list[Cell]] = [[p.portfolio, *_told(c, p.effectiveness), p.cost_variance_reduction] for p in hedged]
        rows.append(["customary range", *(f"{low:g} to {high:g}" for low, high in (c.customary[name] for name in FIGURES)), None])
        base = "" if c.base is None else c.base.portfolio
        names = [Column("portfolio", "text"), *columns, Column(f"variance below {base}", "share")]
        note = "Of the cost with the same contracts and without hedges. Outside: not in the customary range."
        parts: list[Figure | Table] = [figures.against(c, p, f"fig-against-{i}") for i, p in enumerate(hedged)]
        parts.append(Table("effect", "Effectiveness", names, rows, total=True, most=30, note=note))
        lead = [
            "A point is a scenario: how far the cost without hedges is from its mean, and what the hedges pay. On the dotted line every "
            "deviation would be made good.",
            said.NO_OPINION,
        ]
        sections.append(Section("effect", "How well the hedges work", lead=lead, parts=parts))
    if c.hedges:
        sections.append(_alone(c))
    return sections


def _told(c: Comparison, of: Effect | None) -> list[Cell]:
    """The figures, those outside their customary range marked in words."""
    found: list[Cell] = []
    for name in FIGURES:
        value: float | None = None if of is None else getattr(of, name)
        inside = said.customary(c, name, value)
        found.append(None if value is None else f"{value:.2f}{'' if inside else ' outside'}")
    return found


def _alone(c: Comparison) -> Section:
    columns = [Column("hedge", "text"), Column("index", "text"), Column("lots"), Column(TITLES[FIGURES[0]])]
    rows: list[list[Cell]] = [[a.hedge, a.index, a.lots, *_told(c, a.effectiveness)[:1], said.main_type(a.basis)] for a in c.hedges]
    base = "" if c.base is None else c.base.portfolio
    lead = [
        f"Each hedge by itself against the cost of {base}, at the lots that leave the least variance (below 0: it would have to be sold; "
        "limits on lots apart)."
    ]
    split = [(a.hedge, a) for a in c.hedges if a.residual is not None]
    parts: list[Figure | Table] = [figures.basis(c, split, "What each hedge alone leaves open", "fig-alone")] if split and c.types else []
    parts.append(Table("alone", "Each hedge alone", [*columns, Column("most is left by", "text")], rows, most=30))
    return Section("alone", "Each hedge alone", lead=lead, parts=parts)


def _regret(c: Comparison) -> Section:
    rows: list[list[Cell]] = [[p.portfolio, p.expected_regret, p.worst_regret] for p in c.plans]
    columns = [Column("portfolio", "text"), Column(f"in the mean ({c.currency})"), Column(f"at worst ({c.currency})")]
    lead = ["What a portfolio costs more than the one that would have been best, had the scenario been known."]
    parts: list[Figure | Table] = [figures.regrets(c), Table("regret", "Regret", columns, rows, most=30)]
    return Section("regret", "What may be regretted", lead=lead, parts=parts)


def _marks(c: Comparison) -> list[Section]:
    rows: list[list[Cell]] = [
        [p.portfolio, m.contract, m.kind, m.index, *(said.clean(c, v) for v in (m.expected, m.worst, max(m.by_scenario)))]
        for p in c.plans
        for m in p.marks
    ]
    if not rows:
        return []
    columns = [Column(t, "text") for t in ("portfolio", "contract", "kind", "index")]
    columns += [Column(f"{t} ({c.currency})") for t in ("mean", "lowest", "highest")]
    lead = [
        "What contracts and hedges are worth at the prices of their indices, over the scenarios. Premiums and upfront payments are paid, "
        "and no part of it."
    ]
    left = sorted({name for p in c.plans for name in said.unmarked(p)})
    if left:
        lead.append(f"No index tracks {', '.join(left)}: they are not marked.")
    return [Section("marks", "Marked to market", lead=lead, parts=[Table("marks", "Contracts at market prices", columns, rows)])]


def _coverage(c: Comparison) -> list[Section]:
    if not c.coverage:
        return []
    by_thing: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in c.coverage:
        by_thing.setdefault((row.kind, row.name), {}).setdefault(row.state, []).append(row.attribute)
    rows: list[list[Cell]] = [
        [f"{kind} {name}", ", ".join(of.get(INCLUDED, [])), ", ".join(of.get(EXCLUDED, []))] for (kind, name), of in by_thing.items()
    ]
    columns = [Column(t, "text") for t in ("index, hedge or contract", "includes", "excludes")]
    lead = ["What each states about the layers of compute; what it does not state is open between buyer and seller."]
    table = Table("coverage", "Attributes stated; all others are not", columns, rows, most=12)
    return [Section("coverage", "What indices, hedges and contracts state", lead=lead, parts=[figures.coverage(c), table])]


def _evidence(c: Comparison) -> Section:
    facts: list[list[Cell]] = [
        ["instance", c.instance],
        ["sha256 of its content", c.instance_sha256],
        ["minimized", said.objective(c)],
        ["gap asked for", percent(c.gap)],
        ["level of the CVaR", percent(c.alpha)],
        ["weight of the CVaR", f"{c.weight:g}"],
        ["time", f"{c.seconds:.0f} s"],
    ]
    facts += [[f"version of {name}", release] for name, release in versions().items()]
    each = [Column(f"{p.portfolio} ({c.currency})") for p in c.plans]
    rows: list[list[Cell]] = [[chance.scenario, chance.probability, *(p.cost[i] for p in c.plans)] for i, chance in enumerate(c.scenarios)]
    columns = [Column("scenario", "text"), Column("probability", "share"), *each]
    return Section(
        "evidence",
        "What stands behind it",
        lead=[*RULES, f"{counted(len(c.plans), 'plan')}, each recomputed by the audit from its tables alone."],
        parts=[
            Table("scenarios", "Cost by scenario", columns, rows, most=12),
            Table("facts", "Inputs and versions", [Column("item", "text"), Column("value", "text")], facts, most=30),
        ],
    )
