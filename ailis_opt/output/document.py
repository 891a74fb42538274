"""JSON documents: plain values only, no NaN."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ailis_opt.errors import InputError

ERROR_SCHEMA = "ailis-opt-error/1"


def plain(value: Any) -> Any:
    """The value in JSON's own types: NaN and infinities become None, numpy scalars Python's, tuples lists."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def as_json(document: Mapping[str, Any], indent: int | None = 2) -> str:
    """The document as text (ASCII, two spaces of indent; None: one line, which is several times faster to make)."""
    return json.dumps(plain(document), indent=indent, allow_nan=False)


def error_document(kind: str, code: int, message: str, error: Exception | None = None) -> dict[str, Any]:
    """What `--json` prints where there is nothing else to print: `ailis-opt-error/1`."""
    faults = error.faults if isinstance(error, InputError) else ()
    rows = [{name: getattr(f, name) for name in ("file", "row", "column", "value", "why", "mend")} for f in faults]
    return {"schema": ERROR_SCHEMA, "kind": kind, "exit_code": code, "message": message, "faults": rows}
