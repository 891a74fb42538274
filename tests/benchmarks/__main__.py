"""All benchmarks in one run, printed as a table. They are read, not asserted: the exit code is 0.

make bench                                (python -m tests.benchmarks)
python -m tests.benchmarks --quick        about two minutes: fewer runs, Pyomo only on the smaller instance, no demo
python -m tests.benchmarks build start    only these parts: build, staged, whole, layers, whatifs, store, start
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks import synthetic, whole
from tests.benchmarks.building import SIDES
from tests.support.files import write_folder

ROOT = Path(__file__).resolve().parents[2]
GAP = "1e-4"  # the default of `solve`
FASTER = {"linopy sparse": 3.0, "linopy": 3.0, "pyomo": 20.0}
ONE_THREAD = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # idle threads of numpy's would be counted as processor time
NOT_SOLVER = ("read_s", "prepare_s", "build_s", "polish_s", "plan_s", "audit_s", "write_s")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table. `other` is what is compared with, or the limit; `ratio` what the target is about."""

    what: str
    ours: str
    other: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None


def say(text: str) -> None:
    """A running note on standard error."""
    print(f"  {text}", file=sys.stderr, flush=True)


def building(folder: Path, quick: bool) -> Iterator[Line]:
    """Template to solver, on both sizes, runs of all sides taking turns."""
    warm = folder / "small"
    for size in (synthetic.MEDIUM, synthetic.LARGE):
        seconds: dict[str, list[float]] = {side: [] for side in SIDES}
        sizes: dict[str, list[int]] = {}
        large = size is synthetic.LARGE
        for turn in range(1 if quick else 3):
            for side in SIDES:
                if side == "pyomo" and large and (quick or turn > 0):
                    continue
                say(f"building {size.name} with {side}{' (takes minutes)' if side == 'pyomo' and large else ''}")
                command = [sys.executable, "-m", "tests.benchmarks.building", side, str(warm), str(folder / size.name)]
                line = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=ONE_THREAD).stdout.splitlines()[-1]
                found = json.loads(line)
                seconds[side].append(found["seconds"])
                sizes[side] = found["size"]
        yield from _compared(size.name, seconds, sizes)


def staged(folder: Path, quick: bool) -> Iterator[Line]:
    """The extensive form of 8 scenarios of 12 periods and 4 blocks, template to solver, against blocks of Pyomo."""
    seconds: dict[str, list[float]] = {}
    for side in ("ours", "pyomo"):
        for _ in range(1 if quick or side == "pyomo" else 3):
            say(f"building 8 scenarios with {side}")
            command = [sys.executable, "-m", "tests.benchmarks.building", side, str(folder / "few"), str(folder / "staged")]
            line = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=ONE_THREAD).stdout.splitlines()[-1]
            found = json.loads(line)
            seconds.setdefault(side, []).append(found["seconds"])
            say(f"{side}: {found['size']}")
    ours, other = (statistics.median(seconds[side]) for side in ("ours", "pyomo"))
    what = "build and hand over 8 scenarios x 12 x 4, against Pyomo"
    yield Line(what, f"{ours:.2f} s", f"{other:.2f} s", f"{other / ours:.1f} x", ">= 20 x", other >= 20 * ours)


def _compared(name: str, seconds: dict[str, list[float]], sizes: dict[str, list[int]]) -> Iterator[Line]:
    ours = statistics.median(seconds["ours"])
    for side, least in FASTER.items():
        what = f"build and hand over {name}, against {side}"
        if not seconds[side]:
            yield Line(what, f"{ours:.2f} s", "left out by --quick", "", f">= {least:g} x")
            continue
        other = statistics.median(seconds[side])
        yield Line(what, f"{ours:.2f} s", f"{other:.2f} s", f"{other / ours:.1f} x", f">= {least:g} x", other >= least * ours)
        same = all(abs(a - b) <= 0.01 * b for a, b in zip(sizes[side], sizes["ours"], strict=True))
        mine, theirs = (" x ".join(f"{n:,}" for n in sizes[s]) for s in ("ours", side))
        yield Line("  rows x columns x nonzeros", mine, theirs, "", "within 1 %", same)


def job(folder: Path, quick: bool) -> Iterator[Line]:
    """What is not the solver, and memory."""
    source, model = str(folder / synthetic.MEDIUM.name), str(folder / "model.mps")
    whole.watched("mps", source, model)
    shares, ours_mb, alone_mb = [], [], []
    for _ in range(1 if quick else 3):
        say("solving the 300k instance")
        found, peak = whole.watched("solve", source, GAP, str(folder / "out"))
        ours_mb.append(peak)
        shares.append(found["timings"])
        say("HiGHS alone on the MPS file of the same model")
        alone, peak = whole.watched("highs", model, GAP)
        alone_mb.append(peak)
        say(f"HiGHS alone: {alone['seconds']:.1f} s, {alone['status']}")
    rest = [t["total_s"] - _solver(t) for t in shares]
    share = statistics.median(r / _solver(t) for r, t in zip(rest, shares, strict=True))
    inside = statistics.median(_solver(t) for t in shares)
    yield Line(
        "all but the solver, 300k", f"{statistics.median(rest):.2f} s", f"{inside:.2f} s in HiGHS", f"{share:.1%}", "<= 25 %", share <= 0.25
    )
    for key in NOT_SOLVER:
        if key in shares[0]:
            yield Line(f"  {key}", f"{statistics.median(t[key] for t in shares):.2f} s")
    left = statistics.median(r - sum(t.get(key, 0.0) for key in NOT_SOLVER) for r, t in zip(rest, shares, strict=True))
    yield Line("  start of the worker, messages, and the rest", f"{left:.2f} s")
    mine, alone_peak = statistics.median(ours_mb), statistics.median(alone_mb)
    yield Line(
        "peak memory, 300k", f"{mine:.0f} MB", f"{alone_peak:.0f} MB", f"{mine / alone_peak:.2f} x", "<= 2 x", mine <= 2 * alone_peak
    )


def _solver(timings: dict[str, float]) -> float:
    """Seconds inside HiGHS, polishing left out; the whole search where that is not told apart."""
    return timings.get("solver_s", timings["solve_s"])


def start(folder: Path, quick: bool) -> Iterator[Line]:
    """Wall clock of commands from the shell."""
    script = Path(sys.executable).with_name("ailis-opt")
    program = [str(script)] if script.exists() else [sys.executable, "-m", "ailis_opt"]
    quickstart = ROOT / "instances" / "quickstart"
    yield _timed(f"{'ailis-opt' if script.exists() else 'python -m ailis_opt'} --help", [*program, "--help"], 0.5)
    solve = [*program, "solve", str(quickstart)] if quickstart.exists() else None
    yield _timed("ailis-opt solve instances/quickstart", solve, 4.0)
    demo = ["make", "demo"] if not quick and (ROOT / "Makefile").exists() else None
    yield _timed("make demo, once installed", demo, 90.0)


def _timed(what: str, command: list[str] | None, limit: float) -> Line:
    """Median of 3 runs from the root of the checkout, after one that is not counted."""
    if command is None:
        return Line(what, "left out", "not here, or --quick", "", f"<= {limit:g} s")
    seconds = []
    for _ in range(4):
        begun = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        seconds.append(time.perf_counter() - begun)
        if done.returncode != 0:
            return Line(what, "failed", done.stderr.strip().splitlines()[-1][:60] if done.stderr.strip() else f"exit {done.returncode}")
    median = statistics.median(seconds[1:])
    return Line(what, f"{median:.2f} s", "", "", f"<= {limit:g} s", median <= limit)


def layers(folder: Path, quick: bool) -> Iterator[Line]:
    """One layer dropped, solved again against from scratch, and `explain` in five minutes, on the real instance."""
    real = ROOT / "instances" / "assistants-transatlantic"
    say("each layer dropped, again and from scratch")
    command = [sys.executable, "-m", "tests.benchmarks.layers", str(real)]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=ONE_THREAD).stdout.splitlines()[-1])
    again, scratch = sum(row[1] for row in found), sum(row[2] for row in found)
    yield Line(
        "one layer dropped, all in turn", f"{again:.1f} s", f"{scratch:.1f} s", f"{again / scratch:.2f} x", "<= 1/3", again <= scratch / 3
    )
    for layer, one, other in found:
        yield Line(f"  {layer}", f"{one:.2f} s", f"{other:.2f} s", f"{one / other:.2f} x")
    if quick:
        return
    say("explain in five minutes")
    command = [sys.executable, "-m", "ailis_opt", "explain", str(real), "--json", "--quiet"]
    begun = time.perf_counter()
    document = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout)
    spent, way = time.perf_counter() - begun, document["full"] - document["commodity"]
    widest = max(item["share"]["upper"] - item["share"]["lower"] for item in document["layers"]) / way
    yield Line("explain, widest share of the whole", f"{widest:.1%}", f"{document['method']}, {spent:.0f} s", "", "<= 3 %", widest <= 0.03)


def store(folder: Path, quick: bool) -> Iterator[Line]:
    """What a store adds to a run, and `compare` over all of them; the runs have a canned answer."""
    count = 1_000 if quick else 10_000
    say(f"recording {count:,} runs")
    command = [sys.executable, "-m", "tests.benchmarks.store", str(folder / "store"), str(count)]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])
    added = found["put_ms"] + found["index_ms"]
    busy = f"{found['put_cpu_ms']:.2f} ms of the processor"
    yield Line(f"recording a run, mean of {count:,}", f"{added:.2f} ms", busy, "", "<= 5 ms", added <= 5)
    program = [sys.executable, "-m", "ailis_opt", "compare", str(folder / "store")]
    yield _timed(f"ailis-opt compare, {count:,} runs", program, 2.0)
    yield _timed(f"ailis-opt compare --json, {count:,} runs", [*program, "--json"], 2.0)
    (folder / "store" / "index.parquet").unlink()
    begun = time.perf_counter()
    subprocess.run([*program, "--json"], stdout=subprocess.DEVNULL, check=True)
    yield Line("  the same once, without the index", f"{time.perf_counter() - begun:.2f} s")


def whatifs(folder: Path, quick: bool) -> Iterator[Line]:
    """What-ifs against solves of edited copies, on the real instance."""
    cases = 20 if quick else 200
    say(f"{cases} what-ifs, then {cases} solves of edited copies")
    command = [sys.executable, "-m", "tests.benchmarks.whatifs", str(ROOT / "instances" / "assistants-transatlantic"), str(cases)]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])
    ratio = found["fresh_s"] / found["whatif_s"]
    yield Line(f"{cases} what-ifs", f"{found['whatif_s']:.0f} s", f"{found['fresh_s']:.0f} s", f"{ratio:.1f} x", ">= 5 x", ratio >= 5)
    agree = f"{found['agree']} of {found['cases']}"
    yield Line("  intervals that meet", agree, "", "", "all", found["agree"] == found["cases"])


PARTS = {"build": building, "staged": staged, "whole": job, "layers": layers, "whatifs": whatifs, "store": store, "start": start}


def main() -> None:
    """Run the parts and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="about two minutes")
    asked = parser.parse_args()
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    table = Table("what", "ours", "other", "ratio", "target", "met")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in (synthetic.SMALL, synthetic.MEDIUM, synthetic.LARGE):
            write_folder(synthetic.synthetic(size), folder / size.name)
        write_folder(synthetic.staged(synthetic.STAGED, 8), folder / "staged")
        write_folder(synthetic.staged(synthetic.SMALL, 2), folder / "few")
        for part in asked.parts or PARTS:
            for line in PARTS[part](folder, asked.quick):
                met = "" if line.met is None else "yes" if line.met else "NO"
                table.add_row(line.what, line.ours, line.other, line.ratio, line.target, met)
                say(f"{line.what}: {line.ours} {line.other} {line.ratio} {met}")
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
