"""Names: each given once, each reference to one that exists."""

from __future__ import annotations

import numpy as np

from ailis_opt.io.checks.scope import Scope
from ailis_opt.io.raw import nearest, shown
from ailis_opt.schema import TABLES

REFERENCES = (
    ("power", "region", "regions"),
    ("offers", "region", "regions"),
    ("offers", "sku", "skus"),
    ("prices", "offer", "offers"),
    ("demand", "workload", "workloads"),
    ("latency", "region", "regions"),
    ("profiles", "workload", "workloads"),
    ("profiles", "sku", "skus"),
    ("datasets", "region", "regions"),
    ("egress", "from_region", "regions"),
    ("curves", "index", "indices"),
    ("hedges", "index", "indices"),
    ("changes", "scenario", "scenarios"),
)
"""Table, its column, and the table whose key the column names."""
NEVER_EMPTY = ("regions", "skus", "offers", "workloads", "profiles")
MOST_SUGGESTED = 100


def key(scope: Scope, name: str) -> None:
    """No two rows of a table share its key."""
    table, loaded = TABLES[name], scope.tables[name]
    sound = np.flatnonzero(loaded.sound(*table.key))
    named = loaded.frame.iloc[sound][list(table.key)]
    repeated = sound[named.duplicated().to_numpy()]
    if not len(repeated):
        return
    groups = named.groupby(list(table.key), sort=False).ngroup().to_numpy()
    first = dict(zip(groups[::-1], sound[::-1], strict=True))
    group = dict(zip(sound, groups, strict=True))
    what = " and ".join(table.key)
    for i in repeated:
        why = f"the same {what} as in row {loaded.raw.lines[first[group[i]]]}"
        scope.faults.append(loaded.fault(int(i), table.key[0], why, "Keep one of the rows, or rename one"))


def reference(scope: Scope, table: str, column: str, target: str) -> None:
    """Every name in a column exists: it is a key of the table `target`."""
    key = TABLES[target].key[0]
    if scope.whole(f"{target}.{key}") and (target not in NEVER_EMPTY or len(scope.frame(target))):
        _known(scope, table, column, target, set(scope.frame(target)[key]))


def datasets(scope: Scope) -> None:
    """Every dataset that a workload needs exists."""
    if scope.whole("datasets.dataset"):
        _known(scope, "workloads", "datasets", "datasets", set(scope.frame("datasets")["dataset"]))


def targets(scope: Scope) -> None:
    """Data flows to a region, or to a geo that there is."""
    if scope.whole("regions.region", "demand.geo", "latency.geo"):
        places = {*scope.frame("regions")["region"], *scope.frame("demand")["geo"], *scope.frame("latency")["geo"]}
        _known(scope, "egress", "to_region", "regions and geos", places)


def blocks(scope: Scope) -> None:
    """Demand names blocks of the horizon."""
    if scope.document.horizon is not None:
        _known(scope, "demand", "block", "blocks of the horizon", {"", *(b.block for b in scope.document.horizon.blocks)})


def edited(scope: Scope) -> None:
    """What a scenario changes is a column of a table."""
    _known(scope, "changes", "table", "tables", set(TABLES))
    changes = scope.frame("changes")
    unknown = [t in TABLES and c not in TABLES[t].columns for t, c in zip(changes["table"], changes["column"], strict=True)]
    scope.rows("changes", unknown, "column", "the table has no such column", "Name a column of the table", ("table",))


def existence(scope: Scope) -> None:
    """There is something to plan: no table that a plan rests on is empty, and something is demanded."""
    for name in NEVER_EMPTY:
        loaded = scope.tables[name]
        if not len(loaded.frame) and not loaded.raw.partial:
            mend = f"Give the table {name} at least one row"
            scope.faults.append(loaded.fault(None, None, f"there are no {name}", mend))
    demand = scope.tables["demand"]
    if not demand.frame["outcomes"].sum() > 0 and demand.whole("outcomes") and not scope.document.scenario:
        scope.faults.append(demand.fault(None, None, "nothing is demanded", "Give the table demand a row with outcomes above 0"))
    profiled = set(scope.frame("profiles")["workload"])
    if profiled and scope.whole("profiles.workload"):
        lacking = ~scope.frame("workloads")["workload"].isin(profiled)
        scope.rows("workloads", lacking, "workload", "the workload has no profile", "Add a row for it to the table profiles")


def _known(scope: Scope, table: str, column: str, target: str, known: set[str]) -> None:
    loaded = scope.tables[table]
    cells, sound = loaded.frame[column], loaded.sound(column)
    listed = loaded.raw.table.kinds[column] == "list"
    wrong = np.array([not known.issuperset(c) for c in cells], dtype=bool) if listed else ~cells.isin(known).to_numpy()
    mends: dict[str, str] = {}
    names = sorted(known - {""})
    for i in np.flatnonzero(wrong & sound):
        missing = next(n for n in cells[i] if n not in known) if listed else cells[i]
        if missing not in mends and len(mends) < MOST_SUGGESTED:
            mends[missing] = nearest(missing, names)
        mend = mends.get(missing, f"Add it to the {target}, or name one of them")
        scope.faults.append(loaded.fault(int(i), column, f"{shown(missing)!r} is not one of the {target}", mend))
