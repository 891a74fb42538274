"""Checks across rows and tables. Each gathers faults, and is skipped only where what it needs is at fault already."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ailis_opt.errors import Fault
from ailis_opt.io.checks.reads import CHECKS, NOTICES
from ailis_opt.io.checks.scope import Scope
from ailis_opt.io.document import Document
from ailis_opt.io.rows import Loaded

Noted = Mapping[str, tuple[str, ...]]
"""Warnings by the notice that gave them."""


def check(document: Document, tables: Mapping[str, Loaded], faults: list[Fault]) -> Noted:
    """Check the whole instance: appends to `faults`, returns the warnings (none where there are faults)."""
    return recheck(document, tables, faults, None, {})


def recheck(document: Document, tables: Mapping[str, Loaded], faults: list[Fault], changed: Collection[str] | None, before: Noted) -> Noted:
    """Check an instance of which only the columns `changed` (`offers.tier`; None: any) are not those of a valid one.

    `before` are the warnings of that one. What reads none of them is not checked again: it would find what it found then.
    """
    scope = Scope(document, tables, faults)
    for one in CHECKS:
        if changed is None:
            one.run(scope.limited(one.reads))
        elif not one.reads.isdisjoint(changed):
            one.run(scope)
    noted: dict[str, tuple[str, ...]] = {}
    for one in NOTICES if not faults else ():
        begun = len(scope.warnings)
        if changed is not None and one.reads.isdisjoint(changed) and one.name in before:
            noted[one.name] = before[one.name]
        else:
            one.run(scope.limited(one.reads) if changed is None else scope)
            noted[one.name] = tuple(scope.warnings[begun:])
    return noted
