"""A good instance as the text of its files, and how to put it on disk."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest

FILES = {
    "instance.yaml": """\
schema: ailis-opt/1
name: good
description: an instance that uses most of the format
currency: EUR
objective: cost_per_outcome
horizon:
  start: 2027-01-01
  periods: 12
  period: month
  blocks: [{block: peak, share: 0.3}, {block: base, share: 0.7}]
budget: 1e9
risk: {alpha: 0.9}
""",
    "regions.csv": """\
region,country,jurisdictions,pue,power_price_per_kwh,carbon_g_per_kwh,source
oslo,NO,,1.1,0.05,20,grid report
frankfurt,DE,EU; DE,1.3,0.2,350,
dallas,US,,1.25,0.07,400,
""",
    "power.csv": """\
region,period,cap_mw,price_per_kwh,curtailed_share
frankfurt,0,1.5,,0
frankfurt,1,1.5,0.25,0.1
""",
    "skus.csv": """\
sku,accelerator,gpus_per_node,memory_gb,power_kw_per_gpu,scaleup_gpus,runtimes,precisions
H100,H100 SXM,8,80,1.3,,cuda;cuda/vllm,bf16;fp8
MI300,MI300X,8,192,1.4,8,rocm,bf16
""",
    "offers.csv": """\
offer,provider,operator_country,region,sku,tier,contract,price_per_gpu_hour,upfront_per_gpu,lot_gpus,min_lots,max_lots,first_start,last_start,term_periods,power,availability,interruptions_per_hour,whole_lots
own,us,NO,oslo,H100,sovereign,owned,1.1,500,8,1,4,0,6,6,metered,0.98,,
res,acme,US,frankfurt,H100,,reserved,1.6,,8,2,10,,,12,,,,
hire,acme,US,dallas,MI300,,on_demand,2.9,,1,,64,,,,,,,yes
spot,acme,US,dallas,H100,,interruptible,1.2,,8,,,,,,,0.95,0.01,
""",
    "workloads.csv": """\
workload,kind,outcome,units_per_outcome,min_service,latency_ms,tiers,jurisdictions,excluded_operator_countries,datasets,max_interruptible_share,failover_share,max_move_share,max_operator_share,max_country_share,release_period,deadline_period,weights_gb,kv_gb_per_sequence,gb_per_outcome,unserved_cost_per_outcome
chat,serving,ticket,1200,0.99,300,,EU;NO,CN,tickets,0.5,0.2,0.5,0.8,0.9,,,70,0.5,0.001,0.5
tune,training,run,1,,,,,,,,,0,,,2,9,,,,
""",
    "demand.csv": """\
workload,geo,period,block,outcomes
chat,eu,0,peak,1000000
chat,eu,0,base,500000
chat,us,,,8e6
tune,,,,3
""",
    "latency.csv": """\
geo,region,rtt_ms
eu,oslo,30
eu,frankfurt,15
eu,dallas,130
us,oslo,120
us,frankfurt,110
us,dallas,20
""",
    "profiles.csv": """\
profile,workload,sku,precision,runtime,gpus,units_per_hour,latency_ms,sequences
chat-h100,chat,H100,fp8,cuda/vllm,2,5e6,120,16
tune-h100,tune,H100,bf16,cuda,64,0.01,,
tune-mi300,tune,MI300,bf16,rocm,64,0.012,,
""",
    "datasets.csv": """\
dataset,region,size_gb,jurisdictions,refresh_share_per_period,storage_price_per_gb_month
tickets,oslo,5000,,0.1,0.02
""",
    "egress.csv": """\
from_region,to_region,price_per_gb
oslo,frankfurt,0.02
oslo,dallas,0.05
oslo,eu,0.03
oslo,us,0.03
frankfurt,eu,0.03
frankfurt,us,0.03
dallas,eu,0.08
dallas,us,0.08
""",
}

Write = Callable[[Mapping[str, str | bytes]], Path]


@pytest.fixture
def good() -> dict[str, str]:
    """File name to text, free to be changed."""
    return dict(FILES)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files into a fresh folder; returns the folder."""

    def to_disk(files: Mapping[str, str | bytes]) -> Path:
        folder = tmp_path / f"instance{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder

    return to_disk


@pytest.fixture
def parquet() -> Callable[[str], bytes]:
    """CSV text as the bytes of a Parquet file."""

    def convert(text: str) -> bytes:
        content = pd.read_csv(io.StringIO(text)).to_parquet(None)
        assert isinstance(content, bytes)
        return content

    return convert
