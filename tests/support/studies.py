"""Small studies, and a pool that answers at once, for tests of what surrounds the solver."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ailis_opt.errors import AilisError
from ailis_opt.optimize import solve
from ailis_opt.result import Result
from ailis_opt.study.workers import Case, Reply
from tests.support.cases import case, offer
from tests.support.files import as_instance, write_folder

TIMES = ["started", "wall_s", "file_ns", "file_bytes"]


def tiny(price: float = 3, name: str = "tiny") -> dict[str, Any]:
    """Two hours of ten and twelve outcomes: GPUs hired by the hour, or lots of four reserved."""
    data = case([10.0, 12.0], periods=2, objective="cost_per_outcome")
    data["header"]["name"] = name
    data["tables"]["offers"] = [offer("hire", price), offer("lot", 1, "reserved", lot_gpus=4, max_lots=3)]
    return data


def write_study(folder: Path, whatifs: dict[str, list[str]], instances: int = 1, **more: Any) -> Path:
    """A study of `instances` tiny instances beside it, at `folder`/study.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i in range(instances):
        write_folder(tiny(3 + i, f"tiny-{i}"), folder / f"tiny-{i}")
        paths.append(f"tiny-{i}")
    document = {"schema": "ailis-opt-study/1", "instances": paths, "whatifs": whatifs, **more}
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def dearer(count: int) -> dict[str, list[str]]:
    """What-ifs that make hiring dearer, step by step."""
    return {f"dear-{i:03}": [f"offers[offer=hire].price_per_gpu_hour *= {1 + (i + 1) / count:.6f}"] for i in range(count)}


@functools.cache
def answer() -> Result:
    """The result of the tiny instance."""
    return solve(as_instance(tiny()), in_process=True)


class Canned:
    """A pool that gives every case the answer of the tiny instance, at a cost that depends on the case; `hear` is told of each first."""

    def __init__(self, hear: Callable[[Case], AilisError | None] = lambda _: None) -> None:
        self.hear = hear
        self.seen: list[str] = []

    def __enter__(self) -> Canned:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, cases: Iterable[Case]) -> Iterator[Reply]:
        for each in cases:
            self.seen.append(each.key)
            error = self.hear(each)
            cost = 1 + int(each.instance.sha256[:6], 16) / 0xFFFFFF
            result = replace(answer(), instance=each.instance.header.name, instance_sha256=each.instance.sha256, cost=cost)
            yield Reply(each.key, None if error else result, error, 0.01)


def without_times(index: pd.DataFrame) -> pd.DataFrame:
    """An index without what differs from one batch to the next, in one order."""
    return index.drop(columns=TIMES).sort_values(["run", "file"], ignore_index=True)
