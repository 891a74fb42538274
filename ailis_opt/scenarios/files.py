"""`fit.json`: a fit as a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from ailis_opt.errors import Fault, InputError
from ailis_opt.io.raw import shown
from ailis_opt.io.tabular import text_of
from ailis_opt.scenarios.fit import Fit

MOST_BYTES = 200_000_000
AGAIN = "Write it again: `ailis-opt scenarios INSTANCE --from HISTORY.csv --out FOLDER`"


def fit_text(fit: Fit) -> str:
    """The fit as the text of `fit.json`."""
    return fit.model_dump_json(indent=1, by_alias=True) + "\n"


def read_fit(path: str | Path) -> Fit:
    """The fit of a `fit.json`. Raises InputError with all that is wrong with it."""
    path = Path(path)
    if not path.exists():
        raise InputError([Fault(str(path), "does not exist", AGAIN)])
    text = text_of(path, MOST_BYTES)
    if isinstance(text, Fault):
        raise InputError([text])
    try:
        fit = Fit.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise InputError([Fault(path.name, f"not valid JSON: {error.msg}", AGAIN, error.lineno)]) from None
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise InputError([_fault(path.name, d["loc"], str(d["msg"]), d["input"]) for d in details]) from None
    _require_correlation(path.name, fit)
    return fit


def _fault(file: str, where: tuple[int | str, ...], why: str, value: object) -> Fault:
    plain = shown(value) if isinstance(value, (str, int, float)) else None
    return Fault(file, why, AGAIN, column=".".join(map(str, where)) or None, value=plain)


def _require_correlation(file: str, fit: Fit) -> None:
    """Raise InputError unless the correlation is that of the factors: square, symmetric, 1 on the diagonal, positive definite."""
    n = len(fit.factors)
    rows = [len(row) for row in fit.correlation]
    sound = rows == [n] * n
    if sound:
        matrix = np.array(fit.correlation, dtype=float)
        sound = bool(np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1) and np.linalg.eigvalsh(matrix)[0] > 1e-9)
    if not sound:
        why = "not the correlation of the factors: a row and a column for each, 1 on the diagonal, symmetric and positive definite"
        raise InputError([Fault(file, why, AGAIN, column="correlation")])
