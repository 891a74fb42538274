"""Prices of Google Cloud: the Cloud Billing Catalog's SKUs as JSON, or prices by machine type as CSV.

In the catalogue cores, memory and GPUs have prices of their own: a machine's is their sum, by the shapes in `data/machines.csv`.
Source: cloud.google.com, Cloud Billing Catalog API v1 (services.skus.list), service 6F81-5844-456A.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ailis_opt.imports.account import Account, Reason
from ailis_opt.imports.gcp_machines import read_machines
from ailis_opt.imports.known import Known, Machine
from ailis_opt.imports.prices import AMBIGUOUS, SUPERSEDED, TWICE, ZERO, Choice, Imported, Price, offers_of
from ailis_opt.imports.source import is_json, json_of, price_text, refused

FORMAT = "the answer of the Cloud Billing Catalog API, services/6F81-5844-456A/skus"
PROVIDER = "gcp"
KINDS = {"OnDemand": "on-demand", "Preemptible": "spot", "Commit1Yr": "1y", "Commit3Yr": "3y"}
UNITS = {"core": ("h",), "ram": ("GiBy.h", "GBy.h"), "gpu": ("h",)}
_PREFIX = re.compile(r"^(Commitment v\d+: |Commitment: |Spot Preemptible )")
_HOST = re.compile(r"^(?P<host>\S+) (?:Instance )?(?P<part>Core|Cpu|Ram)(?: running)? in ", re.IGNORECASE)
_GPU = re.compile(
    r"^(?P<gpu>.+?)(?: GPU)?(?: \(1 gpu slice\))?(?: attached to Spot Preemptible VMs)?(?: running)? in (?!.*\b(?:DWS|Calendar)\b)",
    re.IGNORECASE,
)

NOT_COMPUTE = Reason("neither cores, memory nor GPUs")
USAGE = Reason("neither on demand, spot nor a commitment of 1 or 3 years")
SPECIAL = Reason("a special mode or a part that no machine type with GPUs is made of")
UNIT = Reason("not priced by the hour", "Add it as an offer by hand")
TIERED = Reason("the price depends on the amount", "Use a price book")
PARTS = Reason("the other parts of the machine have no such price in that region")


@dataclass(frozen=True, slots=True)
class Part:
    """The price of a core, a GiB or a GPU for an hour in one region."""

    number: int
    where: str
    name: str  # first words of the description
    part: str  # core | ram | gpu
    kind: str
    region: str
    amount: float
    date: str


def read_gcp(path: Path, known: Known, choice: Choice) -> Imported:
    """Offers of a file in either format. Raises InputError where it is none of them, or mixes currencies."""
    text = price_text(path, f"{FORMAT} (JSON), or prices by machine type (CSV)")
    if not is_json(text):
        return read_machines(path, text, known, choice)
    account = Account()
    skus = _skus(path, text, account)
    currencies = sorted({_currency(path, number, sku) for number, sku in enumerate(skus, 1)} - {""})
    if len(currencies) > 1:
        raise refused(path, f"holds prices in several currencies: {', '.join(currencies)}", "Ask the interface for one currencyCode")
    parts = [part for number, sku in enumerate(skus, 1) for part in _parts(f"{path.name} SKU {number}", sku, account)]
    prices = _machines(_newest(parts, account), account, known)
    account.notices.append(
        "Google prices machine types in regions where it does not offer them: keep those that you can get with --regions"
    )
    return offers_of(prices, account, known, choice, currencies[0] if currencies else "USD")


def _skus(path: Path, text: str, account: Account) -> list[Mapping[str, Any]]:
    """The SKUs of one answer, of a list of answers, or of a list of SKUs."""
    document = json_of(path, text)
    pages = document if isinstance(document, list) else [document]
    if isinstance(document, list) and document and all(isinstance(p, dict) and "skuId" in p for p in pages):
        pages = [{"skus": document}]
    if not pages or not all(isinstance(page, dict) and isinstance(page.get("skus"), list) for page in pages):
        raise refused(path, "JSON, but no list of skus", f"Save {FORMAT}")
    if pages[-1].get("nextPageToken"):
        account.notices.append("the file is not the whole answer: nextPageToken names a further page")
    skus = [sku for page in pages for sku in page["skus"]]
    if not skus:
        raise refused(path, "holds no prices", f"Save {FORMAT}")
    for number, sku in enumerate(skus, 1):
        absent = [
            name for name in ("description", "category", "serviceRegions", "pricingInfo") if not isinstance(sku, dict) or name not in sku
        ]
        if absent:
            raise refused(path, f"SKU {number} has no {absent[0]!r}", f"Save {FORMAT}", column=absent[0])
    return skus


def _currency(path: Path, number: int, sku: Mapping[str, Any]) -> str:
    """The currency of the SKU's prices. Raises InputError where the SKU is not made as the interface makes them."""
    try:
        list(_parts("", sku, Account()))
        rates = [rate for info in sku["pricingInfo"] for rate in info.get("pricingExpression", {}).get("tieredRates", [])]
        return str(rates[0].get("unitPrice", {}).get("currencyCode", "")) if rates else ""
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        raise refused(path, f"SKU {number} is not made as the interface makes them", f"Save {FORMAT}") from None


def _parts(place: str, sku: Mapping[str, Any], account: Account) -> Iterator[Part]:
    """A part for each region and each price that the SKU had; all are entered in the account."""
    description, category = str(sku["description"]), sku["category"]
    where = f"{place} ({sku['skuId']})" if sku.get("skuId") else place
    found = _classified(description, category)
    kind = KINDS.get(str(category.get("usageType", "")))
    for info in sku["pricingInfo"]:
        expression = info.get("pricingExpression", {})
        rates = [_amount(rate.get("unitPrice", {})) for rate in expression.get("tieredRates", [])]
        for region in sku["serviceRegions"]:
            seen = account.see(where, f"{description} ({region})")
            reason = None
            if category.get("resourceFamily") != "Compute":
                reason = NOT_COMPUTE
            elif kind is None:
                reason = USAGE
            elif found is None:
                reason = SPECIAL
            elif expression.get("usageUnit") not in UNITS[found[1]]:
                reason = UNIT
            elif len(set(rates)) != 1:
                reason = TIERED
            elif not rates[0] > 0:
                reason = ZERO
            if reason is not None or found is None or kind is None:
                account.leave(seen, reason or SPECIAL)
                continue
            yield Part(seen, where, *found, kind, str(region), rates[0], str(info.get("effectiveTime", ""))[:10])


def _classified(description: str, category: Mapping[str, Any]) -> tuple[str, str] | None:
    """Name and part (core, ram, gpu) of a description such as `A3 Instance Core running in Americas`."""
    text, group = _PREFIX.sub("", description), str(category.get("resourceGroup", ""))
    host = _HOST.match(text)
    if host is not None and group != "GPU":
        return host["host"].casefold(), "ram" if host["part"].casefold() == "ram" else "core"
    gpu = _GPU.match(text) if group == "GPU" else None
    return None if gpu is None else (gpu["gpu"].casefold(), "gpu")


def _amount(price: Mapping[str, Any]) -> float:
    """`{"units": "1", "nanos": 500000000}` is 1.5."""
    return int(price.get("units") or 0) + int(price.get("nanos") or 0) / 1e9


def _newest(parts: list[Part], account: Account) -> dict[tuple[str, str, str, str], Part]:
    """By name, part, kind and region the newest price; several different ones with its date are all left out."""
    groups: dict[tuple[str, str, str, str], list[Part]] = defaultdict(list)
    for part in parts:
        groups[part.name, part.part, part.kind, part.region].append(part)
    kept = {}
    for key, group in groups.items():
        date = max(part.date for part in group)
        newest = [part for part in group if part.date == date]
        alike = len({part.amount for part in newest}) == 1
        for part in group:
            if part.date != date:
                account.leave(part.number, SUPERSEDED)
            elif not alike:
                account.leave(part.number, AMBIGUOUS)
            elif part is not newest[0]:
                account.leave(part.number, TWICE)
        if alike:
            kept[key] = newest[0]
    return kept


def _machines(parts: Mapping[tuple[str, str, str, str], Part], account: Account, known: Known) -> list[Price]:
    """The machines all of whose parts are priced; parts of which there is no such machine are left out."""
    shapes = {name: machine for (provider, name), machine in known.machines.items() if provider == PROVIDER and machine.gpu_names}
    places = sorted({(kind, region) for _, _, kind, region in parts})
    prices = []
    for name, shape in shapes.items():
        for kind, region in places:
            price = _machine(name, shape, kind, region, parts)
            if price is not None:
                prices.append(price)
    hosts = {shape.host.casefold() for shape in shapes.values()}
    gpus = {gpu.casefold() for shape in shapes.values() for gpu in shape.gpu_names}
    made = {number for price in prices for number in price.numbers}
    for part in parts.values():
        if part.number not in made:
            account.leave(part.number, PARTS if part.name in (gpus if part.part == "gpu" else hosts) else SPECIAL)
    return prices


def _machine(name: str, shape: Machine, kind: str, region: str, parts: Mapping[tuple[str, str, str, str], Part]) -> Price | None:
    host = shape.host.casefold()
    core, ram = parts.get((host, "core", kind, region)), parts.get((host, "ram", kind, region))
    gpu = next((parts[key] for g in shape.gpu_names if (key := (g.casefold(), "gpu", kind, region)) in parts), None)
    if core is None or ram is None or gpu is None or shape.vcpus is None or shape.memory_gib is None:
        return None
    total = shape.vcpus * core.amount + shape.memory_gib * ram.amount + shape.gpus * gpu.amount
    note = (
        f"{shape.vcpus} cores at {core.amount:.6g} + {shape.memory_gib:g} GiB at {ram.amount:.6g} + {shape.gpus} GPUs at {gpu.amount:.6g}"
        "; without local SSD"
    )
    found = (core, ram, gpu)
    where = " + ".join(part.where if i == 0 else part.where.split(" ", 1)[1] for i, part in enumerate(found))
    numbers = tuple(part.number for part in found)
    return Price(numbers, where, PROVIDER, region, name, shape.sku, shape.gpus, kind, total, max(p.date for p in found), note=note)
