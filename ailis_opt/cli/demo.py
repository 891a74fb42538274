"""`ailis-opt demo`."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from ailis_opt.cli.explain import REPORT, write_run
from ailis_opt.cli.progress import note_line
from ailis_opt.cli.solve import Request, present, search
from ailis_opt.errors import AilisError, Fault, InputError
from ailis_opt.explain.explanation import explain
from ailis_opt.explain.text import explanation_text
from ailis_opt.io import read
from ailis_opt.output.document import as_json
from ailis_opt.output.files import require_writable, write_files
from ailis_opt.output.stream import emit, notice
from ailis_opt.output.text import colored, render, width

NAME = "assistants-transatlantic"
MARK = ".ailis-opt-demo"
RESULT = "result"
GAP = 1e-2
SOLVE_SECONDS, EXPLAIN_SECONDS = 20.0, 60.0


def run_demo(folder: Path, json: bool, quiet: bool) -> int:
    """Copy the instance into `folder`, solve and explain it, write result and report inside it, name what to do next.

    Returns the exit code: 0 with any plan, also one found at the time limit on a slow machine; the intervals say how good it is.
    """
    copy_instance(source(), folder)
    notice(f"copied {NAME} to {folder}; solving it takes about a minute")
    request = Request(folder, None, GAP, SOLVE_SECONDS, None, json, quiet)
    instance = read(folder)
    result = search(instance, request)
    if result.interrupted:
        return present(instance, result, request)
    with note_line(quiet) as tell:
        found = explain(instance, gap=GAP, time_limit=EXPLAIN_SECONDS, result=result, tell=tell)
    write_run(instance, found, folder / RESULT, GAP)
    if json:
        emit(as_json(found.to_dict()))
        return 0
    present(instance, result, request)
    emit(render(explanation_text(found, alone=False), width(), colored()))
    emit(next_steps(folder))
    return 0


def next_steps(folder: Path) -> str:
    """Three commands to go on with, and where the report is."""
    here, other = shlex.quote(str(folder)), shlex.quote(f"{folder}-explained")
    steps = (
        (f"ailis-opt check {here}", "what is in the instance, and which layer closes which routes"),
        (f"ailis-opt explain {here} --out {other}", "the same explanation with narrow intervals, in five minutes"),
        (f"ailis-opt solve {here} --objective cost --gap 0.01", "another objective"),
    )
    lines = "\n".join(f"  {command}\n      {why}" for command, why in steps)
    return f"\nNext\n{lines}\n\nThe report, to open in a browser: {folder / RESULT / REPORT}"


def source() -> Path:
    """The folder of the instance: in the source tree, or as installed."""
    package = Path(str(files("ailis_opt")))
    for place in (package.parent / "instances" / NAME, package / "_instances" / NAME):
        if (place / "instance.yaml").is_file():
            return place
    raise AilisError(f"the instance {NAME} is missing from the installation: install ailis-opt again")


def copy_instance(origin: Path, folder: Path) -> None:
    """Copy the instance's own files (no scripts) to `folder`: a new one, an empty one, or that of an earlier demo if nobody edited it.

    Raises InputError otherwise, and writes nothing.
    """
    texts = _texts(origin)
    require_writable(folder / RESULT)
    if folder.is_dir() and any(folder.iterdir()):
        mark = folder / MARK
        if not mark.is_file():
            raise _refused(folder, "is not empty, and no folder of an earlier demo")
        if mark.read_text(encoding="utf-8").strip() != _digest(_texts(folder)):
            raise _refused(folder, "holds an earlier demo that has been edited since")
    write_files(folder, {**texts, MARK: _digest(texts) + "\n"})


def _texts(folder: Path) -> dict[str, str]:
    """Name and text of the files of an instance; scripts are none."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.suffix in (".yaml", ".csv", ".md")}


def _digest(texts: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(texts):
        digest.update(f"{name}\0{texts[name]}\0".encode())
    return digest.hexdigest()


def _refused(folder: Path, why: str) -> InputError:
    return InputError([Fault(str(folder), why, "Name another folder with --out, or remove this one")])
