"""The same rules for an instance that was changed as for one that was read."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ailis_opt.errors import Fault, InputError
from ailis_opt.io.checks import check
from ailis_opt.io.document import Document
from ailis_opt.io.raw import RawTable
from ailis_opt.io.resolve import Before, resolve
from ailis_opt.io.rows import Loaded
from ailis_opt.schema import TABLES, Header, Instance, fingerprint

CHANGED = "the changed instance"


def resolved(header: Header, stated: Mapping[str, pd.DataFrame], before: Before) -> dict[str, pd.DataFrame]:
    """Tables in normal form, not checked across tables yet; those are taken from `before` that are made of the same."""
    return resolve(header, stated, before)


def checked(header: Header, stated: Mapping[str, pd.DataFrame], before: Instance) -> Instance:
    """The instance of these tables (typed, each cell valid by itself), with the path and the untouched tables of the one before.

    Raises InputError with all faults across rows and tables.
    """
    document = Document(CHANGED, header=header, horizon=header.horizon)
    faults: list[Fault] = []
    warnings = check(document, {name: _loaded(name, frame) for name, frame in stated.items()}, faults)
    if faults:
        raise InputError(faults)
    normal = resolve(header, stated, (before.header, before.stated, before.tables))
    return Instance(header, normal, fingerprint(header, normal), before.path, tuple(warnings), stated)


def _loaded(name: str, frame: pd.DataFrame) -> Loaded:
    """A table as if read, its rows numbered from 1."""
    lines = list(range(1, len(frame) + 1))
    return Loaded(RawTable(TABLES[name], f"{name} (changed)", rows=[{} for _ in lines], lines=lines), frame, {})
