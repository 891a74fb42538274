"""The document `ailis-opt-hedge/1`, checked as far as text and page rely on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ailis_models.arrays import Floats
from ailis_opt.output.document import plain

FIGURES = ("variance_reduction", "r2", "slope", "dollar_offset")
"""Figures of effectiveness, in the order in which they are shown."""
NO_TYPE = "no type named"
"""What changes are called that name no type of basis risk."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Ends(_Part):
    """The certified interval of an objective; None where nothing is proven."""

    lower: float | None
    upper: float | None


class Chance(_Part):
    """A scenario."""

    scenario: str
    probability: float


class Position(_Part):
    """Lots of a hedge; premium and carry, and mean payoff, of all of them [money]."""

    hedge: str
    lots: float
    premium: float
    expected_payoff: float


class Purchase(_Part):
    """Lots of an offer that are signed; `since`: the name of the period in which they start."""

    offer: str
    since: str = Field(alias="from")
    lots: float
    gpus: float
    cost: float


class Effect(_Part):
    """Effectiveness of a payoff; None where a figure is not defined."""

    variance_reduction: float | None
    r2: float | None
    slope: float | None
    dollar_offset: float | None


class Share(_Part):
    """What a type of basis risk leaves: `share` of the variance [money²], `fraction` of all of it, `cvar` its share of the CVaR [money]."""

    type: str
    share: float
    fraction: float | None
    cvar: float

    @property
    def name(self) -> str:
        """The type, in words where there is none."""
        return self.type or NO_TYPE


class Residual(_Part):
    """Variance [money²] and CVaR [money] of what is left open."""

    variance: float
    cvar: float


class Marked(_Part):
    """A contract marked to market [money]: over all scenarios in the mean, in the worst, and in each."""

    contract: str
    kind: Literal["capacity", "hedge"]
    index: str
    expected: float
    worst: float
    by_scenario: tuple[float, ...]


class Plan(_Part):
    """A portfolio with a plan."""

    portfolio: str
    status: Literal["optimal", "limit"]
    objective: float
    bounds: Ends
    gap: float | None
    expected_cost: float
    cvar: float
    worst: float
    cost_per_outcome: float | None
    service: float
    premium: float
    positions: tuple[Position, ...]
    purchases: tuple[Purchase, ...]
    effectiveness: Effect | None
    cost_variance_reduction: float | None
    worst_regret: float | None
    expected_regret: float | None
    basis: tuple[Share, ...]
    residual: Residual | None
    cost: tuple[float, ...]
    outcomes: tuple[float, ...]
    exposure: tuple[float, ...]
    payoff: tuple[float, ...]
    marks: tuple[Marked, ...]

    @property
    def costs(self) -> Floats:
        """(scenarios,) cost."""
        return np.array(self.cost)

    @property
    def held(self) -> list[Position]:
        """Positions that are held."""
        return [position for position in self.positions if position.lots]


class Missing(_Part):
    """A portfolio without a plan, and why."""

    portfolio: str
    status: Literal["infeasible", "no plan"]
    why: str


class Alone(_Part):
    """A hedge by itself, at the lots that leave the least variance."""

    hedge: str
    index: str
    lots: float | None
    effectiveness: Effect
    basis: tuple[Share, ...]
    residual: Residual | None
    exposure: tuple[float, ...]
    payoff: tuple[float, ...]


class FrontierPlan(_Part):
    """A plan of the efficient frontier. `lower` bounds the objective of every plan whose CVaR is no more than `most`."""

    expected_cost: float
    cvar: float
    worst: float
    cost_per_outcome: float | None
    most: float | None
    lower: float | None
    status: Literal["optimal", "limit"]
    gap: float | None
    positions: tuple[Position, ...]
    purchases: tuple[Purchase, ...]


class Stated(_Part):
    """What an index, a hedge or a contract states of an attribute of a layer."""

    kind: str
    name: str
    layer: str
    attribute: str
    state: str
    because: str


class Aversion(_Part):
    """By how much the best portfolio is dearer in the mean than `portfolio`, the cheapest."""

    portfolio: str
    expected_cost: float
    cost_per_outcome: float | None


class Comparison(_Part):
    """The whole document."""

    schema_: Literal["ailis-opt-hedge/1"] = Field(alias="schema")
    instance: str
    instance_sha256: str
    currency: str
    outcome: str
    objective_name: Literal["cost_per_outcome", "cost"]
    gap: float
    alpha: float
    weight: float
    scenarios: tuple[Chance, ...]
    best: str | None
    as_good: tuple[str, ...]
    price_of_risk_aversion: Aversion | None
    portfolios: tuple[Plan | Missing, ...]
    hedges: tuple[Alone, ...]
    frontier: tuple[FrontierPlan, ...]
    coverage: tuple[Stated, ...]
    customary: dict[str, tuple[float, float]]
    basis_split: bool
    done: bool
    interrupted: bool
    seconds: float

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Comparison:
        """The document in memory."""
        return cls.model_validate(plain(document))

    @property
    def plans(self) -> list[Plan]:
        """Portfolios that have a plan."""
        return [one for one in self.portfolios if isinstance(one, Plan)]

    @property
    def missing(self) -> list[Missing]:
        """Portfolios that have none."""
        return [one for one in self.portfolios if isinstance(one, Missing)]

    @property
    def recommended(self) -> Plan | None:
        """The best portfolio."""
        return next((one for one in self.plans if one.portfolio == self.best), None)

    @property
    def base(self) -> Plan | None:
        """What the others are held against: the first that has a plan."""
        return self.plans[0] if self.plans else None

    @property
    def ratio(self) -> bool:
        """Whether the cost per outcome is minimized."""
        return self.objective_name == "cost_per_outcome"

    @property
    def probability(self) -> Floats:
        """(scenarios,)."""
        return np.array([chance.probability for chance in self.scenarios])

    @property
    def types(self) -> list[str]:
        """Types of basis risk, those that leave most in any portfolio or hedge first."""
        most: dict[str, float] = {}
        for share in (share for basis in (*(p.basis for p in self.plans), *(h.basis for h in self.hedges)) for share in basis):
            most[share.name] = max(most.get(share.name, 0.0), abs(share.fraction or 0.0))
        return sorted(most, key=lambda name: -most[name])

    @property
    def least_probability(self) -> float:
        """Probability of the tail that the CVaR is the mean of."""
        return 1 - self.alpha
