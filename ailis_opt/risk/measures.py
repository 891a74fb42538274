"""Measures of a cost that differs by scenario, and of how well a hedge offsets it. Exact for discrete distributions.

Values are costs: more is worse. Probabilities sum to 1. Arrays have one entry per scenario, (S,).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ailis_models.arrays import Floats

ROUNDING = 1e-12
CUSTOMARY: dict[str, tuple[float, float]] = {
    "variance_reduction": (0.8, 1.0),
    "r2": (0.8, 1.0),
    "slope": (0.8, 1.25),
    "dollar_offset": (0.8, 1.25),
}
"""Ranges in which a hedge is customarily called highly effective: 80 to 125 % (IAS 39, AG105); R² and variance reduction from 80 % on, by
the same custom. Indicators for a reader, no accounting opinion."""


def expected(values: Floats, probabilities: Floats) -> float:
    """Σ π v."""
    return float(probabilities @ values)


def variance(values: Floats, probabilities: Floats) -> float:
    """Σ π (v − mean)²."""
    return float(probabilities @ _deviations(values, probabilities) ** 2)


def worst(values: Floats, probabilities: Floats) -> float:
    """The greatest value that is possible at all."""
    return float(np.max(values[probabilities > 0]))


def var(values: Floats, probabilities: Floats, alpha: float) -> float:
    """Value at risk: the least v with P(value <= v) >= alpha."""
    order = np.argsort(values, kind="stable")
    order = order[probabilities[order] > 0]
    reached = np.cumsum(probabilities[order]) >= alpha - ROUNDING
    return float(values[order][np.argmax(reached)])


def cvar(values: Floats, probabilities: Floats, alpha: float) -> float:
    """Mean of the worst 1 − alpha of the probability; the scenario on its edge counts with the part of it that is inside.

    The least over η of η + Σ π (v − η)⁺ / (1 − alpha) (Rockafellar, Uryasev 2002). alpha = 0: the mean; alpha = 1: the worst.
    """
    if alpha >= 1:
        return worst(values, probabilities)
    order = np.argsort(-values, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(probabilities[order])[:-1]])
    inside = np.clip(1 - alpha - before, 0.0, probabilities[order])
    return float(inside @ values[order] / inside.sum())


@dataclass(frozen=True, slots=True)
class Effectiveness:
    """How well a payoff H offsets an exposure P (a cost without the hedge). NaN: not defined, as one of them does not vary.

    `variance_reduction`: 1 − var(P − H) / var(P). `r2`: squared correlation. `slope`: of the regression of H on P, cov(P, H) / var(P).
    `dollar_offset`: Σ π h sign(p) / Σ π |p|, with deviations h, p from the means: what the payoff makes good of a unit of deviation.
    `min_variance_ratio`: how many times H leaves the least variance, cov(P, H) / var(H) (Johnson 1960).
    """

    variance_reduction: float
    r2: float
    slope: float
    dollar_offset: float
    min_variance_ratio: float

    def customary(self) -> dict[str, bool | None]:
        """Whether each is in its customary range; None where it is not defined, only those that have one."""
        found: dict[str, bool | None] = {}
        for name, (low, high) in CUSTOMARY.items():
            value = getattr(self, name)
            found[name] = None if np.isnan(value) else bool(low - ROUNDING <= value <= high + ROUNDING)
        return found

    def to_dict(self) -> dict[str, float | None]:
        """For JSON: None in place of NaN."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: None if np.isnan(value) else value for name, value in values.items()}


def effectiveness(exposure: Floats, payoff: Floats, probabilities: Floats) -> Effectiveness:
    """How well `payoff` offsets `exposure`, over the scenarios."""
    p, h = _deviations(exposure, probabilities), _deviations(payoff, probabilities)
    var_p, var_h, joint = (float(probabilities @ product) for product in (p * p, h * h, p * h))
    return Effectiveness(
        variance_reduction=_ratio(2 * joint - var_h, var_p),
        r2=_ratio(joint * joint, var_p * var_h),
        slope=_ratio(joint, var_p),
        dollar_offset=_ratio(float(probabilities @ (h * np.sign(p))), float(probabilities @ np.abs(p))),
        min_variance_ratio=_ratio(joint, var_h),
    )


def _deviations(values: Floats, probabilities: Floats) -> Floats:
    """From the mean; 0 where it is all rounding."""
    apart = np.where(probabilities > 0, values - probabilities @ values, 0.0)
    return np.where(np.abs(apart) <= ROUNDING * np.max(np.abs(values), initial=0.0), 0.0, apart)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


@dataclass(frozen=True, slots=True)
class Regret:
    """What each portfolio costs more than the best one of each scenario [money].

    `table` (portfolios, scenarios); `most` and `expected` (portfolios,).
    """

    table: Floats
    most: Floats
    expected: Floats


def regret(costs: Floats, probabilities: Floats) -> Regret:
    """Regret of costs (portfolios, scenarios)."""
    table = costs - costs.min(axis=0)
    return Regret(table, np.where(probabilities > 0, table, 0.0).max(axis=1), table @ probabilities)
