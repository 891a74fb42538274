"""Warnings: what is allowed, and yet seldom meant."""

from __future__ import annotations

import pandas as pd

from ailis_opt.io.checks.scope import HIRED, Scope


def market(scope: Scope) -> None:
    """Offers that cost nothing, that come too late, and profiles that nothing can run."""
    offers, profiles = scope.frame("offers"), scope.frame("profiles")
    free = (offers["price_per_gpu_hour"] == 0) & (offers["contract"] != "owned")
    scope.warn("offers", "offers that cost nothing per GPU-hour and are not owned", offers["offer"][free])
    late = offers[["first_start", "lead_periods"]].max(axis=1) > offers["last_start"].fillna(_last(scope))
    scope.warn("offers", "offers that are not delivered inside their window", offers["offer"][late & (offers["committed_lots"] == 0)])
    idle = ~profiles["sku"].isin(offers["sku"])
    scope.warn("profiles", "profiles on SKUs that nobody offers", profiles["profile"][idle])


def aimless(scope: Scope) -> None:
    """Rows that nothing looks at."""
    for table, geo in (("latency", "geo"), ("egress", "to_region")):
        wide = scope.frame(table)[geo] == "any"
        scope.warn(table, "rows for the geo any have no effect", (f"row {scope.tables[table].raw.lines[i]}" for i in wide[wide].index))
    idle = ~scope.frame("indices")["index"].isin(scope.frame("hedges")["index"])
    scope.warn("indices", "indices that no hedge pays on", scope.frame("indices")["index"][idle])


def _last(scope: Scope) -> int:
    return scope.document.horizon.periods - 1 if scope.document.horizon else 0


def prices(scope: Scope) -> None:
    """Committed offers that cost more than hiring the same: a price per month in place of one per hour."""
    offers, place = scope.frame("offers"), ["region", "sku", "tier"]
    hired = offers["contract"].isin(HIRED)
    dearest = offers[hired].groupby(place)["price_per_gpu_hour"].max().rename("dearest")
    most = offers.join(dearest, on=place)["dearest"]  # NaN where nothing is hired
    dear = (offers["price_per_gpu_hour"] > most) & (most > 0)
    what = "committed offers that cost more per GPU-hour than any hired one of the same region, SKU and tier (a price per month?)"
    scope.warn("offers", what, offers["offer"][dear & ~hired])


def unused_skus(scope: Scope) -> None:
    """Offers that no workload can use."""
    skus = scope.frame("offers")["sku"]
    counts = skus[~skus.isin(scope.frame("profiles")["sku"])].value_counts(sort=False)
    scope.warn("offers", "offers on SKUs without any profile, so nothing can run on them", (f"{sku} ({n})" for sku, n in counts.items()))


def unpriced(scope: Scope) -> None:
    """Workloads that a ratio may shed for nothing."""
    work, header = scope.frame("workloads"), scope.document.header
    if header is not None and header.objective == "cost_per_outcome":
        shed = (work["min_service"] < 1) & (work["unserved_cost_per_outcome"] == 0)
        what = "workloads that may be left unserved without a price (min_service below 1, unserved_cost_per_outcome 0)"
        scope.warn("workloads", what, work["workload"][shed])


def demand(scope: Scope) -> None:
    """Rows that demand nothing, that are there twice, that say more than training heeds; workloads that nobody wants."""
    asked, work = scope.frame("demand"), scope.frame("workloads")
    lines = scope.tables["demand"].raw.lines
    zero = asked["outcomes"] == 0
    scope.warn("demand", "rows that demand nothing", (f"row {lines[i]}" for i in zero[zero].index))
    again = asked.duplicated() & ~zero
    what = "rows that are the same as an earlier one, so that their outcomes count twice"
    scope.warn("demand", what, (f"row {lines[i]}" for i in again[again].index))
    wanted = asked["workload"][~zero]
    scope.warn("workloads", "workloads without demand", work["workload"][~work["workload"].isin(wanted)])
    training = asked["workload"].isin(work["workload"][work["kind"] == "training"])
    dated = training & (asked["period"].notna() | (asked["block"] != ""))
    what = "period and block of training demand have no effect (it is due between release and deadline)"
    scope.warn("demand", what, (f"row {lines[i]}" for i in dated[dated].index))


def egress(scope: Scope) -> None:
    """Pairs that data would flow between, and that have no price: they are free."""
    work, asked, listed = scope.frame("workloads"), scope.frame("demand"), scope.frame("egress")
    places = scope.placed[["workload", "region"]].drop_duplicates()
    held = work[["workload", "datasets"]].explode("datasets").dropna().merge(places, on="workload")
    homes = scope.frame("datasets")[["dataset", "region"]].rename(columns={"region": "home"})
    copies = held.merge(homes, left_on="datasets", right_on="dataset")
    copies = copies[copies["home"] != copies["region"]][["home", "region"]]
    sending = work["workload"][work["gb_per_outcome"] > 0]
    users = asked[asked["workload"].isin(sending) & (asked["geo"] != "any")][["workload", "geo"]].drop_duplicates()
    sent = users.merge(places, on="workload")[["region", "geo"]]
    priced = pd.MultiIndex.from_frame(listed[["from_region", "to_region"]])
    for what, pairs in (("copies of datasets", copies), ("what users receive", sent)):
        wanted = pd.MultiIndex.from_frame(pairs.drop_duplicates())
        missing = wanted[~wanted.isin(priced)]
        scope.warn("egress", f"egress that is not listed and so is free, for {what}", (f"{a} -> {b}" for a, b in missing))
