"""Where the work is done: the map and the table of regions."""

from __future__ import annotations

import pandas as pd

from ailis_opt.output.figures import number, percent
from ailis_opt.report.atlas import Spot, countries, world_map
from ailis_opt.report.facts import hours, use
from ailis_opt.report.parts import Cell, Column, Drawing, Section, Table
from ailis_opt.report.run import Run

COLUMNS = ["gpus", "most", "outcomes", "cost", "mwh", "carbon"]


def regions(run: Run) -> Section:
    """The map of the regions that the plan uses, and their figures."""
    frame, money = by_region(run), str(run.result["currency"])
    busy = frame[(frame["gpus"] > 0) | (frame["cost"] > 0)].sort_values("cost", ascending=False)
    title = "Where the work is done"
    if busy.empty:
        return Section("regions", title, lead=["The plan uses no region."])
    whole = float(busy["cost"].sum())
    first = ", ".join(f"{name} {percent(float(row['cost']) / whole if whole else 0.0)}" for name, row in busy.head(3).iterrows())
    lead = [f"{len(busy)} of {len(frame)} regions are used. Most of their cost is in {first}."]
    known = countries()
    placed = busy[busy["country"].isin(known)]
    off = [str(name) for name in busy.index if name not in placed.index]
    if off:
        lead.append(f"Not on the map, for no country is stated that ISO 3166-1 has: {', '.join(off)}.")
    parts: list[Drawing | Table] = []
    if len(placed):
        spots = [
            Spot(str(name), str(row["country"]), float(row["gpus"]), float(row["cost"]) / whole if whole else 0.0)
            for name, row in placed.iterrows()
        ]
        alt = "Map of the regions in use, with mean GPUs: " + "; ".join(
            f"{s.name} ({known[s.country].name}) {number(s.gpus)}" for s in spots
        )
        title_of_map = "Regions in use (number and area: mean GPUs; colour: share of cost)"
        parts.append(Drawing("map", title_of_map, f"{alt}.", world_map(spots), 620))
    parts.append(_table(busy, whole, money))
    fine = [
        "A region stands at the middle of its country; regions of one country are listed together. Land: Natural Earth.",
        "Cost of a region: its contracts, hired capacity, metered energy and data held; egress is left out.",
    ]
    return Section("regions", title, lead=lead, parts=parts, fine=fine)


def by_region(run: Run) -> pd.DataFrame:
    """Every region with its country, mean and most GPUs in use, weighted outcomes, cost, MWh and t of CO2."""
    tables, names = run.tables, pd.Index(run.instance.tables["regions"]["region"], name="region")
    where = run.instance.tables["offers"].set_index("offer")["region"]
    slices, every = use(run), float(hours(run).sum())
    held = tables["placements"]
    costs = [tables[t].assign(region=tables[t]["offer"].map(where))[["region", "cost"]] for t in ("purchases", "committed", "hired")]
    costs += [tables["energy"][["region", "cost"]]]
    costs += [held.assign(cost=held["storage"] + held["replication"] + held["refresh"])[["region", "cost"]]]
    cost = pd.concat([c for c in costs if len(c)] or costs[:1]).groupby("region")["cost"].sum()
    weight = run.instance.tables["workloads"].set_index("workload")["outcome_weight"]
    made = [tables[t].assign(outcomes=tables[t]["outcomes"] * tables[t]["workload"].map(weight)) for t in ("served", "training")]
    produced = pd.concat([frame[["region", "outcomes"]] for frame in made if len(frame)] or made).groupby("region")["outcomes"].sum()
    energy = tables["energy"].groupby("region")[["mwh", "carbon_kg"]].sum()
    frame = pd.DataFrame(
        {
            "country": run.instance.tables["regions"]["country"].to_numpy(),
            "gpus": slices.groupby("region")["used_hours"].sum().reindex(names).to_numpy(float) / every,
            "most": slices.groupby(["region", "period", "block"])["used_gpus"].sum().groupby("region").max().reindex(names).to_numpy(float),
            "outcomes": produced.reindex(names).to_numpy(float),
            "cost": cost.reindex(names).to_numpy(float),
            "mwh": energy["mwh"].reindex(names).to_numpy(float),
            "carbon": energy["carbon_kg"].reindex(names).to_numpy(float) / 1000,
        },
        index=names,
    )
    return frame.fillna(dict.fromkeys(COLUMNS, 0.0))


def _table(busy: pd.DataFrame, whole: float, money: str) -> Table:
    columns = [Column("region", "text"), Column("country", "text"), Column("mean GPUs"), Column("most GPUs"), Column("weighted outcomes")]
    columns += [Column(f"cost ({money})"), Column("of the cost", "share"), Column("energy (MWh)"), Column("carbon (t CO2)")]
    rows: list[list[Cell]] = []
    for name, r in busy.iterrows():
        share = float(r["cost"]) / whole if whole else None
        figures = [float(r[c]) for c in ("gpus", "most", "outcomes", "cost")]
        rows.append([str(name), str(r["country"]), *figures, share, float(r["mwh"]), float(r["carbon"])])
    total = busy[COLUMNS].sum()
    sums = {c: float(total[c]) for c in COLUMNS}
    rows.append(["all", "", sums["gpus"], None, sums["outcomes"], sums["cost"], 1.0 if whole else None, sums["mwh"], sums["carbon"]])
    return Table("regions", "Regions in use", columns, rows, total=True, most=12)
