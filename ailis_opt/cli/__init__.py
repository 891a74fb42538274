"""The command line. What it says, writes and returns is fixed by tests/cli; the work is done elsewhere."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

BAD_INPUT = 2


def main() -> NoReturn:
    """Entry point of `ailis-opt`: runs the command of `sys.argv` and exits with its code.

    0 done within the gap; 1 defect of the program; 2 bad input; 3 infeasible; 4 limit reached with a plan; 5 limit without;
    130 interrupted.
    """
    try:
        from ailis_opt.cli.app import app

        code = app(prog_name="ailis-opt", standalone_mode=False)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        raise SystemExit(_told(error)) from None
    raise SystemExit(code or 0)


def _told(error: Exception) -> int:
    """Say what is wrong with the command line itself, with `--json` on standard output, too. Returns the exit code.

    Raises all else again: every error of a command has been told by then.
    """
    from typer import BadParameter

    kind = BadParameter.__mro__[1]  # typer shows only this of its errors of usage; the others have the same base
    if not isinstance(error, kind):
        raise error
    told: Any = error
    told.show()
    if "--json" in sys.argv:
        from ailis_opt.output.document import as_json, error_document
        from ailis_opt.output.stream import emit

        emit(as_json(error_document("UsageError", BAD_INPUT, told.format_message())))
    return BAD_INPUT
