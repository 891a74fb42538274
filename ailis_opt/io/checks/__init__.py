"""Checks across rows and tables. Each gathers faults, and is skipped only where what it needs is at fault already."""

from __future__ import annotations

from collections.abc import Mapping

from ailis_opt.errors import Fault
from ailis_opt.io.checks import meaning, needs, ranges, references
from ailis_opt.io.checks.notices import notices
from ailis_opt.io.checks.scope import Scope
from ailis_opt.io.document import Document
from ailis_opt.io.rows import Loaded

CHECKS = (
    ranges.horizon,
    references.existence,
    references.keys,
    references.references,
    ranges.periods,
    meaning.offers,
    meaning.shared_lots,
    meaning.workloads,
    meaning.not_yet,
    needs.skus,
    needs.operators,
    needs.latency,
)


def check(document: Document, tables: Mapping[str, Loaded], faults: list[Fault]) -> list[str]:
    """Check the whole instance: appends to `faults`, returns the warnings (none where there are faults)."""
    scope = Scope(document, tables, faults)
    for one in CHECKS:
        one(scope)
    if not faults:
        notices(scope)
    return scope.warnings
