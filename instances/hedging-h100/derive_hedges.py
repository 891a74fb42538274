"""The price history of the offers, the indices that are made of it, and hedges priced from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist

import assumptions as a
import numpy as np
import pandas as pd
from derive_market import GCP_PRICES, offered, per_gpu_hour

Row = dict[str, object]
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
NORMAL = NormalDist()


def history(data: Path, quality: Mapping[str, float]) -> pd.DataFrame:
    """`market/history.csv`: a row per month and series; series of offers, and of indices made of them."""
    rows = []
    for sku in a.CHIPS:
        for place in (p.region for p in a.PLACES if p.region in offered(data, sku)):
            series = per_gpu_hour(data, sku).xs(place, level="region").sort_index()
            for column, contract, label in [
                ("on_demand", "on_demand", "on-demand"),
                ("interruptible", "interruptible", "spot"),
                ("1y", "reserved", "1y"),
                ("3y", "reserved", "3y"),
            ]:
                told = {"series": f"{place}/{sku}/{label}", "kind": "price", "sku": sku, "region": place, "contract": contract}
                rows += [{"date": date, **told, "value": round(value, 5)} for date, value in series[column].dropna().items()]
    for gauge in a.GAUGES:
        told = {"series": gauge.index, "kind": "index", "index": gauge.index}
        rows += [{"date": date, **told, "value": round(value, 5)} for date, value in gauged(data, gauge, quality).items()]
    return pd.DataFrame(rows)


def gauged(data: Path, gauge: a.Gauge, quality: Mapping[str, float]) -> pd.Series:
    """An index by date: mean over SKUs of (mean price over regions × H100's rate ÷ the SKU's): price of an H100's work in an hour."""
    parts = {}
    for sku in gauge.skus:
        table = per_gpu_hour(data, sku)[gauge.contract].unstack("region")
        regions = [r for r in gauge.regions or offered(data, sku) if r in table]
        factor = quality["h100"] / quality[sku] if len(gauge.skus) > 1 else 1.0
        parts[sku] = table[regions].dropna(how="any").mean(axis=1) * factor
    return pd.DataFrame(parts).dropna().sort_index().mean(axis=1)


def indices(data: Path, quality: Mapping[str, float]) -> pd.DataFrame:
    """The table `indices`: the level on the last day of the history."""
    rows = []
    for gauge in a.GAUGES:
        series = gauged(data, gauge, quality)
        regions = gauge.regions or offered(data, gauge.skus[0])
        factors = ", ".join(f"{sku} x {quality['h100'] / quality[sku]:.2f}" for sku in gauge.skus)
        made = f"mean of {factors}, per hour of an H100's work" if len(gauge.skus) > 1 else f"mean of {', '.join(regions)}"
        rows.append(
            {
                "index": gauge.index,
                "price_per_gpu_hour": round(float(series.iloc[-1]), 4),
                "sku": gauge.skus[0] if len(gauge.skus) == 1 else "",
                "region": regions[0] if len(regions) == 1 else "",
                "contract": gauge.contract,
                "tier": "public",
                "source": f"{GCP_PRICES}; {made}",
                "note": f"assumed: the index; {gauge.states}",
            }
        )
    return pd.DataFrame(rows)


def volatility(series: pd.Series) -> tuple[float, int]:
    """Volatility a year from monthly log returns about zero, and how many returns there are."""
    returns = np.diff(np.log(series.to_numpy(dtype=float)))
    return float(np.sqrt(np.mean(returns**2) * 12)), len(returns)


def hedges(data: Path, quality: Mapping[str, float]) -> pd.DataFrame:
    """The table `hedges`."""
    gauges = {gauge.index: gauge for gauge in a.GAUGES}
    return pd.DataFrame([_hedge(deal, gauged(data, gauges[deal.index], quality)) for deal in a.DEALS])


def _hedge(deal: a.Deal, series: pd.Series) -> Row:
    level = float(series.iloc[-1])
    seen, count = volatility(series)
    used = max(seen, a.LEAST_VOLATILITY)
    row: Row = {"hedge": deal.hedge, "kind": deal.kind, "index": deal.index, "gpu_hours_per_period": a.LOT_GPU_HOURS, "max_lots": a.MAX_POSITION}
    if deal.last_period is not None:
        row["last_period"] = deal.last_period
    if deal.kind in ("swap", "forward"):
        strike = round(level * (1 + a.FORWARD_MARGIN), 4)
        carry = {"collateral_per_gpu_hour": round(strike * a.COLLATERAL_SHARE, 4), "carry_rate_per_year": a.CARRY_RATE}
        return {**row, "strike": strike, **carry, "note": f"assumed: level x {1 + a.FORWARD_MARGIN}; limit, collateral"}
    strike, limit = round(level * deal.moneyness, 4), round(level * deal.limit, 4)
    fair = _premium(deal.kind, level, strike, limit, used)
    floor = f", taken as {used:.0%}" if used > seen else ""
    note = f"assumed: Black-76 on a volatility of {seen:.0%} ({count} monthly returns{floor}) + {a.OPTION_LOADING:.0%}; limit"
    if deal.kind == "insurance":
        row["limit_per_gpu_hour"] = limit
    return {**row, "strike": strike, "premium_per_gpu_hour": round(fair * (1 + a.OPTION_LOADING), 4), "note": note}


def _premium(kind: str, level: float, strike: float, limit: float, sigma: float) -> float:
    """Fair premium per GPU-hour: Black (1976), by the month for a cap, else on the mean of the months (its variance as of a lognormal)."""
    months = (np.arange(a.PERIODS) + 0.5) / 12
    if kind == "cap":
        return float(np.mean([black76(level, strike, sigma * math.sqrt(t)) for t in months]))
    spread = sigma * math.sqrt(float(np.minimum.outer(months, months).mean()))
    call = black76(level, strike, spread)
    if kind == "put":
        return call - level + strike
    return call - black76(level, strike + limit, spread) if kind == "insurance" else call


def black76(forward: float, strike: float, deviation: float) -> float:
    """Call on a forward price, undiscounted; `deviation` = volatility × sqrt(years)."""
    d1 = math.log(forward / strike) / deviation + deviation / 2
    return forward * NORMAL.cdf(d1) - strike * NORMAL.cdf(d1 - deviation)
