"""The same rules for an instance that was changed as for one that was read."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ailis_opt.errors import Fault, InputError
from ailis_opt.io.checks import recheck
from ailis_opt.io.document import Document
from ailis_opt.io.raw import RawTable
from ailis_opt.io.resolve import Before, resolve
from ailis_opt.io.rows import Loaded
from ailis_opt.schema import TABLES, Header, Instance, fingerprint

CHANGED = "the changed instance"
__all__ = ["CHANGED", "Before", "checked", "remade", "resolved"]


def resolved(header: Header, stated: Mapping[str, pd.DataFrame], before: Before) -> dict[str, pd.DataFrame]:
    """Tables in normal form, not checked across tables yet; those are taken from `before` that are made of the same."""
    return resolve(header, stated, before)


def checked(
    header: Header, stated: Mapping[str, pd.DataFrame], normal: Mapping[str, pd.DataFrame], before: Instance, scenario: bool = False
) -> Instance:
    """The instance of these tables (typed, each cell valid by itself; `normal`: resolved), with the path of the one before.

    Raises InputError with all faults across rows and tables.
    """
    document = Document(CHANGED, header=header, horizon=header.horizon, scenario=scenario)
    faults: list[Fault] = []
    tables = {name: _loaded(name, frame) for name, frame in stated.items()}
    noted = recheck(document, tables, faults, _changed(header, stated, before), before.noted)
    if faults:
        raise InputError(faults)
    return Instance(header, normal, fingerprint(header, normal), before.path, {**before.noted, **noted}, stated, before.booked)


def remade(before: Instance, tables: Mapping[str, pd.DataFrame], header: Header | None = None) -> Instance:
    """An instance with some other tables (as stated), or another header. Raises InputError with all faults across rows and tables."""
    header, stated = header or before.header, {**before.stated, **tables}
    return checked(header, stated, resolved(header, stated, (before.header, before.stated, before.tables)), before)


def _changed(header: Header, stated: Mapping[str, pd.DataFrame], before: Instance) -> set[str] | None:
    """Columns (`offers.tier`) that are not those of the instance before; None where its header is another in more than the budget."""
    if header.model_copy(update={"budget": None}) != before.header.model_copy(update={"budget": None}):
        return None
    found: set[str] = set()
    for name, frame in stated.items():
        old = before.stated[name]
        if frame is not old:
            alike = len(frame) == len(old)
            found |= {f"{name}.{column}" for column in TABLES[name].columns if not (alike and frame[column].equals(old[column]))}
    return found


def _loaded(name: str, frame: pd.DataFrame) -> Loaded:
    """A table as if read, its rows numbered from 1."""
    lines = list(range(1, len(frame) + 1))
    return Loaded(RawTable(TABLES[name], f"{name} (changed)", rows=[{}] * len(lines), lines=lines), frame, {})
