"""The basis of an LP, as HiGHS holds it and as arrays; each is made from the other when it is first asked for."""

from __future__ import annotations

import highspy
import numpy as np
import numpy.typing as npt

Statuses = npt.NDArray[np.int8]
STATUSES = tuple(highspy.HighsBasisStatus.__members__.values())
LOWER, BASIC, UPPER = (int(getattr(highspy.HighsBasisStatus, name)) for name in ("kLower", "kBasic", "kUpper"))


class Basis:
    """Where each column and each row stands: at a bound, or basic."""

    def __init__(self, held: highspy.HighsBasis | None = None, statuses: tuple[Statuses, Statuses] | None = None) -> None:
        self._held, self._statuses = held, statuses

    @property
    def statuses(self) -> tuple[Statuses, Statuses]:
        """(columns,), (rows,) HiGHS's numbers: LOWER, BASIC, UPPER and, rare, others of variables without bounds."""
        if self._statuses is None:
            assert self._held is not None
            self._statuses = _numbers(self._held.col_status), _numbers(self._held.row_status)
        return self._statuses

    @property
    def held(self) -> highspy.HighsBasis:
        """For HiGHS, which is told to complete it where it is none."""
        if self._held is None:
            assert self._statuses is not None
            self._held = highspy.HighsBasis()
            self._held.valid = self._held.alien = True
            self._held.col_status, self._held.row_status = ([STATUSES[s] for s in each.tolist()] for each in self._statuses)
        return self._held

    def with_row(self) -> Basis:
        """With one more row, which is basic."""
        basis = highspy.HighsBasis()
        basis.valid, basis.col_status = True, self.held.col_status
        basis.row_status = [*self.held.row_status, STATUSES[BASIC]]
        return Basis(basis)


def _numbers(statuses: list[highspy.HighsBasisStatus]) -> Statuses:
    return np.fromiter((status.value for status in statuses), dtype=np.int8, count=len(statuses))
