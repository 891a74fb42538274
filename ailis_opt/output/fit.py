"""A fit and what was drawn from it, as a planner reads them."""

from __future__ import annotations

from rich.console import RenderableType

from ailis_opt.output.figures import number, percent
from ailis_opt.output.text import BLANK, heading, line, table
from ailis_opt.output.words import counted
from ailis_opt.scenarios import Event, Factor, Fit
from ailis_opt.scenarios.draw import targets
from ailis_opt.schema import Instance


def fit_text(fit: Fit, drawn: Instance) -> list[RenderableType]:
    """The factors, the events with how often they were drawn, and what is to be doubted."""
    scenarios, changes = drawn.tables["scenarios"], drawn.tables["changes"]
    parts: list[RenderableType] = [
        heading(f"{drawn.header.name}: {counted(len(scenarios), 'scenario')}, {counted(len(changes), 'change')}"),
        line(f"fitted on {fit.history}: {extent(fit)}"),
        BLANK,
        _factors(fit, drawn),
    ]
    if fit.explained_share is not None:
        parts.append(line(f"the factors explain {percent(fit.explained_share)} of how prices on demand moved"))
    if fit.events:
        parts += [heading("Events"), _events(fit.events, drawn)]
    parts.append(heading("Correlation"))
    parts.append(line(f"shrunk by {percent(fit.shrinkage)} towards none; strongest: {strongest(fit)}"))
    if fit.warnings:
        parts += [heading("To doubt"), *(line(text) for text in fit.warnings)]
    return parts


def extent(fit: Fit) -> str:
    """Number, spacing and time of the observations."""
    return f"{counted(fit.observed, 'observation')}, by {fit.spacing}, {fit.intervals[0]} to {fit.intervals[-1]}"


def drift_said(factor: Factor) -> str:
    """What becomes of the drift in the draws."""
    if factor.pull_per_year > 0:
        return "reverts"
    return "drawn" if factor.drift_drawn_per_year == factor.drift_per_year != 0 else "not drawn"


def _factors(fit: Fit, drawn: Instance) -> RenderableType:
    rows = []
    for factor, aims in zip(fit.factors, targets(fit, drawn), strict=True):
        drift = f"{number(factor.drift_per_year, 3)} ± {number(factor.drift_error, 3)}"
        what = ", ".join(dict.fromkeys(aim.table for aim in aims)) or "nothing here"
        cells = (factor.name, factor.basis or "-", str(factor.changes), number(factor.volatility_per_year, 3), drift)
        rows.append((*cells, drift_said(factor), what))
    names = ("factor", "basis", "changes", "volatility", "drift a year", "drift is", "moves")
    return table(names, rows, text=(0, 1, 5, 6))


def happened(event: Event, drawn: Instance) -> float:
    """Share of the scenarios in which an event changes something."""
    changes = drawn.tables["changes"]
    return float(changes["scenario"][changes["note"] == event.name].nunique() / max(1, len(drawn.tables["scenarios"])))


def _events(events: list[Event], drawn: Instance) -> RenderableType:
    rows = [(e.name, e.kind, e.tag, percent(e.probability), percent(happened(e, drawn))) for e in events]
    return table(("event", "kind", "basis", "probability", "drawn"), rows, text=(0, 1, 2))


def strongest(fit: Fit, most: int = 3) -> str:
    """The pairs of factors that are most correlated, in words."""
    pairs = [
        (abs(r), f"{one.name} and {fit.factors[j].name} {r:+.2f}")
        for i, one in enumerate(fit.factors)
        for j, r in enumerate(fit.correlation[i][:i])
        if abs(r) >= 0.005
    ]
    return "; ".join(text for _, text in sorted(pairs, reverse=True)[:most]) or "none"
