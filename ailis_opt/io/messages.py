"""What pydantic found, in the words of a planner: why a cell is wrong, and the mend."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from ailis_opt.errors import Fault
from ailis_opt.io.raw import did_you_mean, nearest
from ailis_opt.schema.columns import FORMS

_LIMITS = {
    "greater_than_equal": ("less than {ge:g}, the least that is allowed", "Give {ge:g} or more"),
    "greater_than": ("not above {gt:g}", "Give more than {gt:g}"),
    "less_than_equal": ("more than {le:g}, the most that is allowed", "Give {le:g} or less"),
    "less_than": ("not below {lt:g}", "Give less than {lt:g}"),
}
_KINDS = {
    "float": ("not a number", "Write a plain number such as 1250.5: no unit, no thousands separator"),
    "int": ("not a whole number", "Write a whole number such as 12"),
    "string": ("not a single text", "Write one value here"),
    "tuple": ("not a list", "Write a; b, or [a, b] in YAML"),
    "list": ("not a list", "Write a list in YAML, one item per line"),
    "model": ("not `key: value` lines", "Write `key: value` lines"),
}


def why_and_mend(detail: dict[str, Any], model: type[BaseModel], column: str) -> tuple[str, str]:
    """Why and mend of one error of pydantic at `column` of `model`."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return "a value is needed here", f"Give {_meaning(model, column)}"
    if kind == "extra_forbidden":
        return f"there is no {column!r} here", nearest(column, _names(model))
    if kind == "literal_error":
        return "not one of the words allowed here", _words(str(detail["input"]), model, column)
    if kind == "string_pattern_mismatch":
        return FORMS[context["pattern"]]
    if kind == "finite_number":
        return "not a finite number", "Leave the cell blank for the default, or give a number"
    if kind in _LIMITS:
        why, mend = _LIMITS[kind]
        return why.format(**context), mend.format(**context)
    for prefix, words in _KINDS.items():
        if kind.startswith(prefix + "_"):
            return words
    return detail["msg"], f"Give {_meaning(model, column)}"


def without_echoes(found: Iterable[tuple[dict[str, Any], Fault]]) -> list[Fault]:
    """Faults of errors of pydantic, but for what is missing and is the suggestion for an unknown name beside it."""
    found = list(found)
    suggested = {(detail["loc"][:-1], fault.mend) for detail, fault in found if detail["type"] == "extra_forbidden"}
    return [
        fault
        for detail, fault in found
        if detail["type"] != "missing" or (detail["loc"][:-1], did_you_mean(str(detail["loc"][-1]))) not in suggested
    ]


def _meaning(model: type[BaseModel], column: str) -> str:
    field = model.model_fields.get(column)
    if field is None or field.description is None:
        return "a value of the right kind"
    extra = field.json_schema_extra
    unit = extra.get("unit", "") if isinstance(extra, dict) else ""
    return f"{field.description} ({unit})"


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _words(given: str, model: type[BaseModel], column: str) -> str:
    field = next((f for n, f in model.model_fields.items() if column in (n, f.alias)), None)
    if field is None:
        return "Use one of the words of the schema"
    words = [str(w) for w in typing.get_args(field.annotation) if w != ""]
    close = nearest(given, words)
    return close if not close.startswith("Did") else f"{close} Allowed: {', '.join(words)}"
