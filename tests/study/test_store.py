"""The store: whole files or none, locks that outlive nobody, an index that is true to the files."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ailis_opt.errors import InputError
from ailis_opt.output import files
from ailis_opt.study.listing import listing
from ailis_opt.study.record import COLUMNS, Asked, now, solved
from ailis_opt.study.store import Store, is_store
from tests.support.files import as_instance
from tests.support.studies import answer, tiny

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "models")])}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


def row(i: int = 0) -> dict[str, Any]:
    """The record of a run."""
    instance = as_instance(tiny(3 + i))
    return solved(Asked("tiny", f"case-{i}", "", instance, (), 1e-4, None, "0"), instance, answer(), 0.1, now())


def put(store: Store, i: int = 0) -> dict[str, Any]:
    """Put a run as a batch does."""
    record = row(i)
    assert store.claim(record["inputs"])
    store.put(record)
    store.release(record["inputs"])
    return record


def hidden(store: Store) -> list[str]:
    return [path.name for path in store.folder.rglob(".*")]


def test_the_page_names_every_column() -> None:
    page = (ROOT / "docs" / "store.md").read_text(encoding="utf-8")
    table = page.split("A file of a run has one row:")[1].split("```")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == list(COLUMNS)


def test_read_again(store: Store) -> None:
    record = put(store)
    assert store.has(record["inputs"])
    assert Store.open(store.folder).row(record["inputs"]) == record
    assert hidden(store) == []


def test_a_full_disk_leaves_nothing_half_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fsync", full)
        with pytest.raises(InputError, match="No space left"):
            put(store, 1)
    assert len(list(store.runs.iterdir())) == 1
    assert hidden(store) == []
    put(store, 1)
    assert len(store.index()) == 2


def test_a_full_disk_does_not_keep_a_reader_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever cannot write the index reads without one."""
    put(store)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    assert len(Store.open(store.folder).index()) == 1
    assert not (store.folder / "index.parquet").exists()


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files.os, "access", lambda *_: False)
    with pytest.raises(InputError, match="may not be written to"):
        Store.create(tmp_path / "store")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only mount lets even root ask, and refuses then."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match="Read-only file system"):
        Store.create(tmp_path / "store")


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "store"):
        with pytest.raises(InputError, match=r"is a file|may not be written to"):
            Store.create(path)


def test_other_folders_are_no_stores(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="a folder with other files"):
        Store.create(tmp_path)
    with pytest.raises(InputError, match="is no store"):
        Store.open(tmp_path)
    (tmp_path / "store.json").write_text('{"schema": "ailis-opt-store/9"}')
    with pytest.raises(InputError, match="ailis-opt-store/1"):
        Store.open(tmp_path)
    with pytest.raises(InputError, match="ailis-opt-store/1"):
        Store.create(tmp_path)
    (tmp_path / "store.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        Store.open(tmp_path)


HOLDER = """
import sys, time
from pathlib import Path
from ailis_opt.study.store import Store, is_store
store = Store.create(Path(sys.argv[1]))
for name in sys.argv[2:]:
    assert store.claim(name)
print("held", flush=True)
time.sleep(600)
"""


def test_a_claim_ends_with_its_process(store: Store) -> None:
    """Another process holds a name until it is killed; its temporary file is swept then, and not before."""
    record = row()
    name = record["inputs"]
    with store._held(name) as beside:  # the name of the file that whoever holds it writes first
        partial = beside.name
    command = [sys.executable, "-c", HOLDER, str(store.folder), name]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        (store.runs / partial).write_text("half")
        assert not store.claim(name)
        assert store.claim("another name")
        store.sweep()
        assert hidden(store) == [partial]
        holder.send_signal(signal.SIGKILL)
    for _ in range(100):
        if store.claim(name):
            break
        time.sleep(0.05)
    assert store.claim(name)
    store.release(name)
    store.sweep()
    assert hidden(store) == []


def test_index_follows_the_files(store: Store) -> None:
    records = [put(store, i) for i in range(3)]
    assert sorted(store.index()["whatif"]) == ["case-0", "case-1", "case-2"]
    made = (store.folder / "index.parquet").stat().st_mtime_ns
    store.index()
    assert (store.folder / "index.parquet").stat().st_mtime_ns == made, "nothing new, nothing written"
    (store.runs / f"{records[0]['inputs']}.parquet").unlink()
    put(store, 3)
    assert sorted(store.index()["whatif"]) == ["case-1", "case-2", "case-3"]
    changed = records[1] | {"message": "changed"}
    store.claim(changed["inputs"])
    store.put(changed)
    assert "changed" in set(store.index()["message"])


@pytest.mark.parametrize("content", [b"", b"PAR1 nonsense PAR1", None])
def test_a_broken_index_is_made_again(store: Store, content: bytes | None) -> None:
    put(store)
    whole = store.index()
    path = store.folder / "index.parquet"
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    pd.testing.assert_frame_equal(store.index(), whole)


@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_a_broken_run_is_named(store: Store, damage: str) -> None:
    put(store)
    path = store.runs / f"{put(store, 1)['inputs']}.parquet"
    if damage == "other":
        pd.DataFrame({"a": [1]}).to_parquet(path)
    else:
        path.write_bytes(path.read_bytes()[: -500 if damage == "cut" else 0])
    with pytest.raises(InputError) as caught:
        listing([store.folder])
    assert path.name in str(caught.value)
    assert "--resume" in str(caught.value)


def test_a_store_that_another_batch_makes_just_now(tmp_path: Path) -> None:
    """Its first file stands beside its place for a moment: that is no foreign file."""
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / ".00000000000000ff.partial").write_text("{")
    Store.create(folder)
    assert is_store(folder)
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("mine")
    with pytest.raises(InputError, match="other files"):
        Store.create(other)
