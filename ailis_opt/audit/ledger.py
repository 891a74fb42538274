"""What an audit finds: violations, the verdict, and the ledger in which the checks write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]
Columns = Mapping[str, npt.NDArray[Any]]
"""A table as one array (rows,) by column: pandas takes longer to look a column up than most checks to look at it."""
Where = Callable[[tuple[int, ...]], str]

EXACT = 1e-6
"""How far a whole number may be from whole (absolute), and a stated figure from the recomputed one (relative)."""


@dataclass(frozen=True)
class Violation:
    """One limit that a plan breaks.

    `layer` is an id of the layer map, `contract`, or `plan` (the tables contradict themselves or the instance);
    `amount` is how far beyond the limit, in `unit`.
    """

    layer: str
    limit: str
    where: str
    amount: float
    unit: str

    def __str__(self) -> str:
        return f"{self.layer} {self.limit} ({self.where}): {self.amount:.6g} {self.unit} beyond the limit"


@dataclass(frozen=True)
class Audit:
    """The verdict on a plan, with every figure recomputed.

    `max_violation` is the largest amount ÷ max(1, |limit|) seen in any check, also within the tolerance; `cost` is N and `cost_by` its
    components in the instance's currency; `outcomes` is D, the weighted outcomes served; `violations` stand worst first;
    `checked` counts the rows looked at per limit ("layer limit").
    """

    ok: bool
    max_violation: float
    cost: float
    outcomes: float
    cost_by: dict[str, float]
    violations: tuple[Violation, ...]
    checked: dict[str, int]


class Ledger:
    """Collects what the checks find; each check compares an array of values with its limits at once."""

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance
        self.checked: dict[str, int] = {}
        self.worst = 0.0
        self._found: list[tuple[float, Violation]] = []

    @property
    def violations(self) -> tuple[Violation, ...]:
        """All violations, the worst (relative) first."""
        return tuple(v for _, v in sorted(self._found, key=lambda found: -found[0]))

    def at_most(
        self,
        layer: str,
        limit: str,
        unit: str,
        value: npt.ArrayLike,
        bound: npt.ArrayLike,
        where: Where,
        *,
        mask: npt.ArrayLike = True,
        scale: npt.ArrayLike | None = None,
        tolerance: float | None = None,
    ) -> None:
        """Value <= bound elementwise, where `mask` holds and the bound is finite.

        `where` names an element by its index; `scale` stands in for |bound|.
        """
        bounds = np.asarray(bound, float)
        scales = np.maximum(1.0, np.abs(bounds if scale is None else np.asarray(scale, float)))
        chosen = np.asarray(mask, bool) & np.isfinite(bounds)
        excess = np.where(chosen, np.asarray(value, float) - np.where(chosen, bounds, 0.0), 0.0)
        excess[np.isnan(excess)] = np.inf  # what cannot be computed is not met
        relative = excess / np.where(np.isfinite(scales), scales, 1.0)
        family = f"{layer} {limit}"
        self.checked[family] = self.checked.get(family, 0) + int(np.count_nonzero(np.broadcast_to(chosen, excess.shape)))
        if relative.size:
            self.worst = max(self.worst, float(relative.max()))
        for index in zip(*np.nonzero(relative > (self.tolerance if tolerance is None else tolerance)), strict=True):
            violation = Violation(layer, limit, where(tuple(int(i) for i in index)), float(excess[index]), unit)
            self._found.append((float(relative[index]), violation))

    def at_least(self, layer: str, limit: str, unit: str, value: npt.ArrayLike, bound: npt.ArrayLike, where: Where) -> None:
        """Value >= bound elementwise."""
        self.at_most(layer, limit, unit, -np.asarray(value, float), -np.asarray(bound, float), where)

    def equal(
        self, layer: str, limit: str, unit: str, value: npt.ArrayLike, target: npt.ArrayLike, where: Where, *, mask: npt.ArrayLike = True
    ) -> None:
        """Value = target elementwise where `mask`."""
        targets = np.asarray(target, float)
        self.at_most(layer, limit, unit, np.abs(np.asarray(value, float) - targets), 0.0, where, mask=mask, scale=targets)

    def stated(self, column: str, unit: str, value: npt.ArrayLike, recomputed: npt.ArrayLike, where: Where) -> None:
        """A figure that the plan states is the one recomputed."""
        targets = np.asarray(recomputed, float)
        gap = np.abs(np.asarray(value, float) - targets)
        self.at_most("plan", "stated figure", unit, gap, 0.0, within(column, where), scale=targets, tolerance=EXACT)

    def whole(self, layer: str, limit: str, unit: str, value: npt.ArrayLike, where: Where, *, mask: npt.ArrayLike = True) -> None:
        """Value is whole where `mask`."""
        values = np.asarray(value, float)
        self.at_most(layer, limit, unit, np.abs(values - np.round(values)), 0.0, where, mask=mask, tolerance=EXACT)

    def true(self, layer: str, limit: str, unit: str, good: npt.ArrayLike, where: Where) -> None:
        """Holds elementwise; each element that does not is one `unit` of violation."""
        self.at_most(layer, limit, unit, ~np.asarray(good, bool), 0.0, where)


def rows(table: Columns, keys: Sequence[str]) -> Where:
    """Names row `i` of a table by its keys: "offer=a, period=0"."""
    columns = {key: table[key] for key in keys}

    def where(index: tuple[int, ...]) -> str:
        return ", ".join(f"{key}={_plain(column[index[0]])}" for key, column in columns.items())

    return where


def axes(**labels: Sequence[object]) -> Where:
    """Names an element of an array by one list of labels per axis: "pool=p, slice=0/peak"."""

    def where(index: tuple[int, ...]) -> str:
        return ", ".join(f"{name}={names[i]}" for (name, names), i in zip(labels.items(), index, strict=True))

    return where


def within(text: str, where: Where) -> Where:
    """The same name with `text` before it: "hired.gpus: offer=a"."""
    return lambda index: f"{text}: {where(index)}"


def _plain(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value
