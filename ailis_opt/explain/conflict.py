"""Why no plan meets every limit: a smallest set of layers, then of layers and workloads, then of limits, that cannot be met together.

Found by deletion: what can be left out with no plan gained is left out, each step a solve of its own (Chinneck 2008, deletion filter).
What remains is in conflict, and without any one part of it there is a plan. Where several conflicts overlap, one is named: parts are tried
in the order of `TRIED`, money first and law last, so that money or a contract is named only where no conflict is left without it.
A planner then reads first what no budget mends.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ailis_models.arrays import Bools
from ailis_models.layers import LAYERS
from ailis_opt.engine.compile import Program
from ailis_opt.explain.limits import ALL, Limit
from ailis_opt.explain.pieces import Pieces
from ailis_opt.explain.shrink import shrink

T = TypeVar("T")

TRIED = ("L16", "contract", "L1.supply", "L0", "L10-L14", "L4", "L3", "L2", "L1.topology", "L1.memory", "L5-L9", "L15")
"""The order in which layers are tried to be left out: money, contract, what is on offer, power, flow, technology, and law last."""

FIRST_KINDS = ("budget", "whole lots", "least lots", "whole hired", "least hired", "terms")
"""Inside a layer: whole and least lots before the terms that they are part of."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """What cannot be met together.

    `status`: "conflict"; "feasible" (there is a plan); "unknown" (the time did not suffice to say). `pairs` are (layer, workload), the
    workload None where the layer is about all together. `workloads`: those whose demand takes part. `minimal`: whether every part is
    known to be needed; a time limit may leave some that are not. `unreachable`: workloads that have no route even with no layer enforced.
    `limits`: the rows, and what goes without saying (the term of an offer whose whole lots are told).
    """

    status: str
    layers: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str | None], ...] = ()
    workloads: tuple[str, ...] = ()
    rows: tuple[Limit, ...] = ()
    minimal: bool = True
    unreachable: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()


def find_conflict(pieces: Pieces, deadline: float) -> Conflict:
    """A smallest conflict of the instance, found by `deadline` (monotonic seconds)."""
    return Finder(pieces, deadline).find()


def blamed_layers(pieces: Pieces, deadline: float) -> Conflict:
    """The conflict's layers alone: `pairs`, `workloads` and `rows` stay empty."""
    return Finder(pieces, deadline).layers()


def in_map_order(layers: Collection[str]) -> tuple[str, ...]:
    """Layers in the order of the map."""
    return tuple(layer.id for layer in LAYERS if layer.id in layers)


class Finder:
    """One instance and one deadline."""

    def __init__(self, pieces: Pieces, deadline: float) -> None:
        self.pieces, self.layered, self.deadline = pieces, pieces.layered, deadline
        self.names = self.layered.instance.tables["workloads"]["workload"].tolist()

    def infeasible(self, kept: Collection[Limit], demanded: Bools | None = None, relaxed: bool = False) -> bool | None:
        """Whether no plan meets these limits; None if that is not known in time. `relaxed`: not even one in fractions."""
        return self._no_plan(self.pieces.program(kept, demanded), relaxed)

    def _no_plan(self, program: Program, relaxed: bool) -> bool | None:
        found = self.layered.any_plan(program, self.deadline, relaxed)
        return None if found is None else not found

    def layers(self) -> Conflict:
        """The smallest set of layers that is in conflict, workloads and limits left open."""

        def infeasible(layers: list[str], relaxed: bool = False) -> bool | None:
            return self._no_plan(self.layered.only(frozenset(layers)), relaxed)

        whole = infeasible(list(TRIED))
        if whole is None:
            return Conflict("unknown")
        if not whole:
            return Conflict("feasible")
        kept, known = _shrunk(TRIED, infeasible)
        return Conflict("conflict", in_map_order(kept), minimal=known, unreachable=() if kept else self._unreachable())

    def find(self) -> Conflict:
        """Layers, then workloads whose demand takes part, then (layer, workload), then limits."""
        found = self.layers()
        if found.status != "conflict" or not found.layers:
            return found
        limits = [limit for limit in self.pieces.limits if limit.layer in found.layers]
        if self.infeasible(limits) is not True:
            return replace(found, minimal=False)
        asking = np.flatnonzero(self.layered.data.workloads.total > 0).tolist()
        asked, asked_known = _shrunk(asking, lambda some, relaxed: self.infeasible(limits, self._demanded(some), relaxed))
        demanded = self._demanded(asked)
        groups = sorted({(limit.layer, limit.workload) for limit in limits}, key=lambda g: (TRIED.index(g[0]), g[1]))
        pairs, pairs_known = _shrunk(groups, lambda some, relaxed: self.infeasible(_within(limits, some), demanded, relaxed))
        rows, rows_known = _shrunk(_tried(_within(limits, pairs)), lambda some, relaxed: self.infeasible(some, demanded, relaxed))
        held = sorted({(limit.layer, limit.workload) for limit in rows}, key=lambda g: (_place(g[0]), g[1]))
        order = {limit: i for i, limit in enumerate(self.pieces.limits)}
        return replace(
            found,
            pairs=tuple((layer, None if w == ALL else self.names[w]) for layer, w in held),
            workloads=tuple(self.names[w] for w in sorted(asked)),
            rows=tuple(sorted(_told(rows), key=order.__getitem__)),
            minimal=found.minimal and asked_known and pairs_known and rows_known,
            limits=tuple(rows),
        )

    def correction(self, law_first: bool) -> list[Limit] | None:
        """A smallest set of limits without which there is a plan for all demand; None if none was found in time.

        `law_first`: law and technology are kept where that can be, and money gives way; else the other way round.
        """
        order = sorted(self.pieces.limits, key=lambda limit: TRIED.index(limit.layer), reverse=law_first)

        def enough(out: list[Limit]) -> bool | None:
            infeasible = self.infeasible([limit for limit in order if limit not in out])
            return None if infeasible is None else not infeasible

        return shrink(order, enough)[0] if enough(order) else None

    def _demanded(self, workloads: Sequence[int]) -> Bools:
        on = np.zeros(len(self.names), dtype=bool)
        on[list(workloads)] = True
        return on

    def _unreachable(self) -> tuple[str, ...]:
        """Workloads with demand that no offer's SKU fits."""
        p = self.layered.prepared
        reached = np.isin(np.arange(len(self.names)), p.askers.workload[p.routes.asker])
        return tuple(self.names[w] for w in np.flatnonzero((p.data.workloads.total > 0) & ~reached))


def _shrunk(items: Sequence[T], infeasible: Callable[[list[T], bool], bool | None]) -> tuple[list[T], bool]:
    """`shrink`, where fractions suffice to tell first with them, as that is quick; then with whole numbers, on what is left."""
    some = list(items)
    if infeasible(some, True):
        some, _ = shrink(some, lambda fewer: infeasible(fewer, True))
    return shrink(some, lambda fewer: infeasible(fewer, False))


def _place(layer: str) -> int:
    return [each.id for each in LAYERS].index(layer)


def _within(limits: Sequence[Limit], groups: Collection[tuple[str, int]]) -> list[Limit]:
    return [limit for limit in limits if (limit.layer, limit.workload) in groups]


def _tried(limits: Sequence[Limit]) -> list[Limit]:
    """In the order in which they are tried to be left out."""

    def place(limit: Limit) -> tuple[int, int, int]:
        kind = FIRST_KINDS.index(limit.kind) if limit.kind in FIRST_KINDS else len(FIRST_KINDS)
        return TRIED.index(limit.layer), kind, limit.workload

    return sorted(limits, key=place)


def _told(limits: Sequence[Limit]) -> list[Limit]:
    """Limits worth telling: the term of an offer goes without saying where its whole or least lots are told."""
    said = {limit.key for limit in limits if limit.kind in ("whole lots", "least lots")}
    return [limit for limit in limits if limit.kind != "terms" or limit.key not in said]
