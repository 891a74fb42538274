"""Runs and differences of plans as text, and as tables of a workbook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich.console import RenderableType
from rich.text import Text

from ailis_opt.output.figures import NOTHING, number, percent
from ailis_opt.output.text import heading, line, records, table
from ailis_opt.output.words import counted
from ailis_opt.report.parts import Column, Table, rows_of
from ailis_opt.study.differences import Compared, Differences
from ailis_opt.study.listing import SHOWN, Plan, mixed, short_name
from ailis_opt.study.pareto import MEASURES, letters, picture

MOST_RUNS, MOST_ROWS, MOST_MESSAGES = 40, 12, 5
WITHIN = " ~"
EVERYTHING = "--csv or --out FILE.xlsx has all of them"
SHARES = ("gap", "service", "idle", "gap_asked")
TEXTS = {*("run", "instance", "whatif", "portfolio", "status", "message", "currency", "objective", "started", "version")}
TEXTS |= {"instance_sha256", "same_as", "dominated", "dominated_by"}
UNITS = {"carbon": "carbon (kg)", "wall_s": "wall time (s)", "time_limit": "time limit (s)", "idle": "idle share of cost"}


def runs_text(runs: pd.DataFrame, measure: str | None) -> list[RenderableType]:
    """Runs side by side; with a measure, which of them are on the front, and the picture of it."""
    marks = letters(runs) if measure else None
    currencies = sorted(set(runs["currency"].dropna()))
    order = list(range(len(runs))) if marks is None else _order(runs, marks)
    columns = _columns(runs, currencies, marks)
    names, cells = [name for name, _ in columns], [column for _, column in columns]
    rows = [[column[at] for column in cells] for at in order[:MOST_RUNS]]
    parts: list[RenderableType] = [heading(_title(runs)), table(names, rows, text=(0, 1) if marks is None else (0, 1, 2))]
    if len(runs) > MOST_RUNS:
        parts.append(line(f"and {counted(len(runs) - MOST_RUNS, 'run')} more: {EVERYTHING}"))
    if measure:
        parts += _front(runs, measure, currencies)
    parts += [line(f"note: {text}", "bold") for text in mixed(runs)]
    return [*parts, *_messages(runs)]


def _title(runs: pd.DataFrame) -> str:
    kinds = runs["instance"].unique()
    return f"{kinds[0]}: {counted(len(runs), 'run')}" if len(kinds) == 1 else f"{counted(len(runs), 'run')} of {len(kinds)} instances"


def _columns(runs: pd.DataFrame, currencies: Sequence[str], marks: Sequence[str] | None) -> list[tuple[str, Sequence[str]]]:
    """Title and cells of each column that has something to tell."""
    shorten = runs["instance"].nunique() == 1
    names = [short_name(run, instance) if shorten else run for run, instance in zip(runs["run"], runs["instance"], strict=True)]
    each = [number(value) for value in runs["cost_per_outcome"]]
    if len(currencies) > 1:
        each = [f"{value} {currency}" for value, currency in zip(each, runs["currency"], strict=True)]
    columns: list[tuple[str, Sequence[str]]] = [("run", names), ("status", runs["status"].tolist())]
    columns += [] if marks is None else [("front", marks)]
    columns += [(f"{currencies[0]} per outcome" if len(currencies) == 1 else "per outcome", each)]
    columns += [("gap", [percent(value) for value in runs["gap"]])]
    columns += [(f"cost {currencies[0]}" if len(currencies) == 1 else "cost", [number(value) for value in runs["cost"]])]
    columns += [("outcomes", [number(value) for value in runs["outcomes"]])]
    columns += [(name, [percent(value) for value in runs[name]]) for name in ("service", "idle")]
    if runs["carbon"].gt(0).any():
        columns += [("carbon t", [number(value / 1000) for value in runs["carbon"]])]
    return columns


def _order(runs: pd.DataFrame, marks: Sequence[str]) -> list[int]:
    """The front first, by cost; then the others as they are listed."""
    cost = runs["cost_per_outcome"].to_numpy(float)
    return sorted(range(len(runs)), key=lambda at: (not marks[at], cost[at] if marks[at] else at))


def _front(runs: pd.DataFrame, measure: str, currencies: Sequence[str]) -> list[RenderableType]:
    drawn = picture(runs, measure, currencies[0] if currencies else "")
    if not drawn:
        return [line("no run has a plan: there is no front")]
    count = sum(value is False for value in runs["dominated"])
    title = f"Cost per outcome against {MEASURES[measure][0]}: {counted(count, 'run')} of {len(runs):,} not dominated (letters)"
    said: list[RenderableType] = [heading(title), *(Text("  " + text) for text in drawn)]
    kinds = runs["instance"].nunique()
    if kinds > 1:
        said.append(line(f"note: runs of {kinds} instances are on one front; --instance keeps one of them"))
    return said


def _messages(runs: pd.DataFrame) -> list[RenderableType]:
    """Why runs have no plan: each reason once, with how many runs have it."""
    without = runs[runs["cost"].isna()]
    if without.empty:
        return []
    reasons = without.groupby("message", sort=False)["run"].agg(["first", "size"]).sort_values("size", ascending=False, kind="stable")
    parts: list[RenderableType] = [heading(f"{counted(len(without), 'run')} without a plan")]
    for row in records(reasons.head(MOST_MESSAGES).reset_index()):
        more = f" and {row['size'] - 1:,} more" if row["size"] > 1 else ""
        parts.append(line(f"{row['first']}{more}: {row['message']}"))
    if len(reasons) > MOST_MESSAGES:
        parts.append(line(f"and {len(reasons) - MOST_MESSAGES:,} other reasons: {EVERYTHING}"))
    return parts


def differences_text(found: Differences) -> list[RenderableType]:
    """Both objectives with their intervals, then each table of differences, the largest first."""
    before, after = found.before, found.after
    money = str(after.result["currency"])
    rows = []
    for name in ("cost_per_outcome", "cost", "outcomes"):
        a, b = before.result[name], after.result[name]
        rows.append([name.replace("_", " "), number(a), number(b), _signed(None if a is None or b is None else b - a), _relative(a, b)])
    parts: list[RenderableType] = [
        heading(f"{before.row['run']} (before) and {after.row['run']} (after), {money}"),
        table(("", "before", "after", "difference", ""), rows),
        *(line(f"{label}: {_interval(plan)}") for plan, label in ((before, "before"), (after, "after"))),
        line(_verdict(found), "bold"),
    ]
    for each in found.tables:
        parts += _table(each)
    return parts


def _interval(plan: Plan) -> str:
    ends, what = plan.result["bounds"], str(plan.result["objective_name"]).replace("_", " ")
    return f"the least {what} is between {number(ends['lower'], 6)} and {number(ends['upper'], 6)} (gap {percent(plan.result['gap'])})"


def _verdict(found: Differences) -> str:
    if found.proven:
        return "the optima differ: their proven intervals are apart"
    left = f"{number(found.open)} {found.after.result['currency']} of difference is what the gaps leave open"
    return f"within the gaps: which of the two is better is not proven; {left}"


def _table(found: Compared) -> list[RenderableType]:
    parts: list[RenderableType] = [heading(f"{found.name} ({found.unit})")]
    if found.rows.empty:
        return [*parts, line("no difference")]
    extra = [str(name) for name in found.rows if str(name).startswith(("lots_", "gpu_hours_"))]
    shown = found.rows.head(MOST_ROWS)
    rows = [
        [
            *(f"{row[key]:.0f}" if isinstance(row[key], float) else str(row[key]) for key in found.keys),
            *(number(row[name]) for name in (*extra, "before", "after")),
            _signed(row["difference"]) + (WITHIN if row.get("within") else ""),
        ]
        for row in records(shown)
    ]
    titles = [name.replace("_", " ") for name in (*found.keys, *extra)]
    parts.append(table((*titles, "before", "after", "difference"), rows, text=range(len(found.keys))))
    if "within" in shown and shown["within"].any():
        parts.append(line(f"{WITHIN.strip()} within the gaps: the optima may be equal in this"))
    if len(found.rows) > MOST_ROWS:
        parts.append(line(f"and {len(found.rows) - MOST_ROWS:,} more: {EVERYTHING}"))
    return parts


def _signed(value: float | None) -> str:
    return NOTHING if value is None else ("+" if value > 0 else "") + number(value)


def _relative(a: float | None, b: float | None) -> str:
    return f"{(b - a) / abs(a):+.2%}" if a and b is not None else ""


def runs_table(runs: pd.DataFrame) -> Table:
    """The runs as a sheet of a workbook."""
    names = [name for name in (*SHOWN, "dominated", "dominated_by") if name in runs]
    columns = [Column(UNITS.get(n, n.replace("_", " ")), "text" if _is_text(n) else "share" if n in SHARES else "number") for n in names]
    shown = runs.assign(**{n: [_word(value) for value in runs[n]] for n in names if _is_text(n)})
    return Table("runs", "Runs", columns, rows_of(shown, *names), note="; ".join(mixed(runs)))


def differences_tables(found: Differences) -> list[Table]:
    """A sheet for each table of differences."""
    title = f"{found.before.row['run']} (before) and {found.after.row['run']} (after)"
    tables = []
    for each in found.tables:
        shown = each.rows.assign(within=["yes" if w else "no" for w in each.rows["within"]]) if "within" in each.rows else each.rows
        texts = {*each.keys, "within"} - {"start_period"}
        names = {"within": "within the gaps", "difference": f"difference ({each.unit})"}
        columns = [Column(names.get(str(c), str(c).replace("_", " ")), "text" if c in texts else "number") for c in shown]
        tables.append(Table(each.name, f"{each.name}: {title}", columns, rows_of(shown, *map(str, shown))))
    return tables


def _is_text(name: str) -> bool:
    return name in TEXTS


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None or value != value else str(value)
