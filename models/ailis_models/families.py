"""A constraint family: a function that yields rows, with its layer, its scope and its unit.

    @family("L0", "slice", unit="MW", index=("region",))
    def power_cap(m, d):
        \"\"\"formula, unit and source\"\"\"
        for i, region in enumerate(d.capped):
            yield i, sum(...) <= m.cap_mw[i]

The decorated name *is* the family: its docstring goes into `models/README.md`, its name into every report,
and the compiler asks it for the unit in which its dual is a price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pyomo.environ as pyo

from ailis_models.arrays import Data

Rows = Iterator[tuple[Any, Any]]
Scope = Literal["plan", "scenario", "slice"]
Kind = Literal["stock", "flow", "definition"]


@dataclass(frozen=True, slots=True)
class Family:
    """One family of rows.

    `unit` is the natural unit of the right-hand side. `kind` says how duals of many slices make one price:
    a *stock* (GPUs, MW) is held for a period, so its duals add up over slices and are divided by periods;
    a *flow* (outcomes) is counted, so its price is the mean weighted by the limit; a *definition* is no limit.
    `index` names what each position of the row's index refers to.
    `implied_by`: rows that follow from several layers together; they only help the solver, and go with any of these layers.
    `stands`: the rows hold whichever layers are enforced: they are the question itself (demand), or what capacity means.
    """

    rule: Callable[[Any, Data], Rows]
    layer: str
    scope: Scope
    unit: str
    index: tuple[str, ...]
    kind: Kind
    stands: bool = False
    implied_by: tuple[str, ...] = ()

    @property
    def freed(self) -> bool:
        """True if the rows are dropped with their layer."""
        return bool(self.implied_by) or (self.kind != "definition" and not self.stands)

    @property
    def name(self) -> str:
        return self.rule.__name__

    @property
    def doc(self) -> str:
        return (self.rule.__doc__ or "").strip()

    def add(self, block: pyo.Block, m: Any, d: Data) -> None:
        """Write the rows into `block` of model `m`."""
        constraint = pyo.Constraint(pyo.Any)
        block.add_component(self.name, constraint)
        for index, relation in self.rule(m, d):
            constraint[index] = relation


def family(
    layer: str,
    scope: Scope,
    *,
    unit: str,
    index: tuple[str, ...],
    kind: Kind = "stock",
    stands: bool = False,
    implied_by: tuple[str, ...] = (),
) -> Callable[[Callable[[Any, Data], Rows]], Family]:
    """Declare the decorated rule as a family of `layer`."""
    return lambda rule: Family(rule, layer, scope, unit, index, kind, stands, implied_by)


@dataclass(frozen=True, slots=True)
class Bound:
    """Bounds that a layer puts on a variable, enforced or not; of several layers the tightest counts.

    `values`: (items,) or (second index, first index) of a plan variable, the same of a scenario variable (with an axis of scenarios before,
    where they differ), (slices or 1, items) of a slice variable. Upper bounds unless `lower` is set.
    """

    variable: str
    values: Any
    lower: bool = False


Bounds = Iterator[Bound]
