"""A program with only some layers enforced: the same rows and columns, other bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ailis_models import relaxation
from ailis_models.arrays import Bools, Data, Floats, Ints
from ailis_models.families import Family
from ailis_models.formulation import FAMILIES
from ailis_models.layers import LAYERS
from ailis_opt.engine.compile import Program
from ailis_opt.engine.template import Group

WHOLE = 1e-9
PARTS = {"lots": ("whole_lots", "part_lots"), "hired": ("whole_hired", "part_hired")}
"""Decisions that stand in two variables, whole and divisible ones apart."""


class Relaxer:
    """Makes programs with fewer layers from the one program of `data` (prepared with everything that a layer might allow).

    What it needs of the layout is worked out once; a set of layers then costs a few passes over the bounds.
    """

    def __init__(self, data: Data, program: Program) -> None:
        if data.relaxable is None:
            raise ValueError("prepare the instance with relaxable=True")
        self.data, self.program = data, program
        self._columns = {group.name: (scope, group) for scope, group in program.layout.groups()}
        self._rows = list(self._freed_rows())

    def _freed_rows(self) -> Iterator[tuple[Family, Ints, Ints]]:
        """Families whose rows go with their layer: row numbers (scenarios, slices or 1, rows), and the workload of each row (-1: all
        together).
        """
        component = {f"{layer.component}.{f.name}": f for layer in LAYERS for f in FAMILIES if f.layer == layer.id}
        for scope, group in self.program.layout.groups(rows=True):
            family = component[group.name]
            if family.freed and group.keys:
                yield (
                    family,
                    self.program.layout.numbers(scope, group, rows=True),
                    np.array([self._workload(family, key) for key in group.keys]),
                )

    def _workload(self, family: Family, key: Any) -> int:
        first = key[0] if isinstance(key, tuple) else key
        if family.index[0] != "workload":
            return -1
        if family.index[1:3] == ("pool", "profile"):  # rows of gangs go by their route
            return int(self.data.jobs.workload[first])
        return int(first)

    def columns(self, name: str, items: Ints) -> Ints:
        """Columns of a variable indexed by item, or by (item, period), wherever it stands: in every scenario or slice, in every period."""
        scope, group = self._columns[name]
        if not group.keys:
            return np.zeros(0, dtype=np.int64)
        first = np.array([key[0] if isinstance(key, tuple) else key for key in group.keys])
        return self.program.layout.numbers(scope, group)[:, np.isin(first, items)].ravel()

    def program_of(self, enforced: relaxation.Enforced) -> Program:
        """The program with the layers of `enforced`."""
        p = self.program
        lower, upper = p.column_lower.copy(), p.column_upper.copy()
        for bound in relaxation.bounds(self.data, enforced):
            for name in PARTS.get(bound.variable, (bound.variable,)):
                scope, group = self._columns[name]
                if group.keys:
                    at, values = self.program.layout.numbers(scope, group), _picked(scope, group, bound.values)
                    if bound.lower:
                        lower[at] = np.maximum(lower[at], values)
                    else:
                        upper[at] = np.minimum(upper[at], values)
        row_lower, row_upper = p.row_lower.copy(), p.row_upper.copy()
        for family, at, workload in self._rows:
            free = np.zeros(len(workload), dtype=bool)
            for layer in family.implied_by or (family.layer,):
                on = enforced[layer]
                free |= np.where(workload < 0, not on.any(), ~on[workload])
            row_lower[at[:, free]], row_upper[at[:, free]] = -np.inf, np.inf
        return bounded(p, (lower, upper), (row_lower, row_upper), self._whole(enforced))

    def _whole(self, enforced: relaxation.Enforced) -> Bools:
        """(columns,) True where a column is whole for the sake of a layer that is enforced."""
        whole = self.program.integer.copy()
        for layer, names in relaxation.DIVISIBLE.items():
            on = enforced[layer]
            for name in names:
                scope, group = self._columns[name]
                if group.keys:
                    free = ~on[self.data.jobs.workload[[key[0] for key in group.keys]]] if name == "gangs" else np.array([not on.any()])
                    whole[self.program.layout.numbers(scope, group)[:, np.broadcast_to(free, len(group.keys))]] = False
        return whole


def bounded(p: Program, columns: tuple[Floats, Floats], rows: tuple[Floats, Floats], whole: Bools) -> Program:
    """The program with other bounds (lower, upper) and other whole columns.

    Bounds of whole columns are made whole, and those that are left no choice count as real.
    """
    lower, upper = (values.copy() for values in columns)
    lower[whole], upper[whole] = np.ceil(lower[whole] - WHOLE), np.floor(upper[whole] + WHOLE)
    free = whole & (lower < upper)
    return replace(
        p,
        column_lower=lower,
        column_upper=upper,
        row_lower=rows[0],
        row_upper=rows[1],
        integer=free,
    )


def _picked(scope: int, group: Group, values: Floats) -> Floats:
    """The values of a bound in the order of a group's keys: (scenarios, slices or 1, keys)."""
    keys = np.array(group.keys, dtype=np.int64)
    if scope < 2:
        found = values[..., keys[:, 1], keys[:, 0]] if keys.ndim == 2 else values[..., keys]
        return found.reshape(-1, len(keys))
    return values[:, keys]
