"""Catalogues as SkyPilot stores them: `<folder>/<cloud>/vms.csv`, a row per machine type and zone.

Columns InstanceType, AcceleratorName, AcceleratorCount, Price, SpotPrice (per machine-hour, USD), Region, AvailabilityZone; where a cloud
prices GPUs apart (gcp), a GPU has a row without InstanceType and the host one without AcceleratorName, and the two are added here.
Source: github.com/skypilot-org/skypilot-catalog, catalogs v5 to v7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ailis_opt.imports.account import Account, Reason
from ailis_opt.imports.known import Known
from ailis_opt.imports.prices import NO_ACCELERATOR, Choice, Imported, Price, offers_of
from ailis_opt.imports.source import csv_rows, dated, number, price_text, refused

NEEDED = ("InstanceType", "AcceleratorName", "AcceleratorCount", "Price", "SpotPrice", "Region")
KINDS = {"Price": "on-demand", "SpotPrice": "spot"}
FILE = "vms.csv"

NO_GPU = Reason("a machine without a GPU")
NO_PRICE = Reason("the row has no price")
NOT_A_PRICE = Reason("the price is not a number, or below 0", "Mend the cell")
PART = Reason("a part of a GPU", "A lot is at least one GPU")
FREE_HOST = Reason("a GPU that is attached to a host of any size: what the host costs is not in the list", "Add the offer by hand")
HOST_ALONE = Reason("a host whose GPU is not priced in that zone")
GPU_ALONE = Reason("a GPU whose host is not priced in that zone")


@dataclass(frozen=True, slots=True)
class Cell:
    """One price in a file."""

    number: int
    where: str
    kind: str
    per_hour: float
    cloud: str
    machine: str
    accelerator: str
    count: float
    region: str
    zone: str
    date: str


def read_skypilot(folder: Path, known: Known, choice: Choice) -> Imported:
    """Offers of all clouds in the folder. Prices are USD."""
    account = Account()
    prices: list[Price] = []
    for cloud, path in _files(folder):
        cells = list(_cells(cloud, path, account))
        apart = [cell for cell in cells if not _whole(cell, account, known, prices)]
        prices += _joined(apart, account, known)
    return offers_of(prices, account, known, choice, "USD")


def _files(folder: Path) -> list[tuple[str, Path]]:
    if folder.is_file():
        raise refused(folder, "is a file", f"Name the folder that holds <cloud>/{FILE}, such as ~/.sky/catalogs/v7")
    if not folder.is_dir():
        raise refused(folder, "does not exist", f"Name a folder that holds <cloud>/{FILE}, such as ~/.sky/catalogs/v7")
    if (folder / FILE).is_file():
        return [(folder.resolve().name, folder / FILE)]
    found = sorted((path.parent.name, path) for path in folder.glob(f"*/{FILE}"))
    if found:
        return found
    versions = sorted({path.parent.parent for path in folder.glob(f"*/*/{FILE}")} | {p.parent.parent for p in folder.glob(f"*/*/*/{FILE}")})
    if versions:
        names = ", ".join(str(path) for path in versions)
        raise refused(folder, "holds several versions of the catalogue, or one further down", f"Name one of {names}")
    raise refused(folder, f"holds no <cloud>/{FILE}", "Name the folder of one version of SkyPilot's catalogue, such as ~/.sky/catalogs/v7")


def _cells(cloud: str, path: Path, account: Account) -> Iterator[Cell]:
    """The prices of a file, but for those that cannot be read as such."""
    date, name = dated(path), f"{cloud}/{FILE}"
    text = price_text(path, f"SkyPilot's columns {', '.join(NEEDED)}")
    for line, row in csv_rows(path, text, NEEDED):
        machine, accelerator = row["InstanceType"].strip(), row["AcceleratorName"].strip()
        region, zone = row["Region"].strip(), row.get("AvailabilityZone", "").strip()
        where, what = f"{name} row {line}", f"{machine or accelerator} in {zone or region}"
        listed = [column for column in KINDS if row[column].strip()]
        if not listed:
            account.leave(account.see(where, what), NO_PRICE)
        for column in listed:
            seen, amount = account.see(where, f"{what}, {KINDS[column]}"), number(row[column])
            if amount is None or amount < 0:
                account.leave(seen, NOT_A_PRICE)
                continue
            count = number(row["AcceleratorCount"]) or 0.0
            yield Cell(seen, where, KINDS[column], amount, cloud, machine, accelerator, count, region, zone, date)


def _whole(cell: Cell, account: Account, known: Known, prices: list[Price]) -> bool:
    """Take in the price of a whole machine; False where host and GPU are priced apart. What is no machine with GPUs is left out."""
    machine = known.machines.get((cell.cloud, cell.machine))
    if not cell.machine or (machine is not None and machine.listed_as and not cell.accelerator):
        return False
    if not cell.accelerator:
        account.leave(cell.number, NO_GPU)
        return True
    sku = machine.sku if machine is not None else known.by_name.get(cell.accelerator.casefold())
    if sku is None:
        account.leave(cell.number, NO_ACCELERATOR)
    elif cell.count < 1 or cell.count != int(cell.count):
        account.leave(cell.number, PART)
    else:
        prices.append(_price(cell, (cell.number,), cell.where, cell.machine, sku, int(cell.count), cell.per_hour, ""))
    return True


def _price(cell: Cell, numbers: tuple[int, ...], where: str, machine: str, sku: str, gpus: int, per_hour: float, note: str) -> Price:
    return Price(numbers, where, cell.cloud, cell.region, machine, sku, gpus, cell.kind, per_hour, cell.date, cell.zone, note=note)


def _joined(cells: list[Cell], account: Account, known: Known) -> list[Price]:
    """Host and GPU prices of one zone added where a machine type has just these."""
    gpus: dict[tuple[str, float, str, str], list[Cell]] = defaultdict(list)
    listed = {machine.listed_as.casefold() for machine in known.machines.values() if machine.listed_as}
    for cell in cells:
        if cell.machine:
            continue
        if cell.accelerator.casefold() in listed:
            gpus[cell.accelerator.casefold(), cell.count, cell.zone or cell.region, cell.kind].append(cell)
        else:
            account.leave(cell.number, FREE_HOST if cell.accelerator.casefold() in known.by_name else NO_ACCELERATOR)
    prices = []
    for host in (cell for cell in cells if cell.machine):
        machine = known.machines[host.cloud, host.machine]
        parts = gpus[machine.listed_as.casefold(), float(machine.gpus), host.zone or host.region, host.kind]
        if not parts:
            account.leave(host.number, HOST_ALONE)
        for part in parts:
            both = f"{host.where} + {part.where.rsplit(' ', 1)[1]}"
            note = f"host {host.per_hour:.6g} + GPUs {part.per_hour:.6g} an hour"
            total = host.per_hour + part.per_hour if host.per_hour > 0 and part.per_hour > 0 else 0.0
            prices.append(_price(host, (host.number, part.number), both, host.machine, machine.sku, machine.gpus, total, note))
    joined = {n for price in prices for n in price.numbers}
    for part in (cell for group in gpus.values() for cell in group if cell.number not in joined):
        account.leave(part.number, GPU_ALONE)
    return prices
