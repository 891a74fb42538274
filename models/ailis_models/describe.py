"""The layer map in words, made from the code: `python -m ailis_models.describe` prints what stands in `models/README.md`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any

from ailis_models import (
    arrays,
    contracts,
    decisions,
    formulation,
    l00_facilities,
    l01_fabric,
    l02_runtime,
    l03_graph,
    l04_numeric,
    l05_l09_data,
    l10_l14_flow,
    l15_governance,
    l16_domain,
    relaxation,
    risk,
)
from ailis_models.families import Family
from ailis_models.layers import LAYERS, REASONS, Layer, Reason

RULES: dict[str, Callable[..., Any]] = {
    "memory": l01_fabric.fits_memory,
    "topology": l01_fabric.fits_topology,
    "runtime": l02_runtime.supports,
    "engine": l03_graph.supports,
    "precision": l04_numeric.supports,
    "data rights": l05_l09_data.permits,
    "latency": l10_l14_flow.in_time,
    "interruption": l10_l14_flow.checkpoint_waste,
    "tier": l15_governance.tier_accepted,
    "jurisdiction": l15_governance.jurisdiction_accepted,
    "operator": l15_governance.operator_accepted,
}
"""The function that decides each reason: a route is closed where it is false (interruption: where all time is lost)."""

RATES: dict[str, Callable[..., Any]] = {"L1.topology": l01_fabric.gpus_taken, "L10-L14": l10_l14_flow.checkpoint_waste}
"""The functions by which a layer changes what a replica takes or gives."""

COSTS: dict[str, tuple[ModuleType, ...]] = {
    "L0": (l00_facilities,),
    "L1.supply": (l01_fabric,),
    "L5-L9": (l05_l09_data,),
    "L16": (l16_domain, risk),
    "contract": (contracts,),
}
"""The modules that hold a layer's part of the cost."""

MORE_ROUTES: dict[str, str] = {
    "L1.memory": "so the rate of a replica is not limited by the sequences that fit: profiles measured with more of them are open",
    "L1.topology": "a replica takes just its GPUs, nothing is lost to packing",
    "L10-L14": "no time is lost to interruptions",
}
"""What else a layer's absence does to routes and rates."""

BOUNDS: dict[str, tuple[str, ...]] = {
    "L1.supply": (
        "`lots[o,t] = 0` outside `first..last` (delivery lead time, window of the offer), inside `lots[o,t] <= most_starts[o]`   [lots]",
        "`in_force[o,t] <= most[o]`, the lots on offer, and `hired[h] <= hire_most[h]`, the quota of the slice   [lots]",
    ),
    "L16": ("`gangs[j,t] <= job_most[t,j]`: none outside release..deadline, and never more than would do the whole job in `t`   [gangs]",),
    "contract": ("`whole_lots`, `whole_hired` and `gangs` are integers, `signed`, `engaged`, `placed` and `chosen` binaries",),
}
"""Bounds and integrality, which stand at the variables in `decisions.py`."""

HEAD = """# The formulation

Made from the code by `python -m ailis_models.describe`; a test keeps it true.

`ailis_models` is the mathematics of ailis-opt: readable Pyomo over numpy arrays. It knows no file, no solver and no application.
What an instance's words mean is in `docs/format.md`; here is what the program makes of them.

- A **layer** closes routes (before anything is built), adds rows, and has its part of the cost. Its Pyomo block and the rows of
  every report go by its name.
- A **family** is a function that yields rows. Its name goes into reports, its docstring stands below, its unit is that of its
  right-hand side.
- A family has a **scope**: `plan` rows stand once, `scenario` rows once per scenario, `slice` rows once per slice (scenario, period and
  block). An
  instance without scenarios has one. The compiler reads the three from Pyomo once and stamps them over all scenarios and slices;
  `whole_model` writes the same rows as one ordinary model.
- A family is a **limit** on a *stock* (GPUs, MW: held for a period) or a *flow* (outcomes: counted), or a **definition**, no limit.

Two stages: the plan is decided before the scenario is known, all else after. Every cost of a scenario counts times its probability. With a
weight λ of risk the objective is `(1 − λ) · expected cost + λ · CVaR`.

Objective: `min Σ cost`, or, for the cost per outcome, `min Σ cost + q · Σ lost` at a price `q` of an outcome that is found by Dinkelbach's
method; `lost` are the weighted outcomes left unserved.
"""


def words(item: Any) -> tuple[str, str]:
    """The docstring of a function or family: what it says, and its formula (what follows the first paragraph, or a colon in it)."""
    doc = inspect.getdoc(item.rule if isinstance(item, Family) else item) or ""
    said, _, rest = doc.partition("\n\n")
    before, colon, after = said.partition(": ")
    if not rest and colon and ("=" in after or "Σ" in after):
        said, rest = f"{before}.", after.removesuffix(".")
    return " ".join(said.split()), rest


def markdown() -> str:
    """The whole page."""
    parts = [HEAD, *_overview(), "## Dropping layers\n", *_dropping(), "## The layers\n"]
    for layer in LAYERS:
        parts += _layer(layer)
    parts += ["## The decisions\n", *_decisions(), "## The data\n", *_data()]
    return "\n".join(parts) + "\n"


def _overview() -> Iterator[str]:
    yield "| layer | title | acts by | closes routes by | families | cost |"
    yield "|---|---|---|---|---|---|"
    for layer in LAYERS:
        reasons = ", ".join(reason.name for reason in _reasons(layer))
        families = ", ".join(f"`{family.name}`" for family in _families(layer))
        costs = ", ".join(f"`{cost.__name__}`" for cost in _costs(layer))
        yield f"| [{layer.id}](#{_anchor(layer)}) | {layer.title} | {layer.kind} | {reasons} | {families} | {costs} |"
    yield ""


def _dropping() -> Iterator[str]:
    said, rest = words(relaxation)
    yield said + "\n"
    yield from (" ".join(paragraph.split()) + "\n" for paragraph in rest.split("\n\n"))


def _anchor(layer: Layer) -> str:
    title = f"{layer.id} {layer.title}".lower()
    return "".join(c for c in title if c.isalnum() or c in " -").replace(" ", "-")


def _reasons(layer: Layer) -> list[Reason]:
    return [reason for reason in REASONS if reason.layer == layer.id]


def _families(layer: Layer) -> list[Family]:
    return [family for family in formulation.FAMILIES if family.layer == layer.id]


def _costs(layer: Layer) -> list[Callable[..., Any]]:
    names = ("plan_cost", "scenario_cost", "slice_cost")
    return [getattr(module, name) for module in COSTS.get(layer.id, ()) for name in names if hasattr(module, name)]


def _layer(layer: Layer) -> Iterator[str]:
    yield f"### {layer.id} {layer.title}\n"
    reasons = _reasons(layer)
    if reasons:
        yield "A route stays open\n"
        yield from (f"- **{reason.name}**: {_condition(reason)}" for reason in reasons)
        yield ""
    if layer.id in RATES:
        rule = RATES[layer.id]
        yield from _entry(f"`{rule.__name__}`", rule)
    for family in _families(layer):
        scope = f"{family.scope}, by {', '.join(family.index)}" if any(family.index) else family.scope
        kind = "definition" if family.kind == "definition" else f"limit on a {family.kind}"
        yield from _entry(f"**`{family.name}`** ({kind}; {scope}; {family.unit})", family)
    if layer.id in BOUNDS:
        yield "At the variables:\n"
        yield from (f"- {bound}" for bound in BOUNDS[layer.id])
        yield ""
    for cost in _costs(layer):
        yield from _entry(f"*Cost* ({cost.__name__.removesuffix('_cost')})", cost)
    yield from _not_enforced(layer)


def _not_enforced(layer: Layer) -> Iterator[str]:
    """What dropping the layer means: for its routes, its rows, what is whole, its bounds."""
    parts = []
    reasons = [reason.name for reason in _reasons(layer)]
    if reasons:
        parts.append(f"no route is closed by {', '.join(reasons)}")
    parts += [MORE_ROUTES[layer.id]] if layer.id in MORE_ROUTES else []
    freed = [f"`{family.name}`" for family in _families(layer) if family.freed]
    if freed:
        parts.append(f"the rows {', '.join(freed)} are free")
    stands = [f"`{family.name}`" for family in _families(layer) if family.stands]
    if stands:
        parts.append(f"{', '.join(stands)} stand{'s' if len(stands) == 1 else ''}")
    whole = [f"`{name}`" for name in relaxation.DIVISIBLE.get(layer.id, ())]
    if whole:
        parts.append(f"{', '.join(whole)} may be divided")
    yield f"*Not enforced*: {'; '.join(parts) or 'only its bounds change'}.\n"
    if layer.id in relaxation.BOUNDS:
        said, rest = words(relaxation.BOUNDS[layer.id])
        said = said.removeprefix("Not enforced: ")
        yield f"{said[:1].upper()}{said[1:]} {' '.join(rest.split())}\n"


def _condition(reason: Reason) -> str:
    """When a route is open for this reason, and the function that says so."""
    rule = RULES[reason.name]
    said, formula = words(rule)
    said = said.removeprefix(f"{reason.layer}: ").removesuffix(".")
    name = f"`{rule.__module__.rpartition('.')[2]}.{rule.__name__}`"
    if reason.name == "interruption":
        return f"unless its pool is interruptible and the workload accepts none of that, or no useful time is left ({name} >= 1)"
    condition = said.removeprefix("True ") if said.startswith("True ") else f"if {said}"
    return f"{condition} ({name})" + (f": `{formula}`" if reason.layer == "L1.memory" else "")


def _entry(head: str, item: Any) -> Iterator[str]:
    """One paragraph, and the formula under it."""
    said, formula = words(item)
    yield f"{head}: {said}\n"
    if formula:
        yield f"```\n{formula}\n```\n"


def _decisions() -> Iterator[str]:
    for function in (decisions.plan_variables, decisions.scenario_variables, decisions.slice_variables):
        yield from _entry(f"`{function.__name__}`", function)


def _data() -> Iterator[str]:
    said, sizes = words(arrays)
    yield f"{said} {' '.join(sizes.split())}\n"
    for found in vars(arrays).values():
        if isinstance(found, type) and is_dataclass(found) and found is not arrays.Data:
            names = ", ".join(f"`{field.name}`" for field in fields(found))
            yield f"- **{found.__name__}**: {names}"


if __name__ == "__main__":
    sys.stdout.write(markdown())
