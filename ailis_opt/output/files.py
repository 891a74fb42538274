"""Results as files that are never half-written: everything is written beside, flushed to the disk, and then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from ailis_opt.errors import Fault, InputError

Content = str | bytes
LAST = "result.json"
"""Renamed last and removed first: where it stands, all that belongs to it stands too."""
MARK = "summary.txt"
"""Stands in every folder of results: files of ours may be replaced there."""
FILES = {".csv", ".htm", ".html", ".json", ".md", ".parquet", ".pdf", ".svg", ".txt", ".xls", ".xlsx", ".yaml", ".yml"}
"""Endings that no new folder of results has: whoever names one expects a file."""


def require_writable(folder: Path, names: Iterable[str] = (), own: bool = True) -> None:
    """Raise InputError unless results can go to `folder`, which need not exist. Writes nothing.

    An instance's folder is refused if the results are to have the folder as their `own` (its tables bear the names of tables of
    the result), and so is one that holds files with `names`, if there is no earlier result in it.
    """
    if folder.exists() and not folder.is_dir():
        raise _refused(folder, "is a file", "Name a folder")
    if own and not folder.exists() and folder.suffix.lower() in FILES:
        raise _refused(folder, "has the name of a file", "Name a folder")
    if own and (folder / "instance.yaml").exists():
        raise _refused(folder, "is the folder of an instance", "Name another folder, such as one inside it")
    foreign = [] if (folder / MARK).exists() else sorted(name for name in names if (folder / name).exists())
    if foreign:
        raise _refused(folder, f"holds {foreign[0]}, which is no earlier result", "Name another folder")
    ground = folder.absolute()
    while not ground.exists():
        ground = ground.parent
    if not ground.is_dir():
        raise _refused(ground, "is a file", "Name a folder")
    if not os.access(ground, os.W_OK | os.X_OK):
        raise _refused(ground, "may not be written to", "Name a folder that may be written to")


def require_writable_file(path: Path) -> None:
    """Raise InputError unless a file can be put at `path`; one that stands there may be replaced. Writes nothing."""
    if path.is_dir():
        raise _refused(path, "is a folder", "Name a file")
    require_writable(path.absolute().parent, own=False)


def write_file(path: Path, content: Content) -> None:
    """Put `content` at `path`, whole or not at all. Raises InputError where that cannot be done."""
    folder = path.absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_beside(path, content, folder / f".ailis-opt-{os.getpid()}.partial")
        _sync(folder)
    except OSError as error:
        raise _not_written(path, error) from error


def write_beside(path: Path, content: Content, beside: Path) -> None:
    """As `write_file`, into a folder that stands, by a temporary file of one's own in it; a crash of the machine may undo it, no more."""
    try:
        _write_through(beside, content)
        beside.replace(path)
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        beside.unlink(missing_ok=True)


def write_files(folder: Path, files: Mapping[str, Content], gone: Iterable[str] = ()) -> None:
    """Put all `files` (name, maybe in a subfolder: content) into `folder`, or none; earlier ones of the same name are replaced.

    Those named in `gone` that are not among `files` are removed; all others stay. Raises InputError where the folder cannot be
    written. Whether it should be is for `require_writable` to say.
    """
    inside = folder.is_dir()
    beside = (folder if inside else folder.absolute().parent) / f".ailis-opt-{os.getpid()}.partial"
    try:
        beside.mkdir(parents=True)
        for name, content in files.items():
            (beside / name).parent.mkdir(exist_ok=True)
            _write_through(beside / name, content)
        if inside:
            _replace(beside, folder, files, set(gone) - set(files))
        else:
            beside.rename(folder)
        _sync(folder.absolute().parent)
    except OSError as error:
        raise _refused(folder, f"cannot be written: {error.strerror or error}", "Name a folder that may be written to") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _replace(beside: Path, folder: Path, files: Mapping[str, Content], gone: Iterable[str]) -> None:
    (folder / LAST).unlink(missing_ok=True)
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    for name in sorted(files, key=lambda name: (name == LAST, name != MARK)):
        (folder / name).parent.mkdir(exist_ok=True)
        (beside / name).replace(folder / name)
    _sync(folder)


def _write_through(path: Path, content: Content) -> None:
    with path.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make renames in `folder` last through a crash, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _not_written(path: Path, error: OSError) -> InputError:
    return _refused(path, f"cannot be written: {error.strerror or error}", "Name a file that may be written")


def _refused(folder: Path, why: str, mend: str) -> InputError:
    return InputError([Fault(str(folder), why, mend)])
