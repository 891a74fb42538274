"""Routes with the reasons that close them, and the demand classes found from them.

No loop runs over routes: what depends on a profile, a (workload, region) or a (workload, tier) is worked out once on those few
and then spread with numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd

from ailis_models import l01_fabric, l02_runtime, l03_graph, l04_numeric, l05_l09_data, l10_l14_flow, l15_governance
from ailis_models.arrays import Bools, Floats, Ints
from ailis_models.layers import MASK, REASONS
from ailis_opt.prepare.once import Tables


@dataclass(frozen=True, slots=True)
class Ways:
    """(workload, pool, profile): everything about a route that does not depend on the user's geo."""

    workload: Ints  # (V,)
    pool: Ints  # (V,)
    profile: Ints  # (V,)
    region: Ints  # (V,)
    gpus: Floats  # (V,) GPUs taken
    rate: Floats  # (V,) outcomes per replica-hour, waste taken off
    blockers: Ints  # (V,) reasons, latency to a geo apart
    lean_gpus: Floats  # (V,) GPUs that it would take if nothing were lost to packing
    full_rate: Floats  # (V,) outcomes per replica-hour if no time were lost to interruptions


@dataclass(frozen=True, slots=True)
class Routes:
    """(asker, way), asker = (workload, geo): every route, open or closed."""

    asker: Ints  # (X,)
    way: Ints  # (X,)
    blockers: Ints  # (X,) reasons


def _spread(values: list[list[bool]], first: Ints, second: Ints) -> Bools:
    return np.array(values, dtype=bool).reshape(len(values), -1)[first, second]


WAYS_READ = ("regions", "skus", "workloads", "profiles", "datasets")
ROUTES_READ = ("workloads", "profiles", "latency")


def ways(tables: Tables, pools: pd.DataFrame, interruptible: Bools, regions: pd.Index) -> Ways:
    """Every (workload, pool, profile) whose SKU fits, with rate, GPUs taken and blockers. `tables`: those of `WAYS_READ`."""
    workloads, skus = tables["workloads"], tables["skus"].set_index("sku")
    profiles = tables["profiles"]
    left = pd.DataFrame({"sku": profiles["sku"], "profile": np.arange(len(profiles))})
    right = pd.DataFrame({"sku": pools["sku"], "pool": np.arange(len(pools))})
    pairs = left.merge(right, on="sku", how="inner").sort_values(["profile", "pool"])
    f, p = pairs["profile"].to_numpy(np.int64), pairs["pool"].to_numpy(np.int64)
    at = pd.Index(workloads["workload"])
    profile_workload = at.get_indexer(profiles["workload"]).astype(np.int64)
    w, k = profile_workload[f], regions.get_indexer(pd.Index(pools["region"])).astype(np.int64)[p]
    sku = skus.reindex(profiles["sku"])
    gpus = profiles["gpus"].to_numpy(np.int64)
    scaleup = sku["scaleup_gpus"].to_numpy(np.int64)

    blockers = _profile_blockers(profiles, workloads.iloc[profile_workload], sku)[f]
    gang = (workloads["kind"] == "training").to_numpy()[w]
    fits = l01_fabric.fits_topology(gpus[f].astype(float), scaleup[f].astype(float), pools["cluster_gpus"].to_numpy(float)[p], gang)
    blockers |= np.where(fits, 0, MASK["topology"])
    blockers |= _place_blockers(tables, pools, w, p, k)
    waste = _waste(workloads, pools, w, p, gpus[f])
    closed = interruptible[p] & ((workloads["max_interruptible_share"].to_numpy()[w] <= 0) | (waste >= 1))
    blockers |= np.where(closed, MASK["interruption"], 0)
    rate = profiles["units_per_hour"].to_numpy(float)[f] / workloads["units_per_outcome"].to_numpy(float)[w]
    taken = l01_fabric.gpus_taken(gpus, scaleup)[f]
    return Ways(w, p, f, k, taken, rate * (1 - np.minimum(waste, 1)), blockers, gpus[f].astype(np.float64), rate)


def with_unlimited(cases: Sequence[Ways]) -> list[Ways]:
    """The ways of each scenario, and those that would be there if a layer were not enforced, which that layer therefore closes.

    Without L1.topology a replica takes just its GPUs; without L10-L14 no time is lost to interruptions.
    """
    packs, keeps = cases[0].gpus > cases[0].lean_gpus, np.any([found.rate < found.full_rate for found in cases], axis=0)
    n = np.arange(len(packs))
    way = np.concatenate([n, n[packs], n[keeps], n[packs & keeps]])
    copies = [len(n), int(packs.sum()), int(keeps.sum()), int((packs & keeps).sum())]
    lean, full = np.repeat([False, True, False, True], copies), np.repeat([False, False, True, True], copies)
    return [_unlimited(found, way, lean, full) for found in cases]


def _unlimited(found: Ways, way: Ints, lean: Bools, full: Bools) -> Ways:
    """Copies of ways: some take just their GPUs (`lean`), some lose no time to interruptions (`full`)."""
    blockers = found.blockers[way] | np.where(lean, MASK["topology"], 0) | np.where(full, MASK["interruption"], 0)
    return Ways(
        workload=found.workload[way],
        pool=found.pool[way],
        profile=found.profile[way],
        region=found.region[way],
        gpus=np.where(lean, found.lean_gpus[way], found.gpus[way]),
        rate=np.where(full, found.full_rate[way], found.rate[way]),
        blockers=blockers,
        lean_gpus=found.lean_gpus[way],
        full_rate=found.full_rate[way],
    )


def undominated(owner: Ints, pool: Ints, blockers: Ints, *takes: Floats) -> Ints:
    """Positions that are needed whichever layers are enforced. `blockers` and what is taken are (scenarios, positions).

    Of one owner in one pool, another way makes one needless if nothing closes it that does not close this one, too, and it takes no more of
    anything in any scenario (replicas are real numbers, and in one pool every cost and limit goes by outcomes or by GPUs). Of equals the
    first is kept.
    """
    order = np.lexsort((pool, owner))
    edge = np.flatnonzero(np.concatenate([[True], (np.diff(owner[order]) != 0) | (np.diff(pool[order]) != 0)])) if len(order) else order
    size = np.diff(np.concatenate([edge, [len(order)]]))
    each = np.repeat(size, size)  # members of the group of each position
    start = np.repeat(edge, size)
    one = np.repeat(np.arange(len(order)), each)
    other = np.repeat(start, each) + np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
    a, b = order[one], order[other]
    beaten, equal = a != b, np.ones(len(a), dtype=bool)
    for closed in blockers:
        beaten &= (closed[b] & ~closed[a]) == 0
        equal &= closed[a] == closed[b]
    for amount in chain(*takes):
        beaten &= amount[b] <= amount[a]
        equal &= amount[b] == amount[a]
    needless = np.zeros(len(order), dtype=bool)
    needless[a[beaten & (~equal | (b < a))]] = True
    return np.flatnonzero(~needless)


def _profile_blockers(profiles: pd.DataFrame, asks: pd.DataFrame, sku: pd.DataFrame) -> Ints:
    """(F,) memory, runtime, engine and precision: all of them follow from the profile alone."""
    memory = sku["memory_gb"].to_numpy(float)
    fits = l01_fabric.fits_memory(
        asks["weights_gb"].to_numpy(float),
        asks["kv_gb_per_sequence"].to_numpy(float),
        profiles["sequences"].to_numpy(float),
        profiles["gpus"].to_numpy(float),
        np.where(np.isnan(memory), np.inf, memory),
    )
    blockers = np.where(fits, 0, MASK["memory"])
    checks: tuple[tuple[str, str, str, Callable[[str, tuple[str, ...]], bool]], ...] = (
        ("runtime", "runtime", "runtimes", l02_runtime.supports),
        ("engine", "runtime", "runtimes", l03_graph.supports),
        ("precision", "precision", "precisions", l04_numeric.supports),
    )
    for reason, column, accepted, supports in checks:
        for listed in (sku[accepted], asks[accepted]):
            good = np.fromiter(map(supports, profiles[column], listed), bool, len(profiles))
            blockers = blockers | np.where(good, 0, MASK[reason])
    return blockers.astype(np.int64)


def _place_blockers(tables: Tables, pools: pd.DataFrame, w: Ints, p: Ints, k: Ints) -> Ints:
    """(V,) data rights, tier, jurisdiction and operator: tables over (workload, region), (workload, tier), (workload, country)."""
    workloads, at = tables["workloads"], tables["regions"]["jurisdictions"]
    rights = tables["datasets"].set_index("dataset")["jurisdictions"]
    tier, tiers = pd.factorize(pools["tier"])
    country, countries = pd.factorize(pools["operator_country"])
    by_region = {
        "data rights": [[all(l05_l09_data.permits(rights[d], j) for d in x) for j in at] for x in workloads["datasets"]],
        "jurisdiction": [[l15_governance.jurisdiction_accepted(x, j) for j in at] for x in workloads["jurisdictions"]],
    }
    by_tier = [[l15_governance.tier_accepted(x, t) for t in tiers] for x in workloads["tiers"]]
    by_country = [[l15_governance.operator_accepted(x, c) for c in countries] for x in workloads["excluded_operator_countries"]]
    blockers = np.zeros(len(w), np.int64)
    for reason, values in by_region.items():
        blockers |= np.where(_spread(values, w, k), 0, MASK[reason])
    blockers |= np.where(_spread(by_tier, w, tier[p]), 0, MASK["tier"])
    return blockers | np.where(_spread(by_country, w, country[p]), 0, MASK["operator"])


def _waste(workloads: pd.DataFrame, pools: pd.DataFrame, w: Ints, p: Ints, gpus: Ints) -> Floats:
    """(V,) share of time lost to interruptions; a replica over several lots is interrupted when any of them is (methods: Young 1974)."""
    per_hour, lot = pools["interruptions"].to_numpy(float)[p], pools["lot_if_interrupted"].to_numpy(float)[p]
    checkpoint = np.nan_to_num(workloads["checkpoint_minutes"].to_numpy(float))[w]
    restart = np.nan_to_num(workloads["restart_minutes"].to_numpy(float))[w]
    waste = np.zeros(len(w))
    hit = per_hour > 0
    lots = np.maximum(1.0, np.ceil(gpus[hit] / lot[hit]))
    waste[hit] = l10_l14_flow.checkpoint_waste(checkpoint[hit], restart[hit], 60.0 / (per_hour[hit] * lots))
    return waste


def routes(tables: Tables, found: Ways, asker_workload: Ints, asker_geo: list[str], regions: pd.Index) -> Routes:
    """Every (asker, way) with its blockers: those of the way, and latency between the asker's geo and the way's region.

    `tables`: those of `ROUTES_READ`.
    """
    order = np.argsort(found.workload, kind="stable")
    counts = np.bincount(found.workload, minlength=len(tables["workloads"]))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    per_asker = counts[asker_workload]
    asker = np.repeat(np.arange(len(asker_workload)), per_asker)
    offset = np.arange(per_asker.sum()) - np.repeat(np.cumsum(per_asker) - per_asker, per_asker)
    way = order[starts[asker_workload[asker]] + offset]

    limit = tables["workloads"]["latency_ms"].to_numpy(float)[found.workload[way]]
    profile_ms = tables["profiles"]["latency_ms"].to_numpy(float)[found.profile[way]]
    rtt = round_trips(tables["latency"], asker_geo, regions)[asker, found.region[way]]
    late = ~l10_l14_flow.in_time(rtt, profile_ms, limit)
    return Routes(asker, way, found.blockers[way] | np.where(late, MASK["latency"], 0))


def round_trips(latency: pd.DataFrame, geos: list[str], regions: pd.Index) -> Floats:
    """(len(geos), regions) ms; 0 for geo `any`, NaN where no pair is listed."""
    rtt = np.full((len(geos), len(regions)), np.nan)
    at = regions.get_indexer(pd.Index(latency["region"]))
    for i, geo in enumerate(geos):
        mine = (latency["geo"] == geo).to_numpy()
        rtt[i, at[mine]] = latency["rtt_ms"].to_numpy(float)[mine]
        if geo == "any":
            rtt[i] = 0.0
    return rtt


def closed_by(blockers: Ints) -> dict[str, int]:
    """Routes by the first reason that closes them, in the order of the layer map; the counts add up to the closed routes."""
    counts: dict[str, int] = {}
    left = blockers != 0
    for reason in REASONS:
        hit = left & ((blockers & reason.mask) != 0)
        if hit.any():
            counts[reason.name] = int(hit.sum())
        left &= ~hit
    return counts
