"""What to sign and what to hire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import RenderableType

from ailis_opt.calendar import calendar
from ailis_opt.output.figures import beginning, ending, moment, number
from ailis_opt.output.text import BLANK, heading, line, records, table
from ailis_opt.result import Result
from ailis_opt.schema.instance import Instance

MOST_ROWS = 12


def contracts(instance: Instance, result: Result) -> list[RenderableType]:
    """Purchases with start and end of term, what is signed already, and hired capacity by offer; biggest first."""
    money = result.currency
    parts: list[RenderableType] = [heading("2  What do I sign?")]
    bought = _largest(result.purchases)
    if len(bought):
        names = ("sign", "from", "until", "lots", "GPUs", f"cost {money}")
        parts += _table(names, [_purchase(instance, row) for row in records(bought)], "purchases.csv")
        parts.append(line(f"in all {number(bought['gpus'].sum())} GPUs for {number(bought['cost'].sum())} {money} inside the horizon"))
        later = due_later(instance, bought)
        if later > 0:
            parts.append(line(f"terms run on: {number(later)} {money} more are due after the horizon, and not in any cost here", "bold"))
    else:
        parts.append(line("nothing new"))
    before = _largest(result.tables["committed"])
    if len(before):
        rows = [(r["offer"], number(r["lots"]), number(r["gpus"]), number(r["cost"])) for r in records(before)]
        parts += [BLANK, *_table(("signed already", "lots", "GPUs", f"cost {money}"), rows, "committed.csv")]
    parts += [BLANK, *_hired(instance, result)]
    booked = [offer for offer in instance.booked if offer in set(bought["offer"]) | set(result.tables["hired"]["offer"])]
    if booked:
        parts.append(line(f"{len(booked)} of these offers at prices of the price book; list prices are in purchases.csv and hired.csv"))
    return parts


def _purchase(instance: Instance, row: Mapping[str, Any]) -> tuple[str, ...]:
    """One purchase; a blank term ends with the horizon."""
    offer, start = str(row["offer"]), int(row["start_period"])
    term, horizon = instance.tables["offers"].set_index("offer")["term_periods"][offer], instance.header.horizon
    last = horizon.periods - 1 if pd.isna(term) else start + int(term) - 1
    figures = (number(row["lots"]), number(row["gpus"]), number(row["cost"]))
    return offer, moment(horizon, start), ending(horizon, last), *figures


def due_later(instance: Instance, bought: pd.DataFrame) -> float:
    """Money for what is bought that falls on the time after the horizon, its part of upfront payments included."""
    offers, horizon = instance.tables["offers"].set_index("offer"), instance.header.horizon
    end, later = beginning(horizon, horizon.periods), 0.0
    for row in records(bought):
        offer = offers.loc[row["offer"]]
        over = 0 if pd.isna(offer["term_periods"]) else int(row["start_period"] + offer["term_periods"]) - horizon.periods
        if over > 0:
            hours = (beginning(horizon, horizon.periods + over) - end) / pd.Timedelta(hours=1)
            later += row["gpus"] * (offer["price_per_gpu_hour"] * hours + offer["upfront_per_gpu"] * over / offer["term_periods"])
    return float(later)


def _hired(instance: Instance, result: Result) -> list[RenderableType]:
    """By offer: GPU-hours, the mean over the hours of the horizon, the most at a time, cost."""
    by_slice = result.tables["hired"]
    if by_slice.empty:
        return [line("hire nothing")]
    hours = float(calendar(instance.header).period_hours.sum())
    grouped = by_slice.groupby("offer", as_index=False, sort=False)
    hired = _largest(grouped.agg(gpu_hours=("gpu_hours", "sum"), peak=("gpus", "max"), cost=("cost", "sum")))
    rows = [
        (r["offer"], number(r["gpu_hours"]), number(r["gpu_hours"] / hours), number(r["peak"]), number(r["cost"])) for r in records(hired)
    ]
    names = ("hire", "GPU-hours", "mean\nGPUs", "most\nGPUs", f"cost {result.currency}")
    total = f"in all {number(hired['gpu_hours'].sum())} GPU-hours for {number(hired['cost'].sum())} {result.currency}"
    return [*_table(names, rows, "hired.csv"), line(total)]


def _largest(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values("cost", ascending=False, kind="stable")


def _table(names: Sequence[str], rows: Sequence[Sequence[str]], file: str) -> list[RenderableType]:
    """The first rows, and where the others are."""
    parts: list[RenderableType] = [table(names, rows[:MOST_ROWS])]
    if len(rows) > MOST_ROWS:
        parts.append(line(f"and {len(rows) - MOST_ROWS:,} more: see {file} (--out DIR writes it)"))
    return parts
