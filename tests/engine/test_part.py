"""A part of a program has the optimum of the whole one, wherever it starts from."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ailis_opt.engine.highs import Solver
from ailis_opt.engine.part import Last, open_part
from ailis_opt.engine.search import SMALL, Options, Search
from ailis_opt.explain.layered import NAMES, Layered
from tests.benchmarks.synthetic import Size, synthetic
from tests.support.files import as_instance
from tests.support.generate import random_instance

NEVER = float("inf")
WIDE = Size("wide", 6, 4, 4, 3, 6, 6, "month", 2)
EXACT = 1e-7


@cache
def wide() -> Layered:
    layered = Layered(as_instance(synthetic(WIDE)))
    assert len(layered.program.value) > SMALL
    return layered


def sets(seed: int, count: int = 6) -> list[frozenset[str]]:
    """Some sets of layers: everything, nothing, one more or less, and any."""
    rng = np.random.default_rng(seed)
    found = [frozenset(NAMES), frozenset(NAMES) - {str(rng.choice(NAMES))}, frozenset[str]()]
    return found + [frozenset(name for name in NAMES if rng.random() < 0.7) for _ in range(count)]


@pytest.mark.parametrize("seed", range(3))
def test_a_part_goes_on_from_any_set_of_layers_to_the_optimum_of_another(seed: int) -> None:
    layered, last, parted = wide(), None, 0
    for layers in sets(seed):
        program = layered.only(layers)
        whole = Solver(program).relax(NEVER)
        part = open_part(program, layered.scaling, last)
        answer = part.solver.relax(NEVER)
        assert answer.status == whole.status
        if answer.x is not None:
            assert answer.objective == pytest.approx(whole.objective, rel=EXACT)
            assert program.split(part.lift(answer.x))[0] == pytest.approx(whole.objective + program.offset, rel=EXACT)
            last = part.last(answer)
            parted += len(part.columns) < len(program.cost)
    assert parted


@pytest.mark.parametrize("seed", range(20))
def test_a_part_of_any_instance_has_its_optimum(seed: int) -> None:
    """Or a better bound, as rows that become bounds of whole columns are made whole."""
    layered, last = Layered(as_instance(random_instance(seed, "small"))), None
    for layers in sets(seed, 3):
        program = layered.only(layers)
        solver = Solver(program)
        solver.set_price(10.0)
        part = open_part(program, layered.scaling, last)
        part.solver.set_price(10.0)
        whole, answer = solver.relax(NEVER), part.solver.relax(NEVER)
        assert answer.status == whole.status
        if answer.x is not None:
            slack = EXACT * abs(whole.objective) + 1e-6
            assert answer.objective >= whole.objective - slack
            if answer.objective > whole.objective + slack:
                assert answer.objective <= solver.search(NEVER, 0.0).objective + slack
            last = part.last(answer)


def test_the_basis_of_a_part_is_that_of_the_whole_program() -> None:
    layered = wide()
    program = layered.only()
    part = open_part(program, layered.scaling, None)
    last = part.last(part.solver.relax(NEVER))
    assert last.basis is not None
    columns, rows = last.basis.statuses
    assert (columns == 1).sum() + (rows == 1).sum() >= len(program.row_lower)  # 1: basic; what is too much is redundant
    solver = Solver(program, layered.scaling)
    solver.begin(last.basis, NEVER)
    assert solver.relax(NEVER).objective == pytest.approx(program.cost @ last.x, rel=EXACT)
    assert solver._highs.getInfo().simplex_iteration_count <= 20


def test_a_start_near_by_takes_fewer_steps_than_one_from_nothing() -> None:
    layered = wide()
    part = open_part(layered.only(), layered.scaling, None)
    last = part.last(part.solver.relax(NEVER))
    near = fresh = 0
    for layer in ("L0", "L4", "L16", "contract"):
        program = layered.only(frozenset(NAMES) - {layer})
        for start in (last, None):
            solver = open_part(program, layered.scaling, start).solver
            solver.relax(NEVER)
            steps = solver._highs.getInfo().simplex_iteration_count
            near, fresh = (near + steps, fresh) if start is last else (near, fresh + steps)
    assert near < 0.5 * fresh


def test_a_part_starts_from_nothing_where_most_of_its_columns_were_closed() -> None:
    layered = wide()
    program = layered.only()
    part = open_part(program, layered.scaling, None)
    last = part.last(part.solver.relax(NEVER))
    closed = replace(last, open=np.zeros_like(last.open))
    assert not open_part(program, layered.scaling, last).solver._fresh
    assert open_part(program, layered.scaling, closed).solver._fresh


def test_whole_numbers_are_whole_in_a_part_whose_columns_are_scaled() -> None:
    """The search of a part whose relaxations are scaled by prices is that of the whole program."""
    layered, last = Layered(as_instance(random_instance(3, "small"))), None
    program = layered.only()
    for _ in range(2):
        part = open_part(program, layered.scaling, last)
        last = part.last(part.solver.relax(NEVER))
    assert part.solver.scaling.before is not None
    found, whole = part.solver.search(NEVER, 1e-6), Solver(program).search(NEVER, 1e-6)
    assert found.x is not None
    assert found.objective == pytest.approx(whole.objective, rel=1e-6)
    fixed = np.round(part.solver.integers(found.x))
    part.solver.set_integer_bounds(fixed, fixed)
    polished = part.solver.relax(NEVER)
    assert polished.x is not None
    assert np.abs(part.solver.integers(polished.x) - fixed).max(initial=0.0) < 1e-9
    assert polished.objective == pytest.approx(found.objective, rel=1e-6)


def test_what_is_infeasible_is_so_another_way_too() -> None:
    layered = wide()
    program = layered.only()
    part = open_part(program, layered.scaling, None)
    last = part.last(part.solver.relax(NEVER))
    taken = np.flatnonzero(last.x > 0)
    upper = program.column_upper.copy()
    upper[taken] = program.column_lower[taken]
    impossible = replace(program, column_upper=upper, row_lower=np.maximum(program.row_lower, 0.0))
    for start in (last, None):
        solver = open_part(impossible, layered.scaling, start).solver
        assert solver.relax(NEVER).status == Solver(impossible).relax(NEVER).status
        assert solver.relax_otherwise(NEVER).status == Solver(impossible).relax(NEVER).status


def test_a_known_plan_within_the_gap_is_taken_as_it_is() -> None:
    layered = wide()
    program = layered.only()
    first = layered.solve(program, 0.01)
    assert first.x is not None
    assert program.holds(first.x)
    within = (first.upper - first.lower) / first.upper * 1.01 + 1e-6
    options = Options(layered.ratio, within, price=first.upper)
    again = Search(program, options, lambda _: False, known=first.x).run()
    assert again.upper <= first.upper * (1 + 1e-9)
    assert again.solves <= 3


@pytest.mark.parametrize("what", ["row", "bound", "whole number"])
def test_a_solution_that_breaks_anything_does_not_hold(what: str) -> None:
    layered = wide()
    program = layered.only()
    x = layered.solve(program, 0.01).x
    assert x is not None
    broken = x.copy()
    if what == "row":
        broken[:] = 0.0
    elif what == "bound":
        broken[int(np.flatnonzero(x == program.column_lower)[0])] -= 1.0
    else:
        broken[int(np.flatnonzero(program.integer)[0])] += 0.5
    assert not program.holds(broken)


def test_layers_are_solved_alike_in_any_order() -> None:
    one, other = wide(), Layered(wide().instance)
    chosen = sets(11, 2)
    first = {layers: one.solve(one.only(layers), 0.02, quick=True) for layers in chosen}
    for layers in reversed(chosen):
        found = other.solve(other.only(layers), 0.02, quick=True)
        assert found.lower <= first[layers].upper * (1 + EXACT)
        assert first[layers].lower <= found.upper * (1 + EXACT)


def test_a_relaxation_solved_before_is_one_of_all_columns() -> None:
    layered = wide()
    part = open_part(layered.only(), layered.scaling, None)
    last: Last = part.last(part.solver.relax(NEVER))
    assert last.price is not None
    assert (len(last.x), len(last.price), len(last.open)) == (len(layered.program.cost), len(layered.program.row_lower), len(last.x))
    assert not last.x[~last.open].any()
