"""Small instances on disk, and the command line run inside the test's own process."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ailis_opt import optimize
from ailis_opt.cli import main
from tests.support.cases import case, offer, region
from tests.support.files import write_folder

Run = Callable[..., "Ran"]


@dataclass(frozen=True)
class Ran:
    """What a run left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def ailis(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `ailis-opt` with the arguments given; searches in this process."""
    import ailis_opt.cli.solve as command

    monkeypatch.setattr(command, "solve", functools.partial(optimize.solve, in_process=True))
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: object) -> Ran:
        capfd.readouterr()
        monkeypatch.setattr("sys.argv", ["ailis-opt", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, captured.out, captured.err)

    return run


def contract_case() -> dict[str, Any]:
    """Three months, 3,000 outcomes each: a hall, three lots reserved for six months, the rest hired.

    One replica makes an outcome an hour. A lot costs 1 EUR an hour and 10 EUR upfront, a hired GPU 3 EUR an hour.
    """
    data = case(1, periods=3, period="month", objective="cost_per_outcome")
    data["tables"]["demand"] = [{"workload": "work", "outcomes": 3000, "period": t} for t in range(3)]
    data["tables"]["workloads"][0]["outcome"] = "solved case"
    data["tables"]["offers"] = [
        offer("reserve", 1, "reserved", max_lots=3, term_periods=6, upfront_per_gpu=10),
        offer("hire-me", 3),
        offer("old-hall", 0.5, "owned", committed_lots=1, max_lots=0),
    ]
    return data


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """A folder with `contract_case`."""
    return write_folder(contract_case(), tmp_path / "contract")


@pytest.fixture
def hard(tmp_path: Path) -> Path:
    """25 offers with odd lots and terms over 24 days: a first plan at once, and no proof for long."""
    draw = np.random.default_rng(3)
    data = case([float(n) for n in draw.integers(3_000, 30_000, 24)], periods=24, period="day")
    data["tables"]["offers"] = [
        offer(
            f"lots-{i}",
            round(1 + 0.3 * draw.random(), 4),
            "reserved",
            lot_gpus=int(draw.integers(20, 90)),
            max_lots=4,
            term_periods=int(draw.integers(3, 9)),
            upfront_per_gpu=round(5 * draw.random(), 3),
        )
        for i in range(25)
    ]
    data["tables"]["offers"].append(offer("hire-me", 4))
    return write_folder(data, tmp_path / "hard")


@pytest.fixture
def too_much(tmp_path: Path) -> Path:
    """More demand than all that can be hired: no plan."""
    data = case(10)
    data["tables"]["offers"] = [offer("small", 1, max_lots=2)]
    return write_folder(data, tmp_path / "too_much")


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A workload whose only route is closed by two layers, memory first."""
    data = case(10)
    data["tables"]["regions"] = [region("here", jurisdictions=["US"])]
    data["tables"]["workloads"][0] |= {"weights_gb": 100, "jurisdictions": ["EU"]}
    data["tables"]["offers"] = [offer("only", 1)]
    return write_folder(data, tmp_path / "closed")


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """Three faults in two files."""
    data = contract_case()
    data["tables"]["offers"][0]["price_per_gpu_hour"] = "dear"
    data["tables"]["offers"][1]["region"] = "nowhere"
    data["tables"]["profiles"][0]["gpus"] = 0
    return write_folder(data, tmp_path / "bad")
