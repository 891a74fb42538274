"""What stands behind the figures: audit, assumptions, inputs, versions."""

from __future__ import annotations

import hashlib
from collections import Counter

from ailis_opt.io.write import instance_files
from ailis_opt.output.figures import number
from ailis_opt.report.headline import digits, gap_text, interval, minimized
from ailis_opt.report.parts import Cell, Column, Section, Table
from ailis_opt.report.run import Run

ONE_FUTURE = "One future: demand, prices and availability are what the instance says."
SCENARIOS = (
    "What is signed, placed and held is decided before the scenario is known; what is hired and where follows it. "
    "Figures of the plan are means over the scenarios; a plan is as good as they are: try it on fresh ones (solve --out-of-sample)."
)
RULES = (
    "Costs count inside the horizon only; what falls due later for terms that run on is told beside the contracts.",
    "Committed capacity is paid for every hour in force, used or not. Hired capacity is paid by the slice.",
    "Replicas are averages over a slice and may be fractions; throughput is linear in them.",
    "Batch work is done in the slice in which it is demanded.",
    "A plan is as good as its data: the tables below say where the figures come from and what was assumed.",
)
MOST_TEXTS = 60


def audit(run: Run) -> Section:
    """The audit's verdict, and how the figures of the headline were come by."""
    r, a = run.result, run.result["audit"]
    money = str(r["currency"])
    state = "passed" if a["ok"] else "FAILED"
    ends, many = r["bounds"], digits(r)
    rows: list[list[Cell]] = [
        ["audit", state],
        ["largest violation of a limit (relative)", number(a["max_violation"], 2)],
        [f"cost recomputed from the tables ({money})", number(a["cost"], 10)],
        [f"cost of the plan ({money})", number(r["cost"], 10)],
        ["minimized", minimized(run)],
        ["attained by the plan (audited)", number(ends["upper"], many)],
        ["no plan is better than (proof of the solver)", number(ends["lower"], many) if ends["lower"] is not None else "not proven"],
        ["gap", gap_text(r["gap"])],
        ["search", {"optimal": "ended within the gap asked for", "limit": "stopped at its limit"}[r["status"]]],
    ]
    lead = [
        f"The audit {state}: other code recomputed every cost and every limit from the instance and the plan's tables alone.",
        interval(run),
    ]
    table = Table("audit", "Audit and proof", [Column("item", "text"), Column("finding", "text")], rows)
    return Section("audit", "How far to trust it", lead=lead, parts=[table])


def assumptions(run: Run) -> Section:
    """The rules of the model, the warnings of the reader, and sources and remarks of the instance, the most frequent first."""
    warned = [f"Warning: {text}" for text in run.result.get("warnings", ())]
    rows: list[tuple[int, list[Cell]]] = []
    for name, frame in run.instance.tables.items():
        for column in ("source", "note"):
            counts = Counter(str(text) for text in frame[column] if text)
            rows += [(n, [name, column, text, float(n)]) for text, n in counts.items()]
    assumed = sum(n for n, row in rows if row[1] == "note" and "assumed" in str(row[2]).casefold())
    rows.sort(key=lambda item: -item[0])
    left = len(rows) - MOST_TEXTS
    lead = [SCENARIOS if run.result.get("scenarios") else ONE_FUTURE, *RULES, *warned]
    if assumed:
        lead.append(f"{assumed:,} rows of the instance carry a remark that something in them is assumed.")
    if not rows:
        return Section("assumptions", "What is assumed", lead=[*lead, "The instance names no sources and makes no remarks."])
    columns = [Column("table", "text"), Column("is a", "text"), Column("text", "text"), Column("rows")]
    note = f"The {left:,} texts on the fewest rows are left out; the instance has them." if left > 0 else ""
    table = Table("sources", "Sources and remarks", columns, [row for _, row in rows[:MOST_TEXTS]], most=10, note=note)
    return Section("assumptions", "What is assumed", lead=lead, parts=[table])


def inputs(run: Run) -> Section:
    """Hash of the instance and of each of its files, versions, times."""
    r, files = run.result, instance_files(run.instance)
    counts = {f"{name}.csv": len(frame) for name, frame in run.instance.tables.items()}
    hashed: list[list[Cell]] = [
        [name, float(counts[name]) if name in counts else None, hashlib.sha256(text.encode()).hexdigest()] for name, text in files.items()
    ]
    facts: list[list[Cell]] = [["instance", str(r["instance"])], ["sha256 of its content", str(r["instance_sha256"])]]
    facts += [[f"version of {name}", str(release)] for name, release in r["versions"].items()]
    facts += [[f"time: {name.removesuffix('_s')}", f"{seconds:.1f} s"] for name, seconds in r["timings"].items()]
    return Section(
        "inputs",
        "What went in",
        lead=["The files are those that the run keeps in its folder instance/."],
        parts=[
            Table("facts", "Instance and versions", [Column("item", "text"), Column("value", "text")], facts, most=30),
            Table("hashes", "Files of the instance", [Column("file", "text"), Column("rows"), Column("sha256", "text")], hashed, most=30),
        ],
    )
