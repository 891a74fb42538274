"""`ailis-opt batch`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ailis_opt.errors import InputError
from ailis_opt.output.document import as_json
from ailis_opt.output.faults import faults_text
from ailis_opt.output.stream import emit, notice
from ailis_opt.output.words import counted
from ailis_opt.study.batch import Batch, Pool, Progress, asked_runs, require_new
from ailis_opt.study.cluster import Cluster
from ailis_opt.study.definition import read_study
from ailis_opt.study.record import FAILED
from ailis_opt.study.store import Store
from ailis_opt.study.workers import Workers

SCHEMA = "ailis-opt-batch/1"
SUFFIX = ".store"


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    study: Path
    store: Path | None = None
    jobs: int | None = None
    dask: str | None = None
    resume: bool = False
    retry_failed: bool = False
    limit_per_run: float | None = None
    json: bool = False
    quiet: bool = False


def run_batch(request: Request) -> int:
    """Solve what the store does not have of the study. Returns the exit code: 0 once every run is recorded, failed ones too."""
    begun = time.monotonic()
    study = read_study(request.study)
    asked = asked_runs(study, request.limit_per_run)
    store = Store.create(request.store or request.study.with_suffix(SUFFIX))
    if not request.resume:
        require_new(store, asked)
    store.sweep()
    for instance in study.instances.values():
        store.keep(instance)
    with _progress(request.quiet) as tell:
        batch = Batch(study, store, asked, request.retry_failed, tell)
        try:
            if batch.progress.remaining:
                with _pool(request) as pool:
                    batch.run(pool)
        except KeyboardInterrupt:
            notice(f"{described(batch.progress)}; go on with --resume")
            raise
        finally:
            _index(store)
    _tell(request, store, batch.progress, time.monotonic() - begun)
    return 0


@contextmanager
def _pool(request: Request) -> Iterator[Pool]:
    if request.dask is not None:
        with Cluster(request.dask) as cluster:
            yield cluster
    else:
        with Workers(request.jobs) as workers:
            yield workers


def _index(store: Store) -> None:
    """Bring the index up to date, so that the next reader need not. Where that fails the runs are no worse."""
    try:
        store.index()
    except InputError as error:
        notice(faults_text(error.faults))


def _tell(request: Request, store: Store, progress: Progress, seconds: float) -> None:
    statuses = dict(sorted(progress.statuses.items()))
    if request.json:
        counts = {"runs": progress.total, "found": progress.found, "solved": progress.solved, "statuses": statuses}
        emit(as_json({"schema": SCHEMA, "study": str(request.study), "store": str(store.folder), **counts, "wall_s": seconds}))
        return
    parts = ", ".join(f"{n:,} {name}" for name, n in statuses.items())
    had = f", {progress.found:,} of them before" if progress.found else ""
    emit(f"{counted(progress.total, 'run')} in {store.folder}{had}: {parts}")
    emit(f"`ailis-opt compare {store.folder}` shows them" + (", and why some failed" if statuses.get(FAILED) else ""))


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """A line on standard error where that is a terminal; elsewhere (a log of the night) a line a minute at most."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with Console(stderr=True, markup=False).status("reading the store") as status:
            yield lambda progress: status.update(described(progress))
    else:
        yield _Log()


class _Log:
    """Progress as lines of a log: the first, the last, and one a minute between them."""

    def __init__(self) -> None:
        self._told = -60.0

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() - self._told >= 60 or not progress.remaining:
            self._told = time.monotonic()
            notice(described(progress))


def described(progress: Progress) -> str:
    """`120 of 400 runs done, 3 failed, 280 to go, about 12 min left`."""
    parts = [f"{progress.done:,} of {counted(progress.total, 'run')} done", f"{progress.statuses[FAILED]:,} failed"]
    parts.append(f"{progress.remaining:,} to go")
    if progress.left_s is not None and progress.remaining:
        parts.append(f"about {_duration(progress.left_s)} left")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
