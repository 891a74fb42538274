"""The sections of a report, in the order in which a planner asks."""

from __future__ import annotations

from ailis_opt.report.capacity import capacity, idle
from ailis_opt.report.costs import components, outcomes
from ailis_opt.report.evidence import assumptions, audit, inputs
from ailis_opt.report.headline import headline
from ailis_opt.report.limits import binding, funnel
from ailis_opt.report.parts import Section
from ailis_opt.report.regions import regions
from ailis_opt.report.run import Run
from ailis_opt.report.signing import signing
from ailis_opt.report.uncertainty import uncertainty
from ailis_opt.report.waterfall import waterfall

ORDER = (
    headline,
    waterfall,
    outcomes,
    components,
    uncertainty,
    signing,
    capacity,
    regions,
    idle,
    funnel,
    binding,
    audit,
    assumptions,
    inputs,
)


def sections(run: Run) -> list[Section]:
    """Every section of the run; that on scenarios only where it has some."""
    return [section for make in ORDER if (section := make(run)) is not None]
