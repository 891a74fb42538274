"""`ailis-opt check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ailis_opt.errors import InfeasibleError
from ailis_opt.output.document import as_json
from ailis_opt.output.inventory import inventory
from ailis_opt.output.stream import emit, notice
from ailis_opt.output.text import colored, records, render, width

SCHEMA = "ailis-opt-check/1"


def run_check(path: Path, json: bool, book: Path | None = None) -> int:
    """Read, validate, prepare; print what is there and what each layer leaves open. Returns the exit code (3: somebody has no route)."""
    from ailis_opt.cli.priced import read_priced
    from ailis_opt.ledger import booked_table
    from ailis_opt.prepare import cases_of, funnel_table, prepare, require_open_routes

    instance = read_priced(path, book)
    prepared = prepare(instance)
    funnel = funnel_table(instance, prepared)
    closed: list[str] = []
    for case in cases_of(instance, prepared):
        try:
            require_open_routes(case.instance, case.prepared)
        except InfeasibleError as error:
            closed += [f"in scenario {case.name}: {told}" if case.name else told for told in str(error).splitlines()]
    booked = booked_table(instance)
    counts: dict[str, Any] = {name: len(frame) for name, frame in instance.tables.items()}
    counts |= {"slices": prepared.data.scenario_slices, "pools": len(prepared.supply.pools), "routes": int(funnel["all workloads"].iloc[0])}
    counts |= {"open_routes": int(funnel["all workloads"].iloc[-1])}
    if json:
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "instance": instance.header.name,
            "instance_sha256": instance.sha256,
            "counts": counts,
        }
        document |= {"funnel": funnel.to_dict("records"), "warnings": instance.warnings, "closed": closed, "booked": records(booked)}
        emit(as_json(document))
    else:
        emit(render(inventory(instance, prepared.data.calendar, counts, funnel, closed, width(), booked), width(), colored()))
    if closed and not json:
        notice("infeasible: not all who must be served have an open route")
    return InfeasibleError.exit_code if closed else 0
