"""The independent guard: every cost and every limit of docs/format.md, recomputed from an instance and a plan's tables alone.

Shares nothing with the formulation, the preparation or the solver. Believed are only the decisions: lots signed, GPUs hired, which offers
form a pool, replicas, standby and outcomes, gangs and their outcomes, outcomes not served, where datasets are placed. Every other figure of
the tables is recomputed and compared.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ailis_opt.audit.hedges import hedges
from ailis_opt.audit.ledger import Audit, Ledger, Violation
from ailis_opt.audit.lookup import find
from ailis_opt.audit.money import check_budget, check_costs, check_energy, check_use, placement_costs, workload_costs
from ailis_opt.audit.service import power, service
from ailis_opt.audit.supply import supply
from ailis_opt.audit.tables import COMPONENTS, clean
from ailis_opt.audit.work import work
from ailis_opt.audit.world import survey
from ailis_opt.schema.instance import Instance

__all__ = ["Audit", "Violation", "audit"]


def audit(instance: Instance, tables: Mapping[str, pd.DataFrame], tolerance: float = 1e-6, signed: Instance | None = None) -> Audit:
    """The verdict on a plan's tables (see docs/format.md; costs in the instance's currency, outcomes weighted).

    `signed`: the instance of which this is a scenario; what may be signed is told by it, and what is signed may come late.
    A limit is broken if it is exceeded by more than `tolerance` × max(1, |limit|); whole numbers (absolute) and stated figures (relative)
    are held to 1e-6. Rows with keys that the instance does not know are violations, and count for nothing else.
    Raises ValueError if a table or a column is missing.
    """
    ledger = Ledger(tolerance)
    plan = clean(instance, tables, ledger)
    world = survey(instance, plan["pools"], ledger, signed)
    held = supply(world, plan, ledger)
    done = work(world, plan, ledger)
    service(world, done, plan["placements"], ledger)
    drawn = power(world, done, ledger)
    caused = workload_costs(world, done)
    amounts = held.cost | placement_costs(world, plan["placements"], ledger) | {"energy": float(drawn["cost"].sum())}
    amounts["hedges"] = hedges(world, plan["positions"], ledger)
    amounts |= {name: float(caused["amount"][caused["component"] == name].sum()) for name in ("egress", "unserved")}
    listed = [name for name in COMPONENTS if name != "hedges" or len(instance.tables["hedges"])]
    cost_by = {name: amounts[name] for name in listed}
    cost = sum(cost_by.values())
    check_use(world, plan["use"], done, held, ledger)
    check_energy(world, plan["energy"], drawn, ledger)
    check_costs(world, plan["costs"], cost_by, caused, ledger)
    check_budget(world, cost, ledger)
    weight = find(world.tables["workloads"], "workload", done.produced["workload"]).number("outcome_weight")
    outcomes = float((weight * done.produced["outcomes"]).sum())
    found = ledger.violations
    return Audit(not found, ledger.worst, cost, outcomes, cost_by, found, ledger.checked)
