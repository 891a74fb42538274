"""`ailis-opt export`: an instance or a run in the formats of other programs."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ailis_opt.cli.boundary import boundary
from ailis_opt.cli.options import InstancePath, Json


class FocusByDefault(TyperGroup):
    """`export RUN` is `export focus RUN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As the base does, with the command put in where the first word is none and no misspelling of one."""
        if args and args[0] not in self.commands and not args[0].startswith("-") and not self._misspelt(args[0]):
            args = ["focus", *args]
        return super().parse_args(ctx, args)

    def _misspelt(self, word: str) -> bool:
        """Whether a word that is no folder or file comes close to the name of a command."""
        return not Path(word).exists() and bool(get_close_matches(word, self.commands))


app = typer.Typer(
    cls=FocusByDefault,
    help="Write an instance or a run in the formats of other programs; `export RUN` is `export focus RUN`.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


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


@app.command()
def focus(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="Folder that `solve --out` wrote, or a run's file in a store.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.csv", help="The file to write.", show_default="standard output")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the commitments that a plan proposes as FOCUS 1.4 contract commitments (CSV)."""
    with boundary(as_json):
        from ailis_opt.cli.focus import run_focus

        raise typer.Exit(run_focus(run, out, as_json))
