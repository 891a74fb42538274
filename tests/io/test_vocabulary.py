"""Words in lists that nothing in the market has: a warning with the row and the nearest word that is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ailis_opt.io import read
from ailis_opt.io.checks.scope import MOST_LISTED

Write = Callable[[dict[str, Any]], Path]

COLUMNS = "workload,runtimes,precisions,tiers,jurisdictions,excluded_operator_countries,unserved_cost_per_outcome"
PLACE = "workloads.csv, row 2"


def asking(good: dict[str, str], **lists: str) -> dict[str, str]:
    """The good instance with two plain workloads, of which `chat` (row 2) has the lists."""
    cells = [lists.get(column, "") for column in COLUMNS.split(",")[1:]]
    return good | {"workloads.csv": f"{COLUMNS}\nchat,{','.join(cells)}\ntune,,,,,,\n"}


@pytest.mark.parametrize(
    ("column", "cell", "warning"),
    [
        ("runtimes", "cuda/vlm", "no SKU and no profile has the runtime 'cuda/vlm'; did you mean 'cuda/vllm'?"),
        ("runtimes", "coda", "no SKU and no profile has the runtime 'coda'; did you mean 'cuda'?"),
        ("precisions", "bf16; fp88", "no SKU and no profile has the precision 'fp88'; did you mean 'fp8'?"),
        ("precisions", "fp9", "no SKU and no profile has the precision 'fp9'; did you mean 'fp8'?"),
        ("tiers", "soverign", "no offer has the tier 'soverign'; did you mean 'sovereign'?"),
        ("tiers", "gold", "no offer has the tier 'gold'"),
        ("jurisdictions", "EUU", "no region has the jurisdiction 'EUU'; did you mean 'EU'?"),
        ("jurisdictions", "us", "no region has the jurisdiction 'us'; did you mean 'US'?"),
        ("excluded_operator_countries", "UK", "no country has the code, and no operator is from there: 'UK'"),
    ],
)
def test_an_unknown_word(good: dict[str, str], write: Write, column: str, cell: str, warning: str) -> None:
    assert read(write(asking(good, **{column: cell}))).warnings == (f"{PLACE}, {column}: {warning}",)


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("runtimes", "cuda; cuda/vllm; rocm"),
        ("precisions", "bf16; fp8"),
        ("tiers", "public; sovereign"),
        ("jurisdictions", "NO; EU; DE; US"),
        ("excluded_operator_countries", "US; CN"),
    ],
)
def test_known_words_and_codes_of_countries_are_silent(good: dict[str, str], write: Write, column: str, cell: str) -> None:
    assert read(write(asking(good, **{column: cell}))).warnings == ()


def test_jurisdictions_of_datasets(good: dict[str, str], write: Write) -> None:
    files = good | {"datasets.csv": good["datasets.csv"].replace("5000,,", "5000,EUU,")}
    assert read(write(files)).warnings == ("datasets.csv, row 2, jurisdictions: no region has the jurisdiction 'EUU'; did you mean 'EU'?",)


def test_rows_with_the_same_word_share_a_warning(good: dict[str, str], write: Write) -> None:
    files = asking(good, tiers="soverign")
    files["workloads.csv"] = files["workloads.csv"].replace("tune,,,,", "tune,,,soverign,")
    (warning,) = read(write(files)).warnings
    assert warning.startswith(f"{PLACE} (and 1 more), tiers: ")


def test_many_unknown_words_are_counted(good: dict[str, str], write: Write) -> None:
    words = ";".join(f"tier-{i}" for i in range(MOST_LISTED + 3))
    warnings = read(write(asking(good, tiers=words))).warnings
    assert len(warnings) == MOST_LISTED + 1
    assert warnings[-1] == "workloads.csv, tiers: 3 more words that nothing has"


def test_inline_tables_name_line_and_table(good: dict[str, str], write: Write) -> None:
    inline = "datasets:\n  - dataset: tickets\n    region: oslo\n    jurisdictions: [EUU]\n"
    files = {k: v for k, v in good.items() if k != "datasets.csv"} | {"instance.yaml": good["instance.yaml"] + inline}
    (warning,) = read(write(files)).warnings
    assert warning.startswith("instance.yaml, row 16, datasets.jurisdictions: ")
