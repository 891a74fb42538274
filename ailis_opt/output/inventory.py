"""What `check` prints: what is in an instance, its calendar, its warnings, and the funnel of its routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from rich.console import RenderableType

from ailis_models.arrays import Calendar
from ailis_models.layers import LAYERS
from ailis_opt.output.figures import ending, moment, number, percent
from ailis_opt.output.text import heading, line, records, table
from ailis_opt.output.words import counted
from ailis_opt.schema.instance import Instance

TITLES = {layer.id: layer.title for layer in LAYERS}
ALL = "all workloads"
MARK = "<"
MOST_BOOKED = 20


def inventory(
    instance: Instance,
    cal: Calendar,
    counts: Mapping[str, int],
    funnel: pd.DataFrame,
    closed: Sequence[str],
    columns: int,
    booked: pd.DataFrame,
) -> list[RenderableType]:
    """The report of `check`, to be rendered at a width of `columns`. `booked`: the offers that a price book has priced."""
    parts: list[RenderableType] = [
        heading(f"{instance.header.name}: {'valid, but no plan can meet it' if closed else 'valid'}"),
        *_contents(instance, cal, counts),
        *(_booked(booked) if len(booked) else []),
        heading("Routes left open, layer by layer"),
        line(f"a route: workload, user geo, pool, profile; {MARK} marks the workload that loses the largest share", "dim"),
        _funnel(funnel, columns),
    ]
    if closed:
        parts += [heading("No plan: these must be served and have no open route"), *(line(text) for text in closed)]
    if instance.warnings:
        parts += [heading(f"Warnings ({len(instance.warnings)})"), *(line(text) for text in instance.warnings)]
    return parts


def _contents(instance: Instance, cal: Calendar, counts: Mapping[str, int]) -> list[RenderableType]:
    horizon = instance.header.horizon
    blocks = ", ".join(f"{b.block} {percent(b.share)}" for b in horizon.blocks)
    kinds = instance.tables["workloads"]["kind"].value_counts(sort=False)
    contracts = instance.tables["offers"]["contract"].value_counts(sort=False)
    own = {"workloads": ", ".join(f"{n:,} {kind}" for kind, n in kinds.items())}
    own["offers"] = ", ".join(f"{n:,} {contract}" for contract, n in contracts.items()) + f"; {counted(counts['pools'], 'pool')}"
    rows = [(name, f"{len(frame):,}", own.get(name, "")) for name, frame in instance.tables.items() if len(frame)]
    hours, slices = counted(float(cal.period_hours.sum()), "hour"), counted(counts["slices"], "slice")
    span = f"{moment(horizon, 0)} to {ending(horizon, horizon.periods - 1)}" if horizon.periods > 1 else moment(horizon, 0)
    return [
        line(f"minimizes {instance.header.objective.replace('_', ' ')} in {instance.header.currency}"),
        line(f"{counted(horizon.periods, horizon.period)}, {span}, {hours}, {slices}; blocks: {blocks}"),
        line(f"sha256 {instance.sha256}", "dim"),
        heading("Tables"),
        table(("table", "rows", ""), rows, text=(0, 2)),
    ]


def _booked(booked: pd.DataFrame) -> list[RenderableType]:
    """The first offers that a price book has priced, with list price and price paid."""
    rows = [
        (r["offer"], number(r["list_price_per_gpu_hour"]), number(r["price_per_gpu_hour"]), r["source"])
        for r in records(booked.head(MOST_BOOKED))
    ]
    parts: list[RenderableType] = [
        heading("Prices from the price book"),
        table(("offer", "list price", "price", "from"), rows, text=(0, 3)),
    ]
    return [*parts, line(f"and {len(booked) - MOST_BOOKED:,} more")] if len(booked) > MOST_BOOKED else parts


def _funnel(funnel: pd.DataFrame, columns: int) -> RenderableType:
    """By workload where the columns suffice, else the total and who loses most."""
    names = [c for c in funnel.columns if c not in ("layer", ALL)]
    counts = funnel[names].to_numpy(np.int64)
    total = funnel[ALL].to_numpy(np.int64)
    before = np.vstack([counts[:1], counts[:-1]])
    lost = np.where(before > 0, 1 - counts / np.maximum(before, 1), 0.0)
    worst = np.where(lost.max(axis=1, initial=0.0) > 0, lost.argmax(axis=1), -1)
    shut = np.concatenate([[False], total[1:] < total[:-1]])
    styles = ["" if closes or i == 0 else "dim" for i, closes in enumerate(shut)]
    layers = [str(x) for x in funnel["layer"]]
    wide = sum(max(len(n), 7) + 2 for n in names)
    if wide + 24 <= columns:
        titled = wide + 50 <= columns
        rows = []
        for i, layer in enumerate(layers):
            cells = [f"{n:,}{MARK if j == worst[i] else ' '}" for j, n in enumerate(counts[i])]
            rows.append((f"{layer} {TITLES.get(layer, '')}".strip() if titled else layer, f"{total[i]:,}", *cells))
        return table(("layer", "all", *(f"{n} " for n in names)), rows, styles=styles)
    compact = []
    for i, layer in enumerate(layers):
        w = worst[i]
        hit = "" if w < 0 else f"{names[w]}: {before[i, w]:,} -> {counts[i, w]:,} (-{percent(lost[i, w])})"
        compact.append((layer, f"{total[i]:,}", hit))
    return table(("layer", "all", f"{MARK} loses the largest share"), compact, text=(0, 2), styles=styles)
