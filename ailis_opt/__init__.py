"""ailis-opt: least cost per business outcome, and which AILIS layer binds.

In a program:

    from ailis_opt import read, solve

    result = solve(read("instances/quickstart"))
    result.cost_per_outcome, result.bounds, result.purchases, result.workloads, result.binding
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ailis_opt.errors import AilisError
    from ailis_opt.io import read
    from ailis_opt.optimize import solve
    from ailis_opt.result import Result
    from ailis_opt.schema.instance import Instance

__all__ = ["AilisError", "Instance", "Result", "read", "solve"]

_HOME = {
    "AilisError": "ailis_opt.errors",
    "Instance": "ailis_opt.schema.instance",
    "Result": "ailis_opt.result",
    "read": "ailis_opt.io",
    "solve": "ailis_opt.optimize",
}


def __getattr__(name: str) -> Any:
    """Load the public names when they are asked for, so that `ailis-opt --help` answers at once."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
