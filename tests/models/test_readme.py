"""`models/README.md` is what the code says. `pytest --update` rewrites it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from ailis_models import decisions, describe
from ailis_models.formulation import FAMILIES, PLAN_COSTS, SCENARIO_COSTS, SLICE_COSTS
from ailis_models.layers import LAYERS, REASONS

README = Path(describe.__file__).parents[1] / "README.md"


def test_readme_is_current(update: bool) -> None:
    page = describe.markdown()
    if update:
        README.write_text(page, encoding="utf-8")
    assert README.read_text(encoding="utf-8") == page


def test_runs_as_a_module(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(describe.__file__, run_name="__main__")
    assert capsys.readouterr().out == describe.markdown()


def test_nothing_is_left_out() -> None:
    page = describe.markdown()
    for layer in LAYERS:
        assert f"### {layer.id} {layer.title}\n" in page
    for family in FAMILIES:
        said, formula = describe.words(family)
        assert f"**`{family.name}`**" in page
        assert said in page
        assert formula in page
    assert set(describe.RULES) == {reason.name for reason in REASONS}
    names = ("plan_cost", "scenario_cost", "slice_cost")
    costs = {getattr(m, name) for modules in describe.COSTS.values() for m in modules for name in names if hasattr(m, name)}
    assert costs == {*PLAN_COSTS, *SCENARIO_COSTS, *SLICE_COSTS}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_families_say_what_they_are(family: object) -> None:
    said, formula = describe.words(family)
    assert said.endswith(".")
    assert "=" in formula


def test_decisions_are_documented() -> None:
    """Every variable that `decisions.py` makes stands in its docstring (whole and part ones as their union)."""
    for function in (decisions.plan_variables, decisions.scenario_variables, decisions.slice_variables):
        source = Path(decisions.__file__).read_text(encoding="utf-8").split(f"def {function.__name__}")[1].split("\ndef ")[0]
        made = {line.split("m.")[1].split(" =")[0] for line in source.splitlines() if "= pyo.Var(" in line}
        documented = function.__doc__ or ""
        assert {name for name in made if f"{name}[" not in documented} <= {"whole_lots", "part_lots", "whole_hired", "part_hired"}
