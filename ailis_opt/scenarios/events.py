"""Events that no history shows: supply, efficiency and policy; from a YAML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from ailis_opt.errors import Fault, InputError
from ailis_opt.io import yaml_text
from ailis_opt.io.messages import why_and_mend, without_echoes
from ailis_opt.io.raw import shown
from ailis_opt.io.tabular import text_of
from ailis_opt.schema.columns import Count, Name, Number, Row, Share, cell
from ailis_opt.schema.uncertainty import Basis

EventKind = Literal["grid_slip", "withdrawal", "shortage", "efficiency", "closure", "changes"]
TABLE_OF: dict[str, str] = {
    "grid_slip": "offers",
    "withdrawal": "offers",
    "shortage": "offers",
    "efficiency": "profiles",
    "closure": "regions",
}
"""The table of which an event selects rows."""
USUAL_BASIS: dict[str, Basis] = {
    "grid_slip": "power",
    "withdrawal": "reliability",
    "shortage": "memory",
    "efficiency": "workload",
    "closure": "policy",
}
_NEEDED = {
    "grid_slip": ("severity",),
    "withdrawal": (),
    "shortage": ("severity",),
    "efficiency": ("severity",),
    "closure": ("jurisdiction",),
    "changes": ("changes", "basis"),
}
_TAKEN = {
    "grid_slip": ("where", "severity"),
    "withdrawal": ("where", "when"),
    "shortage": ("where", "severity"),
    "efficiency": ("where", "severity", "elasticity"),
    "closure": ("where", "jurisdiction"),
    "changes": ("changes", "severity", "when"),
}
MOST_BYTES = 1_000_000
FORM = "Write `name:` and under it kind, where, probability, and what the kind needs"


def _pair(value: object) -> object:
    """A number alone is both ends."""
    return value if isinstance(value, (list, tuple)) else [value, value]


Range = Annotated[tuple[Number, Number], BeforeValidator(_pair)]
Window = Annotated[tuple[Count, Count], BeforeValidator(_pair)]


class Event(Row):
    """Something that may happen once inside the horizon. See docs/scenarios.md for what each kind does."""

    name: Name = cell("name of the event", "name")
    kind: EventKind = cell("what happens", "one of")
    where: str = cell("rows that it happens to", "selector", "")
    probability: Share = cell("probability that it happens", "share")
    severity: Range | None = cell("how strong it is, or least and most", "number", None)
    when: Window | None = cell("period in which it begins, or first and last", "period", None)
    basis: Basis = cell("type of basis risk", "one of", "")
    elasticity: Annotated[float, Field(ge=-10, le=10)] = cell("of demand to efficiency", "number", 0.0)
    jurisdiction: str = cell("what regions are no longer under", "name", "")
    changes: list[str] = cell("changes, {severity} and {start} for what is drawn", "list", [])

    @model_validator(mode="after")
    def _sound(self) -> Event:
        for key in _NEEDED[self.kind]:
            if not getattr(self, key):
                raise PydanticCustomError("needed", "{kind} needs {key}", {"kind": self.kind, "key": key})
        for key in ("where", "severity", "when", "elasticity", "jurisdiction", "changes"):
            if getattr(self, key) and key not in _TAKEN[self.kind]:
                raise PydanticCustomError("meaningless", "{key} has no meaning for {kind}", {"kind": self.kind, "key": key})
        for key in ("severity", "when"):
            ends = getattr(self, key)
            if ends is not None and ends[0] > ends[1]:
                raise PydanticCustomError("ends", "{key}: the first is above the second", {"key": key})
        if self.severity is None and any("{severity}" in text for text in self.changes):
            raise PydanticCustomError("needed", "its changes use a {severity} that is not given", {"severity": "severity"})
        if self.severity is not None:
            self._require_severity(*self.severity)
        return self

    def _require_severity(self, least: float, most: float) -> None:
        if self.kind == "shortage" and most > 1:
            raise PydanticCustomError("share", "severity of a shortage is the share of lots that is left: 0 to 1")
        if self.kind == "grid_slip" and (least != int(least) or most != int(most)):
            raise PydanticCustomError("whole", "severity of a grid_slip is a number of whole periods")

    @property
    def tag(self) -> Basis:
        """The basis type that its changes bear."""
        return self.basis or USUAL_BASIS[self.kind]


def read_events(path: str | Path) -> list[Event]:
    """The events of a YAML file `{name: {kind, probability, …}}`. Raises InputError with all that is wrong with it, by line."""
    path = Path(path)
    if not path.exists():
        raise InputError([Fault(str(path), "does not exist", "Name a YAML file of events")])
    text = text_of(path, MOST_BYTES)
    if isinstance(text, Fault):
        raise InputError([text])
    node, problems = yaml_text.parse(text)
    if problems:
        raise InputError([Fault(path.name, problem.why, problem.mend, problem.line) for problem in problems])
    if not isinstance(node, yaml_text.Mapping) or not node:
        raise InputError([Fault(path.name, "no events", FORM, None if not node else 1)])
    found, faults = list[Event](), list[Fault]()
    for name, content in node.items():
        if not isinstance(content, yaml_text.Mapping):
            faults.append(Fault(path.name, "not `key: value` lines", FORM, node.lines[name], name, shown(content)))
            continue
        try:
            found.append(Event.model_validate({**yaml_text.without_blanks(content), "name": name}))
        except ValidationError as error:
            details = [dict(detail) for detail in error.errors(include_url=False)]
            faults += without_echoes((detail, _fault(path.name, node, name, detail)) for detail in details)
    if faults:
        raise InputError(faults)
    return found


def _fault(file: str, node: yaml_text.Mapping, name: str, detail: dict[str, Any]) -> Fault:
    where: Sequence[Any] = (name, *detail["loc"])
    line = yaml_text.line_of(node, tuple(where))
    key = ".".join(str(part) for part in where)
    if not detail["loc"]:
        return Fault(file, str(detail["msg"]), "See docs/scenarios.md for what each kind takes", line, key)
    why, mend = why_and_mend(detail, Event, str(detail["loc"][0]))
    value = None if detail["type"] in ("missing", "extra_forbidden") else shown(detail["input"])
    return Fault(file, why, mend, line, key, value)
