"""`ailis-opt import`, `ailis-opt export xlsx` and `--book` as a planner runs them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ailis_opt.io import read
from tests.cli.conftest import Run
from tests.imports.test_azure import FULL, H100
from tests.imports.test_gcp import FLAT
from tests.support.files import write_folder
from tests.test_books import market


def azure(path: Path) -> Path:
    file = path / "prices.json"
    file.write_text(json.dumps({"Items": FULL}))
    return file


def test_a_price_list_into_a_folder(ailis: Run, tmp_path: Path) -> None:
    out = tmp_path / "market"
    ran = ailis("import", "azure-retail", azure(tmp_path), "--out", out)
    assert ran.code == 0, ran.err
    assert "prices.json: 5 offers" in ran.out
    assert "16 prices found = 5 used in offers + 11 left out" in ran.out
    assert "with a Windows licence" in ran.out
    assert ran.err == f"written: {out}, and what was left out in {out}.left-out.csv\n"
    assert sorted(p.name for p in out.iterdir()) == ["offers.csv", "regions.csv", "skus.csv", "summary.txt"]
    with (tmp_path / "market.left-out.csv").open() as file:
        left = list(csv.DictReader(file))
    assert len(left) == 11
    assert left[0] == {
        "where": "prices.json item 1, meter m-1",
        "what": f"{H100} in eastus, savings plan 1 Year",
        "reason": "a savings plan: it commits money an hour, not capacity",
        "mend": "Use a price book with the discount",
    }
    assert ailis("import", "azure-retail", azure(tmp_path), "--out", out).code == 0  # an earlier import may be replaced


def test_imported_tables_make_an_instance(ailis: Run, tmp_path: Path) -> None:
    out = tmp_path / "market"
    assert ailis("import", "azure-retail", azure(tmp_path), "--out", out).code == 0
    (out / "instance.yaml").write_text("schema: ailis-opt/1\nname: x\nhorizon: {start: 2027-01-01, periods: 2}\n")
    (out / "workloads.csv").write_text("workload\nwork\n")
    (out / "demand.csv").write_text("workload,outcomes\nwork,1000\n")
    (out / "profiles.csv").write_text("profile,workload,sku,gpus,units_per_hour\np,work,h100,8,1\n")
    assert ailis("solve", out, "--json").code == 0
    assert read(out).tables["offers"]["region"].unique().tolist() == ["virginia"]
    ran = ailis("import", "azure-retail", azure(tmp_path), "--out", out)
    assert ran.code == 2
    assert "is the folder of an instance" in ran.err


def test_as_json(ailis: Run, tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text(FLAT)
    ran = ailis("import", "gcp", tmp_path / "flat.csv", "--json", "--skus", "h100", "--regions", "iowa")
    document = json.loads(ran.out)
    assert document["schema"] == "ailis-opt-import/1"
    assert document["prices"] == {"found": 16, "used": 4, "left_out": 12}
    assert document["rows"] == {"regions": 1, "skus": 1, "offers": 4}
    assert document["tables"]["offers"][0]["price_per_gpu_hour"] == 8.0
    assert document["left_out"][0]["examples"]
    written = json.loads(ailis("import", "gcp", tmp_path / "flat.csv", "--json", "--out", tmp_path / "o.csv").out)
    assert written["paths"] == [str(tmp_path / "o.csv"), str(tmp_path / "o.csv.left-out.csv")]
    assert (tmp_path / "o.csv").read_text().startswith("offer,provider,")


def test_a_price_list_as_a_workbook_and_back(ailis: Run, tmp_path: Path) -> None:
    book = tmp_path / "market.xlsx"
    assert ailis("import", "azure-retail", azure(tmp_path), "--out", book).code == 0
    ran = ailis("import", "xlsx", book, "--out", tmp_path / "tables")
    assert (ran.code, ran.out) == (0, f"{book}: 3 tables: regions 1, skus 1, offers 5\nwritten: {tmp_path / 'tables'}\n")
    assert ailis("import", "azure-retail", azure(tmp_path), "--out", tmp_path / "market").code == 0
    for name in ("regions", "skus", "offers"):
        assert (tmp_path / "tables" / f"{name}.csv").read_text() == (tmp_path / "market" / f"{name}.csv").read_text()


def test_an_instance_there_and_back(ailis: Run, contract: Path, tmp_path: Path) -> None:
    ran = ailis("export", "xlsx", contract, "--out", tmp_path / "a.xlsx", "--json")
    document = json.loads(ran.out)
    assert document["instance_sha256"] == read(contract).sha256
    back = json.loads(ailis("import", "xlsx", tmp_path / "a.xlsx", "--out", tmp_path / "again", "--json").out)
    assert back["instance_sha256"] == document["instance_sha256"] == read(tmp_path / "again").sha256
    assert "sha256" in ailis("import", "xlsx", tmp_path / "a.xlsx").out
    assert ailis("import", "xlsx", tmp_path / "a.xlsx", "--out", tmp_path / "again").code == 2  # not over an instance


def test_wrong_files_are_told(ailis: Run, contract: Path, tmp_path: Path) -> None:
    (tmp_path / "page.json").write_text("<html></html>")
    for arguments, said in (
        (("import", "azure-retail", tmp_path / "page.json"), "a web page"),
        (("import", "azure-retail", tmp_path / "none.json"), "does not exist"),
        (("import", "gcp", azure(tmp_path)), "no list of skus"),
        (("import", "skypilot", azure(tmp_path)), "is a file"),
        (("import", "xlsx", azure(tmp_path)), "no Excel workbook"),
        (("import", "azure-retail", azure(tmp_path), "--out", tmp_path / "x.parquet"), "neither a folder nor a file"),
        (("import", "azure-retail", azure(tmp_path), "--data", tmp_path / "none"), "no folder"),
        (("import", "azure-retail", azure(tmp_path), "--regions", "virgina"), "Did you mean 'virginia'"),
        (("import", "xlsx", azure(tmp_path), "--skus", "h100"), "taken in whole"),
        (("export", "xlsx", contract, "--out", tmp_path / "x.xls"), "ends in .xlsx"),
        (("solve", contract, "--book", tmp_path / "none.csv"), "does not exist"),
    ):
        ran = ailis(*arguments)
        assert (ran.code, said in ran.err) == (2, True), ran.err
        assert "Traceback" not in ran.err
    assert ailis("import", "azur").code == 2


def test_a_price_book(ailis: Run, tmp_path: Path) -> None:
    instance = write_folder(market(), tmp_path / "market")
    book = tmp_path / "deals.csv"
    book.write_text("offer,discount,source\nhere/hire,0.5,frame contract\n")
    checked = ailis("check", instance, "--book", book)
    assert checked.code == 0
    assert "Prices from the price book" in checked.out
    assert "deals.csv row 2: frame contract" in checked.out
    document = json.loads(ailis("check", instance, "--book", book, "--json").out)
    assert document["booked"][0]["list_price_per_gpu_hour"] == 4
    out = tmp_path / "plan"
    ran = ailis("solve", instance, "--book", book, "--out", out)
    assert "1 of these offers at prices of the price book" in ran.out
    with (out / "hired.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["price_source"] for row in rows if row["offer"] == "here/hire"} == {"deals.csv row 2: frame contract"}
    assert json.loads((out / "result.json").read_text())["booked"][0]["price_per_gpu_hour"] == 2
    assert (out / "booked.csv").exists()
    assert ailis("report", out).code == 0
    assert ailis("solve", instance, "--out", out).code == 0
    assert not (out / "booked.csv").exists()  # nothing of the earlier run is left
    found = json.loads(ailis("explain", instance, "--book", book, "--json", "--jobs", "1").out)
    plain = json.loads(ailis("explain", instance, "--json", "--jobs", "1").out)
    assert found["full"] < plain["full"]
    dear = "offers[offer=here/hire].price_per_gpu_hour *= 1.1"
    cases = json.loads(ailis("whatif", instance, "--book", book, "--set", dear, "--json", "--jobs", "1").out)
    assert cases["base"]["cost"] == pytest.approx(json.loads(ailis("solve", instance, "--book", book, "--json").out)["cost"])
    book.write_text("offer,discount\nhere/hir,0.5\n")
    ran = ailis("explain", instance, "--book", book)
    assert (ran.code, "Did you mean 'here/hire'" in ran.err) == (2, True)
