"""Lists of changes in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ailis_opt.changes.grammar import Change
from ailis_opt.changes.parse import parse_all
from ailis_opt.errors import Fault, InputError
from ailis_opt.io import yaml_text
from ailis_opt.io.raw import shown
from ailis_opt.io.tabular import text_of

MOST_BYTES = 10_000_000
FORM = "Write `name: [change, change]`, each change that has a `: ` or ` #` in it between single quotes"


def read_changes(path: Path, may_be_empty: bool = False) -> dict[str, list[Change]]:
    """The lists of a YAML file `{name: [change …]}`, by name. Raises InputError with all faults, each with its line; a list without a
    change
    is one unless it `may_be_empty`."""
    text = text_of(path, MOST_BYTES)
    if isinstance(text, Fault):
        raise InputError([text])
    node, problems = yaml_text.parse(text)
    if problems:
        raise InputError([Fault(path.name, problem.why, f"{problem.mend}. {FORM}", problem.line) for problem in problems])
    if not isinstance(node, yaml_text.Mapping) or not node:
        raise InputError([Fault(path.name, "no names with lists of changes", FORM, None if not node else 1)])
    return lists_of(node, path.name, may_be_empty)


def lists_of(node: yaml_text.Mapping, file: str, may_be_empty: bool = False) -> dict[str, list[Change]]:
    """The same of a mapping that was read already, from a file of this name."""
    found: dict[str, list[Change]] = {}
    faults: list[Fault] = []
    for name, listed in node.items():
        found[name] = []
        for text, line in _texts(listed, node.lines[name]):
            if not isinstance(text, str) or not text.strip():
                faults.append(Fault(file, "not a change", FORM, line, name, shown(text)))
                continue
            try:
                found[name] += parse_all(text)
            except InputError as error:
                faults += [Fault(f.file, f.why, f.mend, line, f"{file}, {name}", mark=f.mark) for f in error.faults]
        if not found[name] and not faults and not (may_be_empty and isinstance(listed, yaml_text.Sequence)):
            faults.append(Fault(file, "no change", FORM, node.lines[name], name))
    if faults:
        raise InputError(faults)
    return found


def _texts(listed: Any, line: int) -> list[tuple[Any, int]]:
    """The changes of a list, each with its line; one change may stand without a list."""
    return list(zip(listed, listed.lines, strict=True)) if isinstance(listed, yaml_text.Sequence) else [(listed, line)]
