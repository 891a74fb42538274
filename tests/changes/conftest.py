"""The instance that the questions are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from ailis_opt.io import read
from ailis_opt.schema import Instance


@pytest.fixture(scope="session")
def quickstart() -> Instance:
    return read(Path(__file__).resolve().parents[2] / "instances" / "quickstart")
