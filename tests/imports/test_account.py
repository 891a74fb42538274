"""For any list: every price is used or left out with a reason, none twice; and a broken list is an error in words, never a defect."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ailis_opt.errors import InputError
from ailis_opt.imports import Choice, Imported, known, read_azure_retail, read_gcp, read_skypilot
from tests.imports.test_azure import FULL
from tests.imports.test_gcp import A3

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
KNOWN = known()

amounts = st.sampled_from(["", "0", "1.5", "8", "8", "16", "-1", "x", "nan", "inf", "1e400"])
skypilot_rows = st.fixed_dictionaries(
    {
        "InstanceType": st.sampled_from(["p5.48xlarge", "a3-highgpu-8g", "", "m5.large", "a;b"]),
        "AcceleratorName": st.sampled_from(["H100", "h100", "", "TPU", "T4"]),
        "AcceleratorCount": st.sampled_from(["8.0", "1", "0.5", "", "many"]),
        "Price": amounts,
        "SpotPrice": amounts,
        "Region": st.sampled_from(["us-east-1", "us-central1", "nowhere"]),
        "AvailabilityZone": st.sampled_from(["a", "b", ""]),
    }
)
flat_rows = st.fixed_dictionaries(
    {
        "snapshot": st.sampled_from(["2026-01-01", "2026-02-01", ""]),
        "machine": st.sampled_from(["a3-highgpu-8g", "g2-standard-4", "n1-standard-8"]),
        "region": st.sampled_from(["us-central1", "mars"]),
        **dict.fromkeys(("hour", "hour_spot", "month_1y", "month_3y"), amounts),
    }
)


def text_of(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def holds(found: Imported, prices: int) -> None:
    """As many prices as the list has; each either used or left out with a reason; every offer made of used ones."""
    account = found.account
    left = account.left()
    assert len(account.seen) == prices
    assert len(account.used) + len(left) == prices
    assert left["reason"].ne("").all()
    assert bool(account.used) == bool(len(found.tables["offers"]))
    assert found.tables["offers"]["source"].ne("").all()
    counts = account.summary()
    assert sum(row["prices"] for row in counts["left_out"]) == counts["prices"]["left_out"] == len(left)


@QUICK
@given(rows=st.lists(skypilot_rows, min_size=1, max_size=12), cloud=st.sampled_from(["aws", "gcp", "somebody"]))
def test_skypilot(rows: list[dict[str, str]], cloud: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / cloud).mkdir()
        (Path(folder) / cloud / "vms.csv").write_text(text_of(rows))
        found = read_skypilot(Path(folder), KNOWN, Choice())
    holds(found, sum(max(1, bool(row["Price"]) + bool(row["SpotPrice"])) for row in rows))


@QUICK
@given(rows=st.lists(flat_rows, min_size=1, max_size=12))
def test_machine_types(rows: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "flat.csv").write_text(text_of(rows))
        found = read_gcp(Path(folder) / "flat.csv", KNOWN, Choice())
    columns = ("hour", "hour_spot", "month_1y", "month_3y")
    holds(found, sum(max(1, sum(bool(row[c]) for c in columns)) for row in rows))


@QUICK
@given(
    items=st.lists(st.sampled_from(FULL), min_size=1, max_size=20),
    dates=st.lists(st.sampled_from(["2026-01-01", "2027-01-01"]), min_size=20),
)
def test_azure(items: list[dict[str, Any]], dates: list[str]) -> None:
    items = [{**item, "effectiveStartDate": date} for item, date in zip(items, dates, strict=False)]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "prices.json").write_text(json.dumps({"Items": items}))
        found = read_azure_retail(Path(folder) / "prices.json", KNOWN, Choice())
    holds(found, sum(1 + len(item.get("savingsPlan", [])) for item in items))


@QUICK
@given(skus=st.lists(st.sampled_from(A3), min_size=1, max_size=20), regions=st.lists(st.sampled_from(["us-west1", "mars"]), max_size=2))
def test_catalogue(skus: list[dict[str, Any]], regions: list[str]) -> None:
    skus = [{**sku, "serviceRegions": ["us-central1", *regions]} for sku in skus]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "skus.json").write_text(json.dumps({"skus": skus}))
        found = read_gcp(Path(folder) / "skus.json", KNOWN, Choice())
    holds(found, len(skus) * (1 + len(regions)))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["unitPrice", "units", "term", "x"]), inner, max_size=2),
    max_leaves=4,
)


def spoilt(draw: Callable[[st.SearchStrategy[Any]], Any], document: dict[str, Any]) -> dict[str, Any]:
    """The document with one value, at any depth, replaced by another."""
    node: Any = document
    while True:
        keys = list(range(len(node))) if isinstance(node, list) else list(node)
        key = draw(st.sampled_from(keys))
        inner = node[key]
        if not inner or not isinstance(inner, (dict, list)) or draw(st.booleans()):
            node[key] = draw(values)
            return document
        node = inner


@QUICK
@given(data=st.data())
def test_a_broken_list_is_an_error_in_words(data: st.DataObject) -> None:
    reader, key, rows = data.draw(st.sampled_from([(read_azure_retail, "Items", FULL[:4]), (read_gcp, "skus", A3[:3])]))
    document = spoilt(data.draw, json.loads(json.dumps({key: rows})))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.json"
        path.write_text(json.dumps(document))
        with suppress(InputError):
            found = reader(path, KNOWN, Choice())
            assert len(found.account.used) + len(found.account.left()) == len(found.account.seen)
