"""`ailis-opt compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ailis_opt.errors import Fault, InputError
from ailis_opt.output.document import as_json
from ailis_opt.output.files import require_writable_file, write_file
from ailis_opt.output.stream import emit, notice
from ailis_opt.output.text import colored, render, width
from ailis_opt.report.parts import Table
from ailis_opt.study.compare_text import differences_tables, differences_text, runs_table, runs_text
from ailis_opt.study.differences import Compared, Differences, differences
from ailis_opt.study.listing import chosen, listing, mixed, named, plan_of, rows_of
from ailis_opt.study.pareto import with_front

SCHEMA = "ailis-opt-runs/1"
MANY = 1000  # runs from which JSON has no line breaks any more
DIFFERENCES = "ailis-opt-differences/1"


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    paths: Sequence[Path]
    against: str | None = None
    pareto: str | None = None
    patterns: Mapping[str, str | None] = field(default_factory=dict)
    where: str | None = None
    out: Path | None = None
    csv: bool = False
    json: bool = False


def run_compare(request: Request) -> int:
    """Print runs side by side, or the differences of two plans. Returns the exit code."""
    if request.out is not None:
        if request.out.suffix.lower() not in (".csv", ".xlsx"):
            raise InputError([Fault(str(request.out), "neither a CSV file nor a workbook", "Name a file that ends in .csv or .xlsx")])
        require_writable_file(request.out)
    runs = listing(request.paths)
    if request.against is not None:
        return _differences(request, runs, request.against)
    runs = chosen(runs, request.patterns, request.where)
    if request.pareto is not None:
        _require_one_currency(runs)
        runs = with_front(runs, request.pareto)
    if request.out is not None:
        _write(request.out, [runs_table(runs)], _csv(runs))
    if request.json:
        document = {"schema": SCHEMA, "notes": mixed(runs), "runs": list(rows_of(runs))}
        emit(as_json(document, None if len(runs) > MANY else 2))
    elif request.csv:
        emit(_csv(runs))
        _note(runs)
    else:
        emit(render(runs_text(runs, request.pareto), width(), colored()))
    return 0


def _require_one_currency(runs: pd.DataFrame) -> None:
    kinds = sorted(set(runs["currency"].dropna()))
    if len(kinds) > 1:
        mend = f"""Compare runs in one of them, with --where "currency = '{kinds[0]}'\""""
        raise InputError([Fault("--pareto", f"the currencies differ: {', '.join(kinds)}", mend)])


def _csv(runs: pd.DataFrame) -> str:
    return pd.DataFrame(list(rows_of(runs))).to_csv(index=False, lineterminator="\n")


def _note(runs: pd.DataFrame) -> None:
    for text in mixed(runs):
        notice(f"note: {text}")


def _write(out: Path, tables: Sequence[Table], csv: str) -> None:
    if out.suffix.lower() == ".csv":
        write_file(out, csv)
    else:
        from ailis_opt.report.excel import tables_book

        write_file(out, tables_book("runs side by side", tables))
    notice(f"written: {out}")


def _differences(request: Request, runs: pd.DataFrame, against: str) -> int:
    """The plan of the one run that is chosen, against another."""
    if request.pareto is not None:
        raise InputError([Fault("--pareto", "goes with a list of runs, not with --against", "Leave one of them out")])
    before, runs = _before(runs, against)
    after = chosen(runs[runs["run"] != before["run"]], request.patterns, request.where) if len(runs) > 1 else runs
    if len(after) != 1:
        why = f"is to be compared with one run, and {len(after):,} are chosen"
        raise InputError([Fault(f"--against {against}", why, "Choose one with --whatif, --instance, --portfolio or --where")])
    found = differences(plan_of(before), plan_of(named(after, str(after["run"].iloc[0]))))
    if request.out is not None:
        _write(request.out, differences_tables(found), _differences_csv(found))
    if request.json:
        emit(as_json(differences_document(found)))
    elif request.csv:
        emit(_differences_csv(found))
    else:
        emit(render(differences_text(found), width(), colored()))
    return 0


def _before(runs: pd.DataFrame, against: str) -> tuple[Mapping[str, Any], pd.DataFrame]:
    """The run to compare with: one of the list by its name, or that of a folder; and the list."""
    if Path(against).exists() and not (runs["run"] == against).any():
        other = listing([Path(against)])
        return named(other, str(other["run"].iloc[0]) if len(other) == 1 else against), runs
    return named(runs, against), runs


def differences_document(found: Differences) -> dict[str, Any]:
    """`ailis-opt-differences/1`."""
    sides = {
        name: {"run": plan.row["run"], **{key: plan.result[key] for key in ("cost", "outcomes", "cost_per_outcome", "bounds", "gap")}}
        for name, plan in (("before", found.before), ("after", found.after))
    }
    tables = {each.name: {"unit": each.unit, "rows": _rows(each)} for each in found.tables}
    kind = {"currency": found.after.result["currency"], "objective": found.after.result["objective_name"]}
    return {"schema": DIFFERENCES, **kind, **sides, "proven": found.proven, "open": found.open, "tables": tables}


def _rows(found: Compared) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in found.rows.to_dict("records")]


def _differences_csv(found: Differences) -> str:
    """All tables in one: `table`, `item` (the key), `unit`, `before`, `after`, `difference`, `within`."""
    rows = [
        {
            "table": each.name,
            "item": " / ".join(f"{row[key]:g}" if isinstance(row[key], float) else str(row[key]) for key in each.keys),
            "unit": each.unit,
            **{name: row[name] for name in ("before", "after", "difference")},
            "within": row.get("within", ""),
        }
        for each in found.tables
        for row in _rows(each)
    ]
    columns = ["table", "item", "unit", "before", "after", "difference", "within"]
    return pd.DataFrame(rows, columns=columns).to_csv(index=False, lineterminator="\n")
