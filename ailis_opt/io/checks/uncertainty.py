"""Scenarios, their changes, and hedges: what they may say, told when they are read.

The conditions in `where`, and what the changes of a scenario make of the instance, are told when they are made (changes/scenarios.py).
"""

from __future__ import annotations

import math

import numpy as np

from ailis_opt.errors import Fault
from ailis_opt.io.checks.scope import Scope
from ailis_opt.io.raw import nearest
from ailis_opt.io.rows import load_column
from ailis_opt.schema import TABLES
from ailis_opt.schema.checklist import NAMES
from ailis_opt.schema.uncertainty import MAY_CHANGE

TOLERANCE = 1e-9
STATES = ("included", "excluded")


def probabilities(scope: Scope) -> None:
    """All are blank, or all are given and sum to 1."""
    loaded = scope.tables["scenarios"]
    stated = loaded.frame["probability"]
    if not loaded.whole("probability") or stated.isna().all():
        return
    why, mend = "blank, while other scenarios have one", "Give every scenario a probability, or none: then they are equal"
    scope.rows("scenarios", stated.isna(), "probability", why, mend)
    total = math.fsum(stated.dropna())
    if stated.notna().all() and abs(total - 1) > TOLERANCE:
        mend = "Correct them, or leave all blank: then they are equal"
        scope.faults.append(loaded.fault(None, None, f"the probabilities sum to {total:.12g}, not to 1", mend))


def hedges(scope: Scope) -> None:
    """Every hedge has a strike; a limit is for insurance, carry for collateral; lots that are whole are held as whole ones."""
    frame = scope.frame("hedges")
    why, mend = "needed: every kind of hedge pays on the difference of index and strike", "Give the strike"
    scope.rows("hedges", frame["strike"].isna(), "strike", why, mend)
    limited = frame["limit_per_gpu_hour"].notna() & (frame["kind"] != "insurance")
    why, mend = "without meaning for a hedge that is no insurance", "Leave the cell blank, or make the kind insurance"
    scope.rows("hedges", limited, "limit_per_gpu_hour", why, mend, ("kind",))
    free = (frame["carry_rate_per_year"] > 0) & (frame["collateral_per_gpu_hour"] == 0)
    why, mend = "without meaning where no collateral is posted", "Leave the cell blank, or give collateral_per_gpu_hour"
    scope.rows("hedges", free, "carry_rate_per_year", why, mend, ("collateral_per_gpu_hour",))
    broken = frame["whole_lots"] & (frame["committed_lots"] % 1 != 0)
    why, mend = "not a whole number, while whole_lots is true", "Give whole lots, or make whole_lots false"
    scope.rows("hedges", broken, "committed_lots", why, mend, ("whole_lots",))


def attributes(scope: Scope) -> None:
    """What an index says of layers is in the words of the checklist, and said once."""
    loaded = scope.tables["indices"]
    frame = loaded.frame
    for column in STATES:
        for i in np.flatnonzero(loaded.sound(column)):
            for name in frame[column].iloc[i]:
                if name not in NAMES:
                    why = f"the checklist has no attribute {name!r}"
                    scope.faults.append(loaded.fault(int(i), column, why, nearest(name, NAMES)))
    both = [bool(set(a) & set(b)) for a, b in zip(frame["included"], frame["excluded"], strict=True)]
    scope.rows("indices", both, "excluded", "an attribute is both included and excluded", "Keep one of the two", ("included",))


def changes(scope: Scope) -> None:
    """A scenario changes what becomes known after the plan is signed; numbers are multiplied and added to, all else is set."""
    loaded = scope.tables["changes"]
    named, given = loaded.sound("table", "column"), loaded.sound("value", "op")
    frame = loaded.frame[["table", "column", "op", "value"]]
    for i, (table, column, op, value) in enumerate(frame.itertuples(index=False, name=None)):
        if not named[i] or table not in TABLES or column not in TABLES[table].columns:
            continue
        if column not in MAY_CHANGE.get(table, ()):
            scope.faults.append(
                loaded.fault(i, "column", f"{table}.{column} is decided before it is known which scenario comes", _may(table))
            )
            continue
        number = TABLES[table].kinds[column] in ("int", "float", "optional")
        if op != "set" and not number:
            scope.faults.append(loaded.fault(i, "op", f"{table}.{column} is not a number", "Set it: op set"))
        elif given[i]:
            fault = _value(table, column, op, value)
            if fault is not None:
                scope.faults.append(loaded.fault(i, "value", fault.why, fault.mend))


def _may(table: str) -> str:
    listed = MAY_CHANGE.get(table)
    if listed is None:
        return f"A scenario may change columns of the tables {', '.join(MAY_CHANGE)}"
    return f"Of {table} a scenario may change {', '.join(listed)}"


def _value(table: str, column: str, op: str, value: str) -> Fault | None:
    """What is wrong with the operand."""
    found: list[Fault] = []
    if op == "set":
        load_column(TABLES[table], column, [value], "changes", found)
        return found[0] if found else None
    try:
        operand = float(value)
    except ValueError:
        operand = math.nan
    return None if math.isfinite(operand) else Fault("changes", "not a number", "Write a plain number such as 1.3")


def certain(scope: Scope) -> None:
    """What has no effect, or is no hedge, where there is nothing uncertain."""
    header = scope.document.header
    if len(scope.frame("scenarios")):
        return
    if header is not None and header.risk.weight > 0:
        scope.warnings.append(f"{scope.document.file}: without scenarios the weight of risk has no effect")
    scope.warn("hedges", "without scenarios it is certain what hedges pay", scope.frame("hedges")["hedge"])
