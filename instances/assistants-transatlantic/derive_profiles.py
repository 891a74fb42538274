"""Profiles and workload sizes: measured throughput, and estimates scaled from a measurement where a chip was not measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import assumptions as a
import pandas as pd

SILICON = "aiconfigurator-core 0.12.0 silicon_sample"
KV_BYTES = 2  # KV cache held in 16 bits
GIGA = 1e9
Point = tuple[float, float, str]  # time to first token and per output token (ms), date of measurement
Row = dict[str, object]


@dataclass(frozen=True)
class Model:
    """An open model: its name in the measurements, its config file, parameters, and bytes of the weights that are served."""

    path: str
    config: str
    params: float
    weights_gb: float


LLAMA_70B = Model("meta-llama/Llama-3.1-70B", "meta-llama--Meta-Llama-3.1-70B", 70.6e9, 72.7)
LLAMA_8B = Model("meta-llama/Llama-3.1-8B-Instruct", "meta-llama--Meta-Llama-3.1-8B", 8.03e9, 16.1)
GPT_OSS = Model("openai/gpt-oss-120b", "openai--gpt-oss-120b", 117e9, 65.2)
MINIMAX = Model("MiniMaxAI/MiniMax-M2.5", "MiniMaxAI--MiniMax-M2.5", 230e9, 230.0)
DEEPSEEK = Model("deepseek-ai/DeepSeek-R1", "deepseek-ai--DeepSeek-R1", 671e9, 689.0)
MODELS = {"chat": LLAMA_70B, "review": GPT_OSS, "code": MINIMAX, "research": DEEPSEEK, "enrich": LLAMA_8B, "finetune": LLAMA_70B}
SHAPES = {"chat": (8192, 1024), "review": (8192, 1024), "code": (8192, 1024), "research": (1024, 1024), "enrich": (2048, 256)}
TTFT_SHAPES = {**SHAPES, "chat": (1024, 1024)}  # the trace's prompts are about 1,150 tokens; its prompt : answer ratio is about 5.5 : 1


@dataclass(frozen=True)
class Run:
    """One measured operating point. `sku` is what the profile is for; `stand_in` says why another chip was measured."""

    workload: str
    sku: str
    system: str
    engine: str
    precision: str
    measured_precision: str
    tp: int
    concurrency: int
    ep: int = 1
    stand_in: str = ""


B200 = "measured on B200 (same die at 1000 W), taken as it is for GB200"
RUNS = [
    *(Run("chat", "h100", "h100_sxm", "vllm", "fp8", "fp8", tp, c) for tp, c in [(4, 16), (4, 32), (8, 32), (8, 64)]),
    *(Run("chat", "h200", "h200_sxm", "vllm", "fp8", "fp8", tp, c) for tp, c in [(2, 16), (4, 16), (4, 32), (8, 64)]),
    Run("chat", "h200", "h200_sxm", "trtllm", "fp8", "fp8", 8, 64),
    *(Run("chat", "gb200", "b200_sxm", "vllm", "fp8", "fp8", tp, c, stand_in=B200) for tp, c in [(2, 16), (2, 32), (4, 16)]),
    Run("chat", "gb200", "b200_sxm", "vllm", "fp4", "fp4", 2, 32, stand_in=B200),
    *(Run("review", "h100", "h100_sxm", "vllm", "mxfp4", "fp4", tp, 64) for tp in (2, 4, 8)),
    *(Run("review", "h200", "h200_sxm", "vllm", "mxfp4", "fp4", tp, 64) for tp in (1, 2, 4)),
    Run("review", "h200", "h200_sxm", "trtllm", "mxfp4", "fp4", 2, 64),
    Run("review", "gb200", "b200_sxm", "trtllm", "mxfp4", "fp4", 1, 64, stand_in=B200),
    *(Run("code", "h100", "h100_sxm", "vllm", "fp8", "fp8", 4, c, ep=4) for c in (16, 32)),
    *(Run("code", "h200", "h200_sxm", "vllm", "fp8", "fp8", tp, c) for tp, c in [(4, 32), (4, 64), (8, 64)]),
    Run("code", "gb200", "b200_sxm", "vllm", "fp8", "fp8", 4, 64, stand_in=B200),
    Run("code", "gb200", "b200_sxm", "vllm", "fp4", "fp4", 4, 128, stand_in=B200),
    Run("research", "h200", "h200_sxm", "sglang", "fp8", "fp8", 8, 64),
    Run("research", "h200", "h200_sxm", "trtllm", "fp8", "fp8", 8, 64, ep=8),
    Run("research", "gb200", "gb200", "sglang", "fp8", "fp8", 72, 4096),
    Run("research", "gb200", "gb200", "trtllm", "fp4", "fp4", 24, 2150),
    *(Run("enrich", "h100", "h100_sxm", "trtllm", "bf16", "", 1, c) for c in (64, 128)),
]


@dataclass(frozen=True)
class Estimate:
    """A profile scaled from the measured `run` by factors on the time to first token and the time per token."""

    run: Run
    sku: str
    scaling: str
    engine: str
    precision: str
    gpus: int


def _run(workload: str, sku: str, tp: int, concurrency: int, engine: str = "vllm") -> Run:
    wanted = (workload, sku, tp, concurrency, engine)
    return next(r for r in RUNS if (r.workload, r.sku, r.tp, r.concurrency, r.engine) == wanted)


ESTIMATES = [
    Estimate(_run("chat", "h100", 4, 16), "a100-80g", "a100-w8a16", "cuda/vllm", "w8a16", 4),
    Estimate(_run("chat", "h200", 2, 16), "a100-40g", "a100-w8a16-from-h200", "cuda/vllm", "w8a16", 2),
    Estimate(_run("chat", "h200", 2, 16), "h100-nvl", "h100-nvl-from-h200", "cuda/vllm", "fp8", 2),
    Estimate(_run("chat", "h200", 4, 16), "h100-nvl", "h100-nvl-from-h200", "cuda/vllm", "fp8", 4),
    Estimate(_run("chat", "h200", 4, 32), "mi300x", "mi300x-from-h200", "rocm/vllm", "fp8", 4),
    Estimate(_run("review", "h100", 4, 64), "a100-80g", "a100", "cuda/vllm", "mxfp4", 4),
    Estimate(_run("review", "h100", 2, 64), "h100-nvl", "h100-nvl", "cuda/vllm", "mxfp4", 2),
    Estimate(_run("code", "h200", 4, 32), "mi300x", "mi300x-from-h200", "rocm/vllm", "fp8", 4),
    Estimate(_run("code", "h200", 4, 32), "h100-nvl", "h100-nvl-from-h200", "cuda/vllm", "fp8", 4),
    Estimate(_run("research", "h200", 8, 64, "sglang"), "h100", "h100-from-h200", "cuda/sglang", "fp8", 8),
    Estimate(_run("research", "h200", 8, 64, "sglang"), "h100", "h100-from-h200-twice-the-gpus", "cuda/sglang", "fp8", 16),
    Estimate(_run("research", "h200", 8, 64, "sglang"), "mi300x", "mi300x-from-h200", "rocm/sglang", "fp8", 8),
    *(Estimate(_run("enrich", "h100", 1, c, "trtllm"), "a100-40g", "a100", "cuda/trtllm", "bf16", 1) for c in (64, 128)),
    Estimate(_run("enrich", "h100", 1, 128, "trtllm"), "a100-80g", "a100", "cuda/trtllm", "bf16", 1),
    Estimate(_run("enrich", "h100", 1, 128, "trtllm"), "a100-pcie", "a100", "cuda/trtllm", "bf16", 1),
    Estimate(_run("enrich", "h100", 1, 128, "trtllm"), "h100-nvl", "h100-nvl", "cuda/trtllm", "bf16", 1),
    Estimate(_run("enrich", "h100", 1, 128, "trtllm"), "h200", "h200-from-h100", "cuda/trtllm", "bf16", 1),
    Estimate(_run("enrich", "h100", 1, 128, "trtllm"), "mi300x", "mi300x-from-h100", "rocm/vllm", "bf16", 1),
]
# GPUs of a training gang; flops from systems/*.yaml (MI300X: data sheet)
GANGS = [("h100", 64), ("h100", 128), ("h200", 64), ("h200", 128), ("a100-80g", 128), ("a100-pcie", 64), ("gb200", 64), ("mi300x", 64)]


def chip(data: Path, system: str) -> dict[str, float]:
    """Bandwidth (byte/s) and dense bf16 FLOPS of a system, from its YAML file (flat lines `key: number # remark`)."""
    keys = {"mem_bw": "bandwidth", "bfloat16_tc_flops": "flops"}
    found = {}
    for line in (data / "throughput_aiconfigurator" / "systems" / f"{system}.yaml").read_text().splitlines():
        key, _, rest = line.strip().partition(":")
        if key in keys:
            found[keys[key]] = float(rest.split("#")[0])
    return found


def a100_over_h100(data: Path) -> tuple[float, float]:
    """Measured slowdown (prefill, per token) of A100 against H100: Llama-2-70B fp16, median over equal runs in Splitwise's table."""
    runs = pd.read_csv(data / "throughput_splitwise" / "perf_model.csv").query("model == 'llama2-70b'")
    cells = runs.groupby(["hardware", "tensor_parallel", "prompt_size", "batch_size", "token_size"])[["prompt_time", "token_time"]].median()
    slow = (cells.loc["a100-80gb"] / cells.loc["h100-80gb"]).median()
    return float(slow["prompt_time"]), float(slow["token_time"])


def scalings(data: Path) -> dict[str, tuple[float, float]]:
    """Factors on (time to first token, time per token) by name of scaling."""
    h100, h200 = chip(data, "h100_sxm"), chip(data, "h200_sxm")
    nvl = {"flops": a.H100_NVL_FLOPS, "bandwidth": a.H100_NVL_BANDWIDTH}
    mi300x = {"flops": a.MI300X_FLOPS * a.ROCM_EFFICIENCY, "bandwidth": a.MI300X_BANDWIDTH * a.ROCM_EFFICIENCY}
    slow_prefill, slow_decode = a100_over_h100(data)
    w8a16 = _mixed(slow_prefill * a.W8A16_PREFILL_PENALTY, slow_decode)
    h100_from_h200 = _roofline(h200, h100)
    return {
        "a100": _mixed(slow_prefill, slow_decode),
        "a100-w8a16": w8a16,
        "a100-w8a16-from-h200": (w8a16[0], w8a16[1] * h100_from_h200[1]),
        "h100-nvl": _roofline(h100, nvl),
        "h100-nvl-from-h200": _roofline(h200, nvl),
        "h100-from-h200": h100_from_h200,
        "h100-from-h200-twice-the-gpus": (h100_from_h200[0] / 2, h100_from_h200[1] / 2),
        "h200-from-h100": _roofline(h100, h200),
        "mi300x-from-h200": _roofline(h200, mi300x),
        "mi300x-from-h100": _roofline(h100, mi300x),
    }


def _mixed(prefill: float, decode: float) -> tuple[float, float]:
    """In continuous batching a token also waits for other requests' prefill: its time scales by a mixture of both factors."""
    return prefill, a.PREFILL_PART_OF_TOKEN_TIME * prefill + (1 - a.PREFILL_PART_OF_TOKEN_TIME) * decode


def _roofline(known: dict[str, float], other: dict[str, float]) -> tuple[float, float]:
    """Factors from a known chip to another: prefill by FLOPS, decode by memory bandwidth."""
    return _mixed(known["flops"] / other["flops"], known["bandwidth"] / other["bandwidth"])


def measured(sample: pd.DataFrame, run: Run, shape: tuple[int, int]) -> Point:
    """Median time to first token and per output token (ms) of the runs at this point, and the date of the newest."""
    is_moe = MODELS[run.workload] in (MINIMAX, DEEPSEEK, GPT_OSS)
    rows = sample[
        (sample["mode"] == "agg")
        & (sample.model_path == MODELS[run.workload].path)
        & (sample.system == run.system)
        & (sample.backend == run.engine)
        & (sample.precision.fillna("") == run.measured_precision)
        & (sample.tp_size == run.tp)
        & (sample.attention_dp_size.fillna(1) == 1)
        & ((sample.moe_ep_size == run.ep) | (not is_moe))
        & (sample.batch_size == run.concurrency)
        & (sample.isl == shape[0])
        & (sample.osl == shape[1])
    ]
    if rows.empty:
        raise ValueError(f"no measurement for {run} at {shape}")
    dates = rows.silicon_data_source.str.extract(r"measured=(\d{4}-\d\d-\d\d)")[0].dropna()
    return float(rows.silicon_ttft_ms.median()), float(rows.silicon_tpot_ms.median()), dates.max() if len(dates) else "2026"


def units_per_hour(workload: str, concurrency: int, ttft: float, tpot: float) -> float:
    """Output tokens per hour of a replica; for `enrich` requests per hour."""
    answer = SHAPES[workload][1]
    requests = concurrency / (ttft + tpot * answer) * 3.6e6
    return requests if workload == "enrich" else requests * answer


def profiles(data: Path) -> pd.DataFrame:
    """The table `profiles`: measured runs, estimates, and training gangs."""
    sample = pd.read_csv(data / "throughput_aiconfigurator" / "silicon_sample.csv", low_memory=False)
    points = {run: (measured(sample, run, SHAPES[run.workload]), measured(sample, run, TTFT_SHAPES[run.workload])) for run in RUNS}
    rows = [_measured_row(run, *point) for run, point in points.items()]
    factors = scalings(data)
    rows += [_estimated_row(e, *points[e.run], factors[e.scaling]) for e in ESTIMATES]
    rows += [_gang_row(data, sku, gpus) for sku, gpus in GANGS]
    return pd.DataFrame(rows)


def _row(workload: str, sku: str, precision: str, runtime: str, gpus: int, units: float, ttft: float, sequences: int | str) -> Row:
    engine = runtime.partition("/")[2]
    name = f"{workload}/{sku}/{engine}-{precision}-g{gpus}" + (f"-c{sequences}" if sequences else "")
    keys = ["profile", "workload", "sku", "precision", "runtime", "gpus", "units_per_hour", "latency_ms", "sequences"]
    return dict(zip(keys, [name, workload, sku, precision, runtime, gpus, round(units), round(ttft, 1), sequences], strict=True))


def _measured_row(run: Run, rate: Point, first: Point) -> Row:
    units = units_per_hour(run.workload, run.concurrency, rate[0], rate[1])
    row = _row(run.workload, run.sku, run.precision, f"cuda/{run.engine}", run.tp, units, first[0], run.concurrency)
    shape = "{}/{}".format(*SHAPES[run.workload])
    if TTFT_SHAPES[run.workload] != SHAPES[run.workload]:
        shape += " (first token: {}/{})".format(*TTFT_SHAPES[run.workload])
    row["source"] = f"measured: {SILICON}, {MODELS[run.workload].path} on {run.system}, {shape} tokens, {rate[2]}"
    row["note"] = f"assumed: {run.stand_in}" if run.stand_in else ""
    return row


def _estimated_row(e: Estimate, rate: Point, first: Point, by: tuple[float, float]) -> Row:
    units = units_per_hour(e.run.workload, e.run.concurrency, rate[0] * by[0], rate[1] * by[1])
    row = _row(e.run.workload, e.sku, e.precision, e.engine, e.gpus, units, first[0] * by[0], e.run.concurrency)
    measured_slowdown = e.scaling.startswith("a100")
    basis = "Splitwise A100/H100 ratio, 2024-04" if measured_slowdown else "roofline"
    row["source"] = f"estimated: {basis}, from {SILICON}, {MODELS[e.run.workload].path} on {e.run.system}, {rate[2]}"
    row["note"] = f"assumed: times to first token x {by[0]:.2f}, per token x {by[1]:.2f}"
    return row


def _gang_row(data: Path, sku: str, gpus: int) -> Row:
    system = {"h100": "h100_sxm", "h200": "h200_sxm", "a100-80g": "a100_sxm", "a100-pcie": "a100_pcie", "gb200": "gb200"}.get(sku)
    flops = chip(data, system)["flops"] if system else a.MI300X_FLOPS * a.ROCM_EFFICIENCY
    tokens = gpus * flops * a.TRAINING_MFU / (6 * MODELS["finetune"].params) * 3600
    runtime = "rocm/megatron" if sku == "mi300x" else "cuda/megatron"
    row = _row("finetune", sku, "bf16", runtime, gpus, 0, 0, "")
    row["units_per_hour"] = round(tokens / GIGA, 4)
    row["source"] = f"estimated: dense bf16 FLOPS, {'aiconfigurator systems 0.12.0' if system else 'AMD data sheet'}"
    row["note"] = f"assumed: {a.TRAINING_MFU:.0%} of peak, 6 x parameters FLOP per token; units are 1e9 training tokens"
    return row


def kv_gb_per_sequence(data: Path, workload: str, tokens: float) -> float:
    """KV cache (1e9 bytes) of one sequence with `tokens` in flight: grouped attention, or the compressed cache of MLA models."""
    folder = data / "throughput_aiconfigurator" / "model_configs"
    config = json.loads((folder / f"{MODELS[workload].config}_config.json").read_text())
    layers = config.get("layer_types", []).count("full_attention") or config["num_hidden_layers"]
    if "kv_lora_rank" in config:
        per_layer = config["kv_lora_rank"] + config["qk_rope_head_dim"]
    else:
        head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
        per_layer = 2 * config["num_key_value_heads"] * head
    return layers * per_layer * KV_BYTES * tokens / GIGA
