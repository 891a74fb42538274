"""YAML, read as text with line numbers.

Every scalar stays the text that was written (`null` and `~` are blank), so that a cell means the same in YAML as in CSV:
no country `NO` becomes false, no version `1.10` becomes 1.1. Aliases, anchors, tags, repeated keys and a second document
are faults. Nothing is recursive and nothing is expanded, so a small file cannot become a large one.
"""

from __future__ import annotations

from typing import Any

import yaml

MOST_LEVELS = 20
_BLANK = {"null", "Null", "NULL", "~"}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Mapping(dict[str, Any]):
    """A YAML mapping; `line` is where it begins, `lines` where each of its keys stands (from 1)."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Sequence(list[Any]):
    """A YAML list; `line` is where it begins, `lines` where each of its items does (from 1)."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


class Problem(Exception):
    """What is wrong with the text: `line` (None where unknown), `why`, `mend`."""

    def __init__(self, line: int | None, why: str, mend: str) -> None:
        super().__init__(why)
        self.line, self.why, self.mend = line, why, mend


def parse(text: str) -> tuple[Any, list[Problem]]:
    """The one document of `text` (str, Mapping or Sequence; None when empty) and all problems found on the way."""
    builder = _Builder()
    loader = _LOADER(text)
    try:
        while loader.check_event():
            builder.take(loader.get_event())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = f"not valid YAML: {error.problem or error.context}"
        builder.problems.append(Problem(None if mark is None else mark.line + 1, why, "Mend the syntax at or before this line"))
    except yaml.YAMLError as error:
        builder.problems.append(Problem(None, f"not valid YAML: {str(error).splitlines()[0]}", "Save the file as plain UTF-8 text"))
    except Problem as problem:
        builder.problems.append(problem)
    finally:
        loader.dispose()
    return builder.root, builder.problems


def line_of(node: Any, where: tuple[Any, ...]) -> int | None:
    """Line of the innermost key on the way `where` that is in the file."""
    line = None
    for part in where:
        if isinstance(node, (Mapping, Sequence)):
            try:
                line, node = node.lines[part], node[part]
            except (KeyError, IndexError, TypeError):
                break
    return line


def without_blanks(node: Any) -> Any:
    """The same without the keys whose value is blank: they take their defaults."""
    if isinstance(node, dict):
        return {key: without_blanks(value) for key, value in node.items() if value != ""}
    return [without_blanks(item) for item in node] if isinstance(node, list) else node


class _Builder:
    """Builds one document from the events of the parser."""

    def __init__(self) -> None:
        self.root: Any = None
        self.problems: list[Problem] = []
        self._open: list[tuple[Any, str | None]] = []  # containers around, each with the key that waits for it
        self._top: Any = None
        self._key: str | None = None
        self._documents = 0

    def take(self, event: Any) -> None:
        """Take the next event in; raises Problem where going on makes no sense."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._marks(event)
            plain = event.implicit[0] and not event.style
            self._put("" if plain and event.value in _BLANK else event.value, event)
        elif kind is yaml.MappingStartEvent:
            self._enter(Mapping(event.start_mark.line + 1), event)
        elif kind is yaml.SequenceStartEvent:
            self._enter(Sequence(event.start_mark.line + 1), event)
        elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            self._top, self._key = self._open.pop()
        elif kind is yaml.AliasEvent:
            self._problem(event, f"the alias *{event.anchor} is not allowed", "Write the value out")
            self._put("", event)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                raise Problem(event.start_mark.line + 1, "a second YAML document", "Put one instance into one document: no --- inside")

    def _enter(self, container: Any, event: Any) -> None:
        self._marks(event)
        if len(self._open) >= MOST_LEVELS:
            raise Problem(container.line, f"nested more than {MOST_LEVELS} levels deep", "An instance needs no such depth")
        self._put(container, event)
        self._open.append((self._top, self._key))
        self._top, self._key = container, None

    def _put(self, value: Any, event: Any) -> None:
        top, line = self._top, event.start_mark.line + 1
        if type(top) is Mapping:
            if self._key is None:
                if not isinstance(value, str):
                    raise Problem(line, "a key that is no plain word", "Write `key: value`")
                self._key = value
                return
            if self._key in top:
                self._problem(event, f"the key {self._key!r} is given twice", "Keep one of them")
            top[self._key] = value
            top.lines[self._key] = line
            self._key = None
        elif type(top) is Sequence:
            top.append(value)
            top.lines.append(line)
        else:
            self.root = value

    def _marks(self, event: Any) -> None:
        if event.anchor is not None:
            self._problem(event, f"the anchor &{event.anchor} is not allowed", "Write every value out where it stands")
        if event.tag is not None:
            self._problem(event, f"the tag {event.tag} is not allowed", "Write the plain value")

    def _problem(self, event: Any, why: str, mend: str) -> None:
        self.problems.append(Problem(event.start_mark.line + 1, why, mend))
