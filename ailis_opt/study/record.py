"""A run as the store keeps it: scalars to list and to filter by, and the whole result with its plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from ailis_opt.errors import AilisError, InfeasibleError
from ailis_opt.output.document import plain
from ailis_opt.result import Result
from ailis_opt.schema import Instance

FAILED, INFEASIBLE = "failed", "infeasible"
_TEXT, _NUMBER = pa.string(), pa.float64()
SCALARS: dict[str, pa.DataType] = {
    **dict.fromkeys(("run", "instance", "whatif", "portfolio", "status", "message", "currency", "objective"), _TEXT),
    **dict.fromkeys(("cost", "outcomes", "cost_per_outcome", "lower", "upper", "gap", "carbon", "service", "idle"), _NUMBER),
    "wall_s": _NUMBER,
    **dict.fromkeys(("started", "asked", "inputs", "same_as", "base_sha256", "instance_sha256", "changes"), _TEXT),
    **dict.fromkeys(("gap_asked", "time_limit"), _NUMBER),
    "version": _TEXT,
}
"""What is in the index: see docs/store.md."""
PACKED = ("result", "plan")
COLUMNS = {**SCALARS, **dict.fromkeys(PACKED, _TEXT)}
"""All of a run's file: `result` is the document of `solve --json`, `plan` its tables by column, both JSON; null without a plan."""
_NOTHING = dict.fromkeys(
    ("cost", "outcomes", "cost_per_outcome", "lower", "upper", "gap", "carbon", "service", "idle", "result", "plan"), None
)


def digest(*parts: object) -> str:
    """SHA-256 (hex) of plain values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Asked:
    """One run that a study asks for. `changes` are those of the what-if, then those of the portfolio, in words."""

    instance: str
    whatif: str
    portfolio: str
    base: Instance
    changes: tuple[str, ...]
    gap: float
    time_limit: float | None  # s
    version: str

    @property
    def run(self) -> str:
        """The name of the run."""
        return "/".join(name for name in (self.instance, self.whatif, self.portfolio) if name)

    @property
    def id(self) -> str:
        """Hash of all that was asked, names included: a study knows its runs in a store by it."""
        return digest(self.instance, self.whatif, self.portfolio, self.base.sha256, self.changes, self.gap, self.time_limit, self.version)

    def inputs(self, sha256: str) -> str:
        """Hash of what a solve depends on, from the fingerprint of the changed instance (which holds its objective)."""
        return digest(sha256, self.gap, self.time_limit, self.version)


def now() -> str:
    """The time, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def solved(asked: Asked, instance: Instance, found: Result | AilisError, seconds: float, started: str) -> dict[str, Any]:
    """The record of a run that was solved, or that failed with an error."""
    row: dict[str, Any] = _asked(asked, instance.sha256, started) | {
        "currency": instance.header.currency,
        "objective": instance.header.objective,
    }
    row |= {"inputs": asked.inputs(instance.sha256), "wall_s": seconds}
    if isinstance(found, AilisError):
        status = INFEASIBLE if isinstance(found, InfeasibleError) else FAILED
        return row | _NOTHING | {"status": status, "message": str(found)}
    document: dict[str, Any] = plain(found.to_dict())
    figures = {name: document[name] for name in ("status", "cost", "outcomes", "cost_per_outcome", "gap")}
    plan = {name: _columns(frame) for name, frame in found.tables.items()}
    texts = {"result": json.dumps(document), "plan": json.dumps(plan, allow_nan=False)}
    bounds: dict[str, float | None] = document["bounds"]
    return row | figures | bounds | measures(instance, found.tables, document) | texts | {"message": ""}


def invalid(asked: Asked, error: AilisError, started: str) -> dict[str, Any]:
    """The record of a run whose changes do not make a valid instance."""
    inputs = digest("invalid", asked.base.sha256, asked.changes, asked.gap, asked.time_limit, asked.version)
    header = asked.base.header
    row = _asked(asked, None, started) | {"currency": header.currency, "objective": header.objective, "wall_s": 0.0}
    return row | _NOTHING | {"inputs": inputs, "status": FAILED, "message": str(error)}


def same_as(row: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    """The record of another run with the inputs of one that is recorded: its figures, without the plan."""
    return dict(row) | _asked(asked, row["instance_sha256"], row["started"]) | {"same_as": row["run"], "result": None, "plan": None}


def _asked(asked: Asked, sha256: str | None, started: str) -> dict[str, Any]:
    names = {"run": asked.run, "instance": asked.instance, "whatif": asked.whatif, "portfolio": asked.portfolio, "asked": asked.id}
    inputs = {"base_sha256": asked.base.sha256, "instance_sha256": sha256, "changes": json.dumps(asked.changes)}
    options = {"gap_asked": asked.gap, "time_limit": asked.time_limit, "version": asked.version}
    return names | inputs | options | {"started": started, "same_as": ""}


def measures(instance: Instance, tables: Mapping[str, pd.DataFrame], document: Mapping[str, Any]) -> dict[str, float | None]:
    """What a plan may be compared by besides its cost.

    `carbon` in kg; `service`: weighted outcomes served ÷ demanded (by number where no outcome has a weight); `idle`: cost of committed
    capacity that stands idle ÷ all cost.
    """
    work = instance.tables["workloads"]
    weights = dict(zip(work["workload"].tolist(), work["outcome_weight"].tolist(), strict=True))
    rows = [(weights[row["workload"]], row["demanded"], row["served"]) for row in document["workloads"]]
    if not sum(weight * demanded for weight, demanded, _ in rows) > 0:
        rows = [(1.0, demanded, served) for _, demanded, served in rows]
    total, cost = float(sum(weight * demanded for weight, demanded, _ in rows)), float(document["cost"])
    return {
        "carbon": float(tables["energy"]["carbon_kg"].to_numpy(float).sum()),
        "service": sum(weight * served for weight, _, served in rows) / total if total > 0 else None,
        "idle": float(document["idle_cost"]) / cost if cost > 0 else 0.0,
    }


def _columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """The cells of each column as plain values; None for NaN."""
    cells = frame.to_numpy(dtype=object, copy=True)
    cells[pd.isna(cells)] = None
    return dict(zip(map(str, frame.columns), cells.T.tolist(), strict=True))


def plan_tables(plan: str, text: set[str]) -> dict[str, pd.DataFrame]:
    """The tables of a stored plan; columns named in `text` are text, all others numbers (NaN: none)."""
    return {
        name: pd.DataFrame({c: pd.Series(cells, dtype=object if c in text else float) for c, cells in columns.items()})
        for name, columns in json.loads(plan).items()
    }
