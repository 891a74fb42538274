"""A relaxation from the prices of another one is the relaxation, with prices that prove it."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest

from ailis_opt.engine.basis import BASIC
from ailis_opt.engine.compile import Program
from ailis_opt.engine.core import core_of
from ailis_opt.engine.highs import Answer
from ailis_opt.engine.sift import sifted
from ailis_opt.explain.layered import NAMES, Layered
from tests.benchmarks.synthetic import Size, synthetic
from tests.support.files import as_instance
from tests.support.generate import random_instance

NEVER = float("inf")
EVERY = frozenset(NAMES)
WIDE = Size("wide", 4, 3, 3, 2, 3, 4, "month", 2)


@cache
def wide() -> Layered:
    """A program of some ten thousand columns."""
    return Layered(as_instance(synthetic(WIDE)))


def relaxed(layered: Layered, layers: frozenset[str], price: float = 0.0) -> Answer:
    """The relaxation with some layers, from nothing; it is remembered."""
    layered.solver.use(layered.only(layers))
    layered.solver.set_price(price)
    layered.solver.forget()
    answer = layered.solver.relax(NEVER)
    layered.solver.remember(answer)
    return answer


def proven(program: Program, answer: Answer, price: float = 0.0) -> float:
    """What the rows' prices prove of cost + price·lost, reduced costs made here from them."""
    assert answer.row_dual is not None
    y, least = answer.row_dual, 0.0
    rows = np.repeat(np.arange(len(y)), np.diff(program.start))
    effects = np.bincount(program.index, weights=program.value * y[rows], minlength=len(program.cost))
    d = program.cost + price * program.lost - effects
    for dual, lower, upper in ((y, program.row_lower, program.row_upper), (d, program.column_lower, program.column_upper)):
        for values, bound in ((np.maximum(dual, 0), lower), (np.minimum(dual, 0), upper)):
            tiny = ~np.isfinite(bound)
            assert np.abs(values[tiny]).max(initial=0.0) <= 1e-5
            least += float(values[~tiny] @ bound[~tiny])
    return least


def agrees(layered: Layered, layers: frozenset[str], answer: Answer, price: float = 0.0) -> None:
    """The answer is the relaxation with these layers, is proven by its prices, and its basis is one."""
    program = layered.only(layers)
    assert answer.basis is not None
    assert sum(int((statuses == BASIC).sum()) for statuses in answer.basis.statuses) == len(program.row_lower)
    assert proven(program, answer, price) == pytest.approx(answer.objective, rel=1e-6, abs=1e-6)
    layered.solver.warm(answer.basis)
    again = layered.solver.relax(NEVER, warm=True)
    assert again.objective == pytest.approx(answer.objective, rel=1e-7, abs=1e-7)
    assert layered.solver._highs.getInfo().simplex_iteration_count <= 5  # of hundreds


@pytest.mark.parametrize("price", [0.0, 5.0])
@pytest.mark.parametrize("first", NAMES)
def test_layers_enforced_one_after_the_other(first: str, price: float) -> None:
    layered = wide()
    layered.solver.remembered = []
    relaxed(layered, EVERY - {first, "contract", "L1.supply"}, price)
    for layers in (EVERY - {first, "contract"}, EVERY - {"contract"}):
        layered.solver.use(layered.only(layers))
        layered.solver.set_price(price)
        answer = sifted(layered.solver, None, NEVER)
        assert answer is not None
        agrees(layered, layers, answer, price)
        layered.solver.remember(answer)


@pytest.mark.parametrize("seed", range(20))
def test_random_sets_of_layers_of_random_instances(seed: int) -> None:
    layered, rng = Layered(as_instance(random_instance(seed))), random.Random(seed)
    price, solved = rng.choice([0.0, 3.0]), 0
    for _ in range(4):
        more = frozenset(rng.sample(NAMES, rng.randrange(1, len(NAMES))))
        less = frozenset(rng.sample(sorted(more), rng.randrange(len(more))))
        layered.solver.remembered = []
        relaxed(layered, less, price)
        layered.solver.use(layered.only(more))
        answer = sifted(layered.solver, None, NEVER)
        fresh = relaxed(layered, more, price)
        if answer is not None:
            assert answer.objective == pytest.approx(fresh.objective, rel=1e-6, abs=1e-6)
            agrees(layered, more, answer, price)
            solved += 1
    assert solved


def test_the_nearest_answer_is_taken_and_none_that_is_too_far() -> None:
    layered = wide()
    layered.solver.remembered = []
    assert sifted(layered.solver, None, NEVER) is None
    far, near = relaxed(layered, frozenset()), relaxed(layered, EVERY - {"L15", "contract"})
    layered.solver.use(layered.only(EVERY - {"contract"}))
    expected = 1.5 * near.objective  # which the prices of the other one miss by too much
    assert sifted(layered.solver, None, NEVER, expected=expected) is not None
    assert sifted(layered.solver, None, NEVER, expected=near.objective * 10) is None
    layered.solver.remembered = [(0.0, far)]
    assert sifted(layered.solver, None, NEVER, expected=expected) is None
    assert sifted(layered.solver, None, NEVER) is not None


@pytest.mark.parametrize("layer", NAMES)
def test_a_core_without_a_layer_starts_from_the_optimal_basis(layer: str) -> None:
    """Closed routes leave many tight rows out of the core."""
    layered = wide()
    first = relaxed(layered, EVERY - {layer})
    core = core_of(layered.solver, first)
    assert not core.rows.all()
    again = core.solver.relax(NEVER)
    assert again.objective == pytest.approx(first.objective, rel=1e-9)
    assert core.solver._highs.getInfo().simplex_iteration_count <= 5
