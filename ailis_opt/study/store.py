"""The store of a study: a folder with one Parquet file per run, safe against a kill at any moment and shared by several batches.

    STORE/store.json               what the folder is
    STORE/lock                     empty; its bytes are locked, one for each name that somebody works on
    STORE/runs/<inputs>.parquet    a run that was solved, by the hash of its inputs and options
    STORE/runs/<inputs>-<asked>.parquet   another run with equal inputs: the same figures, without the plan
    STORE/instances/<sha256>/      every instance as it was read
    STORE/index.parquet            the scalars of all runs, made from the files and checked against them

Every file is written beside and renamed, under a lock that the system drops when its process ends in whatever way.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ailis_opt.errors import Fault, InputError
from ailis_opt.io.write import instance_files
from ailis_opt.output.files import require_writable, write_beside, write_files
from ailis_opt.schema import Instance
from ailis_opt.study.record import COLUMNS, PACKED, SCALARS

SCHEMA = "ailis-opt-store/1"
MARK, LOCK, RUNS, INSTANCES, INDEX = "store.json", "lock", "runs", "instances", "index.parquet"
OURS = {MARK, LOCK, RUNS, INSTANCES, INDEX}
SUFFIX, PARTIAL = ".parquet", ".partial"
FILE = {"file": pa.string(), "file_ns": pa.int64(), "file_bytes": pa.int64()}
"""Columns of the index beside the scalars: the name, time of change and size of a run's file."""


def is_store(folder: Path) -> bool:
    """Whether the folder is a store."""
    return (folder / MARK).is_file()


class Store:
    """A store on the disk: `Store.open` of one that stands, `Store.create` of one that may be new."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs = folder, folder / RUNS
        self._lock: int | None = None

    @classmethod
    def open(cls, folder: Path) -> Store:
        """The store at `folder`, to read. Raises InputError where the folder is no store of this format."""
        try:
            found = json.loads((folder / MARK).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise _fault(folder, "is no store", "Name a folder that `ailis-opt batch` wrote") from None
        except (OSError, ValueError) as error:
            raise _fault(folder / MARK, f"cannot be read: {error}", "Check that it may be read and was not edited") from error
        if not isinstance(found, dict) or found.get("schema") != SCHEMA:
            raise _fault(folder / MARK, f"not a store of the form {SCHEMA}", "Read it with the version of the program that wrote it")
        return cls(folder)

    @classmethod
    def create(cls, folder: Path) -> Store:
        """The store at `folder`, to write; it is made where there is none. Raises InputError where that cannot be written."""
        require_writable(folder)
        there = {name for name in os.listdir(folder) if not name.endswith(PARTIAL)} if folder.exists() else set()
        if not there <= OURS and not is_store(folder):  # partial files are those of a batch that makes the store just now
            raise _fault(folder, "is a folder with other files", "Name a new folder, or a store")
        try:
            (folder / RUNS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _fault(folder, f"cannot be written: {error.strerror}", "Name a folder that may be written to") from error
        store = cls(folder)
        with store._held(MARK) as beside:
            if not is_store(folder):
                write_beside(folder / MARK, json.dumps({"schema": SCHEMA}) + "\n", folder / beside)
        cls.open(folder)
        return store

    def _handle(self) -> int:
        """The open lock file. Closing it would drop every lock of this process: it stays open."""
        if self._lock is None:
            try:
                self._lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            except OSError as error:
                raise _fault(self.folder, f"cannot be written: {error.strerror}", "Name a folder that may be written to") from error
        return self._lock

    def claim(self, name: str) -> bool:
        """Take `name` for this process, at once or not at all. Several batches ask; it is free again when this one ends."""
        return self._claim(_byte(name))

    def _claim(self, byte: int, wait: bool = False) -> bool:
        try:
            fcntl.lockf(self._handle(), fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, byte)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def release(self, name: str) -> None:
        """Give a name back."""
        self._release(_byte(name))

    def _release(self, byte: int) -> None:
        fcntl.lockf(self._handle(), fcntl.LOCK_UN, 1, byte)

    @contextmanager
    def _held(self, name: str) -> Iterator[Path]:
        """Wait for the name and hold it; gives the name of the temporary file of whoever holds it."""
        byte = _byte(name)
        self._claim(byte, wait=True)
        try:
            yield Path(f".{byte:016x}{PARTIAL}")
        finally:
            self.release(name)

    def sweep(self) -> None:
        """Remove temporary files that nobody works on any more."""
        for place in (self.folder, self.runs):
            for path in place.glob(f".*{PARTIAL}"):
                with suppress(ValueError, OSError):
                    byte = int(path.name.removeprefix(".").removesuffix(PARTIAL), 16)
                    if self._claim(byte):
                        path.unlink(missing_ok=True)
                        self._release(byte)
        if self.claim(INSTANCES):
            for path in (self.folder / INSTANCES).glob(f".*{PARTIAL}"):
                shutil.rmtree(path, ignore_errors=True)
            self.release(INSTANCES)

    def has(self, inputs: str) -> bool:
        """Whether a run with these inputs is in the store."""
        return (self.runs / f"{inputs}{SUFFIX}").exists()

    def put(self, row: Mapping[str, Any]) -> None:
        """Write a run that this process has claimed: all columns of `record.COLUMNS`. Raises InputError where that cannot be done."""
        alias = f"-{row['asked'][:16]}" if row["same_as"] else ""
        beside = self.runs / f".{_byte(row['inputs']):016x}{PARTIAL}"
        table = pa.Table.from_pydict({name: [row[name]] for name in COLUMNS}, pa.schema(list(COLUMNS.items())))
        _write(self.runs / f"{row['inputs']}{alias}{SUFFIX}", table, beside)

    def keep(self, instance: Instance) -> None:
        """Keep an instance as it was read, to be read again."""
        folder = self.folder / INSTANCES / instance.sha256
        with self._held(INSTANCES):
            if not folder.exists():
                write_files(folder, instance_files(instance))

    def row(self, inputs: str) -> dict[str, Any]:
        """All columns of a run that was solved. Raises InputError where there is none, or the file is damaged."""
        return read_row(self.runs / f"{inputs}{SUFFIX}")

    def index(self) -> pd.DataFrame:
        """The scalars of every run and the columns of `FILE`, true to the files; written again where it was not and may be written."""
        here = _files(self.runs)
        known = self._known()
        fresh = np.array([here.get(name) == (ns, size) for name, ns, size in zip(*(known[c] for c in FILE), strict=True)], dtype=bool)
        known = known[fresh]
        new = sorted(set(here) - set(known["file"]))
        if not new and fresh.all():
            return known
        read = _scalars(self.runs, new)
        read["file_ns"], read["file_bytes"] = [here[name][0] for name in read["file"]], [here[name][1] for name in read["file"]]
        rows = pd.concat([known, read], ignore_index=True) if len(known) else read
        with suppress(InputError, OSError), self._held(INDEX) as beside:  # whoever may only read has it for himself
            _write(self.folder / INDEX, pa.Table.from_pandas(rows, _INDEX, preserve_index=False), self.folder / beside)
        return rows

    def _known(self) -> pd.DataFrame:
        """The index as it stands; without rows where there is none, or a broken one."""
        try:
            found = pq.read_table(self.folder / INDEX)
        except (OSError, pa.ArrowException):
            return _none()
        frame: pd.DataFrame = found.to_pandas()
        return frame if found.schema.equals(_INDEX) else _none()


_INDEX = pa.schema([*SCALARS.items(), *FILE.items()])


def _none() -> pd.DataFrame:
    """An index without rows."""
    frame: pd.DataFrame = _INDEX.empty_table().to_pandas()
    return frame


def _byte(name: str) -> int:
    """The byte of the lock file that stands for a name (of 2^62)."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 2


def _files(runs: Path) -> dict[str, tuple[int, int]]:
    """Name of each run's file: time of change in ns, size in bytes."""
    found = {}
    with os.scandir(runs) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX):
                about = entry.stat()
                found[entry.name] = about.st_mtime_ns, about.st_size
    return found


def _scalars(runs: Path, names: Sequence[str]) -> pd.DataFrame:
    """The scalars of these files, in the order of the names."""
    import duckdb

    if not names:
        return _none()
    paths = [str(runs / name) for name in names]
    try:
        with duckdb.connect() as connection:
            columns = ", ".join(SCALARS)
            query = f"SELECT {columns}, parse_filename(filename) AS file FROM read_parquet($paths, filename = true)"
            return connection.execute(query, {"paths": paths}).df()
    except duckdb.Error as error:
        for path in paths:
            read_row(Path(path))  # names the file that is broken
        raise _fault(runs, f"cannot be read: {str(error).splitlines()[0]}", "Check that its files may be read") from error


def read_row(path: Path) -> dict[str, Any]:
    """All columns of the run in a file. Raises InputError where it is no such file."""
    try:
        rows = pq.read_table(path, columns=list(COLUMNS)).to_pylist()
    except FileNotFoundError:
        raise _fault(path, "is missing", "Solve it again with `ailis-opt batch STUDY --resume`") from None
    except (OSError, pa.ArrowException) as error:
        why = f"is not the file of a run: {str(error).splitlines()[0]}"
        raise _fault(path, why, "Delete it, and solve it again with `ailis-opt batch STUDY --resume`") from error
    if len(rows) != 1 or set(rows[0]) != set(COLUMNS):
        raise _fault(path, "is not the file of a run", "Delete it, and solve it again with `ailis-opt batch STUDY --resume`")
    return dict(rows[0])


def _write(path: Path, table: pa.Table, beside: Path) -> None:
    packed = {name: "zstd" if name in PACKED or len(table) > 1 else "none" for name in table.column_names}
    out = io.BytesIO()
    pq.write_table(table, out, compression=packed, use_dictionary=False, write_statistics=False, store_schema=False)
    write_beside(path, out.getvalue(), beside)


def _fault(path: Path, why: str, mend: str) -> InputError:
    return InputError([Fault(str(path), why, mend)])
