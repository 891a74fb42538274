"""Every check with the columns that it reads: it is shown nothing else when an instance is read, and made again where one has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from ailis_opt.io.checks import meaning, needs, notices, ranges, references, uncertainty
from ailis_opt.io.checks.scope import Scope
from ailis_opt.io.checks.vocabulary import vocabulary
from ailis_opt.schema import TABLES


@dataclass(frozen=True, slots=True)
class Check:
    """`reads` are columns (`offers.region`); what else it heeds of the header is the same as long as the header is."""

    name: str
    run: Callable[[Scope], None]
    reads: frozenset[str]


def _reading(run: Callable[[Scope], None], **columns: Iterable[str]) -> Check:
    """A check that reads these columns of these tables."""
    return Check(getattr(run, "__name__", ""), run, frozenset(f"{table}.{column}" for table, names in columns.items() for column in names))


_ALL = {name: table.columns for name, table in TABLES.items()}
_WORKLOAD_LISTS = ("runtimes", "precisions", "tiers", "jurisdictions", "excluded_operator_countries")
_PROFILED, _PLACED = ("workload", "sku"), ("offer", "sku", "region")

CHECKS: tuple[Check, ...] = (
    _reading(ranges.horizon),
    _reading(
        references.existence,
        **{name: TABLES[name].key for name in references.NEVER_EMPTY if name != "profiles"},
        profiles=("profile", "workload"),
        demand=("outcomes",),
    ),
    *(_reading(partial(references.key, name=name), **{name: table.key}) for name, table in TABLES.items() if table.key),
    *(
        _reading(partial(references.reference, table=table, column=column, target=target), **{table: (column,), target: TABLES[target].key})
        for table, column, target in references.REFERENCES
    ),
    _reading(references.datasets, workloads=("datasets",), datasets=("dataset",)),
    _reading(references.targets, regions=("region",), demand=("geo",), latency=("geo",), egress=("to_region",)),
    _reading(references.blocks, demand=("block",)),
    _reading(references.edited, changes=("table", "column")),
    *(_reading(partial(ranges.period, table=table, column=column), **{table: (column,)}) for table, column in ranges.PERIODS),
    *(_reading(partial(ranges.order, table=table, low=low, high=high), **{table: (low, high)}) for table, low, high in ranges.ORDERED),
    _reading(
        meaning.offers,
        offers=(
            *("offer", "contract", "term_periods", "upfront_per_gpu", "committed_lots", "max_lots_per_period", "shares_lots_with"),
            *("take_or_pay_share", "interruptions_per_hour"),
        ),
        prices=("offer",),
    ),
    _reading(meaning.shared_lots, offers=("shares_lots_with", "max_lots", "max_lots_per_period")),
    _reading(
        meaning.workloads,
        workloads=("workload", "kind", "release_period", "deadline_period", "failover_share", "max_move_share"),
        demand=("workload", "geo"),
    ),
    _reading(uncertainty.probabilities, scenarios=("probability",)),
    _reading(uncertainty.hedges, hedges=_ALL["hedges"]),
    _reading(uncertainty.attributes, indices=("included", "excluded")),
    _reading(uncertainty.changes, changes=_ALL["changes"]),
    _reading(
        needs.skus,
        skus=("sku", "memory_gb", "power_kw_per_gpu"),
        workloads=("workload", "weights_gb", "kv_gb_per_sequence"),
        profiles=_PROFILED,
        offers=("sku", "region", "power"),
        power=("region", "cap_mw"),
    ),
    _reading(
        needs.operators,
        offers=(*_PLACED, "operator_country", "provider"),
        profiles=_PROFILED,
        regions=("region", "country"),
        workloads=("workload", "excluded_operator_countries", "max_operator_share", "max_country_share"),
    ),
    _reading(
        needs.latency,
        offers=_PLACED,
        profiles=_PROFILED,
        workloads=("workload", "latency_ms"),
        demand=("workload", "geo"),
        latency=("geo", "region"),
    ),
)
NOTICES: tuple[Check, ...] = (
    _reading(
        vocabulary,
        workloads=_WORKLOAD_LISTS,
        regions=("jurisdictions", "country"),
        skus=("runtimes", "precisions"),
        offers=("tier", "operator_country"),
        profiles=("runtime", "precision"),
        datasets=("jurisdictions",),
    ),
    _reading(
        notices.market,
        offers=("offer", "sku", "contract", "price_per_gpu_hour", "first_start", "lead_periods", "last_start", "committed_lots"),
        profiles=("profile", "sku"),
    ),
    _reading(notices.prices, offers=("offer", "region", "sku", "tier", "contract", "price_per_gpu_hour")),
    _reading(notices.unused_skus, offers=("sku",), profiles=("sku",)),
    _reading(notices.unpriced, workloads=("workload", "min_service", "unserved_cost_per_outcome")),
    _reading(notices.demand, demand=_ALL["demand"], workloads=("workload", "kind")),
    _reading(
        notices.egress,
        offers=_PLACED,
        profiles=_PROFILED,
        workloads=("workload", "datasets", "gb_per_outcome"),
        demand=("workload", "geo"),
        datasets=("dataset", "region"),
        egress=("from_region", "to_region"),
    ),
    _reading(notices.aimless, latency=("geo",), egress=("to_region",), indices=("index",), hedges=("index",)),
    _reading(uncertainty.certain, scenarios=_ALL["scenarios"], hedges=("hedge",)),
)
"""What is allowed, and yet seldom meant: warnings of a valid instance, one for each kind (words that nothing has: one for each word)."""
