"""Figures as people read them."""

from __future__ import annotations

import json
import math
from datetime import date

import numpy as np
import pytest

from ailis_opt.cli.progress import describe
from ailis_opt.engine.search import Progress
from ailis_opt.output.document import as_json
from ailis_opt.output.figures import ending, moment, number, percent
from ailis_opt.schema.header import Horizon


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.0089191, "0.008919"),
        (0.00999996, "0.01000"),
        (0.5, "0.5000"),
        (3, "3"),
        (12.345, "12.35"),
        (999.96, "1,000"),
        (1234.5, "1,234"),
        (123456.7, "123,457"),
        (999999.4, "999,999"),
        (999999.6, "1 M"),
        (12_345_678, "12.35 M"),
        (3_608_123_456, "3,608 M"),
        (-1234567, "-1.235 M"),
        (2.3e-8, "2.300e-08"),
        (math.inf, "unlimited"),
        (math.nan, "-"),
        (None, "-"),
    ],
)
def test_number(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_more_digits() -> None:
    assert (number(0.00891912, 6), number(0.00891913, 6)) == ("0.00891912", "0.00891913")


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.1234, "12.3%"),
        (0.14, "14.0%"),
        (0.9999, "99.99%"),
        (0.99999, "99.999%"),
        (0.0002, "0.02%"),
        (math.nan, "-"),
    ],
)
def test_percent(share: float, shown: str) -> None:
    assert percent(share) == shown


@pytest.mark.parametrize(
    ("kind", "start", "period", "shown"),
    [
        ("month", date(2027, 1, 1), 13, "2028-02"),
        ("month", date(2027, 1, 15), 1, "2027-02-15"),
        ("week", date(2027, 1, 1), 1, "2027-01-08"),
        ("day", date(2027, 2, 28), 1, "2027-03-01"),
        ("hour", date(2027, 1, 1), 25, "2027-01-02 01:00"),
    ],
)
def test_moment(kind: str, start: date, period: int, shown: str) -> None:
    assert moment(Horizon(start=start, periods=1, period=kind), period) == shown  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "start", "period", "shown"),
    [
        ("month", date(2027, 1, 1), 13, "2028-02"),
        ("month", date(2027, 1, 15), 1, "2027-03-14"),
        ("week", date(2027, 1, 4), 1, "2027-01-17"),
        ("day", date(2027, 2, 28), 1, "2027-03-01"),
        ("hour", date(2027, 1, 1), 24, "2027-01-02 01:00"),
    ],
)
def test_ending(kind: str, start: date, period: int, shown: str) -> None:
    assert ending(Horizon(start=start, periods=1, period=kind), period) == shown  # type: ignore[arg-type]


def test_json_holds_plain_values_only() -> None:
    document = {"a": np.float64("nan"), "b": np.int64(3), "c": (math.inf, True, "ü"), "d": {"e": np.bool_(False)}}
    assert json.loads(as_json(document)) == {"a": None, "b": 3, "c": [None, True, "ü"], "d": {"e": False}}


def test_progress() -> None:
    assert describe(Progress("relaxation", -math.inf, math.inf, 1.2), "USD") == "relaxation, 1 s"
    assert describe(Progress("search", 0.99, 1.0, 12.0), "USD") == "search, bound 0.99000, plan 1 USD, gap 1.0%, 12 s"
