"""Reading of instances."""

from ailis_opt.io.read import read

__all__ = ["read"]
