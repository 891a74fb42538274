"""What would mend a conflict, limit by limit: the least change of each in the units that a planner uses.

Amounts are found on the whole instance with the one limit giving way. Where that does not suffice, because there are other conflicts, they
are those that resolve this conflict alone, and the mend is a part of a repair.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ailis_models.arrays import Bools, Floats
from ailis_opt.changes import Change
from ailis_opt.engine.compile import Program
from ailis_opt.explain.conflict import Conflict
from ailis_opt.explain.elastic import Give, least
from ailis_opt.explain.limits import Limit
from ailis_opt.explain.pieces import Pieces
from ailis_opt.explain.shrink import shrink
from ailis_opt.schema import Instance

SHARE = 0.25  # of the time left, for one solve
EDGE = 1e-6  # of an amount: solver noise that is not rounded up


@dataclass(frozen=True, slots=True)
class Mend:
    """A change of one limit, in words; `enough` if it is known to make the whole instance feasible."""

    text: str
    changes: tuple[Change, ...]
    enough: bool


class Workshop:
    """A conflict, and what it takes to try things out on it."""

    def __init__(self, pieces: Pieces, conflict: Conflict, deadline: float, original: Instance, given_up: Collection[str] = ()) -> None:
        """`original`: the instance before any mend, for what is said to be now. `given_up`: limits, by their text, that need not be met."""
        self.pieces, self.conflict, self.deadline, self.original = pieces, conflict, deadline, original
        self.whole = [limit for limit in pieces.limits if limit.text not in given_up]
        self.layered, self.data, self.prepared = pieces.layered, pieces.data, pieces.layered.prepared
        self.instance = self.layered.instance
        self.names: list[str] = self.instance.tables["workloads"]["workload"].tolist()
        self.demanded: Bools = np.isin(self.names, conflict.workloads)
        self.last = self.data.periods - 1

    @property
    def scopes(self) -> tuple[tuple[Collection[Limit], Bools | None, bool], ...]:
        """What an amount is sought for: the whole instance; if that fails, the conflict alone. The flag: whether it is enough."""
        return (self.whole, None, True), (self.conflict.limits, self.demanded, False)

    @property
    def until(self) -> float:
        """When one solve must end: no single question may take all the time that is left."""
        now = time.monotonic()
        return now + SHARE * (self.deadline - now)

    def now(self, table: str, column: str, **key: str) -> float:
        """A number of the original instance."""
        frame = self.original.tables[table]
        (name, value), *_ = key.items()
        return float(frame[column][frame[name] == value].iloc[0])

    def without(self, limits: Collection[Limit], out: Collection[Limit], demanded: Bools | None) -> Program:
        """The program without the limits `out`."""
        return self.pieces.program([limit for limit in limits if limit not in out], demanded)

    def freed(self, program: Program, row_upper: Floats) -> Program:
        """The program with other upper limits of its rows."""
        return replace(program, row_upper=row_upper)

    def of_ways(self, hit: Bools) -> dict[str, Bools]:
        """The routes, standby and gangs that go by the ways of `hit` (V,), as `opened` takes them."""
        p = self.prepared
        return self.of_columns(hit[p.route_way], hit[p.standby_way], hit[p.job_way])

    def of_columns(self, routes: Bools, standby: Bools, jobs: Bools) -> dict[str, Bools]:
        """The columns of these (R,), (B,) and (J,)."""
        out = {}
        for name, mask in (("replicas", routes), ("standby", standby), ("gangs", jobs)):
            keys, _ = self.pieces.columns(name)
            out[name] = np.array([mask[key[0] if isinstance(key, tuple) else key] for key in keys], dtype=bool)[None, :]
        return out

    def feasible(self, program: Program) -> bool:
        """Whether there is a plan, for certain."""
        return self.layered.any_plan(program, self.until) is True

    def amount(self, program: Callable[[Collection[Limit], Bools | None], Program], give: Give) -> tuple[Floats, bool] | None:
        """The least slacks, and whether they are enough for the whole instance."""
        for limits, demanded, enough in self.scopes:
            found = least(program(limits, demanded), give, self.until)
            if found is not None and found.sum() > 0:
                return found, enough
        return None

    def opened(self, limit: Limit, open_: dict[str, Bools]) -> Callable[[Collection[Limit], Bools | None], Program]:
        """The program in which a limit does not hold for some columns: name of the variable -> (keys,) or (slices or 1, keys) mask."""

        def program(limits: Collection[Limit], demanded: Bools | None) -> Program:
            kept, free = self.pieces.program(limits, demanded), self.without(limits, [limit], demanded)
            upper = kept.column_upper.copy()
            for name, mask in open_.items():
                keys, at = self.pieces.columns(name)
                if not keys:
                    continue
                columns = at[np.broadcast_to(mask, at.shape)]
                upper[columns] = free.column_upper[columns]
            return replace(kept, column_upper=upper)

        return program

    def choices(self, limit: Limit, options: Sequence[dict[str, Bools]]) -> Iterator[tuple[list[int], bool]]:
        """Which of the openings suffice: each that does alone, or else the fewest together; for the instance, or else for the conflict."""
        for limits, demanded, enough in self.scopes:

            def holds(chosen: Sequence[int], limits: Collection[Limit] = limits, demanded: Bools | None = demanded) -> bool:
                return self.feasible(self.opened(limit, _joined([options[i] for i in chosen]))(limits, demanded))

            everything = list(range(len(options)))
            if not everything or not holds(everything):
                continue
            alone = [i for i in everything if holds([i])]
            if alone:
                yield from (([i], enough) for i in alone)
            else:
                yield shrink(everything, holds)[0], enough
            return

    def first_that_works(self, tries: Sequence[Callable[[Collection[Limit], Bools | None], Program]]) -> tuple[int, bool] | None:
        """The position of the first program of the list that has a plan, where each allows more than the one before; found by halving."""
        for limits, demanded, enough in self.scopes:
            low, high = 0, len(tries)
            if not tries or not self.feasible(tries[-1](limits, demanded)):
                continue
            high -= 1
            while low < high:
                middle = (low + high) // 2
                if self.feasible(tries[middle](limits, demanded)):
                    high = middle
                else:
                    low = middle + 1
            return high, enough
        return None


def _joined(openings: Sequence[dict[str, Bools]]) -> dict[str, Bools]:
    out: dict[str, Bools] = {}
    for opening in openings:
        for name, mask in opening.items():
            out[name] = out[name] | mask if name in out else mask
    return out


def ceiling(value: float, digits: int = 2) -> float:
    """The least number of so many significant digits that is not below `value` (but for solver noise): 0.3712 -> 0.38."""
    value *= 1 - EDGE
    if value <= 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(value)) - digits + 1)
    return float(f"{np.ceil(value / unit) * unit:.{digits}g}")


def hundredths_up(value: float) -> float:
    """A share rounded up to whole percent."""
    return float(min(1.0, np.ceil(100 * value - 1e-4) / 100))


def hundredths_down(value: float) -> float:
    """A share rounded down to whole percent."""
    return float(max(0.0, np.floor(100 * value + 1e-4) / 100))


def plain(value: float) -> str:
    """A number as a cell holds it."""
    return str(int(value)) if value == int(value) else repr(float(value))
