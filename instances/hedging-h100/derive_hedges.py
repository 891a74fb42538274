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
SERIES = [  # column of the prices, kind, contract and name in the history
    ("on_demand", "price", "on_demand", "on-demand"),
    ("share", "spot_share", "", "spot-share"),
    ("1y", "price", "reserved", "1y"),
    ("3y", "price", "reserved", "3y"),
]


def history(data: Path, quality: Mapping[str, float]) -> pd.DataFrame:
    """`market/history.csv`: a row per month and series, as docs/scenarios.md has it. An index that is one SKU's follows from the offers."""
    rows = []
    for sku in a.CHIPS:
        for place in (p.region for p in a.PLACES if p.region in offered(data, sku)):
            series = per_gpu_hour(data, sku).xs(place, level="region").sort_index()
            series = series.assign(share=series.interruptible / series.on_demand)
            for column, kind, contract, label in SERIES:
                told = {"series": f"{place}/{sku}/{label}", "kind": kind, "sku": sku, "region": place, "contract": contract}
                told["basis"] = "SKU" if kind == "spot_share" else ""
                rows += [{"date": date, **told, "value": round(value, 5)} for date, value in series[column].dropna().items()]
    for gauge in (g for g in a.GAUGES if len(g.skus) > 1):
        told = {"series": gauge.index, "kind": "index", "index": gauge.index}
        rows += [{"date": date, **told, "value": round(value, 5)} for date, value in gauged(data, gauge, quality).items()]
    return pd.DataFrame(rows)


def gauged(data: Path, gauge: a.Gauge, quality: Mapping[str, float]) -> pd.Series:
    """An index by date: the mean price over regions; of a basket, that of one GPU-hour of each SKU, per H100 of work that they do.

    `quality`: requests per GPU-hour by SKU. Basket: Σ price ÷ Σ quality × quality of H100, so each price counts with its capacity.
    """
    parts = {}
    for sku in gauge.skus:
        table = per_gpu_hour(data, sku)[gauge.contract].unstack("region")
        regions = [r for r in gauge.regions or offered(data, sku) if r in table]
        parts[sku] = table[regions].dropna(how="any").mean(axis=1)
    total = pd.DataFrame(parts).dropna().sort_index().sum(axis=1)
    return total * quality["h100"] / sum(quality[sku] for sku in gauge.skus) if len(gauge.skus) > 1 else total


def indices(data: Path, quality: Mapping[str, float]) -> pd.DataFrame:
    """The table `indices`: the level on the last day of the history."""
    rows = []
    for gauge in a.GAUGES:
        series = gauged(data, gauge, quality)
        regions = gauge.regions or offered(data, gauge.skus[0])
        basket = len(gauge.skus) > 1
        rates = " + ".join(f"{quality[sku]:.0f}" for sku in gauge.skus)
        weighted = f"{' + '.join(gauge.skus)}, x {quality['h100']:.0f} / ({rates}) requests an hour"
        made = weighted if basket else f"mean of {', '.join(regions)}"
        rows.append(
            {
                "index": gauge.index,
                "price_per_gpu_hour": round(float(series.iloc[-1]), 4),
                "sku": "" if basket else gauge.skus[0],
                "region": regions[0] if len(regions) == 1 else "",
                "contract": gauge.contract,
                "tier": "public",
                "included": a.INCLUDED + (a.ALSO_IN_BASKET if basket else ""),
                "excluded": a.EXCLUDED,
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
    """The table `hedges`: terms from the level today; `draw.py` prices them."""
    gauges = {gauge.index: gauge for gauge in a.GAUGES}
    return pd.DataFrame([_hedge(deal, gauged(data, gauges[deal.index], quality)) for deal in a.DEALS])


def _hedge(deal: a.Deal, series: pd.Series) -> Row:
    """`source` keeps what Black (1976) would ask on the history's volatility: a figure to compare with."""
    level = float(series.iloc[-1])
    sigma, count = volatility(series)
    row: Row = {"hedge": deal.hedge, "kind": deal.kind, "index": deal.index}
    row |= {"gpu_hours_per_period": a.LOT_GPU_HOURS, "max_lots": a.MAX_POSITION}
    seen = f"volatility of the history {sigma:.0%} a year ({count} monthly returns)"
    if deal.last_period is not None:
        row["last_period"] = deal.last_period
    if deal.kind in ("swap", "forward"):
        return {**row, "strike": round(level, 4), "premium_per_gpu_hour": 0, "source": seen}
    strike, limit = round(level * deal.moneyness, 4), round(level * deal.limit, 4)
    fair = _premium(deal.kind, level, strike, limit, sigma)
    if deal.kind == "insurance":
        row["limit_per_gpu_hour"] = limit
    return {**row, "strike": strike, "premium_per_gpu_hour": round(fair, 4), "source": f"{seen}; Black-76: {fair:.4f} USD/GPU-hour"}


def _premium(kind: str, level: float, strike: float, limit: float, sigma: float) -> float:
    """Fair premium per GPU-hour: Black (1976), by the month for a cap, else on the mean of the months (its variance as of a lognormal)."""
    if sigma == 0:
        return 0.0
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
