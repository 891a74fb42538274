"""One LP file per family: what its rows look like, written out. `pytest --update` rewrites the files."""

from __future__ import annotations

import io
from pathlib import Path

import pyomo.environ as pyo
import pytest
from pyomo.repn.plugins.lp_writer import LPWriter

from ailis_models.arrays import Data as Arrays
from ailis_models.formulation import FAMILIES, whole_model
from tests.models.cases import CASES

GOLDEN = Path(__file__).parent / "golden"


def family_lp(data: Arrays, name: str) -> str:
    """The LP file of the rows of one family, with nothing to minimize."""
    model = whole_model(data)
    model.objective.set_value(0.0)
    for constraint in model.component_objects(pyo.Constraint):
        if constraint.local_name != name:
            constraint.deactivate()
    text = io.StringIO()
    LPWriter().write(model, text, symbolic_solver_labels=True)
    return text.getvalue()


@pytest.mark.parametrize("name", [family.name for family in FAMILIES])
def test_rows(name: str, update: bool) -> None:
    file, text = GOLDEN / f"{name}.lp", family_lp(CASES[name].arrays(CASES[name].binding), name)
    if update:
        file.write_text(text, encoding="utf-8")
    assert "c_" in text.split("s.t.")[1], "the case has no row of the family"
    assert text == file.read_text(encoding="utf-8")


def test_a_file_for_every_family_and_no_other(update: bool) -> None:
    names = {f"{family.name}.lp" for family in FAMILIES}
    for file in GOLDEN.iterdir():
        if update and file.name not in names:
            file.unlink()
    assert {file.name for file in GOLDEN.iterdir()} == names
