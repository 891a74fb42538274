"""Stamp the slice template over all slices and join it with the plan into one sparse matrix, row by row.

Columns: the plan's, then slice after slice. Rows likewise. A slice entry on a port goes to the plan's column of the slice's period;
a plan entry on an export goes to the column of the slice it names. Nothing is built twice: new arrays, same template, stamped again.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, fields, replace

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

    def slice_rows(self, values: Floats) -> Floats:
        """(slices, rows of a slice) view of a vector over all rows."""
        return values[self.plan.n_rows :].reshape(self.slices, self.slice.n_rows)


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

    def without_matrix(self) -> Program:
        """The program without its entries: enough to read a solution, small enough to send."""
        return replace(self, start=self.start[:0], index=self.index[:0], value=self.value[:0], rounded=self.rounded[:0])


def templates(d: Data) -> tuple[Template, Template]:
    """The plan's and the slice's pattern, read from Pyomo once."""
    collects = gc.isenabled()
    gc.disable()
    try:
        plan = read_template(formulation.plan_model(d), tuple(f"export_{name}" for name in decisions.EXPORTS))
        return plan, read_template(formulation.slice_model(d), decisions.PORTS)
    finally:
        if collects:
            gc.enable()


def compile_program(d: Data, plan: Template, slice_: Template) -> Program:
    """Evaluate all coefficients with numpy and stamp them into one matrix."""
    n, arrays = d.n_slices, {f.name: getattr(d.slices, f.name) for f in fields(d.slices)}
    once = plan.coefficients.evaluate({}, 1)
    many = slice_.coefficients.evaluate(arrays, n)
    base = plan.n_columns + slice_.n_columns * np.arange(n)
    ports, exports = _ports(d, plan, slice_), _exports(plan, slice_)

    once_n, each = len(plan.column), len(slice_.column)
    index, value = np.empty(once_n + n * each, dtype=np.int32), np.empty(once_n + n * each)
    index[:once_n] = plan.column
    outside = np.flatnonzero(plan.column < 0)
    index[outside] = exports[-1 - plan.column[outside]]
    value[:once_n] = once[0, plan.entry]
    slice_index, slice_value = index[once_n:].reshape(n, each), value[once_n:].reshape(n, each)
    np.add(slice_.column.astype(np.int32)[None, :], base.astype(np.int32)[:, None], out=slice_index)
    outside = np.flatnonzero(slice_.column < 0)
    slice_index[:, outside] = ports[:, -1 - slice_.column[outside]]
    if len(many) == n:
        np.take(many, slice_.entry, axis=1, out=slice_value)
    else:
        slice_value[:] = many[0, slice_.entry]

    lower, upper = _row_bounds(slice_, many, n)
    first_lower, first_upper = _row_bounds(plan, once, 1)
    entries = len(plan.column) + len(slice_.column) * np.arange(n)
    start = np.concatenate([plan.start[:-1], (entries[:, None] + slice_.start[None, :-1]).ravel(), [entries[-1] + len(slice_.column)]])
    integer = np.concatenate([plan.integer, np.tile(slice_.integer, n)])
    rounded = np.concatenate([_named(plan, decisions.LOTS), np.tile(_named(slice_, decisions.LOTS), n)])
    offset, cost, lost = _objective(plan, once, 1)
    offsets, costs, losts = _objective(slice_, many, n)
    return Program(
        layout=Layout(plan.extent, slice_.extent, n),
        start=start.astype(np.int32),
        index=index,
        value=value,
        row_lower=np.concatenate([first_lower, lower]),
        row_upper=np.concatenate([first_upper, upper]),
        column_lower=np.concatenate([plan.column_lower, np.tile(slice_.column_lower, n)]),
        column_upper=np.concatenate([_picked(once, plan.column_upper, 1, np.inf), _picked(many, slice_.column_upper, n, np.inf)]),
        integer=integer,
        rounded=rounded[integer],
        cost=_scatter((cost, costs), plan, slice_, ports),
        lost=_scatter((lost, losts), plan, slice_, ports),
        offset=offset + offsets,
        asked=float(d.workloads.total @ d.workloads.weight),
        least=float((d.workloads.total * np.where(d.workloads.sheddable, d.workloads.min_service, 1.0)) @ d.workloads.weight),
    )


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


def _picked(values: Floats, positions: Ints, slices: int, missing: float) -> Floats:
    """values[:, positions] for all slices, flat; `missing` where the position is -1."""
    picked = np.full((slices, len(positions)), missing)
    at = np.flatnonzero(positions >= 0)
    picked[:, at] = values[:, positions[at]]
    return picked.ravel()


def _row_bounds(template: Template, values: Floats, slices: int) -> tuple[Floats, Floats]:
    shift = _picked(values, template.shift, slices, 0.0)
    return _picked(values, template.lower, slices, -np.inf) - shift, _picked(values, template.upper, slices, np.inf) - shift


Linear = tuple[Ints, Floats]


def _objective(template: Template, values: Floats, slices: int) -> tuple[float, Linear, Linear]:
    """Constant of the cost, and (columns, (slices, columns) coefficients) of cost and lost outcomes."""
    (cost, at, constant), (lost, lost_at, _) = template.cost, template.lost
    offset = float(np.broadcast_to(values[:, constant], (slices,)).sum()) if constant >= 0 else 0.0
    shape = (slices, len(values[0]))
    full = np.broadcast_to(values, shape)
    return offset, (cost, full[:, at]), (lost, full[:, lost_at])


def _scatter(parts: tuple[Linear, Linear], plan: Template, slice_: Template, ports: Ints) -> Floats:
    """One dense objective over all columns."""
    (first, once), (local, many) = parts
    n = len(many)
    out = np.zeros(plan.n_columns + n * slice_.n_columns)
    out[first] = once[0]
    table = out[plan.n_columns :].reshape(n, slice_.n_columns)
    own = local >= 0
    table[:, local[own]] = many[:, own]
    np.add.at(out, ports[:, -1 - local[~own]], many[:, ~own])
    return out
