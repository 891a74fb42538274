"""What `solve` prints, in the order in which a planner asks: what an outcome costs, what to sign, what limits."""

from __future__ import annotations

import math

import pandas as pd
from rich.console import RenderableType

from ailis_opt.output.contracts import contracts
from ailis_opt.output.figures import number, percent
from ailis_opt.output.limits import limits
from ailis_opt.output.risk import positions, scenarios
from ailis_opt.output.text import BLANK, heading, line, records, table
from ailis_opt.output.words import outcome_unit, plural, told, weighing
from ailis_opt.result import Result
from ailis_opt.schema.instance import Instance


def summary(instance: Instance, result: Result, asked_gap: float) -> list[RenderableType]:
    """The whole summary. `asked_gap` is the gap that was asked for; `instance` the one that was solved."""
    return [
        *_headline(result, asked_gap),
        *_unit_costs(instance, result),
        *scenarios(result),
        *contracts(instance, result),
        *positions(result),
        *limits(result),
        *_small_print(result),
    ]


def _headline(result: Result, asked_gap: float) -> list[RenderableType]:
    if result.interrupted:
        state = "interrupted: the best plan so far"
    elif result.status == "optimal":
        state = f"done: within {_gap(asked_gap)} of the best plan there is"
    else:
        state = f"stopped at the limit, short of the gap of {_gap(asked_gap)}: the best plan so far"
    return [heading(f"{result.instance}: {state}")]


def _unit_costs(instance: Instance, result: Result) -> list[RenderableType]:
    unit = outcome_unit(instance)
    money = result.currency
    parts: list[RenderableType] = [heading("1  What does an outcome cost?"), *_objective(result, unit)]
    energy = result.tables["energy"]
    parts += [
        line(f"cost {number(result.cost)} {money} for {number(result.outcomes)} {plural(unit)}"),
        line(f"of it {number(result.idle_cost)} {money} ({_of(result.idle_cost, result.cost)}) for committed capacity that stands idle"),
        line(f"energy {number(float(energy['mwh'].sum()))} MWh, carbon {number(float(energy['carbon_kg'].sum()) / 1000)} t"),
        BLANK,
        _workloads(instance, result),
        BLANK,
        _components(result),
    ]
    return parts


def _objective(result: Result, unit: str) -> list[RenderableType]:
    """The objective, with the interval that it is certified to lie in; then cost per outcome, if that is not the objective."""
    digits = min(9, max(4, 2 - math.floor(math.log10(result.gap)))) if 0 < result.gap < 1 else 4
    ratio = result.objective_name == "cost_per_outcome"
    what = f"{result.currency} per {unit}" if ratio else f"{result.currency} in all"
    averse = result.risk is not None and result.risk.weight > 0
    if result.risk is not None and averse:
        what += f" ({weighing(result.risk.alpha, result.risk.weight)})"
    lower, upper = result.bounds.lower, result.bounds.upper
    if math.isfinite(lower):
        proof = f"certified: no plan {'has' if averse else 'costs'} less than {number(lower, digits)} (gap {_gap(result.gap)})"
    else:
        proof = "no lower bound was proven: how much better a plan could be is not known"
    parts: list[RenderableType] = [line(f"{number(upper, digits)} {what}", "bold"), line(proof)]
    if not ratio or averse:
        mean = "in the mean " if result.scenarios else ""
        parts.append(line(f"{mean}{number(result.cost_per_outcome)} {result.currency} per {unit} (not what was minimized)"))
    return parts


def _workloads(instance: Instance, result: Result) -> RenderableType:
    """Per workload: what it makes, how much, at what cost. The weight is shown where weights differ."""
    weights = instance.tables["workloads"].set_index("workload")["outcome_weight"]
    weighted = bool((weights != 1).any())
    names = (
        "workload",
        "outcome",
        *(["weight"] if weighted else []),
        "demanded",
        "served",
        f"cost {result.currency}",
        f"{result.currency} each",
    )
    rows = []
    for row in records(result.workloads):
        served = _of(row["served"], row["demanded"])
        weight = [_weight(float(weights[row["workload"]]))] if weighted else []
        figures = (number(row["demanded"]), served, number(row["cost"]), number(row["cost_per_outcome"]))
        rows.append((row["workload"], row["outcome"], *weight, *figures))
    if abs(result.idle_cost) > 0:
        rows.append(("(idle)", "", *([""] if weighted else []), "", "", number(result.idle_cost), ""))
    return table(names, rows, text=(0, 1))


def _weight(weight: float) -> str:
    return f"{weight:.4g}" if weight < 1000 else number(weight)


def _components(result: Result) -> RenderableType:
    amounts = sorted(((name, amount) for name, amount in result.cost_by.items() if amount), key=lambda item: -item[1])
    rows = [(name.replace("_", " "), number(amount), _of(amount, result.cost)) for name, amount in amounts]
    return table(("cost by component", result.currency, "share"), [*rows, ("all", number(result.cost), "")])


def _small_print(result: Result) -> list[RenderableType]:
    audit, t = result.audit, result.timings
    parts: list[RenderableType] = [
        heading("Audit"),
        line(
            f"{'ok' if audit.ok else 'FAILED'}: {sum(audit.checked.values()):,} limits and figures recomputed from the tables alone; "
            f"largest violation {number(audit.max_violation, 2)} (relative)"
        ),
    ]
    parts += [line(text) for text in told(result.warnings)]
    spent = ", ".join(f"{name.removesuffix('_s')} {seconds:.1f} s" for name, seconds in t.items())
    used = ", ".join(f"{name} {release}" for name, release in result.versions.items())
    return [*parts, line(f"instance sha256 {result.instance_sha256}", "dim"), line(spent, "dim"), line(used, "dim")]


def _gap(gap: float) -> str:
    return "0%" if gap <= 0 else f"{100 * gap:.2g}%" if gap < 0.995 else f"{100 * gap:.0f}%"


def _of(part: float, whole: float) -> str:
    return percent(part / whole) if whole and not pd.isna(whole) else percent(None)
