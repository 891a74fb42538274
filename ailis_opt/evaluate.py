"""A plan that is made, under scenarios that it was not made for: only what is decided later is decided anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ailis_models.arrays import Floats, Ints, Risk
from ailis_opt.changes.scenarios import Variant
from ailis_opt.engine.compile import Layout, Program, two_stage
from ailis_opt.engine.highs import Solver
from ailis_opt.engine.remembered import Templates
from ailis_opt.engine.search import Options, Search
from ailis_opt.engine.value import priced
from ailis_opt.prepare import Prepared, prepare
from ailis_opt.prepare.payoffs import payoffs
from ailis_opt.result import Result
from ailis_opt.schema.instance import Instance

LIMITS = ("contract.least_lots", "contract.sign_to_start", "L1_supply.shared_lots", "L1_supply.shared_starts")
"""Rows on what may be signed."""
TOGETHER = 50  # scenarios that are prepared at once


@dataclass(frozen=True, slots=True)
class Signed:
    """What a plan decides before the scenario is known: lots by (offer, start period), (dataset, region) pairs, lots by hedge."""

    lots: Mapping[tuple[str, int], float]
    placed: frozenset[tuple[str, str]]
    positions: Mapping[str, float]

    @classmethod
    def of(cls, result: Result) -> Signed:
        """The plan of a result."""
        bought, copies, held = result.purchases, result.tables["placements"], result.positions
        away = copies[~copies["home"].astype(bool)]
        return cls(
            lots=dict(
                zip(zip(bought["offer"], bought["start_period"].astype(int), strict=True), bought["lots"].astype(float), strict=True)
            ),
            placed=frozenset(zip(away["dataset"], away["region"], strict=True)),
            positions=dict(zip(held["hedge"], held["lots"].astype(float), strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A plan in each of several scenarios, (n,) arrays: cost and hedges' net cost [money], weighted outcomes.

    The cost is infinite where the plan has no way to meet every limit of the scenario.
    """

    names: tuple[str, ...]
    probability: Floats
    cost: Floats
    outcomes: Floats
    premium: Floats  # and carry, of all positions
    payoff: Floats

    @property
    def exposure(self) -> Floats:
        """(n,) cost without the hedges."""
        return self.cost - self.premium + self.payoff


def evaluate(instance: Instance, signed: Signed, scenarios: Sequence[Variant], price: float = 0.0, gap: float = 1e-6) -> Evaluation:
    """The plan `signed` in every scenario, each at its least cost + price · lost outcomes (price 0: the least cost).

    `scenarios` need not be those of the instance, and their probabilities need not sum to 1 (they are made to).
    """
    templates = Templates()
    found: list[tuple[float, float]] = []
    for first in range(0, len(scenarios), TOGETHER):
        found += _each(instance, signed, scenarios[first : first + TOGETHER], price, gap, templates)
    cost, outcomes = np.array(found, dtype=float).reshape(-1, 2).T
    weight = np.array([scenario.probability for scenario in scenarios])
    premium, payoff = _hedged(signed, scenarios)
    return Evaluation(tuple(s.name for s in scenarios), weight / weight.sum(), cost, outcomes, premium, payoff)


def _hedged(signed: Signed, scenarios: Sequence[Variant]) -> tuple[Floats, Floats]:
    """(n,) premium and carry, and payoff, of all positions."""
    premium, payoff = np.zeros(len(scenarios)), np.zeros(len(scenarios))
    for i, scenario in enumerate(scenarios):
        of = payoffs(scenario.instance)
        lots = np.array([signed.positions.get(name, 0.0) for name in of.hedges])
        premium[i], payoff[i] = lots @ (of.premium + of.carry), lots @ of.payoff
    return premium, payoff


def _each(
    instance: Instance, signed: Signed, scenarios: Sequence[Variant], price: float, gap: float, templates: Templates
) -> list[tuple[float, float]]:
    """Cost and outcomes in each of some scenarios: prepared together, and solved one by one, for nothing but the plan joins them."""
    prepared = prepare(instance, scenarios=[replace(scenario, probability=1 / len(scenarios)) for scenario in scenarios])
    data = replace(prepared.data, risk=Risk(instance.header.risk.alpha, 0.0))
    model = two_stage(data, *templates(data))
    found, basis = [], None
    for z in range(len(scenarios)):
        program = with_signed(model.alone(z).program(), instance, prepared, signed)
        solver = Solver(priced(program, price))
        if basis is not None:
            solver.begin(basis, np.inf, feasible=False)  # where the scenario before ended
        x = Search(solver.program, Options(ratio=False, gap=gap), lambda _: False, loaded=solver).run().x
        found.append((np.inf, 0.0) if x is None else program.split(x))
        basis = solver.root
    return found


def with_signed(program: Program, instance: Instance, prepared: Prepared, signed: Signed) -> Program:
    """The program in which lots, placements and positions are those that were signed; all else follows from them.

    What may be signed is no question any more, and more may be in force than the demand of these scenarios could use.
    """
    layout, lower, upper = program.layout, program.column_lower.copy(), program.column_upper.copy()
    for columns, values in _decided(layout, instance, prepared, signed):
        lower[columns], upper[columns] = values, values
    in_force, scope = layout.column("in_force")
    upper[layout.numbers(scope, in_force)] = np.inf
    row_upper = program.row_upper.copy()
    for scope, group in layout.groups(rows=True):
        if group.name in LIMITS:
            row_upper[layout.numbers(scope, group, rows=True)] = np.inf
    return replace(program, column_lower=lower, column_upper=upper, row_upper=row_upper)


def _decided(layout: Layout, instance: Instance, p: Prepared, signed: Signed) -> list[tuple[Ints, Floats]]:
    """Columns of the plan's decisions, and what was decided."""
    offers, names, hedges = (instance.tables[t][c].tolist() for t, c in (("offers", "offer"), ("datasets", "dataset"), ("hedges", "hedge")))
    found = []
    for name in ("whole_lots", "part_lots"):
        group, scope = layout.column(name)
        lots = [sum(signed.lots.get((offers[row], t), 0.0) for row in p.supply.committed_of[o]) for o, t in group.keys]
        found.append((layout.numbers(scope, group).ravel(), np.array(lots, dtype=float)))
    group, scope = layout.column("placed")
    datasets, regions = p.data.placements.dataset.tolist(), p.data.placements.region.tolist()
    placed = [float((names[datasets[i]], p.regions[regions[i]]) in signed.placed) for i in group.keys]
    found.append((layout.numbers(scope, group).ravel(), np.array(placed, dtype=float)))
    group, scope = layout.column("position")
    held = [signed.positions.get(hedges[e], 0.0) for e in group.keys]
    found.append((layout.numbers(scope, group).ravel(), np.array(held, dtype=float)))
    return found
