"""Each hedge by itself, at the volume that leaves the least variance of the cost of a plan without hedges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.hedge.basis import BasisSplit, Scenarios, payoffs_of, split_of
from ailis_opt.risk.basis import Coalition
from ailis_opt.risk.measures import Effectiveness, effectiveness


@dataclass(frozen=True, slots=True)
class Single:
    """A hedge against the unhedged cost: `lots` leave the least variance (Johnson 1960), below 0 where it would have to be sold."""

    hedge: str
    index: str
    lots: float | None
    effectiveness: Effectiveness
    basis: BasisSplit | None
    exposure: Floats  # (scenarios,)
    payoff: Floats  # (scenarios,) of these lots


def singles(of: Scenarios, exposure: Mapping[Coalition, Floats], probability: Floats, alpha: float) -> tuple[Single, ...]:
    """Every hedge of the instance against an exposure (scenarios,), given for every set of types."""
    everything, found = frozenset(of.types), []
    table = of.instance.tables["hedges"]
    for name, index, payoff in zip(table["hedge"], table["index"], payoffs_of(of), strict=True):
        ratio = effectiveness(exposure[everything], payoff[everything], probability).min_variance_ratio
        lots = 0.0 if np.isnan(ratio) else ratio
        judged = effectiveness(exposure[everything], lots * payoff[everything], probability)
        left = {types: exposure[types] - lots * payoff[types] for types in exposure}
        split = None if np.isnan(ratio) else split_of(left, probability, alpha)
        found.append(
            Single(name, index, None if np.isnan(ratio) else ratio, judged, split, exposure[everything], lots * payoff[everything])
        )
    return tuple(found)
