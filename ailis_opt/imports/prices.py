"""Prices of machines become offers: filtered, the newest of each kept, zones folded into their region."""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ailis_opt.errors import Fault, InputError
from ailis_opt.imports.account import Account, Reason
from ailis_opt.imports.known import Known
from ailis_opt.io.raw import RawTable, nearest
from ailis_opt.io.rows import load
from ailis_opt.schema import TABLES
from ailis_opt.schema.columns import NAME_FORM

CONTRACTS = {"on-demand": "on_demand", "spot": "interruptible", "low-priority": "interruptible", "1y": "reserved", "3y": "reserved"}
"""Kind of contract of each sort of price."""
YEARS = {"1y": 1, "3y": 3}
HOURS_PER_YEAR = 8760
TERMS = {"month": 12, "week": 52, "day": 365, "hour": HOURS_PER_YEAR}
"""Periods in a year, by kind of period."""
_NAME = re.compile(NAME_FORM.replace(r"\p{Cc}", r"\x00-\x1f\x7f-\x9f"))

ZERO = Reason("a price of 0 stands for a price that is not known", "Give the price in a price book")
NOT_ASKED = Reason("not asked for by --skus or --regions")
SUPERSEDED = Reason("superseded by a newer price of the same thing")
TWICE = Reason("the same price listed again")
AMBIGUOUS = Reason("several prices of one thing with the same date", "Leave one of them in the file")
NO_NAME = Reason("a machine type that cannot be a name", "Rename it in the file")
NO_REGION = Reason(
    "the region is not known", "Add it to regions.csv (provider, native, region, country) in a folder, and name it with --data"
)
NO_MACHINE = Reason(
    "the machine type is not known to hold a GPU",
    "Add it to machines.csv (provider, machine, sku, gpus) in a folder, and name it with --data",
)
NO_ACCELERATOR = Reason(
    "the accelerator is not known", "Add it to accelerators.csv (sku, accelerator, node_gpus) in a folder, and name it with --data"
)


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one machine in one place. `numbers`: the prices of the list that it is made of."""

    numbers: tuple[int, ...]
    where: str
    provider: str
    native: str  # the provider's own name of the region
    machine: str
    sku: str  # of the accelerator in its usual node
    gpus: int
    kind: str  # a key of CONTRACTS
    per_hour: float  # currency/machine-hour
    date: str  # the newest date wins; "" where the list has none
    zone: str = ""
    rank: int = 0  # of prices with one date, the highest wins
    note: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What to keep: patterns with `*` for SKUs (or machine types) and for regions; and the kind of period that terms are counted in."""

    skus: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    period: str = "month"


@dataclass(frozen=True)
class Imported:
    """Tables in the project's own format (name: typed frame), and the account of every price."""

    tables: dict[str, pd.DataFrame]
    account: Account
    currency: str


def offers_of(prices: Sequence[Price], account: Account, known: Known, choice: Choice, currency: str) -> Imported:
    """Tables offers, regions and skus of the prices that are left."""
    placed = [price for price in prices if _placed(price, account, known)]
    kept = _newest(_chosen(placed, account, known, choice), account)
    groups: dict[Hashable, list[Price]] = defaultdict(list)
    for price in kept:
        groups[price.provider, price.native, price.machine, price.kind].append(price)
    rows = [_offer(group, account, known, choice.period) for group in groups.values()]
    used = {key: known.sku_row(*key) for key in sorted({(p.sku, p.gpus) for p in kept})}
    cells = {"regions": _regions(kept, known), "skus": list(used.values()), "offers": sorted(rows, key=lambda row: row["offer"])}
    faults: list[Fault] = []
    tables = {name: load(_raw(name, lines), faults).frame for name, lines in cells.items()}
    if faults:
        raise InputError(faults)
    if any(CONTRACTS[p.kind] == "interruptible" for p in kept):
        account.notices.append(
            "price lists do not say how often spot capacity is interrupted: interruptions_per_hour is 0 until you set it"
        )
    return Imported(tables, account, currency)


def _placed(price: Price, account: Account, known: Known) -> bool:
    reason = None
    if not price.per_hour > 0:
        reason = ZERO
    elif (price.provider, price.native) not in known.regions:
        reason = NO_REGION
    elif not _NAME.match(price.machine):
        reason = NO_NAME
    if reason is not None:
        _leave([price], account, reason)
    return reason is None


def _leave(prices: Iterable[Price], account: Account, reason: Reason) -> None:
    for price in prices:
        for number in price.numbers:
            account.leave(number, reason)


def _chosen(prices: list[Price], account: Account, known: Known, choice: Choice) -> list[Price]:
    """Those that --skus and --regions ask for. Raises InputError for a pattern that nothing matches."""

    def sku_names(price: Price) -> tuple[str, ...]:
        return (known.sku_name(price.sku, price.gpus), price.sku, price.machine)

    def region_names(price: Price) -> tuple[str, ...]:
        row = known.regions[price.provider, price.native]
        return (row["region"], price.native, f"{price.provider}/{price.native}", row["country"])

    hits = {}
    for option, patterns, names in (("--skus", choice.skus, sku_names), ("--regions", choice.regions, region_names)):
        hits[option] = _hits(option, patterns, [names(p) for p in prices]) if prices else []
    keep = [all(hits[option][i] for option in hits) for i in range(len(prices))]
    _leave((p for p, kept in zip(prices, keep, strict=True) if not kept), account, NOT_ASKED)
    return [p for p, kept in zip(prices, keep, strict=True) if kept]


def _hits(option: str, patterns: Sequence[str], names: Sequence[tuple[str, ...]]) -> list[bool]:
    tests: list[Callable[[str], object]] = [wildcard(pattern) for pattern in patterns]
    every = sorted({name for group in names for name in group})
    faults = [
        Fault(option, "nothing in the list has this name", nearest(pattern, every), value=pattern)
        for pattern, test in zip(patterns, tests, strict=True)
        if not any(map(test, every))
    ]
    if faults:
        raise InputError(faults)
    good = {name for name in every if not tests or any(test(name) for test in tests)}
    return [not good.isdisjoint(group) for group in names]


def wildcard(pattern: str) -> Callable[[str], object]:
    """A test whether a text has the form of a pattern, in which `*` stands for any text; case does not matter."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.IGNORECASE | re.DOTALL).fullmatch


def _newest(prices: Sequence[Price], account: Account) -> list[Price]:
    """Of the prices of one thing (machine, zone, kind) the newest; several different ones with its date are all left out."""
    groups: dict[Hashable, list[Price]] = defaultdict(list)
    for price in prices:
        groups[price.provider, price.native, price.zone, price.machine, price.kind].append(price)
    kept = []
    for group in groups.values():
        best = max((p.date, p.rank) for p in group)
        newest = [p for p in group if (p.date, p.rank) == best]
        _leave((p for p in group if (p.date, p.rank) != best), account, SUPERSEDED)
        if len({p.per_hour for p in newest}) > 1:
            _leave(newest, account, AMBIGUOUS)
            continue
        _leave(newest[1:], account, TWICE)
        kept.append(newest[0])
    return kept


def _offer(group: Sequence[Price], account: Account, known: Known, period: str) -> dict[str, str]:
    """One offer of the prices of a machine in the zones of a region: the least on demand, the median on spot."""
    first, region = group[0], known.regions[group[0].provider, group[0].native]
    amounts = sorted(price.per_hour / price.gpus for price in group)
    spot = CONTRACTS[first.kind] == "interruptible"
    amount = statistics.median(amounts) if spot else amounts[0]
    notes = [first.note] if first.note else []
    if len(group) > 1:
        account.folded += 1
        spread = f" ({amounts[0]:.6g} to {amounts[-1]:.6g})" if amounts[0] < amounts[-1] else ", all alike"
        notes.append(f"{'median' if spot else 'least'} of {len(group)} zones{spread}")
    if spot:
        notes.append("interruption rate not in the list")
    account.used.update(number for price in group for number in price.numbers)
    places = list(dict.fromkeys(price.where for price in group))
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return {
        "offer": f"{first.provider}/{first.native}/{first.machine}/{first.kind}",
        "provider": first.provider,
        "operator_country": region["operator_country"],
        "region": region["region"],
        "sku": known.sku_name(first.sku, first.gpus),
        "tier": region["tier"],
        "contract": CONTRACTS[first.kind],
        "price_per_gpu_hour": f"{amount:.12g}",
        "lot_gpus": str(first.gpus),
        "term_periods": str(TERMS[period] * YEARS[first.kind]) if first.kind in YEARS else "",
        "source": f"{'; '.join(places[:3])}{more}, {max(price.date for price in group)}".rstrip(", "),
        "note": "; ".join(notes),
    }


def _raw(name: str, rows: Sequence[dict[str, Any]]) -> RawTable:
    """Rows as if they were read from a file."""
    return RawTable(TABLES[name], f"{name} (imported)", rows=[_stated(row) for row in rows], lines=list(range(1, len(rows) + 1)))


def _stated(row: dict[str, str]) -> dict[str, str]:
    """The row without its blank cells."""
    return {column: cell for column, cell in row.items() if cell}


def _regions(prices: Sequence[Price], known: Known) -> list[dict[str, str]]:
    """A row for each region; what the providers call it is in the note."""
    names: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for key in sorted({(p.provider, p.native) for p in prices}):
        names[known.regions[key]["region"]].append(key)
    rows = []
    for region, keys in sorted(names.items()):
        row = known.regions[keys[0]]
        sources = list(dict.fromkeys(known.regions[key]["source"] for key in keys if known.regions[key]["source"]))
        cells = {"region": region, "country": row["country"], "jurisdictions": row["jurisdictions"]}
        cells |= {"source": "; ".join(sources), "note": ", ".join(f"{provider} {native}" for provider, native in keys)}
        rows.append(cells)
    return rows
