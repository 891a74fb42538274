"""Study files: what they mean, and what is said where they are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ailis_opt.errors import InputError
from ailis_opt.study.batch import asked_runs
from ailis_opt.study.definition import read_study
from tests.support.files import write_folder
from tests.support.studies import dearer, tiny, write_study

DEAR = "offers[offer=hire].price_per_gpu_hour *= 2"


def test_every_combination_once(tmp_path: Path) -> None:
    path = write_study(tmp_path, dearer(2), 2, portfolios={"bare": [], "no lots": ["offers[offer=lot].max_lots = 0"]})
    study = read_study(path)
    runs = asked_runs(study)
    assert study.runs == len(runs) == 2 * 3 * 2
    assert [run.run for run in runs[:3]] == ["tiny-0/base/bare", "tiny-0/base/no lots", "tiny-0/dear-000/bare"]
    assert [run.instance for run in runs] == ["tiny-0"] * 6 + ["tiny-1"] * 6, "runs of one instance follow one another"
    assert len({run.id for run in runs}) == len(runs)
    assert runs[3].changes == ("offers[offer=hire].price_per_gpu_hour *= 1.500000", "offers[offer=lot].max_lots = 0")


def test_defaults(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path, {}))
    assert (study.gap, study.time_limit, list(study.whatifs), list(study.portfolios)) == (1e-4, None, ["base"], [""])
    assert [run.run for run in asked_runs(study)] == ["tiny-0/base"]


@pytest.mark.parametrize(("own", "asked", "limit"), [(None, None, None), (10, None, 10), (None, 5, 5), (10, 5, 5), (3, 5, 3)])
def test_the_shorter_limit_holds(tmp_path: Path, own: float | None, asked: float | None, limit: float | None) -> None:
    study = read_study(write_study(tmp_path, {}, solve={} if own is None else {"time_limit": own}))
    assert asked_runs(study, asked)[0].time_limit == limit


def test_instances_of_one_name_are_told_apart_by_path(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_folder(tiny(), tmp_path / folder)
    (tmp_path / "study.yaml").write_text("schema: ailis-opt-study/1\ninstances: [a, b]\n")
    assert list(read_study(tmp_path / "study.yaml").instances) == ["a", "b"]


def test_a_price_book_lies_over_every_instance(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("offer,discount\nhire,0.5\n")
    plain, booked = (read_study(write_study(tmp_path, {}, 2, **more)) for more in ({}, {"book": "deals.csv"}))
    for name, instance in booked.instances.items():
        offers, before = (i.tables["offers"].set_index("offer")["price_per_gpu_hour"] for i in (instance, plain.instances[name]))
        assert offers["hire"] == pytest.approx(0.5 * before["hire"])
        assert instance.sha256 != plain.instances[name].sha256
    (tmp_path / "deals.csv").write_text("offer,discount\nhirer,0.5\n")
    with pytest.raises(InputError, match="Did you mean 'hire'"):
        read_study(tmp_path / "study.yaml")


@pytest.mark.parametrize("what", ["gap", "limit", "changes", "name", "instance"])
def test_what_a_run_is_known_by(tmp_path: Path, what: str) -> None:
    """Another gap, limit, change, name or price is another run."""
    base = asked_runs(read_study(write_study(tmp_path / "a", {"dear": [DEAR]})))[1]
    more: dict[str, Any] = {"gap": {"solve": {"gap": 1e-3}}, "limit": {"solve": {"time_limit": 9}}}.get(what, {})
    whatifs = {"dear" if what != "name" else "cheap": [DEAR if what != "changes" else DEAR + "0"]}
    path = write_study(tmp_path / "b", whatifs, **more)
    if what == "instance":
        write_folder(tiny(7, "tiny-0"), tmp_path / "b" / "tiny-0")
    other = asked_runs(read_study(path))[1]
    assert base.id != other.id
    assert (base.inputs("x") == other.inputs("x")) == (what in ("changes", "name", "instance"))


WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "schema": ({"schema": "ailis-opt-study/2"}, ("row 1", "schema", "ailis-opt-study/1")),
    "unknown key": ({"whatif": {}}, ("whatif", "Did you mean 'whatifs'?")),
    "unknown option": ({"solve": {"gab": 0.1}}, ("solve.gab", "Did you mean 'gap'?")),
    "gap": ({"solve": {"gap": 2}}, ("solve.gap", "'2'", "not below 1")),
    "limit": ({"solve": {"time_limit": "soon"}}, ("solve.time_limit", "'soon'", "not a number")),
    "no instances": ({"instances": []}, ("instances",)),
    "twice": ({"instances": ["tiny-0", "tiny-0"]}, ("instances", "twice", "tiny-0", "List it once")),
    "no such instance": ({"instances": ["tiny-0", "tinny"]}, ("instances.1", "'tinny'", "does not exist")),
    "base": ({"whatifs": {"base": [DEAR]}}, ("whatifs", "always runs", "another name")),
    "not a list": ({"whatifs": {"dear": DEAR}}, ("whatifs.dear", "not a list", "Write a list")),
    "syntax": ({"whatifs": {"dear": ["offers.price_per_gpu_hour * 2"]}}, ("study.yaml, row", "^")),
    "table": ({"portfolios": {"p": ["ofers.price_per_gpu_hour *= 2"]}}, ("ofers", "Did you mean 'offers'?", "study.yaml, row")),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(tmp_path: Path, name: str) -> None:
    more, words = WRONG[name]
    path = write_study(tmp_path, {})
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | more, sort_keys=False))
    with pytest.raises(InputError) as caught:
        read_study(path)
    assert [word for word in words if word not in str(caught.value)] == [], caught.value


def test_all_faults_at_once(tmp_path: Path) -> None:
    data = tiny(name="worse")
    data["tables"]["offers"][0]["region"] = "nowhere"
    write_folder(data, tmp_path / "worse")
    path = write_study(tmp_path, {"a": ["ofers.price_per_gpu_hour *= 2"], "b": ["offers.prise_per_gpu_hour *= 2"]}, instances=1)
    path.write_text(path.read_text().replace("- tiny-0", "- worse\n- gone"))
    with pytest.raises(InputError) as caught:
        read_study(path)
    text = str(caught.value)
    assert [word for word in ("worse/offers.csv", "nowhere", "gone", "ofers", "prise_per_gpu_hour") if word not in text] == []


@pytest.mark.parametrize(
    ("text", "words"), [("", "is empty"), ("- a", "not `key: value` lines"), ("a: [", "not valid YAML"), ("a: 1\na: 2", "twice")]
)
def test_no_study(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(InputError, match=words):
        read_study(tmp_path / "s.yaml")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_study(tmp_path / "s.yaml")
    with pytest.raises(InputError, match="is a folder"):
        read_study(tmp_path)
