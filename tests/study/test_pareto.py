"""The front: against one made by hand, and against a count over all pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from ailis_opt.study.pareto import HIGH, MEASURES, WIDE, letters, picture, with_front

FIGURE = st.one_of(st.none(), st.integers(0, 5).map(float))


def frame(rows: list[tuple[float | None, float | None]], measure: str = "carbon") -> pd.DataFrame:
    values = np.array(rows, dtype=float).reshape(-1, 2)
    return pd.DataFrame({"run": [f"r{i}" for i in range(len(rows))], "cost_per_outcome": values[:, 0], measure: values[:, 1]})


def test_by_hand() -> None:
    """Cheap and dirty, dear and clean, one between that dominates two others, its twin, and one without a plan."""
    rows = [(1.0, 9.0), (5.0, 1.0), (3.0, 4.0), (4.0, 5.0), (3.0, 6.0), (3.0, 4.0), (None, None)]
    found = with_front(frame(rows), "carbon")
    assert found["dominated"].tolist() == [False, False, False, True, True, False, None]
    assert found["dominated_by"].tolist() == [None, None, None, "r2", "r2", None, None]
    assert letters(found) == ["a", "d", "b", "", "", "c", ""]


def test_more_service_is_better() -> None:
    found = with_front(frame([(1.0, 0.8), (2.0, 0.9), (2.0, 0.7)], "service"), "service")
    assert found["dominated"].tolist() == [False, False, True]


def test_noise_is_no_difference() -> None:
    found = with_front(frame([(1.0, 5.0), (1.0 + 1e-13, 5.0 - 1e-13)]), "carbon")
    assert found["dominated"].tolist() == [False, False]


@given(st.lists(st.tuples(FIGURE, FIGURE), max_size=12), st.sampled_from(sorted(MEASURES)))
def test_against_all_pairs(rows: list[tuple[float | None, float | None]], measure: str) -> None:
    found = with_front(frame(rows, measure), measure)
    sign = MEASURES[measure][1]
    points = [None if a is None or b is None else (a, sign * b) for a, b in rows]

    def beats(p: tuple[float, float] | None, q: tuple[float, float]) -> bool:
        return p is not None and p[0] <= q[0] and p[1] <= q[1] and p != q

    expected = [None if q is None else any(beats(p, q) for p in points) for q in points]
    assert found["dominated"].tolist() == expected
    for point, by in zip(points, found["dominated_by"], strict=True):
        if by is not None:
            assert point is not None
            assert beats(points[int(by[1:])], point)


@given(st.lists(st.tuples(FIGURE, FIGURE), max_size=40))
def test_picture(rows: list[tuple[float | None, float | None]]) -> None:
    """Every mark of the front is in it (or under one of the front in the same place), and it has the size that it has."""
    found = with_front(frame(rows), "carbon")
    lines = picture(found, "carbon", "EUR")
    if not any(a is not None and b is not None for a, b in rows):
        assert lines == []
        return
    assert len(lines) == HIGH + 4
    drawn = [line.split("│", 1)[1] for line in lines[1 : HIGH + 1]]
    assert max(map(len, drawn)) <= WIDE
    marks = set("".join(drawn)) - {" "}
    assert marks <= {*letters(found), "·"} - {""}
    assert "".join(drawn).strip()


def test_picture_by_hand() -> None:
    """Dear to the right, much carbon above."""
    found = with_front(frame([(1.0, 9.0), (5.0, 1.0), (5.0, 9.0)]), "carbon")
    lines = [line.split("│", 1)[-1] for line in picture(found, "carbon", "EUR")]
    assert lines[1] == "a" + " " * (WIDE - 2) + "·"
    assert lines[HIGH] == " " * (WIDE - 1) + "b"
