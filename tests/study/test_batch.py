"""A batch: what is solved, what is recorded, and what is said of a store that has it already."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ailis_opt.errors import AilisError, InfeasibleError, InputError, NoPlanError
from ailis_opt.optimize import solve
from ailis_opt.study.batch import Batch, Progress, asked_runs, require_new
from ailis_opt.study.definition import read_study
from ailis_opt.study.listing import listing, named, plan_of
from ailis_opt.study.store import Store
from ailis_opt.study.workers import Case
from tests.support.studies import Canned, dearer, without_times, write_study

Told = list[tuple[int, int]]


def batch(study: Path, folder: Path, pool: Any, retry: bool = False, told: Told | None = None) -> Store:
    """Run a batch with a pool; `told` gathers done and remaining of every progress."""

    def tell(progress: Progress) -> None:
        if told is not None:
            told.append((progress.done, progress.remaining))

    read, store = read_study(study), Store.create(folder)
    asked = asked_runs(read)
    for instance in read.instances.values():
        store.keep(instance)
    Batch(read, store, asked, retry, tell).run(pool)
    return store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_everything_is_recorded(tmp_path: Path, folder: Path) -> None:
    told: Told = []
    pool = Canned()
    store = batch(write_study(tmp_path, dearer(3), 2), folder, pool, told=told)
    index = store.index()
    assert sorted(index["run"]) == sorted(f"tiny-{i}/{w}" for i in (0, 1) for w in ("base", *dearer(3)))
    assert set(index["status"]) == {"optimal"}
    assert told == [(done, 8 - done) for done in range(9)]
    assert len(pool.seen) == len(set(pool.seen)) == 8
    assert {path.stem for path in store.runs.iterdir()} == set(index["inputs"])


def test_figures_are_those_of_the_result(tmp_path: Path, folder: Path) -> None:
    """Solved in earnest: the row, the document and the plan say what `solve` says of the changed instance."""

    class Solver(Canned):
        def run(self, cases: Any) -> Iterator[Any]:
            for each in cases:
                self.result = solve(each.instance, gap=each.gap, in_process=True)
                for reply in Canned.run(self, [each]):
                    yield type(reply)(reply.key, self.result, None, 0.5)

    pool = Solver()
    batch(write_study(tmp_path, {"dear": ["offers[offer=hire].price_per_gpu_hour *= 2"]}), folder, pool)
    row = named(listing([folder]), "tiny-0/dear")
    result = pool.result
    assert {name: row[name] for name in ("cost", "outcomes", "cost_per_outcome", "gap", "lower", "upper", "wall_s", "instance_sha256")} == {
        **{name: getattr(result, name) for name in ("cost", "outcomes", "cost_per_outcome", "gap")},
        "lower": result.bounds.lower,
        "upper": result.bounds.upper,
        "wall_s": 0.5,
        "instance_sha256": result.instance_sha256,
    }
    assert row["service"] == 1
    assert row["idle"] == pytest.approx(result.idle_cost / result.cost)
    plan = plan_of(row)
    assert plan.result == json.loads(json.dumps(result.to_dict()))
    assert plan.instance.sha256 == result.instance_sha256
    for name, table in result.tables.items():
        assert [list(map(str, r)) for r in plan.tables[name].astype(object).itertuples(index=False)] == [
            list(map(str, r))
            for r in table.astype(dict.fromkeys(table.select_dtypes("number"), float)).astype(object).itertuples(index=False)
        ], name


def test_equal_inputs_are_solved_once(tmp_path: Path, folder: Path) -> None:
    """Whether the equal run is of this batch or of one before; all are listed, and the plan is found by each name."""
    same = "offers[offer=hire].price_per_gpu_hour *= 1"
    path = write_study(tmp_path / "a", {"same": [same]})
    pool = Canned()
    batch(path, folder, pool)
    later = write_study(tmp_path / "b", {"as before": [same, "offers[offer=hire].price_per_gpu_hour = 3"]})
    batch(later, folder, pool)
    runs = listing([folder])
    assert sorted(runs["run"]) == ["tiny-0/as before", "tiny-0/base", "tiny-0/same"]
    assert len(pool.seen) == 1
    assert runs["cost"].nunique() == 1
    for name in runs["run"]:
        assert len(plan_of(named(runs, name)).tables["served"])
    assert set(runs["same_as"]) == {"", "tiny-0/base"}


def test_failures_are_results(tmp_path: Path, folder: Path) -> None:
    errors: dict[str, AilisError] = {"dear-000": InfeasibleError("no plan"), "dear-001": NoPlanError("too slow")}
    whatifs = dearer(3) | {"wrong": ["offers[offer=hire].region = nowhere"], "none": ["offers[offer=gone].price_per_gpu_hour *= 2"]}
    path = write_study(tmp_path, whatifs)
    by_inputs = _inputs(path, errors)
    store = batch(path, folder, Canned(lambda case: by_inputs.get(case.key)))
    index = store.index().set_index("whatif")
    assert index["status"].to_dict() == {
        "base": "optimal",
        "dear-000": "infeasible",
        "dear-001": "failed",
        "dear-002": "optimal",
        "wrong": "failed",
        "none": "failed",
    }
    assert index.loc["dear-001", "message"] == "too slow"
    assert "nowhere" in index.loc["wrong", "message"]
    assert "gone" in index.loc["none", "message"]
    with pytest.raises(InputError, match="has no plan: too slow"):
        plan_of(named(listing([folder]), "tiny-0/dear-001"))


def _inputs(path: Path, errors: dict[str, AilisError]) -> dict[str, AilisError]:
    """The errors by the hash of inputs of the what-ifs they are for."""
    from ailis_opt.changes import apply

    study = read_study(path)
    runs = {run.whatif: run for run in asked_runs(study)}
    return {runs[w].inputs(apply(runs[w].base, study.whatifs[w]).sha256): error for w, error in errors.items()}


def test_resume_solves_what_is_missing(tmp_path: Path, folder: Path) -> None:
    path = write_study(tmp_path, dearer(4))

    class Cut(Exception):
        pass

    def cut(case: Case) -> None:
        if len(pool.seen) == 3:
            raise Cut

    pool = Canned(cut)
    with pytest.raises(Cut):
        batch(path, folder, pool)
    assert len(Store.open(folder).index()) == 2
    rest, told = Canned(), Told()
    store = batch(path, folder, rest, told=told)
    assert set(rest.seen).isdisjoint(pool.seen[:2])
    assert told[0] == (2, 3)
    whole = batch(path, tmp_path / "whole", Canned())
    assert without_times(store.index()).equals(without_times(whole.index()))


def test_failed_runs_are_solved_again_if_asked(tmp_path: Path, folder: Path) -> None:
    whatifs = {"a": ["offers[offer=hire].price_per_gpu_hour *= 2"], "b": ["offers[offer=hire].price_per_gpu_hour = 6"]}
    path = write_study(tmp_path, whatifs)
    batch(
        path, folder, Canned(lambda case: NoPlanError("too slow") if case.instance.stated["offers"]["price_per_gpu_hour"][0] == 6 else None)
    )
    again = Canned()
    batch(path, folder, again)
    assert again.seen == []
    store = batch(path, folder, again, retry=True)
    assert len(again.seen) == 1
    assert store.index()["status"].tolist() == ["optimal"] * 3
    batch(path, folder, again, retry=True)
    assert len(again.seen) == 1


def test_infeasible_is_no_failure(tmp_path: Path, folder: Path) -> None:
    path = write_study(tmp_path, {})
    batch(path, folder, Canned(lambda _: InfeasibleError("no plan")))
    again = Canned()
    batch(path, folder, again, retry=True)
    assert again.seen == []


def test_a_store_that_has_the_study(tmp_path: Path, folder: Path) -> None:
    path = write_study(tmp_path / "a", dearer(1))
    store = batch(path, folder, Canned())
    with pytest.raises(InputError, match=r"2 of the 2 runs.*--resume.*--store"):
        require_new(store, asked_runs(read_study(path)))
    require_new(store, asked_runs(read_study(write_study(tmp_path / "b", dearer(1), solve={"gap": 0.1}))))


def test_a_changed_instance_is_another_run(tmp_path: Path, folder: Path) -> None:
    """The catalogue changes: the run of before stays, with the prices of before, and both have a name of their own."""
    path = write_study(tmp_path, {})
    batch(path, folder, Canned())
    offers = tmp_path / "tiny-0" / "offers.csv"
    offers.write_text(offers.read_text().replace("hire,here,gpu,hire,DE,on_demand,3", "hire,here,gpu,hire,DE,on_demand,4"))
    batch(path, folder, Canned())
    runs = listing([folder])
    assert runs["run"].is_unique
    assert all(name.startswith("tiny-0/base@") for name in runs["run"])
    prices = [plan_of(named(runs, name)).instance.tables["offers"]["price_per_gpu_hour"][0] for name in runs["run"]]
    assert sorted(prices) == [3, 4]
