"""`ailis-opt quote`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ailis_opt.cli.boundary import INTERRUPTED
from ailis_opt.cli.priced import read_priced
from ailis_opt.cli.progress import note_line
from ailis_opt.cli.solve import LIMIT
from ailis_opt.output.document import as_json
from ailis_opt.output.files import MARK, require_writable, write_files
from ailis_opt.output.stream import emit, notice
from ailis_opt.output.text import WIDTH_OF_FILES, colored, render, width
from ailis_opt.quote import Quote, quote, read_sheet
from ailis_opt.quote.text import quote_text

DOCUMENT = "quote.json"


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    instance: Path
    offer: Path
    out: Path | None = None
    gap: float = 1e-4
    time_limit: float | None = None
    jobs: int | None = None
    json: bool = False
    quiet: bool = False
    book: Path | None = None


def run_quote(request: Request) -> int:
    """Judge, print, write. Returns the exit code; errors go to the caller."""
    if request.out is not None:
        require_writable(request.out, (DOCUMENT, MARK))
    instance, sheet = read_priced(request.instance, request.book), read_sheet(request.offer)
    limit = math.inf if request.time_limit is None else request.time_limit
    with note_line(request.quiet) as tell:
        found = quote(instance, sheet, gap=request.gap, time_limit=limit, jobs=request.jobs, tell=tell)
    document, text = as_json(found.to_dict()), quote_text(found)
    if request.out is not None:
        write_files(request.out, {DOCUMENT: document + "\n", MARK: render(text, WIDTH_OF_FILES)})
    emit(document if request.json else render(text, width(), colored()))
    if request.out is not None:
        notice(f"written: {request.out} ({DOCUMENT} and {MARK})")
    return exit_code(found)


def exit_code(found: Quote) -> int:
    """130 interrupted, 4 where the time ended before all was solved to the gap, else 0."""
    if found.interrupted:
        return INTERRUPTED
    return 0 if found.done else LIMIT
