"""An instance as a workbook and back is the same instance; a workbook with faults is told where they are."""

from __future__ import annotations

import io
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from ailis_opt.errors import InputError
from ailis_opt.io import read, recheck
from ailis_opt.io.workbook import read_workbook
from ailis_opt.io.write_workbook import guarded, instance_workbook, tables_workbook
from ailis_opt.schema import TABLES, Instance
from tests.support.cases import case, offer
from tests.support.files import as_instance
from tests.support.generate import random_instance

SHIPPED = sorted(path.parent for path in (Path(__file__).parents[2] / "instances").glob("*/instance.yaml"))


def back(instance: Instance, folder: Path) -> Instance:
    path = folder / "book.xlsx"
    path.write_bytes(instance_workbook(instance))
    found = read_workbook(path).instance
    assert found is not None
    return found


def same(instance: Instance, folder: Path) -> None:
    again = back(instance, folder)
    assert again.header == instance.header
    assert again.sha256 == instance.sha256
    for name in TABLES:
        pd.testing.assert_frame_equal(again.tables[name], instance.tables[name])
        pd.testing.assert_frame_equal(again.stated[name], instance.stated[name])


def noted(note: str, name: str = "hire") -> Instance:
    data = case(10)
    data["tables"]["offers"] = [offer(name, 1)]
    instance = as_instance(data)
    offers = instance.stated["offers"].assign(note=pd.Series([note], dtype=object))
    return recheck.remade(instance, {"offers": offers})


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda path: path.name)
def test_shipped_instances(folder: Path, tmp_path: Path) -> None:
    same(read(folder), tmp_path)


@pytest.mark.parametrize("seed", range(40))
def test_random_instances(seed: int, tmp_path: Path) -> None:
    same(as_instance(random_instance(seed, "small" if seed % 2 else "tiny")), tmp_path)


@settings(max_examples=25, deadline=None)
@given(note=st.text(max_size=20) | st.from_regex(r"\A'*[=+\-@\t\r'][a-z']{0,5}\Z"), price=st.floats(0, 1e18))
def test_any_text_and_any_number(note: str, price: float) -> None:
    instance = noted("" if note.isspace() else note)
    offers = instance.stated["offers"].assign(price_per_gpu_hour=[price])
    with tempfile.TemporaryDirectory() as folder:
        same(recheck.remade(instance, {"offers": offers}), Path(folder))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''@x"])
def test_a_text_that_looks_like_a_formula_is_neutral(text: str, tmp_path: Path) -> None:
    same(noted(text), tmp_path)
    book = CalamineWorkbook.from_filelike(io.BytesIO((tmp_path / "book.xlsx").read_bytes()))
    rows = book.get_sheet_by_name("offers").to_python()
    assert rows[1][rows[0].index("note")] == "'" + text


def test_plain_texts_are_left_alone() -> None:
    for text in ("'tis", "a=b", "5-3", ""):
        assert guarded(text) == text


def test_a_description_with_a_formula_and_a_budget(tmp_path: Path) -> None:
    instance = noted("")
    header = instance.header.model_copy(update={"description": "=HYPERLINK(1)", "budget": 0.1 + 0.2})
    same(recheck.remade(instance, {}, header), tmp_path)


def test_columns_say_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").write_bytes(instance_workbook(noted("")))
    with zipfile.ZipFile(tmp_path / "book.xlsx") as parts:
        comments = "".join(parts.read(name).decode() for name in parts.namelist() if "comments" in name)
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
    assert "price (currency/GPU-hour)\nneeded" in comments
    assert "GPUs of the smallest amount that is sold (GPU)\nblank: 1" in comments
    assert all('state="frozen"' in sheet for sheet in sheets)


def test_what_a_sheet_cannot_hold_is_told() -> None:
    with pytest.raises(InputError, match=r"offers, row 1, note.*32,768 characters, more than a cell holds"):
        instance_workbook(noted("x" * 32_768))
    assert tables_workbook({"offers": noted("").stated["offers"]})[:2] == b"PK"


Sheet = list[list[Any]]
HEADER: Sheet = [["key", "value"], ["schema", "ailis-opt/1"], ["name", "mine"], ["horizon.start", "2027-01-01"], ["horizon.periods", 2]]
REGIONS: Sheet = [["note", "region", "country"], ["", "here", "DE"]]


def workbook(path: Path, sheets: dict[str, Sheet]) -> Path:
    book = xlsxwriter.Workbook(str(path))
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                sheet.write_datetime(i, j, value, day) if isinstance(value, pd.Timestamp) else sheet.write(i, j, value)
    book.close()
    return path


def test_columns_in_any_order_and_numbers_as_names(tmp_path: Path) -> None:
    skus = [["gpus_per_node", "sku", "runtimes", ""], [8, 100, "cuda;rocm", ""], ["", "", "", ""], ["4", "h100", None, ""]]
    tables = read_workbook(workbook(tmp_path / "b.xlsx", {"skus": skus, "regions": REGIONS})).tables
    assert tables["skus"]["sku"].tolist() == ["100", "h100"]
    assert tables["skus"]["gpus_per_node"].tolist() == [8, 4]
    assert tables["skus"]["runtimes"].tolist() == [("cuda", "rocm"), ()]
    assert tables["regions"]["region"].tolist() == ["here"]


def test_excel_may_have_made_a_date_of_the_start(tmp_path: Path) -> None:
    instance = noted("")
    (tmp_path / "a.xlsx").write_bytes(instance_workbook(instance))
    book = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx"))
    sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    for row in sheets["instance"]:
        if row[0] == "horizon.start":
            row[1] = pd.Timestamp("2027-01-01")
    again = read_workbook(workbook(tmp_path / "b.xlsx", sheets)).instance
    assert again is not None
    assert again.sha256 == instance.sha256


@pytest.mark.parametrize(
    ("sheets", "said"),
    [
        ({"ofers": REGIONS}, "there is no table 'ofers'. Did you mean 'offers'"),
        ({"regions": [["regoin", "country"], ["x", "DE"]]}, r"b.xlsx \[regions\], row 1, regoin: .*Did you mean 'region'"),
        ({"regions": [["region"], [None], ["x"], ["x y", "stray"]]}, r"row 4 = 'stray': a cell in a column without a name"),
        ({"regions": [["", ""], ["here", "DE"]]}, "has no header row"),
        ({"regions": [["region", "country"], ["x", "Germany"]]}, r"row 2, country = 'Germany': not a country code"),
        ({"skus": [["sku", "gpus_per_node"], ["x", pd.Timestamp("2027-01-08")]]}, "Excel has made a date"),
        ({"instance": HEADER}, "holds no table"),
        ({"instance": [["k", "v"]], "regions": REGIONS}, "does not begin with the columns key and value"),
        ({"instance": [*HEADER, ["curency", "EUR"]], "regions": REGIONS}, r"\[instance\], row 6, curency.*'currency'"),
        ({"instance": [*HEADER, ["name", "again"]], "regions": REGIONS}, "row 6, key = 'name': a key that is given twice"),
        ({"instance": [*HEADER, ["horizon.blocks.1.block", "x"]], "regions": REGIONS}, "row 6, key = 'horizon.blocks.1.block'"),
        ({"instance": [*HEADER, ["horizon.period", "year"]], "regions": REGIONS}, r"row 6, horizon.period = 'year'"),
    ],
)
def test_faults_name_sheet_row_and_column(sheets: dict[str, Sheet], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read_workbook(workbook(tmp_path / "b.xlsx", sheets))


def test_files_that_are_no_workbook(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("offer,price\n")
    (tmp_path / "b.xlsx").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "c.xlsx").write_bytes(b"")
    for name, said in (("a", "is no Excel workbook"), ("b", "is no Excel workbook"), ("c", "is no Excel"), ("d", "does not exist")):
        with pytest.raises(InputError, match=said):
            read_workbook(tmp_path / f"{name}.xlsx")
    with pytest.raises(InputError, match="is a folder"):
        read_workbook(tmp_path)


def test_an_edited_workbook_is_another_instance(tmp_path: Path) -> None:
    instance = noted("")
    offers = instance.stated["offers"].assign(price_per_gpu_hour=[2.0])
    changed = recheck.remade(instance, {"offers": offers})
    assert back(changed, tmp_path).sha256 == changed.sha256 != instance.sha256
    assert back(replace(instance, path="elsewhere"), tmp_path).sha256 == instance.sha256
