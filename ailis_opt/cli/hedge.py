"""`ailis-opt hedge`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from ailis_opt.cli.boundary import INTERRUPTED
from ailis_opt.cli.priced import read_priced
from ailis_opt.cli.progress import note_line
from ailis_opt.cli.solve import LIMIT
from ailis_opt.errors import InfeasibleError, NoPlanError
from ailis_opt.hedge import Hedging, hedge, read_portfolios
from ailis_opt.hedge.tables import coverage_table, portfolio_table
from ailis_opt.hedge.text import hedge_text
from ailis_opt.output.document import as_json
from ailis_opt.output.files import require_writable, write_files
from ailis_opt.output.stream import emit, notice
from ailis_opt.output.text import WIDTH_OF_FILES, colored, render, width
from ailis_opt.schema import Instance

DOCUMENT, TEXT, PAGE = "hedge.json", "hedge.txt", "hedge.html"
PORTFOLIOS, COVERAGE = "portfolios.csv", "coverage.csv"
NAMES = (DOCUMENT, TEXT, PORTFOLIOS, COVERAGE, PAGE)


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    instance: Path
    portfolios: Path | None = None
    gap: float = 1e-4
    time_limit: float | None = None
    points: int = 6
    basis: bool = True
    alpha: float | None = None
    weight: float | None = None
    out: Path | None = None
    json: bool = False
    quiet: bool = False
    book: Path | None = None


def run_hedge(request: Request) -> int:
    """Compare, print, write. Returns the exit code; errors go to the caller."""
    if request.out is not None:
        require_writable(request.out, () if (request.out / DOCUMENT).exists() else NAMES)
    portfolios = None if request.portfolios is None else read_portfolios(request.portfolios)
    instance = weighed(read_priced(request.instance, request.book), request.alpha, request.weight)
    limit = math.inf if request.time_limit is None else request.time_limit
    with note_line(request.quiet) as tell:
        found = hedge(instance, portfolios, gap=request.gap, time_limit=limit, points=request.points, basis=request.basis, tell=tell)
    document = as_json(found.to_dict())
    emit(document if request.json else render(hedge_text(found), width(), colored()))
    if request.out is not None:
        write_files(request.out, _files(found, document))
        notice(f"written: {request.out} ({', '.join(NAMES)})")
    return exit_code(found)


def weighed(instance: Instance, alpha: float | None, weight: float | None) -> Instance:
    """The instance with another level or weight of the CVaR."""
    header = instance.header
    given = {name: value for name, value in (("alpha", alpha), ("weight", weight)) if value is not None}
    return replace(instance, header=header.model_copy(update={"risk": header.risk.model_copy(update=given)})) if given else instance


def _files(found: Hedging, document: str) -> dict[str, str]:
    """Name and text of every file."""
    from ailis_opt.report.hedging.page import hedging_page

    return {
        DOCUMENT: document + "\n",
        TEXT: render(hedge_text(found, full=True), WIDTH_OF_FILES),
        PORTFOLIOS: portfolio_table(found).to_csv(index=False, lineterminator="\n"),
        COVERAGE: coverage_table(found).to_csv(index=False, lineterminator="\n"),
        PAGE: hedging_page(found.to_dict()),
    }


def exit_code(found: Hedging) -> int:
    """130 interrupted; 3 where no portfolio has a plan at all, 5 where none was found in time; 4 where a limit was reached; else 0."""
    if found.interrupted:
        return INTERRUPTED
    if not found.solved:
        return NoPlanError.exit_code if any(one.status == "no plan" for one in found.portfolios) else InfeasibleError.exit_code
    return 0 if found.done else LIMIT
