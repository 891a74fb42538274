"""From words to changes. Every fault names its place in the words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn

from ailis_opt.changes.conditions import NAME, QUOTED, Condition, Conditions, Span
from ailis_opt.changes.grammar import BY_PERIOD, HEADER, HEADER_COLUMNS, PERIOD, SIGNS, Change, unquoted
from ailis_opt.errors import Fault, InputError
from ailis_opt.io import yaml_text
from ailis_opt.io.raw import nearest
from ailis_opt.schema import TABLES, Table

FORMS = "Write TABLE[WHERE].COLUMN = VALUE, TABLE + {COLUMN: VALUE}, or TABLE[WHERE] -"
_ASSIGN = re.compile(r"\*=|\+=|=")
_PERIODS = re.compile(r"@\s*(?:(?P<only>\d+)|(?P<first>\d*)\s*\.\.\s*(?P<last>\d*))\s*$")
_OPS = {sign: op for op, sign in SIGNS.items()}
_CLOSING = {"{": "}", "[": "]"}


@dataclass(slots=True)
class Parsed:
    """A change with the places of its parts in `text`. `row`: the cells of a row to insert."""

    text: str
    change: Change
    conditions: tuple[Condition, ...] = ()
    row: dict[str, Any] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)

    def fault(self, part: str | Span, why: str, mend: str) -> InputError:
        """A fault at a part (table, where, column, op, value, periods) or a place."""
        span = self.spans.get(part, (0, len(self.text))) if isinstance(part, str) else part
        return InputError([Fault(self.text, why, mend, mark=span)])

    def cell_span(self, column: str) -> Span:
        """Where the column of a row to insert is named."""
        found = re.search(rf"[{{,\s](['\"]?{re.escape(column)}['\"]?)\s*:", self.text[self.spans["value"][0] :])
        start = self.spans["value"][0]
        return self.spans["value"] if found is None else (start + found.start(1), start + found.end(1))


def parse(text: str) -> Change:
    """The change that the words say. Raises InputError with the faults, each with its place."""
    return parsed(text).change


def parse_all(text: str) -> list[Change]:
    """Changes separated by `;` (outside quotes, brackets and braces). Raises InputError with the faults of all."""
    return parse_list([piece for piece in _pieces(text) if piece.strip()] or [text])


def parse_list(texts: Iterable[str]) -> list[Change]:
    """Each text as one change. Raises InputError with the faults of all."""
    found, faults = [], list[Fault]()
    for text in texts:
        try:
            found.append(parse(text))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    return found


@lru_cache(maxsize=10_000)
def parsed(text: str) -> Parsed:
    """The change with the places of its parts. What is returned is shared: it is not to be written to."""
    return _Parser(" ".join(text.split()) if "\n" in text else text.strip()).read()


def _pieces(text: str) -> list[str]:
    """The parts between `;` that is outside of quotes, brackets and braces."""
    out, start, at = list[str](), 0, 0
    while at < len(text):
        if text[at] in _CLOSING or text[at] == '"':
            end = _end(text, at)
            at = len(text) if end is None else end
            continue
        if text[at] == ";":
            out.append(text[start:at])
            start = at + 1
        at += 1
    return [*out, text[start:]]


def _end(text: str, at: int) -> int | None:
    """Where what opens at `at` (a quote, a bracket, a brace) is over; None: never. In braces single quotes count, too, as in YAML."""
    if text[at] == '"':
        quote = QUOTED.match(text, at)
        return None if quote is None else quote.end()
    closing, inside, i = _CLOSING[text[at]], text[at] == "{", at + 1
    while i < len(text):
        if text[i] == closing:
            return i + 1
        if text[i] == '"' or (inside and text[i] in _CLOSING):
            end = _end(text, i)
            if end is None:
                return None
            i = end
        elif inside and text[i] == "'" and text[i - 1] in " ,:[{":
            i = text.find("'", i + 1) + 1
            if i == 0:
                return None
        else:
            i += 1
    return None


class _Parser:
    """Reads one change from left to right. Names that are not known are gathered; what is no change at all ends it at once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.faults: list[Fault] = []
        self.spans: dict[str, Span] = {}
        self.table: Table | None = None

    def read(self) -> Parsed:
        name = self._name("table", "not a change", FORMS)
        self.table = TABLES.get(name)
        if self.table is None and name != HEADER:
            self.note(self.spans["table"], f"there is no table {name!r}", nearest(name, (*TABLES, HEADER)))
        where, conditions = self._where()
        self._blank()
        sign, row = self.text[self.at : self.at + 1], dict[str, Any]()
        if sign == ".":
            change = self._edit(name, where)
        elif sign == "+" and self.text[self.at : self.at + 2] != "+=":
            change, row = self._insert(name, where)
        elif sign == "-":
            change = self._remove(name, where)
        else:
            self.stop((self.at, self.at + 1), "expected .COLUMN, + or - here", FORMS)
        if name == HEADER:
            self._header(change)
        if self.faults:
            raise InputError(self.faults)
        return Parsed(self.text, change, conditions, row, self.spans)

    def note(self, span: Span, why: str, mend: str) -> None:
        self.faults.append(Fault(self.text, why, mend, mark=span))

    def stop(self, span: Span, why: str, mend: str) -> NoReturn:
        self.note(span, why, mend)
        raise InputError(self.faults)

    def _blank(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _name(self, part: str, why: str, mend: str) -> str:
        self._blank()
        found = NAME.match(self.text, self.at)
        if found is None:
            self.stop((self.at, self.at + 1), why, mend)
        self.spans[part] = found.span()
        self.at = found.end()
        return found.group()

    def column(self, name: str, span: Span) -> None:
        """Note a column that the table does not have."""
        if self.table is not None and name not in self.table.columns:
            self.note(span, f"{self.table.name} has no column {name!r}", nearest(name, self.table.columns))

    def _where(self) -> tuple[str, tuple[Condition, ...]]:
        self._blank()
        if self.text[self.at : self.at + 1] != "[":
            return "", ()
        end = _end(self.text, self.at)
        if end is None:
            self.stop((self.at, self.at + 1), "the bracket is never closed", "Close it with ], and close quotes inside it")
        start, self.at = self.at + 1, end
        self.spans["where"] = (start, end - 1)
        where = self.text[start : end - 1]
        return where.strip(), tuple(Conditions(self, start, end - 1).read()) if where.strip() else ()

    def _edit(self, table: str, where: str) -> Change:
        self.at += 1
        column = self._name("column", "a column is missing here", "Name a column of the table after the dot")
        if table != HEADER:
            self.column(column, self.spans["column"])
        self._blank()
        found = _ASSIGN.match(self.text, self.at)
        if found is None:
            mend = {"-": "Write += with a number below 0", "/": "Write *= with 1 divided by the number"}
            self.stop((self.at, self.at + 2), "expected =, *= or += here", mend.get(self.text[self.at : self.at + 1], FORMS))
        self.spans["op"], self.at = found.span(), found.end()
        value = self._value()
        first, last = self._periods()
        return Change(table, where, column, _OPS[found.group()], value, first, last)

    def _value(self) -> str:
        self._blank()
        start = self.at
        if self.text[start : start + 1] == '"':
            quote = QUOTED.match(self.text, start)
            if quote is None:
                self.stop((start, len(self.text)), "the quote is never closed", 'Close it with "')
            self.spans["value"], self.at = quote.span(), quote.end()
            self._blank()
            if self.text[self.at : self.at + 1] not in ("", "@"):
                self.stop((self.at, len(self.text)), "nothing but @ and periods may follow a quoted value", "Put all of it into the quotes")
            return unquoted(quote.group())
        found = re.compile(r"[^@]*").match(self.text, start)
        value = "" if found is None else found.group().rstrip()
        self.spans["value"], self.at = (start, start + max(len(value), 1)), start + (0 if found is None else len(found.group()))
        for sign, why in ((";", "a ; ends a change"), ('"', "a quote in the middle of a value")):
            if sign in value:
                at = start + value.index(sign)
                self.stop((at, at + 1), why, 'Put the value into double quotes: "a;b"')
        return value

    def _periods(self) -> tuple[int | None, int | None]:
        if self.at >= len(self.text):
            return None, None
        found = _PERIODS.match(self.text, self.at)
        self.spans["periods"] = (self.at, len(self.text))
        if found is None or not any(found.groups()):
            self.stop(self.spans["periods"], "not periods", "Write @ 3, @ 3..8, @ 3.. or @ ..8")
        if self.table is None and self.text[slice(*self.spans["table"])] != HEADER:
            return None, None
        first, last = (int(text) if text else None for text in (found["only"] or found["first"], found["only"] or found["last"]))
        if first is not None and last is not None and first > last:
            self.note(self.spans["periods"], "the first period is after the last", "Write the earlier one first")
        column = self.text[slice(*self.spans["column"])]
        if self.table is not None and PERIOD not in self.table.columns and (self.table.name, column) not in BY_PERIOD:
            self.note(self.spans["periods"], f"{self.table.name}.{column} has no periods", self._without_periods())
        return first, last

    def _without_periods(self) -> str:
        told = ", ".join(f"{table}.{column}" for table, column in BY_PERIOD)
        with_periods = ", ".join(name for name, table in TABLES.items() if PERIOD in table.columns)
        return f"Leave out what follows @. By period can be changed: the tables {with_periods}; and {told}"

    def _insert(self, table: str, where: str) -> tuple[Change, dict[str, Any]]:
        sign = self.at
        self.at += 1
        self._blank()
        if "where" in self.spans:
            self.stop(self.spans["where"], "a row is added to a table, not to some of its rows", "Leave out the brackets")
        end = _end(self.text, self.at) if self.text[self.at : self.at + 1] == "{" else None
        if end is None:
            self.stop((sign, len(self.text)), "not a row", "Write {column: value, column: value}, a flow mapping of YAML")
        start, self.at = self.at, end
        self.spans["value"] = (start, end)
        self._over("a row")
        node, problems = yaml_text.parse(self.text[start:end])
        for problem in problems:
            self.note((start, end), problem.why, problem.mend)
        row = node if isinstance(node, yaml_text.Mapping) and not problems else {}
        change = Change(table, where, "", "insert", self.text[start:end])
        seen = Parsed(self.text, change, spans=self.spans)
        for column in row:
            self.column(column, seen.cell_span(column))
        return change, dict(row)

    def _remove(self, table: str, where: str) -> Change:
        self.spans["op"] = (self.at, self.at + 1)
        self.at += 1
        self._over("-")
        return Change(table, where, "", "remove", "")

    def _over(self, what: str) -> None:
        self._blank()
        if self.at < len(self.text):
            self.stop((self.at, len(self.text)), f"nothing may follow {what}", "Leave it out, or put a ; before the next change")

    def _header(self, change: Change) -> None:
        """Note what cannot be said of the header."""
        if "where" in self.spans:
            self.note(self.spans["where"], f"{HEADER} has no rows", "Leave out the brackets")
        if change.column not in HEADER_COLUMNS:
            known = ", ".join(f"{HEADER}.{name}" for name in HEADER_COLUMNS)
            span = self.spans.get("column", self.spans["table"])
            self.note(span, f"not a part of {HEADER}.yaml that can be changed", f"Of the header can be changed: {known}")
        if "periods" in self.spans:
            self.note(self.spans["periods"], f"{change.column} has no periods", "Leave out what follows @")
