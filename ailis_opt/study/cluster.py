"""Cases on a `dask.distributed` cluster: the same protocol as worker processes of this machine.

Every Dask worker keeps one worker process of its own, so that a solve has a process to itself, begins from the basis of the one before,
and can be killed, as on this machine. Give Dask workers one thread each.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterable, Iterator
from typing import Any

from ailis_opt.errors import AilisError, Fault, InputError
from ailis_opt.study.workers import Case, Reply, Workers

EXTRA = "pip install 'ailis-opt[dask]'"
CONNECT, WORKERS = "10s", 60.0  # time to wait for the scheduler, and seconds for the first worker


class Cluster:
    """A cluster by the address of its scheduler, such as `tcp://10.0.0.5:8786`, while the block lasts."""

    def __init__(self, address: str) -> None:
        self.address = address

    def __enter__(self) -> Cluster:
        """Raises InputError where there is no cluster at the address, or no Dask here."""
        try:
            from distributed import Client
        except ImportError:
            raise _fault(self.address, "Dask is not installed", f"Install it: {EXTRA}") from None
        try:
            self._client = Client(self.address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            why = f"no Dask scheduler answers there: {str(error).splitlines()[0]}"
            raise _fault(self.address, why, "Give the address that `dask scheduler` printed, such as tcp://10.0.0.5:8786") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def run(self, cases: Iterable[Case]) -> Iterator[Reply]:
        """As `batch.Pool`. Each Dask worker has one case at a time, so that cases that follow one another stay together.

        Raises AilisError where the cluster is lost.
        """
        from distributed import as_completed

        left, waiting, busy = iter(cases), as_completed(loop=self._client.loop), dict[Any, tuple[Case, str]]()
        while True:
            for worker in self._idle({worker for _, worker in busy.values()}):
                case = next(left, None)
                if case is None:
                    break
                key = f"ailis-opt-{case.key}"
                future = self._client.submit(solve_here, case, key=key, workers=[worker], allow_other_workers=True, pure=False)
                busy[future] = case, worker
                waiting.add(future)
            if not busy:
                return
            future = next(waiting)
            case, _ = busy.pop(future)
            yield self._reply(case, future)

    def _idle(self, busy: set[str]) -> list[str]:
        """Addresses of workers without a case. A cluster that has none is waited for, but not for ever."""
        if not busy:
            try:
                self._client.wait_for_workers(1, timeout=WORKERS)
            except TimeoutError:
                raise _fault(self.address, "the cluster has no worker", "Start some: `dask worker ADDRESS --nthreads 1`") from None
        return sorted(set(self._client.scheduler_info(n_workers=-1)["workers"]) - busy)

    def _reply(self, case: Case, future: Any) -> Reply:
        if future.status == "finished":
            reply: Reply = future.result()
            return reply
        if future.status == "error":
            error = future.exception()
            return Reply(case.key, None, AilisError(f"the cluster could not solve it: {type(error).__name__}: {error}"), 0.0)
        raise AilisError(f"the cluster at {self.address} was lost; what is done is in the store: go on with --resume")


_workers: Workers | None = None


def solve_here(case: Case) -> Reply:
    """The reply of this Dask worker's own worker process, which is started with the first case."""
    global _workers
    if _workers is None:
        _workers = Workers(1)
        atexit.register(_workers.__exit__)
    return next(iter(_workers.run([case])))


def _fault(address: str, why: str, mend: str) -> InputError:
    return InputError([Fault(f"--dask {address}", why, mend)])
