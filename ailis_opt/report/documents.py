"""The JSON documents of a run, checked as far as a report relies on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ailis_opt.errors import Fault, InputError
from ailis_opt.report.hedging.document import Comparison

RESULT = "result.json"
EXPLANATION = "explain.json"
HEDGE = "hedge.json"
AGAIN = {
    RESULT: "Write the run again: `ailis-opt solve INSTANCE --out DIR`",
    EXPLANATION: "Write it again with `ailis-opt explain`, or move the file away",
    HEDGE: "Write it again: `ailis-opt hedge INSTANCE --out DIR`",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Interval(_Part):
    """A figure with the interval that it is proven to lie in; None where nothing is proven or nothing was worked out."""

    value: float | None = None
    lower: float | None = None
    upper: float | None = None


class Ends(_Part):
    """The proven interval of an optimum."""

    lower: float | None
    upper: float | None


class Audit(_Part):
    """What the audit found."""

    ok: bool
    max_violation: float
    cost: float


class Spread(_Part):
    """What the cost of a plan spreads over the scenarios [money]."""

    alpha: float
    weight: float
    expected_cost: float
    cvar: float
    worst: float
    vss: float | None = None
    evpi: float | None = None


class Turn(_Part):
    """A scenario of a plan: probability, cost [money], weighted outcomes."""

    scenario: str
    probability: float
    cost: float
    outcomes: float
    cost_per_outcome: float | None = None


class Held(_Part):
    """Lots of a hedge; premium, carry, mean payoff and what remains as cost [money]."""

    hedge: str
    lots: float
    premium: float
    carry: float = 0.0
    expected_payoff: float
    cost: float


class ResultDocument(_Part):
    """`ailis-opt-result/1` of a plan."""

    schema_: Literal["ailis-opt-result/1"] = Field(alias="schema")
    instance: str
    instance_sha256: str
    currency: str
    status: Literal["optimal", "limit"]
    interrupted: bool = False
    objective_name: Literal["cost_per_outcome", "cost"]
    objective: float
    cost: float
    outcomes: float
    cost_per_outcome: float | None
    bounds: Ends
    gap: float | None
    cost_by: dict[str, float]
    idle_cost: float
    audit: Audit
    risk: Spread | None = None
    scenarios: tuple[Turn, ...] = ()
    positions: tuple[Held, ...] = ()
    warnings: tuple[str, ...] = ()
    timings: dict[str, float]
    versions: dict[str, str]


class Price(_Part):
    """A tight limit with its price (dual of the polished LP), or None where it has none."""

    row: str
    unit: str = ""
    price: float | None = None
    tight: int | None = None


class Closed(_Part):
    """A route that a layer closes, and what it would save."""

    text: str
    saves: Interval = Interval()


class LayerCost(_Part):
    """What a layer costs: taken away alone, put in alone, and its part of the whole way."""

    layer: str
    title: str = ""
    binds: Literal["yes", "no", "not proven"]
    removal: Interval
    entry: Interval
    share: Interval
    rows: tuple[Price, ...] = ()
    routes: tuple[Closed, ...] = ()


class PriceBounds(_Part):
    """Proven intervals of both ends of the way."""

    commodity: Ends
    full: Ends


class Explanation(_Part):
    """`ailis-opt-explain/1` of an instance that has a plan."""

    schema_: Literal["ailis-opt-explain/1"] = Field(alias="schema")
    instance_sha256: str
    unit: str
    commodity: float
    full: float
    bounds: PriceBounds
    layers: Annotated[tuple[LayerCost, ...], Field(min_length=1)]
    method: Literal["exact", "sampled"]
    confidence: float | None = None
    solves: int


def document(path: Path, model: type[ResultDocument] | type[Explanation] | type[Comparison], sha256: str | None = None) -> dict[str, Any]:
    """The document at `path`. Raises InputError unless it has the form of `model` and, where given, is of the instance `sha256`."""
    again = AGAIN[path.name]
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        missing = "does not exist" if not path.parent.exists() else f"holds no {path.name}, so it is no run"
        raise InputError([Fault(str(path.parent), missing, f"Name a folder that a solve wrote. {again}")]) from error
    except NotADirectoryError as error:
        raise InputError([Fault(str(path.parent), "is a file, not a run", f"Name a folder that a solve wrote. {again}")]) from error
    except OSError as error:
        raise InputError([Fault(str(path), f"cannot be read: {error.strerror or error}", "Check that it may be read")]) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError([Fault(str(path), f"not valid JSON: {error}", again)]) from error
    try:
        checked = model.model_validate(content)
    except ValidationError as error:
        raise InputError([_fault(path, dict(detail), again) for detail in error.errors(include_url=False)]) from error
    if sha256 is not None and checked.instance_sha256 != sha256:
        why = "is of another instance than the result beside it"
        raise InputError([Fault(str(path), why, again, column="instance_sha256", value=checked.instance_sha256)])
    return dict(content)


def _fault(path: Path, detail: dict[str, Any], again: str) -> Fault:
    found = detail["input"]
    value = str(found)[:80] if isinstance(found, (str, int, float)) else None
    return Fault(str(path), str(detail["msg"]), again, column=".".join(map(str, detail["loc"])) or None, value=value)
