"""Stamp the templates of a scenario and of a slice over all of them and join them with the plan into one sparse matrix, row by row.

Columns: the plan's, then scenario after scenario, then slice after slice. Rows likewise. An entry on a port goes to the column of a wider
scope (of the same scenario, in the slice's period), an entry on an export to that of a narrower one. Nothing is built twice: new arrays,
same templates, stamped again.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ailis_models import decisions, formulation
from ailis_models.arrays import Bools, Data, Floats, Ints, Scenarios, Slices
from ailis_opt.engine.template import Extent, Group, Template, read_template

HOLDS = 1e-7  # of the size of a row or a column: by how much a solution may miss its bounds


@dataclass(frozen=True, slots=True)
class Layout:
    """Where plan, scenarios and slices stand in the program's columns and rows. A scope is 0 plan, 1 scenario, 2 slice."""

    plan: Extent
    scenario: Extent
    slice: Extent
    scenarios: int
    slices: int

    @property
    def scopes(self) -> tuple[tuple[Extent, int], ...]:
        """Each scope's pattern, and how often it is stamped."""
        return (self.plan, 1), (self.scenario, self.scenarios), (self.slice, self.slices)

    def groups(self, rows: bool = False) -> Iterator[tuple[int, Group]]:
        """Every group of columns, or rows, with its scope."""
        for scope, (extent, _) in enumerate(self.scopes):
            for group in extent.rows if rows else extent.columns:
                yield scope, group

    def column(self, name: str) -> tuple[Group, int]:
        """The group of a variable, and its scope."""
        for scope, group in self.groups():
            if group.name == name:
                return group, scope
        raise KeyError(name)

    def parts(self, whole: NDArray[Any], rows: bool = False) -> tuple[NDArray[Any], ...]:
        """Views of an array over all columns, or rows: (1, the plan's), (scenarios, a scenario's), (slices, a slice's)."""
        return split(whole, [(extent.n_rows if rows else extent.n_columns, count) for extent, count in self.scopes])

    def values(self, name: str, x: Floats) -> Floats:
        """Values of a variable in a solution x: (keys,) in plan scope, (scenarios or slices, keys) in the others."""
        group, scope = self.column(name)
        found: Floats = self.parts(x)[scope][:, group.start : group.start + len(group.keys)]
        return found[0] if scope == 0 else found

    def first(self, scope: int, rows: bool = False) -> Ints:
        """(scenarios, slices or 1) the number of the first column, or row, of each."""
        sizes = [(extent.n_rows if rows else extent.n_columns, count) for extent, count in self.scopes]
        size, count = sizes[scope]
        return np.asarray(sum(n * c for n, c in sizes[:scope]) + size * np.arange(count))

    def numbers(self, scope: int, group: Group, rows: bool = False) -> Ints:
        """(scenarios, slices or 1, keys) numbers in the program of a group's columns, or rows."""
        return np.asarray(self.first(scope, rows)[:, None] + group.start + np.arange(len(group.keys)))

    def slice_rows(self, values: Floats) -> Floats:
        """(slices, rows of a slice) view of a vector over all rows."""
        return self.parts(values, rows=True)[2]


def dot(one: Floats, other: Floats) -> float:
    """Σ one·other. Not `@`: BLAS would wake threads for it, which takes longer than the sum."""
    return float((one * other).sum())


@dataclass(frozen=True, slots=True)
class Program:
    """min cost·x + offset with row and column bounds, by rows (CSR); `lost` are the weighted outcomes left unserved.

    The ratio is (cost·x + offset) / (asked − lost·x).
    """

    layout: Layout
    group: NDArray[np.int16]  # (columns,) which of the layout's groups each is of
    start: NDArray[np.int32]  # (rows + 1,)
    index: NDArray[np.int32]  # (entries,)
    value: Floats  # (entries,)
    row_lower: Floats
    row_upper: Floats
    column_lower: Floats
    column_upper: Floats
    integer: Bools
    cost: Floats
    lost: Floats
    offset: float
    asked: float  # weighted outcomes demanded
    least: float  # weighted outcomes that every plan serves

    def split(self, x: Floats) -> tuple[float, float]:
        """(N, D) of a solution: its cost, and the weighted outcomes that it serves."""
        return dot(self.cost, x) + self.offset, self.asked - dot(self.lost, x)

    @property
    def row(self) -> Ints:
        """(entries,) the row of each."""
        return np.repeat(np.arange(len(self.row_lower)), np.diff(self.start))

    def holds(self, x: Floats) -> bool:
        """Whether a solution keeps all bounds, rows and whole numbers, but for rounding."""
        terms, row = self.value * x[self.index], self.row
        activity, size = (np.bincount(row, each, len(self.row_lower)) for each in (terms, np.abs(terms)))
        return all(
            (np.maximum(lower - values, values - upper) <= HOLDS * np.maximum(size, 1.0)).all()
            for values, size, lower, upper in (
                (activity, size, self.row_lower, self.row_upper),
                (x, np.abs(x), self.column_lower, self.column_upper),
                (x[self.integer], np.ones(1), np.round(x[self.integer]), np.round(x[self.integer])),
            )
        )

    def named(self, *names: str) -> Bools:
        """(columns,) True for the columns of the named variables."""
        return np.isin(self.group, [i for i, (_, group) in enumerate(self.layout.groups()) if group.name in names])

    @property
    def rounded(self) -> Bools:
        """(integer columns,) True for lots, near whose relaxed numbers good plans are found."""
        return self.named(*decisions.LOTS)[self.integer]

    def without_matrix(self) -> Program:
        """The program without its entries: enough to read a solution, small enough to send."""
        return replace(self, start=self.start[:0], index=self.index[:0], value=self.value[:0])


def templates(d: Data) -> tuple[Template, Template, Template]:
    """The patterns of the plan, of a scenario and of a slice, read from Pyomo once."""
    return plan_template(d), scenario_template(d), slice_template(d)


def plan_template(d: Data) -> Template:
    """The plan's pattern; exports of the scenarios are links."""
    with _without_collection():
        return read_template(formulation.plan_model(d), tuple(f"export_{name}" for name in decisions.SCENARIO_EXPORTS))


def scenario_template(d: Data) -> Template:
    """The pattern of a scenario; ports to the plan and exports of its slices are links."""
    links = (*decisions.SCENARIO_PORTS, *(f"export_{name}" for name in decisions.SLICE_EXPORTS))
    with _without_collection():
        return read_template(formulation.scenario_model(d), links)


def slice_template(d: Data) -> Template:
    """The pattern of a slice; ports to the plan and its scenario are links."""
    with _without_collection():
        return read_template(formulation.slice_model(d), decisions.SLICE_PORTS)


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


@dataclass(frozen=True, slots=True)
class Scope:
    """What is stamped: a template, the arrays of its parameters (first axis: how often it is stamped, or 1), and the columns that its links
    stand for: (count, links)."""

    template: Template
    arrays: Mapping[str, Floats]
    links: Ints


@dataclass(frozen=True, slots=True)
class TwoStage:
    """A two-stage model: three templates and the numbers of all scenarios. Any Pyomo models may be behind them, not only those of an
    instance.

    `scenarios` and `slices`: the arrays of the parameters, first axis Z and Z·s, or 1 where all are alike; `period`: (s,) of the slices of
    one scenario; `probability`: (Z,), which the models hold as a parameter of that name; `asked`, `least`: (Z,) weighted outcomes demanded,
    and those that every plan serves.
    """

    plan: Template
    scenario: Template
    slice: Template
    scenarios: Mapping[str, Floats]
    slices: Mapping[str, Floats]
    period: Ints
    probability: Floats
    asked: Floats
    least: Floats

    def program(self) -> Program:
        """Evaluate all coefficients with numpy and stamp them into one matrix."""
        z, s = len(self.probability), len(self.period)
        layout = Layout(self.plan.extent, self.scenario.extent, self.slice.extent, z, z * s)
        plans, of_scenario, of_slice = (layout.first(scope) for scope in range(3))
        period, above = np.tile(self.period, z), np.repeat(of_scenario, s)
        links = (
            _links(self.plan, 1, _exports(self.plan, self.scenario, of_scenario[None, :])),
            _links(self.scenario, z, _ports(self.scenario, self.plan, plans), _exports(self.scenario, self.slice, of_slice.reshape(z, s))),
            _links(self.slice, z * s, _ports(self.slice, self.plan, plans, period), _ports(self.slice, self.scenario, above, period)),
        )
        templates = (self.plan, self.scenario, self.slice)
        arrays: tuple[Mapping[str, Floats], ...] = ({}, self.scenarios, self.slices)
        scopes = tuple(Scope(template, array, link) for template, array, link in zip(templates, arrays, links, strict=True))
        return stamp(layout, scopes, float(self.probability @ self.asked), float(self.probability @ self.least))

    def alone(self, z: int) -> TwoStage:
        """One scenario, sure to come."""
        return self._single(lambda rows: rows[z], z)

    def mean(self) -> TwoStage:
        """The mean of all scenarios, sure to come."""
        return self._single(lambda rows: np.tensordot(self.probability, rows, 1), None)

    def _single(self, of: Callable[[Floats], Floats], z: int | None) -> TwoStage:
        n, s = len(self.probability), len(self.period)

        def one(arrays: Mapping[str, Floats], rows: int) -> dict[str, Floats]:
            found = {k: a if len(a) == 1 else of(a.reshape(n, rows, -1)) for k, a in arrays.items()}
            return found | ({"probability": np.ones((1, 1))} if "probability" in arrays else {})

        def amount(values: Floats) -> Floats:
            return np.array([self.probability @ values if z is None else values[z]])

        return replace(
            self,
            scenarios=one(self.scenarios, 1),
            slices=one(self.slices, s),
            probability=np.ones(1),
            asked=amount(self.asked),
            least=amount(self.least),
        )


def compile_program(d: Data, plan: Template, scenario: Template, slice_: Template) -> Program:
    """The program of an instance."""
    return two_stage(d, plan, scenario, slice_).program()


def two_stage(d: Data, plan: Template, scenario: Template, slice_: Template) -> TwoStage:
    """The two-stage model of an instance, with the templates of its formulation."""
    w = d.workloads
    total = np.broadcast_to(d.scenarios.total, (d.n_scenarios, len(w.total)))
    least = total * np.where(w.sheddable, w.min_service, 1.0)
    period = d.calendar.slice_period[: d.scenario_slices]
    scenarios, slices = _arrays(d.scenarios), _arrays(d.slices)
    return TwoStage(plan, scenario, slice_, scenarios, slices, period, d.probability, total @ w.weight, least @ w.weight)


def stamp(layout: Layout, scopes: Sequence[Scope], asked: float = 0.0, least: float = 0.0) -> Program:
    """The program of plan, scenarios and slices."""
    each = [
        (len(s.template.column), s.template.n_rows, s.template.n_columns, count)
        for s, (_, count) in zip(scopes, layout.scopes, strict=True)
    ]
    entries, rows, columns = (sum(size[i] * size[3] for size in each) for i in range(3))
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
    offset = 0.0
    for number, (scope, part) in enumerate(zip(scopes, _parts(whole, layout, each), strict=True)):
        offset += _stamp(whole, part, scope, layout.first(number))
    start, before = [], 0
    for scope, (n, _, _, count) in zip(scopes, each, strict=True):
        start.append((before + n * np.arange(count)[:, None] + scope.template.start[None, :-1]).ravel())
        before += n * count
    integer = np.concatenate([np.tile(s.template.integer, size[3]) for s, size in zip(scopes, each, strict=True)])
    return Program(
        layout=layout,
        group=_groups(layout),
        start=np.concatenate([*start, [entries]]).astype(np.int32),
        **{f.name: getattr(whole, f.name) for f in fields(whole)},
        integer=integer,
        offset=offset,
        asked=asked,
        least=least,
    )


def split(whole: NDArray[Any], sizes: Sequence[tuple[int, int]]) -> tuple[NDArray[Any], ...]:
    """Views of an array of several parts, each of so many of one size: (count, size) of every part."""
    parts, at = [], 0
    for size, count in sizes:
        parts.append(whole[at : at + size * count].reshape(count, size))
        at += size * count
    return tuple(parts)


def _arrays(of: Scenarios | Slices) -> dict[str, Floats]:
    return {f.name: getattr(of, f.name) for f in fields(of)}


def _parts(whole: _Arrays, layout: Layout, each: list[tuple[int, int, int, int]]) -> Iterator[_Arrays]:
    """The part of each scope."""
    entries = [(size[0], size[3]) for size in each]
    index, value = split(whole.index, entries), split(whole.value, entries)
    by_row = [layout.parts(a, rows=True) for a in (whole.row_lower, whole.row_upper)]
    by_column = [layout.parts(a) for a in (whole.column_lower, whole.column_upper, whole.cost, whole.lost)]
    for i in range(len(each)):
        yield _Arrays(index[i], value[i], *(a[i] for a in by_row), *(a[i] for a in by_column))


def _stamp(whole: _Arrays, part: _Arrays, scope: Scope, first: Ints) -> float:
    """Fill one scope's part; returns its constant cost.

    Its columns start at `first` (count,). What is zero in `whole` already is not written: memory never touched costs no time.
    """
    template, links = scope.template, scope.links
    outside = np.flatnonzero(template.column < 0)
    np.add(template.column.astype(np.int32), first.astype(np.int32)[:, None], out=part.index)
    part.index[:, outside] = links[:, -1 - template.column[outside]]
    low, high = np.flatnonzero(template.column_lower), np.flatnonzero(template.column_upper >= 0)
    part.column_lower[:, low] = template.column_lower[low]
    constant, offset = template.cost[2], 0.0
    for span, values in template.coefficients.evaluate(scope.arrays, len(first)):
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


def _groups(layout: Layout) -> NDArray[np.int16]:
    """(columns,) the group that each column is of."""
    found, before = [], 0
    for extent, count in layout.scopes:
        sizes = [len(group.keys) for group in extent.columns]
        found.append(np.tile(np.repeat(np.arange(before, before + len(sizes), dtype=np.int16), sizes), count))
        before += len(sizes)
    return np.concatenate(found)


def _links(template: Template, count: int, *found: Iterator[tuple[Group, Ints]]) -> Ints:
    """(count, links) columns that the links of a template stand for, from what was found of each group: (count or 1, keys)."""
    links = np.zeros((count, sum(len(group.keys) for group in template.links)), dtype=np.int64)
    for group, columns in chain(*found):
        links[:, group.start : group.start + len(group.keys)] = columns
    return links


def _ports(inner: Template, outer: Template, first: Ints, period: Ints | None = None) -> Iterator[tuple[Group, Ints]]:
    """The ports of one scope to a wider one, of which each has its first column at `first` (count or 1,).

    `period` (count,): what the wider scope has by period is read at that one.
    """
    columns = {group.name: group for group in outer.columns}
    for group in inner.links:
        if group.name in columns:
            target = columns[group.name]
            at = {key: target.start + i for i, key in enumerate(target.keys)}
            if period is None or all(key in at for key in group.keys):
                place = np.array([at[key] for key in group.keys], dtype=np.int64)[None, :]
            else:
                every = range(int(period.max()) + 1)
                place = np.array([[at[key, t] for key in group.keys] for t in every], dtype=np.int64).reshape(len(every), -1)[period]
            yield group, first[:, None] + place


def _exports(outer: Template, inner: Template, first: Ints) -> Iterator[tuple[Group, Ints]]:
    """The exports of a narrower scope; `first` (count, inner ones of each): their first columns."""
    for group in outer.links:
        if group.name.startswith("export_") and group.keys:
            source = next(g for g in inner.columns if g.name == group.name.removeprefix("export_"))
            at = {key: source.start + i for i, key in enumerate(source.keys)}
            which = np.array([s for s, _ in group.keys], dtype=np.int64)
            yield group, first[:, which] + np.array([at[key] for _, key in group.keys], dtype=np.int64)


def _picked(values: Floats, positions: Ints, missing: float) -> Floats:
    """values[:, positions]; `missing` where the position is -1."""
    picked = np.full((len(values), len(positions)), missing)
    at = np.flatnonzero(positions >= 0)
    picked[:, at] = values[:, positions[at]]
    return picked
