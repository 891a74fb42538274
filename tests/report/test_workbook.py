"""The workbook, read back by another library: the same tables, plain numbers, and no cell that Excel would run."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from ailis_opt.report import Run, workbook
from ailis_opt.report.contents import sections
from ailis_opt.report.excel import neutral
from tests.support.runs import HOSTILE

STARTS = ("=", "+", "-", "@", "\t", "\r")


def cells(run: Run) -> dict[str, list[list[Any]]]:
    """Every sheet as rows of cells."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(workbook(run)))
    return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}


def test_same_tables_as_the_page(solved: Run) -> None:
    sheets = cells(solved)
    tables = [table for section in sections(solved) for table in section.tables]
    assert ["summary", *(table.id for table in tables)] == [name for name in sheets if not name.startswith("plan ")]
    for table in tables:
        rows = sheets[table.id]
        assert rows[1][: len(table.columns)] == [column.title for column in table.columns]
        assert len(rows) == 2 + len(table.rows), table.id


def test_numbers_are_numbers(solved: Run) -> None:
    rows = cells(solved)["outcomes"]
    last = dict(zip(rows[1], rows[-1], strict=True))
    assert last["cost (EUR)"] == pytest.approx(solved.result["cost"], rel=1e-12)
    assert last["EUR per outcome"] == pytest.approx(solved.result["cost_per_outcome"], rel=1e-12)


def test_the_plan_in_full(solved: Run) -> None:
    sheets = cells(solved)
    assert len(sheets["plan served"]) == 2 + len(solved.tables["served"])
    assert "plan training" not in sheets


def test_no_cell_is_a_formula(attack: Run) -> None:
    found = {cell for rows in cells(attack).values() for row in rows for cell in row if isinstance(cell, str)}
    assert not [cell for cell in found if cell.startswith(STARTS)]
    for name in HOSTILE.values():
        if name.startswith(STARTS) and name != HOSTILE["there"]:  # nothing is done there
            assert f"'{name}" in found, name
    with zipfile.ZipFile(io.BytesIO(workbook(attack))) as archive:
        for name in archive.namelist():
            text = archive.read(name).decode("utf-8")
            assert "<f>" not in text
            assert "<hyperlink" not in text


@pytest.mark.parametrize("start", STARTS)
def test_neutral(start: str) -> None:
    assert neutral(f"{start}1+1") == f"'{start}1+1"
    assert neutral(f"a{start}") == f"a{start}"
    assert len(neutral(start + "x" * 40_000)) < 32_767
