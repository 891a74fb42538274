"""Bad instances: each kind of fault is named with its file, row, column and reason, and all are reported at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ailis_opt.errors import Fault, InputError
from ailis_opt.io import document, read
from tests.models.markets import market, offer
from tests.support.files import write_folder

Write = Callable[[dict[str, Any]], Path]
YAML = "instance.yaml"


def faults_of(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.faults
    assert all(f.why and f.mend for f in caught.value.faults)
    return caught.value.faults


def changed(files: dict[str, str], *edits: tuple[str, str, str]) -> dict[str, str]:
    files = dict(files)
    for name, old, new in edits:
        assert files.get(name, "").count(old) >= bool(old)
        files[name] = files.get(name, "").replace(old, new, 1)
    return files


# file, what is replaced, by what; then where the fault is: file, row, column; and a word of why or mend
EDITS = [
    # header
    (YAML, "schema: ailis-opt/1", "schema: ailis-opt/2", YAML, 1, "schema", "Did you mean 'ailis-opt/1'"),
    (YAML, "schema: ailis-opt/1\n", "", YAML, None, "schema", "needed"),
    (YAML, "currency: EUR", "currency: euro", YAML, 4, "currency", "ISO 4217"),
    (YAML, "objective: cost_per_outcome", "objective: cost_per_outcom", YAML, 5, "objective", "Did you mean 'cost_per_outcome'"),
    (YAML, "name: good", "nmae: good", YAML, 2, "nmae", "Did you mean 'name'"),
    (YAML, "risk:", "ofers:", YAML, 12, "ofers", "Did you mean 'offers'"),
    (YAML, "2027-01-01", "2027-02-30", YAML, 7, "horizon.start", "calendar"),
    (YAML, "2027-01-01", "1799000000", YAML, 7, "horizon.start", "date"),
    (YAML, "2027-01-01", "2261-06-01", YAML, 7, "horizon.start", "2261"),
    (YAML, "periods: 12", "periods: 0", YAML, 8, "horizon.periods", "at"),
    (YAML, "periods: 12", "periods: 1.5", YAML, 8, "horizon.periods", "whole number"),
    (YAML, "periods: 12\n  period: month", "periods: 60000\n  period: hour", YAML, 8, "horizon.periods", "slices"),
    (YAML, "period: month", "period: year", YAML, 9, "horizon.period", "allowed"),
    (YAML, "share: 0.7", "share: 0.6", YAML, 10, "horizon.blocks", "sum to 1"),
    (YAML, "share: 0.7", "share: 1.7", YAML, 10, "horizon.blocks.1.share", "most"),
    (YAML, "block: base", "block: peak", YAML, 10, "horizon.blocks", "same name"),
    (YAML, "[{block: peak, share: 0.3}, {block: base, share: 0.7}]", "[]", YAML, 10, "horizon.blocks", "at least 1"),
    (YAML, "budget: 1e9", "budget: -1", YAML, 11, "budget", "least"),
    (YAML, "budget: 1e9", "budget: .inf", YAML, 11, "budget", "number"),
    (YAML, "{alpha: 0.9}", "{alpha: 0.9, weight: 1.5}", YAML, 12, "risk.weight", "most"),
    (YAML, "{alpha: 0.9}", "0.9", YAML, 12, "risk", "key: value"),
    # YAML itself
    (YAML, "name: good", "name: good\nname: better", YAML, 3, None, "twice"),
    (YAML, "{alpha: 0.9}", "&a {alpha: 0.9}", YAML, 12, None, "anchor"),
    (YAML, "name: good", "name: *a", YAML, 2, None, "alias"),
    (YAML, "name: good", "name: !!python/object/apply:os.system [ls]", YAML, 2, None, "tag"),
    (YAML, "name: good", "name: [good", YAML, 3, None, "YAML"),
    (YAML, "risk:", "---\nrisk:", YAML, 12, None, "second"),
    (YAML, "risk: {alpha: 0.9}", "? [a]\n: b", YAML, 12, None, "key"),
    (YAML, "good", "[" * 30 + "]" * 30, YAML, 2, None, "deep"),
    # files
    ("ofers.csv", "", "a\n1\n", "ofers.csv", None, None, "Did you mean 'offers'"),
    ("extra.parquet", "", "", "extra.parquet", None, None, "no table"),
    ("offers.xlsx", "", "x", "offers.xlsx", None, None, ".csv"),
    ("curves.csv", "", "\n", "curves.csv", None, None, "header"),
    ("curves.parquet", "", "no parquet", "curves.parquet", None, None, "Parquet"),
    ("skus.parquet", "", "no parquet", "skus.csv", None, None, "twice"),
    (YAML, "risk:", "skus: []\nrisk:", "skus.csv", None, None, "instance.yaml, row 12"),
    # CSV itself
    ("skus.csv", "sku,accelerator", "sku,acelerator", "skus.csv", 1, "acelerator", "Did you mean 'accelerator'"),
    ("skus.csv", "sku,accelerator", "sku,sku", "skus.csv", 1, "sku", "twice"),
    ("skus.csv", "sku,accelerator", "accelerator,note", "skus.csv", 1, "sku", "missing"),
    ("skus.csv", "rocm,bf16", "rocm,bf16,x", "skus.csv", 3, None, "9 cells"),
    ("skus.csv", "MI300,MI300X", "MI300", "skus.csv", 3, None, "7 cells"),
    ("skus.csv", "H100 SXM", '"H100" SXM', "skus.csv", 2, None, "CSV"),
    (
        "egress.csv",
        "from_region,to_region,price_per_gb",
        "from_region;to_region;price_per_gb",
        "egress.csv",
        1,
        "from_region;to_region;price_per_gb",
        "commas",
    ),
    # cells
    ("regions.csv", "NO", "no", "regions.csv", 2, "country", "upper-case"),
    ("regions.csv", "1.1,", "0.9,", "regions.csv", 2, "pue", "less than 1"),
    ("regions.csv", "dallas,", "dallas ,", "regions.csv", 4, "region", "blank"),
    ("regions.csv", "EU; DE", "EU;; DE", "regions.csv", 3, "jurisdictions", "blank"),
    ("regions.csv", "dallas,", ",", "regions.csv", 4, "region", "needed"),
    ("regions.csv", "EU; DE", "EU; EU", "regions.csv", 3, "jurisdictions", "twice"),
    ("power.csv", ",0.1", ",1.1", "power.csv", 3, "curtailed_share", "most"),
    ("skus.csv", ",80,", ",80GB,", "skus.csv", 2, "memory_gb", "not a number"),
    ("skus.csv", ",80,", ",nan,", "skus.csv", 2, "memory_gb", "finite"),
    ("skus.csv", ",80,", ",inf,", "skus.csv", 2, "memory_gb", "finite"),
    ("skus.csv", ",8,80", ",8.5,80", "skus.csv", 2, "gpus_per_node", "whole number"),
    ("skus.csv", "cuda;cuda/vllm", "cuda;cuda/vllm/2", "skus.csv", 2, "runtimes", "runtime"),
    ("offers.csv", "frankfurt,H100,,reserved", "frankfurt,H100,,reseved", "offers.csv", 3, "contract", "Did you mean 'reserved'"),
    ("offers.csv", "on_demand,2.9", "on_demand,-2.9", "offers.csv", 4, "price_per_gpu_hour", "least"),
    ("offers.csv", "on_demand,2.9", "on_demand,", "offers.csv", 4, "price_per_gpu_hour", "needed"),
    ("offers.csv", "0.98", "0", "offers.csv", 2, "availability", "above 0"),
    ("offers.csv", ",yes", ",maybe", "offers.csv", 4, "whole_lots", "true nor false"),
    ("offers.csv", "2.9,,1,", "2.9,,0,", "offers.csv", 4, "lot_gpus", "less than 1"),
    ("offers.csv", "6,6,", "6,0,", "offers.csv", 2, "term_periods", "less than 1"),
    ("workloads.csv", "1200", "0", "workloads.csv", 2, "units_per_outcome", "above 0"),
    ("workloads.csv", "serving", "Serving", "workloads.csv", 2, "kind", "Did you mean 'serving'"),
    ("workloads.csv", ",CN,", ",China,", "workloads.csv", 2, "excluded_operator_countries", "country"),
    ("profiles.csv", "5e6", "0", "profiles.csv", 2, "units_per_hour", "above 0"),
    ("profiles.csv", "rocm,64", "rocm,1e30", "profiles.csv", 4, "gpus", "whole"),
    ("demand.csv", "1000000", "1e19", "demand.csv", 2, "outcomes", "most"),
    ("demand.csv", "eu,0,peak", "eu,-1,peak", "demand.csv", 2, "period", "least"),
    # names
    ("regions.csv", "dallas,", "oslo,", "regions.csv", 4, "region", "row 2"),
    ("power.csv", "frankfurt,1", "frankfurt,0", "power.csv", 3, "region", "row 2"),
    ("latency.csv", "us,oslo", "eu,oslo", "latency.csv", 5, "geo", "row 2"),
    ("power.csv", "frankfurt,1", "francfort,1", "power.csv", 3, "region", "Did you mean 'frankfurt'"),
    ("offers.csv", "dallas,MI300", "dalas,MI300", "offers.csv", 4, "region", "'dalas'"),
    ("offers.csv", "dallas,MI300", "dallas,MI30", "offers.csv", 4, "sku", "Did you mean 'MI300'"),
    ("demand.csv", "tune,", "tunes,", "demand.csv", 5, "workload", "Did you mean 'tune'"),
    ("demand.csv", "eu,0,peak", "eu,0,peek", "demand.csv", 2, "block", "Did you mean 'peak'"),
    ("latency.csv", "us,oslo,120", "us,oslo,120\nus,paris,1", "latency.csv", 6, "region", "'paris'"),
    ("profiles.csv", "chat-h100,chat,", "chat-h100,chatt,", "profiles.csv", 2, "workload", "Did you mean 'chat'"),
    ("profiles.csv", "MI300,bf16", "MI400,bf16", "profiles.csv", 4, "sku", "Did you mean 'MI300'"),
    ("datasets.csv", "oslo", "bergen", "datasets.csv", 2, "region", "'bergen'"),
    ("workloads.csv", "tickets", "tickets;logs", "workloads.csv", 2, "datasets", "'logs'"),
    ("egress.csv", "oslo,eu,0.03", "oslo,asia,0.03", "egress.csv", 4, "to_region", "'asia'"),
    ("egress.csv", "oslo,eu", "eu,eu", "egress.csv", 4, "from_region", "regions"),
    ("curves.csv", "", "index,period,price_per_gpu_hour\ni,0,1\n", "curves.csv", 2, "index", "None is defined"),
    # ranges
    ("demand.csv", "eu,0,peak", "eu,12,peak", "demand.csv", 2, "period", "0 to 11"),
    ("power.csv", "frankfurt,1", "frankfurt,40", "power.csv", 3, "period", "end of the horizon"),
    ("offers.csv", "4,0,6,6", "4,0,12,6", "offers.csv", 2, "last_start", "end of the horizon"),
    ("offers.csv", "4,0,6,6", "4,7,6,6", "offers.csv", 2, "first_start", "more than last_start"),
    ("offers.csv", "8,2,10", "8,11,10", "offers.csv", 3, "min_lots", "more than max_lots"),
    ("workloads.csv", ",2,9,", ",10,9,", "workloads.csv", 3, "release_period", "more than deadline_period"),
    ("workloads.csv", ",2,9,", ",2,12,", "workloads.csv", 3, "deadline_period", "end of the horizon"),
    # meaning
    ("offers.csv", "2.9,,1,,64,,,", "2.9,,1,,64,,,6", "offers.csv", 4, "term_periods", "hired"),
    ("offers.csv", "2.9,,1", "2.9,10,1", "offers.csv", 4, "upfront_per_gpu", "hired"),
    (
        "offers.csv",
        "on_demand,2.9,,1,,64,,,,,,,yes",
        "on_demand,2.9,,1,,64,,,,,,0.1,yes",
        "offers.csv",
        4,
        "interruptions_per_hour",
        "interruptible",
    ),
    ("workloads.csv", "0.8,0.9,,,", "0.8,0.9,1,,", "workloads.csv", 2, "release_period", "not training"),
    ("workloads.csv", "0.8,0.9,,,", "0.8,0.9,,9,", "workloads.csv", 2, "deadline_period", "not training"),
    ("workloads.csv", ",,0,,,2,9", ",0.5,0,,,2,9", "workloads.csv", 3, "failover_share", "training"),
    ("workloads.csv", ",,0,,,2,9", ",,0.5,,,2,9", "workloads.csv", 3, "max_move_share", "Give 0 or 1"),
    ("demand.csv", "tune,,", "tune,eu,", "demand.csv", 5, "geo", "training"),
    # needed where used
    ("latency.csv", "us,dallas,20\n", "", "latency.csv", None, None, "'dallas'"),
    ("skus.csv", ",80,", ",,", "skus.csv", 2, "memory_gb", "weights_gb"),
    ("skus.csv", "1.3", "", "skus.csv", 2, "power_kw_per_gpu", "power cap"),
    ("offers.csv", "spot,acme,US", "spot,acme,", "offers.csv", 5, "operator_country", "excludes"),
    ("offers.csv", "spot,acme,US", "spot,,US", "offers.csv", 5, "provider", "max_operator_share"),
    ("regions.csv", "dallas,US", "dallas,", "regions.csv", 4, "country", "max_country_share"),
    ("profiles.csv", "chat-h100,chat", "chat-h100,tune", "workloads.csv", 2, "workload", "no profile"),
    # scenarios
    ("scenarios.csv", "", "scenario,probability\nbad,0.5\nworse,0.4\n", "scenarios.csv", None, None, "sum to 0.9, not to 1"),
    ("scenarios.csv", "", "scenario,probability\nbad,1\nworse,\n", "scenarios.csv", 3, "probability", "every scenario"),
]


@pytest.mark.parametrize(("edited", "old", "new", "file", "row", "column", "word"), EDITS)
def test_fault_is_named(
    good: dict[str, str], write: Write, edited: str, old: str, new: str, file: str, row: int | None, column: str | None, word: str
) -> None:
    found = faults_of(write(changed(good, (edited, old, new))))
    assert [f for f in found if (f.file, f.row, f.column) == (file, row, column) and word in f"{f.why}. {f.mend}"], found


@pytest.mark.parametrize("table", ["regions", "skus", "offers", "workloads", "profiles", "demand"])
def test_an_instance_needs_something_in_every_main_table(good: dict[str, str], write: Write, table: str) -> None:
    without = {k: v for k, v in good.items() if k != f"{table}.csv"}
    header_only = good | {f"{table}.csv": good[f"{table}.csv"].splitlines()[0]}
    for files in (without, header_only):
        found = faults_of(write(files))
        assert [f for f in found if f.file == f"{table}.csv" and ("there are no" in f.why or "nothing is demanded" in f.why)], found


def test_everything_is_reported_at_once(good: dict[str, str], write: Write) -> None:
    files = changed(
        good,
        (YAML, "objective: cost_per_outcome", "objective: cheapest"),
        ("skus.csv", ",80,", ",lots,"),
        ("offers.csv", "dallas,MI300", "dalas,MI300"),
        ("offers.csv", "8,2,10", "8,11,10"),
        ("demand.csv", "eu,0,peak", "eu,99,peak"),
        ("workloads.csv", "0.8,0.9,,,", "0.8,0.9,1,,"),
        ("latency.csv", "rtt_ms", "rtt_ms,colour"),
        ("latency.csv", "eu,oslo,30", "eu,oslo,30,red"),
        ("profiles.csv", "chat-h100,chat,", "tune-h100,chat,"),
    )
    files["latency.csv"] = "\n".join(r if r.count(",") == 3 else r + "," for r in files["latency.csv"].splitlines())
    found = faults_of(write(files))
    assert [(f.file, f.row, f.column) for f in found] == [
        (YAML, 5, "objective"),
        ("skus.csv", 2, "memory_gb"),
        ("offers.csv", 3, "min_lots"),
        ("offers.csv", 4, "region"),
        ("workloads.csv", 2, "release_period"),
        ("demand.csv", 2, "period"),
        ("latency.csv", 1, "colour"),
        ("profiles.csv", 3, "profile"),
    ]


def test_every_bad_cell_of_a_table_is_reported(good: dict[str, str], write: Write) -> None:
    files = changed(
        good, ("regions.csv", "NO", "n"), ("regions.csv", "0.05", "x"), ("regions.csv", "1.3", "0"), ("power.csv", "frankfurt,1", "f,1")
    )
    found = [(f.file, f.row, f.column, f.value) for f in faults_of(write(files))]
    cells = [("regions.csv", 2, "country", "n"), ("regions.csv", 2, "power_price_per_kwh", "x"), ("regions.csv", 3, "pue", "0")]
    assert found == [*cells, ("power.csv", 3, "region", "f")]


def test_one_mistake_is_one_fault(good: dict[str, str], write: Write) -> None:
    """A bad cell is not reported again by the checks that rest on it."""
    for edit in (("regions.csv", "dallas,", "dallas ,"), ("skus.csv", ",80,", ",x,"), ("offers.csv", "spot,acme,US", "spot,acme,usa")):
        assert len(faults_of(write(changed(good, edit)))) == 1


def test_a_mistyped_required_column_is_one_fault(good: dict[str, str], write: Write) -> None:
    """The missing column is told only where it is not what the unknown one is taken for."""
    inline = "latency:\n  - {geo: eu, regoin: oslo, rtt_ms: 1}\n"
    without = {k: v for k, v in good.items() if k != "latency.csv"}
    for files, place, mend in (
        (changed(good, ("offers.csv", "price_per_gpu_hour", "price_per_gpu_hr")), ("offers.csv", 1), "price_per_gpu_hour"),
        (changed(good, (YAML, "name: good", "nmae: good")), (YAML, 2), "name"),
        (changed(without, (YAML, "risk: {alpha: 0.9}", inline)), (YAML, 13), "region"),
    ):
        found = [f for f in faults_of(write(files)) if f.file == place[0]]
        assert [(f.row, f.mend) for f in found] == [(place[1], f"Did you mean {mend!r}?")]
    two = changed(good, ("latency.csv", "geo,region,rtt_ms", "geo,place,rtt_sm"))
    assert [f.column for f in faults_of(write(two)) if f.row == 1] == ["place", "rtt_sm", "region"]


def test_inline_faults_name_line_table_and_column(good: dict[str, str], write: Write) -> None:
    inline = "datasets:\n  - dataset: tickets\n    region: olso\n    size_gb: [1]\n    colour: red\n  - just text\n  - {size_gb: 1}\n"
    files = {k: v for k, v in good.items() if k != "datasets.csv"} | {YAML: good[YAML] + inline}
    found = [(f.row, f.column, f.value) for f in faults_of(write(files))]
    assert found == [
        (15, "datasets.region", "olso"),
        (16, "datasets.size_gb", "1"),
        (17, "datasets.colour", "red"),
        (18, "datasets", "just text"),
        (19, "datasets.dataset", None),
        (19, "datasets.region", None),
    ]


def test_missing_latency_pairs_are_listed_up_to_twenty(good: dict[str, str], write: Write) -> None:
    users = "".join(f"chat,geo{i},,,10\n" for i in range(15))
    found = faults_of(write(good | {"demand.csv": good["demand.csv"] + users}))
    assert len(found) == 21
    assert found[-1].why.startswith("25 more pairs")
    assert all(f.file == "latency.csv" for f in found)


def test_row_numbers_count_lines_of_the_file(good: dict[str, str], write: Write) -> None:
    text = (
        good["regions.csv"]
        .replace("grid report", '"grid\n\nreport"')
        .replace("frankfurt,", "\nfrankfurt,")
        .replace("dallas,US", "dallas,us")
    )
    assert [f.row for f in faults_of(write(good | {"regions.csv": text}))] == [7]


def test_parquet_rows_count_from_one(good: dict[str, str], write: Write) -> None:
    files = {k: v for k, v in good.items() if k != "datasets.csv"}
    folder = write(files)
    pd.DataFrame({"dataset": ["tickets", "logs"], "region": ["oslo", "bergen"], "size_gb": [1.0, -1.0]}).to_parquet(
        folder / "datasets.parquet"
    )
    found = [(f.file, f.row, f.column, f.value) for f in faults_of(folder)]
    assert found == [("datasets.parquet", 2, "size_gb", "-1.0"), ("datasets.parquet", 2, "region", "bergen")]


def test_parquet_columns_that_no_table_uses(good: dict[str, str], write: Write) -> None:
    folder = write({k: v for k, v in good.items() if k != "datasets.csv"})
    frame = pd.DataFrame({"dataset": ["tickets"], "region": ["oslo"], "size_gb": [{"a": 1}], "colour": [1]})
    frame.to_parquet(folder / "datasets.parquet")
    assert {f.column for f in faults_of(folder)} == {"size_gb", "colour"}


def test_paths_that_hold_no_instance(good: dict[str, str], write: Write, tmp_path: Path) -> None:
    for path, word in (
        (tmp_path / "nowhere", "does not exist"),
        (tmp_path / ("x" * 5000), ""),
        (Path("a\0b"), "does not exist"),
        (write({}), "without instance.yaml"),
        (write({"instance.yml": good[YAML]}), "Rename"),
        (write({YAML: ""}), "empty"),
        (write({YAML: "# only a remark\n"}), "empty"),
        (write({YAML: "- a\n- b\n"}), "key: value"),
        (write({YAML: b"\x00\x01\xff\xfe junk"}), "UTF-8"),
        (write({YAML: b"a: \x00"}), "not text"),
        (write({"x.yaml": "just words"}) / "x.yaml", "key: value"),
    ):
        found = faults_of(path)
        assert any(word in f"{f.why}. {f.mend}" for f in found), found


def test_a_table_is_no_instance(good: dict[str, str], write: Write, parquet: Callable[[str], bytes]) -> None:
    folder = write(good | {"own.parquet": parquet("a\n1\n")})
    for name in ("offers.csv", "own.parquet"):
        (fault,) = faults_of(folder / name)
        assert "a single table" in fault.why
        assert fault.mend.startswith("Name the folder")
        assert fault.mend.endswith(f": {folder}")


def test_a_folder_in_place_of_a_file(good: dict[str, str], write: Write) -> None:
    for name in ("offers.csv", "offers.parquet", YAML):
        folder = write({k: v for k, v in good.items() if k not in (name, "offers.csv")})
        (folder / name).mkdir()
        assert any(f.file == name and "is a folder" in f.why for f in faults_of(folder))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the super-user may read everything")
def test_a_file_that_may_not_be_read(good: dict[str, str], write: Write) -> None:
    folder = write(good)
    (folder / "offers.csv").chmod(0)
    assert any(f.file == "offers.csv" and "cannot be read" in f.why for f in faults_of(folder))


def test_large_yaml_is_refused(good: dict[str, str], write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MOST_BYTES", 100)
    assert any("larger" in f.why for f in faults_of(write(good)))


def test_a_yaml_bomb_is_refused(write: Write) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    found = faults_of(write({YAML: "\n".join(levels)}))
    assert {f.row for f in found} >= set(range(1, 13))
    assert any("alias" in f.why for f in found)


def test_hedges_and_scenarios_are_validated(good: dict[str, str], write: Write) -> None:
    files = good | {
        "scenarios.csv": "scenario,probability\nhigh,2\n",
        "changes.csv": "scenario,table,column,op,value\nhgh,ofers,price,mul,2\nhigh,offers,price,mul,2\n",
        "hedges.csv": "hedge,kind,index,gpu_hours_per_period,last_period,strike\nh,swap,none,1,99,1\n",
    }
    found = {(f.file, f.row, f.column) for f in faults_of(write(files))}
    assert found == {
        ("scenarios.csv", 2, "probability"),
        ("changes.csv", 2, "scenario"),
        ("changes.csv", 2, "table"),
        ("changes.csv", 3, "column"),
        ("hedges.csv", 2, "index"),
        ("hedges.csv", 2, "last_period"),
    }


INDICES = "index,price_per_gpu_hour,included,excluded\nspot,2,GPU SKU,\n"
CHANGES = "scenario,table,column,op,value,first_period,last_period\n"
# kind, strike and other cells of a hedge; the column at fault; a word of why or mend
HEDGES = [
    ("swap,,,,,,", "strike", "every kind"),
    ("insurance,,,,,,", "strike", "every kind"),
    ("call,2,1,,,,", "limit_per_gpu_hour", "insurance"),
    ("call,2,,,0.05,,", "carry_rate_per_year", "collateral"),
    ("call,2,,,,true,1.5", "committed_lots", "whole"),
    ("straddle,2,,,,,", "kind", "allowed"),
]
# table, column, op, value, first and last period; the column at fault; a word of why or mend
EDITS_OF_SCENARIOS = [
    ("offers,provider,set,x,,", "column", "decided before"),
    ("offers,lot_gpus,mul,2,,", "column", "Of offers a scenario may change price_per_gpu_hour"),
    ("hedges,strike,set,1,,", "column", "columns of the tables regions"),
    ("offers,tier,mul,2,,", "op", "op set"),
    ("offers,price_per_gpu_hour,mul,two,,", "value", "plain number"),
    ("offers,price_per_gpu_hour,add,inf,,", "value", "plain number"),
    ("offers,price_per_gpu_hour,set,-1,,", "value", "least"),
    ("offers,availability,set,0,,", "value", "more than 0"),
    ("workloads,excluded_operator_countries,set,cn,,", "value", "upper-case"),
    ("demand,outcomes,mul,2,9,3", "first_period", "last_period"),
    ("demand,outcomes,mul,2,0,12", "last_period", "horizon"),
]


@pytest.mark.parametrize(("cells", "column", "word"), HEDGES)
def test_terms_of_hedges(good: dict[str, str], write: Write, cells: str, column: str, word: str) -> None:
    header = "hedge,index,gpu_hours_per_period,kind,strike,limit_per_gpu_hour,collateral_per_gpu_hour,carry_rate_per_year,"
    files = good | {"indices.csv": INDICES, "hedges.csv": f"{header}whole_lots,committed_lots\nh,spot,1,{cells}\n"}
    (fault,) = faults_of(write(files))
    assert (fault.file, fault.row, fault.column) == ("hedges.csv", 2, column)
    assert word in f"{fault.why} {fault.mend}"


@pytest.mark.parametrize(("cells", "column", "word"), EDITS_OF_SCENARIOS)
def test_what_a_scenario_may_change(good: dict[str, str], write: Write, cells: str, column: str, word: str) -> None:
    files = good | {"scenarios.csv": "scenario\nhigh\n", "changes.csv": f"{CHANGES}high,{cells}\n"}
    (fault,) = faults_of(write(files))
    assert (fault.file, fault.row, fault.column) == ("changes.csv", 2, column)
    assert word in f"{fault.why} {fault.mend}"


@pytest.mark.parametrize(
    ("included", "excluded", "column", "word"),
    [("GPU SKUs", "", "included", "Did you mean 'GPU SKU'"), ("HBM", "power; HBM", "excluded", "both"), ("HBM", "HMB", "excluded", "HBM")],
)
def test_what_an_index_states(good: dict[str, str], write: Write, included: str, excluded: str, column: str, word: str) -> None:
    files = good | {"indices.csv": f"index,price_per_gpu_hour,included,excluded\nspot,2,{included},{excluded}\n"}
    (fault,) = faults_of(write(files))
    assert (fault.file, fault.row, fault.column) == ("indices.csv", 2, column)
    assert word in f"{fault.why} {fault.mend}"


def test_hedges_and_a_weight_without_scenarios_are_a_warning(good: dict[str, str], write: Write) -> None:
    files = changed(good, (YAML, "{alpha: 0.9}", "{alpha: 0.9, weight: 0.5}"))
    files |= {"indices.csv": INDICES, "hedges.csv": "hedge,kind,index,gpu_hours_per_period,strike\nh,swap,spot,1,2\n"}
    warnings = read(write(files)).warnings
    assert "instance.yaml: without scenarios the weight of risk has no effect" in warnings
    assert "hedges.csv: without scenarios it is certain what hedges pay: h" in warnings
    assert not any("certain" in w or "risk" in w for w in read(write(files | {"scenarios.csv": "scenario\nhigh\n"})).warnings)


def committed(**terms: Any) -> dict[str, Any]:
    return {"offer": "lots", "region": "a", "sku": "s", "contract": "reserved", "price_per_gpu_hour": 1, "max_lots": 4} | terms


TERMS: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "ramp of hired": ([committed(contract="on_demand", max_lots_per_period=1)], "max_lots_per_period", "hired"),
    "group of hired": ([committed(contract="on_demand", shares_lots_with="g")], "shares_lots_with", "hired"),
    "take-or-pay of hired": ([committed(contract="on_demand", take_or_pay_share=0.5)], "take_or_pay_share", "hired"),
    "share above 1": ([committed(take_or_pay_share=1.5)], "take_or_pay_share", "most"),
    "ramp below least lots": ([committed(min_lots=2, max_lots_per_period=1)], "min_lots", "more than max_lots_per_period"),
    "group without lots": ([committed(max_lots="", shares_lots_with="g")], "max_lots", "shares its lots"),
    "other lots": (
        [committed(shares_lots_with="g"), committed(offer="more", max_lots=5, shares_lots_with="g")],
        "max_lots",
        "same max_lots",
    ),
    "other ramp": (
        [committed(shares_lots_with="g"), committed(offer="more", max_lots_per_period=1, shares_lots_with="g")],
        "max_lots_per_period",
        "same max_lots_per_period",
    ),
}


@pytest.mark.parametrize("name", TERMS)
def test_terms_of_offers(name: str, tmp_path: Path) -> None:
    rows, column, word = TERMS[name]
    (fault,) = faults_of(write_folder(market(*rows, offer("hour", 3)), tmp_path / "terms"))
    assert (fault.file, fault.column) == ("offers.csv", column)
    assert word in f"{fault.why} {fault.mend}"


def test_offers_that_share_their_lots_may(tmp_path: Path) -> None:
    rows = [committed(shares_lots_with="g"), committed(offer="more", shares_lots_with="g"), committed(offer="apart", max_lots=9)]
    assert len(read(write_folder(market(*rows), tmp_path / "terms")).tables["offers"]) == 3
