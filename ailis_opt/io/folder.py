"""Which files make an instance, and what in its folder does not belong."""

from __future__ import annotations

from pathlib import Path

from ailis_opt.errors import Fault
from ailis_opt.io.document import Document
from ailis_opt.io.raw import RawTable, nearest
from ailis_opt.io.tabular import read_csv, read_inline, read_parquet
from ailis_opt.schema import TABLES

HEADER_FILE = "instance.yaml"
_READERS = {".csv": read_csv, ".parquet": read_parquet}
_OTHER_DATA = {".tsv", ".txt", ".json", ".yaml", ".yml", ".xls", ".xlsx", ".ods", ".gz", ".zip", ".feather"}


def locate(path: Path, faults: list[Fault]) -> Path | None:
    """The YAML file of the instance at `path`, a folder or a file; None (and a fault) if there is none."""
    if path.is_dir():
        header = path / HEADER_FILE
        if header.exists():
            return header
        if (path / "instance" / HEADER_FILE).exists():
            faults.append(Fault(str(path), "is a run, not an instance", f"Name the instance that it holds: {path / 'instance'}"))
            return None
        others = sorted(p.name for p in path.iterdir() if p.suffix in (".yaml", ".yml"))
        hint = f"Rename {others[0]!r} to {HEADER_FILE}" if others else f"Write {HEADER_FILE} with `schema: ailis-opt/1`"
        faults.append(Fault(str(path), f"a folder without {HEADER_FILE}", hint))
        return None
    if path.is_file() and path.suffix.lower() in _READERS:
        why = "a single table, not an instance"
        faults.append(Fault(str(path), why, f"Name the folder that holds it and its {HEADER_FILE}: {path.parent}"))
        return None
    if path.is_file():
        return path
    faults.append(Fault(str(path), "does not exist" if not path.exists() else "neither file nor folder", "Name a folder or a YAML file"))
    return None


def table_files(header: Path, faults: list[Fault]) -> dict[str, list[Path]]:
    """The files of each table beside `instance.yaml` (none beside a file of another name: it is an instance of its own)."""
    found: dict[str, list[Path]] = {name: [] for name in TABLES}
    if header.name != HEADER_FILE:
        return found
    for path in sorted(header.parent.iterdir()):
        suffix, stem = path.suffix.lower(), path.stem
        if path.name.startswith(".") or path == header:
            continue
        if suffix in _READERS and stem in TABLES:
            found[stem].append(path)
        elif suffix in _READERS:
            faults.append(Fault(path.name, f"there is no table {stem!r}", f"{nearest(stem, TABLES)} Or move the file out of the folder"))
        elif suffix in _OTHER_DATA and stem.split(".")[0] in TABLES:
            faults.append(Fault(path.name, "a table in a format that is not read", "Write it as .csv or .parquet, or move it away"))
    return found


def read_tables(document: Document, files: dict[str, list[Path]], faults: list[Fault]) -> dict[str, RawTable]:
    """Every table as text, from wherever it stands; a table that stands in two places is a fault."""
    raws = {}
    for name, table in TABLES.items():
        places = [path.name for path in files[name]]
        raw = RawTable(table, f"{name}.csv" if document.file == HEADER_FILE else document.file)
        raw.inline = document.file != HEADER_FILE
        for path in files[name]:
            raw = _READERS[path.suffix.lower()](path, table, faults)
        if name in document.inline:
            node, line = document.inline[name]
            raw = read_inline(node, line, document.file, table, faults)
            places.append(f"{document.file}, row {line}")
        if len(places) > 1:
            faults.append(Fault(places[0].split(",")[0], f"the table {name} is given twice: {' and '.join(places)}", "Keep one of them"))
        raw.partial = raw.partial or len(places) > 1 or (document.node is None and not places)
        raws[name] = raw
    return raws
