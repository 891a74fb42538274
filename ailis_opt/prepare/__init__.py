"""From an instance to the arrays of the formulation, and the funnel of its routes."""

from ailis_opt.prepare.assemble import Case, Prepared, cases_of, prepare
from ailis_opt.prepare.openness import funnel_table, require_open_routes

__all__ = ["Case", "Prepared", "cases_of", "funnel_table", "prepare", "require_open_routes"]
