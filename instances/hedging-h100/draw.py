"""Draws the scenarios and prices the hedges on them: `python draw.py`. Needs ailis-opt and what `derive.py` wrote, no raw data.

Writes `market/fit.json`, `scenarios.csv`, `changes.csv`, and strikes of swaps and forwards and premiums of options in `hedges.csv`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import assumptions as a
import numpy as np
import pandas as pd
from derive import write

from ailis_opt import read
from ailis_opt.changes.scenarios import Variant, variants
from ailis_opt.io import recheck
from ailis_opt.scenarios import Fit, draw, fit_history, fit_text, read_events
from ailis_opt.schema import Instance

HERE = Path(__file__).parent
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def drawn_from(fit: Fit, weights: dict[str, float], shares: dict[str, float]) -> Fit:
    """The fit with the factors that are drawn: interruptible prices of each SKU, and the basket.

    Prices on demand step, and do not diffuse: events draw that. The basket's level is a weighted sum of prices, so its volatility and
    correlations follow from those of the SKUs and are not fitted on seven months: with x_k the log-odds of the share s_k of the price on
    demand, d log(basket) = Σ_k w_k·(1 − s_k)·dx_k, w_k the weight of SKU k in the level today.
    """
    kept = [i for i, factor in enumerate(fit.factors) if factor.kind == "spot"]
    spots = [fit.factors[i] for i in kept]
    among = np.array(fit.correlation)[np.ix_(kept, kept)]
    loads = np.array([weights[f.key] * (1 - shares[f.key]) * f.volatility_per_year for f in spots])
    volatility = float(np.sqrt(loads @ among @ loads))
    with_basket = 0.999 * among @ loads / volatility  # a little under 1, so that the matrix stays positive definite
    correlation = np.block([[among, with_basket[:, None]], [with_basket[None, :], np.ones((1, 1))]])
    basket = next(f for f in fit.factors if f.key == a.BASKET)
    moved = basket.model_copy(update={"volatility_per_year": volatility, "drift_drawn_per_year": -(volatility**2) / 2, "basis": "SKU"})
    rounded = np.round(correlation, 6).tolist()
    return fit.model_copy(update={"factors": [*spots, moved], "correlation": rounded})


def basket_weights(instance: Instance) -> tuple[dict[str, float], dict[str, float]]:
    """By SKU: weight in the basket's level today (as of the instance's regions), and interruptible price as a share of that on demand."""
    offers = instance.tables["offers"].query("tier == 'public'")
    means = offers.pivot_table(index="sku", columns="contract", values="price_per_gpu_hour")
    weights = means["interruptible"] / means["interruptible"].sum()
    return weights.to_dict(), (means["interruptible"] / means["on_demand"]).to_dict()


def levels(ways: Sequence[Variant], index: str) -> Floats:
    """(scenarios, periods) level of an index."""
    found = []
    for way in ways:
        tables = way.instance.tables
        today = tables["indices"].set_index("index")["price_per_gpu_hour"][index]
        curve = tables["curves"].query("index == @index").set_index("period")["price_per_gpu_hour"]
        found.append(curve.reindex(range(a.PERIODS)).fillna(today).to_numpy(float))
    return np.array(found)


def priced(hedge: pd.Series, paths: Floats) -> pd.Series:
    """A hedge with its strike (swap, forward) or premium set to what is expected over the scenarios, and a dealer's margin.

    A forward at the expected level, an option at its expected payoff: nobody gains by holding one but through the risk it takes away.
    """
    last = a.PERIODS if np.isnan(hedge["last_period"]) else int(hedge["last_period"]) + 1
    paths = paths[:, :last]
    mean = paths.mean(axis=1)
    hedge = hedge.copy()
    if hedge["kind"] in ("swap", "forward"):
        hedge["strike"] = round(float(mean.mean()) * (1 + a.FORWARD_MARGIN), 4)
        hedge["collateral_per_gpu_hour"], hedge["carry_rate_per_year"] = round(hedge["strike"] * a.COLLATERAL_SHARE, 4), a.CARRY_RATE
        hedge["note"] = f"assumed: mean of the scenarios + {a.FORWARD_MARGIN:.0%}; size, limit, collateral"
        return hedge
    strike, over = hedge["strike"], np.maximum(mean - hedge["strike"], 0)
    payoff = {
        "call": over,
        "put": np.maximum(strike - mean, 0),
        "cap": np.maximum(paths - strike, 0).mean(axis=1),
        "insurance": np.minimum(over, hedge["limit_per_gpu_hour"]),
    }[hedge["kind"]]
    hedge["premium_per_gpu_hour"] = round(max(float(payoff.mean()) * (1 + a.OPTION_LOADING), a.LEAST_PREMIUM * strike), 4)
    hedge["note"] = f"assumed: mean payoff over the scenarios + {a.OPTION_LOADING:.0%}; strike, size, limit"
    return hedge


def main() -> None:
    """Fit, draw, price, write."""
    instance = read(HERE)
    instance = recheck.remade(instance, {name: instance.stated[name].iloc[:0] for name in ("scenarios", "changes")})
    fitted = fit_history(HERE / "market" / "history.csv", read_events(HERE / "market" / "events.yaml"))
    fit = drawn_from(fitted, *basket_weights(instance))
    (HERE / "market" / "fit.json").write_text(fit_text(fit), encoding="utf-8")
    ways = variants(drawn := draw(fit, instance, a.SCENARIOS, a.SEED))
    for name in ("scenarios", "changes"):
        write(name, drawn.stated[name].dropna(axis=1, how="all"))
    hedges = pd.read_csv(HERE / "hedges.csv")
    columns = ["collateral_per_gpu_hour", "carry_rate_per_year", "note"]
    hedges = hedges.reindex(columns=[*(c for c in hedges if c not in columns), *columns]).astype({"note": object})
    write("hedges", pd.DataFrame([priced(hedge, levels(ways, hedge["index"])) for _, hedge in hedges.iterrows()]))


if __name__ == "__main__":
    main()
