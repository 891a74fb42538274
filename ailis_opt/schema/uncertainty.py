"""What may turn out otherwise, and what protects against it: indices, curves, hedges, scenarios, changes."""

from __future__ import annotations

from typing import Literal

from ailis_opt.schema.columns import Count, CountFrom1, Flag, Name, Names, Number, Positive, Share, SourcedRow, cell


class Index(SourcedRow):
    """A price index of GPU-hours, and what it tracks."""

    index: Name = cell("name of the index", "name")
    price_per_gpu_hour: Number = cell("its level today", "currency/GPU-hour")
    sku: str = cell("SKU that it tracks", "name", "")
    region: str = cell("region that it tracks", "name", "")
    contract: Literal["owned", "reserved", "on_demand", "interruptible", ""] = cell("kind of contract that it tracks", "one of", "")
    tier: str = cell("sovereignty tier that it tracks", "name", "")
    term_periods: CountFrom1 | None = cell("term that it tracks", "periods", None, blank="none")
    included: Names = cell("attributes of the checklist that its methodology includes", "list", ())
    excluded: Names = cell("attributes of the checklist that its methodology excludes", "list", ())


class Curve(SourcedRow):
    """The forward curve of an index where it is not flat."""

    index: Name = cell("the index", "name")
    period: Count = cell("the period, from 0", "period")
    price_per_gpu_hour: Number = cell("level of the index in the period", "currency/GPU-hour")


class Hedge(SourcedRow):
    """A contract that pays on an index."""

    hedge: Name = cell("name of the hedge", "name")
    kind: Literal["swap", "forward", "call", "put", "cap", "insurance"] = cell("kind of payoff", "one of")
    index: Name = cell("the index that it pays on", "name")
    strike: Number | None = cell("strike", "currency/GPU-hour", None, blank="none")
    premium_per_gpu_hour: Number = cell("premium", "currency/GPU-hour", 0.0)
    gpu_hours_per_period: Positive = cell("amount of one lot", "GPU-hours/period")
    first_period: Count = cell("first period that it covers", "period", 0)
    last_period: Count | None = cell("last period that it covers", "period", None, blank="the last period")
    max_lots: Count | None = cell("most that may be signed, beside those held already", "lots", None, blank="no limit")
    whole_lots: Flag = cell("whether only whole lots are sold", "true/false", False)
    limit_per_gpu_hour: Number | None = cell("most that an insurance pays", "currency/GPU-hour", None, blank="no limit")
    collateral_per_gpu_hour: Number = cell("collateral posted for every GPU-hour that is still to be settled", "currency/GPU-hour", 0.0)
    carry_rate_per_year: Number = cell("cost of carrying the collateral, a year", "share/year", 0.0)
    committed_lots: Number = cell("lots held already, which cannot be given back", "lots", 0.0)


class Scenario(SourcedRow):
    """One way that things may turn out."""

    scenario: Name = cell("name of the scenario", "name")
    probability: Share | None = cell("probability", "share", None, blank="equal, when all are blank")


Basis = Literal["SKU", "topology", "memory", "power", "region", "duration", "reliability", "workload", "policy", ""]


class Change(SourcedRow):
    """One edit of the instance that makes a scenario."""

    scenario: Name = cell("the scenario", "name")
    basis: Basis = cell("type of basis risk that it belongs to", "one of", "")
    table: Name = cell("table that is edited", "name")
    where: str = cell("rows that are edited: column=value & column=value", "selector", "", blank="all rows")
    column: Name = cell("column that is edited", "name")
    op: Literal["set", "mul", "add"] = cell("what is done to the value", "one of", "set")
    value: str = cell("operand", "text")
    first_period: Count | None = cell("first period that it applies to", "period", None, blank="the first period")
    last_period: Count | None = cell("last period that it applies to", "period", None, blank="the last period")


MAY_CHANGE: dict[str, tuple[str, ...]] = {
    "regions": ("jurisdictions", "pue", "power_price_per_kwh", "carbon_g_per_kwh"),
    "power": ("cap_mw", "price_per_kwh", "curtailed_share"),
    "skus": ("memory_gb", "power_kw_per_gpu", "runtimes", "precisions"),
    "offers": (
        *("price_per_gpu_hour", "max_lots", "availability", "first_start", "last_start", "lead_periods"),
        *("tier", "operator_country", "interruptions_per_hour"),
    ),
    "prices": ("price_per_gpu_hour",),
    "workloads": (
        *("latency_ms", "tiers", "jurisdictions", "excluded_operator_countries", "runtimes", "precisions", "weights_gb"),
        *("kv_gb_per_sequence", "gb_per_outcome", "units_per_outcome", "checkpoint_minutes", "restart_minutes"),
    ),
    "demand": ("outcomes",),
    "latency": ("rtt_ms",),
    "profiles": ("units_per_hour", "latency_ms", "sequences", "precision", "runtime"),
    "datasets": ("jurisdictions",),
    "egress": ("price_per_gb",),
    "indices": ("price_per_gpu_hour",),
    "curves": ("price_per_gpu_hour",),
}
"""What a scenario may change: column by table. All else is decided before it is known which scenario comes."""
