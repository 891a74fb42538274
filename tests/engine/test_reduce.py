"""A program without the rows it can do without has the same best plan."""

import numpy as np
import scipy.optimize
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from ailis_opt.engine.reduce import reduce


def _random(seed):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 12), rng.integers(1, 10)
    matrix = np.where(rng.random((m, n)) < rng.choice([0.15, 0.3, 0.6]), rng.integers(-3, 4, (m, n)), 0).astype(float)
    lower = np.where(rng.random(n) < 0.2, -2.0, 0.0)
    upper = np.where(rng.random(n) < 0.3, np.inf, lower + rng.integers(0, 5, n))
    planted = np.clip(rng.integers(0, 5, n).astype(float), lower, upper)  # a plan there is
    activity = matrix @ planted
    low = np.where(rng.random(m) < 0.5, -np.inf, activity - rng.integers(0, 6, m))
    high = np.where(rng.random(m) < 0.4, np.inf, activity + rng.integers(0, 6, m))
    whole = rng.random(n) < 0.4
    return matrix, low, high, lower, upper, whole, rng.integers(-3, 6, n).astype(float)


def _best(matrix, low, high, lower, upper, whole, cost):
    limits = scipy.optimize.LinearConstraint(matrix, low, high)
    return scipy.optimize.milp(cost, constraints=limits, bounds=scipy.optimize.Bounds(lower, upper), integrality=whole.astype(int))


@given(st.integers(0, 10**9))
def test_the_best_plan_is_the_same_without_the_rows_that_are_left_out(seed):
    matrix, low, high, lower, upper, whole, cost = _random(seed)
    every = scipy.sparse.coo_array(matrix)
    left = reduce((every.row, every.col, every.data), (low, high), (lower, upper), whole)
    before = _best(matrix, low, high, lower, upper, whole, cost)
    after = _best(matrix[left.rows], low[left.rows], high[left.rows], left.lower, left.upper, whole, cost)
    assert before.status == after.status
    if before.status == 0:
        assert abs(before.fun - after.fun) <= 1e-6 * (1 + abs(before.fun))
        activity = matrix @ after.x
        assert (activity >= low - 1e-6).all()
        assert (activity <= high + 1e-6).all()


def test_rows_of_one_open_column_become_bounds_one_after_the_other():
    matrix = scipy.sparse.coo_array(np.array([[2.0, 0.0], [1.0, 1.0], [1.0, 3.0]]))
    left = reduce(
        (matrix.row, matrix.col, matrix.data),
        (np.array([6.0, 0, 0]), np.array([6.0, 5, 99])),
        (np.zeros(2), np.full(2, 9.0)),
        np.zeros(2, bool),
    )
    assert left.rows.tolist() == [False, False, False]
    assert left.lower.tolist() == [3, 0]
    assert left.upper.tolist() == [3, 2]
    assert left.high_row.tolist() == [0, 1]


def test_zero_entries_count_for_nothing():
    entries = (np.array([0, 0]), np.array([0, 1]), np.array([1.0, 0.0]))
    left = reduce(entries, (np.array([-np.inf]), np.array([4.0])), (np.zeros(2), np.full(2, np.inf)), np.zeros(2, bool))
    assert left.rows.tolist() == [False]
    assert left.upper.tolist() == [4, np.inf]


def test_rows_that_contradict_each_other_stay_rows():
    """Also where only whole numbers make them do so."""
    for high, whole in ((4.0, False), (5.5, True)):
        matrix = scipy.sparse.coo_array(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
        left = reduce(
            (matrix.row, matrix.col, matrix.data),
            (np.array([5.2, -np.inf, 1.0]), np.array([np.inf, high, 2.0])),
            (np.zeros(2), np.full(2, 9.0)),
            np.array([whole, False]),
        )
        assert left.rows.tolist() == [True, True, False]
        assert left.lower.tolist() == [0, 1]
        assert left.upper.tolist() == [9, 2]
