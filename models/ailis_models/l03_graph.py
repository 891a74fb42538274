"""L3, graph and compilation: the serving engine that a measured profile needs."""

from __future__ import annotations

from collections.abc import Sequence


def supports(runtime: str, accepted: Sequence[str]) -> bool:
    """True if no engine is named, or `accepted` holds it, or accepts every engine of the system runtime, or does not know that one (L2)."""
    base, _, engine = runtime.partition("/")
    same = [item for item in accepted if item.partition("/")[0] == base]
    return not engine or not same or base in same or runtime in same
