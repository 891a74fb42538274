"""`ailis-opt export`: an instance or a run in the formats of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ailis_opt.cli.boundary import boundary
from ailis_opt.cli.options import InstancePath, Json

app = typer.Typer(help="Write an instance or a run in the formats of other programs.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def options() -> None:
    """A command for each format."""


@app.command()
def xlsx(
    instance: InstancePath,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.xlsx", help="The workbook to write.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Write an instance as an Excel workbook, a sheet per table; `import xlsx` reads it back without a change."""
    with boundary(as_json):
        from ailis_opt.cli.workbooks import run_export

        raise typer.Exit(run_export(instance, out, as_json))
