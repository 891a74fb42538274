"""Answers of the Azure Retail Prices API: items made up in its format, offers worked out by hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from ailis_opt.errors import InputError
from ailis_opt.imports import Choice, Imported, known, read_azure_retail

H100 = "Standard_ND96isr_H100_v5"


def item(price: float, **more: Any) -> dict[str, Any]:
    """A price on demand of a machine with eight H100 in East US."""
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": "eastus",
        "location": "US East",
        "effectiveStartDate": "2026-01-01T00:00:00Z",
        "meterId": "m-1",
        "meterName": "ND96isr H100 v5",
        "productName": "Virtual Machines NDsrH100v5 Series",
        "skuName": "ND96isr H100 v5",
        "serviceName": "Virtual Machines",
        "serviceFamily": "Compute",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": H100,
        **more,
    }


def reservation(total: float, term: str, **more: Any) -> dict[str, Any]:
    return item(total, type="Reservation", reservationTerm=term, **more)


def read(path: Path, items: list[dict[str, Any]], **choice: Any) -> Imported:
    file = path / "prices.json"
    file.write_text(json.dumps({"BillingCurrency": "USD", "Items": items, "NextPageLink": None, "Count": len(items)}))
    return read_azure_retail(file, known(), Choice(**choice))


def prices(imported: Imported) -> dict[str, float]:
    offers = imported.tables["offers"]
    return {name.rsplit("/", 1)[1]: price for name, price in zip(offers["offer"], offers["price_per_gpu_hour"], strict=True)}


def left(imported: Imported) -> dict[str, int]:
    return imported.account.left()["reason"].value_counts().to_dict()


FULL = [
    item(96.0, savingsPlan=[{"unitPrice": 70.0, "retailPrice": 70.0, "term": "1 Year"}, {"retailPrice": 50.0, "term": "3 Years"}]),
    item(24.0, meterName="ND96isr H100 v5 Spot", skuName="ND96isr H100 v5 Spot", meterId="m-2"),
    item(19.2, meterName="ND96isr H100 v5 Low Priority", skuName="ND96isr H100 v5 Low Priority", meterId="m-3"),
    reservation(560_640.0, "1 Year", meterId="m-4"),
    reservation(1_051_200.0, "3 Years", meterId="m-5"),
    item(100.0, productName="Virtual Machines NDsrH100v5 Series Windows", meterId="m-6"),
    item(100.0, productName="Virtual Machines NCCadsv5 Srs Win", meterId="m-7"),
    item(90.0, type="DevTestConsumption", meterId="m-8"),
    item(0.2, armSkuName="Standard_D4s_v5", meterName="D4s v5", productName="Virtual Machines Dsv5 Series", meterId="m-9"),
    item(1.0, serviceName="Storage", armSkuName="", meterName="Hot LRS", productName="Blob Storage", unitOfMeasure="1 GB/Month"),
    reservation(3_000_000.0, "5 Years", meterId="m-11"),
    item(96.0, armRegionName="atlantis", meterId="m-12"),
    item(80.0, tierMinimumUnits=100.0, meterId="m-13"),
    item(2000.0, unitOfMeasure="1/Month", meterId="m-14"),
]


def test_machine_hours_terms_and_spot(tmp_path: Path) -> None:
    found = read(tmp_path, FULL)
    # 96/8; 24/8; 19.2/8; 560,640 / 8,760 h / 8 GPUs; 1,051,200 / 26,280 h / 8
    assert prices(found) == pytest.approx({"on-demand": 12.0, "spot": 3.0, "low-priority": 2.4, "1y": 8.0, "3y": 5.0})
    offers = found.tables["offers"].set_index("offer")
    one = offers.loc[f"azure/eastus/{H100}/1y"]
    assert (one["contract"], one["term_periods"], one["lot_gpus"], one["region"], one["sku"]) == ("reserved", 12, 8, "virginia", "h100")
    assert one["source"] == "prices.json item 4, meter m-4, 2026-01-01"
    assert one["note"] == "560640 for the term, spread over 8,760 hours"
    assert offers.loc[f"azure/eastus/{H100}/low-priority", "contract"] == "interruptible"
    assert found.currency == "USD"


@pytest.mark.parametrize(("period", "terms"), [("month", (12, 36)), ("week", (52, 156)), ("day", (365, 1095)), ("hour", (8760, 26280))])
def test_terms_in_periods(tmp_path: Path, period: str, terms: tuple[int, int]) -> None:
    offers = read(tmp_path, FULL, period=period).tables["offers"]
    assert tuple(offers.loc[offers["contract"] == "reserved", "term_periods"]) == terms


def test_what_is_left_out_and_why(tmp_path: Path) -> None:
    found = read(tmp_path, FULL)
    assert left(found) == {
        "a savings plan: it commits money an hour, not capacity": 2,
        "with a Windows licence": 2,
        "dev/test price, not open to production work": 1,
        "the machine type is not known to hold a GPU": 1,
        "not a virtual machine": 1,
        "a reservation of another term than 1 or 3 years": 1,
        "the region is not known": 1,
        "a price from a certain amount on": 1,
        "not priced by the hour": 1,
    }
    assert found.account.summary()["prices"] == {"found": 16, "used": 5, "left_out": 11}


def test_the_newest_price_counts_and_twins_are_told(tmp_path: Path) -> None:
    old, new = item(96.0, effectiveStartDate="2025-01-01T00:00:00Z"), item(88.0, effectiveStartDate="2026-06-01T00:00:00Z")
    found = read(tmp_path, [old, new, new])
    assert prices(found) == {"on-demand": 11.0}
    assert left(found) == {"superseded by a newer price of the same thing": 1, "the same price listed again": 1}
    other = item(80.0, effectiveStartDate="2026-06-01T00:00:00Z")
    assert left(read(tmp_path, [old, new, other])) == {
        "superseded by a newer price of the same thing": 1,
        "several prices of one thing with the same date": 2,
    }
    # of two with one date, the primary meter's
    assert prices(read(tmp_path, [new, {**other, "isPrimaryMeterRegion": False}])) == {"on-demand": 11.0}


def test_csv_says_the_same(tmp_path: Path) -> None:
    rows = [{**row, "savingsPlan": json.dumps(row.get("savingsPlan", "")) if "savingsPlan" in row else ""} for row in FULL]
    columns = list(dict.fromkeys(c for row in rows for c in row))
    with (tmp_path / "prices.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, columns, restval="")
        out.writeheader()
        out.writerows(rows)
    found, same = read_azure_retail(tmp_path / "prices.csv", known(), Choice()), read(tmp_path, FULL)
    assert prices(found) == prices(same)
    assert left(found) == left(same)
    assert found.tables["offers"]["source"][0] == "prices.csv row 5, meter m-4, 2026-01-01"


def test_pages_and_lists_of_items(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps([{"Items": FULL[:1]}, {"Items": FULL[1:], "NextPageLink": "https://prices.azure.com/x"}]))
    found = read_azure_retail(file, known(), Choice())
    assert len(prices(found)) == 5
    assert "not the whole answer" in found.account.notices[0]
    file.write_text(json.dumps(FULL))
    assert len(prices(read_azure_retail(file, known(), Choice()))) == 5


def test_mixed_currencies_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="several currencies: EUR, USD"):
        read(tmp_path, [item(96.0), item(90.0, currencyCode="EUR")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!DOCTYPE html><html></html>", "a web page"),
        ("  \n", "is empty"),
        ('{"Items": [', "not valid JSON"),
        ('{"skus": []}', "no list of Items"),
        ('{"Items": []}', "holds no prices"),
        ('{"Items": [{"retailPrice": 1}]}', "item 1 has no 'currencyCode'"),
        ('{"Items": ["x"]}', "item 1 has no 'currencyCode'"),
        ("[1, 2]", "no list of Items"),
        ("[" * 100_000, "nested too deep|not valid JSON"),
        ("currencyCode,retailPrice\nUSD,1\n", "'armRegionName' is missing"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "prices.json").write_text(text)
    with pytest.raises(InputError, match=said):
        read_azure_retail(tmp_path / "prices.json", known(), Choice())


def test_no_file(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "none.json", "does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(InputError, match=said):
            read_azure_retail(path, known(), Choice())
    (tmp_path / "latin").write_bytes(b'{"Items": "\xe9"}')
    with pytest.raises(InputError, match="not UTF-8"):
        read_azure_retail(tmp_path / "latin", known(), Choice())
