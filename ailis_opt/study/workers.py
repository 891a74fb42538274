"""TEMPORARY"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ailis_opt.errors import AilisError
from ailis_opt.optimize import solve
from ailis_opt.result import Result
from ailis_opt.schema import Instance


@dataclass(frozen=True, slots=True)
class Case:
    key: str
    instance: Instance
    gap: float
    time_limit: float


@dataclass(frozen=True, slots=True)
class Reply:
    case_key: str
    result: Result | None
    error: AilisError | None
    seconds: float


class Workers:
    def __init__(self, jobs: int) -> None: ...
    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None: ...
    def run(self, cases: Iterable[Case]) -> Iterator[Reply]:
        for case in cases:
            b = time.monotonic()
            try:
                yield Reply(
                    case.key, solve(case.instance, gap=case.gap, time_limit=case.time_limit, in_process=True), None, time.monotonic() - b
                )
            except AilisError as error:
                yield Reply(case.key, None, error, time.monotonic() - b)
