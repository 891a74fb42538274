"""Values that may be blank, except where something else makes use of them."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from ailis_opt.errors import Fault
from ailis_opt.io.checks.scope import MOST_LISTED, Scope


def skus(scope: Scope) -> None:
    """Memory of the GPU where a replica's memory is stated; its power where power is capped or paid for."""
    frame, work = scope.frame("skus"), scope.frame("workloads")
    if scope.whole("workloads.workload", "workloads.weights_gb", "workloads.kv_gb_per_sequence", "profiles.workload", "profiles.sku"):
        heavy = work["workload"][(work["weights_gb"] > 0) | (work["kv_gb_per_sequence"] > 0)]
        profiles = scope.frame("profiles")
        used = profiles["sku"][profiles["workload"].isin(heavy)]
        why = "needed: a workload with a profile on this SKU states weights_gb or kv_gb_per_sequence"
        scope.rows("skus", frame["memory_gb"].isna() & frame["sku"].isin(used), "memory_gb", why, "Give the GPU's memory in GB", ("sku",))
    if scope.whole("offers.sku", "offers.region", "offers.power", "power.region", "power.cap_mw"):
        offers, power = scope.frame("offers"), scope.frame("power")
        capped = power["region"][power["cap_mw"].notna()]
        used = offers["sku"][(offers["power"] == "metered") | offers["region"].isin(capped)]
        why = "needed: an offer of this SKU is metered, or in a region with a power cap"
        wrong = frame["power_kw_per_gpu"].isna() & frame["sku"].isin(used)
        scope.rows("skus", wrong, "power_kw_per_gpu", why, "Give the power of a GPU in kW", ("sku",))


def operators(scope: Scope) -> None:
    """Who runs an offer, and in which country it is, where a workload asks for it."""
    if not scope.can_place():
        return
    offers, work, regions = scope.frame("offers"), scope.frame("workloads"), scope.frame("regions")
    if scope.whole("workloads.workload", "workloads.excluded_operator_countries"):
        asking = work["workload"][work["excluded_operator_countries"].map(len) > 0]
        wrong = (offers["operator_country"] == "") & offers["offer"].isin(_where(scope, asking, "offer"))
        why = "needed: a workload with a profile on this SKU excludes operator countries"
        scope.rows("offers", wrong, "operator_country", why, "Give the country that controls the operator")
    if scope.whole("workloads.workload", "workloads.max_operator_share"):
        asking = work["workload"][work["max_operator_share"] < 1]
        wrong = (offers["provider"] == "") & offers["offer"].isin(_where(scope, asking, "offer"))
        why = "needed: a workload with a profile on this SKU limits max_operator_share"
        scope.rows("offers", wrong, "provider", why, "Give the provider")
    if scope.whole("workloads.workload", "workloads.max_country_share"):
        asking = work["workload"][work["max_country_share"] < 1]
        wrong = (regions["country"] == "") & regions["region"].isin(_where(scope, asking, "region"))
        why = "needed: a workload that can run here limits max_country_share"
        scope.rows("regions", wrong, "country", why, "Give the country of the region")


def _where(scope: Scope, workloads: pd.Series, column: str) -> Iterable[str]:
    """Offers (or regions) where one of the workloads has a profile on the SKU."""
    placed = scope.placed
    names: pd.Series = placed[column][placed["workload"].isin(workloads)]
    return set(names)


def latency(scope: Scope) -> None:
    """The round trip of every pair of geo and region that a latency limit looks at."""
    columns = ("workloads.workload", "workloads.latency_ms", "demand.workload", "demand.geo", "latency.geo", "latency.region")
    if not scope.can_place() or not scope.whole(*columns):
        return
    work, demand = scope.frame("workloads"), scope.frame("demand")
    limited = work["workload"][work["latency_ms"].notna()]
    users = demand[demand["workload"].isin(limited) & (demand["geo"] != "any")][["workload", "geo"]].drop_duplicates()
    pairs = users.merge(scope.placed[["workload", "region"]].drop_duplicates(), on="workload").drop_duplicates(["geo", "region"])
    known = pd.MultiIndex.from_frame(scope.frame("latency")[["geo", "region"]])
    missing = pairs[~pd.MultiIndex.from_frame(pairs[["geo", "region"]]).isin(known)]
    table = scope.tables["latency"]
    for workload, geo, region in missing[["workload", "geo", "region"]].head(MOST_LISTED).itertuples(index=False):
        why = f"no rtt_ms from geo {geo!r} to region {region!r}, which the latency_ms of {workload!r} needs"
        scope.faults.append(table.fault(None, None, why, f"Add the row geo={geo}, region={region}"))
    if len(missing) > MOST_LISTED:
        why = f"{len(missing) - MOST_LISTED} more pairs of geo and region have no rtt_ms"
        scope.faults.append(Fault(table.raw.file, why, "Add a row for each", column=table.raw.label(None)))
