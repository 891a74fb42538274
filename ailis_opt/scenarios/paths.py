"""Paths of the factors, and when events happen: a Latin hypercube (McKay, Beckman, Conover 1979) of n draws."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from ailis_models.arrays import Floats
from ailis_opt.calendar import calendar
from ailis_opt.scenarios.effects import Happening
from ailis_opt.scenarios.events import Event
from ailis_opt.scenarios.fit import Fit
from ailis_opt.schema import Header

HOURS_PER_YEAR = 8766.0


def strata(rng: np.random.Generator, n: int, dimensions: int) -> Floats:
    """(n, dimensions) uniform in (0, 1): of each dimension every n-th part once, in an order of its own."""
    order = rng.permuted(np.tile(np.arange(n), (dimensions, 1)), axis=1).T
    return np.asarray((order + rng.random((n, dimensions))) / n)


def middles(header: Header) -> Floats:
    """(T,) years from the start of the horizon to the middle of each period."""
    hours = calendar(header).period_hours
    return np.asarray((np.cumsum(hours) - hours / 2) / HOURS_PER_YEAR)


def paths(fit: Fit, years: Floats, n: int, rng: np.random.Generator) -> Floats:
    """(n, T, F) of each factor's x at `years` (T,) from today, where it is 0.

    Over a step dt the increment is normal with mean drift·dt and variance v²·dt; with a pull k towards m the step is exact:
    x' = m + (x − m)·e^(−k·dt) + v·√((1 − e^(−2k·dt))/(2k))·Z.
    """
    steps = np.diff(years, prepend=0.0)
    factors, many = fit.factors, (n, len(steps), len(fit.factors))
    normal = np.vectorize(NormalDist().inv_cdf, otypes=[float])
    spread = np.linalg.cholesky(np.array(fit.correlation, dtype=float))
    z = normal(np.clip(strata(rng, n, many[1] * many[2]), 1e-12, 1 - 1e-12)).reshape(many) @ spread.T
    drift, volatility, pull, level = (
        np.array([getattr(factor, name) for factor in factors], dtype=float)
        for name in ("drift_drawn_per_year", "volatility_per_year", "pull_per_year", "level")
    )
    x, out = np.zeros((n, len(factors))), np.empty(many)
    for t, dt in enumerate(steps):
        kept = np.exp(-pull * dt)
        variance = np.where(pull > 0, (1 - kept**2) / (2 * np.where(pull > 0, pull, 1.0)), dt)
        x = level + (x - level) * kept + drift * dt + volatility * np.sqrt(variance) * z[:, t]
        out[:, t] = x
    return out


def happenings(events: Sequence[Event], periods: int, n: int, rng: np.random.Generator) -> list[list[Happening | None]]:
    """Per event and draw: what happens, or None."""
    u = strata(rng, n, 3 * len(events)).reshape(n, len(events), 3)
    return [[_happening(event, u[k, e], periods) for k in range(n)] for e, event in enumerate(events)]


def _happening(event: Event, u: Floats, periods: int) -> Happening | None:
    """`u` (3,): whether, how strong, when."""
    happens, strength, moment = u.tolist()
    if happens >= event.probability:
        return None
    low, high = event.severity or (0.0, 0.0)
    first, last = event.when or (0, periods - 1)
    whole = event.kind == "grid_slip"
    severity = low + np.floor(strength * (high - low + 1)) if whole else low + strength * (high - low)
    return Happening(float(severity), first + int(moment * (last - first + 1)))
