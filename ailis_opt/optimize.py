"""The main job: instance in, audited plan out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd

from ailis_opt import prepare as preparation
from ailis_opt import staged
from ailis_opt.audit import Audit
from ailis_opt.binding import binding_rows
from ailis_opt.engine.process import Worker, run
from ailis_opt.engine.search import Options, Progress
from ailis_opt.engine.worker import Job, Solved, solve_job
from ailis_opt.errors import AuditError, Fault, InfeasibleError, InputError, NoPlanError
from ailis_opt.io import read
from ailis_opt.ledger import booked_table
from ailis_opt.prepare import Prepared
from ailis_opt.result import Bounds, Result
from ailis_opt.risk.measures import cvar
from ailis_opt.schema.instance import Instance

GAP = 1e-4
AGREE = 1e-6  # relative: solver's cost against the audit's
ROUND = 1e-9  # of what a hedge pays: a gain that is no more than rounding
PACKAGES = ("ailis-opt", "highspy", "pyomo", "numpy", "pandas")


def solve(
    instance: Instance | str | Path,
    *,
    gap: float = GAP,
    time_limit: float = np.inf,
    objective: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    in_process: bool = False,
) -> Result:
    """Find the plan of least cost per outcome (or cost), certify it, audit it.

    Args:
        instance: an instance, or the path of one.
        gap: relative gap of the objective at which the search stops.
        time_limit: seconds for the search. A plan found by then is returned with status "limit".
        objective: "cost_per_outcome" or "cost"; the instance's own if None.
        progress: called with bound, best objective and seconds while the search runs.
        in_process: search in this process instead of in a child that can be killed.

    Raises:
        InputError: the instance is at fault. InfeasibleError: no plan meets every limit.
        NoPlanError: the limit came before the first plan. AuditError: the plan failed its audit.
    """
    tell = progress or (lambda _: None)
    worker = None if in_process else Worker()  # loads its libraries while this process reads
    try:
        begun = time.monotonic()
        instance = instance if isinstance(instance, Instance) else read(instance)
        if objective is not None:
            header = instance.header.model_copy(update={"objective": objective})
            instance = replace(instance, header=header)
        seen = time.monotonic()
        prepared = ready(instance)
        begins = time.monotonic()
        options = Options(instance.header.objective == "cost_per_outcome", gap, time_limit)
        if worker is None:
            solved, interrupted = solve_job(Job(prepared.data, options), lambda p: bool(tell(p))), False
        else:
            solved, interrupted = run(prepared.data, options, tell, worker)
    finally:
        if worker is not None:
            worker.close()
    timings = {"read_s": seen - begun, "prepare_s": begins - seen, "build_s": solved.build_s, "solve_s": solved.solve_s}
    timings |= {"solver_s": solved.outcome.solver_s, "polish_s": solved.outcome.polish_s}
    return published(instance, prepared, solved, interrupted, timings)


def ready(instance: Instance) -> Prepared:
    """The instance prepared, and fit to be solved. Raises InputError, NoRouteError."""
    prepared = preparation.prepare(instance)
    for case in preparation.cases_of(instance, prepared):
        preparation.require_open_routes(case.instance, case.prepared)
    _require_weight(instance, prepared)
    _require_limits(instance, prepared)
    return prepared


def _require_weight(instance: Instance, prepared: Prepared) -> None:
    """Raise InputError where cost per outcome is asked for and no outcome that is demanded counts."""
    work = prepared.data.workloads
    if instance.header.objective == "cost_per_outcome" and not (work.total @ work.weight) > 0:
        why = "no demanded outcome has a weight, so there is no cost per outcome"
        raise InputError([Fault("workloads", why, "Give an outcome_weight above 0, or minimize cost", column="outcome_weight", value="0")])


def _require_limits(instance: Instance, prepared: Prepared) -> None:
    """Raise InputError for hedges of which the best plan would hold infinitely many: they gain over the scenarios, and have no limit.

    Of a plan that holds ever more of one the cost, as it counts, moves as its own does: (1 − weight) · mean + weight · CVaR of what a lot
    costs.
    """
    d, risk = prepared.data, instance.header.risk
    cost = np.broadcast_to(d.scenarios.position_cost, (d.n_scenarios, len(d.hedges.most)))
    faults = []
    for e, name in enumerate(instance.tables["hedges"]["hedge"]):
        mean, tail = float(d.probability @ cost[:, e]), cvar(cost[:, e], d.probability, risk.alpha)
        if np.isinf(d.hedges.most[e]) and (1 - risk.weight) * mean + risk.weight * tail < -ROUND * np.abs(cost[:, e]).max():
            why = f"{name} has no limit, and pays more in the scenarios than it costs: the best plan would hold ever more of it"
            mend = "Give it max_lots, or a premium or strike at which it costs what it is worth"
            faults.append(Fault("hedges", why, mend, e + 1, "max_lots"))
    if faults:
        raise InputError(faults)


def published(instance: Instance, prepared: Prepared, solved: Solved, interrupted: bool, timings: dict[str, float]) -> Result:
    """What a search found as a result: read back, in money, audited. Raises InfeasibleError, NoPlanError, AuditError."""
    outcome = solved.outcome
    if outcome.status == "infeasible":
        raise InfeasibleError("no plan meets every limit of the instance (a second solve without presolve agrees)")
    if outcome.x is None:
        raise NoPlanError("the time limit came before the first plan; allow more with --time-limit, or accept a wider --gap")
    begun = time.monotonic()
    read_back = staged.read_scenarios(instance, prepared, solved.program.layout, outcome.x, workload_table)
    tables = staged.expected_tables(read_back)
    tables["binding"] = binding_rows(instance, prepared, solved.program, outcome)
    tables["funnel"] = preparation.funnel_table(instance, prepared)
    if instance.booked:
        tables["booked"] = booked_table(instance)
    verdict, risk = staged.joint_audit(read_back), staged.risk_of(instance, read_back)
    _require_sound(verdict, risk.objective, outcome.cost)
    timings |= {"audit_s": time.monotonic() - begun}
    return Result(
        instance=instance.header.name,
        instance_sha256=instance.sha256,
        currency=instance.header.currency,
        status=outcome.status,
        objective_name=instance.header.objective,
        objective=outcome.upper,
        cost=verdict.cost,
        outcomes=verdict.outcomes,
        bounds=Bounds(outcome.lower, outcome.upper),
        cost_by=verdict.cost_by,
        tables=tables,
        audit=verdict,
        timings=timings,
        versions=versions(),
        warnings=instance.warnings,
        interrupted=interrupted,
        risk=risk if prepared.cases or risk.weight > 0 else None,
        scenarios=tuple(read_back) if prepared.cases else (),
    )


def _require_sound(verdict: Audit, audited: float, cost: float) -> None:
    """Raise AuditError if a limit is broken, or if the audit and the solver do not agree on the cost that counts."""
    faults = [f"{v.layer} {v.limit}, {v.where}: {v.amount:g} {v.unit}" for v in verdict.violations[:5]]
    if abs(audited - cost) > AGREE * max(1.0, abs(cost)):
        faults.append(f"the audit's cost is {audited:.10g}, the solver's {cost:.10g}")
    if faults:
        raise AuditError("the plan failed its audit and is not published; please report this with the instance:\n" + "\n".join(faults))


def workload_table(instance: Instance, prepared: Prepared, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Per workload: outcome, demanded, served, cost (idle capacity is in nobody's), cost_per_outcome."""
    work = instance.tables["workloads"]
    name = pd.Index(work["workload"])
    demanded = pd.Series(prepared.data.workloads.total, index=name)
    produced = pd.concat([tables["served"][["workload", "outcomes"]], tables["training"][["workload", "outcomes"]]])
    served = produced.groupby("workload")["outcomes"].sum().reindex(name, fill_value=0.0)
    cost = tables["costs"].groupby("workload")["amount"].sum().reindex(name, fill_value=0.0)
    each = np.divide(cost, served, out=np.full(len(name), np.nan), where=served.to_numpy() > 0)
    return pd.DataFrame(
        {
            "workload": name,
            "outcome": work["outcome"].to_numpy(),
            "demanded": demanded.to_numpy(),
            "served": served.to_numpy(),
            "cost": cost.to_numpy(),
            "cost_per_outcome": np.asarray(each),
        }
    )


def versions() -> dict[str, str]:
    """Versions of what the result depends on."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
