"""Offers: list prices of Azure and GCP, sovereign operators derived from them, and the planner's own colocation."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import assumptions as a
import pandas as pd
from derive_places import region_name

AZURE_PRICES = "Azure list price via karpenter-provider-azure, 2026-06-18"
GCP_PRICES = "GCP list price via Cyclenerd pricing calculator, 2026-06-25"
AWS_SPOT = "AWS interruption bucket via spotinfo, 2025-06-28"


def offers(data: Path) -> pd.DataFrame:
    """The table `offers`: Azure, GCP, sovereign operators, and the planner's own colocation."""
    ratios = _gcp_ratios(data)
    public = _gcp_offers(data) + _azure_offers(data, ratios)
    return pd.DataFrame(public + _sovereign_offers(data, public, ratios) + _colo_offers())


def _offer(name: str, place: a.Place, sku: str, contract: str, price: float, **more: object) -> dict[str, object]:
    """A row of `offers`, with what follows from the contract."""
    hired = {"on_demand": a.HIRED_AVAILABILITY, "interruptible": a.SPOT_AVAILABILITY}
    cluster = a.CLUSTER_GPUS.get(sku)
    if cluster and contract == "interruptible":
        cluster = a.SPOT_CLUSTER_GPUS
    return {
        "offer": name,
        "provider": place.provider,
        "operator_country": "US",
        "region": region_name(place),
        "sku": sku,
        "tier": "public",
        "contract": contract,
        "price_per_gpu_hour": round(price, 4),
        "cluster_gpus": cluster,
        "availability": hired.get(contract, a.COMMITTED_AVAILABILITY),
        **more,
    }


def _reserved(term: int, lead: int = 0) -> dict[str, object]:
    """Quota, window and term of a reserved offer of 12 or 36 months."""
    first, last = a.WINDOW_1Y if term == 12 else a.WINDOW_3Y
    quota = a.QUOTA_1Y if term == 12 else a.QUOTA_3Y
    return {"max_lots": quota, "first_start": first, "last_start": max(last, lead), "lead_periods": lead, "term_periods": term}


def _gcp_table(data: Path, machine: str) -> pd.DataFrame:
    """Prices per GPU-hour of an 8-GPU machine, by region."""
    prices = pd.read_csv(data / "prices_gcp_cyclenerd" / "gcp_gpu_prices_2026-06-25.csv").query("machine == @machine").set_index("region")
    per_gpu = prices[["hour", "hour_spot"]] / 8
    return per_gpu.assign(
        one_year=prices.month_1y / a.HOURS_PER_MONTH / 8,
        three_years=prices.month_3y / a.HOURS_PER_MONTH / 8,
        ratio=prices.hour_spot / prices.hour,
    )


def _gcp_offered(data: Path, sku: str) -> set[str]:
    """Regions where GCP offers a SKU: listed for A100, inferred for H100 (see the README)."""
    if sku == "h100":
        return {*_gcp_table(data, a.A3_EVIDENCE).index, *a.A3_ALSO_IN}
    listed = pd.read_csv(data / "prices_gcp_cyclenerd" / "acceleratortypezone.csv", sep=";")
    return set(listed.loc[listed.NAME.eq(a.GCP_LISTED_AS[sku]), "ZONE"].str[:-2])


def _gcp_ratios(data: Path) -> dict[str, dict[str, float]]:
    """By SKU: median over the offered regions of spot, one-year and three-year price over on demand."""
    found = {}
    for sku, machine in a.GCP_MACHINES.items():
        table = _gcp_table(data, machine)
        table = table[table.index.isin(_gcp_offered(data, sku)) & table.ratio.between(*a.PLAUSIBLE_SPOT)]
        found[sku] = {k: float((table[k] / table.hour).median()) for k in ("hour_spot", "one_year", "three_years")}
    return found


def _gcp_offers(data: Path) -> list[dict[str, object]]:
    interruptions = _interruptions(data)
    rows = []
    for sku, machine in a.GCP_MACHINES.items():
        table, offered = _gcp_table(data, machine), _gcp_offered(data, sku)
        inferred = f"offered because {a.A3_EVIDENCE} is priced there or A100 80 GB listed; " if sku == "h100" else ""
        evidence = f"assumed: {inferred}quota"
        for place in (p for p in a.PLACES if p.provider == "gcp" and p.native in offered):
            price, base = table.loc[place.native], f"{region_name(place)}/{sku}"
            told = {"lot_gpus": 8, "source": f"{GCP_PRICES}, {machine}", "note": evidence}
            rows.append(_offer(f"{base}/on-demand", place, sku, "on_demand", price.hour, max_lots=a.QUOTA_ON_DEMAND, **told))
            if a.PLAUSIBLE_SPOT[0] < price.ratio < a.PLAUSIBLE_SPOT[1]:
                rate = interruptions(place.aws, sku)
                spot = {**told, "note": f"{evidence}; interruptions: {AWS_SPOT}, {place.aws}", "interruptions_per_hour": rate}
                rows.append(_offer(f"{base}/spot", place, sku, "interruptible", price.hour_spot, max_lots=a.QUOTA_SPOT, **spot))
            if place.native in a.GCP_RESERVED_IN.get(sku, []):
                rows.append(_offer(f"{base}/1y", place, sku, "reserved", price.one_year, **told, **_reserved(12)))
                longer = {**told, **_reserved(36), "min_lots": a.MIN_LOTS_3Y}
                rows.append(_offer(f"{base}/3y", place, sku, "reserved", price.three_years, **longer))
    return rows


def _azure_offers(data: Path, ratios: dict[str, dict[str, float]]) -> list[dict[str, object]]:
    listed = pd.read_csv(data / "prices_azure_karpenter" / "azure_gpu_ondemand_2026-06-18.csv")
    prices = listed.set_index(["region", "sku"])["ondemand_usd_hour"]
    interruptions = _interruptions(data)
    rows = []
    for sku, (machine, gpus) in a.AZURE_MACHINES.items():
        ratio = ratios[a.AZURE_RATIO_FROM.get(sku, "h100")]
        for place in (p for p in a.PLACES if p.provider == "azure"):
            chosen = place.native in a.AZURE_ONLY_IN.get(sku, [place.native])
            if not chosen or (place.native, machine) not in prices.index:
                continue
            list_price, base = prices[(place.native, machine)] / gpus, f"{region_name(place)}/{sku}"
            told = {"lot_gpus": gpus, "source": f"{AZURE_PRICES}, {machine}", "note": "assumed: quota"}
            quota = a.QUOTA_ON_DEMAND * 8 // gpus
            rows.append(_offer(f"{base}/on-demand", place, sku, "on_demand", list_price, max_lots=quota, **told))
            if sku in a.AZURE_SPOT_SKUS and place.native in a.AZURE_SPOT_IN:
                note = f"assumed: on demand x {ratio['hour_spot']:.3f} (GCP's ratio), quota; interruptions: {AWS_SPOT}, {place.aws}"
                spot = {**told, "note": note, "interruptions_per_hour": interruptions(place.aws, sku), "max_lots": a.QUOTA_SPOT * 8 // gpus}
                rows.append(_offer(f"{base}/spot", place, sku, "interruptible", list_price * ratio["hour_spot"], **spot))
            if sku in a.AZURE_RESERVED_SKUS:
                rows += _azure_reserved(base, place, sku, list_price, ratio, told)
    return rows


def _azure_reserved(
    base: str, place: a.Place, sku: str, list_price: float, ratio: dict[str, float], told: dict[str, object]
) -> list[dict[str, object]]:
    rows = []
    for term, where, key in [(12, a.AZURE_1Y_IN, "one_year"), (36, a.AZURE_3Y_IN, "three_years")]:
        if place.native in where:
            terms = {**told, **_reserved(term), "note": f"assumed: on demand x {ratio[key]:.3f} (GCP's ratio); quota, window"}
            if sku == "gb200":
                terms |= {"lot_gpus": a.GB200_RESERVED_LOT, "max_lots": 8}
            rows.append(_offer(f"{base}/{term // 12}y", place, sku, "reserved", list_price * ratio[key], **terms))
    return rows


def _interruptions(data: Path) -> Callable[[str, str], float]:
    """A function (AWS region, SKU) -> interruptions of one lot per hour."""
    spot = pd.read_csv(data / "prices_aws" / "aws_gpu_spot_savings_interruption_2025-06.csv").set_index(["region", "instance"])
    buckets = spot["interruption_bucket"].to_dict()

    def rate(region: str, sku: str) -> float:
        bucket = buckets.get((region, a.AWS_STAND_IN.get(sku, a.AWS_OTHER)), a.NO_AWS_BUCKET)
        return round(-math.log(1 - a.INTERRUPTED_PER_MONTH[bucket]) / a.HOURS_PER_MONTH, 7)

    return rate


def sovereign_premium(data: Path) -> float:
    """Median ratio of us-gov-west-1 to us-east-1 list prices over AWS's GPU machines of the P families, 2026-07-20."""
    prices = pd.read_csv(data / "prices_aws" / "aws_useast1_gov_cn_accelerator_ondemand_2026-07.csv")
    prices = prices[prices.instance.str.startswith(a.PREMIUM_FAMILIES)]
    prices = prices.pivot_table(index="instance", columns="region", values="ondemand_price")
    return round(float((prices["us-gov-west-1"] / prices["us-east-1"]).median()), 4)


def _sovereign_offers(data: Path, public: list[dict[str, object]], ratios: dict[str, dict[str, float]]) -> list[dict[str, object]]:
    premium = sovereign_premium(data)
    price_of = {row["offer"]: row["price_per_gpu_hour"] for row in public}
    places = {p.native: p for p in a.PLACES if p.provider == "sovereign"}
    rows = []
    for s in a.SOVEREIGN:
        place, base = places[s.place], f"sovereign-{s.place}/{s.sku}"
        neighbour = f"{s.neighbour}/{s.sku}/on-demand"
        list_price = float(str(price_of[neighbour])) * premium
        ratio = ratios[a.AZURE_RATIO_FROM.get(s.sku, "h100")]
        who = {"provider": f"eu-sovereign-{s.country.lower()}", "operator_country": s.country, "tier": "sovereign", "lot_gpus": 8}
        told = {**who, "source": f"neighbour's price ({neighbour}) x AWS GovCloud premium of 2026-07-20"}
        note = f"assumed: fictional operator; premium {premium:.2f}; quota"
        rows.append(_offer(f"{base}/on-demand", place, s.sku, "on_demand", list_price, max_lots=a.QUOTA_SOVEREIGN, note=note, **told))
        for term in s.terms:
            key = "one_year" if term == 12 else "three_years"
            terms = {**told, **_reserved(term, a.SOVEREIGN_LEAD), "max_lots": a.QUOTA_SOVEREIGN}
            terms["note"] = f"{note}; x {ratio[key]:.3f} (GCP's ratio)"
            rows.append(_offer(f"{base}/{term // 12}y", place, s.sku, "reserved", list_price * ratio[key], **terms))
    return rows


def _colo_offers() -> list[dict[str, object]]:
    """A cluster that the planner owns, and servers that can be leased into the same hall; energy is metered."""
    place = next(p for p in a.PLACES if p.provider == "colo")
    who = {"provider": "own-colo", "operator_country": "SE", "tier": "private", "cluster_gpus": 128, "power": "metered"}
    owned = {"lot_gpus": 8, "committed_lots": a.COLO_OWNED_LOTS, "max_lots": 0}
    lease = {
        "lot_gpus": 16,
        "max_lots": a.COLO_LEASE_LOTS,
        "upfront_per_gpu": a.COLO_LEASE_UPFRONT,
        "first_start": a.COLO_LEAD,
        "last_start": a.COLO_LEASE_LAST,
        "lead_periods": a.COLO_LEAD,
        "term_periods": 12,
    }
    note = "assumed: price, size, delivery"
    return [
        {**_offer("colo-lulea/h100/owned", place, "h100", "owned", a.COLO_OWNED_PRICE, note=note, **owned), **who},
        {**_offer("colo-lulea/h200/lease", place, "h200", "reserved", a.COLO_LEASE_PRICE, note=note, **lease), **who},
    ]
