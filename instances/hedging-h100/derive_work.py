"""Workloads, demand and profiles: measured throughput, and estimates scaled from a measurement where a chip was not measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import assumptions as a
import pandas as pd

SILICON = "aiconfigurator-core 0.12.0 silicon_sample"
TRACE = "Azure LLM inference trace 2023-11-16 (conversation)"
KV_BYTES = 2  # KV cache held in 16 bits
GIGA = 1e9
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
MODELS = {"chat": LLAMA_70B, "review": GPT_OSS, "digest": LLAMA_8B, "finetune": LLAMA_8B}
SHAPES = {"chat": (8192, 1024), "review": (8192, 1024), "digest": (2048, 256)}  # prompt and answer tokens of the measured runs
FIRST_TOKEN_SHAPES = {**SHAPES, "chat": (1024, 1024)}  # the trace's prompts are about 1,150 tokens; its prompt : answer ratio is 5.5 : 1


@dataclass(frozen=True)
class Run:
    """A measured operating point on H100, and the SKU that it is for: the same, or one that it is scaled to."""

    workload: str
    engine: str
    precision: str
    measured_precision: str
    tp: int
    concurrency: int
    sku: str = "h100"
    sku_precision: str = ""


RUNS = [
    *(Run("chat", "vllm", "fp8", "fp8", tp, c) for tp, c in [(4, 16), (4, 32), (8, 32), (8, 64)]),
    Run("chat", "vllm", "fp8", "fp8", 4, 16, "a100", "w8a16"),
    *(Run("review", "vllm", "mxfp4", "fp4", tp, 64) for tp in (2, 4, 8)),
    *(Run("digest", "trtllm", "bf16", "", 1, c) for c in (64, 128)),
    *(Run("digest", "trtllm", "bf16", "", 1, c, "a100") for c in (64, 128)),
    *(Run("digest", "trtllm", "bf16", "", 1, c, "l4") for c in (16, 64)),
]
GANGS = ["h100", "a100"]  # one machine of 8 GPUs; L4 has no NVLink


@cache
def chip(data: Path, sku: str) -> dict[str, float]:
    """Bandwidth (byte/s) and dense bf16 FLOPS, from the system's YAML file (flat lines `key: number # remark`)."""
    keys = {"mem_bw": "bandwidth", "bfloat16_tc_flops": "flops"}
    found = {}
    for line in (data / "throughput_aiconfigurator" / "systems" / f"{a.CHIPS[sku].system}.yaml").read_text().splitlines():
        key, _, rest = line.strip().partition(":")
        if key in keys:
            found[keys[key]] = float(rest.split("#")[0])
    return found


@cache
def slowdown(data: Path, sku: str, precision: str) -> tuple[float, float]:
    """Factors against H100 on (time to first token, time per token): A100 as Splitwise measured it, L4 by the roofline."""
    if sku == "a100":
        runs = pd.read_csv(data / "throughput_splitwise" / "perf_model.csv").query("model == 'llama2-70b'")
        keys = ["hardware", "tensor_parallel", "prompt_size", "batch_size", "token_size"]
        cells = runs.groupby(keys)[["prompt_time", "token_time"]].median()
        ratio = (cells.loc["a100-80gb"] / cells.loc["h100-80gb"]).median()
        prefill, decode = float(ratio["prompt_time"]), float(ratio["token_time"])
        if precision == "w8a16":
            prefill *= a.W8A16_PREFILL_PENALTY
    else:
        h100, other = chip(data, "h100"), chip(data, sku)
        prefill, decode = h100["flops"] / other["flops"], h100["bandwidth"] / other["bandwidth"]
    return prefill, a.PREFILL_PART_OF_TOKEN_TIME * prefill + (1 - a.PREFILL_PART_OF_TOKEN_TIME) * decode


@cache
def _sample(data: Path) -> pd.DataFrame:
    table = pd.read_csv(data / "throughput_aiconfigurator" / "silicon_sample.csv", low_memory=False)
    single = (table.attention_dp_size.fillna(1) == 1) & (table.moe_ep_size.fillna(1) == 1)
    return table[(table["mode"] == "agg") & (table.system == "h100_sxm") & single]


def measured(data: Path, run: Run, shape: tuple[int, int]) -> tuple[float, float, str]:
    """Median time to first token and per output token (ms) of the runs at this point, and the date of the newest."""
    table = _sample(data)
    rows = table[
        (table.model_path == MODELS[run.workload].path)
        & (table.backend == run.engine)
        & (table.precision.fillna("") == run.measured_precision)
        & (table.tp_size == run.tp)
        & (table.batch_size == run.concurrency)
        & (table.isl == shape[0])
        & (table.osl == shape[1])
    ]
    if rows.empty:
        raise ValueError(f"no measurement for {run} at {shape}")
    dates = rows.silicon_data_source.str.extract(r"measured=(\d{4}-\d\d-\d\d)")[0].dropna()
    return float(rows.silicon_ttft_ms.median()), float(rows.silicon_tpot_ms.median()), dates.max() if len(dates) else "2026"


def profiles(data: Path) -> pd.DataFrame:
    """The table `profiles`: measured runs, estimates, and training on one machine."""
    return pd.DataFrame([_profile(data, run) for run in RUNS] + [_gang(data, sku) for sku in GANGS])


def _profile(data: Path, run: Run) -> Row:
    """Units are output tokens, for `digest` requests: concurrency ÷ (first token + tokens × time per token)."""
    precision = run.sku_precision or run.precision
    first, per = (1.0, 1.0) if run.sku == "h100" else slowdown(data, run.sku, precision)
    ttft, tpot, date = measured(data, run, SHAPES[run.workload])
    answer = SHAPES[run.workload][1]
    requests = run.concurrency / (ttft * first + tpot * per * answer) * 3.6e6
    shape = "/".join(map(str, SHAPES[run.workload]))
    source, note = f"measured: {SILICON}, {MODELS[run.workload].path} on H100 SXM, {shape} tokens, {date}", ""
    if run.sku != "h100":
        basis = "Splitwise A100/H100 ratio, 2024-04" if run.sku == "a100" else "roofline"
        source, note = f"estimated: {basis}, from {source}", f"assumed: times to first token x {first:.2f}, per token x {per:.2f}"
    return {
        "profile": f"{run.workload}/{run.sku}/{run.engine}-{precision}-g{run.tp}-c{run.concurrency}",
        "workload": run.workload,
        "sku": run.sku,
        "precision": precision,
        "runtime": f"cuda/{run.engine}",
        "gpus": run.tp,
        "units_per_hour": round(requests if run.workload == "digest" else requests * answer),
        "latency_ms": round(measured(data, run, FIRST_TOKEN_SHAPES[run.workload])[0] * first, 1),
        "sequences": run.concurrency,
        "source": source,
        "note": note,
    }


def _gang(data: Path, sku: str) -> Row:
    tokens = a.GPUS_PER_MACHINE * chip(data, sku)["flops"] * a.TRAINING_MFU / (6 * MODELS["finetune"].params) * 3600
    return {
        "profile": f"finetune/{sku}/megatron-bf16-g{a.GPUS_PER_MACHINE}",
        "workload": "finetune",
        "sku": sku,
        "precision": "bf16",
        "runtime": "cuda/megatron",
        "gpus": a.GPUS_PER_MACHINE,
        "units_per_hour": round(tokens / GIGA, 4),
        "latency_ms": 0,
        "source": "estimated: dense bf16 FLOPS, aiconfigurator systems 0.12.0",
        "note": f"assumed: {a.TRAINING_MFU:.0%} of peak, 6 x parameters FLOP per token; units are 1e9 training tokens",
    }


def fitting_rate(table: pd.DataFrame, facts: pd.DataFrame, sku: str, memory_gb: float) -> float:
    """Quality of a GPU-hour: most `digest` requests on a SKU, of the profiles whose weights and KV cache fit its memory."""
    work = facts.set_index("workload").loc["digest"]
    rows = table[(table.workload == "digest") & (table.sku == sku)]
    fits = work.weights_gb + work.kv_gb_per_sequence * rows.sequences.astype(float) <= rows.gpus * memory_gb
    return float((rows.units_per_hour / rows.gpus)[fits].max())


@cache
def trace(data: Path) -> dict[str, float]:
    """Of the trace: mean prompt and answer in tokens, and the 95th percentile over the mean of requests per whole minute."""
    calls = pd.read_csv(data / "demand_azure_llm" / "AzureLLMInferenceTrace_conv.csv", parse_dates=["TIMESTAMP"])
    minutes = calls.set_index("TIMESTAMP").resample("1min").size().iloc[1:-1]  # the first and the last minute are cut
    peak = float(minutes.quantile(0.95) / minutes.mean())
    return {"prompt": float(calls.ContextTokens.mean()), "answer": float(calls.GeneratedTokens.mean()), "peak": peak}


def workloads(data: Path) -> pd.DataFrame:
    """The table `workloads`."""
    seen, rows = trace(data), []
    for name, facts in a.WORKLOADS.items():
        row: Row = {"workload": name, **facts, "weights_gb": MODELS[name].weights_gb}
        source = f"weights: {MODELS[name].path}"
        if name == "finetune":
            row["weights_gb"] = round(MODELS[name].params * a.TRAINING_BYTES_PER_PARAMETER / GIGA, 1)
        else:
            prompt, answer = (seen["prompt"], seen["answer"]) if name == "chat" else SHAPES[name]
            row["kv_gb_per_sequence"] = round(_kv_gb(data, name, prompt + answer / 2), 4)
            source += "; KV cache: its config in aiconfigurator-core 0.12.0"
        if name == "chat":
            row["units_per_outcome"] = round(a.CHAT_TURNS * seen["answer"], 1)
            source += f"; {seen['answer']:.1f} answer tokens a turn: {TRACE}"
        rows.append(row | {"source": source, "note": "assumed: limits, weight and size of an outcome, cost of an outcome not served"})
    return pd.DataFrame(rows)


def _kv_gb(data: Path, workload: str, tokens: float) -> float:
    """KV cache (1e9 bytes) of one sequence with `tokens` in flight; of gpt-oss only its full-attention layers."""
    folder = data / "throughput_aiconfigurator" / "model_configs"
    config = json.loads((folder / f"{MODELS[workload].config}_config.json").read_text())
    layers = config.get("layer_types", []).count("full_attention") or config["num_hidden_layers"]
    head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    return float(layers * 2 * config["num_key_value_heads"] * head * KV_BYTES * tokens / GIGA)


def peak_share(peak: float) -> float:
    """Share of a day's demand in PEAK_HOURS, by the levels of the local clock."""
    day = [a.DAY_LEVEL if h in a.PEAK_HOURS else a.EVENING_LEVEL if 18 <= h < 23 else a.NIGHT_LEVEL for h in range(24)]
    levels = [peak if h in a.TRACE_PEAK_HOURS else level for h, level in enumerate(day)]
    return sum(levels[h] for h in a.PEAK_HOURS) / sum(levels)


def demand(data: Path) -> pd.DataFrame:
    """The table `demand`: by month with growth; by block where people work by the clock."""
    return pd.DataFrame(_demand_rows(trace(data)["peak"]))


def _demand_rows(peak: float) -> Iterator[Row]:
    share = peak_share(peak)
    source = f"{TRACE}: peak {peak:.2f} x mean of the day"
    for workload, by_geo in a.FIRST_MONTH.items():
        clocked = workload in a.BY_CLOCK
        for period in range(a.PERIODS):
            for geo, outcomes in by_geo.items():
                month = outcomes * (1 + a.MONTHLY_GROWTH) ** period
                row: Row = {"workload": workload, "geo": geo, "period": period, "note": "assumed: volume, growth"}
                if not clocked:
                    yield {**row, "outcomes": round(month, 2)}
                    continue
                for block, part in (("peak", share), ("base", 1 - share)):
                    yield {
                        **row,
                        "block": block,
                        "outcomes": round(month * part, 1),
                        "source": source,
                        "note": f"{row['note']}, daily shape",
                    }
