"""The fit of a history: drift, volatility, reversion and correlation of its factors. All rates are per year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from ailis_models.arrays import Floats
from ailis_opt.scenarios.events import Event
from ailis_opt.scenarios.factors import Kind, Panel, panel
from ailis_opt.scenarios.history import PER_YEAR, History, Spacing, label, read_history
from ailis_opt.schema.columns import Name, Number, Row, cell
from ailis_opt.schema.uncertainty import Basis

FEW = 24
"""Changes below which a fit is called weak."""
STANDARD_ERRORS = 2.0
DICKEY_FULLER = -3.0
"""5 % point of the t statistic with a constant at 25 observations (Fuller 1976, table 8.5.2)."""
REVERTING: tuple[Kind, ...] = ("spot", "sku", "region")
LEAST_EIGENVALUE = 1e-3
STANDING = 1e-9
"""A change below is none."""
MOSTLY = 0.5
"""Share of changes that are none above which a series is said to move in steps."""
HEAVY = 3.0
"""Excess kurtosis above which tails are called fat."""


class Factor(Row):
    """One thing that moves. `x` is the logarithm of what it multiplies (spot: log-odds of the share), 0 today.

    Without `pull`: dx = drift_drawn·dt + volatility·dW; with it: dx = pull·(level − x)·dt + volatility·dW.
    """

    name: Name = cell("name of the factor", "name")
    kind: Kind = cell("what it moves", "one of")
    key: str = cell("SKU, region, workload or index", "name", "")
    basis: Basis = cell("type of basis risk", "one of", "")
    changes: int = cell("changes that it was fitted to", "number")
    drift_per_year: float = cell("mean of the changes", "1/year")
    drift_error: Number = cell("standard error of the drift", "1/year")
    drift_drawn_per_year: float = cell("drift of the draws", "1/year")
    volatility_per_year: Number = cell("standard deviation of the changes, per square root of a year", "1/√year")
    pull_per_year: Number = cell("speed of mean reversion; 0: none", "1/year", 0.0)
    level: float = cell("where it reverts to, from today", "log", 0.0)
    unchanged_share: Annotated[float, Field(ge=0, le=1)] = cell("share of the changes that are none", "share", 0.0)
    excess_kurtosis: float | None = cell("excess kurtosis of the changes", "number", None)
    share_today: float | None = cell("spot: share of the price on demand, last observed", "share", None)
    path: list[float | None] = cell("x at the end of each interval, from the end of the history", "log", [])


class Fit(Row):
    """All that is needed to draw scenarios. The key `schema` of the file is the attribute `format` here."""

    format: Literal["ailis-opt-fit/1"] = Field(alias="schema")
    history: str = cell("file of the history", "text")
    spacing: Spacing = cell("spacing of the observations", "one of")
    intervals: list[str] = cell("names of the intervals", "list")
    observed: int = cell("observations", "number")
    factors: list[Factor] = cell("the factors", "list")
    correlation: list[list[float]] = cell("correlation of the factors, as drawn", "matrix")
    shrinkage: Annotated[float, Field(ge=0, le=1)] = cell("weight of no correlation in it", "share")
    explained_share: float | None = cell("share of the squared changes of prices on demand that the factors explain", "share", None)
    warnings: list[str] = cell("what to doubt", "list", [])
    events: list[Event] = cell("events", "list", [])


def fit_history(history: str | Path | History, events: Sequence[Event] = ()) -> Fit:
    """Fit the factors of a history. Raises InputError with all that is wrong with the history."""
    seen = history if isinstance(history, History) else read_history(history)
    found = panel(seen)
    per_year = PER_YEAR[seen.spacing]
    fitted = [_fitted(found, i, per_year) for i in range(len(found.kinds))]
    correlation, shrinkage = correlate(np.column_stack([one.surprises for one in fitted]))
    factors = [one.factor for one in fitted]
    return Fit(
        schema="ailis-opt-fit/1",
        history=seen.file,
        spacing=seen.spacing,
        intervals=[label(interval) for interval in seen.values.index],
        observed=seen.observed,
        factors=factors,
        correlation=correlation.tolist(),
        shrinkage=shrinkage,
        explained_share=1 - found.left / found.moved if found.moved > 0 else None,
        warnings=[*_doubts(seen, found), *doubts(factors)],
        events=list(events),
    )


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A factor, and what was not foreseen of each change: (intervals − 1,), NaN where there is none."""

    factor: Factor
    surprises: Floats


def _fitted(found: Panel, i: int, per_year: float) -> _Fitted:
    """Drift m·P, volatility s·√P, P intervals a year; standard error of the drift s·√P / √(n/P)."""
    kind, key, basis = found.kinds[i]
    change = found.changes.iloc[:, i].to_numpy(float)
    x = change[~np.isnan(change)]
    n, mean, spread = len(x), float(x.mean()), float(x.std(ddof=1))
    drift, volatility = mean * per_year, spread * np.sqrt(per_year)
    error = volatility / np.sqrt(n / per_year)
    proven = kind != "demand" and abs(drift) > STANDARD_ERRORS * error
    path = np.concatenate([[0.0], np.cumsum(np.nan_to_num(change))])
    unchanged = float((np.abs(x) < STANDING).mean())
    may_revert = kind in REVERTING and unchanged <= MOSTLY
    pull, level, surprises = _reversion(change, path) if may_revert else (0.0, 0.0, change - mean)
    if pull > 0:  # the innovation of an interval has the variance v²(1 − e^(−2k))/(2k), k the pull per interval
        volatility = float(np.nanstd(surprises, ddof=2) * np.sqrt(2 * pull / (1 - np.exp(-2 * pull)) * per_year))
    log_share = found.level.get(key) if kind == "spot" else None
    drawn = drift if proven else 0.0 if kind == "spot" else 0.0 - 0.5 * volatility**2
    factor = Factor(
        name=str(found.changes.columns[i]),
        kind=kind,
        key=key,
        basis=basis,  # type: ignore[arg-type]
        changes=n,
        drift_per_year=drift,
        drift_error=float(error),
        drift_drawn_per_year=0.0 if pull > 0 else drawn,
        volatility_per_year=float(volatility),
        pull_per_year=pull * per_year,
        level=level,
        unchanged_share=unchanged,
        excess_kurtosis=float(((x - mean) ** 4).mean() / x.var() ** 2 - 3) if spread > STANDING and n > 3 else None,
        share_today=None if log_share is None else float(1 / (1 + np.exp(-log_share))),
        path=_seen_path(change, path),
    )
    return _Fitted(factor, surprises)


def _seen_path(change: Floats, path: Floats) -> list[float | None]:
    """x from the first interval that the factor was observed in to the last, 0 at the last; None before and after."""
    there = np.flatnonzero(~np.isnan(change))
    inside = np.arange(len(path))
    seen = (inside >= there[0]) & (inside <= there[-1] + 1)
    return [float(value - path[-1]) if known else None for value, known in zip(path, seen, strict=True)]


def _reversion(change: Floats, path: Floats) -> tuple[float, float, Floats]:
    """Pull per interval, level from the end, and surprises; a pull of 0 where a random walk is not rejected.

    Dickey, Fuller (1979): change = a + b·x before; a walk is rejected where b / se(b) < `DICKEY_FULLER`. Then pull = −log(1 + b).
    """
    there = ~np.isnan(change)
    y, before = change[there], path[:-1][there]
    walk = (0.0, 0.0, change - y.mean())
    n = len(y)
    centred = before - before.mean()
    across = float(centred @ centred)
    if n < FEW or across < STANDING:
        return walk
    b = float(centred @ y) / across
    a = y.mean() - b * before.mean()
    left = y - a - b * before
    error = np.sqrt(float(left @ left) / (n - 2) / across)
    if not -1 < b < DICKEY_FULLER * error:
        return walk
    return float(-np.log1p(b)), float(-a / b - path[-1]), change - a - b * path[:-1]


def correlate(surprises: Floats) -> tuple[Floats, float]:
    """Correlation (F, F) of surprises (intervals, F) over the intervals that two factors share, shrunk to be positive definite; how far.

    λ = Σ var(r) / Σ r² over pairs, var(r) = (1 − r²)²/(n − 1) (Schäfer, Strimmer 2005, equation 10 for normal data); more where the
    smallest eigenvalue e of r is so low that (1 − λ)·e + λ < `LEAST_EIGENVALUE`. Fewer than three shared intervals: no correlation.
    """
    frame = pd.DataFrame(surprises)
    there = frame.notna().to_numpy(float)
    shared = there.T @ there
    moving = frame.std(ddof=1).to_numpy() > STANDING
    r = np.nan_to_num(frame.where(moving[None, :].repeat(len(frame), axis=0)).corr(min_periods=3).to_numpy())
    np.fill_diagonal(r, 1.0)
    off = ~np.eye(len(r), dtype=bool) & (r != 0)
    squares = float((r[off] ** 2).sum())
    doubt = float((((1 - r[off] ** 2) ** 2) / (shared[off] - 1)).sum())
    shrinkage = min(1.0, doubt / squares) if squares > 0 else 0.0
    least = float(np.linalg.eigvalsh(r)[0])
    if (1 - shrinkage) * least + shrinkage < LEAST_EIGENVALUE:
        shrinkage = (LEAST_EIGENVALUE - least) / (1 - least)
    shrunk = (1 - shrinkage) * r
    np.fill_diagonal(shrunk, 1.0)
    return shrunk, float(shrinkage)


def doubts(factors: Sequence[Factor]) -> list[str]:
    """What is to be doubted of the factors, each doubt with those that it is about."""
    moving = [f for f in factors if max(f.volatility_per_year, abs(f.drift_per_year)) >= STANDING]
    weak = [f for f in moving if f.changes < FEW]
    fat = [f for f in moving if (f.excess_kurtosis or 0.0) > HEAVY]
    few = min((f.changes for f in weak), default=1)
    found = (
        (f"fewer than {FEW} changes, so that volatilities have a standard error of up to {1 / np.sqrt(2 * few):.0%}", weak),
        ("stood still most of the time and then stepped: drawn as small moves of the same variance", [f for f in moving if _steps(f)]),
        (f"fat tails (excess kurtosis above {HEAVY:g}): large moves are likelier than they are drawn", fat),
        ("never moved, so not drawn; that is no proof that it will not", [f for f in factors if f not in moving]),
    )
    return [f"{why}: {', '.join(f.name for f in about)}" for why, about in found if about]


def _steps(factor: Factor) -> bool:
    return factor.unchanged_share > MOSTLY


def _doubts(seen: History, found: Panel) -> list[str]:
    """What is to be doubted of the history as a whole."""
    found_out = (
        ("series of reserved prices left out, as a committed price is fixed once signed", len(found.unused)),
        (f"observations followed by another in the same {seen.spacing}, of which only the last counts", seen.repeated),
        (f"changes left out, as nothing was observed in the {seen.spacing} before", found.gaps),
        ("interruptible prices at or above the price on demand, taken for just below it", found.capped),
    )
    return [f"{why}: {count:,}" for why, count in found_out if count]
