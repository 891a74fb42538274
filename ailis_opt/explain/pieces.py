"""The limits of an instance one by one: each can be kept or dropped, by bounds of the one program alone.

Where `ailis_models.relaxation` drops whole layers, this drops single limits inside them: the power cap of one region, the lots on offer of
one contract, one workload's tiers. With all limits of a set of layers kept the program is that of these layers; with fewer it allows more.
Rows that only follow from several limits (`implied_by`) are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from ailis_models.arrays import Bools, Floats, Ints
from ailis_opt.engine.compile import Program
from ailis_opt.engine.relax import bounded
from ailis_opt.engine.template import Group
from ailis_opt.explain.layered import Layered
from ailis_opt.explain.limits import ALL, Limit, limits, reasons_of

ROWS: dict[str, tuple[str, ...]] = {
    "power cap": ("L0.power_cap",),
    "shared lots": ("L1_supply.shared_lots", "L1_supply.shared_by_hour"),
    "shared ramp": ("L1_supply.shared_starts",),
    "one pool": ("L1_topology.gangs_in_chosen_pool", "L1_topology.one_pool"),
    "whole gangs": ("L1_topology.gangs_needed",),
    "data in place": ("L5_L9.data_in_place", "L5_L9.training_data_in_place"),
    "interruption": ("L10_L14.interruptible", "L10_L14.training_interruptible"),
    "failover": ("L10_L14.failover",),
    "movement": ("L10_L14.movement",),
    "operator share": ("L15.operator_share", "L15.training_operator_share"),
    "country share": ("L15.country_share", "L15.training_country_share"),
    "budget": ("L16.budget",),
    "least lots": ("contract.least_lots",),
    "least hired": ("contract.least_hired",),
}
"""The families of rows that stand for each kind of limit."""

IMPLIED = ("L1_topology.gangs_held",)
BY_JOB = ("L1_topology.gangs_in_chosen_pool",)  # indexed by gang route, where others have the workload


class Pieces:
    """All limits of the instance of `layered`, and the program that keeps some of them."""

    def __init__(self, layered: Layered) -> None:
        self.layered, self.data = layered, layered.data
        self.limits: tuple[Limit, ...] = limits(layered)
        self._layout = layered.program.layout

    # -- where things stand -----------------------------------------------------------------------------------------------------

    def _found(self, name: str, rows: bool) -> tuple[Group, Ints] | None:
        """A group of columns or rows that is in the program, and the numbers of its members: (scenarios, slices or 1, keys)."""
        layout = self._layout
        for scope, group in layout.groups(rows):
            if group.name == name and group.keys:
                return group, layout.numbers(scope, group, rows)
        return None

    def columns(self, name: str) -> tuple[list[Any], Ints]:
        """Keys of a variable, and its column numbers (slices or 1, keys)."""
        found = self._found(name, rows=False)
        return ([], np.zeros((1, 0), np.int64)) if found is None else (list(found[0].keys), found[1])

    def rows(self, name: str) -> tuple[list[Any], Ints]:
        """Keys of a family of rows ("L0.power_cap"), and its row numbers (slices or 1, keys)."""
        found = self._found(name, rows=True)
        return ([], np.zeros((1, 0), np.int64)) if found is None else (list(found[0].keys), found[1])

    def rows_of(self, limit: Limit) -> Ints:
        """(slices or 1, rows) the row numbers of a limit that is written in rows; of several families, side by side."""
        parts = []
        for name in ROWS[limit.kind]:
            keys, numbers = self.rows(name)
            mine = np.array([self._owner(name, key, limit) for key in keys], dtype=bool)
            if mine.any():
                parts.append(numbers[:, mine])
        if not parts:
            return np.zeros((1, 0), np.int64)
        return parts[0] if len(parts) == 1 else np.concatenate([part.reshape(1, -1) for part in parts], axis=1)

    def _owner(self, name: str, key: Any, limit: Limit) -> bool:
        """Whether the row `key` of the family belongs to the limit."""
        first = int(key[0] if isinstance(key, tuple) else key)
        if name in BY_JOB:
            return int(self.data.jobs.workload[first]) == limit.workload
        if limit.workload == ALL:
            return limit.key in (first, -1)
        return first == limit.workload and (limit.key < 0 or int(key[1]) == limit.key)

    # -- the program ------------------------------------------------------------------------------------------------------------

    def program(self, kept: Collection[Limit], demanded: Bools | None = None) -> Program:
        """The program with these limits only. `demanded` (W,): workloads that must be served (all if None)."""
        p = self.layered.program
        state = _State(self, kept)
        lower, upper = p.column_lower.copy(), p.column_upper.copy()
        for name, values, least in state.bounds():
            keys, at = self.columns(name)
            if keys:
                picked = _picked(keys, values, at)
                if least:
                    lower[at] = np.maximum(lower[at], picked)
                else:
                    upper[at] = np.minimum(upper[at], picked)
        row_lower, row_upper = p.row_lower.copy(), p.row_upper.copy()
        self._free(row_lower, row_upper, kept)
        if demanded is not None:
            self._forgo(row_lower, row_upper, demanded)
        return bounded(p, (lower, upper), (row_lower, row_upper), state.whole(p.integer))

    def _free(self, lower: Floats, upper: Floats, kept: Collection[Limit]) -> None:
        """Free all rows that stand for limits, but for those that are kept."""
        own_lower, own_upper = lower.copy(), upper.copy()
        for name in (*IMPLIED, *(name for names in ROWS.values() for name in names)):
            at = self.rows(name)[1]
            lower[at], upper[at] = -np.inf, np.inf
        for limit in kept:
            if limit.kind in ROWS:
                at = self.rows_of(limit)
                lower[at], upper[at] = own_lower[at], own_upper[at]

    def _forgo(self, lower: Floats, upper: Floats, demanded: Bools) -> None:
        """Nobody need serve the workloads that are not demanded: at most their demand is served, and no standby is asked for."""
        workload = self.data.class_workload
        standing, freed = ("L16.demand", "L16.training_done", "L1_topology.one_pool"), ("L16.service_floor", "L10_L14.failover")
        for name in (*standing, *freed):
            keys, numbers = self.rows(name)
            first = np.array([key[0] if isinstance(key, tuple) else key for key in keys], dtype=np.int64)
            at = numbers[:, ~demanded[workload[first] if name == "L16.demand" else first]]
            lower[at] = -np.inf
            if name in freed:
                upper[at] = np.inf


def _picked(keys: list[Any], values: Floats, at: Ints) -> Floats:
    """Values in the order of the keys: of (…, second, first) where keys are pairs, else of (scenarios, slices or 1, items)."""
    index = np.array(keys, dtype=np.int64)
    return values[..., index[:, 1], index[:, 0]].reshape(-1, len(keys)) if index.ndim == 2 else values[:, index]


def _ramped(window: Bools, starts: Floats, term: Ints) -> Floats:
    """(T, O) lots that can be in force where only so many may start in a period."""
    begun = np.concatenate([np.zeros((1, len(term))), np.cumsum(window, axis=0)])
    t = np.arange(len(window))[:, None]
    periods = begun[t + 1, np.arange(len(term))] - begun[np.maximum(t + 1 - term, 0), np.arange(len(term))]
    return np.where(np.isinf(starts), np.inf, periods * np.where(np.isinf(starts), 0.0, starts))


class _State:
    """What the kept limits say of each variable."""

    def __init__(self, pieces: Pieces, kept: Collection[Limit]) -> None:
        self.pieces, self.d = pieces, pieces.data
        assert self.d.relaxable is not None
        self.r = self.d.relaxable
        self.workloads = len(self.d.workloads.total)
        self.by_kind: dict[str, list[Limit]] = {}
        for limit in kept:
            self.by_kind.setdefault(limit.kind, []).append(limit)
        self.mask = np.zeros(self.workloads, dtype=np.int64)
        for limit in kept:
            if limit.workload != ALL:
                self.mask[limit.workload] |= reasons_of(limit.kind)

    def keys(self, kind: str, n: int) -> Bools:
        """(n,) True for the offers, pools or regions whose limit of this kind is kept."""
        on = np.zeros(n, dtype=bool)
        on[[limit.key for limit in self.by_kind.get(kind, [])]] = True
        return on

    def held(self, kind: str) -> Bools:
        """(W,) True for the workloads whose limit of this kind is kept."""
        on = np.zeros(self.workloads, dtype=bool)
        on[[limit.workload for limit in self.by_kind.get(kind, [])]] = True
        return on

    def bounds(self) -> Iterable[tuple[str, Floats, bool]]:
        """(variable, values, whether they are lower bounds), as in `ailis_models.relaxation`."""
        d, r = self.d, self.r

        def open_(blockers: Ints, workload: Ints) -> Floats:
            return np.where((blockers & self.mask[workload]) != 0, 0.0, np.inf)

        of = d.calendar.slice_scenario if d.n_scenarios > 1 else [0]
        yield "replicas", open_(r.route_blockers, d.routes.workload)[of], False
        yield "standby", open_(r.standby_blockers, d.standby.workload)[of], False
        window = r.job_window | ~self.held("deadline")[d.jobs.workload][None, :]
        yield "gangs", np.where(window, open_(r.job_blockers, d.jobs.workload)[:, None, :], 0.0), False
        pools = len(d.pools.region)
        yield "chosen", np.tile(np.where(self.held("one pool"), np.inf, 0.0), (pools, 1)), False
        held = self.held("data in place")
        asked = [any(held[w] for w in d.placements.needed_by[dataset]) for dataset in d.placements.dataset.tolist()]
        yield "placed", np.where(np.array(asked, dtype=bool), 1.0, 0.0)[None, :], False
        yield "spare", np.where(self.keys("availability", pools), 0.0, np.inf)[None, :], False
        yield from self._committed()
        yield from self._hired()

    def _committed(self) -> Iterable[tuple[str, Floats, bool]]:
        d, r, offers = self.d, self.r, len(self.d.committed.term)
        terms, stated = self.keys("terms", offers), self.keys("lots on offer", offers)
        window = r.lots_window | ~self.keys("delivery", offers)[None, :]
        most = np.where(terms, np.where(stated, r.lots_on_offer, d.committed.most), 0.0)
        starts = np.where(self.keys("ramp", offers), r.starts_on_offer, np.inf)
        for name in ("whole_lots", "part_lots"):
            yield name, np.where(window, np.minimum(most, starts)[None, :], 0.0), False
        yield "in_force", np.tile(most, (d.periods, 1)), False
        yield "signed", np.tile(np.where(terms, 1.0, 0.0), (d.periods, 1)), False
        obliged = bool(self.by_kind.get("signed before"))
        yield "obliged", np.array([[float(obliged)]]), False
        yield "obliged", np.array([[float(obliged)]]), True
        useful = np.broadcast_to(r.by_hour_useful, r.by_hour_on_offer.shape)
        hourly = useful.copy()
        there = r.by_hour_on_offer[:, :offers] > 0
        limit = np.where(stated, np.minimum(r.lots_on_offer * d.committed.lot_gpus, useful[:, :offers]), useful[:, :offers])
        limit = np.minimum(limit, _ramped(window, starts, d.committed.term)[d.calendar.slice_period] * d.committed.lot_gpus)
        outside = ~there & self.keys("delivery", offers) & (r.lots_on_offer > 0)
        hourly[:, :offers] = np.where(terms | outside, 0.0, limit)
        ended = bool(self.by_kind.get("signed until"))
        hourly[:, offers:] = 0.0 if obliged else np.where(ended, r.by_hour_on_offer[:, offers:], useful[:, offers:])
        yield "by_hour", hourly, False

    def _hired(self) -> Iterable[tuple[str, Floats, bool]]:
        d, r, hired = self.d, self.r, len(self.d.hired.pool)
        there, quota = r.hired_on_offer > 0, r.hired_on_offer.max(axis=0, initial=0.0)
        most = np.where(self.keys("quota", hired), quota, d.slices.hire_most)
        outside = ~there & self.keys("hire window", hired) & (quota > 0)
        for name in ("whole_hired", "part_hired"):
            yield name, np.where(outside, 0.0, most), False

    def whole(self, integer: Bools) -> Bools:
        """(columns,) which are whole."""
        whole, d = integer.copy(), self.d
        lots = self.keys("whole lots", len(d.committed.term))
        tranche = np.ones(len(d.committed.tranche_pool), dtype=bool)
        np.logical_and.at(tranche, d.committed.tranche, lots)
        gangs = self.held("whole gangs")[d.jobs.workload]
        hired = self.keys("whole hired", len(d.hired.pool))
        for name, on in (("whole_lots", lots), ("in_force", lots), ("owned", tranche), ("gangs", gangs), ("whole_hired", hired)):
            keys, at = self.pieces.columns(name)
            if keys:
                whole[at[:, [not on[int(key[0] if isinstance(key, tuple) else key)] for key in keys]]] = False
        return whole
