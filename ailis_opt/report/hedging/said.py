"""The comparison of portfolios in sentences, for the text and for the page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ailis_opt.output.figures import number, percent
from ailis_opt.output.words import counted, weighing
from ailis_opt.report.hedging.document import Alone, Comparison, Plan, Position, Purchase, Share

NO_OPINION = "Indicators over these scenarios, no accounting opinion."
SMALL = 0.005  # of the residual: shares below are not named in a sentence
LEVEL = 1e-9  # relative: differences below are none


def headline(c: Comparison) -> list[str]:
    """Which portfolio, why, what risk aversion costs, what is left open."""
    best = c.recommended
    if best is None:
        return ["No portfolio has a plan: see why below."]
    deeds = f"It signs {signed(best.purchases)}; it holds {held(best.positions)}."
    return [_recommendation(c, best), deeds, _against(c, best), aversion(c, best), left_open(c, best)]


def clean(c: Comparison, value: float) -> float:
    """Money; 0 for what is nothing but rounding."""
    whole = max((abs(one.expected_cost) for one in c.plans), default=0.0)
    return 0.0 if abs(value) <= LEVEL * whole else value


def amount(c: Comparison, value: float | None) -> str:
    """Money as a figure."""
    return number(None if value is None else clean(c, value))


def tail(c: Comparison) -> str:
    """`the mean of the dearest 10% of the probability`."""
    return f"the mean of the dearest {percent(c.least_probability)} of the probability"


def objective(c: Comparison) -> str:
    """What is least, as a formula in words."""
    what = weighing(c.alpha, c.weight) if c.weight > 0 else "expected cost"
    return f"{what} per {c.outcome}" if c.ratio else what


def _recommendation(c: Comparison, best: Plan) -> str:
    money = c.currency
    each = f", {number(best.cost_per_outcome)} {money} per {c.outcome}" if c.ratio else ""
    said = (
        f"Take {best.portfolio}: expected cost {number(best.expected_cost)} {money}{each}, CVaR {number(best.cvar)} {money} ({tail(c)}). "
    )
    if len(c.plans) == 1:
        return said + "It is the only portfolio that has a plan."
    if c.as_good:
        return said + f"It has the best plan that was found; not proven to be better than {', '.join(c.as_good)}: the intervals overlap."
    return said + f"It is proven to be the best of {len(c.plans)} portfolios."


def _against(c: Comparison, best: Plan) -> str:
    base = c.base
    if base is None or base is best:
        dearer = [one for one in c.plans if one is not best]
        return f"Against {best.portfolio} none of the others pays." if dearer else "There is nothing to hold it against."
    pairs = [
        ("expected cost", best.expected_cost, base.expected_cost),
        ("CVaR", best.cvar, base.cvar),
        ("worst case", best.worst, base.worst),
    ]
    if c.ratio and best.cost_per_outcome is not None and base.cost_per_outcome is not None:
        pairs.insert(1, (f"cost per {c.outcome}", best.cost_per_outcome, base.cost_per_outcome))
    return f"Against {base.portfolio}: " + ", ".join(f"{name} {_change(a, b, c.currency)}" for name, a, b in pairs) + "."


def _change(now: float, before: float, money: str) -> str:
    """`1.23 M USD lower (-8.2%)`."""
    apart = now - before
    if abs(apart) <= LEVEL * abs(before):
        return "the same"
    share = f" ({'+' if apart > 0 else '-'}{percent(abs(apart / before))})" if before else ""
    return f"{number(abs(apart))} {money} {'higher' if apart > 0 else 'lower'}{share}"


def aversion(c: Comparison, best: Plan) -> str:
    """The price of risk aversion: expected cost of the best portfolio less that of the cheapest, never a difference of objectives."""
    found = c.price_of_risk_aversion
    if found is None:
        return ""
    free = "The price of risk aversion is nothing: no portfolio is cheaper in the mean."
    none = " Risk has no weight in the objective (weight 0): the CVaR is told, and steers nothing." if c.weight == 0 else ""
    if found.portfolio == best.portfolio:
        return free + none
    amount = found.cost_per_outcome if c.ratio else found.expected_cost
    if amount is None or amount <= 0:
        return free + none
    unit = f"{c.currency} per {c.outcome}" if c.ratio else c.currency
    what = f"cost per {c.outcome}" if c.ratio else "expected cost"
    return (
        f"The price of risk aversion is {number(amount)} {unit}: so much higher is its {what} than that of {found.portfolio}, "
        f"the cheapest in the mean (a difference of expected costs of plans, each solved to its gap).{none}"
    )


def left_open(c: Comparison, plan: Plan | Alone) -> str:
    """What is left open by type of basis risk."""
    if not c.basis_split or (plan.residual is None and c.interrupted):
        return "What is left open was not split by type of basis risk."
    if plan.residual is None:
        return (
            "What is left open cannot be split by type of basis risk: where only some types of changes come, "
            "the plan has no way to meet a limit."
        )
    if plan.residual.variance <= 0:
        return "Nothing is left open: the cost is the same in every scenario."
    named = [share for share in plan.basis if abs(share.fraction or 0.0) >= SMALL]
    shares = ", ".join(f"{share.name} {percent(share.fraction)}" for share in named)
    against = " (below 0: it works against the others)" if any(share.share < 0 for share in named) else ""
    return (
        f"Left open: a standard deviation of {number(math.sqrt(plan.residual.variance))} {c.currency}; of its variance {shares}{against}."
    )


def main_type(basis: Sequence[Share]) -> str:
    """The type that leaves most, with its share."""
    if not basis or basis[0].fraction is None:
        return "-"
    return f"{basis[0].name} {percent(basis[0].fraction)}"


def signed(purchases: Sequence[Purchase]) -> str:
    """What is signed, by offer, biggest cost first."""
    sums: dict[str, tuple[float, float]] = {}
    for one in sorted(purchases, key=lambda p: -p.cost):
        lots, gpus = sums.get(one.offer, (0.0, 0.0))
        sums[one.offer] = lots + one.lots, gpus + one.gpus
    return ", ".join(f"{number(lots)} {name} ({number(gpus)} GPUs)" for name, (lots, gpus) in sums.items()) or "nothing"


def held(positions: Sequence[Position]) -> str:
    """What is held, most lots first."""
    some = sorted((one for one in positions if one.lots), key=lambda one: -abs(one.lots))
    return ", ".join(f"{number(one.lots)} {one.hedge}" for one in some) or "nothing"


def unmarked(plan: Plan) -> list[str]:
    """Offers that are signed and that no index tracks."""
    marked = {mark.contract for mark in plan.marks}
    return sorted({one.offer for one in plan.purchases} - marked)


def gap_text(gap: float | None) -> str:
    """A gap as per cent with two digits."""
    if gap is None:
        return "not proven"
    return "0%" if gap <= 0 else "<0.001%" if gap < 1e-5 else f"{100 * gap:.2g}%"


def customary(c: Comparison, figure: str, value: float | None) -> bool | None:
    """Whether a figure of effectiveness is in its customary range; None where it is not defined."""
    low, high = c.customary[figure]
    return None if value is None else low <= value <= high


def ending(c: Comparison) -> list[str]:
    """What is missing, and what was not solved to the gap."""
    said = []
    if c.interrupted:
        said.append("Interrupted: what is missing was not reached.")
    elif not c.done:
        slow = [one.portfolio for one in c.plans if one.status == "limit"]
        slow += [one.portfolio for one in c.missing if one.status == "no plan"]
        slow += ["the frontier"] if any(one.status == "limit" for one in c.frontier) else []
        said.append(f"Not solved to the gap of {percent(c.gap)} in time: {', '.join(slow)}. Allow more with --time-limit.")
    return said


def basis_of_comparison(c: Comparison) -> str:
    """On what the portfolios were compared."""
    return f"{counted(len(c.portfolios), 'portfolio')} on the same {counted(len(c.scenarios), 'scenario')}"
