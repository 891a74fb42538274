"""Mends that are amounts: megawatts, lots, periods, shares, money."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator

import numpy as np

from ailis_models.arrays import Bools, Floats, Ints, Relaxable
from ailis_opt.changes import HEADER, Change, apply, selector
from ailis_opt.engine.compile import Program
from ailis_opt.engine.search import SMALL, Options, Search
from ailis_opt.explain.elastic import Give, least, of_columns, of_rows
from ailis_opt.explain.layered import Layered
from ailis_opt.explain.limits import Limit
from ailis_opt.explain.mends import Mend, Workshop, ceiling, hundredths_down, hundredths_up, plain
from ailis_opt.output.figures import number
from ailis_opt.output.words import counted

Programs = Callable[[Collection[Limit], Bools | None], Program]


def power(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """The least MW more, at its peak, and then in no more periods than need be."""
    d, pieces = shop.data, shop.pieces
    region = str(shop.prepared.regions[d.capped[limit.key]])
    table = shop.instance.tables["power"]
    mine = table[(table["region"] == region) & table["cap_mw"].notna()].set_index("period")
    capped = np.isin(np.arange(d.periods), mine.index)
    usable = np.zeros(d.periods)
    usable[mine.index.to_numpy(int)] = 1 - mine["curtailed_share"].to_numpy(float)
    rows, period = pieces.rows_of(limit), d.calendar.slice_period
    found = shop.amount(pieces.program, of_rows(rows, -usable[period][:, None]))
    if found is None:
        return
    peak, enough = ceiling(float(found[0][0])), found[1]
    each = Give(d.periods, rows.ravel(), period, -usable[period], most=peak)
    limits, demanded, _ = shop.scopes[0 if enough else 1]
    amounts = least(pieces.program(limits, demanded), each, shop.until)
    needed = np.flatnonzero(capped if amounts is None else amounts > 1e-9 * peak)
    span = np.arange(needed[0], needed[-1] + 1) if len(needed) else np.flatnonzero(capped)
    changes = [
        Change("power", selector(region=region), "cap_mw", "add", plain(peak), int(run[0]), int(run[-1]))
        for run in _runs(span[capped[span]])
    ]
    yield Mend(f"{plain(peak)} MW more in {region}{_when(int(span[0]), int(span[-1]), shop.last)}", tuple(changes), enough)


def _runs(periods: Ints) -> list[Ints]:
    """Periods that follow one another, together."""
    return np.split(periods, np.flatnonzero(np.diff(periods) > 1) + 1) if len(periods) else []


def _when(first: int, last: int, end: int) -> str:
    if first == last:
        return "" if end == 0 else f" in period {first}"
    if last == end:
        return f" from period {first}" if first else ""
    return f" in periods {first} to {last}"


def _on_offer(shop: Workshop) -> Relaxable:
    assert shop.data.relaxable is not None
    return shop.data.relaxable


def lots(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """The fewest lots more of a committed offer."""
    keys, at = shop.pieces.columns("in_force")
    mine = at[:, [key[0] == limit.key for key in keys]]
    limit_lots = float(_on_offer(shop).lots_on_offer[limit.key])
    yield from _more_lots(shop, limit, of_columns(mine, limit_lots), shop.prepared.supply.committed_of[limit.key])


def quota(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """The fewest lots more of a hired offer, in the slices in which it is there."""
    offered: Floats = _on_offer(shop).hired_on_offer[:, limit.key]
    for name in ("whole_hired", "part_hired"):
        keys, at = shop.pieces.columns(name)
        if limit.key in keys:
            give = of_columns(at[offered > 0, keys.index(limit.key)], float(offered.max(initial=0.0)))
            yield from _more_lots(shop, limit, give, shop.prepared.supply.hired_of[limit.key])


def _more_lots(shop: Workshop, limit: Limit, give: Give, rows: Ints) -> Iterator[Mend]:
    name = _offers(shop, rows)[0]
    yield from _more(shop, limit, give, name, selector(offer=name), "max_lots")


def _more(shop: Workshop, limit: Limit, give: Give, name: str, where: str, column: str) -> Iterator[Mend]:
    """More lots of what is called `name`: the rows `where` of the table, in `column`."""

    def program(limits: Collection[Limit], demanded: Bools | None) -> Program:
        return shop.without(limits, [limit], demanded) if len(give.columns) else shop.pieces.program(limits, demanded)

    found = shop.amount(program, give) if len(give.columns) or len(give.rows) else None
    if found is not None:
        n = int(np.ceil(found[0][0] - 1e-6))
        per_period = " in a period" if column == "max_lots_per_period" else ""
        yield Mend(f"{counted(n, 'more lot')} of {name}{per_period}", (Change("offers", where, column, "add", str(n)),), found[1])


def ramp(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """The fewest lots more of a committed offer in a period."""
    limit_lots, window = float(_on_offer(shop).starts_on_offer[limit.key]), _on_offer(shop).lots_window[:, limit.key]
    for name in ("whole_lots", "part_lots"):
        keys, at = shop.pieces.columns(name)
        mine = at[:, [key[0] == limit.key and window[key[1]] for key in keys]]
        if mine.size:
            names = _offers(shop, shop.prepared.supply.committed_of[limit.key])
            yield from _more(shop, limit, of_columns(mine, limit_lots), names[0], selector(offer=names[0]), "max_lots_per_period")


def shared(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """The fewest lots more of a group of offers, in force or started in a period."""
    offers = [shop.prepared.supply.committed_of[o][0] for o in shop.data.committed.groups[limit.key]]
    group = str(shop.prepared.supply.offers["shares_lots_with"].iloc[offers[0]])
    column = "max_lots" if limit.kind == "shared lots" else "max_lots_per_period"
    name = " or ".join(_offers(shop, np.array(offers)))
    yield from _more(shop, limit, of_rows(shop.pieces.rows_of(limit), -1.0), name, selector(shares_lots_with=group), column)


def _offers(shop: Workshop, rows: Ints) -> list[str]:
    names: list[str] = shop.prepared.supply.offers["offer"].iloc[rows].tolist()
    return names


def delivery(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """The least that a committed or hired offer must come earlier, or be there longer."""
    committed = limit.kind == "delivery"
    rows = (shop.prepared.supply.committed_of if committed else shop.prepared.supply.hired_of)[limit.key]
    head = shop.prepared.supply.offers.iloc[rows[0]]
    first, last = int(head["start"]), int(head["last_start"])
    windows = [(t, last) for t in range(min(first, last + 1) - 1, -1, -1)]
    found = shop.first_that_works([_window(shop, limit, *window) for window in windows])
    if found is not None:
        t = windows[found[0]][0]
        changes = [
            Change("offers", selector(offer=name), column, "set", str(t))
            for name in _offers(shop, rows)
            for column in ("lead_periods", "first_start")
            if head[column] > t
        ]
        yield Mend(f"{', '.join(_offers(shop, rows))} from period {t} on", tuple(changes), found[1])
    later = [(first, t) for t in range(last + 1, shop.last + 1)]
    found = shop.first_that_works([_window(shop, limit, *window) for window in later])
    if found is not None:
        t = later[found[0]][1]
        changes = [Change("offers", selector(offer=name), "last_start", "set", str(t)) for name in _offers(shop, rows)]
        yield Mend(f"{', '.join(_offers(shop, rows))} on offer until period {t}", tuple(changes), found[1])


def _window(shop: Workshop, limit: Limit, first: int, last: int) -> Programs:
    """The program in which lots of the offer may start (or be hired) in these periods, too."""
    period, open_ = shop.data.calendar.slice_period, {}
    inside = (period >= first) & (period <= last)
    if limit.kind == "delivery":
        for name in ("whole_lots", "part_lots"):
            keys, _ = shop.pieces.columns(name)
            open_[name] = np.array([key[0] == limit.key and first <= key[1] <= last for key in keys], dtype=bool)[None, :]
        keys, _ = shop.pieces.columns("by_hour")
        until = period < last + shop.data.committed.term[limit.key]
        open_["by_hour"] = (until & (period >= first))[:, None] & np.array([key == limit.key for key in keys], dtype=bool)[None, :]
    else:
        for name in ("whole_hired", "part_hired"):
            keys, _ = shop.pieces.columns(name)
            open_[name] = inside[:, None] & np.array([key == limit.key for key in keys], dtype=bool)[None, :]
    return shop.opened(limit, open_)


def divided(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """Lots that may be divided."""
    rows = (shop.prepared.supply.committed_of if limit.kind == "whole lots" else shop.prepared.supply.hired_of)[limit.key]
    names = _offers(shop, rows)
    changes = tuple(Change("offers", selector(offer=name), "whole_lots", "set", "false") for name in names)
    yield from _dropped(shop, [limit], f"lots of {', '.join(names)} that may be divided", changes)


def least_lots(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """The largest least number of lots that is not too large; where each try would take long, none."""
    rows = (shop.prepared.supply.committed_of if limit.kind == "least lots" else shop.prepared.supply.hired_of)[limit.key]
    name, now = _offers(shop, rows)[0], int(limit.amount or 0)

    def change(n: int) -> Change:
        return Change("offers", selector(offer=name), "min_lots", "set", str(n))

    for mend in _dropped(shop, [limit], "", (change(0),)):
        low, high = 0, now - 1  # low is known to do
        while mend.enough and low < high and len(shop.layered.program.value) <= SMALL:
            middle = (low + high + 1) // 2
            layered = Layered(apply(shop.instance, [change(middle)]))
            if layered.any_plan(layered.only(), shop.until):
                low = middle
            else:
                high = middle - 1
        before = shop.now("offers", "min_lots", offer=name)
        yield Mend(f"at least {low} lots of {name} where it is {before:g}", (change(low),), mend.enough)


def availability(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """Full availability of a pool."""
    offers = shop.prepared.supply.offers
    names = offers["offer"][(offers["pool"] == limit.key) & (offers["availability"] < 1)].tolist()
    changes = tuple(Change("offers", selector(offer=name), "availability", "set", "1") for name in names)
    yield from _dropped(shop, [limit], f"full availability of {', '.join(names)}", changes)


def one_pool(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """Gangs in several pools."""
    name = shop.names[limit.workload]
    change = Change("workloads", selector(workload=name), "max_move_share", "set", "1")
    yield from _dropped(shop, [limit], f"gangs of {name} in more than one pool", (change,))


def _dropped(shop: Workshop, limits: list[Limit], text: str, changes: tuple[Change, ...]) -> Iterator[Mend]:
    """A mend that does away with the limits, if that does."""
    for kept, demanded, enough in shop.scopes:
        if changes and shop.feasible(shop.without(kept, limits, demanded)):
            yield Mend(text, changes, enough)
            return


def deadline(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """A later deadline, an earlier release; both only where neither alone does."""
    name, row = shop.names[limit.workload], shop.instance.tables["workloads"].iloc[limit.workload]
    first, last = int(row["release_period"]), int(row["deadline_period"])

    def program(begin: int, end: int) -> Programs:
        keys, _ = shop.pieces.columns("gangs")
        of = shop.data.jobs.workload
        mask = np.array([of[j] == limit.workload and begin <= t <= end for j, t in keys], dtype=bool)[None, :]
        return shop.opened(limit, {"gangs": mask})

    def change(column: str, t: int) -> Change:
        return Change("workloads", selector(workload=name), column, "set", str(t))

    ends, begins = list(range(last + 1, shop.last + 1)), list(range(first - 1, -1, -1))
    later = shop.first_that_works([program(first, t) for t in ends])
    if later is not None:
        t = ends[later[0]]
        yield Mend(f"deadline of {name} in period {t}", (change("deadline_period", t),), later[1])
    earlier = shop.first_that_works([program(t, last) for t in begins])
    if earlier is not None:
        t = begins[earlier[0]]
        yield Mend(f"release of {name} in period {t}", (change("release_period", t),), earlier[1])
    if later is None and earlier is None and ends and begins:
        both = (change("release_period", 0), change("deadline_period", shop.last))
        yield from _dropped(shop, [limit], f"all periods for {name}", both)


SHARES = {
    "interruption": ("max_interruptible_share", 1, "interruptible share"),
    "failover": ("failover_share", -1, "failover share"),
    "movement": ("max_move_share", 1, "share that may move"),
    "operator share": ("max_operator_share", 1, "share of one operator"),
    "country share": ("max_country_share", 1, "share of one country"),
}
"""Kind of limit -> column, whether more or less of it mends, words."""


def share(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """The least change of a share of demand, in whole percent."""
    d, pieces, w = shop.data, shop.pieces, limit.workload
    column, sign, words = SHARES[limit.kind]
    alike = [other for other in pieces.limits if other.kind == limit.kind and other.workload == w]
    rows = np.concatenate([pieces.rows_of(other) for other in alike], axis=1)
    if not rows.size:
        return
    unit: Floats = np.ones((1, 1))
    if limit.kind != "movement":
        unit = d.slices.workload_demand[:, w : w + 1] if not d.workloads.training[w] else d.workloads.total[w : w + 1, None]
    now = float(limit.amount or 0.0)
    program = shop.opened(limit, _interruptible(shop, limit)) if limit.kind == "interruption" else pieces.program
    found = shop.amount(program, of_rows(rows, -unit, most=now if sign < 0 else 1 - now))
    if found is None:
        return
    amount = now + sign * float(found[0][0])
    value = hundredths_up(amount) if sign > 0 else hundredths_down(amount)
    name = shop.names[w]
    change = Change("workloads", selector(workload=name), column, "set", plain(value))
    before = shop.now("workloads", column, workload=name)
    yield Mend(f"{words} of {value:.0%} for {name}, now {before:.0%}", (change,), found[1])


def _interruptible(shop: Workshop, limit: Limit) -> dict[str, Bools]:
    """Routes that a share above 0 opens: not those that only exist where interruptions cost no time."""
    found = shop.prepared.ways
    key = np.stack([found.workload, found.pool, found.profile], axis=1)
    real = np.zeros(len(found.pool), dtype=bool)
    real[np.unique(key, axis=0, return_index=True)[1]] = (limit.amount or 0.0) <= 0
    real &= found.workload == limit.workload
    return shop.of_ways(real)


def budget(shop: Workshop, limit: Limit) -> Iterator[Mend]:
    """The budget that the cheapest plan needs."""
    for limits, demanded, enough in shop.scopes:
        options = Options(ratio=False, gap=1e-3, time_limit=max(shop.until - time.monotonic(), 0.0))
        program = shop.without(limits, [limit], demanded)
        shop.layered.solver.use(program)
        outcome = Search(program, options, lambda _: False, shop.layered.solver).run()
        if outcome.x is not None:
            value = ceiling(outcome.cost * (1 + 1e-5), 4)
            text = f"a budget of {number(value)} {limit.unit}, now {number(shop.original.header.budget)}"
            yield Mend(text, (Change(HEADER, "", "budget", "set", plain(value)),), enough)
            return


def service(shop: Workshop, workload: str) -> Iterator[Mend]:
    """The largest share of a workload's demand that can be served.

    Where cost is minimized and nobody says what an unserved outcome costs, all demand must be served: then it is the demand itself.
    """
    d, pieces, w = shop.data, shop.pieces, shop.names.index(workload)
    row = shop.instance.tables["workloads"].iloc[w]
    each = not shop.layered.ratio and row["unserved_cost_per_outcome"] <= 0
    keys, rows = pieces.rows("L16.training_done" if d.workloads.training[w] else "L16.demand")
    mine = np.array([(int(key) if d.workloads.training[w] else int(d.class_workload[key])) == w for key in keys], dtype=bool)
    at = rows[:, mine]
    amounts = np.array([[d.workloads.total[w]]]) if d.workloads.training[w] else d.slices.demand[:, np.array(keys, dtype=np.int64)[mine]]
    if each:
        give = of_rows(at, amounts, most=1.0)
    else:
        n = at.size
        give = Give(n, at.ravel(), np.arange(n), np.ones(n), most=float(amounts.max(initial=0.0)))
    found = shop.amount(lambda limits, demanded: _unforced(shop, pieces.program(limits, demanded), w), give)
    if found is None:
        return
    served = 1 - float(found[0][0]) if each else float(row["min_service"]) - float(found[0].sum()) / float(d.workloads.total[w])
    value = np.floor(1000 * served + 1e-4) / 1000
    if value <= 0:
        return
    where = selector(workload=workload)
    change = (
        Change("demand", where, "outcomes", "mul", plain(value)) if each else Change("workloads", where, "min_service", "set", plain(value))
    )
    text = f"demand of {workload} lower by {1 - value:.1%}" if each else f"service of {value:.1%} for {workload}"
    yield Mend(text, (change,), found[1])


def _unforced(shop: Workshop, program: Program, w: int) -> Program:
    """Without the rows that only help the solver where all demand of `w` is served."""
    upper = program.row_upper.copy()
    keys, rows = shop.pieces.rows("L1_topology.gangs_needed")
    upper[rows[:, [int(key[0]) == w for key in keys]]] = np.inf
    return shop.freed(program, upper)


MENDS: dict[str, Callable[[Workshop, Limit], Iterator[Mend]]] = {
    "power cap": power,
    "lots on offer": lots,
    "ramp": ramp,
    "shared lots": shared,
    "shared ramp": shared,
    "quota": quota,
    "delivery": delivery,
    "hire window": delivery,
    "whole lots": divided,
    "whole hired": divided,
    "least lots": least_lots,
    "least hired": least_lots,
    "availability": availability,
    "one pool": one_pool,
    "deadline": deadline,
    "budget": budget,
    **dict.fromkeys(SHARES, share),
}
"""Kinds of limits whose mend is an amount."""
