"""The comparison as tables: a row per portfolio, and the coverage table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ailis_opt.hedge.study import Hedging
from ailis_opt.report.hedging.document import FIGURES, Comparison, Missing, Plan
from ailis_opt.report.hedging.said import held, signed
from ailis_opt.risk.coverage import COLUMNS

MONEY = ("objective", "expected_cost", "cvar", "worst", "cost_per_outcome", "service", "premium", "expected_regret", "worst_regret")


def portfolio_table(found: Hedging) -> pd.DataFrame:
    """A row per portfolio: figures, effectiveness, what it signs and holds, and its share of the variance by type of basis risk."""
    c = Comparison.of(found.to_dict())
    return pd.DataFrame([_row(c, one) for one in c.portfolios])


def _row(c: Comparison, one: Plan | Missing) -> dict[str, Any]:
    head = {"portfolio": one.portfolio, "status": one.status}
    if isinstance(one, Missing):
        return head
    shares = {share.name: share.fraction for share in one.basis}
    return {
        **head,
        "gap": one.gap,
        "lower": one.bounds.lower,
        **{name: getattr(one, name) for name in MONEY},
        "expected_payoff": float(c.probability @ one.payoff),
        **{name: None if one.effectiveness is None else getattr(one.effectiveness, name) for name in FIGURES},
        "cost_variance_reduction": one.cost_variance_reduction,
        "residual_variance": None if one.residual is None else one.residual.variance,
        "residual_cvar": None if one.residual is None else one.residual.cvar,
        **{f"share_{name.replace(' ', '_')}": shares.get(name) for name in c.types},
        "signs": signed(one.purchases),
        "holds": held(one.positions),
    }


def coverage_table(found: Hedging) -> pd.DataFrame:
    """What every index, hedge and contract states about every attribute of every layer."""
    return pd.DataFrame(found.to_dict()["coverage"], columns=list(COLUMNS))
