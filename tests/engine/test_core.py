"""Plans sought in the core of a relaxation are plans of the whole program; kept templates are those that would be read anew."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ailis_opt.changes import apply, parse
from ailis_opt.engine.compile import Program, compile_program, templates
from ailis_opt.engine.core import core_of
from ailis_opt.engine.dive import AS_SIGNED, Hint, dive, improved
from ailis_opt.engine.highs import Answer, Solver
from ailis_opt.engine.part import Part
from ailis_opt.engine.remembered import Templates
from ailis_opt.errors import AilisError
from ailis_opt.explain.layered import NAMES, Layered
from ailis_opt.io import read
from ailis_opt.prepare import prepare
from tests.benchmarks.synthetic import Size, synthetic
from tests.support.files import as_instance
from tests.support.generate import random_instance

REAL = Path(__file__).resolve().parents[2] / "instances" / "assistants-transatlantic"
NEVER = float("inf")
WIDE = Size("wide", 4, 3, 3, 2, 3, 4, "month", 2)
EXACT = 1e-6


@cache
def solved() -> tuple[Program, Solver, Answer]:
    """A program of a few thousand columns, and its relaxation."""
    data = prepare(as_instance(synthetic(WIDE))).data
    program = compile_program(data, *templates(data))
    solver = Solver(program)
    answer = solver.relax(NEVER)
    assert answer.x is not None
    return program, solver, answer


def violation(program: Program, x: np.ndarray) -> float:
    """By how much a solution breaks any row, bound or whole number, relative to the size of its row."""
    row = np.repeat(np.arange(len(program.row_lower)), np.diff(program.start))
    terms = program.value * x[program.index]
    activity, size = (np.bincount(row, weights=w, minlength=len(program.row_lower)) for w in (terms, np.abs(terms)))
    rows = np.maximum(program.row_lower - activity, activity - program.row_upper) / np.maximum(size, 1.0)
    columns = np.maximum(program.column_lower - x, x - program.column_upper) / np.maximum(np.abs(x), 1.0)
    whole = np.abs(x - np.round(x))[program.integer]
    return float(max(rows.max(), columns.max(), whole.max(initial=0.0)))


@pytest.mark.parametrize("near", [0.02, 0.15, np.inf])
def test_the_core_has_the_optimum_of_the_relaxation(near: float) -> None:
    program, solver, first = solved()
    core = core_of(solver, first, near)
    again = core.solver.relax(NEVER)
    assert again.objective == pytest.approx(first.objective, rel=1e-9)
    assert again.x is not None
    assert solver.value(core.lift(again.x)) == pytest.approx(first.objective, rel=1e-9)
    assert len(core.columns) < len(program.cost)


def test_a_core_starts_from_the_optimal_basis() -> None:
    """Closed routes leave thousands of tight rows out of it; here those of a real instance that any region may serve."""
    layered = Layered(read(REAL))
    layered.solver.use(layered.only(frozenset(NAMES) - {"L2"}))
    layered.solver.set_price(0.0)
    first = layered.solver.relax(NEVER)
    core = core_of(layered.solver, first)
    again = core.solver.relax(NEVER)
    assert 2 * len(core.solver.program.row_lower) < len(layered.program.row_lower)
    assert again.objective == pytest.approx(first.objective, rel=1e-9)
    assert core.solver._highs.getInfo().simplex_iteration_count <= 50  # of thousands


@pytest.mark.parametrize("hasty", [True, False])
def test_a_plan_by_rounding_is_a_plan_of_the_whole_program(hasty: bool) -> None:
    program, solver, first = solved()
    plan = dive(core_of(solver, first), solver, first, NEVER, hasty)
    assert plan is not None
    assert violation(program, plan) < EXACT
    assert solver.value(plan) >= first.objective * (1 - 1e-9)


def test_a_plan_made_better_is_a_plan_and_no_worse() -> None:
    """From a bad start: one lot more of everything that is signed."""
    program, solver, first = solved()
    core = core_of(solver, first)
    plan = dive(core, solver, first, NEVER, True)
    assert plan is not None
    bad = worse(core, solver, plan)
    better = improved(core, solver, bad, -np.inf, NEVER)
    assert violation(program, better) < EXACT
    assert solver.value(better) < solver.value(bad)
    assert solver.value(improved(core, solver, bad, np.inf, NEVER)) == solver.value(bad)  # which is enough


def worse(core: Part, solver: Solver, plan: np.ndarray) -> np.ndarray:
    """The plan with one lot more where the program lets it, and what follows from that."""
    numbers, (least, most) = core.solver.integers(plan[core.columns]), core.solver.integer_bounds
    lots = np.flatnonzero(core.solver.program.rounded & (numbers > 0.5) & (numbers < most))
    for pick in lots:
        moved = np.where(core.solver.program.rounded, np.round(numbers), least)
        moved[pick] += 1
        core.solver.set_integer_bounds(moved, np.where(core.solver.program.rounded, moved, most))
        answer = core.solver.relax(NEVER)
        core.solver.set_integer_bounds(least, most)
        if answer.x is not None:
            found = core.plan(core.spread(core.solver.integers(answer.x)), NEVER)
            if found is not None and solver.value(found) > solver.value(plan) * (1 + 1e-6):
                return found
    raise AssertionError("no lot can be added")


def test_a_known_plan_is_found_again_although_its_columns_are_dear() -> None:
    program, solver, first = solved()
    core = core_of(solver, first)
    plan = dive(core, solver, first, NEVER, True)
    assert plan is not None
    narrow = core_of(solver, first, 0.0, plan)
    again = narrow.plan(solver.integers(plan), NEVER)
    assert again is not None
    assert solver.value(again) <= solver.value(plan) * (1 + 1e-9)
    guided = dive(narrow, solver, first, NEVER, True, Hint(plan, AS_SIGNED))
    assert guided is not None
    assert np.array_equal(solver.integers(guided)[program.rounded], np.round(solver.integers(plan))[program.rounded])


def test_the_core_keeps_to_a_row_that_was_added() -> None:
    program = solved()[0]
    solver = Solver(program)
    free = solver.relax(NEVER)
    assert free.x is not None
    columns = np.flatnonzero(program.integer)
    most = 0.5 * float(free.x[columns].sum())
    solver.add_row(columns, np.ones(len(columns)), 0.0, most)
    tight = solver.relax(NEVER)
    again = core_of(solver, tight, np.inf).solver.relax(NEVER)
    assert tight.objective > free.objective * (1 + 1e-9)
    assert again.objective == pytest.approx(tight.objective, rel=1e-9)


CHANGES = (
    "offers[contract=on_demand].price_per_gpu_hour *= 1.3",
    "offers[contract=reserved].price_per_gpu_hour *= 0.8",
    "offers[contract=interruptible].availability *= 0.9",
    "demand.outcomes *= 1.1",
    "offers.max_lots += 1",
    "workloads.max_interruptible_share = 0.5",
    "regions.pue = 1.4",
    "skus.memory_gb *= 2",
)


@pytest.mark.parametrize("seed", range(12))
def test_kept_templates_make_the_program_that_new_ones_make(seed: int) -> None:
    kept, base = Templates(), as_instance(random_instance(seed, "small"))
    for text in ("", *CHANGES, ""):
        try:
            data = prepare(apply(base, [parse(text)]) if text else base).data
        except AilisError:  # this instance has no such rows, or must not be changed like that
            continue
        one, other = compile_program(data, *kept(data)), compile_program(data, *templates(data))
        for field in fields(Program):
            mine, theirs = getattr(one, field.name), getattr(other, field.name)
            assert np.array_equal(mine, theirs) if isinstance(mine, np.ndarray) else mine == theirs, (text, field.name)


def test_templates_are_kept_where_only_prices_by_the_hour_and_demand_change() -> None:
    kept, base = Templates(), as_instance(synthetic(WIDE))
    before = kept(prepare(base).data)
    dear = kept(prepare(apply(base, [parse("offers[contract=on_demand].price_per_gpu_hour *= 1.3")])).data)
    more = kept(prepare(apply(base, [parse("demand.outcomes *= 1.1")])).data)
    longer = kept(prepare(apply(base, [parse("offers[contract=reserved].term_periods = 2")])).data)
    assert all(one is other for one, other in zip(dear, before, strict=True))
    assert all(one is other for one, other in zip(more, before, strict=True))
    assert longer[0] is not before[0]
    assert longer[2] is before[2]


def test_a_solve_loads_no_scipy() -> None:
    """Pyomo loads all of its statistics as soon as anybody loads scipy: a second in every process."""
    code = "import sys, ailis_opt.cli.solve, ailis_opt.engine.worker, ailis_opt.study.workers; print('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_a_basis_is_worth_nothing_where_many_of_its_prices_are_wrong() -> None:
    layered = Layered(read(REAL))
    solver, every = layered.solver, frozenset(NAMES)
    solver.use(layered.only())
    solver.remember(solver.relax(NEVER))
    for dropped, goes_on in (("L1.memory", True), ("L2", False), (None, True)):
        solver.use(layered.only(every - {dropped}))
        solver.recall()
        assert solver._fresh is not goes_on
    solver.set_price(7.0)  # which makes losing outcomes dearer, and nothing wrong
    solver.recall()
    assert not solver._fresh
