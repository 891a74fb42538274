"""`ailis-opt scenarios`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ailis_opt import schema
from ailis_opt.changes.scenarios import variants
from ailis_opt.cli.priced import read_priced
from ailis_opt.cli.progress import note_line
from ailis_opt.errors import Fault, InputError
from ailis_opt.io.write import instance_files
from ailis_opt.output import fit as told
from ailis_opt.output.document import as_json
from ailis_opt.output.files import require_writable, write_files
from ailis_opt.output.stream import emit, notice
from ailis_opt.output.text import colored, render, width
from ailis_opt.scenarios import Fit, draw, fit_history, fit_text, read_events, read_fit
from ailis_opt.schema import Instance

SCHEMA = "ailis-opt-scenarios/1"
FIT, PAGE = "fit.json", "fit.html"
REPLACED = tuple(f"{name}{suffix}" for name in schema.TABLES for suffix in (".csv", ".parquet"))
"""Tables of an earlier result in the folder, which may have had more of them."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    instance: Path
    history: Path
    events: Path | None = None
    draws: int = 100
    seed: int = 1
    out: Path | None = None
    json: bool = False
    quiet: bool = False
    book: Path | None = None


def run_scenarios(request: Request) -> int:
    """Fit, draw, print, write. Returns the exit code; errors go to the caller."""
    if request.out is not None:
        require_writable(request.out, own=not (request.out / FIT).exists())
    with note_line(request.quiet) as tell:
        instance, fit = read_priced(request.instance, request.book), _fit(request)
        tell("drawing")
        drawn = draw(fit, instance, request.draws, request.seed)
        tell("checking every scenario")
        variants(drawn)
        if request.out is not None:
            tell("writing")
            write_files(request.out, _files(fit, drawn, request.seed), REPLACED)
    emit(as_json(_document(fit, drawn, request)) if request.json else render(told.fit_text(fit, drawn), width(), colored()))
    if request.out is not None:
        notice(f"written: {request.out} (the instance with its scenarios, {FIT} and {PAGE})")
    return 0


def _fit(request: Request) -> Fit:
    """The fit of a history; or a fit that was written, with its own events or others."""
    events = [] if request.events is None else read_events(request.events)
    if request.history.suffix.lower() != ".json":
        return fit_history(request.history, events)
    fit = read_fit(request.history)
    if request.events is not None and fit.events:
        raise InputError([Fault(str(request.events), f"{request.history.name} has events of its own", "Leave --events out, or fit again")])
    return fit.model_copy(update={"events": events}) if events else fit


def _files(fit: Fit, drawn: Instance, seed: int) -> dict[str, str]:
    from ailis_opt.report.fit import fit_page

    return {**instance_files(drawn), PAGE: fit_page(fit, drawn, seed), FIT: fit_text(fit)}


def _document(fit: Fit, drawn: Instance, request: Request) -> dict[str, Any]:
    document: dict[str, Any] = {"schema": SCHEMA, "instance": drawn.header.name, "instance_sha256": drawn.sha256}
    document |= {"draws": request.draws, "seed": request.seed, "changes": len(drawn.tables["changes"])}
    document["fit"] = fit.model_dump(mode="json", by_alias=True, exclude={"factors": {"__all__": {"path"}}})
    document["events"] = [{"event": e.name, "probability": e.probability, "drawn": told.happened(e, drawn)} for e in fit.events]
    return document | {"path": None if request.out is None else str(request.out)}
