"""What a run under scenarios shows and writes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ailis_opt.optimize import solve
from ailis_opt.output.files import write_files
from ailis_opt.output.folder import run_files
from ailis_opt.output.summary import summary
from ailis_opt.output.text import render
from ailis_opt.report import Run, html, workbook
from ailis_opt.report.contents import sections
from ailis_opt.report.hedging.document import Comparison
from ailis_opt.report.hedging.figures import quantile
from ailis_opt.report.hedging.page import hedging_page
from ailis_opt.result import Result
from tests.support.files import as_instance
from tests.support.hedged import year


@pytest.fixture(scope="module")
def result() -> Result:
    return solve(as_instance(year()), in_process=True, gap=1e-9)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_summary_tells_what_may_happen(result: Result) -> None:
    said = " ".join(render(summary(as_instance(year()), result, 1e-4), 100).split())
    assert result.risk is not None
    assert "(0.4 x CVaR at 60% + 0.6 x expected cost)" in said
    assert f"expected cost {result.risk.expected_cost:.2f} the mean over 4 scenarios" in said
    assert f"CVaR at 60.0% {result.risk.cvar:.2f}" in said
    assert "hold lots premium EUR" in said
    alone = " ".join(render(summary(as_instance(year()), alone_result(), 1e-4), 100).split())
    assert "What may happen" not in alone
    assert "hold lots" not in alone


def alone_result() -> Result:
    """The same market without scenarios and hedges."""
    data = year()
    for table in ("scenarios", "changes", "hedges"):
        del data["tables"][table]
    data["header"]["risk"]["weight"] = 0
    return solve(as_instance(data), in_process=True)


def test_files_by_scenario(result: Result, tmp_path: Path) -> None:
    instance = as_instance(year())
    files = run_files(instance, result, summary(instance, result, 1e-4))
    stated = rows(files["scenarios.csv"])
    assert [row["scenario"] for row in stated] == ["calm", "dear", "local", "busy"]
    mean = sum(float(row["probability"]) * float(row["cost"]) for row in stated)
    assert mean == pytest.approx(result.cost)
    hired = rows(files["by_scenario/hired.csv"])
    assert next(iter(hired[0])) == "scenario"
    whole = sum(float(s["probability"]) * float(row["cost"]) for s in stated for row in hired if row["scenario"] == s["scenario"])
    assert whole == pytest.approx(result.cost_by["on_demand"])
    assert files["by_scenario/training.csv"].startswith("scenario,")
    write_files(tmp_path / "run", files)
    run = Run.read(tmp_path / "run")
    assert run.result["risk"]["cvar"] == pytest.approx(result.risk.cvar if result.risk is not None else 0)
    assert html(run)
    assert workbook(run)


def test_the_section_is_there_only_under_scenarios(staged: Run, solved: Run) -> None:
    (section,) = [section for section in sections(staged) if section.id == "uncertainty"]
    assert [part.id for part in section.parts] == ["fig-scenarios", "fig-each", "scenarios", "positions"]
    costs = [row[2] for row in section.tables[0].rows]
    assert costs == sorted(costs, key=lambda cost: -float(cost or 0))
    assert [section.id for section in sections(solved) if section.id == "uncertainty"] == []
    (money,) = [section for section in sections(staged) if section.id == "costs"]
    assert money.tables[0].rows[-1][-1] == pytest.approx(staged.result["cost"])  # hedges are among the components


def test_the_comparison_has_a_page_without_plans(comparison: Mapping[str, Any]) -> None:
    """Where every portfolio is infeasible there is still a page that says so."""
    gone = [{"portfolio": one["portfolio"], "status": "infeasible", "why": "too little"} for one in comparison["portfolios"]]
    empty = dict(comparison) | {"portfolios": gone, "best": None, "as_good": [], "hedges": [], "frontier": []}
    page = hedging_page(empty | {"price_of_risk_aversion": None})
    assert "No portfolio has a plan" in page
    assert "too little" in page


def test_documents_are_read_back_as_they_are(comparison: Mapping[str, Any]) -> None:
    c = Comparison.of(json.loads(json.dumps(comparison, default=float).replace("Infinity", "null")))
    assert [plan.portfolio for plan in c.plans] == [one["portfolio"] for one in comparison["portfolios"]]
    assert c.recommended is not None
    assert c.recommended.portfolio == "free choice"
    assert set(c.types) == {"SKU", "region", "workload"}


def test_quantiles_are_weighted() -> None:
    values, probability = np.array([3.0, 1.0, 2.0]), np.array([0.2, 0.5, 0.3])
    assert [quantile(values, probability, level) for level in (0.25, 0.5, 0.75, 0.81, 1)] == [1, 1, 2, 3, 3]
