"""Answers of the Azure Retail Prices API, as JSON (`Items`) or as CSV with the same columns.

`retailPrice` of a Consumption item is per machine-hour; of a Reservation it is the total of the term, whatever `unitOfMeasure` says.
Spot and low priority stand in the meter's and SKU's names, Windows in the product's.
Source: learn.microsoft.com, Azure Retail Prices overview (API version 2023-01-01-preview).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ailis_opt.imports.account import Account, Reason
from ailis_opt.imports.known import Known
from ailis_opt.imports.prices import HOURS_PER_YEAR, NO_MACHINE, YEARS, Choice, Imported, Price, offers_of
from ailis_opt.imports.source import csv_rows, is_json, json_of, number, price_text, refused

FORMAT = "the answer of https://prices.azure.com/api/retail/prices, JSON with Items, or CSV with the same columns"
NEEDED = ("currencyCode", "retailPrice", "armRegionName", "armSkuName", "meterName", "productName", "type", "unitOfMeasure")
PROVIDER = "azure"
_WINDOWS = re.compile(r"\bWin(dows)?\b", re.IGNORECASE)
_TERMS = {"1 year": "1y", "3 years": "3y", "3 year": "3y"}

NOT_VM = Reason("not a virtual machine", "Ask the interface for serviceName eq 'Virtual Machines'")
WINDOWS = Reason("with a Windows licence", "Add it as an offer by hand")
DEV_TEST = Reason("dev/test price, not open to production work")
TERM = Reason("a reservation of another term than 1 or 3 years", "Add it as an offer by hand")
UNIT = Reason("not priced by the hour", "Add it as an offer by hand")
TIER = Reason("a price from a certain amount on", "Use a price book")
TYPE = Reason("neither Consumption nor Reservation")
NO_NUMBER = Reason("the price is not a number, or below 0", "Mend the item")
SAVINGS = Reason("a savings plan: it commits money an hour, not capacity", "Use a price book with the discount")


def read_azure_retail(path: Path, known: Known, choice: Choice) -> Imported:
    """Offers of a file with prices. Raises InputError where it is no such file, or mixes currencies."""
    text, account = price_text(path, FORMAT), Account()
    items = list(_json_items(path, text, account) if is_json(text) else _csv_items(path, text))
    currencies = sorted({str(item["currencyCode"]) for _, item in items})
    if len(currencies) > 1:
        why = f"holds prices in several currencies: {', '.join(currencies)}"
        raise refused(path, why, "Ask the interface for one currency: currencyCode='USD'", column="currencyCode")
    if not items:
        raise refused(path, "holds no prices", f"Save {FORMAT}")
    prices: list[Price] = []
    for where, item in items:
        prices += _prices(where, item, account, known)
    return offers_of(prices, account, known, choice, currencies[0])


def _json_items(path: Path, text: str, account: Account) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Place and item, of one answer, of a list of answers, or of a list of items."""
    document = json_of(path, text)
    pages = document if isinstance(document, list) else [document]
    if isinstance(document, list) and document and all(isinstance(p, dict) and "Items" not in p for p in pages):
        pages = [{"Items": document}]
    if not all(isinstance(page, dict) and isinstance(page.get("Items"), list) for page in pages):
        raise refused(path, "JSON, but no list of Items", f"Save {FORMAT}")
    if pages and pages[-1].get("NextPageLink"):
        account.notices.append("the file is not the whole answer: NextPageLink names a further page")
    count = 0
    for page in pages:
        for item in page["Items"]:
            count += 1
            absent = [name for name in NEEDED if not isinstance(item, dict) or name not in item]
            if absent:
                raise refused(path, f"item {count} has no {absent[0]!r}", f"Save {FORMAT}", column=absent[0])
            meter = f", meter {item['meterId']}" if item.get("meterId") else ""
            yield f"{path.name} item {count}{meter}", item


def _csv_items(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for line, row in csv_rows(path, text, NEEDED):
        meter = f", meter {row['meterId']}" if row.get("meterId") else ""
        yield f"{path.name} row {line}{meter}", row


def _prices(where: str, item: Mapping[str, Any], account: Account, known: Known) -> Iterator[Price]:
    """The item's price, if it is that of a machine with GPUs; it and the rates of savings plans are entered in the account."""
    name, region = str(item["armSkuName"] or item["meterName"]), str(item["armRegionName"]).lower()
    term = str(item.get("reservationTerm") or "").strip()
    what = f"{name} in {region}, {' '.join(filter(None, (str(item['type']), term, str(item['meterName']))))}"
    seen = account.see(where, what)
    for plan in _plans(item):
        account.leave(account.see(where, f"{name} in {region}, savings plan {plan}"), SAVINGS)
    amount = number(item["retailPrice"])
    reason = _unfit(item, term, amount)
    machine = known.machines.get((PROVIDER, name))
    if reason is None and machine is None:
        reason = NO_MACHINE
    if reason is not None or machine is None or amount is None:
        account.leave(seen, reason or NO_MACHINE)
        return
    kind = _TERMS.get(term.lower()) or _kind(item)
    note, per_hour = "", amount
    if kind in YEARS:
        per_hour = amount / (YEARS[kind] * HOURS_PER_YEAR)
        note = f"{amount:.10g} for the term, spread over {YEARS[kind] * HOURS_PER_YEAR:,} hours"
    date = str(item.get("effectiveStartDate") or "")[:10]
    rank = int(str(item.get("isPrimaryMeterRegion") or "").lower() == "true")
    yield Price((seen,), where, PROVIDER, region, name, machine.sku, machine.gpus, kind, per_hour, date, rank=rank, note=note)


def _plans(item: Mapping[str, Any]) -> list[str]:
    """Terms of the savings plans of an item."""
    plans = item.get("savingsPlan") or []
    if isinstance(plans, str):
        try:
            plans = json.loads(plans)
        except ValueError:
            plans = [plans]
    return [str(plan.get("term", "")) if isinstance(plan, dict) else str(plan) for plan in (plans if isinstance(plans, list) else [plans])]


def _unfit(item: Mapping[str, Any], term: str, amount: float | None) -> Reason | None:
    """Why an item is no price of a Linux machine that can be planned with."""
    product, sort = str(item["productName"]), str(item["type"])
    service = str(item.get("serviceName") or "Virtual Machines")
    reserved = sort == "Reservation"
    tests = (
        (service != "Virtual Machines" or "cloud services" in product.lower() or "cloudservices" in product.lower(), NOT_VM),
        (sort == "DevTestConsumption", DEV_TEST),
        (sort not in ("Consumption", "Reservation"), TYPE),
        (_WINDOWS.search(product) is not None, WINDOWS),
        ((number(item.get("tierMinimumUnits")) or 0) > 0, TIER),
        (reserved and term.lower() not in _TERMS, TERM),
        (not reserved and str(item["unitOfMeasure"]) not in ("1 Hour", "1/Hour"), UNIT),
        (amount is None or amount < 0, NO_NUMBER),
    )
    return next((reason for hit, reason in tests if hit), None)


def _kind(item: Mapping[str, Any]) -> str:
    names = f"{item['meterName']} {item.get('skuName') or ''}".lower()
    return "spot" if "spot" in names else "low-priority" if "low priority" in names else "on-demand"
