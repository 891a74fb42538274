"""`ailis-opt export focus`: columns of the specification, and sums that are the plan's."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ailis_opt.report.focus import COLUMNS, OWN
from ailis_opt.study.store import Store
from tests.cli.conftest import Run
from tests.support.files import write_folder
from tests.support.runs import hostile, market
from tests.support.studies import write_study

NOT_NULL = set(COLUMNS) - {"ContractCommitmentDiscountPercentage"}
WORDS = {
    "ContractCommitmentBenefitCategory": {"Discount", "Monetary Pool", "Availability", "Other"},
    "ContractCommitmentCategory": {"Spend", "Usage"},
    "ContractCommitmentModel": {"Continuous", "Discontinuous"},
    "ContractCommitmentOfferCategory": {"Public", "Negotiated"},
    "ContractCommitmentPaymentModel": {"No Upfront", "Partial Upfront", "All Upfront"},
    "ContractCommitmentPaymentInterval": {"One-Time", "Monthly", "Quarterly", "Semi-Annual", "Annual", "Custom"},
}
"""Allowed values of FOCUS 1.4."""


def written(ailis: Run, data: dict[str, Any], folder: Path) -> Path:
    assert ailis("solve", write_folder(data, folder / "instance"), "--out", folder / "run", "--gap", "1e-9").code == 0
    return folder / "run"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_columns_and_sums(ailis: Run, tmp_path: Path) -> None:
    run = written(ailis, market(), tmp_path)
    ran = ailis("export", "focus", run)
    assert (ran.code, ran.err) == (0, "")
    found = rows(ran.out)
    assert list(found[0]) == [*COLUMNS, *OWN]
    assert sorted(COLUMNS) == list(COLUMNS), "FOCUS asks for its own columns by name, then ours"
    assert all(name.startswith("x_") for name in OWN)
    bought = rows((run / "purchases.csv").read_text())
    assert bought
    assert len(found) == len(bought)
    assert sum(float(row["x_CostInsideHorizon"]) for row in found) == pytest.approx(sum(float(row["cost"]) for row in bought))
    later = re.search(r"([\d,.]+) EUR more are due after the horizon", (run / "summary.txt").read_text())
    assert later is not None
    assert sum(float(row["x_CostAfterHorizon"]) for row in found) == pytest.approx(float(later[1].replace(",", "")), rel=1e-3)
    for row in found:
        assert row["ContractCommitmentLifecycleStatus"] == "Proposed"
        assert float(row["ContractCommitmentCost"]) == pytest.approx(float(row["x_CostInsideHorizon"]) + float(row["x_CostAfterHorizon"]))
        assert [name for name in NOT_NULL if not row[name]] == []
        assert [name for name, words in WORDS.items() if row[name] not in words] == []
        assert row["ContractCommitmentDiscountPercentage"] == "", "null where the benefit is availability"
    assert len({row["ContractCommitmentId"] for row in found}) == len(found)


def test_a_commitment_by_hand(ailis: Run, tmp_path: Path) -> None:
    """One lot for six months from January 2027 at 1 EUR an hour and 10 EUR upfront: 181 days."""
    (row, *_) = rows(ailis("export", written(ailis, market(), tmp_path)).out)
    lots, hours = float(row["x_Lots"]), 181 * 24
    assert (row["ContractCommitmentPeriodStart"], row["ContractCommitmentPeriodEnd"]) == ("2027-01-01T00:00:00Z", "2027-07-01T00:00:00Z")
    assert row["ContractCommitmentDurationType"] == "6 Months"
    assert float(row["ContractCommitmentQuantity"]) == pytest.approx(lots * hours)
    assert row["ContractCommitmentUnit"] == "GPU-Hours"
    assert float(row["ContractCommitmentCost"]) == pytest.approx(lots * (hours + 10))
    assert row["ContractCommitmentPaymentModel"] == "Partial Upfront"
    assert float(row["ContractCommitmentPaymentUpfrontPercentage"]) == pytest.approx(10 / (hours + 10))
    assert row["BillingCurrency"] == "EUR"
    assert row["ServiceProviderName"] == row["InvoiceIssuerName"] == "reserve"
    rules = json.loads(row["ContractCommitmentApplicability"])
    assert rules["InclusionOperator"] == "And"
    assert {rule["Dimension"]: rule["Values"] for rule in rules["Inclusions"]} == {"RegionId": ["here"], "SkuId": ["gpu"]}
    assert row["x_Source"] == "price list"
    datetime.fromisoformat(row["ContractCommitmentCreated"])


@pytest.mark.parametrize(
    ("period", "term", "upfront", "price", "duration", "model"),
    [
        ("month", 36, 0, 1, "3 Years", "No Upfront"),
        ("month", 12, 5, 0, "1 Year", "All Upfront"),
        ("week", 1, 0, 1, "1 Week", "No Upfront"),
        ("day", None, 0, 1, "3 Days", "No Upfront"),
    ],
)
def test_terms(ailis: Run, tmp_path: Path, period: str, term: int | None, upfront: float, price: float, duration: str, model: str) -> None:
    data = market()
    data["header"]["horizon"]["period"] = period
    data["tables"]["offers"][0] |= {"term_periods": term or "", "upfront_per_gpu": upfront, "price_per_gpu_hour": price, "provider": ""}
    found = rows(ailis("export", written(ailis, data, tmp_path)).out)
    row = next(row for row in found if row["x_Lots"] and row["ContractCommitmentPeriodStart"].startswith("2027-01-01"))
    assert (row["ContractCommitmentDurationType"], row["ContractCommitmentPaymentModel"]) == (duration, model)
    assert (row["ContractCommitmentPaymentInterval"] == "One-Time") == (model == "All Upfront")
    assert row["ServiceProviderName"] == "not stated"


def test_file_and_json(ailis: Run, tmp_path: Path) -> None:
    run, out = written(ailis, market(), tmp_path), tmp_path / "focus.csv"
    ran = ailis("export", run, "--out", out, "--json")
    document = json.loads(ran.out)
    assert (document["focus_version"], document["dataset"], document["paths"]) == ("1.4", "ContractCommitment", [str(out)])
    assert len(rows(out.read_text())) == len(document["rows"])
    assert document["rows"][0]["ContractCommitmentDiscountPercentage"] is None


def test_names_survive(ailis: Run, tmp_path: Path) -> None:
    found = rows(ailis("export", written(ailis, hostile(), tmp_path)).out)
    assert found[0]["x_Offer"] == "=cmd|' /C calc'!A0"


def test_from_a_store(ailis: Run, tmp_path: Path) -> None:
    study = write_study(tmp_path, {"same": ["offers.price_per_gpu_hour *= 1"], "none": ["offers[offer=lot].max_lots = 0"]})
    assert ailis("batch", study, "--quiet", "--jobs", 1).code == 0
    store = tmp_path / "study.store"
    ran = ailis("export", store)
    assert (ran.code, "3 runs" in ran.err) == (2, True)
    lots = {}
    for path in store.glob("runs/*.parquet"):
        lots[path.stem] = sum(float(row["x_Lots"]) for row in rows(ailis("export", path).out))
    assert sorted(lots.values()) == [0, 3, 3]
    assert len(Store.open(store).index()) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], ("does not exist",)),
        (["focus", "nowhere"], ("does not exist",)),
        (["."], ("holds no result.json",)),
        (["focus"], ("RUN",)),
        (["run", "--out", "f.xlsx"], ("not a CSV file",)),
    ],
)
def test_wrong(ailis: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    ran = ailis("export", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert all(word in ran.err for word in words), ran.err
