"""The supply side of a random instance: regions, SKUs, offers, egress prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.generate import Draft, Row

TIERS = ["public", "trusted", "sovereign"]
OPERATORS = ["US", "DE", "FR", "CN"]


def regions(d: Draft) -> None:
    """Two regions in different countries, then more anywhere; each has its country, and sometimes the union, as jurisdictions."""
    count = d.rng.randint(3, 4) if d.many else d.rng.randint(2, 3)
    countries = d.rng.sample(["DE", "FR", "US"], 2)
    countries += [d.rng.choice(["DE", "FR", "US"]) for _ in range(count - 2)]
    for i, country in enumerate(countries):
        row: Row = {"region": f"r{i}", "country": country, "pue": d.rng.choice([1.0, 1.1, 1.3])}
        if country != "US" and "jurisdictions" in d.on:
            row["jurisdictions"] = [country, "EU"]
        row["power_price_per_kwh"] = round(d.rng.uniform(0.05, 0.6), 3)
        row["carbon_g_per_kwh"] = d.rng.randint(20, 500)
        d.rows("regions").append(row)


def skus(d: Draft) -> None:
    """Two or three SKUs that differ in memory, domain, power, runtimes and precisions."""
    for i in range(3 if d.many else 2):
        node = d.rng.choice([4, 8])
        row: Row = {"sku": f"s{i}", "accelerator": f"acc{i}", "gpus_per_node": node}
        row["memory_gb"] = d.rng.choice([40, 80, 96, 192])
        row["power_kw_per_gpu"] = d.rng.choice([0.5, 1.0, 1.4])
        if "packing" in d.on:
            row["scaleup_gpus"] = d.rng.choice([node, 8, 16])
        if "runtimes" in d.on:
            row["runtimes"] = d.rng.choice([["cuda"], ["cuda", "rocm"], ["cuda/vllm", "cuda/trt"], ["cuda/vllm", "rocm/vllm"]])
        if "precisions" in d.on:
            row["precisions"] = ["bf16", *d.rng.sample(["fp8", "fp4"], d.rng.randint(0, 2))]
        d.rows("skus").append(row)


def domain(sku: Row) -> int:
    """GPUs in a scale-up domain."""
    return int(sku.get("scaleup_gpus") or sku["gpus_per_node"])


def firm_offers(d: Draft) -> None:
    """The planted plan's own: a dear on-demand offer for every region and SKU that it uses, there from the first period on."""
    for region, sku in sorted({(level.region, level.sku) for level in d.levels}):
        country = d.row("regions", region)["country"]
        row: Row = {"offer": f"firm-{region}-{sku}", "provider": f"cloud-{country}", "operator_country": firm_operator(country)}
        row |= {"region": region, "sku": sku, "tier": firm_tier(region), "contract": "on_demand"}
        row |= {"price_per_gpu_hour": round(d.rng.uniform(4, 8), 2), "lot_gpus": d.rng.choice([1, 2, 4])}
        row["power"] = "metered" if d.has("metered", 0.4) else "included"
        row["whole_lots"] = d.has("whole_hired", 0.4)
        if "training" in d.on:
            row["cluster_gpus"] = 32
        if d.has("availability", 0.4):
            row["availability"] = d.rng.choice([0.9, 0.97])
        d.rows("offers").append(row)


def firm_operator(country: str) -> str:
    """Whose flag the firm provider of a country flies: the French one is American."""
    return {"DE": "DE", "FR": "US", "US": "US"}[country]


def firm_tier(region: str) -> str:
    """The tier of the firm offers of a region."""
    return TIERS[int(region[1:]) % len(TIERS)]


def other_offers(d: Draft) -> None:
    """Cheaper offers of every contract, with every limit, most of them where the workloads can use them."""
    kinds = ["on_demand"]
    kinds += [k for k, f in (("owned", "owned"), ("reserved", "reserved"), ("interruptible", "interruptible")) if f in d.on]
    for i in range(d.rng.randint(4, 6) if d.many else d.rng.randint(2, 4)):
        contract = kinds[-1 - i] if i < len(kinds) else d.rng.choice(kinds)
        row = _anywhere(d, f"o{i}", contract)
        (_committed if contract in ("owned", "reserved") else _hired)(d, row)
        d.rows("offers").append(row)
        if d.rng.random() < 0.1:
            d.rows("offers").append(row | {"offer": f"twin{i}"})


def _anywhere(d: Draft, name: str, contract: str) -> Row:
    """An offer beside a firm one (then in the same pool) or anywhere, priced below the firm ones."""
    price = {"owned": (0.5, 2), "reserved": (0.8, 3), "on_demand": (2, 5), "interruptible": (0.4, 2)}[contract]
    firm = d.rng.choice([o for o in d.rows("offers") if o["offer"].startswith("firm")])
    row: Row = {"offer": name, "contract": contract, "price_per_gpu_hour": round(d.rng.uniform(*price), 2)}
    row |= {c: firm[c] for c in ("provider", "operator_country", "region", "sku", "tier", "power")}
    if "cluster_gpus" in firm and d.rng.random() < 0.6:
        row["cluster_gpus"] = firm["cluster_gpus"]
    if d.rng.random() < 0.5:
        row["region"] = d.rng.choice(d.rows("regions"))["region"]
        row["sku"] = d.rng.choice([firm["sku"], d.rng.choice(d.rows("skus"))["sku"]])
        row["provider"] = d.rng.choice(["cloud-US", "cloud-DE", "neo"])
        row["operator_country"] = d.rng.choice(OPERATORS)
        row["tier"] = d.rng.choice(TIERS)
    if "metered" in d.on:
        row["power"] = d.rng.choice(["metered", "included"])
    if d.has("availability", 0.6):
        row["availability"] = d.rng.choice([0.85, 0.95])
    return row


def _committed(d: Draft, row: Row) -> None:
    row["lot_gpus"] = d.rng.choice([1, 2, 3, 4])
    row["max_lots"] = d.rng.randint(1, 4)
    periods = len(d.hours)
    if d.has("terms", 0.7):
        row["term_periods"] = d.rng.randint(1, periods + 1)
    if d.has("upfront", 0.6):
        row["upfront_per_gpu"] = round(d.rng.uniform(0.05, 0.8) * sum(d.hours), 2)
    if d.has("committed_lots", 0.7):
        row["committed_lots"] = d.rng.randint(1, 2)
    if d.has("min_lots", 0.6):
        row["min_lots"] = d.rng.randint(1, row["max_lots"])
    if d.rng.random() < 0.2:
        row["whole_lots"] = False
    elif row.get("min_lots", 0) < 2 and d.rng.random() < 0.2:
        del row["max_lots"]
    _window(d, row)


def _hired(d: Draft, row: Row) -> None:
    row["lot_gpus"] = d.rng.choice([1, 2, 4])
    if d.rng.random() < 0.7:
        row["max_lots"] = d.rng.randint(2, 8)
    if d.has("min_lots", 0.5):
        row["min_lots"] = d.rng.randint(1, row.get("max_lots", 4))
    if d.has("whole_hired", 0.5):
        row["whole_lots"] = True
    if row["contract"] == "interruptible" and d.rng.random() < 0.7:
        row["interruptions_per_hour"] = d.rng.choice([0.005, 0.02, 0.1, 0.5, 3.0])
    _window(d, row)


def _window(d: Draft, row: Row) -> None:
    if not d.has("windows", 0.7):
        return
    last = len(d.hours) - 1
    row["first_start"] = d.rng.randint(0, last)
    row["lead_periods"] = d.rng.randint(0, last)
    if d.rng.random() < 0.5:
        row["last_start"] = d.rng.randint(max(row["first_start"], row["lead_periods"]), last)


def terms(d: Draft) -> None:
    """Ramps, take-or-pay shares, and lots that are sold in two ways."""
    committed = [o for o in d.rows("offers") if o["contract"] in ("owned", "reserved")]
    for row in committed:
        if d.has("ramp", 0.7):
            row["max_lots_per_period"] = d.rng.randint(max(1, row.get("min_lots", 0)), max(2, row.get("min_lots", 0)))
        if d.has("take_or_pay", 0.7):
            row["take_or_pay_share"] = d.rng.choice([0, 0.25, 0.5, 0.7])
    for row in committed:
        if "max_lots" in row and not row["offer"].startswith("twin") and d.has("shared_lots", 0.7):
            row["shares_lots_with"] = f"lots of {row['offer']}"
            other = row | {"offer": f"{row['offer']}-short", "term_periods": d.rng.randint(1, len(d.hours)), "committed_lots": 0}
            other["price_per_gpu_hour"] = round(row["price_per_gpu_hour"] * d.rng.uniform(0.6, 1.3), 2)
            if "take_or_pay" in d.on:
                other["take_or_pay_share"] = d.rng.choice([0.3, 1])
            d.rows("offers").append(other)


def egress(d: Draft) -> None:
    """Prices from every region to every other and to every geo, a few of them not listed."""
    if "egress" not in d.on and "datasets" not in d.on:
        return
    names = [r["region"] for r in d.rows("regions")]
    for a in names:
        for b in [*(n for n in names if n != a), *d.geos]:
            if d.rng.random() < 0.9:
                d.rows("egress").append({"from_region": a, "to_region": b, "price_per_gb": round(d.rng.uniform(0.01, 0.2), 3)})
