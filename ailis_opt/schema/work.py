"""The work: workloads, their demand, how they run, where their users and their data are."""

from __future__ import annotations

from typing import Literal

from ailis_opt.schema.columns import (
    Count,
    CountFrom1,
    Countries,
    Name,
    Names,
    Number,
    Positive,
    Runtime,
    Runtimes,
    Share,
    SourcedRow,
    cell,
)


class Workload(SourcedRow):
    """Work that produces business outcomes, and what it demands of the capacity."""

    workload: Name = cell("name of the workload", "name")
    kind: Literal["serving", "batch", "training"] = cell("kind of work", "one of", "serving")
    outcome: str = cell("the business outcome that is counted", "text", "")
    outcome_weight: Number = cell("weight of an outcome in the objective", "1/outcome", 1.0)
    units_per_outcome: Positive = cell("units of work in an outcome", "units/outcome", 1.0)
    min_service: Share = cell("least share of the demand to be served over the horizon", "share", 1.0)
    unserved_cost_per_outcome: Number = cell("cost of an outcome not served", "currency/outcome", 0.0)
    latency_ms: Positive | None = cell("most that network and service may take", "ms", None, blank="no limit")
    tiers: Names = cell("sovereignty tiers that are accepted", "list", (), blank="any")
    jurisdictions: Names = cell("jurisdictions, one of which the region must be under", "list", (), blank="any")
    excluded_operator_countries: Countries = cell("countries whose operators are not accepted", "list", (), blank="none")
    datasets: Names = cell("datasets that must be held where the work is done", "list", (), blank="none")
    runtimes: Runtimes = cell("runtimes that are accepted: cuda, cuda/vllm", "list", (), blank="any")
    precisions: Names = cell("precisions that are accepted", "list", (), blank="any")
    max_interruptible_share: Share = cell("most to be served on interruptible capacity", "share of demand", 1.0)
    failover_share: Share = cell("demand that can still be served when any one region is lost", "share of demand", 0.0)
    max_move_share: Share = cell("most that may change region from one period to the next", "share of demand", 1.0)
    max_operator_share: Share = cell("most to be served by one provider", "share of demand", 1.0)
    max_country_share: Share = cell("most to be served in one country", "share of demand", 1.0)
    release_period: Count = cell("first period in which a training job may run", "period", 0)
    deadline_period: Count | None = cell("last period in which a training job may run", "period", None, blank="the last period")
    checkpoint_minutes: Number | None = cell("time to write a checkpoint", "minutes", None, blank="0")
    restart_minutes: Number | None = cell("time to restart after an interruption", "minutes", None, blank="0")
    weights_gb: Number = cell("memory of the weights of one replica", "GB", 0.0)
    kv_gb_per_sequence: Number = cell("memory of the KV cache of one sequence", "GB/sequence", 0.0)
    gb_per_outcome: Number = cell("data sent to the user's geo", "GB/outcome", 0.0)


class Demand(SourcedRow):
    """Outcomes that are demanded; rows add up."""

    workload: Name = cell("the workload", "name")
    geo: Name = cell("where the users are", "name", "any")
    period: Count | None = cell("the period, from 0", "period", None, blank="all periods, in proportion to hours")
    block: str = cell("the block of hours", "name", "", blank="all blocks, in proportion to hours")
    outcomes: Number = cell("total of the period and block (or of those left open)", "outcomes")


class Latency(SourcedRow):
    """Network time between users and a region."""

    geo: Name = cell("where the users are", "name")
    region: Name = cell("the region", "name")
    rtt_ms: Number = cell("round trip", "ms")


class Profile(SourcedRow):
    """How one replica of a workload runs on a SKU."""

    profile: Name = cell("name of the profile", "name")
    workload: Name = cell("the workload", "name")
    sku: Name = cell("the SKU", "name")
    precision: Name = cell("numeric precision", "name", "", blank="not stated: closes nothing")
    runtime: Runtime = cell("runtime: cuda, cuda/vllm", "name", "", blank="not stated: closes nothing")
    gpus: CountFrom1 = cell("GPUs of one replica or gang", "GPU")
    units_per_hour: Positive = cell("units of work of one replica", "units/hour")
    latency_ms: Number = cell("service time at this rate", "ms", 0.0)
    sequences: CountFrom1 | None = cell("sequences in flight in one replica", "sequences", None, blank="1")


class Dataset(SourcedRow):
    """Data that workloads need where they run."""

    dataset: Name = cell("name of the dataset", "name")
    region: Name = cell("its home, where it is always held", "name")
    size_gb: Number = cell("size", "GB", 0.0)
    jurisdictions: Names = cell("jurisdictions in which it may be held", "list", (), blank="any")
    refresh_share_per_period: Share = cell("share sent again to every copy in a period", "share", 0.0)
    storage_price_per_gb_month: Number = cell("price of holding it, per copy", "currency/GB-month", 0.0)


class Egress(SourcedRow):
    """Price of data that leaves a region."""

    from_region: Name = cell("the region that data leave", "name")
    to_region: Name = cell("a region (for datasets) or a geo (for what users receive)", "name")
    price_per_gb: Number = cell("price", "currency/GB")
