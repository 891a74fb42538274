"""The headline: what an outcome costs, how sure that is, and the plan in a few sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ailis_opt.output.contracts import due_later
from ailis_opt.output.figures import number, percent
from ailis_opt.output.words import outcome_unit, plural, weighing
from ailis_opt.report.documents import Explanation, LayerCost
from ailis_opt.report.parts import Section, Tile
from ailis_opt.report.run import Run


def headline(run: Run) -> Section:
    """Tiles with the figures that a board asks for, and sentences that say what the plan does."""
    r, unit = run.result, outcome_unit(run.instance)
    money, energy = str(r["currency"]), run.tables["energy"]
    hired, bought = run.tables["hired"], run.tables["purchases"]
    carbon = float(energy["carbon_kg"].sum()) / 1000
    each = r["cost_per_outcome"]
    tiles = [
        Tile("Cost of an outcome", number(each, digits(r)), f"{money} per {unit}{_least(run)}"),
        Tile("Cost of the plan", f"{number(r['cost'])} {money}", f"for {number(r['outcomes'])} {plural(unit)}"),
        Tile("To sign", f"{number(float(bought['gpus'].sum()))} GPUs", f"{number(float(bought['cost'].sum()))} {money} inside the horizon"),
        Tile("To hire", f"{number(float(hired['gpu_hours'].sum()))} GPU-hours", f"{number(float(hired['cost'].sum()))} {money}"),
        Tile("Stands idle", percent(r["idle_cost"] / r["cost"] if r["cost"] else 0.0), f"of the cost: {number(r['idle_cost'])} {money}"),
        Tile("Energy and carbon", f"{number(float(energy['mwh'].sum()))} MWh", f"{number(carbon)} t of CO2"),
    ]
    return Section("headline", "In short", tiles=tiles, lead=[interval(run), *_deeds(run), *_limits(run)])


def _least(run: Run) -> str:
    """Beside the cost of an outcome, where that is what was minimized: the proven bound."""
    r = run.result
    if r["objective_name"] != "cost_per_outcome" or averse(run):
        return ""
    lower = r["bounds"]["lower"]
    return "; no lower bound proven" if lower is None else f"; no plan below {number(lower, digits(r))}"


def digits(result: Mapping[str, Any]) -> int:
    """As many significant digits as the gap of the objective lets differ."""
    gap = result["gap"]
    return min(9, max(4, 2 - math.floor(math.log10(gap)))) if gap is not None and 0 < gap < 1 else 4


def gap_text(gap: float | None) -> str:
    """A gap as per cent with two digits."""
    return "unknown" if gap is None else "0%" if gap <= 0 else f"{100 * gap:.2g}%"


def interval(run: Run) -> str:
    """The certified interval of what was minimized, in a sentence."""
    r = run.result
    ratio = r["objective_name"] == "cost_per_outcome"
    what = f"{r['currency']} per {outcome_unit(run.instance)}" if ratio else f"{r['currency']} in all"
    if averse(run):
        what += f" of {minimized(run)}"
    lower, upper = r["bounds"]["lower"], number(r["bounds"]["upper"], digits(r))
    if lower is None:
        return f"The plan costs {upper} {what}; no lower bound was proven, so how much better a plan could be is not known."
    found = "The search stopped before it reached the gap that was asked for. " if r["status"] == "limit" else ""
    if gap_text(r["gap"]) == "0%" or number(lower, digits(r)) == upper:
        return f"{found}This plan costs {upper} {what}. No plan can cost less (gap {gap_text(r['gap'])})."
    sure = f"This plan costs {upper} {what}. No plan can cost less than {number(lower, digits(r))}: "
    return f"{found}{sure}at most {gap_text(r['gap'])} could be saved."


def averse(run: Run) -> bool:
    """Whether the tail of the cost has a weight in what is minimized."""
    return bool(run.result.get("risk")) and run.result["risk"]["weight"] > 0


def minimized(run: Run) -> str:
    """What is minimized, in words."""
    name = str(run.result["objective_name"]).replace("_", " ")
    if not averse(run):
        return name
    mixed = weighing(run.result["risk"]["alpha"], run.result["risk"]["weight"])
    return f"{mixed}, per outcome" if run.result["objective_name"] == "cost_per_outcome" else mixed


def _deeds(run: Run) -> list[str]:
    """What is signed and hired."""
    money, bought, hired = str(run.result["currency"]), run.tables["purchases"], run.tables["hired"]
    said = []
    if len(bought):
        later = due_later(run.instance, bought)
        rest = f"; terms run on, and {number(later)} {money} fall due after the horizon" if later > 0 else ""
        said.append(
            f"Sign {counted(len(bought), 'contract')} for {number(float(bought['gpus'].sum()))} GPUs, "
            f"{number(float(bought['cost'].sum()))} {money} inside the horizon{rest}."
        )
    else:
        said.append("Sign nothing new.")
    if len(hired):
        share = float(hired["cost"].sum()) / run.result["cost"] if run.result["cost"] else 0.0
        said.append(f"Hire {number(float(hired['gpu_hours'].sum()))} GPU-hours as they are needed: {percent(share)} of the cost.")
    return said


def _limits(run: Run) -> list[str]:
    """What makes the price higher than the commodity's, or else the dearest limit."""
    if run.explanation is not None:
        return [premium(Explanation.model_validate(run.explanation))]
    rest = run.tables["binding"]
    rest = rest[rest["family"] != "demand"].sort_values("worth", ascending=False)
    if rest.empty:
        return ["No limit other than demand is tight at this plan."]
    top = rest.iloc[0]
    return [f"The limit that weighs most at this plan: {top['row']}, {number(top['price'])} {top['unit']} (dual of the polished LP)."]


def premium(e: Explanation) -> str:
    """How far the real price is above the commodity's, and which layer adds most."""
    if not e.commodity:
        return f"The real price is {number(e.full)} {e.unit}; the commodity price is 0."
    over = f"The real price is {percent(e.full / e.commodity - 1)} above the commodity price of {number(e.commodity)} {e.unit}"
    top = max(e.layers, key=lambda layer: layer.share.value or 0.0)
    if (top.share.value or 0.0) <= 0:
        return f"{over}."
    return f"{over}. {layer_name(top)} adds most: {percent((top.share.value or 0.0) / e.commodity)} of the commodity price."


def layer_name(layer: LayerCost) -> str:
    """The title of a layer with a capital, and its id."""
    title = layer.title or layer.layer
    return f"{title[:1].upper()}{title[1:]} ({layer.layer})" if layer.title else title


def counted(n: int, noun: str) -> str:
    """`1 contract`, `1,234 contracts`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
