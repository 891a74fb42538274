"""Solves the runs of a study that its store does not have yet, and records each as it is done."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol

from ailis_opt.changes import apply
from ailis_opt.errors import AilisError, Fault, InputError
from ailis_opt.optimize import versions
from ailis_opt.schema import Instance
from ailis_opt.study.definition import Study
from ailis_opt.study.record import FAILED, Asked, invalid, now, same_as, solved
from ailis_opt.study.store import Store
from ailis_opt.study.workers import Case, Reply

PATIENCE = 0.5  # seconds between looks at what another batch works on


class Pool(Protocol):
    """What solves cases: worker processes of this machine (`workers.Workers`) or of a cluster (`cluster.Cluster`)."""

    def run(self, cases: Iterable[Case]) -> Iterator[Reply]:
        """Take cases as they can be worked on, in order, and give the replies as they come."""
        ...


@dataclass
class Progress:
    """How far a batch is. `done` are runs that the store has; those that failed are among them."""

    total: int
    found: int
    """Runs that the store had before."""
    done: int = 0
    solved: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    begun: float = field(default_factory=time.monotonic)

    @property
    def remaining(self) -> int:
        """Runs that the store does not have yet."""
        return self.total - self.done

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest will take at the pace so far; None before the first."""
        here = self.done - self.found
        return (time.monotonic() - self.begun) / here * self.remaining if here else None


def asked_runs(study: Study, limit: float | None = None) -> list[Asked]:
    """Every run of a study, instance by instance. `limit`: seconds that no run may search longer, whatever the study says."""
    limits = [seconds for seconds in (study.time_limit, limit) if seconds is not None]
    version = versions()["ailis-opt"]
    return [
        Asked(name, whatif, portfolio, base, tuple(map(str, (*changes, *more))), study.gap, min(limits, default=None), version)
        for name, base in study.instances.items()
        for whatif, changes in study.whatifs.items()
        for portfolio, more in study.portfolios.items()
    ]


class Batch:
    """One batch on a store. `tell` hears of every run that is recorded."""

    def __init__(self, study: Study, store: Store, asked: list[Asked], retry: bool, tell: Callable[[Progress], None]) -> None:
        """With `retry`, runs that failed before are solved again."""
        self.study, self.store, self.tell = study, store, tell
        self.changes = {run.id: (*study.whatifs[run.whatif], *study.portfolios[run.portfolio]) for run in asked}
        index = store.index()
        again = index["status"].eq(FAILED) & retry
        self._again = set(index.loc[again, "inputs"])
        had = dict(zip(index.loc[~again, "asked"], index.loc[~again, "status"], strict=True))
        self._todo = [run for run in asked if run.id not in had]
        self.progress = Progress(len(asked), len(asked) - len(self._todo), len(asked) - len(self._todo))
        self.progress.statuses.update(had[run.id] for run in asked if run.id in had)
        self._open: dict[str, tuple[Asked, Instance, str]] = {}
        """Cases that are being solved, by the hash of their inputs: run, changed instance, when begun."""
        self._same: defaultdict[str, list[Asked]] = defaultdict(list)
        """Runs that wait for an equal one of this batch."""

    def run(self, pool: Pool) -> None:
        """Solve what is missing. Runs that another batch is solving are waited for, and taken over where it ends without them."""
        self.tell(self.progress)
        while self._todo:
            asked, self._todo = self._todo, []
            before = self.progress.done
            for reply in pool.run(self._cases(asked)):
                self._record(reply)
            if self._todo and self.progress.done == before:
                time.sleep(PATIENCE)

    def _cases(self, asked: Iterable[Asked]) -> Iterator[Case]:
        """The cases to solve among the runs that are asked for; all other runs are recorded, or kept for another round."""
        for run in asked:
            try:
                instance = apply(run.base, self.changes[run.id])
            except InputError as error:
                self._put_invalid(run, error)
                continue
            inputs = run.inputs(instance.sha256)
            if inputs in self._open:
                self._same[inputs].append(run)
            elif not self.store.claim(inputs):
                self._todo.append(run)
            elif self._settled(inputs):
                self._adopt(inputs, run)
                self.store.release(inputs)
            else:
                self._open[inputs] = run, instance, now()
                limit = inf if run.time_limit is None else run.time_limit
                yield Case(inputs, instance, run.gap, limit)

    def _record(self, reply: Reply) -> None:
        run, instance, started = self._open[reply.key]
        found: Any = reply.result if reply.error is None else reply.error
        row = solved(run, instance, found, reply.seconds, started)
        self._put(row)
        self.progress.solved += 1
        self._again.discard(reply.key)
        for other in self._same.pop(reply.key, []):
            self._put(same_as(row, other))
        del self._open[reply.key]
        self.store.release(reply.key)

    def _put_invalid(self, run: Asked, error: AilisError) -> None:
        row = invalid(run, error, now())
        if not self.store.claim(row["inputs"]):
            self._todo.append(run)
            return
        if self._settled(row["inputs"]):
            self._adopt(row["inputs"], run)
        else:
            self._put(row)
        self._again.discard(row["inputs"])
        self.store.release(row["inputs"])

    def _adopt(self, inputs: str, run: Asked) -> None:
        """A run with these inputs is in the store: another one, or this very run, by another batch meanwhile."""
        row = self.store.row(inputs)
        if row["asked"] != run.id:
            self.store.put(same_as(row, run))
        self._count(row["status"])

    def _settled(self, inputs: str) -> bool:
        return self.store.has(inputs) and inputs not in self._again

    def _put(self, row: dict[str, Any]) -> None:
        self.store.put(row)
        self._count(row["status"])

    def _count(self, status: str) -> None:
        self.progress.done += 1
        self.progress.statuses[status] += 1
        self.tell(self.progress)


def require_new(store: Store, asked: list[Asked]) -> None:
    """Raise InputError where the store has runs of the study already."""
    had = set(store.index()["asked"]) & {run.id for run in asked}
    if had:
        why = f"has {len(had):,} of the {len(asked):,} runs of this study already"
        raise InputError([Fault(str(store.folder), why, "Add --resume to solve the others, or name another --store")])
