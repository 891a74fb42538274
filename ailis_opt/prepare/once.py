"""What scenarios share is worked out once: they share the tables that no change of theirs touches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pandas as pd

from ailis_opt.schema.instance import Instance

Made = TypeVar("Made")
Tables = Mapping[str, pd.DataFrame]


def once(make: Callable[..., Made], *of: Sequence[Any]) -> list[Made]:
    """`make` of the arguments of each scenario, (Z,) each; where all are the very same objects as those of another scenario, its result."""
    made: dict[tuple[int, ...], Made] = {}
    found = []
    for arguments in zip(*of, strict=True):
        key = tuple(map(id, arguments))
        if key not in made:
            made[key] = make(*arguments)
        found.append(made[key])
    return found


def tables_of(cases: Sequence[Instance], *names: str) -> list[Tables]:
    """Of each case the tables named, and no others; cases that share all of them have one mapping."""
    return once(lambda *frames: dict(zip(names, frames, strict=True)), *([case.tables[name] for case in cases] for name in names))
