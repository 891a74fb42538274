"""`ailis-opt import`: price lists and workbooks as tables of an instance."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ailis_opt.cli.boundary import boundary
from ailis_opt.cli.options import Json

if TYPE_CHECKING:
    from ailis_opt.imports import Choice, Imported, Known

app = typer.Typer(
    help="Make tables of an instance from price lists (SkyPilot, Azure, Google Cloud) and workbooks.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Period(StrEnum):
    """Kinds of periods."""

    month = "month"
    week = "week"
    day = "day"
    hour = "hour"


PriceList = Annotated[Path, typer.Argument(metavar="FILE", help="The price list.", show_default=False)]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR|FILE", help="Folder for the tables, FILE.csv for the offers alone, or FILE.xlsx.", show_default="none"
    ),
]
Skus = Annotated[
    str | None,
    typer.Option("--skus", metavar="SKU,SKU", help="Only these SKUs or machine types; * stands for any text.", show_default="all"),
]
Regions = Annotated[
    str | None,
    typer.Option(
        "--regions", metavar="R,R", help="Only these regions (by either name) or countries; * stands for any text.", show_default="all"
    ),
]
Terms = Annotated[Period, typer.Option("--period", help="Kind of period in which terms are counted.")]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Your own regions.csv, accelerators.csv, machines.csv, before the package's.", show_default="none"
    ),
]


@app.callback()
def options() -> None:
    """A command for each source."""


@app.command()
def skypilot(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with <cloud>/vms.csv of one version.", show_default=False)],
    out: Out = None,
    skus: Skus = None,
    regions: Regions = None,
    period: Terms = Period.month,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Offers from a catalogue of SkyPilot (such as ~/.sky/catalogs/v7)."""
    with boundary(as_json):
        from ailis_opt.imports import read_skypilot

        _run(read_skypilot, folder, out, skus, regions, period, data, as_json)


@app.command("azure-retail")
def azure_retail(
    file: PriceList,
    out: Out = None,
    skus: Skus = None,
    regions: Regions = None,
    period: Terms = Period.month,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Offers from an answer of the Azure Retail Prices API, JSON or CSV."""
    with boundary(as_json):
        from ailis_opt.imports import read_azure_retail

        _run(read_azure_retail, file, out, skus, regions, period, data, as_json)


@app.command()
def gcp(
    file: PriceList,
    out: Out = None,
    skus: Skus = None,
    regions: Regions = None,
    period: Terms = Period.month,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Offers from the Cloud Billing Catalog's SKUs (JSON), or from prices by machine type (CSV)."""
    with boundary(as_json):
        from ailis_opt.imports import read_gcp

        _run(read_gcp, file, out, skus, regions, period, data, as_json)


@app.command()
def xlsx(
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="A workbook with a sheet per table.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder to write.", show_default="none")] = None,
    skus: Annotated[str | None, typer.Option("--skus", hidden=True)] = None,
    regions: Annotated[str | None, typer.Option("--regions", hidden=True)] = None,
    as_json: Json = False,
) -> None:
    """An instance, or tables of one, from a workbook such as `export xlsx` writes."""
    with boundary(as_json):
        from ailis_opt.cli.workbooks import run_import
        from ailis_opt.imports import Choice

        raise typer.Exit(run_import(file, out, Choice(_items(skus), _items(regions)), as_json))


def _run(
    reader: Callable[[Path, Known, Choice], Imported],
    path: Path,
    out: Path | None,
    skus: str | None,
    regions: str | None,
    period: Period,
    data: Path | None,
    as_json: bool,
) -> None:
    from ailis_opt.cli.importing import run_prices
    from ailis_opt.imports import Choice, known

    choice = Choice(_items(skus), _items(regions), period.value)
    raise typer.Exit(run_prices(lambda: reader(path, known(data), choice), path, out, choice, as_json))


def _items(text: str | None) -> tuple[str, ...]:
    return tuple(item.strip() for item in (text or "").split(",") if item.strip())
