"""Deletion: from a set that is in conflict to one of which nothing can be left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def shrink(items: Sequence[T], infeasible: Callable[[list[T]], bool | None]) -> tuple[list[T], bool]:
    """A minimal subset of `items` that is still infeasible, and whether it is known to be minimal.

    `infeasible(subset)` must be monotone: what is infeasible stays so with more. None means that it is not known; such an item is kept.
    The first items are tried first, so of several conflicts the one is kept that rests on the last. Halves are tried before single items.
    """
    kept, known = list(range(len(items))), True

    def drop(chunk: list[int]) -> None:
        nonlocal kept, known
        if not chunk:
            return
        rest = [i for i in kept if i not in chunk]
        verdict = infeasible([items[i] for i in rest])
        if verdict:
            kept = rest
        elif len(chunk) == 1:
            known &= verdict is not None
        else:
            drop(chunk[: len(chunk) // 2])
            drop(chunk[len(chunk) // 2 :])

    drop(list(kept))
    return [items[i] for i in kept], known
