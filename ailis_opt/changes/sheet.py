"""A table while it is changed: its columns as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Column = npt.NDArray[Any]


class Sheet:
    """Columns of a typed table, as arrays that are replaced and never written to; its frame is made anew only where one was."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._rows = len(frame)
        self._read: dict[str, Column] = {}
        self._edited: dict[str, Column] = {}

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, column: str) -> Column:
        if column in self._edited:
            return self._edited[column]
        if column not in self._read:
            self._read[column] = self._frame[column].to_numpy()
        return self._read[column]

    def __setitem__(self, column: str, values: Column) -> None:
        """Replace a column. `values` are of its dtype."""
        self._edited[column] = values

    def append(self, rows: Mapping[str, Column]) -> None:
        """Add rows, given as all of the columns."""
        self._edited = {column: np.concatenate([self[column], rows[column]]) for column in self._frame.columns}
        self._rows += len(next(iter(rows.values())))

    def frame(self) -> pd.DataFrame:
        """The table: the same one as long as nothing is changed."""
        if self._edited:
            index = pd.RangeIndex(self._rows)
            edited = {column: pd.Series(values, index, dtype=values.dtype) for column, values in self._edited.items()}
            self._frame = self._frame.assign(**edited) if self._rows == len(self._frame) else pd.DataFrame(edited, index)
            self._read, self._edited = {}, {}
        return self._frame
