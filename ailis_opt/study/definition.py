"""The study file (`ailis-opt-study/1`): instances, what-ifs and portfolios, and how each of their combinations is solved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from ailis_opt.books import apply_book
from ailis_opt.changes import Change, parse
from ailis_opt.errors import Fault, InputError
from ailis_opt.io import read, yaml_text
from ailis_opt.io.messages import why_and_mend, without_echoes
from ailis_opt.io.raw import shown
from ailis_opt.io.tabular import text_of
from ailis_opt.schema import Instance
from ailis_opt.schema.columns import Name, Positive, Row, cell

SCHEMA: Literal["ailis-opt-study/1"] = "ailis-opt-study/1"
BASE = "base"
"""The what-if without any change, which every study runs."""
MOST_BYTES = 10_000_000

Changes = dict[Name, list[str]]


class Solve(Row):
    """How each run is solved."""

    gap: Annotated[float, Field(gt=0, lt=1)] = cell("relative gap of the objective at which a search stops", "share", 1e-4)
    time_limit: Positive | None = cell("most that one run may search", "s", None, blank="no limit")


class Document(Row):
    """The content of a study file. The key `schema` of the file is the attribute `format` here."""

    format: Literal["ailis-opt-study/1"] = Field(alias="schema", description="format of the file", json_schema_extra={"unit": "one of"})
    instances: Annotated[list[str], Field(min_length=1)] = cell("paths of instances, from the folder of the study", "list")
    whatifs: Changes = cell("lists of changes, by name", "key: value", {})
    portfolios: Changes = cell("lists of changes on what may be signed, by name", "key: value", {})
    book: str = cell("path of a price book over the offers of every instance, from the folder of the study", "text", "")
    solve: Solve = cell("how each run is solved", "key: value", Solve())

    @field_validator("whatifs")
    @classmethod
    def _base_is_ours(cls, value: Changes) -> Changes:
        if BASE in value:
            raise PydanticCustomError("base", "the name base is that of the case without changes, which always runs")
        return value

    @field_validator("instances")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        twice = next((path for i, path in enumerate(value) if path in value[:i]), None)
        if twice is not None:
            raise PydanticCustomError("repeated", "an instance is listed twice: {path}", {"path": twice})
        return value


_PARTS: dict[str, type[BaseModel]] = {"solve": Solve}


class Study:
    """A valid study: every instance read, every change parsed.

    `instances`, `whatifs` and `portfolios` are by name, in the order of the file. `whatifs` begins with `base`; without portfolios
    there is one, without a name and without changes. An instance has the name in its header; where several have the same,
    each has the path under which the study lists it.
    """

    def __init__(self, path: Path, document: Document, instances: list[Instance], changes: dict[tuple[str, str], list[Change]]) -> None:
        names = [instance.header.name for instance in instances]
        self.path = path
        self.gap, self.time_limit = document.solve.gap, document.solve.time_limit
        self.instances = {
            name if names.count(name) == 1 else listed: instance
            for name, listed, instance in zip(names, document.instances, instances, strict=True)
        }
        self.whatifs: dict[str, list[Change]] = {BASE: []} | {name: changes["whatifs", name] for name in document.whatifs}
        self.portfolios: dict[str, list[Change]] = {name: changes["portfolios", name] for name in document.portfolios} or {"": []}

    @property
    def runs(self) -> int:
        """How many runs the study has."""
        return len(self.instances) * len(self.whatifs) * len(self.portfolios)


def read_study(path: Path) -> Study:
    """Read a study, its instances and its changes. Raises InputError with all that is wrong with any of them."""
    faults: list[Fault] = []
    document, node = _document(path, faults)
    if document is None:
        raise InputError(faults)
    instances = list(_instances(path, document, node, faults))
    changes: dict[tuple[str, str], list[Change]] = {}
    for section in ("whatifs", "portfolios"):
        for name, texts in getattr(document, section).items():
            changes[section, name] = list(_parsed(path, node, (section, name), texts, faults))
    if faults:
        raise InputError(faults)
    return Study(path, document, instances, changes)


def _document(path: Path, faults: list[Fault]) -> tuple[Document | None, Any]:
    if not path.is_file():
        why = "is a folder" if path.is_dir() else "does not exist"
        faults.append(Fault(str(path), why, f"Name a study: a YAML file that begins with `schema: {SCHEMA}`"))
        return None, None
    text = text_of(path, MOST_BYTES)
    if isinstance(text, Fault):
        faults.append(text)
        return None, None
    node, problems = yaml_text.parse(text)
    faults.extend(Fault(path.name, p.why, p.mend, p.line) for p in problems)
    if not problems and not isinstance(node, yaml_text.Mapping):
        faults.append(Fault(path.name, "not `key: value` lines" if node else "is empty", f"Begin with `schema: {SCHEMA}`"))
    if faults:
        return None, None
    try:
        return Document.model_validate(yaml_text.without_blanks(node)), node
    except ValidationError as error:
        details = [dict(detail) for detail in error.errors(include_url=False)]
        faults.extend(without_echoes((detail, _fault(path, node, detail)) for detail in details))
        return None, None


def _fault(path: Path, node: Any, detail: dict[str, Any]) -> Fault:
    where = tuple(part for part in detail["loc"] if part != "[key]")
    names = [str(part) for part in where]
    parents = [_PARTS[n] for n in names[:-1] if n in _PARTS]
    why, mend = why_and_mend(detail, parents[-1] if parents else Document, names[-1])
    if detail["type"] == "base":
        mend = "Give the what-if another name"
    elif detail["type"] == "repeated":
        mend = "List it once"
    value = shown(detail["input"]) if isinstance(detail["input"], str) and detail["type"] != "extra_forbidden" else None
    return Fault(path.name, why, mend, yaml_text.line_of(node, where), ".".join(names), value)


def _instances(path: Path, document: Document, node: Any, faults: list[Fault]) -> Iterable[Instance]:
    for i, listed in enumerate(document.instances):
        try:
            instance = read(path.parent / listed)
            yield apply_book(instance, path.parent / document.book) if document.book else instance
        except InputError as error:
            line, why = yaml_text.line_of(node, ("instances", i)), "this instance cannot be read, or the book does not fit it"
            faults.append(Fault(path.name, why, "See its own faults below", line, f"instances.{i}", listed))
            faults.extend(f if listed in f.file else replace(f, file=f"{listed}/{f.file}") for f in error.faults)


def _parsed(path: Path, node: Any, where: tuple[str, str], texts: list[str], faults: list[Fault]) -> Iterable[Change]:
    """The changes of one list; each fault shows the text, and says where it stands in the study."""
    for i, text in enumerate(texts):
        try:
            yield parse(text)
        except InputError as error:
            place = f"{path.name}, row {yaml_text.line_of(node, (*where, i))}"
            faults.extend(replace(fault, why=f"{fault.why} ({place})") for fault in error.faults)
