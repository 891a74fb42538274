"""Mends that open routes: what a workload would have to accept, or a chip or a place to offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ailis_models import l02_runtime, l03_graph, l04_numeric, l05_l09_data
from ailis_models.arrays import Bools, Floats, Ints
from ailis_models.layers import MASK
from ailis_opt.changes import Change, selector
from ailis_opt.explain.limits import Limit
from ailis_opt.explain.mends import Mend, Workshop, plain
from ailis_opt.prepare.routes import round_trips

MOST_OPTIONS = 12


@dataclass(frozen=True, slots=True)
class Option:
    """One way to open routes: which ways (V,) it opens, in words, and what must be changed."""

    hit: Bools
    text: str
    changes: tuple[Change, ...] = ()


class Closed:
    """The ways of a workload that one reason closes."""

    def __init__(self, shop: Workshop, limit: Limit) -> None:
        p = shop.prepared
        self.shop, self.limit, self.found, self.w = shop, limit, p.ways, limit.workload
        self.tables, self.name = shop.instance.tables, shop.names[limit.workload]
        held = np.zeros(len(p.ways.pool), dtype=bool)
        held[np.concatenate([p.route_way, p.standby_way, p.job_way])] = True
        self.hit: Bools = held & (p.ways.workload == self.w) & ((p.ways.blockers & MASK[limit.kind]) != 0)
        self.work = self.tables["workloads"].iloc[self.w]

    def pool(self, column: str) -> np.ndarray:
        """(V,) a column of the pools."""
        return self.shop.prepared.supply.pools[column].to_numpy()[self.found.pool]

    def profile(self, column: str) -> np.ndarray:
        """(V,) a column of the profiles."""
        return np.asarray(self.tables["profiles"][column].to_numpy()[self.found.profile])

    def sku(self, column: str) -> np.ndarray:
        """(V,) a column of the SKUs."""
        return np.asarray(self.tables["skus"].set_index("sku")[column].reindex(self.profile("sku")).to_numpy())

    def listed(self, column: str, items: list[str]) -> Change:
        """The workload's list in `column` becomes `items`."""
        return Change("workloads", selector(workload=self.name), column, "set", ";".join(items))


def _single(closed: Closed, values: np.ndarray, words: str) -> list[tuple[str, Option]]:
    """An option for each value of the ways that are closed."""
    every = sorted(set(values[closed.hit].tolist()))[:MOST_OPTIONS]
    return [(str(v), Option(closed.hit & (values == v), words.format(v))) for v in every]


def tier(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """Tiers that the workload would accept."""
    closed = Closed(shop, limit)
    options = _single(closed, closed.pool("tier"), "{}")
    for values, enough in _chosen(shop, limit, options):
        change = closed.listed("tiers", [*closed.work["tiers"], *values])
        yield Mend(f"accept tier {_quoted(values)} for {closed.name}", (change,), enough)


def operator(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """Countries whose operators the workload would accept."""
    closed = Closed(shop, limit)
    options = _single(closed, closed.pool("operator_country"), "{}")
    for values, enough in _chosen(shop, limit, options):
        change = closed.listed("excluded_operator_countries", [c for c in closed.work["excluded_operator_countries"] if c not in values])
        yield Mend(f"accept operators from {', '.join(values)} for {closed.name}", (change,), enough)


def jurisdiction(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """Jurisdictions that the workload would accept."""
    closed = Closed(shop, limit)
    for values, enough in _chosen(shop, limit, _by_jurisdiction(closed)):
        change = closed.listed("jurisdictions", [*closed.work["jurisdictions"], *values])
        yield Mend(f"accept jurisdiction {', '.join(values)} for {closed.name}", (change,), enough)


def data_rights(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """Jurisdictions in which the workload's datasets could be held, too."""
    closed = Closed(shop, limit)
    table = closed.tables["datasets"].set_index("dataset")["jurisdictions"]
    for values, enough in _chosen(shop, limit, _by_jurisdiction(closed)):
        narrow = [d for d in closed.work["datasets"] if table[d] and not all(l05_l09_data.permits(table[d], [v]) for v in values)]
        changes = [
            Change("datasets", selector(dataset=d), "jurisdictions", "set", ";".join(dict.fromkeys([*table[d], *values]))) for d in narrow
        ]
        if changes:
            yield Mend(f"{', '.join(narrow)} may also be held in {', '.join(values)}", tuple(changes), enough)


def _by_jurisdiction(closed: Closed) -> list[tuple[str, Option]]:
    at = closed.tables["regions"]["jurisdictions"].tolist()
    every = sorted({j for k in np.unique(closed.found.region[closed.hit]).tolist() for j in at[k]})[:MOST_OPTIONS]
    return [(j, Option(closed.hit & np.array([j in at[k] for k in closed.found.region.tolist()], dtype=bool), j)) for j in every]


def _chosen(shop: Workshop, limit: Limit, options: list[tuple[str, Option]]) -> Iterator[tuple[list[str], bool]]:
    for chosen, enough in shop.choices(limit, [shop.of_ways(option.hit) for _, option in options]):
        yield [options[i][0] for i in chosen], enough


def _quoted(values: list[str]) -> str:
    return ", ".join(f"`{v}`" for v in values)


def memory(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """The memory that a GPU of a SKU would need."""
    closed = Closed(shop, limit)
    sequences = closed.profile("sequences").astype(float)
    need = (closed.work["weights_gb"] + closed.work["kv_gb_per_sequence"] * sequences) / closed.profile("gpus").astype(float)
    yield from _by_sku(closed, np.ceil(need - 1e-9), "memory_gb", "{level} GB of memory on a GPU of {sku}, now {now}")


def topology(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """The scale-up domain, or for gangs the cluster, into which replicas fit, and which they fill."""
    closed = Closed(shop, limit)
    gpus = closed.profile("gpus").astype(float)
    if not shop.data.workloads.training[closed.w]:
        domain = closed.sku("scaleup_gpus").astype(float)
        yield from _by_sku(closed, np.ceil(domain / gpus) * gpus, "scaleup_gpus", "scale-up domains of {level} GPUs on {sku}, now {now}")
        return
    options = []
    offers = shop.prepared.supply.offers
    for pool, size in sorted(set(zip(closed.found.pool[closed.hit].tolist(), gpus[closed.hit].tolist(), strict=True)))[:MOST_OPTIONS]:
        names = offers["offer"][offers["pool"] == pool].tolist()
        changes = tuple(Change("offers", selector(offer=name), "cluster_gpus", "set", plain(size)) for name in names)
        hit = closed.hit & (closed.found.pool == pool) & (gpus <= size)
        options.append(Option(hit, f"clusters of {size:g} GPUs at {', '.join(names)}", changes))
    yield from _options(shop, limit, options)


def _by_sku(closed: Closed, level: Floats, column: str, words: str) -> Iterator[Mend]:
    """An amount of a SKU, the least of each that does."""
    skus, options = closed.profile("sku"), []
    for sku, value in sorted(set(zip(skus[closed.hit].tolist(), level[closed.hit].tolist(), strict=True)))[:MOST_OPTIONS]:
        hit = closed.hit & (skus == sku) & (level <= value)
        change = Change("skus", selector(sku=sku), column, "set", plain(value))
        options.append(
            Option(hit, words.format(level=plain(value), sku=sku, now=plain(closed.shop.now("skus", column, sku=sku))), (change,))
        )
    seen: set[str] = set()
    for mend in _options(closed.shop, closed.limit, options):
        if mend.changes[0].where not in seen or len(mend.changes) > 1:
            seen.add(mend.changes[0].where)
            yield mend


def software(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """Runtimes, engines or precisions that the workload would accept, or the SKU support."""
    closed = Closed(shop, limit)
    column = "precision" if limit.kind == "precision" else "runtime"
    supports = {"runtime": l02_runtime, "engine": l03_graph, "precision": l04_numeric}[limit.kind].supports
    values, skus = closed.profile(column), closed.profile("sku")
    lists = closed.tables["skus"].set_index("sku")[f"{column}s"]
    options = []
    for sku, value in sorted(set(zip(skus[closed.hit].tolist(), values[closed.hit].tolist(), strict=True)))[:MOST_OPTIONS]:
        text, changes = [], []
        if not supports(value, closed.work[f"{column}s"]):
            text.append(f"accept {column} {value} for {closed.name}")
            changes.append(closed.listed(f"{column}s", [*closed.work[f"{column}s"], value]))
        if not supports(value, lists[sku]):
            text.append(f"{column} {value} on {sku}")
            changes.append(Change("skus", selector(sku=sku), f"{column}s", "set", ";".join([*lists[sku], value])))
        options.append(Option(closed.hit & (skus == sku) & (values == value), " and ".join(text), tuple(changes)))
    yield from _options(shop, limit, options)


def _options(shop: Workshop, limit: Limit, options: list[Option]) -> Iterator[Mend]:
    for chosen, enough in shop.choices(limit, [shop.of_ways(option.hit) for option in options]):
        picked = [options[i] for i in chosen]
        changes = dict.fromkeys(change for option in picked for change in option.changes)
        yield Mend(" and ".join(option.text for option in picked), tuple(changes), enough)


def latency(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """The least latency limit that opens what is needed."""
    closed, p = Closed(shop, limit), shop.prepared
    late = [(blockers & MASK["latency"]) != 0 for blockers in _blockers(shop)]
    taken = _taken(shop, closed)
    owner = (shop.data.routes.workload, shop.data.standby.workload, shop.data.jobs.workload)
    mine = [hit & (of == closed.w) for hit, of in zip(late, owner, strict=True)]
    levels = np.unique(np.concatenate([ms[hit] for ms, hit in zip(taken, mine, strict=True)]))
    tries = [
        shop.opened(limit, shop.of_columns(*(hit & (ms <= level) for ms, hit in zip(taken, mine, strict=True))))
        for level in levels.tolist()
    ]
    found = shop.first_that_works(tries)
    if found is not None and len(p.askers.geo):
        level = float(levels[found[0]])
        change = Change("workloads", selector(workload=closed.name), "latency_ms", "set", plain(level))
        now = shop.now("workloads", "latency_ms", workload=closed.name)
        yield Mend(f"latency of {level:g} ms for {closed.name}, now {now:g}", (change,), found[1])


def _blockers(shop: Workshop) -> tuple[Ints, Ints, Ints]:
    r = shop.data.relaxable
    assert r is not None
    routes, standby, jobs = (np.bitwise_and.reduce(blockers) for blockers in (r.route_blockers, r.standby_blockers, r.job_blockers))
    return routes, standby, jobs


def _taken(shop: Workshop, closed: Closed) -> tuple[Floats, Floats, Floats]:
    """ms of each route (the slowest geo of its class), standby and gang (the fastest geo)."""
    p, d = shop.prepared, shop.data
    rtt = round_trips(closed.tables["latency"], list(p.askers.geo), p.regions)
    service = closed.profile("latency_ms").astype(float)
    mine = p.askers.workload == closed.w
    fastest = rtt[mine].min(axis=0, initial=np.inf)
    slowest = np.zeros((len(d.class_workload), rtt.shape[1]))
    for q in np.flatnonzero(d.class_workload == closed.w).tolist():
        slowest[q] = rtt[p.askers.klass == q].max(axis=0, initial=0.0)
    routes = slowest[d.routes.klass, d.routes.region] + service[p.route_way]
    standby = fastest[d.standby.region] + service[p.standby_way]
    return routes, standby, fastest[d.jobs.region] + service[p.job_way]


OPENINGS: dict[str, Callable[[Workshop, Limit], Iterator[Mend]]] = {
    "memory": memory,
    "topology": topology,
    "runtime": software,
    "engine": software,
    "precision": software,
    "data rights": data_rights,
    "latency": latency,
    "tier": tier,
    "jurisdiction": jurisdiction,
    "operator": operator,
}
"""Reasons that close routes, and how they are opened."""
