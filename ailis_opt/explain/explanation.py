"""Which layer binds: the way from the commodity price to the real one, what closes the routes, and what each layer costs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ailis_models.layers import LAYERS
from ailis_opt.engine.search import SMALL
from ailis_opt.errors import Fault, InputError
from ailis_opt.explain.lattice import Interval, Lattice
from ailis_opt.explain.layered import NAMES, Layered
from ailis_opt.explain.pool import Pool
from ailis_opt.explain.routes import Opening, openings
from ailis_opt.explain.sampling import CONFIDENCE
from ailis_opt.explain.shares import Budget, Shares
from ailis_opt.optimize import GAP, solve
from ailis_opt.result import Bounds, Result
from ailis_opt.schema.instance import Instance

SCHEMA = "ailis-opt-explain/1"
EXACT_GAP = 1e-8  # where a program is small
SOLVE_SHARE = 0.06  # of the time limit, for the plan itself
ROUTES_SHARE = 0.06  # and for routes that could be opened
TITLES = {layer.id: layer.title for layer in LAYERS}
NOTHING = Interval(0.0, 0.0, 0.0)
NOTHING_LEFT = 2e-4  # of the objective: two solves to the default gap that could be no nearer


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer: whether it binds, and its three values in the unit of the objective.

    `removal`: what dropping it alone would save; `entry`: what it costs if nothing else is enforced; `share`: its Shapley share of all that
    the layers cost together. `rows`: its tight limits with their prices; `routes`: what it closes that would save most if opened.
    """

    layer: str
    binds: str  # yes | no | not proven
    removal: Interval
    entry: Interval
    share: Interval
    rows: pd.DataFrame
    routes: tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole way from `commodity` to `full`. `result` is the audited plan with every layer enforced."""

    result: Result
    unit: str
    commodity: Bounds
    full: Bounds
    layers: tuple[LayerCost, ...]
    method: str  # exact | sampled
    confidence: float | None  # of sampled intervals
    solves: int
    subsets: int
    pruned: int
    seconds: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """The document of `explain --json` (`ailis-opt-explain/1`)."""
        result = self.result
        return {
            "schema": SCHEMA,
            "instance": result.instance,
            "instance_sha256": result.instance_sha256,
            "currency": result.currency,
            "unit": self.unit,
            "objective_name": result.objective_name,
            "commodity": self.commodity.upper,
            "full": self.full.upper,
            "bounds": {
                "commodity": {"lower": self.commodity.lower, "upper": self.commodity.upper},
                "full": {"lower": self.full.lower, "upper": self.full.upper},
            },
            "layers": [
                {
                    "layer": item.layer,
                    "title": TITLES[item.layer],
                    "binds": item.binds,
                    "removal": item.removal.to_dict(),
                    "entry": item.entry.to_dict(),
                    "share": item.share.to_dict(),
                    "rows": item.rows[["row", "unit", "price", "tight"]].to_dict("records"),
                    "routes": [opening.to_dict() for opening in item.routes],
                }
                for item in self.layers
            ],
            "method": self.method,
            "confidence": self.confidence,
            "solves": self.solves,
            "subsets": self.subsets,
            "pruned": self.pruned,
            "timings": dict(self.seconds),
            "versions": dict(result.versions),
        }


def explain(
    instance: Instance,
    *,
    gap: float = GAP,
    time_limit: float = 300.0,
    jobs: int | None = None,
    layers: frozenset[str] | None = None,
    result: Result | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Explanation:
    """Solve the instance, then with fewer and fewer layers, and say what each of them costs.

    Args:
        gap: relative gap of every solve, as far as the time allows.
        time_limit: seconds for all of it. Intervals are as narrow as can be by then.
        jobs: processes; as many as there are processors if None. Small programs are solved in this process.
        layers: only these are compared, all others are enforced throughout; all if None.
        result: the audited plan, if it is known already.

    Raises: as `ailis_opt.solve`; InputError for a layer that does not exist; KeyboardInterrupt also where the plan's search was stopped.
    """
    begun = time.monotonic()
    among = _known(layers)
    tell("solving with every layer enforced")
    result = result or solve(instance, gap=gap, time_limit=SOLVE_SHARE * time_limit)
    if result.interrupted:
        raise KeyboardInterrupt
    solved = time.monotonic()
    layered = Layered(instance)
    small = len(layered.program.value) <= SMALL
    lattice = Lattice(layered.active(among))
    deadline = begun + time_limit
    budget = Budget(min(gap, EXACT_GAP) if small else gap, deadline - ROUTES_SHARE * (deadline - solved))
    with Pool(instance, layered, 1 if small else jobs or os.cpu_count() or 1) as pool:
        shares = Shares(lattice, frozenset(NAMES) - frozenset(lattice.layers), pool, budget, small, tell)
        lattice.record(lattice.all, result.bounds.lower, result.bounds.upper)
        lattice.solved[lattice.all] = False
        shares.run()
        compared = time.monotonic()
        tell("pricing routes that are closed")
        budget.deadline = deadline
        full = Bounds(float(lattice.lower[lattice.all]), float(lattice.upper[lattice.all]))
        routes = openings(layered, pool, full, among, budget, small)
    found, sampled = shares.intervals()
    return Explanation(
        result=result,
        unit=unit_of(result, instance),
        commodity=Bounds(float(lattice.lower[0]), float(lattice.upper[0])),
        full=full,
        layers=tuple(_layer(name, lattice, found, result, routes.get(name, ())) for name in NAMES if name in among),
        method="sampled" if sampled or not shares.exact else "exact",
        confidence=CONFIDENCE if sampled else None,
        solves=shares.solves + sum(len(of_layer) for of_layer in routes.values()),
        subsets=1 << len(among),
        pruned=(1 << len(among)) - int(lattice.solved.sum()),
        seconds={"solve_s": solved - begun, "layers_s": compared - solved, "routes_s": time.monotonic() - compared},
    )


def unit_of(result: Result, instance: Instance) -> str:
    """The unit of the objective: `USD per weighted outcome`, or `USD`."""
    if result.objective_name == "cost":
        return result.currency
    weighted = bool((instance.tables["workloads"]["outcome_weight"] != 1).any())
    return f"{result.currency} per {'weighted ' if weighted else ''}outcome"


def _known(layers: frozenset[str] | None) -> frozenset[str]:
    unknown = sorted((layers or frozenset()) - frozenset(NAMES))
    if unknown:
        raise InputError([Fault("--layers", "there is no such layer", f"Layers are {', '.join(NAMES)}", value=name) for name in unknown])
    if layers is not None and not layers:
        raise InputError([Fault("--layers", "names no layer", f"Layers are {', '.join(NAMES)}")])
    return frozenset(NAMES) if layers is None else layers


def _layer(name: str, lattice: Lattice, found: list[Interval], result: Result, routes: tuple[Opening, ...]) -> LayerCost:
    rows = result.binding[result.binding["layer"] == name].reset_index(drop=True)
    if name not in lattice.layers:
        return LayerCost(name, "no", NOTHING, NOTHING, NOTHING, rows, routes)
    i = lattice.layers.index(name)
    removal, full = lattice.removal(i), abs(float(lattice.upper[lattice.all]))
    binds = "yes" if removal.lower > 1e-9 * full else "no" if removal.upper <= NOTHING_LEFT * full else "not proven"
    return LayerCost(name, binds, removal, lattice.entry(i), found[i], rows, routes)
