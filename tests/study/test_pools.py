"""The pools: worker processes of this machine, and a Dask cluster."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from ailis_opt.cli.batch import Request, run_batch
from ailis_opt.errors import InputError
from ailis_opt.study.batch import Batch, asked_runs
from ailis_opt.study.cluster import Cluster
from ailis_opt.study.definition import read_study
from ailis_opt.study.store import Store
from ailis_opt.study.workers import Case, Reply, Workers
from tests.support.studies import dearer, without_times, write_study


class FirstIsStuck(Workers):
    """One worker, which stands still from before its first case on."""

    def run(self, cases: Iterable[Case]) -> Iterator[Reply]:
        def stopped() -> Iterator[Case]:
            for i, case in enumerate(cases):
                if i == 0:
                    os.kill(self._workers[0]._process.pid, signal.SIGSTOP)
                yield case

        return super().run(stopped())


def test_a_run_that_exceeds_its_limit_is_killed_and_recorded(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path, dearer(2)))
    store = Store.create(tmp_path / "store")
    asked = asked_runs(study, 1.0)
    with FirstIsStuck(1, grace=0.2) as workers:
        Batch(study, store, asked[:1], False, lambda _: None).run(workers)
    with Workers(1) as workers:
        Batch(study, store, asked, False, lambda _: None).run(workers)
    index = store.index().set_index("run")
    assert index["status"].to_dict() == {"tiny-0/base": "failed", "tiny-0/dear-000": "optimal", "tiny-0/dear-001": "optimal"}
    assert "did not stop" in index.loc["tiny-0/base", "message"]
    assert 1 < index.loc["tiny-0/base", "wall_s"] < 20


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_a_cluster_makes_the_same_store(tmp_path: Path) -> None:
    """Two Dask workers, each a process, against worker processes of this machine: equal but for the times."""
    distributed = pytest.importorskip("distributed")
    whatifs = dearer(6) | {
        "none": ["offers[offer=hire].max_lots = 0", "offers[offer=lot].max_lots = 1"],
        "bad": ["offers[sku=x].max_lots = 1"],
    }
    study = write_study(tmp_path, whatifs, 2)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        assert run_batch(Request(study, tmp_path / "dask", dask=cluster.scheduler_address, quiet=True)) == 0
    assert run_batch(Request(study, tmp_path / "pool", jobs=2, quiet=True)) == 0
    found, expected = (without_times(Store.open(tmp_path / name).index()) for name in ("dask", "pool"))
    assert set(found["status"]) == {"optimal", "infeasible", "failed"}
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "not an address", "tcp://"])
def test_no_cluster_there(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("ailis_opt.study.cluster.CONNECT", "500ms")
    with pytest.raises(InputError, match="no Dask scheduler answers there"), Cluster(address):
        pass


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"Dask is not installed.*ailis-opt\[dask\]"), Cluster("tcp://127.0.0.1:9"):
        pass
