"""Templates that are read from Pyomo again only where what they are made of has changed.

A model is written from a recorder of the arrays, which notes everything that the formulation looks at. As long as all of that is the same
in other arrays (a what-if that changes prices by the hour, say), they have the same template: its coefficients are expressions of the
parameters of scenarios and slices, and these are evaluated anew in any case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ailis_models.arrays import Data, Scenarios, Slices
from ailis_opt.engine.compile import plan_template, scenario_template, slice_template
from ailis_opt.engine.template import Template

Path = tuple[str, ...]
_Parameters = (Slices, Scenarios)
MOST = 4  # templates of a kind that are kept


class _Recorder:
    """Stands for a dataclass of arrays and notes in `seen` what is read of it, by path.

    Scenarios and slices are parameters: of them only counts where they are zero throughout.
    """

    def __init__(self, target: Any, seen: dict[Path, Any], path: Path = ()) -> None:
        self._target, self._seen, self._path = target, seen, path

    def __getattr__(self, name: str) -> Any:
        value, path = getattr(self._target, name), (*self._path, name)
        if is_dataclass(value) and not isinstance(value, _Parameters):
            value = _Recorder(value, self._seen, path)
        else:
            self._seen[path] = value
        setattr(self, name, value)  # found at once the next time
        return value


@dataclass(frozen=True, slots=True)
class _Kept:
    seen: dict[Path, Any]
    template: Template

    def fits(self, d: Data) -> bool:
        """True if the template is that of these arrays, too."""
        return all(_same(value, _at(d, path)) for path, value in self.seen.items())


class Templates:
    """The templates of the arrays seen last. Call it like `templates`."""

    def __init__(self) -> None:
        self._kept: dict[Callable[[Data], Template], list[_Kept]] = {
            make: [] for make in (plan_template, scenario_template, slice_template)
        }

    def __call__(self, d: Data) -> tuple[Template, Template, Template]:
        """The plan's, the scenario's and the slice's template."""
        return self._of(plan_template, d), self._of(scenario_template, d), self._of(slice_template, d)

    def _of(self, make: Callable[[Data], Template], d: Data) -> Template:
        kept = self._kept[make]
        for i, one in enumerate(kept):
            if one.fits(d):
                kept.append(kept.pop(i))
                return one.template
        seen: dict[Path, Any] = {}
        recorder: Any = _Recorder(d, seen)
        template = make(recorder)
        kept.append(_Kept(seen, template))
        del kept[:-MOST]
        return template


def _at(d: Any, path: Path) -> Any:
    for name in path:
        d = getattr(d, name, None)
    return d


def _used(slices: Slices | Scenarios, name: str) -> NDArray[np.int8]:
    """(items,) in how far a parameter is not zero: in no scenario or slice 0, in some 1, in all 2."""
    there = getattr(slices, name) != 0
    return np.asarray(there.any(axis=0).astype(np.int8) + there.all(axis=0))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, _Parameters):
        return isinstance(other, type(one)) and all(np.array_equal(_used(one, f.name), _used(other, f.name)) for f in fields(one))
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return type(one) is type(other) and bool(one == other)
