"""Checks across rows and tables. Each gathers faults, and is skipped only where what it needs is at fault already."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from ailis_opt.errors import Fault
from ailis_opt.io.checks import meaning, needs, notices, ranges, references, uncertainty
from ailis_opt.io.checks.scope import Scope
from ailis_opt.io.checks.vocabulary import vocabulary
from ailis_opt.io.document import Document
from ailis_opt.io.rows import Loaded
from ailis_opt.schema import TABLES

Check = Callable[[Scope], None]
Noted = Mapping[str, tuple[str, ...]]
"""Warnings by the notice that gave them."""

CHECKS: tuple[Check, ...] = (
    ranges.horizon,
    references.existence,
    references.keys,
    references.references,
    ranges.periods,
    meaning.offers,
    meaning.shared_lots,
    meaning.workloads,
    uncertainty.probabilities,
    uncertainty.hedges,
    uncertainty.attributes,
    uncertainty.changes,
    needs.skus,
    needs.operators,
    needs.latency,
)
NOTICES: tuple[Check, ...] = (
    vocabulary,
    notices.market,
    notices.prices,
    notices.unused_skus,
    notices.unpriced,
    notices.demand,
    notices.egress,
    notices.aimless,
    uncertainty.certain,
)
"""What is allowed, and yet seldom meant: warnings of a valid instance, one for each kind (words that nothing has: one for each word)."""

_PLACED = ("profiles.workload", "profiles.sku", "offers.offer", "offers.sku", "offers.region")
_LISTS = ("runtimes", "precisions", "tiers", "jurisdictions", "excluded_operator_countries")
_UNCERTAIN = ("scenarios", "changes", "hedges", "indices")
READS: dict[Check, tuple[str, ...]] = {
    **{
        one: tuple(f"{name}.{column}" for name in _UNCERTAIN for column in TABLES[name].columns)
        for one in (uncertainty.probabilities, uncertainty.hedges, uncertainty.attributes, uncertainty.changes)
    },
    references.keys: tuple(f"{name}.{column}" for name, table in TABLES.items() for column in table.key),
    needs.operators: (
        *_PLACED,
        *("offers.operator_country", "offers.provider", "regions.region", "regions.country", "workloads.workload"),
        *("workloads.excluded_operator_countries", "workloads.max_operator_share", "workloads.max_country_share"),
    ),
    needs.latency: (
        *_PLACED,
        *("workloads.workload", "workloads.latency_ms", "demand.workload", "demand.geo", "latency.geo", "latency.region"),
    ),
    vocabulary: (
        *(f"workloads.{column}" for column in _LISTS),
        *("regions.jurisdictions", "regions.country", "skus.runtimes", "skus.precisions", "offers.tier", "offers.operator_country"),
        *("profiles.runtime", "profiles.precision", "datasets.jurisdictions"),
    ),
    notices.egress: (
        *_PLACED,
        *("workloads.workload", "workloads.datasets", "workloads.gb_per_outcome", "demand.workload", "demand.geo"),
        *("datasets.dataset", "datasets.region", "egress.from_region", "egress.to_region"),
    ),
}
"""All that these checks read: they are shown nothing else. The others are few steps."""


def check(document: Document, tables: Mapping[str, Loaded], faults: list[Fault]) -> Noted:
    """Check the whole instance: appends to `faults`, returns the warnings (none where there are faults)."""
    return recheck(document, tables, faults, None, {})


def recheck(document: Document, tables: Mapping[str, Loaded], faults: list[Fault], changed: Collection[str] | None, before: Noted) -> Noted:
    """Check an instance of which only the columns `changed` (`offers.tier`; None: any) are not those of a valid one.

    `before` are the warnings of that one. What reads none of them is not checked again: it would find what it found then.
    """
    scope = Scope(document, tables, faults)
    for one in CHECKS:
        if _touched(one, changed):
            one(_shown(one, scope))
    noted: dict[str, tuple[str, ...]] = {}
    for one in NOTICES if not faults else ():
        name, begun = one.__name__, len(scope.warnings)
        if _touched(one, changed) or name not in before:
            one(_shown(one, scope))
            noted[name] = tuple(scope.warnings[begun:])
        else:
            noted[name] = before[name]
    return noted


def _touched(one: Check, changed: Collection[str] | None) -> bool:
    return changed is None or one not in READS or not set(READS[one]).isdisjoint(changed)


def _shown(one: Check, scope: Scope) -> Scope:
    return scope.limited(READS[one]) if one in READS else scope
