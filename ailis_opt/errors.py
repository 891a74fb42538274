"""Every error that a user can meet, in one tree.

With the exit code of the command line:

    AilisError
    ├── InputError        exit 2   the input is at fault; carries every fault found
    ├── InfeasibleError   exit 3   no plan meets every limit (confirmed by a second solve)
    │   └── NoRouteError  exit 3   somebody who must be served has no open route at all (no solve was needed)
    ├── NoPlanError       exit 5   a limit was reached before any plan was found
    ├── NumbersError      exit 2   its numbers are too far apart for any solver
    └── AuditError        exit 1   a plan failed its audit: a defect of the program, never published
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class AilisError(Exception):
    """Base of all errors; `exit_code` is what the command line returns."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with an input: where it stands, why it is wrong, and the mend."""

    file: str
    why: str
    mend: str
    row: int | None = None  # line of the file for CSV and YAML, data row (from 1) for Parquet
    column: str | None = None
    value: str | None = None
    mark: tuple[int, int] | None = None  # where `file` is no file but a text: begin and end of what is wrong in it

    @property
    def pointer(self) -> str:
        """A line to print under `file`, with marks under what is wrong; empty where there is no mark."""
        return "" if self.mark is None else " " * self.mark[0] + "^" * max(1, self.mark[1] - self.mark[0])

    def __str__(self) -> str:
        if self.mark is not None:
            return f"{self.file}\n{self.pointer}\n{self.why}. {self.mend}"
        where = self.file
        if self.row is not None:
            where += f", row {self.row}"
        if self.column is not None:
            where += f", {self.column}"
        shown = "" if self.value is None else f" = {self.value!r}"
        return f"{where}{shown}: {self.why}. {self.mend}"


class InputError(AilisError):
    """The input is at fault. `faults` holds all that was found, in file order."""

    exit_code = 2

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(f) for f in self.faults))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Fault, ...]]]:
        """Passes from one process to another with its faults."""
        return type(self), (self.faults,)


class InfeasibleError(AilisError):
    """No plan meets every limit; the second solve agreed."""

    exit_code = 3


class NoRouteError(InfeasibleError):
    """Somebody who must be served has no open route; the message counts the routes that each reason closes."""


class NoPlanError(AilisError):
    """The time limit (or an interruption) came before the first plan."""

    exit_code = 5


class UnboundedError(AilisError):
    """No plan is best: hedges without a limit gain more and more."""

    exit_code = 2


class AuditError(AilisError):
    """The plan broke a limit or a cost did not add up when recomputed; it is not published."""


class NumbersError(AilisError):
    """The numbers of the input are too far apart, or not finite, once they stand in the program."""

    exit_code = 2
