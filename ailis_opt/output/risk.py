"""What may happen to a plan: its cost over the scenarios, and in fresh ones; the hedges that it holds."""

from __future__ import annotations

import math

from rich.console import RenderableType

from ailis_opt.output.figures import number, percent
from ailis_opt.output.text import BLANK, heading, line, records, table
from ailis_opt.output.words import counted, weighing
from ailis_opt.result import Result
from ailis_opt.spread import Interval, Sample

MOST_ROWS = 12


def scenarios(result: Result) -> list[RenderableType]:
    """Expected cost, CVaR, worst case; what planning for scenarios is worth, and the plan in fresh ones, where that was asked for."""
    risk, money = result.risk, result.currency
    if risk is None or not result.scenarios:
        return []
    costs = [(one.audit.cost, one.name) for one in result.scenarios]
    (least, calm), (most, worst) = min(costs), max(costs)
    rows = [
        ("expected cost", number(risk.expected_cost), f"the mean over {counted(len(costs), 'scenario')}"),
        (f"CVaR at {percent(risk.alpha)}", number(risk.cvar), f"the mean of the dearest {percent(1 - risk.alpha)} of the probability"),
        ("dearest", number(most), worst),
        ("cheapest", number(least), calm),
    ]
    if risk.evpi is not None:
        rows.append(("knowing the future", number(risk.evpi), "would save (EVPI)"))
    if risk.vss is not None:
        told = (
            "planning for the mean would cost more (VSS)" if math.isfinite(risk.vss) else "a plan for the mean fails in some scenario (VSS)"
        )
        rows.append(("planning for all", number(risk.vss), told))
    weighed = f"minimized: {weighing(risk.alpha, risk.weight)}" if risk.weight > 0 else "risk has no weight in what is minimized"
    parts: list[RenderableType] = [
        heading("What may happen?"),
        table(("cost over the horizon", money, ""), rows, text=(0, 2)),
        line(f"{weighed}; all other figures here are means over the scenarios"),
    ]
    if risk.weight > 0:
        parts.append(line("what less risk costs in the mean: `ailis-opt hedge` compares plans, and draws the frontier"))
    return [*parts, *_fresh(result.sample, money)] if result.sample is not None else parts


def _fresh(sample: Sample, money: str) -> list[RenderableType]:
    """The plan in scenarios that it was not made for."""
    named: list[tuple[str, Interval | None]] = [
        (f"expected cost {money}", sample.expected_cost),
        (f"CVaR {money}", sample.cvar),
        (f"{money} per outcome", sample.cost_per_outcome),
    ]
    rows = [(name, number(of.value), f"{number(of.lower)} to {number(of.upper)}") for name, of in named if of is not None]
    names = (f"in {counted(sample.scenarios, 'fresh scenario')}", "found", f"{percent(sample.confidence)} interval")
    failed = f"in {counted(sample.failed, 'of them')} the plan cannot meet every limit: no part of these figures"
    return [BLANK, *([table(names, rows)] if rows else []), *([line(failed, "bold")] if sample.failed else [])]


def positions(result: Result) -> list[RenderableType]:
    """The hedges to hold."""
    held = result.positions
    held = held[held["lots"] != 0].sort_values("lots", ascending=False, kind="stable")
    if held.empty:
        return []
    rows = [(r["hedge"], number(r["lots"]), number(r["premium"] + r["carry"]), number(r["payoff"])) for r in records(held)]
    names = ("hold", "lots", f"premium {result.currency}", f"pays back {result.currency}\n(mean)" if result.scenarios else "pays back")
    more = [line(f"and {len(rows) - MOST_ROWS:,} more: see positions.csv (--out DIR writes it)")] if len(rows) > MOST_ROWS else []
    return [BLANK, table(names, rows[:MOST_ROWS]), *more]
