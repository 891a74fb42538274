"""The document of `hedge --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ailis_opt.hedge.basis import BasisSplit
from ailis_opt.hedge.frontier import Point
from ailis_opt.hedge.marks import Mark
from ailis_opt.hedge.single import Single
from ailis_opt.output.figures import moment
from ailis_opt.output.text import records
from ailis_opt.output.words import outcome_unit
from ailis_opt.result import Result
from ailis_opt.risk.coverage import coverage
from ailis_opt.risk.measures import CUSTOMARY, Effectiveness
from ailis_opt.schema.header import Horizon

if TYPE_CHECKING:
    from ailis_opt.hedge.study import Hedging, Portfolio

SCHEMA = "ailis-opt-hedge/1"


def document(found: Hedging) -> dict[str, Any]:
    """The whole comparison as plain data. Money in `currency`; arrays by scenario stand in the order of `scenarios`."""
    header, covered = found.instance.header, coverage(found.instance, _contracts(found))
    return {
        "schema": SCHEMA,
        "instance": header.name,
        "instance_sha256": found.instance.sha256,
        "currency": header.currency,
        "outcome": outcome_unit(found.instance),
        "objective_name": header.objective,
        "gap": found.gap,
        "alpha": header.risk.alpha,
        "weight": header.risk.weight,
        "scenarios": [{"scenario": n, "probability": float(p)} for n, p in zip(found.scenarios, found.probability, strict=True)],
        "best": None if found.best is None else found.best.name,
        "as_good": [one.name for one in found.as_good],
        "price_of_risk_aversion": _aversion(found),
        "portfolios": [_portfolio(one, header.horizon) for one in found.portfolios],
        "hedges": [_single(one) for one in found.singles],
        "frontier": [_point(one, header.horizon) for one in found.frontier],
        "coverage": covered.to_dict("records"),
        "customary": {name: list(span) for name, span in CUSTOMARY.items()},
        "basis_split": found.basis_split,
        "done": found.done,
        "interrupted": found.interrupted,
        "seconds": found.seconds,
    }


def _contracts(found: Hedging) -> list[str]:
    """Offers of which some portfolio signs lots, or that are signed before."""
    names = {str(name) for one in found.solved if one.result is not None for name in one.result.purchases["offer"]}
    offers = found.instance.tables["offers"]
    names |= set(offers["offer"][offers["committed_lots"] > 0])
    return [name for name in offers["offer"] if name in names]


def _aversion(found: Hedging) -> dict[str, Any] | None:
    """By how much the best portfolio is dearer in the mean than the cheapest one."""
    best, least = found.best, found.cheapest
    if best is None or least is None or best.result is None or least.result is None:
        return None
    each = [one.cost_per_outcome for one in (best.result, least.result)]
    apart = None if each[0] is None or each[1] is None else each[0] - each[1]
    return {"portfolio": least.name, "expected_cost": best.result.cost - least.result.cost, "cost_per_outcome": apart}


def _portfolio(one: Portfolio, horizon: Horizon) -> dict[str, Any]:
    said = {"portfolio": one.name, "changes": [str(change) for change in one.changes], "status": one.status}
    if one.result is None or one.result.risk is None:
        return said | {"why": str(one.error)}
    result, risk = one.result, one.result.risk
    return said | {
        "objective": result.objective,
        "bounds": {"lower": result.bounds.lower, "upper": result.bounds.upper},
        "gap": result.gap,
        "expected_cost": risk.expected_cost,
        "cvar": risk.cvar,
        "worst": risk.worst,
        "cost_per_outcome": result.cost_per_outcome,
        "service": one.service,
        "premium": one.premium,
        "positions": _positions(result),
        "purchases": _purchases(result, horizon),
        "cost_by": dict(result.cost_by),
        "effectiveness": _effectiveness(one.effectiveness),
        "cost_variance_reduction": one.cost_variance_reduction,
        "worst_regret": one.worst_regret,
        "expected_regret": one.expected_regret,
        "basis": _basis(one.basis),
        "residual": _residual(one.basis),
        "cost": one.cost.tolist(),
        "outcomes": [read.audit.outcomes for read in result.scenarios],
        "exposure": one.exposure.tolist(),
        "payoff": one.payoff.tolist(),
        "marks": [_mark(mark, one) for mark in one.marks],
        "audit": {"ok": result.audit.ok, "max_violation": result.audit.max_violation, "cost": result.audit.cost},
    }


def _positions(result: Result) -> list[dict[str, Any]]:
    held = result.positions
    return [
        {"hedge": row["hedge"], "lots": row["lots"], "premium": row["premium"] + row["carry"], "expected_payoff": row["payoff"]}
        for row in held.to_dict("records")
    ]


def _purchases(result: Result, horizon: Horizon) -> list[dict[str, Any]]:
    """What is signed; `from`: the name of the period in which it starts."""
    bought = result.purchases[["offer", "start_period", "lots", "gpus", "cost"]]
    return records(bought.assign(**{"from": [moment(horizon, int(start)) for start in bought["start_period"]]}))


def _single(one: Single) -> dict[str, Any]:
    return {
        "hedge": one.hedge,
        "index": one.index,
        "lots": one.lots,
        "effectiveness": _effectiveness(one.effectiveness),
        "basis": _basis(one.basis),
        "residual": _residual(one.basis),
        "exposure": one.exposure.tolist(),
        "payoff": one.payoff.tolist(),
    }


def _effectiveness(of: Effectiveness | None) -> dict[str, float | None] | None:
    return None if of is None else of.to_dict()


def _basis(split: BasisSplit | None) -> list[dict[str, Any]]:
    """Shares by type, largest first; `share` is in the variance [money²], `fraction` of the whole, `cvar` in the CVaR [money]."""
    if split is None:
        return []
    whole = split.total_variance
    rows = [
        {"type": name, "share": share, "fraction": share / whole if whole > 0 else None, "cvar": split.cvar[name]}
        for name, share in split.variance.items()
    ]
    return sorted(rows, key=lambda row: -row["share"])


def _residual(split: BasisSplit | None) -> dict[str, float] | None:
    return None if split is None else {"variance": split.total_variance, "cvar": split.total_cvar}


def _mark(mark: Mark, of: Portfolio) -> dict[str, Any]:
    assert of.result is not None
    mean = sum(read.probability * value for read, value in zip(of.result.scenarios, mark.value.tolist(), strict=True))
    said = {"contract": mark.contract, "kind": mark.kind, "index": mark.index}
    return said | {"expected": mean, "worst": float(mark.value.min()), "by_scenario": mark.value.tolist()}


def _point(one: Point, horizon: Horizon) -> dict[str, Any]:
    risk = one.result.risk
    assert risk is not None
    return {
        "expected_cost": risk.expected_cost,
        "cvar": risk.cvar,
        "worst": risk.worst,
        "cost_per_outcome": one.result.cost_per_outcome,
        "most": one.most,
        "lower": one.lower,
        "status": one.result.status,
        "gap": one.result.gap,
        "positions": _positions(one.result),
        "purchases": _purchases(one.result, horizon),
    }
