"""Where errors become words and exit codes."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ailis_opt.errors import AilisError, InputError
from ailis_opt.output.stream import emit, notice

DEBUG = "AILIS_OPT_DEBUG"
INTERRUPTED = 130


@contextmanager
def boundary(as_json: bool = False) -> Iterator[None]:
    """Report every exception that leaves the block on standard error, and exit with its code.

    With `as_json` the error is also the document on standard output (`ailis-opt-error/1`). A traceback is shown only where the
    environment variable AILIS_OPT_DEBUG is 1.
    """
    try:
        yield
    except (typer.Exit, typer.BadParameter):
        raise
    except KeyboardInterrupt:
        code, kind, text = INTERRUPTED, "interrupted", "interrupted"
        found: Exception | None = None
    except AilisError as error:
        code, kind, text, found = error.exit_code, type(error).__name__, str(error), error
    except Exception as error:
        code, kind, found = 1, "internal", error
        text = f"internal error, please report it with the instance ({DEBUG}=1 shows where): {type(error).__name__}: {error}"
    else:
        return
    if found is not None and os.environ.get(DEBUG) == "1":
        notice("".join(traceback.format_exception(found)))
    notice(_words(found, text))
    if as_json:
        from ailis_opt.output.document import as_json as dumps
        from ailis_opt.output.document import error_document

        emit(dumps(error_document(kind, code, text, found)))
    raise typer.Exit(code)


def titled(error: AilisError) -> str:
    """The error's text under its title; on lines of their own where there are several."""
    title, text = _TITLES.get(error.exit_code, "error"), str(error)
    return f"{title}:\n  " + text.replace("\n", "\n  ") if "\n" in text else f"{title}: {text}"


def _words(error: Exception | None, text: str) -> str:
    if isinstance(error, InputError):
        from ailis_opt.output.faults import faults_text

        return faults_text(error.faults)
    return titled(error) if isinstance(error, AilisError) else text


_TITLES = {2: "bad input", 3: "infeasible", 5: "no plan"}
