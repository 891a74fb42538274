"""Figures for people: three or four digits that matter, thousands separated."""

from __future__ import annotations

import math

import pandas as pd

from ailis_opt.schema.header import Horizon

NOTHING = "-"


def number(value: float | None, digits: int = 4) -> str:
    """`12.35 M`, `123,457`, `12.35`, `0.008919`: `digits` significant digits, and never fewer than the whole part below a million."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "unlimited" if value > 0 else "-unlimited"
    size = abs(value)
    if size >= 999_999.5:
        return f"{_fixed(value / 1e6, digits)} M"
    if size < 1e-6:
        return "0" if size == 0 else f"{value:.{digits - 1}e}"
    return _fixed(value, digits)


def _fixed(value: float, digits: int) -> str:
    magnitude = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    text = f"{value:,.{max(0, digits - 1 - magnitude)}f}"
    return text if magnitude < 0 or "." not in text else _trimmed(text)


def _trimmed(text: str) -> str:
    """Without a fraction of zeros only: 12.00 is 12."""
    whole, _, fraction = text.partition(".")
    return text if fraction.strip("0") else whole


def percent(share: float | None) -> str:
    """`12.3%`; less than 0.1 % keeps one digit that matters; `100%` is only said of the whole."""
    if share is None or math.isnan(share):
        return NOTHING
    value = 100 * share
    if abs(value) < 0.05 and value != 0:
        return f"{value:.1g}%"
    for digits in (1, 2, 3, 4):
        text = f"{value:.{digits}f}"
        if float(text) != 100 or abs(value - 100) < 1e-6:
            break
    return f"{_trimmed(text) if float(text) in (0, 100) else text}%"


def beginning(horizon: Horizon, period: int) -> pd.Timestamp:
    """When a period begins, also one past the horizon."""
    from ailis_opt.calendar import HOURS  # loads the formulation, which a list of runs has no use for

    start = pd.Timestamp(horizon.start)
    if horizon.period == "month":
        return start + pd.DateOffset(months=period)
    return start + pd.Timedelta(hours=HOURS[horizon.period] * period)


def ending(horizon: Horizon, period: int) -> str:
    """When a period ends: the last month (counted from a first) or day in force, `2027-01-17`; for hours the moment itself."""
    if horizon.period == "hour":
        return moment(horizon, period + 1)
    if horizon.period == "month" and horizon.start.day == 1:
        return moment(horizon, period)
    return (beginning(horizon, period + 1) - pd.Timedelta(days=1)).strftime("%Y-%m-%d")


def moment(horizon: Horizon, period: int) -> str:
    """The name of a period: `2027-03` for months counted from a first, else its first day; for hours, day and hour."""
    form = "%Y-%m" if horizon.period == "month" and horizon.start.day == 1 else "%Y-%m-%d %H:00" if horizon.period == "hour" else "%Y-%m-%d"
    return beginning(horizon, period).strftime(form)
