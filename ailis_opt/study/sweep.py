"""A change with a range of values: the curve of the objective, and where the plan switches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from ailis_opt.changes import Change, apply, parse
from ailis_opt.errors import AilisError, Fault, InfeasibleError, InputError
from ailis_opt.output.words import counted
from ailis_opt.result import Result
from ailis_opt.schema import TABLES, Instance
from ailis_opt.study.workers import Case, Workers

FEWEST, MOST = 2, 1001
NARROW = 1 / 256  # of the whole range: how narrow a switch is found
MOST_NARROWED = 200  # solves that narrow switches
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})\s*/\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Sweep:
    """A change whose value runs through `values`. `text` is as it was written."""

    text: str
    change: Change
    values: tuple[float, ...]

    def at(self, value: float) -> Change:
        """The change with one value."""
        return replace(self.change, value=format(value, ".12g"))

    @property
    def whole(self) -> bool:
        """Whether only whole values make sense."""
        table = TABLES.get(self.change.table)
        return table is not None and table.is_whole(self.change.column) and self.change.op != "mul"

    @property
    def width(self) -> float:
        """How narrow the interval of a switch is to be."""
        return 1.0 if self.whole else (self.values[-1] - self.values[0]) * NARROW

    def between(self, low: float, high: float) -> float:
        """A value in the middle."""
        return float((low + high) // 2) if self.whole else (low + high) / 2


def parse_sweep(text: str) -> Sweep:
    """`offers[sku=H200].price_per_gpu_hour *= 0.5..1.5 / 11`: 11 values from 0.5 to 1.5. Raises InputError with the place of a fault."""
    change = parse(text)
    found = _RANGE.fullmatch(change.value)
    if found is None or change.op not in ("set", "mul", "add"):
        at = text.strip().find(change.value) if change.value else len(text.strip())
        mend = "Write FROM..TO / NUMBER OF VALUES, such as 0.5..1.5 / 11"
        raise InputError([Fault(text.strip(), "not a range of values", mend, mark=(at, at + max(len(change.value), 1)))])
    first, last, count = float(found[1]), float(found[2]), int(found[3])
    if not FEWEST <= count <= MOST or first == last:
        at = text.strip().find(change.value)
        why = "the range has no width" if first == last else counted(count, "value")
        mend = f"Give two different ends, and {FEWEST} to {MOST} values"
        raise InputError([Fault(text.strip(), why, mend, mark=(at, at + len(change.value)))])
    step = (last - first) / (count - 1)
    values = sorted(round(first + i * step, 12) for i in range(count))
    return Sweep(text.strip(), change, tuple(values))


@dataclass(frozen=True, slots=True)
class Point:
    """What came of one value. `lots`: those signed by offer; None where there is no plan."""

    value: float
    result: Result | None
    error: AilisError | None

    @property
    def status(self) -> str:
        """optimal | limit | infeasible | no plan."""
        if self.result is not None:
            return self.result.status
        return "infeasible" if isinstance(self.error, InfeasibleError) else "no plan"

    @property
    def lots(self) -> dict[str, float] | None:
        """Lots signed, by offer."""
        if self.result is None:
            return None
        lots = self.result.purchases.groupby("offer")["lots"].sum()
        return {str(offer): round(float(n), 6) for offer, n in lots.items() if n > 1e-6}

    def to_dict(self) -> dict[str, Any]:
        """As in `whatif --json`."""
        r = self.result
        plan = (
            dict.fromkeys(("objective", "lower", "upper", "cost", "outcomes", "cost_per_outcome"))
            if r is None
            else {
                "objective": r.objective,
                "lower": r.bounds.lower,
                "upper": r.bounds.upper,
                "cost": r.cost,
                "outcomes": r.outcomes,
                "cost_per_outcome": r.cost_per_outcome,
            }
        )
        return {"value": self.value, "status": self.status, **plan, "lots": self.lots}


@dataclass(frozen=True, slots=True)
class Switch:
    """Between two values the lots that are signed change: `before` and `after` are those of the plans at its ends."""

    low: float
    high: float
    before: dict[str, float] | None
    after: dict[str, float] | None

    def to_dict(self) -> dict[str, Any]:
        """As in `whatif --json`."""
        return {"from": self.low, "to": self.high, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Curve:
    """Points at the values asked for, and switches; `narrow`: whether each is as narrow as it was to be."""

    sweep: Sweep
    points: tuple[Point, ...]
    switches: tuple[Switch, ...]
    solves: int

    @property
    def narrow(self) -> bool:
        """Whether every switch is within the stated width."""
        return all(switch.high - switch.low <= self.sweep.width * (1 + 1e-9) for switch in self.switches)

    def to_dict(self) -> dict[str, Any]:
        """As in `whatif --json`."""
        return {
            "change": self.sweep.text,
            "points": [point.to_dict() for point in self.points],
            "switches": [switch.to_dict() for switch in self.switches],
            "width": self.sweep.width,
            "narrow": self.narrow,
            "solves": self.solves,
        }


class Sweeping:
    """A sweep in the making. Raises InputError at once for values that the instance does not take."""

    def __init__(self, instance: Instance, sweep: Sweep) -> None:
        self.instance, self.sweep = instance, sweep
        self.found: dict[float, Point] = {}
        faults: list[Fault] = []
        for value in sweep.values:
            try:
                self._at(value)
            except InputError as error:
                faults += error.faults
        if faults:
            raise InputError(list(dict.fromkeys(faults)))

    def _at(self, value: float) -> Instance:
        return apply(self.instance, [self.sweep.at(value)])

    def _between(self, low: float, high: float) -> float | None:
        """A value in the middle of an interval that is still wide; None where there is none that the instance takes."""
        if high - low <= self.sweep.width * (1 + 1e-9):
            return None
        value = self.sweep.between(low, high)
        try:
            self._at(value)
        except InputError:  # a whole number times something: only some factors make sense
            return None
        return value

    def run(self, workers: Workers, gap: float, time_limit: float, tell: Callable[[str], None]) -> None:
        """Solve the points, then halve every interval over which the lots change until it is narrow."""
        self._solve(self.sweep.values, workers, gap, time_limit, tell)
        most = len(self.sweep.values) + MOST_NARROWED
        while len(self.found) < most:
            values = [value for ends in self._switches() if (value := self._between(*ends)) is not None]
            if not values:
                return
            self._solve(values[: most - len(self.found)], workers, gap, time_limit, tell)

    def _solve(self, values: Iterable[float], workers: Workers, gap: float, time_limit: float, tell: Callable[[str], None]) -> None:
        by_key = {f"sweep {value!r}": value for value in values}
        for reply in workers.run(Case(key, self._at(value), gap, time_limit) for key, value in by_key.items()):
            value = by_key[str(reply.key)]
            self.found[value] = Point(value, reply.result, reply.error)
            tell(f"sweep: {len(self.found)} values solved, {len(self._switches())} switches")

    def _switches(self) -> list[tuple[float, float]]:
        """Neighbouring values with different lots."""
        return [(a, b) for a, b in pairwise(sorted(self.found)) if self.found[a].lots != self.found[b].lots]

    def curve(self) -> Curve:
        """What is known by now."""
        points = tuple(self.found[value] for value in self.sweep.values if value in self.found)
        switches = tuple(Switch(a, b, self.found[a].lots, self.found[b].lots) for a, b in self._switches())
        return Curve(self.sweep, points, switches, len(self.found))
