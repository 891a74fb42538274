"""`ailis-opt solve`."""

from __future__ import annotations

import math
import shlex
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import RenderableType

from ailis_opt.cli.boundary import INTERRUPTED, titled
from ailis_opt.cli.priced import read_priced
from ailis_opt.cli.progress import note_line, progress_line
from ailis_opt.errors import AilisError, Fault, InfeasibleError, InputError, NoPlanError, NoRouteError
from ailis_opt.explain.conflict import Conflict
from ailis_opt.explain.infeasible import blame, blamed
from ailis_opt.optimize import solve
from ailis_opt.output.document import as_json
from ailis_opt.output.faults import faults_text
from ailis_opt.output.files import require_writable, require_writable_file, write_file, write_files
from ailis_opt.output.folder import NAMES, REPLACED, run_files
from ailis_opt.output.stream import emit, notice
from ailis_opt.output.summary import summary
from ailis_opt.output.text import colored, render, width
from ailis_opt.output.words import told
from ailis_opt.prepare import funnel_table, prepare
from ailis_opt.result import SCHEMA, Result
from ailis_opt.schema.instance import Instance

LIMIT = 4
WORKBOOK = ".xlsx"
MOST_NAMED = 3
BLAME_SECONDS = 20.0  # for naming the layers that are in conflict


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    instance: Path
    out: Path | None = None
    gap: float = 1e-4
    time_limit: float | None = None
    objective: str | None = None
    json: bool = False
    quiet: bool = False
    book: Path | None = None
    scenarios: int | None = None
    worth: bool = False
    out_of_sample: int | None = None
    fit: Path | None = None
    seed: int = 1

    @property
    def asks(self) -> bool:
        """Whether it asks anything of the scenarios."""
        return self.scenarios is not None or self.worth or self.out_of_sample is not None


def run_solve(request: Request) -> int:
    """Solve, print, write. Returns the exit code; errors go to the caller."""
    if request.out is not None and request.out.suffix.lower() == WORKBOOK:
        require_writable_file(request.out)
    elif request.out is not None:
        require_writable(request.out, NAMES)
    begun = time.monotonic()
    instance = read_priced(request.instance, request.book)
    if request.asks:
        instance = few_scenarios(instance, request)
    read_s = time.monotonic() - begun
    try:
        result = search(instance, request)
        if request.asks:
            result = asked(instance, result, request)
    except InfeasibleError as error:
        return tell_infeasible(instance, error, request)
    result = replace(result, timings={**result.timings, "read_s": read_s})
    return present(instance, result, request)


def few_scenarios(instance: Instance, request: Request) -> Instance:
    """The instance with as many scenarios as were asked for. Raises InputError where it has none, or there is no fit to draw fresh ones
    from.
    """
    from ailis_opt.uncertainty import reduced

    if instance.tables["scenarios"].empty:
        mend = "Leave out --scenarios, --worth and --out-of-sample, or give it the tables scenarios and changes (ailis-opt scenarios)"
        raise InputError([Fault("scenarios", "the instance has no scenarios", mend)])
    if request.out_of_sample is not None and request.fit is None:
        mend = "Give --fit FILE, the fit.json that `ailis-opt scenarios --out` writes"
        raise InputError([Fault("--out-of-sample", "there is nothing to draw fresh scenarios from", mend)])
    return instance if request.scenarios is None else reduced(instance, request.scenarios)


def asked(instance: Instance, result: Result, request: Request) -> Result:
    """The result with what else was asked: what planning for scenarios is worth, and the plan in fresh ones."""
    from ailis_opt.uncertainty import with_sample, with_worth

    with note_line(request.quiet) as tell:
        if request.worth:
            tell("what it is worth to plan for all scenarios")
            result = with_worth(instance, result, request.gap, math.inf if request.time_limit is None else request.time_limit)
        if request.out_of_sample is not None and request.fit is not None:
            from ailis_opt.scenarios import draw, read_fit

            tell(f"the plan in {request.out_of_sample} fresh scenarios")
            result = with_sample(instance, result, draw(read_fit(request.fit), instance, request.out_of_sample, request.seed), request.seed)
    return result


def search(instance: Instance, request: Request) -> Result:
    """The result, with a progress line while it is sought. An interruption before the first plan is a KeyboardInterrupt."""
    unit = instance.header.currency
    limit = math.inf if request.time_limit is None else request.time_limit
    with interruptions() as seen, progress_line(unit, request.quiet) as tell:
        try:
            return solve(instance, gap=request.gap, time_limit=limit, objective=request.objective, progress=tell)
        except NoPlanError:
            if seen:
                raise KeyboardInterrupt from None
            raise


@contextmanager
def interruptions() -> Iterator[list[int]]:
    """A list that holds the interruptions (Ctrl-C) since the block began; each is still raised as KeyboardInterrupt."""
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def present(instance: Instance, result: Result, request: Request) -> int:
    """Write the files, and print the document or the summary even where that failed. Returns the exit code."""
    parts = summary(instance, result, request.gap)
    code, said = exit_code(result), ""
    if request.out is not None:
        try:
            said = f"written: {request.out}{_write(instance, result, request.out, parts)}"
        except InputError as error:
            code, said = error.exit_code, faults_text(error.faults)
    emit(as_json(result.to_dict()) if request.json else render(parts, width(), colored()))
    if said:
        notice(said)
    return code


def _write(instance: Instance, result: Result, out: Path, parts: Sequence[RenderableType]) -> str:
    """Write a workbook or the folder of a run; returns what is in it."""
    if out.suffix.lower() == WORKBOOK:
        from ailis_opt.report import Run, workbook

        write_file(out, workbook(Run.of(instance, result)))
        return ""
    write_files(out, run_files(instance, result, parts), REPLACED)
    return " (result.json, summary.txt, a CSV file per table, and the instance)"


def exit_code(result: Result) -> int:
    """130 interrupted, 4 limit reached, 0 done within the gap."""
    if result.interrupted:
        return INTERRUPTED
    return 0 if result.status == "optimal" else LIMIT


def tell_infeasible(instance: Instance, error: InfeasibleError, request: Request) -> int:
    """Say that no plan meets every limit, and which layers are in conflict. Returns the exit code."""
    if request.objective is not None:
        instance = replace(instance, header=instance.header.model_copy(update={"objective": request.objective}))
    layers, blame = _blame(instance)
    message = f"{error}\n{blame}" if isinstance(error, NoRouteError) else blame
    path = shlex.quote(str(request.instance))
    told_more = [
        f"{titled(InfeasibleError(message))}; `ailis-opt explain {path}` says why and how to mend it",
        f"  {where_to_look(instance, request.instance)}",
    ]
    notice("\n".join([*told_more, *told(instance.warnings)]))
    if request.json:
        emit(as_json(infeasible(instance, message, layers)))
    return error.exit_code


def _blame(instance: Instance) -> tuple[tuple[str, ...] | None, str]:
    """The layers in conflict, and a line that names them; None where they could not be told in time."""
    try:
        conflict = blamed(instance, BLAME_SECONDS)
    except AilisError:  # that there is no plan is known; why is not worth an error
        conflict = Conflict("unknown")
    if conflict.status == "conflict":
        return conflict.layers, blame(conflict)
    return None, f"no plan meets every limit; which layers are to blame could not be told in {BLAME_SECONDS:g} s"


def where_to_look(instance: Instance, path: Path) -> str:
    """Advice on an instance that no plan meets: who has the fewest open routes, and the command that shows the funnel."""
    funnel = funnel_table(instance, prepare(instance)).iloc[[0, -1], 2:].to_numpy(int)
    demand = instance.tables["demand"]
    asking = set(demand["workload"][demand["outcomes"] > 0])
    routes = [(left, every, name) for name, every, left in zip(instance.tables["workloads"]["workload"], *funnel, strict=True)]
    fewest = sorted((r for r in routes if r[-1] in asking), key=lambda r: r[0])[:MOST_NAMED]
    counts = ", ".join(f"{name} ({left:,} of {every:,})" for left, every, name in fewest)
    return f"Fewest open routes: {counts}. `ailis-opt check {shlex.quote(str(path))}` shows what each layer closes."


def infeasible(instance: Instance, message: str, layers: tuple[str, ...] | None) -> dict[str, Any]:
    """The document of an instance that no plan meets. `layers`: a smallest set of them that cannot be met together; None: not known."""
    name, sha256 = instance.header.name, instance.sha256
    said = {"status": "infeasible", "message": message, "layers": layers}
    return {"schema": SCHEMA, "instance": name, "instance_sha256": sha256, **said}
