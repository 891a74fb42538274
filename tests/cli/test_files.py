"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ailis_opt.errors import InputError
from ailis_opt.output import files as module
from ailis_opt.output.files import LAST, MARK, require_writable, require_writable_file, write_file, write_files

NEW = {MARK: "new summary", "costs.csv": "new costs", LAST: "{}"}


def _contents(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in folder.iterdir()}


def test_new_folder(tmp_path: Path) -> None:
    write_files(tmp_path / "a" / "b", NEW)
    assert _contents(tmp_path / "a" / "b") == NEW
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b"]


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("exists", [False, True])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, exists: bool) -> None:
    folder = tmp_path / "result"
    old = dict.fromkeys(NEW, "old")
    if exists:
        write_files(folder, old)
    calls = iter(range(100))

    def full(handle: int) -> None:
        if next(calls) == at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        write_files(folder, NEW)
    assert folder.exists() == exists
    assert [p.name for p in tmp_path.iterdir()] == (["result"] if exists else [])
    if exists:
        assert _contents(folder) == old


def test_cut_short_while_replacing_leaves_no_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`result.json` is there only with everything that belongs to it, and the folder can be written again."""
    folder = tmp_path / "result"
    write_files(folder, dict.fromkeys(NEW, "old"))
    replace = Path.replace

    def cut(self: Path, target: Path) -> Path:
        if target.name == "costs.csv":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", cut)
    with pytest.raises(KeyboardInterrupt):
        write_files(folder, NEW)
    assert _contents(folder) == {MARK: "new summary", "costs.csv": "old"}
    monkeypatch.undo()
    require_writable(folder, NEW)
    write_files(folder, NEW)
    assert _contents(folder) == NEW


def test_a_subfolder_loses_what_is_gone_and_keeps_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write_files(folder, {"in/a": "1", "in/b": "2", LAST: "{}"})
    (folder / "in" / "mine").write_text("3")
    write_files(folder, {"in/a": "4", LAST: "{}"}, ["in/a", "in/b", "in/c"])
    assert _contents(folder / "in") == {"a": "4", "mine": "3"}


@pytest.mark.parametrize("exists", [False, True])
def test_one_file_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool) -> None:
    path = tmp_path / "new" / "report.html"
    if exists:
        write_file(path, "old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(module.os, "fsync", full)
        with pytest.raises(InputError, match="No space left"):
            write_file(path, b"new")
    assert _contents(path.parent) == ({"report.html": "old"} if exists else {})
    write_file(path, b"new")
    assert _contents(path.parent) == {"report.html": "new"}
    with pytest.raises(InputError, match="is a folder"):
        require_writable_file(path.parent)


def test_a_file_in_the_way_of_a_parent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: is a file"):
        require_writable(tmp_path / "file" / "result")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="may not be written to"):
        require_writable(tmp_path / "result")


def test_asking_writes_nothing(tmp_path: Path) -> None:
    require_writable(tmp_path / "a" / "b", NEW)
    assert not list(tmp_path.iterdir())
