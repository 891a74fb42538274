"""What would loosening a layer be worth? The objective as a curve against the layer's limits, scaled by a few per cent.

Each point is a solve of a changed instance (methods a.1, a.3: limits that closed routes beforehand have no dual, and are priced by
re-solving), started from its neighbour's plan. Looser never costs more, so every proven bound serves all tighter points, and every plan
all looser ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ailis_models.arrays import Floats
from ailis_models.layers import LAYERS
from ailis_opt.engine.compile import Layout, Program, compile_program, templates
from ailis_opt.engine.search import Options, Outcome, Search
from ailis_opt.errors import Fault, InfeasibleError, InputError
from ailis_opt.explain.loosen_result import Loosened, Point, render
from ailis_opt.explain.priced import Clock, Range
from ailis_opt.prepare import prepare, require_open_routes
from ailis_opt.schema.instance import Instance

__all__ = ["Loosened", "loosen", "render"]

GAP = 1e-4
STEPS = (-25.0, -10.0, -5.0, -1.0, 0.0, 1.0, 5.0, 10.0, 25.0)


@dataclass(frozen=True, slots=True)
class Limit:
    """A column that limits, and what `factor` (above 1: looser) makes of its values where any limit is stated."""

    table: str
    column: str
    scaled: Callable[[Floats, float, pd.DataFrame], Floats]
    stated: Callable[[Floats], np.ndarray]
    how: str  # what is done, in words


def _given(values: Floats) -> np.ndarray:
    return np.asarray(np.isfinite(values) & (values > 0))


def _below_one(values: Floats) -> np.ndarray:
    return np.asarray((values > 0) & (values < 1))


def _amount(values: Floats, factor: float, _: pd.DataFrame) -> Floats:
    return values * factor


def _share(values: Floats, factor: float, _: pd.DataFrame) -> Floats:
    return np.minimum(values * factor, 1.0)


def _duty(values: Floats, factor: float, _: pd.DataFrame) -> Floats:
    """What must be done gets less where the layer gets looser."""
    return np.clip(values * (2 - factor), 0.0, 1.0)


def _lots(values: Floats, factor: float, offers: pd.DataFrame) -> Floats:
    """Whole lots are rounded down."""
    return np.where(offers["whole_lots"].to_numpy(bool), np.floor(values * factor + 1e-9), values * factor)


def _least_lots(values: Floats, factor: float, _: pd.DataFrame) -> Floats:
    return np.maximum(np.ceil(values * (2 - factor) - 1e-9), 0.0)


def _domain(values: Floats, factor: float, _: pd.DataFrame) -> Floats:
    return np.maximum(np.round(values * factor), 1.0)


SHARES = "up to the whole"
LIMITS: dict[str, tuple[Limit, ...]] = {
    "L0": (Limit("power", "cap_mw", _amount, _given, "power caps scaled"),),
    "L1.supply": (
        Limit("offers", "max_lots", _lots, _given, "lots on offer and quotas scaled, whole lots rounded down"),
        Limit("offers", "max_lots_per_period", _lots, _given, "lots that may start in a period likewise"),
    ),
    "L1.memory": (Limit("skus", "memory_gb", _amount, _given, "memory of every GPU scaled; rates as measured"),),
    "L1.topology": (
        Limit("skus", "scaleup_gpus", _domain, _given, "GPUs of a scale-up domain scaled, rounded to whole ones"),
        Limit("offers", "cluster_gpus", _domain, _given, "GPUs of a cluster scaled, rounded to whole ones"),
    ),
    "L10-L14": (
        Limit("workloads", "latency_ms", _amount, _given, "latency limits scaled"),
        Limit("workloads", "max_interruptible_share", _share, _below_one, f"interruptible shares scaled, {SHARES}"),
        Limit("workloads", "failover_share", _duty, _given, "failover shares scaled the other way"),
        Limit("workloads", "max_move_share", _share, _below_one, f"shares that may move scaled, {SHARES}"),
    ),
    "L15": (
        Limit("workloads", "max_operator_share", _share, _below_one, f"operators' shares scaled, {SHARES}"),
        Limit("workloads", "max_country_share", _share, _below_one, f"countries' shares scaled, {SHARES}"),
    ),
    "contract": (Limit("offers", "min_lots", _least_lots, _given, "least lots scaled the other way, rounded up"),),
}
BUDGET = "budget scaled, nothing else"
UNORDERED = ("L1.topology",)  # what a replica loses to packing may grow with the domain
YES_OR_NO = (
    "Ask what it is worth as a whole (explain), which offers it keeps out (explain --why-not OFFER), or change a row of the instance"
)


def loosen(instance: Instance, layer: str, gap: float = GAP, time_limit: float = np.inf, steps: tuple[float, ...] = STEPS) -> Loosened:
    """The objective with the limits of a layer scaled by each step, in per cent, a step above 0 being looser.

    `gap` is that of every solve, `time_limit` in seconds for all of them; points that are not reached keep what their neighbours prove.

    Raises InputError if there is no such layer, or the layer or the instance has no limit that could be scaled.
    """
    limits, ordered = _stated(instance, layer), layer not in UNORDERED
    clock, order = Clock(time_limit), sorted({0.0, *steps})
    at = order.index(0.0)
    found: dict[int, Range] = {}
    plans: dict[int, _Known | None] = {}
    for i, k in enumerate([*range(at, len(order)), *range(at - 1, -1, -1)]):
        beside = k - 1 if k > at else k + 1
        if k < at and ordered and found[beside].lower == np.inf:  # what is infeasible stays so
            found[k], plans[k] = found[beside], None
        else:
            changed = edited(instance, layer, 1 + order[k] / 100)
            found[k], plans[k] = _point(changed, plans.get(beside), gap, clock.share(1 / (len(order) - i)))
    found = _monotone(found) if ordered else found
    return Loosened(
        instance=instance.header.name,
        layer=layer,
        currency=instance.header.currency,
        objective_name=instance.header.objective,
        gap=gap,
        scaled=(BUDGET,) if layer == "L16" else tuple(limit.how for limit in limits),
        monotone=ordered,
        points=tuple(Point(order[k], found[k]) for k in range(len(order))),
    )


def edited(instance: Instance, layer: str, factor: float) -> Instance:
    """A copy of the instance with the stated limits of a layer times a factor: above 1 looser, below 1 tighter."""
    header, tables = instance.header, dict(instance.tables)
    if layer == "L16" and header.budget is not None:
        header = header.model_copy(update={"budget": header.budget * factor})
    for limit in LIMITS.get(layer, ()):
        frame = tables[limit.table].copy()
        values = frame[limit.column].to_numpy(np.float64)
        changed = np.where(limit.stated(values), limit.scaled(values, factor, frame), values)
        frame[limit.column] = pd.Series(changed, index=frame.index).astype(frame[limit.column].dtype)
        tables[limit.table] = frame
    return replace(instance, header=header, tables=tables)


def _stated(instance: Instance, layer: str) -> tuple[Limit, ...]:
    """The limits of a layer that the instance states. Raises InputError where there are none."""
    names = [one.id for one in LAYERS]
    if layer not in names:
        raise InputError([Fault("--loosen", "there is no layer of this name", f"Layers are {', '.join(names)}", value=layer)])
    if layer not in LIMITS and layer != "L16":
        raise InputError([Fault("--loosen", "this layer only says yes or no, so it has no limit to scale", YES_OR_NO, value=layer)])
    stated = tuple(
        limit for limit in LIMITS.get(layer, ()) if limit.stated(instance.tables[limit.table][limit.column].to_numpy(np.float64)).any()
    )
    if not stated and (layer != "L16" or instance.header.budget is None):
        columns = "budget" if layer == "L16" else ", ".join(f"{limit.table}.{limit.column}" for limit in LIMITS[layer])
        raise InputError([Fault("--loosen", "the instance states no such limit", f"Give a limit in {columns}", value=layer)])
    return stated


@dataclass(frozen=True, slots=True)
class _Known:
    """A neighbour's plan: its whole numbers, and the layout in which they stand."""

    layout: Layout
    integers: Floats
    objective: float


def _point(instance: Instance, known: _Known | None, gap: float, seconds: float) -> tuple[Range, _Known | None]:
    """The interval of the objective (infinite where infeasible), and what the next point starts from."""
    prepared = prepare(instance)
    try:
        require_open_routes(instance, prepared)
    except InfeasibleError:
        return Range(np.inf, np.inf), known
    program = compile_program(prepared.data, *templates(prepared.data))
    ratio = instance.header.objective == "cost_per_outcome"
    search = Search(program, Options(ratio, gap, seconds, None if known is None else known.objective), lambda _: False)
    lower, upper = search.solver.integer_bounds
    if known is not None and known.layout == program.layout and ((lower <= known.integers) & (known.integers <= upper)).all():
        search.solver.set_price(known.objective if ratio and program.lost.any() else 0.0)
        search.polish(known.integers)
    outcome = search.run()
    if outcome.x is None:
        return Range(outcome.lower, np.inf), known
    return Range(outcome.lower, outcome.upper), _known(program, outcome)


def _known(program: Program, outcome: Outcome) -> _Known:
    assert outcome.x is not None
    return _Known(program.layout, np.round(outcome.x[program.integer]), outcome.upper)


def _monotone(found: dict[int, Range]) -> dict[int, Range]:
    """Bounds passed on: lower ends to tighter points (smaller keys), upper ends to looser ones."""
    lower = np.maximum.accumulate([found[k].lower for k in sorted(found, reverse=True)])[::-1]
    upper = np.minimum.accumulate([found[k].upper for k in sorted(found)])
    return {k: Range(float(min(lower[i], upper[i])), float(upper[i])) for i, k in enumerate(sorted(found))}
