"""Whatever is done to the text of a good instance: it is read, or refused with an InputError; nothing else happens."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from ailis_opt.errors import InputError
from ailis_opt.io import read

SPICE = [
    ",",
    ";",
    '"',
    "\n",
    "\r",
    "\t",
    ":",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "!!int ",
    "---\n",
    "? ",
    "| ",
    "#",
    "'",
    "%",
    "\ufeff",
    "\0",
    "é",
]
VALUES = [
    "nan",
    "-inf",
    "1e400",
    "-1",
    "0",
    "1e18",
    "99999999999999999999",
    "0x10",
    "1_0",
    "null",
    "true",
    "any",
    "1.5",
    " ",
    "\u2028",
    "DE",
]
chunks = st.one_of(st.sampled_from(SPICE + VALUES), st.text(max_size=8))


@st.composite
def mutations(draw: st.DrawFn) -> list[tuple[int, int, int, str]]:
    """Where (file, place), how much is cut out, and what is put in."""
    part = st.tuples(st.integers(0, 20), st.integers(0, 2000), st.one_of(st.just(0), st.integers(0, 40)), chunks)
    return draw(st.lists(part, min_size=1, max_size=6))


def attempt(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as place:
        for name, content in files.items():
            (Path(place) / name).write_bytes(content)
        with suppress(InputError):
            assert len(read(place).sha256) == 64


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutations())
def test_mutated_text(good: dict[str, str], edits: list[tuple[int, int, int, str]]) -> None:
    files = dict(good)
    names = list(files)
    for which, place, cut, new in edits:
        name = names[which % len(names)]
        at = place % (len(files[name]) + 1)
        files[name] = files[name][:at] + new + files[name][at + cut :]
    attempt({name: text.encode("utf-8", "surrogatepass") for name, text in files.items()})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_cells_swapped_for_others(good: dict[str, str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([n for n in good if n.endswith(".csv")]))
    rows = [line.split(",") for line in good[name].splitlines()]
    for _ in range(data.draw(st.integers(1, 4))):
        row = data.draw(st.integers(0, len(rows) - 1))
        rows[row][data.draw(st.integers(0, len(rows[row]) - 1))] = data.draw(st.sampled_from([*VALUES, *rows[-1], ""]))
    files = {k: v.encode() for k, v in good.items()}
    attempt(files | {name: "\n".join(",".join(row) for row in rows).encode()})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.integers(0, 3000), st.sampled_from(["instance.yaml", "offers.csv", "demand.parquet"]))
def test_junk_bytes(good: dict[str, str], parquet: Callable[[str], bytes], junk: bytes, at: int, name: str) -> None:
    files: dict[str, Any] = {k: v.encode() for k, v in good.items() if k != "demand.csv"}
    files["demand.parquet"] = parquet(good["demand.csv"])
    content = files[name]
    at %= len(content) + 1
    attempt(files | {name: content[:at] + junk + content[at + len(junk) :]})
