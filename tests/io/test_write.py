"""An instance written and read again is the same instance."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ailis_opt.io import read
from ailis_opt.io.write import instance_files
from ailis_opt.schema import Instance
from tests.io.conftest import FILES
from tests.support.files import as_instance
from tests.support.generate import random_instance
from tests.support.runs import hostile

SHIPPED = sorted(path.parent for path in (Path(__file__).parents[2] / "instances").glob("*/instance.yaml"))


def same(instance: Instance, folder: Path) -> None:
    """Assert that writing to `folder` and reading gives the same header, tables, fingerprint and warnings."""
    folder.mkdir()
    for name, text in instance_files(instance).items():
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            file.write(text)
    again = read(folder)
    assert again.header == instance.header
    assert again.sha256 == instance.sha256
    assert again.warnings == instance.warnings
    for name, frame in instance.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], frame)


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_shipped(folder: Path, tmp_path: Path) -> None:
    same(read(folder), tmp_path / "frozen")


def test_every_kind_of_cell(tmp_path: Path) -> None:
    good = tmp_path / "good"
    good.mkdir()
    for name, text in FILES.items():
        (good / name).write_text(text)
    same(read(good), tmp_path / "frozen")


@pytest.mark.parametrize("seed", range(30))
def test_random(seed: int, tmp_path: Path) -> None:
    same(as_instance(random_instance(seed, "small")), tmp_path / "frozen")


@pytest.mark.parametrize("text", ["a: b # c", "null", "1", "'", " two\nlines\n", "\r\n x", "é ✓ \u2028"])
def test_odd_texts(text: str, tmp_path: Path) -> None:
    data = hostile()
    data["header"]["description"] = text
    data["tables"]["offers"][0]["note"] = f'{text} "quoted", and more'
    same(as_instance(data), tmp_path / "frozen")
