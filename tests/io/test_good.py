"""Good instances: normal form, defaults, the same content from every file format, warnings."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from ailis_opt.io import read
from ailis_opt.schema import TABLES, Instance, fingerprint, json_schema

Write = Callable[[dict[str, Any]], Path]


def same(a: Instance, b: Instance) -> None:
    assert a.header == b.header
    assert a.sha256 == b.sha256
    for name in TABLES:
        pd.testing.assert_frame_equal(a.tables[name], b.tables[name])


def as_yaml(files: dict[str, str], turn: Callable[[str], Any] = str) -> str:
    content = yaml.safe_load(files["instance.yaml"])
    for name, text in files.items():
        if name.endswith(".csv"):
            rows = csv.DictReader(io.StringIO(text))
            content[name[:-4]] = [{k: turn(v) for k, v in row.items() if v} for row in rows]
    return yaml.safe_dump(content, sort_keys=False)


def typed(cell: str) -> Any:
    if ";" in cell:
        return [item.strip() for item in cell.split(";")]
    try:
        return json.loads(cell)
    except json.JSONDecodeError:
        return cell


def test_every_table_and_column_is_there(good: dict[str, str], write: Write) -> None:
    instance = read(write(good))
    assert list(instance.tables) == list(TABLES)
    for name, table in TABLES.items():
        frame = instance.tables[name]
        assert tuple(frame.columns) == table.columns
        assert frame.columns[-2:].tolist() == ["source", "note"]
        assert isinstance(frame.index, pd.RangeIndex)
        for column, kind in table.kinds.items():
            if kind in ("text", "list"):
                assert frame[column].dtype == object
                assert all(isinstance(v, str if kind == "text" else tuple) for v in frame[column])
            else:
                assert frame[column].dtype in (np.int64, np.float64, np.bool_)
    assert instance.warnings == ()
    assert instance.header.horizon.start.isoformat() == "2027-01-01"


def test_defaults_are_resolved(good: dict[str, str], write: Write) -> None:
    tables = read(write(good)).tables
    assert tables["regions"]["jurisdictions"].tolist() == [("NO",), ("EU", "DE"), ("US",)]
    assert tables["skus"]["scaleup_gpus"].tolist() == [8, 8]
    offers = tables["offers"].set_index("offer")
    assert offers["whole_lots"].to_dict() == {"own": True, "res": True, "hire": True, "spot": False}
    assert offers["last_start"].to_dict() == {"own": 6, "res": 11, "hire": 11, "spot": 11}
    assert offers["cluster_gpus"].tolist() == [8] * 4
    assert offers["tier"].tolist() == ["sovereign", "public", "public", "public"]
    spot = offers.loc["spot"].to_dict()
    assert [spot[c] for c in ("lot_gpus", "min_lots", "committed_lots", "power")] == [8, 0, 0, "included"]
    assert np.isnan(spot["max_lots"])
    assert tables["workloads"]["deadline_period"].tolist() == [11, 9]
    assert tables["demand"]["geo"].tolist() == ["eu", "eu", "us", "any"]
    assert tables["profiles"]["sequences"].tolist() == [16, 1, 1]
    integer = {
        "offers": ["last_start", "cluster_gpus"],
        "skus": ["scaleup_gpus"],
        "workloads": ["deadline_period"],
        "profiles": ["sequences"],
    }
    assert all(tables[t][c].dtype == np.int64 for t, columns in integer.items() for c in columns)
    assert offers["whole_lots"].dtype == np.bool_


def test_yaml_and_csv_are_the_same(good: dict[str, str], write: Write) -> None:
    folder = write({"one.yaml": as_yaml(good), "two.yaml": as_yaml(good, typed)})
    from_csv = read(write(good))
    same(from_csv, read(folder / "one.yaml"))
    same(from_csv, read(folder / "two.yaml"))


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "typed"])
def test_parquet_and_csv_are_the_same(good: dict[str, str], write: Write, as_text: bool) -> None:
    folder = write({"instance.yaml": good["instance.yaml"]})
    for name, text in good.items():
        if name.endswith(".csv"):
            kinds: dict[str, Any] = {"dtype": str} if as_text else {}
            frame = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""], **kinds)
            if not as_text and "datasets" in frame and name.startswith("workloads"):
                frame["kind"] = frame["kind"].astype("category")
                frame["jurisdictions"] = [["EU", "NO"], None]
            frame.to_parquet(folder / f"{name[:-4]}.parquet")
    same(read(write(good)), read(folder))


def test_bom_crlf_blank_lines_and_quotes_change_nothing(good: dict[str, str], write: Write) -> None:
    changed = dict(good)
    changed["regions.csv"] = "\ufeff" + good["regions.csv"].replace("\n", "\r\n\r\n").replace("grid report", '"grid report"')
    same(read(write(good)), read(write(changed)))


def test_the_header_file_stands_for_its_folder(good: dict[str, str], write: Write) -> None:
    folder = write(good)
    same(read(folder), read(str(folder / "instance.yaml")))


def test_fingerprint_is_of_the_content(good: dict[str, str], write: Write) -> None:
    first = read(write(good))
    assert first.sha256 == fingerprint(first.header, first.tables)
    spelled = good | {"skus.csv": good["skus.csv"].replace("1.3,,cuda", "1.30,8,cuda")}
    assert read(write(spelled)).sha256 == first.sha256
    for name, old, new in (
        ("skus.csv", "1.3", "1.31"),
        ("regions.csv", "grid report", "grid reports"),
        ("instance.yaml", "12", "11"),
        ("workloads.csv", "EU;NO", "NO;EU"),
    ):
        changed = good | {name: good[name].replace(old, new)}
        assert changed != good
        assert read(write(changed)).sha256 != first.sha256


def test_a_yaml_cell_is_the_text_that_was_written(good: dict[str, str], write: Write) -> None:
    text = as_yaml(good).replace("accelerator: H100 SXM", "accelerator: 1.10").replace("country: 'NO'", "country: NO")
    instance = read(write({"one.yaml": text + "description: yes\n" if "description" not in text else text}) / "one.yaml")
    assert instance.tables["skus"]["accelerator"][0] == "1.10"
    assert instance.tables["regions"]["country"][0] == "NO"


def test_quoted_cells_may_span_lines(good: dict[str, str], write: Write) -> None:
    text = good["regions.csv"].replace("grid report", '"grid\nreport"')
    assert read(write(good | {"regions.csv": text})).tables["regions"]["source"][0] == "grid\nreport"


def test_files_that_are_no_tables_are_left_alone(good: dict[str, str], write: Write) -> None:
    others = {"README.md": "words", "expected.json": "{}", ".offers.csv": "lock", "picture.png": b"\x89PNG"}
    same(read(write(good)), read(write({**good, **others})))


WARNINGS = [
    ("offers.csv", "on_demand,2.9", "on_demand,0", "offers.csv", "hire"),
    ("offers.csv", "first_start,last_start", "last_start,lead_periods", "not delivered", "own"),
    ("egress.csv", "oslo,dallas,0.05\n", "", "copies of datasets", "oslo -> dallas"),
    ("egress.csv", "dallas,us,0.08\n", "", "what users receive", "dallas -> us"),
    ("egress.csv", "dallas,us,0.08\n", "dallas,us,0.08\ndallas,any,0.1\n", "any", "row 10"),
    ("offers.csv", "dallas,MI300", "dallas,H100", "nobody offers", "tune-mi300"),
    ("demand.csv", "eu,0,base,500000", "eu,0,base,0", "demand nothing", "row 3"),
    ("demand.csv", "tune,,,,3\n", "", "without demand", "tune"),
    ("demand.csv", "tune,,,,3", "tune,,4,,3", "training demand", "row 5"),
    ("latency.csv", "us,dallas,20", "us,dallas,20\nany,oslo,1", "no effect", "row 8"),
    ("demand.csv", "tune,,,,3\n", "tune,,,,3\nchat,eu,0,peak,1e6\n", "count twice", "row 6"),
    ("offers.csv", "res,acme,US,frankfurt,", "res,acme,US,dallas,", "a price per month?", "res"),
    ("profiles.csv", "tune-mi300,tune,MI300,bf16,rocm,64,0.012,,\n", "", "without any profile", "MI300 (1)"),
    ("workloads.csv", "0.001,0.5", "0.001,0", "unserved without a price", "chat"),
]


@pytest.mark.parametrize(("file", "old", "new", "what", "name"), WARNINGS)
def test_warnings(good: dict[str, str], write: Write, file: str, old: str, new: str, what: str, name: str) -> None:
    assert old in good[file]
    found = read(write(good | {file: good[file].replace(old, new)})).warnings
    assert len(found) == 1
    assert what in found[0]
    assert name in found[0]


NO_WARNINGS = [
    ("demand.csv", "tune,,,,3\n", "tune,,,,3\nchat,eu,0,peak,2e6\n"),  # rows add up
    ("offers.csv", "res,acme,US,frankfurt,H100,,reserved,1.6", "res,acme,US,dallas,H100,,reserved,1.2"),  # as dear as the dearest
    ("offers.csv", "res,acme,US,frankfurt,H100,,", "res,acme,US,dallas,H100,sovereign,"),  # nothing like it is hired
    ("workloads.csv", ",0.99,", ",1,"),
]


@pytest.mark.parametrize(("file", "old", "new"), NO_WARNINGS)
def test_no_warnings(good: dict[str, str], write: Write, file: str, old: str, new: str) -> None:
    assert old in good[file]
    assert read(write(good | {file: good[file].replace(old, new)})).warnings == ()


def test_no_price_is_asked_for_where_cost_is_minimized(good: dict[str, str], write: Write) -> None:
    """There, what has no price may not go unserved."""
    free = good | {"workloads.csv": good["workloads.csv"].replace("0.001,0.5", "0.001,0")}
    free["instance.yaml"] = good["instance.yaml"].replace("objective: cost_per_outcome", "objective: cost")
    assert read(write(free)).warnings == ()


@pytest.mark.parametrize("name", ["quickstart", "assistants-transatlantic"])
def test_the_worked_examples_have_no_warnings(name: str) -> None:
    assert read(Path(__file__).parents[2] / "instances" / name).warnings == ()


def test_an_index_that_no_hedge_pays_on_is_a_warning(good: dict[str, str], write: Write) -> None:
    files = {"indices.csv": "index,price_per_gpu_hour\ni,2\n", "curves.csv": "index,period,price_per_gpu_hour\ni,3,2.5\n"}
    assert read(write(good | files)).warnings == ("indices.csv: indices that no hedge pays on: i",)


def test_json_schema_describes_the_file() -> None:
    document = json_schema()
    assert json.loads(json.dumps(document)) == document
    properties = document["properties"]
    assert set(properties) >= {"schema", "name", "currency", "objective", "horizon", "budget", "risk", *TABLES}
    assert document["additionalProperties"] is False
    assert properties["schema"]["const"] == "ailis-opt/1"
    for name, table in TABLES.items():
        row = document["$defs"][properties[name]["items"]["$ref"].removeprefix("#/$defs/")]
        assert set(row["properties"]) == set(table.columns)
        assert set(row.get("required", [])) == set(table.required)
        assert all(column["description"] and column["unit"] for column in row["properties"].values())


def test_json_schema_knows_every_key_of_the_example(good: dict[str, str]) -> None:
    document = json_schema()

    def walk(value: Any, schema: dict[str, Any]) -> None:
        if "$ref" in schema:
            schema = document["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        if isinstance(value, dict):
            assert set(schema.get("required", [])) <= set(value)
            for key, inner in value.items():
                walk(inner, schema["properties"][key])
        elif isinstance(value, list) and "items" in schema:
            for item in value:
                walk(item, schema["items"])

    walk(yaml.safe_load(as_yaml(good, typed)), document)
