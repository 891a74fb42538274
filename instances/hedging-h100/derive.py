"""Makes all tables of this instance from the raw data: `python derive.py DATA_FOLDER`.

The raw files stay outside the repository; the README says where they come from. Choices are in `assumptions.py`. Deterministic.
Then `python draw.py` draws `scenarios.csv` and `changes.csv` from `market/history.csv` and `market/events.yaml`, and prices the hedges.
"""

from __future__ import annotations

import sys
from pathlib import Path

import assumptions as a
import pandas as pd
from derive_hedges import hedges, history, indices
from derive_market import egress, latency, offers, power, regions, skus
from derive_work import demand, fitting_rate, profiles, workloads

HERE = Path(__file__).parent


def tables(data: Path) -> dict[str, pd.DataFrame]:
    """All tables by name."""
    chips, work, ways = skus(), workloads(data), profiles(data)
    memory = dict(zip(chips.sku, chips.memory_gb, strict=True))
    quality = {sku: fitting_rate(ways, work, sku, memory[sku]) for sku in a.CHIPS}
    return {
        "regions": regions(data),
        "power": power(),
        "skus": chips,
        "offers": offers(data),
        "workloads": work,
        "demand": demand(data),
        "latency": latency(data),
        "profiles": ways,
        "egress": egress(data),
        "indices": indices(data, quality),
        "hedges": hedges(data, quality),
        "market/history": history(data, quality),
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
