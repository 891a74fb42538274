"""The market: regions, their power, SKUs, and the offers of capacity."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ailis_opt.schema.columns import Count, CountFrom1, Country, Flag, Name, Names, Number, Runtimes, Share, SourcedRow, cell


class Region(SourcedRow):
    """A place with data centers."""

    region: Name = cell("name of the region", "name")
    country: Country = cell("country, ISO 3166-1 alpha-2", "code", "")
    jurisdictions: Names = cell("jurisdictions that the region is under", "list", (), blank="the country alone")
    pue: Annotated[float, Field(ge=1, le=100)] = cell("power usage effectiveness", "ratio", 1.0)
    power_price_per_kwh: Number = cell("price of metered energy", "currency/kWh", 0.0)
    carbon_g_per_kwh: Number = cell("carbon intensity of the electricity", "g/kWh", 0.0)


class Power(SourcedRow):
    """Power of a region in one period, where it differs from the region's own."""

    region: Name = cell("the region", "name")
    period: Count = cell("the period, from 0", "period")
    cap_mw: Number | None = cell("power that the region can draw", "MW", None, blank="no cap")
    price_per_kwh: Number | None = cell("price of metered energy", "currency/kWh", None, blank="the region's price")
    curtailed_share: Share = cell("share of the cap that is curtailed", "share", 0.0)


class Sku(SourcedRow):
    """A kind of GPU node."""

    sku: Name = cell("name of the SKU", "name")
    accelerator: str = cell("name of the chip", "text", "")
    gpus_per_node: CountFrom1 = cell("GPUs in a node", "GPU", 8)
    memory_gb: Number | None = cell(
        "memory of one GPU", "GB/GPU", None, blank="unknown; needed where a workload states weights_gb or kv_gb_per_sequence"
    )
    power_kw_per_gpu: Number | None = cell(
        "power of one GPU with its share of the node", "kW/GPU", None, blank="unknown; needed under a power cap and for metered offers"
    )
    scaleup_gpus: CountFrom1 | None = cell("GPUs in one scale-up domain", "GPU", None, blank="gpus_per_node")
    runtimes: Runtimes = cell("runtimes that the SKU supports: cuda, cuda/vllm", "list", (), blank="any")
    precisions: Names = cell("precisions that the SKU supports", "list", (), blank="any")


class Offer(SourcedRow):
    """GPU capacity that somebody sells."""

    offer: Name = cell("name of the offer", "name")
    provider: str = cell("who sells it", "text", "")
    operator_country: Country = cell("country that controls the operator, ISO 3166-1 alpha-2", "code", "")
    region: Name = cell("where it is", "name")
    sku: Name = cell("what it is", "name")
    tier: Name = cell("sovereignty tier", "name", "public")
    contract: Literal["owned", "reserved", "on_demand", "interruptible"] = cell("kind of contract", "one of")
    price_per_gpu_hour: Number = cell("price", "currency/GPU-hour")
    upfront_per_gpu: Number = cell("payment at the start of a term", "currency/GPU", 0.0)
    lot_gpus: CountFrom1 = cell("GPUs of the smallest amount that is sold", "GPU", 1)
    min_lots: Count = cell("least to start in one period, if any (hired: to hire in a slice)", "lots", 0)
    max_lots: Count | None = cell("most that may be in force at any time", "lots", None, blank="no limit")
    committed_lots: Count = cell("lots signed already, in force from period 0", "lots", 0)
    first_start: Count = cell("first period in which a lot may start", "period", 0)
    last_start: Count | None = cell("last period in which a lot may start", "period", None, blank="the last period")
    lead_periods: Count = cell("periods between signing (at period 0) and delivery", "periods", 0)
    term_periods: CountFrom1 | None = cell("term of a committed lot", "periods", None, blank="to the end of the horizon")
    cluster_gpus: CountFrom1 | None = cell("GPUs that a gang can span", "GPU", None, blank="one scale-up domain of the SKU")
    power: Literal["included", "metered"] = cell("whether energy is in the price", "one of", "included")
    availability: Annotated[float, Field(gt=0, le=1)] = cell("usable share of every paid GPU", "share", 1.0)
    interruptions_per_hour: Number = cell("interruptions of one lot", "1/hour", 0.0)
    max_lots_per_period: Count | None = cell("most that may start in one period", "lots", None, blank="no limit")
    shares_lots_with: Name = cell(
        "group of committed offers that have max_lots and max_lots_per_period together", "name", "", blank="it has them alone"
    )
    take_or_pay_share: Share = cell("share of every lot in force that is paid whether used or not", "share", 1.0)
    whole_lots: Flag | None = cell("whether only whole lots are sold", "true/false", None, blank="true for owned and reserved, else false")


class Price(SourcedRow):
    """Price of a hired offer in one period, where it differs from the offer's own."""

    offer: Name = cell("the offer, on demand or interruptible", "name")
    period: Count = cell("the period, from 0", "period")
    price_per_gpu_hour: Number = cell("price in the period", "currency/GPU-hour")
