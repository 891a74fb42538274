"""Commands and their options. Everything heavy is imported by the command that needs it: `--help` answers at once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ailis_opt.cli.boundary import boundary
from ailis_opt.cli.export import app as export_app
from ailis_opt.cli.imports import app as import_app
from ailis_opt.cli.options import Book, InstancePath, Json, Quiet

GROUPS = {
    "Plan": ("check", "solve", "explain", "report"),
    "Before signing": ("whatif", "quote", "hedge"),
    "Many runs": ("batch", "compare", "export"),
    "Data": ("import", "scenarios", "schema"),
    "Start": ("demo",),
}
"""The commands as `--help` lists them."""


class Commands(TyperGroup):
    """The commands, told in groups."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """A section for each group, with the names in one column."""
        width = max(map(len, self.commands))
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{n:{width}}", self.commands[n].get_short_help_str(formatter.width - width - 4)) for n in names])


app = typer.Typer(
    cls=Commands,
    help="Least cost per business outcome on a market of GPU capacity, and which AILIS layer binds.",
    epilog="Exit codes: 0 done within the gap, 2 bad input, 3 infeasible, 4 limit reached with a plan, 5 limit without, 130 interrupted.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.add_typer(import_app, name="import", short_help="Make tables of an instance from price lists and workbooks.")
app.add_typer(export_app, name="export", short_help="Write a run's commitments (FOCUS), or an instance as a workbook.")


class Objective(StrEnum):
    """What may be minimized."""

    cost = "cost"
    cost_per_outcome = "cost_per_outcome"


def _gap(value: float) -> float:
    if not 0 < value < 1:
        raise typer.BadParameter("give a share between 0 and 1, such as 1e-3")
    return value


def _seconds(value: float | None) -> float | None:
    if value is not None and not value > 0:
        raise typer.BadParameter("give a number of seconds above 0")
    return value


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"ailis-opt {version('ailis-opt')}")
        except PackageNotFoundError:
            typer.echo("ailis-opt, not installed: run from its source")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """Options that come before any command."""


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to put the instance and its result.")] = Path("ailis-opt-demo"),
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Copy a real instance here, solve it, and show where to go next."""
    with boundary(as_json):
        from ailis_opt.cli.demo import run_demo

        raise typer.Exit(run_demo(out, as_json, quiet))


@app.command()
def check(instance: InstancePath, book: Book = None, as_json: Json = False) -> None:
    """Read and validate; count the routes left after each layer."""
    with boundary(as_json):
        from ailis_opt.cli.check import run_check

        raise typer.Exit(run_check(instance, as_json, book))


def _count(value: int | None) -> int | None:
    if value is not None and value < 1:
        raise typer.BadParameter("give a number of scenarios, 1 or more")
    return value


@app.command()
def solve(
    instance: InstancePath,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write result.json, summary.txt, a CSV per table and the instance here; or FILE.xlsx."),
    ] = None,
    gap: Annotated[float, typer.Option(callback=_gap, metavar="G", help="Relative gap on the objective to stop at.")] = 1e-4,
    time_limit: Annotated[
        float | None, typer.Option(callback=_seconds, metavar="S", help="Seconds to search at most.", show_default="none")
    ] = None,
    objective: Annotated[Objective | None, typer.Option(help="What to minimize.", show_default="the instance's own")] = None,
    scenarios: Annotated[
        int | None, typer.Option(callback=_count, metavar="N", help="Plan for N scenarios that stand for all.", show_default="all")
    ] = None,
    worth: Annotated[bool, typer.Option("--worth", help="Also: what planning for scenarios is worth, and knowing which comes.")] = False,
    out_of_sample: Annotated[
        int | None, typer.Option(callback=_count, metavar="N", help="Also: the plan in N fresh scenarios of --fit.", show_default="none")
    ] = None,
    fit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="fit.json of `ailis-opt scenarios`, to draw from.", show_default="none")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="K", help="Seed of the fresh scenarios.")] = 1,
    book: Book = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """The best plan: what an outcome costs, what to sign, what limits."""
    with boundary(as_json):
        from ailis_opt.cli.solve import Request, run_solve

        kind = None if objective is None else objective.value
        request = Request(instance, out, gap, time_limit, kind, as_json, quiet, book, scenarios, worth, out_of_sample, fit, seed)
        raise typer.Exit(run_solve(request))


def _share(value: str) -> float:
    """`1%` or `0.01`."""
    try:
        share = float(value.removesuffix("%")) / 100 if value.endswith("%") else float(value)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise typer.BadParameter("give a share such as 1% or 0.01")
    return share


def _jobs(value: int | None) -> int | None:
    if value is not None and value < 1:
        raise typer.BadParameter("give a number of processes, 1 or more")
    return value


@app.command()
def explain(
    instance: InstancePath,
    layers: Annotated[
        str | None, typer.Option(metavar="L,L", help="Compare only these layers, all others enforced.", show_default="all")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write explain.json, explain.txt, report.html, and the plan as `solve` does."),
    ] = None,
    gap: Annotated[float, typer.Option(callback=_gap, metavar="G", help="Relative gap of every solve.")] = 1e-4,
    time_limit: Annotated[float, typer.Option(callback=_seconds, metavar="S", help="Seconds for all of it.")] = 300.0,
    jobs: Annotated[int | None, typer.Option(callback=_jobs, metavar="N", help="Processes.", show_default="as many as processors")] = None,
    why_not: Annotated[
        str | None, typer.Option(metavar="OFFER", help="Instead: what one lot of an offer would cost more, and what is in its way.")
    ] = None,
    robust: Annotated[
        float | None, typer.Option(parser=_share, metavar="SHARE", help="Instead: range of every purchase over plans within 1%, say.")
    ] = None,
    loosen: Annotated[
        str | None, typer.Option(metavar="LAYER", help="Instead: the objective against a layer's limits, 25% tighter to 25% looser.")
    ] = None,
    book: Book = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Which layer binds: from the commodity price to the real one."""
    with boundary(as_json):
        from ailis_opt.cli.explain import Request, run_explain

        asked = None if layers is None else frozenset(name.strip() for name in layers.split(",") if name.strip())
        request = Request(instance, out, gap, time_limit, jobs, asked, why_not, robust, loosen, as_json, quiet, book)
        if request.asks and (out is not None or asked is not None):
            raise typer.BadParameter("--out and --layers go with the explanation itself, not with a question")
        raise typer.Exit(run_explain(request))


@app.command()
def quote(
    instance: InstancePath,
    offer: Annotated[
        Path, typer.Option("--offer", metavar="FILE", help="Term sheet: a contract or alternatives, YAML or CSV.", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write quote.json and summary.txt here.")] = None,
    gap: Annotated[float, typer.Option(callback=_gap, metavar="G", help="Relative gap of every solve.")] = 1e-4,
    time_limit: Annotated[
        float | None, typer.Option(callback=_seconds, metavar="S", help="Seconds for all of it.", show_default="none")
    ] = None,
    jobs: Annotated[int | None, typer.Option(callback=_jobs, metavar="N", help="Processes.", show_default="as many as processors")] = None,
    book: Book = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """What a contract is worth before signing, and what it covers."""
    with boundary(as_json):
        from ailis_opt.cli.quote import Request, run_quote

        raise typer.Exit(run_quote(Request(instance, offer, out, gap, time_limit, jobs, as_json, quiet, book)))


def _inside(value: float | None) -> float | None:
    if value is not None and not 0 < value < 1:
        raise typer.BadParameter("give a share between 0 and 1, such as 0.95")
    return value


def _points(value: int) -> int:
    if value < 0 or value == 1:
        raise typer.BadParameter("give 0 for no frontier, or 2 or more plans")
    return value


@app.command()
def hedge(
    instance: InstancePath,
    portfolios: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="YAML file: name: [change, ...] on what may be signed and held.",
            show_default="no hedge, forwards only, options only, reserved only, free choice",
        ),
    ] = None,
    gap: Annotated[float, typer.Option(callback=_gap, metavar="G", help="Relative gap of every solve.")] = 1e-4,
    time_limit: Annotated[
        float | None,
        typer.Option(callback=_seconds, metavar="S", help="Seconds for each portfolio, and the frontier.", show_default="none"),
    ] = None,
    points: Annotated[int, typer.Option(callback=_points, metavar="N", help="Plans of the frontier; 0: none.")] = 6,
    basis: Annotated[bool, typer.Option("--basis/--no-basis", help="Split what is left open by type of basis risk.")] = True,
    alpha: Annotated[
        float | None, typer.Option(callback=_inside, metavar="A", help="Level of the CVaR.", show_default="the instance's own")
    ] = None,
    weight: Annotated[
        float | None,
        typer.Option(min=0, max=1, metavar="W", help="Weight of the CVaR in the objective.", show_default="the instance's own"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write hedge.json, hedge.txt, two CSV tables and the page hedge.html.")
    ] = None,
    book: Book = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Portfolios of contracts and hedges on the same scenarios."""
    with boundary(as_json):
        from ailis_opt.cli.hedge import Request, run_hedge

        request = Request(instance, portfolios, gap, time_limit, points, basis, alpha, weight, out, as_json, quiet, book)
        raise typer.Exit(run_hedge(request))


def _draws(value: int) -> int:
    if value < 1:
        raise typer.BadParameter("give a number of scenarios, 1 or more")
    return value


@app.command()
def scenarios(
    instance: InstancePath,
    history: Annotated[
        Path, typer.Option("--from", metavar="FILE", help="History of prices and demand (CSV), or a fit.json.", show_default=False)
    ],
    events: Annotated[Path | None, typer.Option(metavar="FILE", help="Events that no history shows, YAML.", show_default="none")] = None,
    draws: Annotated[int, typer.Option(callback=_draws, metavar="N", help="Scenarios to draw.")] = 100,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="The same seed gives the same scenarios.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the instance with its scenarios, fit.json and fit.html.")
    ] = None,
    book: Book = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw scenarios from a history of prices, and from events."""
    with boundary(as_json):
        from ailis_opt.cli.scenarios import Request, run_scenarios

        raise typer.Exit(run_scenarios(Request(instance, history, events, draws, seed, out, as_json, quiet, book)))


@app.command()
def whatif(
    instance: InstancePath,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="CHANGE", help="A case: one change, or several separated by ';'. May be repeated.", show_default=False
        ),
    ] = None,
    changes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Cases from a YAML file: name: [change, ...].", show_default=False)
    ] = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="CHANGE", help="A curve: a change whose value is FROM..TO / NUMBER OF VALUES.", show_default=False)
    ] = None,
    layers: Annotated[bool, typer.Option("--layers", help="Solve without each layer, too: which layers bind, proven.")] = False,
    gap: Annotated[float, typer.Option(callback=_gap, metavar="G", help="Relative gap of every solve.")] = 1e-4,
    time_limit: Annotated[
        float | None, typer.Option(callback=_seconds, metavar="S", help="Seconds for each solve at most.", show_default="none")
    ] = None,
    jobs: Annotated[int | None, typer.Option(callback=_jobs, metavar="N", help="Processes.", show_default="as many as processors")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write whatif.json, whatif.txt and sweep.svg.")] = None,
    book: Book = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """The instance and changed ones, solved and set side by side."""
    with boundary(as_json):
        from ailis_opt.cli.whatif import Request, run_whatif

        if not sets and changes is None and sweep is None:
            raise typer.BadParameter("say what is changed: --set, --changes or --sweep")
        request = Request(instance, tuple(sets or ()), changes, sweep, gap, time_limit, jobs, layers, out, as_json, quiet, book)
        raise typer.Exit(run_whatif(request))


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `solve --out` or `hedge --out` wrote.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="FILE.html or FILE.xlsx.", show_default="report.html in RUN")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a run as one HTML page, or as an Excel workbook."""
    with boundary(as_json):
        from ailis_opt.cli.report import run_report

        raise typer.Exit(run_report(run, out, as_json))


@app.command()
def batch(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="YAML file: instances, what-ifs, portfolios.", show_default=False)],
    store: Annotated[
        Path | None, typer.Option("--store", metavar="DIR", help="Folder of the results.", show_default="STUDY with the ending .store")
    ] = None,
    jobs: Annotated[int | None, typer.Option(callback=_jobs, metavar="N", help="Processes.", show_default="as many as processors")] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Instead of processes here: a Dask cluster, such as tcp://10.0.0.5:8786.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Solve what the store does not have yet of the study.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="With --resume: solve runs that failed again.")] = False,
    limit_per_run: Annotated[
        float | None, typer.Option(callback=_seconds, metavar="S", help="Seconds for one run at most.", show_default="the study's own")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Solve a study (instances x what-ifs x portfolios) into a store."""
    with boundary(as_json):
        from ailis_opt.cli.batch import Request, run_batch

        if retry_failed and not resume:
            raise typer.BadParameter("--retry-failed goes with --resume")
        if dask is not None and jobs is not None:
            raise typer.BadParameter("--jobs is for processes here; a Dask cluster has as many as it has workers")
        raise typer.Exit(run_batch(Request(study, store, jobs, dask, resume, retry_failed, limit_per_run, as_json, quiet)))


class Measure(StrEnum):
    """What runs may be compared by besides the cost of an outcome."""

    carbon = "carbon"
    service = "service"
    idle = "idle"


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of `solve --out`, stores of `batch`.", show_default=False)],
    against: Annotated[
        str | None, typer.Option(metavar="RUN", help="Differences of two plans: from this run (a name in the list, or a folder).")
    ] = None,
    pareto: Annotated[
        Measure | None, typer.Option(help="Which runs are not dominated in cost per outcome and this.", show_default="none")
    ] = None,
    instance: Annotated[str | None, typer.Option(metavar="PATTERN", help="Only runs of these instances (* and ?).")] = None,
    whatif: Annotated[str | None, typer.Option(metavar="PATTERN", help="Only runs of these what-ifs.")] = None,
    portfolio: Annotated[str | None, typer.Option(metavar="PATTERN", help="Only runs of these portfolios.")] = None,
    where: Annotated[str | None, typer.Option(metavar="SQL", help="Only runs for which this holds, such as 'service < 1'.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write FILE.xlsx or FILE.csv as well.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Json = False,
) -> None:
    """Runs side by side; differences of two plans; a Pareto front."""
    with boundary(as_json):
        from ailis_opt.cli.compare import Request, run_compare

        patterns = {"instance": instance, "whatif": whatif, "portfolio": portfolio}
        measure = None if pareto is None else pareto.value
        raise typer.Exit(run_compare(Request(runs, against, measure, patterns, where, out, csv, as_json)))


@app.command()
def schema(json: Annotated[bool, typer.Option("--json", hidden=True, help="As it is anyway.")] = False) -> None:
    """The JSON Schema of an instance: every column with its unit."""
    with boundary():
        from ailis_opt.output.document import as_json
        from ailis_opt.output.stream import emit
        from ailis_opt.schema.document import json_schema

        emit(as_json(json_schema()))
