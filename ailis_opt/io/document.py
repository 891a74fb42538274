"""The YAML file of an instance: its header, and the places of the tables inside it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ailis_opt.errors import Fault
from ailis_opt.io import yaml_text
from ailis_opt.io.messages import why_and_mend, without_echoes
from ailis_opt.io.raw import nearest, shown
from ailis_opt.io.tabular import text_of
from ailis_opt.schema import TABLES, Block, Header, Horizon, Risk

MOST_BYTES = 50_000_000
_PARTS: dict[str, type[BaseModel]] = {"horizon": Horizon, "blocks": Block, "risk": Risk}


@dataclass
class Document:
    """What the YAML file holds. `header` and `horizon` are None when they had a fault; `node` when nothing could be read.

    `scenario`: it stands for a scenario of an instance, in which nothing may be demanded.
    """

    file: str
    node: yaml_text.Mapping | None = None
    header: Header | None = None
    horizon: Horizon | None = None
    inline: dict[str, tuple[Any, int]] = field(default_factory=dict)
    scenario: bool = False

    def fault(self, keys: tuple[str, ...], value: object, why: str, mend: str) -> Fault:
        """A fault at a key of the header, such as ("horizon", "blocks")."""
        return Fault(self.file, why, mend, yaml_text.line_of(self.node, keys), ".".join(keys), shown(value))


def read_document(path: Path, faults: list[Fault]) -> Document:
    """Parse the file and validate its header; unknown keys are faults."""
    document = Document(path.name)
    text = text_of(path, MOST_BYTES)
    if isinstance(text, Fault):
        faults.append(text)
        return document
    node, problems = yaml_text.parse(text)
    faults.extend(Fault(path.name, p.why, p.mend, p.line) for p in problems)
    return document if problems else document_of(path.name, node, faults)


def document_of(file: str, node: Any, faults: list[Fault]) -> Document:
    """The document of parsed content (`yaml_text`), its header validated; unknown keys are faults."""
    document = Document(file)
    if not isinstance(node, yaml_text.Mapping):
        why = "is empty" if node in (None, "") else "not `key: value` lines"
        faults.append(Fault(file, why, "Begin with `schema: ailis-opt/1`", None if node in (None, "") else 1))
        return document
    document.node = node
    document.inline = {name: (node[name], node.lines[name]) for name in TABLES if name in node}
    _header(document, {key: value for key, value in node.items() if key not in TABLES}, faults)
    return document


def _header(document: Document, content: dict[str, Any], faults: list[Fault]) -> None:
    plain = yaml_text.without_blanks(content)
    with suppress(ValidationError):
        document.horizon = Horizon.model_validate(plain.get("horizon"))
    try:
        document.header = Header.model_validate(plain)
    except ValidationError as error:
        details = [dict(detail) for detail in error.errors(include_url=False)]
        faults.extend(without_echoes((detail, _fault(document, detail)) for detail in details))


def _fault(document: Document, detail: dict[str, Any]) -> Fault:
    where = detail["loc"]
    names = [str(part) for part in where]
    parents = [_PARTS[n] for n in names[:-1] if n in _PARTS]
    why, mend = why_and_mend(detail, parents[-1] if parents else Header, names[-1])
    if detail["type"] == "extra_forbidden" and len(names) == 1:
        mend = nearest(names[0], [*("schema" if n == "format" else n for n in Header.model_fields), *TABLES])
    value = None if detail["type"] in ("missing", "extra_forbidden") else shown(detail["input"])
    return Fault(document.file, why, mend, yaml_text.line_of(document.node, where), ".".join(names), value)
