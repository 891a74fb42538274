"""Where an offer stands in a program: by its name, merged with its twins or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ailis_models.arrays import Data, Floats, Ints
from ailis_opt.engine.compile import Layout
from ailis_opt.errors import Fault, InputError
from ailis_opt.io.raw import nearest
from ailis_opt.prepare import Prepared


@dataclass(frozen=True, slots=True)
class Stand:
    """An offer's amounts in a program.

    Committed: lots that start in each period, in force to the end of their term or of the horizon. Hired: lots in each slice.
    """

    offer: str
    twins: tuple[str, ...]  # other offers that differ in their names and counts only; they share the columns
    row: int  # in the table of offers
    position: int  # among the merged committed, or the merged hired offers
    pool: int
    committed: bool
    whole: bool
    price: float  # money per GPU-hour; of a hired one the mean over the hours in which it is there
    fewest: float  # lots that are sold together
    columns: Ints  # (n,)
    gpu_hours: Floats  # (n,) GPU-hours inside the horizon of one lot in each column that are paid whether used or not
    lot_hours: float  # GPU-hours of a lot in the column in which it has most, paid or not
    called: Ints  # (m,) columns of GPUs that are paid only where they are used
    called_hours: Floats  # (m,) hours of each
    mixed: bool = False  # whether lots signed before are called by the same columns: the price is not that of new lots alone

    @property
    def paid(self) -> tuple[Ints, Floats]:
        """Columns of all that is paid by the GPU-hour, and the GPU-hours of one in each."""
        return np.concatenate([self.columns, self.called]), np.concatenate([self.gpu_hours, self.called_hours])

    def lots(self, x: Floats) -> float:
        """Lots in a plan (hired: lots of all slices added up)."""
        return float(x[self.columns].sum())

    def hours(self, x: Floats) -> float:
        """Paid GPU-hours in a plan."""
        columns, hours = self.paid
        return float(hours @ x[columns])


def stand(p: Prepared, layout: Layout, offer: str) -> Stand:
    """Where an offer stands. Raises InputError naming the nearest names if there is no such offer."""
    names = p.supply.offers["offer"].tolist()
    if offer not in names:
        raise InputError([Fault("--why-not", "there is no offer of this name", nearest(offer, names), value=offer)])
    row = names.index(offer)
    for committed, groups in ((True, p.supply.committed_of), (False, p.supply.hired_of)):
        for position, rows in enumerate(groups):
            if row in rows:
                return _stand(p, layout, row, position, committed)
    raise AssertionError(offer)


def stands(p: Prepared, layout: Layout, committed: bool) -> Iterator[Stand]:
    """All merged offers of one kind, each under the name of its first."""
    for position, rows in enumerate(p.supply.committed_of if committed else p.supply.hired_of):
        yield _stand(p, layout, int(rows[0]), position, committed)


def _stand(p: Prepared, layout: Layout, row: int, position: int, committed: bool) -> Stand:
    d, offers = p.data, p.supply.offers
    rows = (p.supply.committed_of if committed else p.supply.hired_of)[position]
    kind = d.committed if committed else d.hired
    whole = bool(kind.whole[position])
    name = ("whole_" if whole else "part_") + ("lots" if committed else "hired")
    group, _ = layout.column(name)
    if committed:
        at = [i for i, key in enumerate(group.keys) if key[0] == position]
        columns = group.start + np.array(at, dtype=np.int64)
        price = float(offers["price_per_gpu_hour"].iloc[row])
        clock = np.concatenate([[0.0], np.cumsum(d.calendar.period_hours)])
        t = np.array([group.keys[i][1] for i in at], dtype=np.int64)
        hours = clock[np.minimum(t + d.committed.term[position], d.periods)] - clock[t]
    else:
        columns = layout.first(2) + group.start + group.keys.index(position)
        hours = _expected_hours(d)
        period = d.calendar.slice_period
        there = (period >= offers["start"].iloc[row]) & (period <= offers["last_start"].iloc[row])
        price = float(np.average(p.supply.prices[period, row], weights=hours * there if there.any() else hours))
    called, mixed = np.zeros(0, dtype=np.int64), False
    if committed and position in d.committed.callable:
        group, scope = layout.column("called")
        v = d.committed.callable.tolist().index(position)
        called, mixed = layout.numbers(scope, group)[:, v], bool(d.committed.callable_already[:, v].any())
    return Stand(
        offer=str(offers["offer"].iloc[row]),
        twins=tuple(str(offers["offer"].iloc[i]) for i in rows if i != row),
        row=row,
        position=position,
        pool=int(offers["pool"].iloc[row]),
        committed=committed,
        whole=whole,
        price=price,
        fewest=max(1.0, float(kind.least[position])),
        columns=columns,
        gpu_hours=hours * float((d.committed.paid_gpus if committed else kind.lot_gpus)[position]),
        lot_hours=float(hours.max(initial=0.0) if committed else hours.sum()) * float(kind.lot_gpus[position]),
        called=called,
        called_hours=np.tile(_expected_hours(d), len(called) // max(layout.slices, 1)),
        mixed=mixed,
    )


def _expected_hours(d: Data) -> Floats:
    """(S,) hours of each slice, by the probability of its scenario."""
    hours: Floats = d.slices.hours[:, 0] * d.probability[d.calendar.slice_scenario]
    return hours


def with_a_lot(p: Prepared, layout: Layout, place: Stand, x: Floats, there: Ints) -> Iterator[Floats]:
    """Plans x with a lot more, their whole numbers at least: started as early and as late as it is `there`, or held in every slice."""
    if not place.committed:
        y = x.copy()
        y[place.columns] = np.maximum(y[place.columns], place.fewest)
        yield y
        return
    c, groups = p.data.committed, {group.name: group for group in layout.plan.columns}
    o, k = place.position, int(c.tranche[place.position])
    v = c.callable.tolist().index(o) if o in c.callable else None
    for t in sorted({int(there[0]), int(there[-1])}):
        y = x.copy()
        y[place.columns[t]] += place.fewest
        if (o, t) in groups["signed"].keys:
            y[groups["signed"].start + groups["signed"].keys.index((o, t))] = 1.0
        for u in range(t, min(t + int(c.term[o]), p.data.periods)):
            more = [("in_force", (o, u), 1.0), ("owned", (k, u), float(c.paid_gpus[o]))]
            more += [] if v is None else [("callable", (v, u), float(c.lot_gpus[o] - c.paid_gpus[o]))]
            for name, key, amount in more:
                y[groups[name].start + groups[name].keys.index(key)] += place.fewest * amount
        yield y


def by_hour_columns(p: Prepared, layout: Layout, position: int) -> Ints:
    """(slices,) columns of a committed offer's capacity by the hour, which counts where market terms are dropped."""
    group, scope = layout.column("by_hour")
    columns: Ints = layout.first(scope) + group.start + group.keys.index(position)
    return columns
