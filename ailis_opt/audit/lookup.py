"""Tables as arrays: looking up rows by a key, summing by keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ailis_opt.audit.ledger import Columns, Floats, Ints


class Table(dict[str, npt.NDArray[Any]]):
    """A table of the instance; a column is taken out of the frame when it is first asked for."""

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__()
        self._frame = frame

    def __missing__(self, column: str) -> npt.NDArray[Any]:
        values = self[column] = self._frame[column].to_numpy()
        return values


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a table that others refer to: `found["column"]` holds its value for each of them."""

    table: Columns
    at: Ints

    def __getitem__(self, column: str) -> npt.NDArray[Any]:
        return np.asarray(self.table[column][self.at])

    def number(self, column: str, blank: float = np.nan) -> Floats:
        """The same as floats, `blank` where the table has none."""
        values = self.table[column].astype(float)
        return np.asarray(np.where(np.isnan(values), blank, values)[self.at])


def positions(values: Iterable[str], names: Iterable[str]) -> Ints:
    """Where each value stands in `names`: the first place (-1: nowhere)."""
    at: dict[str, int] = {}
    for i, name in enumerate(names):
        at.setdefault(name, i)
    return np.array([at.get(value, -1) for value in values], dtype=np.intp)


def find(table: Columns, key: str, names: Iterable[str]) -> Found:
    """The row of each name, which must be there."""
    at = positions(names, table[key])
    if (at < 0).any():
        raise ValueError(f"the instance has no {key} of that name: {list(names)[int(np.argmin(at))]!r}")
    return Found(table, at)


def listed(table: Columns, keys: tuple[str, str], figure: str) -> dict[tuple[str, Any], float]:
    """A figure of a table by two of its columns."""
    one, other = (table[key].tolist() for key in keys)
    return dict(zip(zip(one, other, strict=True), table[figure].astype(float).tolist(), strict=True))


def totals(keys: Mapping[str, npt.ArrayLike], amounts: Mapping[str, npt.ArrayLike]) -> Columns:
    """Sums of amounts (rows,) by keys (rows,), in the order of the keys."""
    number: npt.NDArray[np.int64] = np.zeros(1, np.int64)
    levels = []
    for name, values in keys.items():
        code, level = pd.factorize(np.asarray(values), sort=True)
        number = number * len(level) + code
        levels.append((name, level))
    found, at = np.unique(number, return_inverse=True)
    rest = found
    columns: dict[str, npt.NDArray[Any]] = {}
    for name, level in reversed(levels):
        rest, code = np.divmod(rest, max(len(level), 1))
        columns[name] = level[code]
    summed = {name: np.bincount(at, np.asarray(values, float), len(found)) for name, values in amounts.items()}
    return {name: columns[name] for name in keys} | summed


def sums(shape: tuple[int, ...], where: tuple[Ints, ...], amount: npt.ArrayLike) -> Floats:
    """An array of `shape` with each amount added at its place."""
    out = np.zeros(shape)
    np.add.at(out, where, amount)
    return out
