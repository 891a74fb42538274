"""Dinkelbach's method for min N(x)/D(x), D > 0, with a certified interval.

x_k = argmin N − q_k·D, q_{k+1} = N(x_k)/D(x_k): superlinear (Dinkelbach 1967; for mixed-integer programs You, Castro, Grossmann 2009).
A solve that proves L <= min(N − qD) certifies, for D_min <= D <= D_max:

    L <= 0:  q* >= q + L/D_min        L >= 0:  q* >= q + L/D_max

so only the last solve needs its proof. The feasible set never changes: same program, new costs, last plan as start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

ZERO = 1e-9  # a proven L above −ZERO·N counts as zero: the solver's own tolerance


@dataclass(frozen=True, slots=True)
class Step:
    """One solve at price q: the best plan's N and D (None: no plan found) and the proven bound on min N − qD (−inf: none)."""

    cost: float | None
    outcomes: float | None
    bound: float


@dataclass(frozen=True, slots=True)
class RatioResult:
    """`lower <= q* <= upper`; `prices` are the q of the solves, in order."""

    lower: float
    upper: float
    prices: tuple[float, ...]


def minimize_ratio(
    solve: Callable[[float, float], Step], start: float, least: float, most: float, gap: float, lower: float = 0.0, solves: int = 30
) -> RatioResult:
    """Minimize a ratio from `start`, the ratio of a known plan (or any price above the best ratio).

    `solve(q, absolute_gap)` minimizes N − qD; `least` and `most` bound D over all plans (least may be 0); `lower` is a known bound on q*.
    With least = 0 no L < 0 certifies anything, so the last solves ask at q·(1 − gap) whether any plan is better than that.
    """
    best, prices = start, []
    price = best
    for _ in range(solves):
        if best - lower <= gap * abs(best):
            break
        prices.append(price)
        step = solve(price, 0.5 * gap * abs(best) * (least if least > 0 else most))
        improved = False
        if step.cost is not None and step.outcomes is not None and step.outcomes > 1e-9 * most:
            ratio = step.cost / step.outcomes
            improved = ratio < best - 1e-12 * abs(best)
            best = min(best, ratio)
        scale = ZERO * max(abs(price) * most, 1e-300)
        if step.bound >= -scale:
            lower = max(lower, price + max(step.bound, 0.0) / most)
        elif least > 0:
            lower = max(lower, price + step.bound / least)
        lower = min(lower, best)
        if step.cost is None:
            break
        if not improved and least > 0:
            break  # the solver could not prove more at this price
        if not improved and price < best:
            break
        price = best if improved or least > 0 else best * (1 - gap)
    return RatioResult(lower, best, tuple(prices))
