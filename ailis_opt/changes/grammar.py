"""What a change consists of, and how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Op = Literal["set", "mul", "add", "insert", "remove"]

SIGNS: dict[Op, str] = {"set": "=", "mul": "*=", "add": "+=", "insert": "+", "remove": "-"}
HEADER = "instance"
HEADER_COLUMNS = ("budget",)
PERIOD = "period"


@dataclass(frozen=True, slots=True)
class Series:
    """A column by period: `table` has a row per `key` and period, whose `value` stands in place of the column's own."""

    table: str
    key: str
    value: str


BY_PERIOD = {
    ("offers", "price_per_gpu_hour"): Series("prices", "offer", "price_per_gpu_hour"),
    ("regions", "power_price_per_kwh"): Series("power", "region", "price_per_kwh"),
    ("indices", "price_per_gpu_hour"): Series("curves", "index", "price_per_gpu_hour"),
}
"""Columns of tables without periods whose values by period stand in another table."""

_PLAIN_WORD = re.compile(r'[^\s&=<>!\[\]()*,"]([^&=<>!\[\]()*,"\n\r]*[^\s&=<>!\[\]()*,"])?')
_PLAIN_VALUE = re.compile(r'[^\s;@"]([^;@"\n\r]*[^\s;@"])?')


@dataclass(frozen=True, slots=True)
class Change:
    """One edit of an instance.

    `table`: a table, or `instance` for the header. `where`: what stands between the brackets, conditions joined by ` & `, empty for all
    rows. `value` is the cell's text ("" for a blank); for `mul` and `add` a number; for `insert` the row, a flow mapping of YAML
    `{column: value}` (`where` and `column` are empty). `remove` takes the rows out (`column` and `value` are empty). Periods are inclusive.
    """

    table: str
    where: str
    column: str
    op: Op
    value: str
    first_period: int | None = None
    last_period: int | None = None

    def __str__(self) -> str:
        rows = f"[{self.where}]" if self.where else ""
        if self.op == "insert":
            return f"{self.table}{rows} + {self.value}"
        if self.op == "remove":
            return f"{self.table}{rows} -"
        value = self.value if not self.value or _PLAIN_VALUE.fullmatch(self.value) else quoted(self.value)
        text = f"{self.table}{rows}.{self.column} {SIGNS[self.op]} {value}".rstrip()
        if self.first_period is None and self.last_period is None:
            return text
        first, last = ("" if p is None else str(p) for p in (self.first_period, self.last_period))
        return f"{text} @ {first}..{last}" if first != last else f"{text} @ {first}"


def quoted(text: str) -> str:
    """The text between double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquoted(text: str) -> str:
    """What stands between the double quotes."""
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def selector(**values: object) -> str:
    """The `where` of the rows whose columns have these values: `selector(region="paris")`; values are quoted where they must be."""
    parts = []
    for column, value in values.items():
        text = str(value)
        parts.append(f"{column}={text if _PLAIN_WORD.fullmatch(text) else quoted(text)}")
    return " & ".join(parts)
