"""What may happen to a plan: its cost over the scenarios, and the hedges that it holds."""

from __future__ import annotations

import numpy as np

from ailis_opt.output.figures import number, percent
from ailis_opt.output.words import counted, outcome_unit
from ailis_opt.report.documents import Held, ResultDocument, Spread, Turn
from ailis_opt.report.hedging.figures import spread
from ailis_opt.report.parts import Cell, Column, Figure, Section, Table, Tile
from ailis_opt.report.run import Run


def uncertainty(run: Run) -> Section | None:
    """Distribution of the cost, figures of risk, positions; None for a run without scenarios and hedges."""
    r = ResultDocument.model_validate(run.result)
    held = [one for one in r.positions if one.lots]
    if not r.scenarios and not held:
        return None
    if not r.scenarios or r.risk is None:
        return Section("uncertainty", "What hedges are held", parts=[_positions(r, held)])
    unit = outcome_unit(run.instance)
    probability = np.array([one.probability for one in r.scenarios])
    scenarios = [one.scenario for one in r.scenarios]
    rows = [("cost", np.array([one.cost for one in r.scenarios]))]
    parts: list[Figure | Table] = [
        spread(f"Cost over the scenarios ({r.currency})", r.currency, rows, scenarios, probability, "fig-scenarios", [r.risk.cvar])
    ]
    each = [one.cost_per_outcome for one in r.scenarios]
    if all(value is not None for value in each):
        per, values = f"{r.currency} per {unit}", np.array(each, dtype=float)
        parts.append(spread(f"Cost per {unit} over the scenarios ({per})", per, [("cost", values)], scenarios, probability, "fig-each"))
    parts += [_scenarios(r, unit), *([_positions(r, held)] if held else [])]
    return Section("uncertainty", "What may happen", tiles=_tiles(r, r.risk), lead=_lead(r, r.risk), parts=parts)


def _lead(r: ResultDocument, risk: Spread) -> list[str]:
    calm, worst = min(r.scenarios, key=_cost), max(r.scenarios, key=_cost)
    said = [
        f"The plan is one for {counted(len(r.scenarios), 'scenario')}: it costs {number(calm.cost)} {r.currency} in {calm.scenario} and "
        f"{number(worst.cost)} {r.currency} in {worst.scenario}. A point is a scenario, larger the likelier; the box holds the middle half "
        "of the probability, the line in it is the median, the diamond the mean, the cross the CVaR."
    ]
    if risk.weight > 0:
        said.append("What less risk costs in the mean is for `ailis-opt hedge` to say: it compares plans, and draws the frontier.")
    else:
        said.append("Risk has no weight in what is minimized.")
    return said


def _cost(one: Turn) -> float:
    return one.cost


def _tiles(r: ResultDocument, risk: Spread) -> list[Tile]:
    money = r.currency
    tiles = [
        Tile("Expected cost", f"{number(risk.expected_cost)} {money}", f"the mean over {counted(len(r.scenarios), 'scenario')}"),
        Tile(
            f"CVaR at {percent(risk.alpha)}",
            f"{number(risk.cvar)} {money}",
            f"mean of the dearest {percent(1 - risk.alpha)}",
        ),
        Tile("Worst scenario", f"{number(risk.worst)} {money}", max(r.scenarios, key=_cost).scenario),
    ]
    if risk.evpi is not None:
        tiles.append(Tile("Knowing the future", f"{number(risk.evpi)} {money}", "would save (EVPI)"))
    if risk.vss is not None:
        tiles.append(Tile("Planning for all scenarios", f"{number(risk.vss)} {money}", "a plan for their mean would cost more (VSS)"))
    return tiles


def _scenarios(r: ResultDocument, unit: str) -> Table:
    """The scenarios, the dearest first."""
    columns = [Column("scenario", "text"), Column("probability", "share"), Column(f"cost ({r.currency})")]
    columns += [Column("outcomes"), Column(f"{r.currency} per {unit}")]
    rows: list[list[Cell]] = [
        [one.scenario, one.probability, one.cost, one.outcomes, one.cost_per_outcome]
        for one in sorted(r.scenarios, key=_cost, reverse=True)
    ]
    return Table("scenarios", "Scenarios, the dearest first", columns, rows, most=12)


def _positions(r: ResultDocument, held: list[Held]) -> Table:
    money, mean = r.currency, ", mean" if r.scenarios else ""
    columns = [Column("hedge", "text"), Column("lots"), Column(f"premium ({money})"), Column(f"carry ({money})")]
    columns += [Column(f"pays back ({money}{mean})"), Column(f"costs ({money}{mean})")]
    rows: list[list[Cell]] = [[one.hedge, one.lots, one.premium, one.carry, one.expected_payoff, one.cost] for one in held]
    return Table("positions", "Hedges that are held", columns, rows)
