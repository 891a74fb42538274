"""Read an instance: everything that is wrong with it at once, or an instance in normal form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ailis_opt.errors import Fault, InputError
from ailis_opt.io.checks import check
from ailis_opt.io.document import Document, read_document
from ailis_opt.io.folder import locate, read_tables, table_files
from ailis_opt.io.raw import RawTable
from ailis_opt.io.resolve import resolve
from ailis_opt.io.rows import load
from ailis_opt.schema import TABLES, Instance, fingerprint


def read(path: str | Path) -> Instance:
    """Read the instance at `path`: a folder with `instance.yaml` and a file per table, or one YAML file.

    A file called `instance.yaml` stands for its folder. Raises InputError with all faults found, in file order; nothing else.
    """
    faults: list[Fault] = []
    try:
        return _read(Path(path), faults)
    except OSError as error:
        name = str(error.filename or path)
        raise InputError([*faults, Fault(name, f"cannot be read: {error.strerror or error}", "Check that it may be read")]) from error


def _read(path: Path, faults: list[Fault]) -> Instance:
    file = locate(path, faults)
    if file is None:
        raise InputError(faults)
    document = read_document(file, faults)
    return assembled(document, read_tables(document, table_files(file, faults), faults), str(path), faults)


def assembled(document: Document, raws: Mapping[str, RawTable], path: str, faults: list[Fault]) -> Instance:
    """The instance of a header and all tables as they were found. Raises InputError with these faults and all others."""
    tables = {name: load(raw, faults) for name, raw in raws.items()}
    noted = check(document, tables, faults)
    if faults or document.header is None:
        raise InputError(_ordered(faults, document.file))
    stated = {name: table.frame for name, table in tables.items()}
    normal = resolve(document.header, stated)
    return Instance(document.header, normal, fingerprint(document.header, normal), path, noted, stated)


def _ordered(faults: list[Fault], first: str) -> list[Fault]:
    """Faults by file (the YAML file, the tables in the order of the format, all else) and row."""
    ranks = {name: rank for rank, name in enumerate(TABLES)}

    def place(fault: Fault) -> tuple[int, str, int]:
        rank = -1 if fault.file == first else ranks.get(Path(fault.file).stem, len(ranks))
        return rank, fault.file, fault.row or 0

    return sorted(faults, key=place)
