"""Stamp the slice template over all slices and join it with the plan into one sparse matrix, row by row.

Columns: the plan's, then slice after slice. Rows likewise. A slice entry on a port goes to the plan's column of the slice's period;
a plan entry on an export goes to the column of the slice it names. Nothing is built twice: new arrays, same template, stamped again.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ailis_models import decisions, formulation
from ailis_models.arrays import Bools, Data, Floats, Ints
from ailis_opt.engine.template import Extent, Group, Template, read_template


@dataclass(frozen=True, slots=True)
class Layout:
    """Where plan and slices stand in the program's columns and rows."""

    plan: Extent
    slice: Extent
    slices: int

    def column(self, name: str) -> tuple[Group, int]:
        """The group of a variable and its scope: 0 plan, 1 slice."""
        for scope, extent in enumerate((self.plan, self.slice)):
            for group in extent.columns:
                if group.name == name:
                    return group, scope
        raise KeyError(name)

    def values(self, name: str, x: Floats) -> Floats:
        """Values of a variable in a solution x: (keys,) in plan scope, (slices, keys) in slice scope."""
        group, scope = self.column(name)
        if scope == 0:
            return x[group.start : group.start + len(group.keys)]
        table = x[self.plan.n_columns :].reshape(self.slices, self.slice.n_columns)
        return table[:, group.start : group.start + len(group.keys)]

    def numbers(self, scope: int, group: Group, rows: bool = False) -> Ints:
        """(slices or 1, keys) numbers in the program of a group's columns, or rows; `scope` 0: plan, 1: slice."""
        own = np.arange(group.start, group.start + len(group.keys))[None, :]
        if scope == 0:
            return own
        first, step = (self.plan.n_rows, self.slice.n_rows) if rows else (self.plan.n_columns, self.slice.n_columns)
        return np.asarray(first + step * np.arange(self.slices)[:, None] + own)

    def slice_rows(self, values: Floats) -> Floats:
        """(slices, rows of a slice) view of a vector over all rows."""
        return values[self.plan.n_rows :].reshape(self.slices, self.slice.n_rows)


def dot(one: Floats, other: Floats) -> float:
    """Σ one·other. Not `@`: BLAS would wake threads for it, which takes longer than the sum."""
    return float((one * other).sum())


@dataclass(frozen=True, slots=True)
class Program:
    """min cost·x + offset with row and column bounds, by rows (CSR); `lost` are the weighted outcomes left unserved.

    The ratio is (cost·x + offset) / (asked − lost·x).
    """

    layout: Layout
    start: NDArray[np.int32]  # (rows + 1,)
    index: NDArray[np.int32]  # (entries,)
    value: Floats  # (entries,)
    row_lower: Floats
    row_upper: Floats
    column_lower: Floats
    column_upper: Floats
    integer: Bools
    rounded: Bools  # of the integer columns, in their order: lots, near whose relaxed numbers good plans are found
    cost: Floats
    lost: Floats
    offset: float
    asked: float  # weighted outcomes demanded
    least: float  # weighted outcomes that every plan serves

    def split(self, x: Floats) -> tuple[float, float]:
        """(N, D) of a solution: its cost, and the weighted outcomes that it serves."""
        return dot(self.cost, x) + self.offset, self.asked - dot(self.lost, x)

    def without_matrix(self) -> Program:
        """The program without its entries: enough to read a solution, small enough to send."""
        return replace(self, start=self.start[:0], index=self.index[:0], value=self.value[:0], rounded=self.rounded[:0])


def templates(d: Data) -> tuple[Template, Template]:
    """The plan's and the slice's pattern, read from Pyomo once."""
    return plan_template(d), slice_template(d)


def plan_template(d: Data) -> Template:
    """The plan's pattern; exports of the slices are links."""
    with _without_collection():
        return read_template(formulation.plan_model(d), tuple(f"export_{name}" for name in decisions.EXPORTS))


def slice_template(d: Data) -> Template:
    """The pattern of a slice; ports to the plan are links."""
    with _without_collection():
        return read_template(formulation.slice_model(d), decisions.PORTS)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Inside, no garbage is looked for: Pyomo makes many objects that all stay."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@dataclass(frozen=True, slots=True)
class _Arrays:
    """What is stamped: the arrays of a program, or views of one scope's part of them, (slices or 1, its entries, rows or columns)."""

    index: NDArray[np.int32]
    value: Floats
    row_lower: Floats
    row_upper: Floats
    column_lower: Floats
    column_upper: Floats
    cost: Floats
    lost: Floats


def compile_program(d: Data, plan: Template, slice_: Template) -> Program:
    """Evaluate all coefficients with numpy and stamp them into one matrix."""
    n = d.n_slices
    entries, rows, columns = (
        once + n * each
        for once, each in ((len(plan.column), len(slice_.column)), (plan.n_rows, slice_.n_rows), (plan.n_columns, slice_.n_columns))
    )
    whole = _Arrays(
        index=np.empty(entries, dtype=np.int32),
        value=np.empty(entries),
        row_lower=np.empty(rows),
        row_upper=np.empty(rows),
        column_lower=np.zeros(columns),
        column_upper=np.full(columns, np.inf),
        cost=np.zeros(columns),
        lost=np.zeros(columns),
    )
    once, many = _scopes(whole, plan, n)
    offset = _stamp(whole, once, plan, {}, np.zeros(1, dtype=np.int64), _exports(plan, slice_)[None, :])
    arrays = {f.name: getattr(d.slices, f.name) for f in fields(d.slices)}
    first = plan.n_columns + slice_.n_columns * np.arange(n)
    offset += _stamp(whole, many, slice_, arrays, first, _ports(d, plan, slice_))
    before = len(plan.column) + len(slice_.column) * np.arange(n)
    start = np.concatenate([plan.start[:-1], (before[:, None] + slice_.start[None, :-1]).ravel(), [entries]])
    integer = np.concatenate([plan.integer, np.tile(slice_.integer, n)])
    rounded = np.concatenate([_named(plan, decisions.LOTS), np.tile(_named(slice_, decisions.LOTS), n)])
    return Program(
        layout=Layout(plan.extent, slice_.extent, n),
        start=start.astype(np.int32),
        **{f.name: getattr(whole, f.name) for f in fields(whole)},
        integer=integer,
        rounded=rounded[integer],
        offset=offset,
        asked=float(d.workloads.total @ d.workloads.weight),
        least=float((d.workloads.total * np.where(d.workloads.sheddable, d.workloads.min_service, 1.0)) @ d.workloads.weight),
    )


def split(whole: NDArray[Any], once: int, slices: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Views of an array over plan and slices: (1, the plan's) and (slices, a slice's)."""
    return whole[:once].reshape(1, once), whole[once:].reshape(slices, (len(whole) - once) // max(slices, 1))


def _scopes(whole: _Arrays, plan: Template, slices: int) -> tuple[_Arrays, _Arrays]:
    """The plan's and the slices' part."""
    sizes = 2 * [len(plan.column)] + 2 * [plan.n_rows] + 4 * [plan.n_columns]
    parts = [split(getattr(whole, f.name), size, slices) for f, size in zip(fields(whole), sizes, strict=True)]
    return _Arrays(*(once for once, _ in parts)), _Arrays(*(many for _, many in parts))


def _stamp(whole: _Arrays, part: _Arrays, template: Template, arrays: Mapping[str, Floats], first: Ints, links: Ints) -> float:
    """Fill one scope's part; returns its constant cost.

    Its columns start at `first` (slices,), its links stand for the columns `links` (slices, links). What is zero in `whole` already is
    not written: memory never touched costs no time.
    """
    outside = np.flatnonzero(template.column < 0)
    np.add(template.column.astype(np.int32), first.astype(np.int32)[:, None], out=part.index)
    part.index[:, outside] = links[:, -1 - template.column[outside]]
    low, high = np.flatnonzero(template.column_lower), np.flatnonzero(template.column_upper >= 0)
    part.column_lower[:, low] = template.column_lower[low]
    constant, offset = template.cost[2], 0.0
    for span, values in template.coefficients.evaluate(arrays, len(first)):
        np.take(values, template.entry, axis=1, out=part.value[span], mode="clip")  # the mode "raise" would buffer
        shift = _picked(values, template.shift, 0.0)
        part.row_lower[span] = _picked(values, template.lower, -np.inf) - shift
        part.row_upper[span] = _picked(values, template.upper, np.inf) - shift
        part.column_upper[span, high] = values[:, template.column_upper[high]]
        for (column, at, _), own, every in ((template.cost, part.cost, whole.cost), (template.lost, part.lost, whole.lost)):
            here = column >= 0
            own[span, column[here]] = values[:, at[here]]
            np.add.at(every, links[span, -1 - column[~here]], values[:, at[~here]])
        offset += float(values[:, constant].sum()) if constant >= 0 else 0.0
    return offset


def _named(template: Template, names: tuple[str, ...]) -> Bools:
    """(columns,) True for the columns of the named variables."""
    mask = np.zeros(template.n_columns, dtype=bool)
    for group in template.columns:
        mask[group.start : group.start + len(group.keys)] = group.name in names
    return mask


def _ports(d: Data, plan: Template, slice_: Template) -> Ints:
    """(S, ports) plan column that each port of each slice stands for."""
    period = d.calendar.slice_period
    ports = np.zeros((d.n_slices, sum(len(g.keys) for g in slice_.links)), dtype=np.int64)
    for group in slice_.links:
        target = next(g for g in plan.columns if g.name == group.name)
        at = {key: target.start + i for i, key in enumerate(target.keys)}
        span = slice(group.start, group.start + len(group.keys))
        if group.name == "placed":
            ports[:, span] = [at[i] for i in group.keys]
        else:
            table = np.array([[at[i, t] for i in group.keys] for t in range(d.periods)], dtype=np.int64).reshape(d.periods, -1)
            ports[:, span] = table[period]
    return ports


def _exports(plan: Template, slice_: Template) -> Ints:
    """(exports,) column of the slice variable that each export stands for."""
    columns: list[int] = []
    for group in plan.links:
        if group.keys:
            source = next(g for g in slice_.columns if g.name == group.name.removeprefix("export_"))
            at = {key: i for i, key in enumerate(source.keys)}
            columns += [plan.n_columns + s * slice_.n_columns + source.start + at[key] for s, key in group.keys]
    return np.array(columns, dtype=np.int64)


def _picked(values: Floats, positions: Ints, missing: float) -> Floats:
    """values[:, positions]; `missing` where the position is -1."""
    picked = np.full((len(values), len(positions)), missing)
    at = np.flatnonzero(positions >= 0)
    picked[:, at] = values[:, positions[at]]
    return picked
