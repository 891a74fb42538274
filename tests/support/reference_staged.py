"""The second model of `reference.py` for an instance with scenarios: one book per scenario, the plan the same in all of them.

For instances in which no committed offer is late in some scenario: a book knows of no delivery but that of its own tables.
"""

from __future__ import annotations

import math
from typing import Any

from pyscipopt import quicksum

from ailis_opt.changes.scenarios import variants
from ailis_opt.prepare.payoffs import payoffs
from ailis_opt.schema.instance import Instance
from tests.support.reading import Pool, reading
from tests.support.reference import Book, Reference, new_model, solved


def staged_reference(instance: Instance, tolerance: float = 1e-9) -> Reference:
    """Optimum of (1 − weight) · expected cost + weight · CVaR, or of that over the expected outcomes."""
    model = new_model(tolerance)
    cases = variants(instance)
    hedges, lots = instance.tables["hedges"].to_dict("records"), []
    for row in hedges:
        held, most = row["committed_lots"], row["max_lots"]
        lots.append(model.addVar(vtype="I" if row["whole_lots"] else "C", lb=held, ub=None if math.isnan(most) else held + most))
    apart = _kept_apart([reading(case.instance).pools for case in cases])
    books, costs = [], []
    for case in cases:
        of = payoffs(case.instance)
        position = [(float(p + c - g) * x) for p, c, g, x in zip(of.premium, of.carry, of.payoff, lots, strict=True)]
        book = Book(case.instance, tolerance, model, position, apart)
        books.append(book)
        costs.append(book.total)
    for book in books[1:]:
        _same_plan(model, books[0], book)
    probability = [case.probability for case in cases]
    expected = quicksum(p * cost for p, cost in zip(probability, costs, strict=True))
    risk = instance.header.risk
    tail = model.addVar(lb=None)  # value at risk
    beyond = []
    for p, cost in zip(probability, costs, strict=True):
        over = model.addVar(lb=0)
        model.addCons(over >= cost - tail)
        beyond.append(p * over)
    total = model.addVar(lb=None)
    model.addCons(total == (1 - risk.weight) * expected + risk.weight * (tail + quicksum(beyond) / (1 - risk.alpha)))
    outcomes = model.addVar(lb=None)
    model.addCons(outcomes == quicksum(p * book.outcomes() for p, book in zip(probability, books, strict=True)))
    return solved(model, total, outcomes, instance.header.objective == "cost")


def _kept_apart(pools: list[dict[str, Pool]]) -> dict[str, int]:
    """Offers by whether they are alike in every scenario: those that are have the same number."""
    known: dict[tuple[Pool, ...], int] = {}
    return {offer: known.setdefault(tuple(of[offer] for of in pools), len(known)) for offer in pools[0]}


def _same_plan(model: Any, one: Book, other: Book) -> None:
    """What is signed and where data are held is decided before the scenario is known."""
    for key, lots in one.started.items():
        model.addCons(lots == other.started[key])
    for key, held in one.placed.items():
        model.addCons(held == other.placed[key])
