"""The cheapest repairs of an infeasible instance, each a list of changes that was applied, solved and audited.

Every limit of the conflict is mended in its own way (`mends`). A mend that is not enough, because there are other conflicts, is applied and
the conflict that is left is looked at in turn: a tree of conflicts whose branches are mends (hitting sets, Reiter 1987), cut at `DEPTH`.
Where that leads nowhere, a smallest set of limits that could be dropped together is mended one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ailis_opt import optimize
from ailis_opt.changes import Change, apply
from ailis_opt.errors import AilisError, InfeasibleError
from ailis_opt.explain.conflict import Conflict, Finder
from ailis_opt.explain.layered import Layered
from ailis_opt.explain.mend_amounts import MENDS, service
from ailis_opt.explain.mend_routes import OPENINGS
from ailis_opt.explain.mends import Mend, Workshop
from ailis_opt.explain.pieces import Pieces
from ailis_opt.schema import Instance

MOST = 8  # repairs
DEPTH = 3  # mends in one repair
MOST_BRANCHES = 3  # mends of one conflict that are followed where they are not enough
GAP = 1e-3  # of the plans that verify them
LEAST_SECONDS = 1.0  # for a plan


@dataclass(frozen=True, slots=True)
class Repair:
    """Changes that make the instance feasible, and the audited plan's objective and cost with them."""

    text: str
    changes: tuple[Change, ...]
    objective: float
    cost: float
    gap: float

    def to_dict(self) -> dict[str, Any]:
        """As in `explain --json`."""
        return {
            "text": self.text,
            "changes": [str(change) for change in self.changes],
            "objective": self.objective,
            "cost": self.cost,
            "gap": self.gap,
        }


def find_repairs(
    pieces: Pieces, conflict: Conflict, deadline: float, tell: Callable[[str], None] = lambda _: None
) -> tuple[list[Repair], bool]:
    """Verified repairs, cheapest first, and whether there may be others that were not looked at."""
    seeker = _Seeker(pieces.layered.instance, deadline, tell)
    seeker.run(pieces, conflict)
    return sorted(seeker.found, key=lambda repair: (repair.cost, len(repair.changes))), seeker.cut


class _Seeker:
    def __init__(self, instance: Instance, deadline: float, tell: Callable[[str], None]) -> None:
        self.instance, self.deadline, self.tell = instance, deadline, tell
        self.found: list[Repair] = []
        self.tried: set[frozenset[Change]] = set()
        self.cut = False

    def run(self, pieces: Pieces, conflict: Conflict) -> None:
        """Level by level: what is enough with one mend, then with two."""
        level: list[tuple[Mend, ...]] = self._follow(pieces, conflict, ())
        for _ in range(DEPTH - 1):
            following: list[tuple[Mend, ...]] = []
            for mends in level:
                following += self._branch(mends)
            level = following
        self.cut |= bool(level)
        for law_first in (True, False):
            if not self.found:
                self._correct(pieces, law_first)

    @property
    def _done(self) -> bool:
        return len(self.found) >= MOST or time.monotonic() > self.deadline

    def _follow(self, pieces: Pieces, conflict: Conflict, before: tuple[Mend, ...]) -> list[tuple[Mend, ...]]:
        """Verify the mends of a conflict that are enough; returns those that are not, with what came before."""
        partial: list[tuple[Mend, ...]] = []
        for mend in self._mends(pieces, conflict):
            if self._done:
                self.cut = True
                return []
            mends = (*(earlier for earlier in before if not _superseded(earlier, mend)), mend)
            if not mend.enough or not self._verify(mends):
                partial.append(mends)
        self.cut |= len(partial) > MOST_BRANCHES
        return partial[:MOST_BRANCHES]

    def _mends(self, pieces: Pieces, conflict: Conflict) -> Iterator[Mend]:
        shop = Workshop(pieces, conflict, self.deadline, self.instance)
        for limit in conflict.limits:
            make = MENDS.get(limit.kind) or OPENINGS.get(limit.kind)
            if make is not None:
                yield from make(shop, limit)
        for workload in conflict.workloads:
            yield from service(shop, workload)

    def _branch(self, mends: tuple[Mend, ...]) -> list[tuple[Mend, ...]]:
        """The conflict that is left once these mends are made, and what follows from it."""
        if self._done:
            self.cut = True
            return []
        changed = self._changed(mends)
        if changed is None:
            return []
        pieces = Pieces(Layered(changed))
        left = Finder(pieces, self.deadline).find()
        if left.status == "conflict":
            return self._follow(pieces, left, mends)
        if left.status == "feasible":  # what is changed was in the way of others, too
            self._solve(changed, mends)
        self.cut |= left.status == "unknown"
        return []

    def _correct(self, pieces: Pieces, law_first: bool) -> None:
        """Mend all limits of a correction set, each as far as it must be while those after it are given up."""
        out = Finder(pieces, self.deadline).correction(law_first)
        mends: tuple[Mend, ...] = ()
        for i, limit in enumerate(out or ()):
            later = [other.text for other in (out or ())[i + 1 :]]
            mend = self._first_enough(pieces, limit.text, later)
            if mend is None:
                continue  # what was mended before may have mended this
            mends = (*(earlier for earlier in mends if not _superseded(earlier, mend)), mend)
            try:
                pieces = Pieces(Layered(apply(self.instance, [change for mend in mends for change in mend.changes])))
            except AilisError:
                return
        if mends:
            self._verify(mends)

    def _first_enough(self, pieces: Pieces, text: str, later: list[str]) -> Mend | None:
        limit = next((limit for limit in pieces.limits if limit.text == text), None)
        make = None if limit is None else MENDS.get(limit.kind) or OPENINGS.get(limit.kind)
        if limit is None or make is None:
            return None
        shop = Workshop(pieces, Conflict("conflict", limits=(limit,)), self.deadline, self.instance, later)
        return next((mend for mend in make(shop, limit) if mend.enough), None)

    def _changed(self, mends: tuple[Mend, ...]) -> Instance | None:
        """The instance with the mends made; None if that was tried before, holds a repair already found, or makes no valid instance."""
        changes = [change for mend in mends for change in mend.changes]
        made = _made(mends)
        if made in self.tried or any(made.issuperset(repair.changes) for repair in self.found):
            return None
        self.tried.add(made)
        try:
            return apply(self.instance, changes)
        except AilisError:
            return None

    def _verify(self, mends: tuple[Mend, ...]) -> bool:
        """False if with the mends made there is still no plan: a workload with its first open route is held to failover from then on."""
        changed = self._changed(mends)
        if changed is None or self._solve(changed, mends):
            return True
        self.tried.discard(_made(mends))  # it is to be gone on from
        return False

    def _solve(self, changed: Instance, mends: tuple[Mend, ...]) -> bool:
        """Solve with the mends made, and keep the repair if an audited plan comes of it; False if there is none."""
        text = " and ".join(mend.text for mend in mends)
        self.tell(f"verifying: {text}")
        seconds = max(LEAST_SECONDS, (self.deadline - time.monotonic()) / max(1, MOST - len(self.found)))
        try:
            result = optimize.solve(changed, gap=GAP, time_limit=seconds, in_process=True)
        except InfeasibleError:
            return False
        except AilisError:  # no plan in time, or numbers that no solver takes: no repair that could be shown
            self.cut = True
            return True
        changes = tuple(change for mend in mends for change in mend.changes)
        self.found.append(Repair(text, changes, result.objective, result.cost, result.gap))
        return True


def _made(mends: tuple[Mend, ...]) -> frozenset[Change]:
    return frozenset(change for mend in mends for change in mend.changes)


def _superseded(earlier: Mend, later: Mend) -> bool:
    """Whether a later mend sets all the cells that the earlier one sets."""
    cells = {(change.table, change.where, change.column) for change in later.changes if change.op == "set"}
    return all(change.op == "set" and (change.table, change.where, change.column) in cells for change in earlier.changes)
