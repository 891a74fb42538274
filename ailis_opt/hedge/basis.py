"""What is left open, by type of basis risk: the plan stays as it is signed, and the changes of only some types come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.changes.scenarios import Variant, variants
from ailis_opt.evaluate import Signed, evaluate
from ailis_opt.prepare.payoffs import payoffs
from ailis_opt.risk.basis import Coalition, coalitions, split
from ailis_opt.risk.measures import cvar, variance
from ailis_opt.schema.instance import Instance

UNTYPED = ""
"""The type of changes that name none."""


@dataclass(frozen=True, slots=True)
class BasisSplit:
    """Shares of each type in the variance [money²] and in the CVaR [money] of what is left, less its mean where nothing changes. They sum
    to
    `total_variance` and `total_cvar`."""

    variance: Mapping[str, float]
    cvar: Mapping[str, float]
    total_variance: float
    total_cvar: float


class Scenarios:
    """The scenarios of an instance with the changes of only some types made; each is made once."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        changes = instance.tables["changes"]
        names = instance.tables["scenarios"]["scenario"]
        self.types = tuple(sorted(set(changes["basis"])))
        self._own = [frozenset(changes["basis"][changes["scenario"] == name]) for name in names]
        self._made: dict[tuple[int, Coalition], Variant] = {}

    def coalitions(self) -> list[Coalition]:
        """All sets of types, small ones first."""
        return list(coalitions(self.types))

    def key(self, scenario: int, types: Coalition) -> tuple[int, Coalition]:
        """What a scenario is with these types: another set may make the same of it."""
        return scenario, types & self._own[scenario]

    def needed(self, sets: Sequence[Coalition]) -> dict[tuple[int, Coalition], Variant]:
        """The instances behind all scenarios with these sets of types."""
        for types in sets:
            wanted = [z for z in range(len(self._own)) if self.key(z, types) not in self._made]
            if wanted:
                made = variants(self.instance, types)
                self._made |= {self.key(z, types): made[z] for z in wanted}
        return {self.key(z, types): self._made[self.key(z, types)] for types in sets for z in range(len(self._own))}

    def table(self, sets: Sequence[Coalition], values: Mapping[tuple[int, Coalition], float]) -> dict[Coalition, Floats]:
        """(scenarios,) values for each set of types."""
        return {types: np.array([values[self.key(z, types)] for z in range(len(self._own))]) for types in sets}


def costs_of(of: Scenarios, signed: Signed, price: float) -> dict[Coalition, Floats]:
    """The cost of a plan in every scenario, for every set of types; infinite where the plan has no way to meet a limit."""
    sets = of.coalitions()
    needed = of.needed(sets)
    found = evaluate(of.instance, signed, list(needed.values()), price)
    return of.table(sets, dict(zip(needed, found.cost.tolist(), strict=True)))


def payoffs_of(of: Scenarios) -> list[dict[Coalition, Floats]]:
    """What a lot of each hedge pays in every scenario, for every set of types."""
    sets = of.coalitions()
    needed = of.needed(sets)
    paid = {key: payoffs(variant.instance).payoff for key, variant in needed.items()}
    hedges = len(of.instance.tables["hedges"])
    return [of.table(sets, {key: float(each[e]) for key, each in paid.items()}) for e in range(hedges)]


def split_of(residuals: Mapping[Coalition, Floats], probability: Floats, alpha: float) -> BasisSplit | None:
    """Shares of the types in what is left; None where a residual is not finite: the plan fails where only some of the changes come."""
    if not all(np.isfinite(each).all() for each in residuals.values()):
        return None
    by_variance = split(residuals, probability, variance)
    by_cvar = split(residuals, probability, partial(cvar, alpha=alpha))
    everything, nothing = frozenset().union(*residuals), frozenset[str]()
    centre = float(probability @ residuals[nothing])
    return BasisSplit(
        by_variance,
        by_cvar,
        variance(residuals[everything], probability) - variance(residuals[nothing], probability),
        cvar(residuals[everything] - centre, probability, alpha) - cvar(residuals[nothing] - centre, probability, alpha),
    )
