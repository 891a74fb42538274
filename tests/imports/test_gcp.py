"""Prices of Google Cloud in both formats: SKUs and rows made up, offers worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ailis_opt.errors import InputError
from ailis_opt.imports import Choice, Imported, known, read_gcp


def sku(description: str, group: str, price: tuple[int, int], usage: str = "OnDemand", **more: Any) -> dict[str, Any]:
    """A SKU of the catalogue; `price` in units and nanos."""
    unit = "GiBy.h" if group == "RAM" else "h"
    rate = {"startUsageAmount": 0, "unitPrice": {"currencyCode": "USD", "units": str(price[0]), "nanos": price[1]}}
    made = {
        "name": "services/6F81-5844-456A/skus/AAAA",
        "skuId": f"ID-{len(description)}",
        "description": description,
        "category": {"serviceDisplayName": "Compute Engine", "resourceFamily": "Compute", "resourceGroup": group, "usageType": usage},
        "serviceRegions": ["us-central1", "europe-west3"],
        "pricingInfo": [
            {
                "summary": "",
                "pricingExpression": {"usageUnit": unit, "displayQuantity": 1, "tieredRates": [rate]},
                "currencyConversionRate": 1,
                "effectiveTime": "2026-06-01T00:00:00.000Z",
            }
        ],
        "serviceProviderName": "Google",
    }
    return made | more


A3 = [
    sku("A3 Instance Core running in Americas", "CPU", (0, 30_000_000)),
    sku("A3 Instance Ram running in Americas", "RAM", (0, 2_500_000)),
    sku("Nvidia H100 80GB GPU running in Americas", "GPU", (9, 800_000_000)),
    sku("Spot Preemptible A3 Instance Core running in Americas", "CPU", (0, 10_000_000), "Preemptible"),
    sku("Spot Preemptible A3 Instance Ram running in Americas", "RAM", (0, 1_000_000), "Preemptible"),
    sku("Nvidia H100 80GB GPU attached to Spot Preemptible VMs running in Americas", "GPU", (2, 500_000_000), "Preemptible"),
    sku("Commitment v1: A3 Cpu in Americas for 1 Year", "CPU", (0, 20_000_000), "Commit1Yr"),
    sku("Commitment v1: A3 Ram in Americas for 1 Year", "RAM", (0, 2_000_000), "Commit1Yr"),
    sku("Commitment v1: Nvidia H100 80GB GPU running in Americas for 1 Year", "GPU", (7, 0), "Commit1Yr"),
    sku("Commitment v1: A3 Cpu in Americas for 3 Years", "CPU", (0, 15_000_000), "Commit3Yr"),
    sku("Commitment v1: A3 Ram in Americas for 3 Years", "RAM", (0, 1_000_000), "Commit3Yr"),
    sku("Commitment v1: Nvidia H100 80GB GPU running in Americas for 3 Years", "GPU", (4, 0), "Commit3Yr"),
]
# per machine of 208 cores, 1,872 GiB, 8 GPUs; then per GPU
EIGHT = {
    "on-demand": (208 * 0.03 + 1872 * 0.0025 + 8 * 9.8) / 8,  # 11.165
    "spot": (208 * 0.01 + 1872 * 0.001 + 8 * 2.5) / 8,  # 2.994
    "1y": (208 * 0.02 + 1872 * 0.002 + 8 * 7) / 8,  # 7.988
    "3y": (208 * 0.015 + 1872 * 0.001 + 8 * 4) / 8,  # 4.624
}


def read(path: Path, skus: list[dict[str, Any]], **choice: Any) -> Imported:
    file = path / "skus.json"
    file.write_text(json.dumps({"skus": skus, "nextPageToken": ""}))
    return read_gcp(file, known(), Choice(**choice))


def prices(imported: Imported, machine: str = "a3-highgpu-8g", region: str = "us-central1") -> dict[str, float]:
    offers, start = imported.tables["offers"], f"gcp/{region}/{machine}/"
    pairs = zip(offers["offer"], offers["price_per_gpu_hour"], strict=True)
    return {name.removeprefix(start): price for name, price in pairs if name.startswith(start)}


def left(imported: Imported) -> dict[str, int]:
    return imported.account.left()["reason"].value_counts().to_dict()


def test_cores_memory_and_gpus_are_added(tmp_path: Path) -> None:
    found = read(tmp_path, A3)
    assert prices(found) == pytest.approx(EIGHT, rel=1e-9)
    assert prices(found, region="europe-west3") == pytest.approx(EIGHT, rel=1e-9)
    assert prices(found, "a3-highgpu-1g")["on-demand"] == pytest.approx(26 * 0.03 + 234 * 0.0025 + 9.8, rel=1e-9)
    assert found.account.summary()["prices"] == {"found": 24, "used": 24, "left_out": 0}
    offers = found.tables["offers"].set_index("offer")
    row = offers.loc["gcp/us-central1/a3-highgpu-8g/3y"]
    assert (row["contract"], row["term_periods"], row["region"], row["sku"], row["lot_gpus"]) == ("reserved", 36, "iowa", "h100", 8)
    assert row["note"] == "208 cores at 0.015 + 1872 GiB at 0.001 + 8 GPUs at 4; without local SSD"
    assert row["source"].startswith("skus.json SKU 10 (ID-")
    assert row["source"].endswith(", 2026-06-01")


def test_what_is_left_out_and_why(tmp_path: Path) -> None:
    one = {"serviceRegions": ["us-central1"]}
    more = [
        sku("N1 Predefined Instance Core running in Americas", "N1Standard", (0, 31_000_000), **one),
        sku("E2 Instance Core running in Americas", "CPU", (0, 21_000_000), **one),
        sku("Reserved A3 Instance Core in Americas", "CPU", (0, 30_000_000), **one),
        sku("Nvidia H100 80GB GPU running in Americas with DWS Calendar Mode", "GPU", (3, 0), **one),
        sku("Nvidia Tesla T4 GPU running in Americas", "GPU", (0, 350_000_000), **one),
        sku("Nvidia L4 GPU running in Americas", "GPU", (0, 560_000_000), **one),
        sku("A3 Instance Core running in Americas", "CPU", (0, 30_000_000), "Commit1Mo", **one),
        sku("A2 Instance Core running in Americas", "CPU", (0, 0), **one),
    ]
    storage = sku("Storage PD Capacity", "PDStandard", (0, 40_000_000), **one)
    storage["category"]["resourceFamily"] = "Storage"
    per_month = sku("G2 Instance Core running in Americas", "CPU", (18, 0), **one)
    per_month["pricingInfo"][0]["pricingExpression"]["usageUnit"] = "mo"
    tiered = sku("G2 Instance Ram running in Americas", "RAM", (0, 3_000_000), **one)
    rates = tiered["pricingInfo"][0]["pricingExpression"]["tieredRates"]
    rates.append({"startUsageAmount": 100, "unitPrice": {"currencyCode": "USD", "units": "0", "nanos": 2_000_000}})
    found = read(tmp_path, [*A3, *more, storage, per_month, tiered])
    assert left(found) == {
        "a special mode or a part that no machine type with GPUs is made of": 5,
        "the other parts of the machine have no such price in that region": 1,
        "neither on demand, spot nor a commitment of 1 or 3 years": 1,
        "a price of 0 stands for a price that is not known": 1,
        "neither cores, memory nor GPUs": 1,
        "not priced by the hour": 1,
        "the price depends on the amount": 1,
    }
    assert prices(found) == pytest.approx(EIGHT, rel=1e-9)


def test_the_newest_price_counts(tmp_path: Path) -> None:
    changed = sku("A3 Instance Core running in Americas", "CPU", (0, 30_000_000))
    newer = {**changed["pricingInfo"][0], "effectiveTime": "2026-07-01T00:00:00Z"}
    newer = json.loads(json.dumps(newer).replace("30000000", "40000000"))
    found = read(tmp_path, [{**changed, "pricingInfo": [*changed["pricingInfo"], newer]}, *A3[1:3]])
    assert prices(found) == pytest.approx({"on-demand": (208 * 0.04 + 1872 * 0.0025 + 8 * 9.8) / 8})
    assert left(found) == {"superseded by a newer price of the same thing": 2}
    twins = read(tmp_path, [*A3[:3], sku("A3 Instance Core running in Iowa", "CPU", (0, 99_000_000))])
    assert prices(twins) == {}
    assert left(twins)["several prices of one thing with the same date"] == 4


def test_mega_has_cores_of_its_own(tmp_path: Path) -> None:
    mega = [
        sku("A3Plus Instance Core running in Americas", "CPU", (0, 25_000_000)),
        sku("A3Plus Instance Ram running in Americas", "RAM", (0, 2_000_000)),
        sku("Nvidia H100 80GB Mega GPU running in Americas", "GPU", (10, 0)),
    ]
    found = read(tmp_path, [*A3, *mega])
    assert prices(found, "a3-megagpu-8g") == pytest.approx({"on-demand": (208 * 0.025 + 1872 * 0.002 + 80) / 8})
    assert prices(found) == pytest.approx(EIGHT, rel=1e-9)


FLAT = """\
snapshot,machine,region,hour,hour_spot,month,month_1y,month_3y,month_spot
2026-05-25,a3-highgpu-8g,us-central1,90,40,65700,45000,30000,29200
2026-06-25,a3-highgpu-8g,us-central1,88,36,64240,46720,29200,26280
2026-06-25,g4-standard-6,us-central1,0.5,0.2,365,,,146
2026-06-25,g2-standard-96,mars-north1,8,3,5840,3000,2000,2190
2026-06-25,a2-highgpu-1g,europe-west4,3.5,,2555,,,
2026-06-25,a2-highgpu-2g,europe-west4,,,,,,
"""


def test_prices_by_machine_type(tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text(FLAT)
    found = read_gcp(tmp_path / "flat.csv", known(), Choice())
    # 88/8; 36/8; 46,720 / 730 / 8; 29,200 / 730 / 8
    assert prices(found) == pytest.approx({"on-demand": 11.0, "spot": 4.5, "1y": 8.0, "3y": 5.0})
    assert prices(found, "a2-highgpu-1g", "europe-west4") == {"on-demand": 3.5}
    assert left(found) == {
        "superseded by a newer price of the same thing": 4,
        "the region is not known": 4,
        "the machine type is not known to hold a GPU": 2,
        "the row has no price": 1,
    }
    offers = found.tables["offers"].set_index("offer")
    assert offers.loc["gcp/us-central1/a3-highgpu-8g/1y", "source"] == "flat.csv row 3, 2026-06-25"
    assert offers.loc["gcp/us-central1/a3-highgpu-8g/1y", "note"] == "46720 a month of 730 hours"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html>", "a web page"),
        ("", "is empty"),
        ('{"Items": []}', "no list of skus"),
        ('{"skus": []}', "holds no prices"),
        ('{"skus": [{"skuId": "x"}]}', "SKU 1 has no 'description'"),
        ("{", "not valid JSON"),
        ("machine,zone,hour\n", "'region' is missing"),
        ("machine,region,hour\n", "holds no prices"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "skus.json").write_text(text)
    with pytest.raises(InputError, match=said):
        read_gcp(tmp_path / "skus.json", known(), Choice())


def test_mixed_currencies_are_refused(tmp_path: Path) -> None:
    euro = json.loads(json.dumps(A3[1]).replace("USD", "EUR"))
    with pytest.raises(InputError, match="several currencies: EUR, USD"):
        read(tmp_path, [A3[0], euro])
