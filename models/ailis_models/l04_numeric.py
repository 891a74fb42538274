"""L4, numeric: the precisions that a SKU computes in and a workload accepts."""

from __future__ import annotations

from collections.abc import Sequence


def supports(precision: str, accepted: Sequence[str]) -> bool:
    """True if the profile's precision is in the list (a SKU's or a workload's; empty accepts all)."""
    return not precision or not accepted or precision in accepted
