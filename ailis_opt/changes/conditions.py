"""What stands between the brackets of a change: conditions on columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn, Protocol, cast

from ailis_opt.changes.grammar import unquoted
from ailis_opt.schema import Table

Span = tuple[int, int]
Comparison = Literal["=", "!=", "<", "<=", ">", ">=", "in"]

NAME = re.compile(r"[^\W\d]\w*")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_COMPARISON = re.compile(r"!=|<=|>=|=|<|>|in\b")
_FLAGS = ("true", "yes", "1", "false", "no", "0")


@dataclass(frozen=True, slots=True)
class Word:
    """A value in a condition. `exact`: it was quoted, so that a `*` in it is only a star."""

    text: str
    exact: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Condition:
    """What is asked of a column."""

    column: str
    comparison: Comparison
    words: tuple[Word, ...]
    column_span: Span
    sign_span: Span


class Reader(Protocol):
    """Who reads the whole change: its text, its table (None: unknown), and where faults go."""

    text: str
    table: Table | None

    def note(self, span: Span, why: str, mend: str) -> None:
        """Keep a fault."""

    def stop(self, span: Span, why: str, mend: str) -> NoReturn:
        """Raise InputError with all faults kept so far and this one."""

    def column(self, name: str, span: Span) -> None:
        """Keep a fault if the table has no such column."""


class Conditions:
    """Reads what stands between the brackets."""

    def __init__(self, reader: Reader, start: int, end: int) -> None:
        self.reader = reader
        self.text = reader.text
        self.at, self.end = start, end

    def read(self) -> list[Condition]:
        found = [self._one()]
        while self.at < self.end:
            self.at += 1  # over the &
            found.append(self._one())
        return found

    def _stop(self, why: str = "not a list of conditions", mend: str = "Write column=value & column=value") -> NoReturn:
        self.reader.stop((self.at, max(self.at + 1, self.end)), why, mend)

    def _blank(self) -> None:
        while self.at < self.end and self.text[self.at].isspace():
            self.at += 1

    def _one(self) -> Condition:
        self._blank()
        name = NAME.match(self.text, self.at, self.end)
        if name is None:
            self._stop()
        self.at = name.end()
        self._blank()
        sign = _COMPARISON.match(self.text, self.at, self.end)
        if sign is None:
            self._stop(mend="After the column comes one of = != < <= > >= in")
        self.at = sign.end()
        comparison = cast(Comparison, sign.group())
        words = self._words() if comparison == "in" else (self._word("&"),)
        self._blank()
        if self.at < self.end and self.text[self.at] != "&":
            self._stop(mend="Join conditions by &, and put a value with one of these signs into double quotes")
        self._check(name.group(), comparison, words, name.span(), sign.span())
        return Condition(name.group(), comparison, words, name.span(), sign.span())

    def _words(self) -> tuple[Word, ...]:
        self._blank()
        if self.text[self.at : self.at + 1] != "(":
            self._stop("expected ( here", "Write in (a, b)")
        found: list[Word] = []
        while not found or self.text[self.at] == ",":
            self.at += 1
            found.append(self._word(",()&"))
            self._blank()
            if self.at >= self.end or self.text[self.at] not in ",)":
                self._stop("the list is never closed", "Write in (a, b)")
            if not found[-1].text and not found[-1].exact:
                self.reader.note(found[-1].span, "an item is missing here", 'Leave out the comma, or write "" for a blank cell')
        self.at += 1
        return tuple(found)

    def _word(self, ends: str) -> Word:
        self._blank()
        start = self.at
        quote = QUOTED.match(self.text, start, self.end)
        if quote is not None:
            self.at = quote.end()
            return Word(unquoted(quote.group()), True, quote.span())
        while self.at < self.end and self.text[self.at] not in ends:
            if self.text[self.at] in '"=<>![]':
                self._stop(why=f"a {self.text[self.at]} in a value", mend='Put the value into double quotes: column="a = b"')
            self.at += 1
        text = self.text[start : self.at].rstrip()
        return Word(text, False, (start, max(start + len(text), start + 1)))

    def _check(self, column: str, comparison: Comparison, words: Sequence[Word], named: Span, sign: Span) -> None:
        """Note a column that is not there, and a comparison or a value that does not fit it."""
        table, reader = self.reader.table, self.reader
        reader.column(column, named)
        if table is None or column not in table.columns:
            return
        kind = table.kinds[column]
        number = kind in ("int", "float", "optional") and not table.is_flag(column)
        if comparison in ("<", "<=", ">", ">=") and not number:
            reader.note(sign, f"{column} is not a number", "Compare it with =, != or in")
        for word in words:
            if number and not _fits(word.text, comparison):
                reader.note(word.span, f"{word.text!r} is not a number", f"{column} is a number: write one such as 12.5")
            if table.is_flag(column) and word.text.lower() not in _FLAGS:
                reader.note(word.span, f"{word.text!r} is neither true nor false", "Write true or false")


def _fits(text: str, comparison: Comparison) -> bool:
    """Whether it can be compared with numbers; a blank only by = and !=."""
    if not text:
        return comparison in ("=", "!=", "in")
    try:
        return float(text) == float(text)
    except ValueError:
        return False
