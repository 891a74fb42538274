"""Where the rows of a table stand in the files of an instance, for faults that are found only after it was read."""

from __future__ import annotations

from pathlib import Path

from ailis_opt.errors import Fault
from ailis_opt.io.document import read_document
from ailis_opt.io.folder import locate, read_tables, table_files
from ailis_opt.io.raw import RawTable
from ailis_opt.io.rows import load
from ailis_opt.schema import Instance


def found(instance: Instance, table: str) -> RawTable | None:
    """The table as it stands in the files that the instance was read from; None where they are gone, or hold other rows by now."""
    faults: list[Fault] = []
    try:
        file = locate(Path(instance.path), faults)
        if file is None:
            return None
        raw = read_tables(read_document(file, faults), table_files(file, faults), faults)[table]
    except OSError:
        return None
    return raw if load(raw, faults).frame.equals(instance.stated[table]) and not faults else None
