"""The command line. What it says, writes and returns is fixed by tests/cli; the work is done elsewhere."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Entry point of `ailis-opt`: runs the command of `sys.argv` and exits with its code.

    0 done within the gap; 1 defect of the program; 2 bad input; 3 infeasible; 4 limit reached with a plan; 5 limit without;
    130 interrupted.
    """
    try:
        from ailis_opt.cli.app import app

        app(prog_name="ailis-opt")
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    raise SystemExit(0)
