"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

InstancePath = Annotated[Path, typer.Argument(metavar="INSTANCE", help="Folder with instance.yaml, or one YAML file.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output; everything else on standard error.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress line.")]
Book = Annotated[
    Path | None, typer.Option("--book", metavar="FILE", help="Price book (CSV or YAML) over the offers' prices.", show_default="none")
]
