"""What is said of an instance that no plan meets: which limits are in conflict, and what mends it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType

from ailis_models.layers import LAYERS
from ailis_opt.explain.conflict import Conflict, blamed_layers, find_conflict
from ailis_opt.explain.layered import Layered
from ailis_opt.explain.limits import Limit
from ailis_opt.explain.pieces import Pieces
from ailis_opt.explain.repairs import Repair, find_repairs
from ailis_opt.output.figures import number
from ailis_opt.output.text import heading, line, table
from ailis_opt.schema import Instance

SCHEMA = "ailis-opt-explain/1"
TITLES = {layer.id: layer.title for layer in LAYERS}
CONFLICT_SHARE = 0.5  # of the time limit, for the conflict; the rest is for repairs


@dataclass(frozen=True, slots=True)
class Infeasible:
    """A conflict and its repairs. `complete`: whether every repair of the kinds that are known was looked at."""

    instance: Instance
    conflict: Conflict
    repairs: tuple[Repair, ...]
    complete: bool
    seconds: float

    @property
    def headline(self) -> str:
        """The layers in one line."""
        return blame(self.conflict)

    def to_dict(self) -> dict[str, Any]:
        """The document of `explain --json` for an infeasible instance (`ailis-opt-explain/1`)."""
        conflict = self.conflict
        return {
            "schema": SCHEMA,
            "instance": self.instance.header.name,
            "instance_sha256": self.instance.sha256,
            "status": {"conflict": "infeasible"}.get(conflict.status, conflict.status),
            "currency": self.instance.header.currency,
            "infeasible": {
                "message": self.headline,
                "layers": list(conflict.layers),
                "pairs": [{"layer": layer, "workload": workload} for layer, workload in conflict.pairs],
                "workloads": list(conflict.workloads),
                "rows": [_row(limit) for limit in conflict.rows],
                "minimal": conflict.minimal,
                "unreachable": list(conflict.unreachable),
                "repairs": [repair.to_dict() for repair in self.repairs],
                "repairs_complete": self.complete,
            },
            "timings": {"explain_s": self.seconds},
        }

    def text(self) -> list[RenderableType]:
        """What is printed."""
        return [*_why(self), *_repairs(self)]


def _row(limit: Limit) -> dict[str, Any]:
    return {"layer": limit.layer, "row": limit.text, "unit": limit.unit, "amount": limit.amount}


def explain_infeasible(instance: Instance, time_limit: float = math.inf, tell: Callable[[str], None] = lambda _: None) -> Infeasible:
    """Why no plan meets every limit, and how to mend it, in about `time_limit` seconds.

    `conflict.status` is "feasible" where there is a plan after all, "unknown" where the time did not suffice to say.
    """
    begun = time.monotonic()
    tell("looking for the conflict")
    pieces = Pieces(Layered(instance))
    conflict = find_conflict(pieces, begun + CONFLICT_SHARE * time_limit)
    repairs: list[Repair] = []
    complete = conflict.status == "conflict"
    if conflict.limits:
        repairs, cut = find_repairs(pieces, conflict, begun + time_limit, tell)
        complete = not cut
    return Infeasible(instance, conflict, tuple(repairs), complete, time.monotonic() - begun)


def blamed(instance: Instance, seconds: float) -> Conflict:
    """The layers in conflict alone, in at most about so many seconds."""
    begun = time.monotonic()
    return blamed_layers(Pieces(Layered(instance)), begun + seconds)


def blame(conflict: Conflict) -> str:
    """One line: which layers cannot be met (together)."""
    if conflict.status == "feasible":
        return "there is a plan that meets every limit"
    if conflict.status != "conflict":
        return "which layers are to blame could not be found in the time"
    if not conflict.layers:
        who = ", ".join(conflict.unreachable) or "some workload"
        return f"with no layer enforced {who} cannot be served: no offer has a SKU that it has a profile for"
    names = [f"{name} ({TITLES[name]})" for name in conflict.layers]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    verb = "cannot be met" if len(names) == 1 else "together cannot be met"
    return f"{listed} {verb}{'' if conflict.minimal else ' (some of them may not be needed: the time did not suffice)'}"


def _why(found: Infeasible) -> list[RenderableType]:
    conflict = found.conflict
    parts: list[RenderableType] = [heading(f"{found.instance.header.name}: infeasible"), line(found.headline, "bold")]
    if conflict.workloads:
        parts.append(line(f"with the demand of {', '.join(conflict.workloads)}"))
    if conflict.rows:
        rows = [(limit.layer, limit.text, "" if limit.amount is None else number(limit.amount), limit.unit) for limit in conflict.rows]
        parts += [
            heading("What cannot be met together?"),
            table(("layer", "limit", "now", ""), rows, text=(0, 1, 3)),
            line("Without any one of these there is a plan for this demand." if conflict.minimal else "Not all of these may be needed."),
        ]
    return parts


def _repairs(found: Infeasible) -> list[RenderableType]:
    if not found.conflict.limits:
        return []
    parts: list[RenderableType] = [heading("What would mend it?")]
    if found.repairs:
        currency = found.instance.header.currency
        rows = [(repair.text, number(repair.cost)) for repair in found.repairs]
        parts.append(line("Each was solved and audited with the change made; the cheapest plan first."))
        parts.append(table(("change", f"then costs {currency}"), rows, text=(0,)))
        parts.append(heading("The same as changes"))
        parts += [line(str(change)) for change in dict.fromkeys(c for repair in found.repairs for c in repair.changes)]
    else:
        parts.append(line("No repair of one limit or a few was found."))
    if not found.complete:
        parts.append(line("There may be others: not all could be looked at in the time, or more were found than are shown."))
    return parts
