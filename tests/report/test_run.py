"""A run read back from its folder, and what is said where that is broken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from ailis_opt.errors import InputError
from ailis_opt.optimize import solve
from ailis_opt.output.files import write_files
from ailis_opt.output.folder import run_files
from ailis_opt.report import Run, html
from ailis_opt.result import Result
from tests.support.files import as_instance
from tests.support.runs import explanation, hostile, market


@dataclass(frozen=True)
class Written:
    """A result, and the folder of its run with an explanation."""

    result: Result
    folder: Path


@pytest.fixture(scope="module", params=[market, hostile], ids=["market", "hostile"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    instance, folder = as_instance(request.param()), tmp_path_factory.mktemp("runs") / "run"
    result = solve(instance, in_process=True)
    write_files(folder, run_files(instance, result, []))
    (folder / "explain.json").write_text(json.dumps(explanation(result.to_dict())))
    return Written(result, folder)


@pytest.fixture
def folder(written: Written, tmp_path: Path) -> Path:
    """The folder, to be damaged."""
    return Path(shutil.copytree(written.folder, tmp_path / "run"))


def test_read_gives_what_was_written(written: Written) -> None:
    run = Run.read(written.folder)
    assert run.instance.sha256 == written.result.instance_sha256
    assert run.explanation is not None
    for name, frame in written.result.tables.items():
        known = run.tables[name]
        assert list(known.columns) == list(frame.columns)
        pd.testing.assert_frame_equal(known.astype(object), frame.astype(object).assign(**_home(frame)), check_dtype=False)
    assert html(run)


def _home(frame: pd.DataFrame) -> dict[str, pd.Series]:
    return {"home": frame["home"].astype(str)} if "home" in frame else {}


def _edit(name: str, edit: Callable[[str], str]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_text(edit((folder / name).read_text()))

    return change


def _document(name: str, **changes: object) -> Callable[[Path], None]:
    return _edit(name, lambda text: json.dumps(json.loads(text) | changes))


BROKEN: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "no result": (lambda f: (f / "result.json").unlink(), ("holds no result.json", "solve INSTANCE --out")),
    "no JSON": (_edit("result.json", lambda text: text[:-9]), ("result.json", "not valid JSON")),
    "not text": (lambda f: (f / "result.json").write_bytes(b"\xff\xfe"), ("result.json", "not valid JSON")),
    "a list": (_edit("result.json", lambda _: "[]"), ("result.json",)),
    "other schema": (_document("result.json", schema="ailis-opt-result/9"), ("schema", "ailis-opt-result/9", "ailis-opt-result/1")),
    "no plan": (_document("result.json", status="infeasible"), ("status", "infeasible")),
    "cost is text": (_document("result.json", cost="dear"), ("cost", "dear")),
    "no instance": (lambda f: (f / "instance" / "instance.yaml").unlink(), ("does not hold its instance",)),
    "edited instance": (_edit("instance/offers.csv", lambda text: text.replace("0.5", "0.6")), ("not the instance that was solved",)),
    "bad instance": (_edit("instance/offers.csv", lambda text: text.replace("0.5", "dear")), ("offers.csv", "dear")),
    "no table": (lambda f: (f / "use.csv").unlink(), ("use.csv", "is missing")),
    "no column": (_edit("costs.csv", lambda text: text.replace("amount", "sum")), ("costs.csv", "'amount'")),
    "short row": (_edit("costs.csv", lambda text: text + "x\n"), ("costs.csv", "1 cells")),
    "bad figure": (_edit("purchases.csv", lambda text: text.replace(".0,", ".x,", 1)), ("purchases.csv", "row 2", "not a number")),
    "other explanation": (_document("explain.json", instance_sha256="0"), ("explain.json", "another instance", "ailis-opt explain")),
    "explanation without layers": (_document("explain.json", layers=[]), ("explain.json", "layers")),
    "explanation of another form": (_document("explain.json", schema="x"), ("explain.json", "schema")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken(folder: Path, name: str) -> None:
    damage, words = BROKEN[name]
    damage(folder)
    with pytest.raises(InputError) as caught:
        Run.read(folder)
    assert all(word in str(caught.value) for word in words), caught.value


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        Run.read(tmp_path / "nowhere")
