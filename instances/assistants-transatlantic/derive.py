"""Makes all tables of this instance from the raw data: `python derive.py DATA_FOLDER`.

The raw files stay outside the repository; the README says where they come from. Choices are in `assumptions.py`. Deterministic.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import assumptions as a
import pandas as pd
from derive_offers import offers
from derive_places import egress, latency, power, regions, skus
from derive_profiles import MODELS, SHAPES, kv_gb_per_sequence, profiles

HERE = Path(__file__).parent
TRACE = "Azure LLM inference trace 2023-11-16 (conversation)"


def trace(data: Path) -> dict[str, float]:
    """Of the trace: mean prompt and answer in tokens, and the 95th percentile over the mean of requests per whole minute."""
    calls = pd.read_csv(data / "demand_azure_llm" / "AzureLLMInferenceTrace_conv.csv", parse_dates=["TIMESTAMP"])
    minutes = calls.set_index("TIMESTAMP").resample("1min").size().iloc[1:-1]  # the first and the last minute are cut
    peak = float(minutes.quantile(0.95) / minutes.mean())
    return {"prompt": float(calls.ContextTokens.mean()), "answer": float(calls.GeneratedTokens.mean()), "peak": peak}


def workloads(data: Path, seen: dict[str, float]) -> pd.DataFrame:
    """The table `workloads`."""
    rows = []
    for name, facts in a.WORKLOADS.items():
        row: dict[str, object] = {"workload": name, **facts}
        row["weights_gb"] = MODELS[name].weights_gb
        source = f"weights: {MODELS[name].path}"
        if name == "finetune":
            row["weights_gb"] = round(MODELS[name].params * a.TRAINING_BYTES_PER_PARAMETER / 1e9, 1)
        else:
            prompt, answer = (seen["prompt"], seen["answer"]) if name == "chat" else SHAPES[name]
            row["kv_gb_per_sequence"] = round(kv_gb_per_sequence(data, name, prompt + answer / 2), 4)
            source += "; KV cache: its config in aiconfigurator-core 0.12.0"
        if name == "chat":
            row["units_per_outcome"] = round(a.CHAT_TURNS * seen["answer"], 1)
            source += f"; {seen['answer']:.1f} answer tokens a turn: {TRACE}"
        row["source"] = source
        row["note"] = "assumed: limits, weight and size of an outcome"
        rows.append(row)
    return pd.DataFrame(rows)


def hourly_levels(peak: float) -> list[float]:
    """Level of demand by hour of the local day, 24 values: day, evening, night, and the peak hours from the trace."""
    day = [a.DAY_LEVEL if 8 <= h < 18 else a.EVENING_LEVEL if 18 <= h < 23 else a.NIGHT_LEVEL for h in range(24)]
    return [peak if h in a.PEAK_LOCAL_HOURS else level for h, level in enumerate(day)]


def block_shares(geo: a.Geo, levels: list[float]) -> dict[str, float]:
    """Share of a geo's demand that falls into each block (UTC), by its local clock."""
    by_block = {block: sum(levels[(hour + geo.utc_offset) % 24] for hour in hours) for block, hours in a.BLOCK_HOURS.items()}
    return {block: level / sum(levels) for block, level in by_block.items()}


def demand(seen: dict[str, float]) -> pd.DataFrame:
    """The table `demand`: by month with growth, and by block from the users' clock."""
    return pd.DataFrame(_demand_rows(hourly_levels(seen["peak"])))


def _demand_rows(levels: list[float]) -> Iterator[dict[str, object]]:
    clocks = {geo.geo: block_shares(geo, levels) for geo in a.GEOS}
    source = f"{TRACE}: peak {max(levels):.2f} x mean of the day"
    for workload, by_geo in a.FIRST_MONTH.items():
        for period in range(a.PERIODS):
            grown = (1 + a.MONTHLY_GROWTH) ** period
            for geo, outcomes in by_geo.items():
                shares = clocks.get(geo, a.ANY_GEO_SHARES.get(workload, {}))
                for block, share in shares.items():
                    row = {"workload": workload, "geo": geo, "period": period, "block": block}
                    told = {"source": source if geo in clocks else "", "note": "assumed: volume, daily shape, growth"}
                    yield {**row, "outcomes": round(outcomes * grown * share, 1), **told}
    for workload, outcomes in a.RUNS_DUE.items():
        yield {"workload": workload, "geo": "any", "outcomes": outcomes, "note": "assumed: volume"}


def datasets() -> pd.DataFrame:
    """The table `datasets`."""
    note = "assumed: size, share sent again, price of storage"
    return pd.DataFrame([{"dataset": name, **facts, "note": note} for name, facts in a.DATASETS.items()])


def tables(data: Path) -> dict[str, pd.DataFrame]:
    """All tables by name."""
    seen = trace(data)
    homes = [str(facts["region"]) for facts in a.DATASETS.values()]
    return {
        "regions": regions(data),
        "power": power(data),
        "skus": skus(),
        "offers": offers(data),
        "workloads": workloads(data, seen),
        "demand": demand(seen),
        "latency": latency(data),
        "profiles": profiles(data),
        "datasets": datasets(),
        "egress": egress(data, homes),
    }


def _plain(cell: object) -> str:
    """Text of a cell: whole numbers without `.0`, a missing value blank."""
    if isinstance(cell, float):
        return "" if cell != cell else str(int(cell)) if cell.is_integer() else str(cell)
    return str(cell)


def write(name: str, table: pd.DataFrame) -> None:
    """Write a table beside this file: columns that are always filled first, `source` and `note` last."""
    table = table.astype(object).map(_plain)
    told = [c for c in ("source", "note") if c in table]
    facts = [c for c in table if c not in told]
    full = [c for c in facts if (table[c] != "").all()]
    table = table[full + [c for c in facts if c not in full] + told]
    table.to_csv(HERE / f"{name}.csv", index=False, lineterminator="\n")
    print(f"{name}.csv: {len(table)} rows")


def main() -> None:
    """Write every table."""
    if len(sys.argv) != 2:
        sys.exit("usage: python derive.py DATA_FOLDER")
    for name, table in tables(Path(sys.argv[1])).items():
        write(name, table)


if __name__ == "__main__":
    main()
