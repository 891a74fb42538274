"""The kinds of cells that tables are made of, and the one way to declare a column: `cell`.

Cells arrive as text (CSV, YAML) and leave as str, tuple of str, int, float or bool. A number is finite and never negative.
"""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

LARGEST_COUNT = 10**9
LARGEST_NUMBER = 1e18
LONGEST_LIST = 1000

NAME_FORM = r"^[^\s;\p{Cc}]([^;\p{Cc}]*[^\s;\p{Cc}])?$"
COUNTRY_FORM = r"^[A-Z]{2}$"
CURRENCY_FORM = r"^[A-Z]{3}$"
RUNTIME_FORM = r"^[^\s;/]+(/[^\s;/]+)?$"
FORMS = {
    NAME_FORM: ("not a name", "A name is not blank, has no blank at either end and no ';' or control character in it"),
    COUNTRY_FORM: ("not a country code", "Give two upper-case letters, ISO 3166-1 alpha-2"),
    CURRENCY_FORM: ("not a currency code", "Give three upper-case letters, ISO 4217"),
    RUNTIME_FORM: ("not a runtime", "Write a system runtime (cuda), or a runtime and its engine (cuda/vllm)"),
}
"""Why and mend of a text that does not have the form of its column."""

Kind = Literal["text", "list", "int", "float", "flag", "optional"]


def _split(cell: object) -> object:
    """The items of a list cell `a; b`, or of a list of an inline table; none may come twice."""
    items = [item.strip() for item in cell.split(";")] if isinstance(cell, str) else cell
    if isinstance(items, list) and any(item in items[:i] for i, item in enumerate(items[:LONGEST_LIST])):
        raise PydanticCustomError("repeated", "an item is given twice")
    return items


def _flag(cell: object) -> object:
    word = str(cell).lower()
    if word in {"true", "yes", "1"}:
        return True
    if word in {"false", "no", "0"}:
        return False
    raise PydanticCustomError("flag", "neither true nor false")


Name = Annotated[str, StringConstraints(pattern=NAME_FORM)]
Country = Annotated[str, StringConstraints(pattern=COUNTRY_FORM)]
Runtime = Annotated[str, StringConstraints(pattern=RUNTIME_FORM)]
_LIST = WithJsonSchema({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]})
_ITEMS = Field(max_length=LONGEST_LIST)
Names = Annotated[tuple[Name, ...], _ITEMS, BeforeValidator(_split), _LIST]
Countries = Annotated[tuple[Country, ...], _ITEMS, BeforeValidator(_split), _LIST]
Runtimes = Annotated[tuple[Runtime, ...], _ITEMS, BeforeValidator(_split), _LIST]
Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
Number = Annotated[float, Field(ge=0, le=LARGEST_NUMBER)]
Positive = Annotated[float, Field(gt=0, le=LARGEST_NUMBER)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
CountFrom1 = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]


def cell(description: str, unit: str, default: Any = ..., blank: str | None = None) -> Any:
    """Declare a column.

    `unit` is what a number is counted in, or the sort of text ("name", "text", "list"). Without `default` a cell is required.
    `blank` says what a blank cell stands for where that is no constant (the reader fills it in, or leaves it without a value).
    """
    extra: dict[str, Any] = {"unit": unit}
    if blank is not None:
        extra["blank"] = blank
    return Field(default, description=description, json_schema_extra=extra)


class Row(BaseModel):
    """A row of any table: its own columns, then `source` and `note`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class SourcedRow(Row):
    """The two text columns that every table has; they travel into the result."""

    source: str = cell("where the figures of this row come from", "text", "")
    note: str = cell("a remark", "text", "")


def kind_of(field: FieldInfo) -> Kind:
    """How a column is stored: text, list, int, float, flag, or optional (float64 with NaN for blank)."""
    annotation: Any = field.annotation
    if get_origin(annotation) in (Union, UnionType):
        return "optional"
    if get_origin(annotation) is tuple:
        return "list"
    plain: dict[Any, Kind] = {int: "int", float: "float", bool: "flag"}
    return plain.get(annotation, "text")


def holds(field: FieldInfo, kind: type) -> bool:
    """Whether a column holds values of a Python type (or, where it may be, nothing); all that may be blank is stored as a number."""
    kinds = get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else (field.annotation,)
    return any(kind in (one, *get_args(one)[:1]) for one in kinds)
