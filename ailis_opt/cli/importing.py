"""`ailis-opt import` of price lists: what is written and what is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from ailis_opt.errors import Fault, InputError
from ailis_opt.imports import Choice, Imported
from ailis_opt.io.write import table_files_text
from ailis_opt.io.write_workbook import tables_workbook
from ailis_opt.output.document import as_json
from ailis_opt.output.files import MARK, require_writable, require_writable_file, write_file, write_files
from ailis_opt.output.stream import emit, notice
from ailis_opt.output.text import WIDTH_OF_FILES, colored, heading, line, render, table, width
from ailis_opt.output.words import counted

SCHEMA = "ailis-opt-import/1"
TABLES = ("regions", "skus", "offers")


def run_prices(reader: Callable[[], Imported], path: Path, out: Path | None, choice: Choice, json: bool) -> int:
    """Read the list, write the tables and what was left out, say both. Returns the exit code."""
    beside = None if out is None else out.with_name(f"{out.name}.left-out.csv")
    if out is not None and out.suffix.lower() in (".csv", ".xlsx"):
        require_writable_file(out)
    elif out is not None and out.suffix and not out.is_dir():
        raise InputError([Fault(str(out), "neither a folder nor a file that can be written", "Name a folder, FILE.csv or FILE.xlsx")])
    elif out is not None:
        require_writable(out, [f"{name}.csv" for name in TABLES])
    imported = reader()
    summary = imported.account.summary()
    parts = _report(path, imported, summary, choice)
    document: dict[str, Any] = {"schema": SCHEMA, "file": str(path), "currency": imported.currency, "period": choice.period, **summary}
    document["rows"] = {name: len(frame) for name, frame in imported.tables.items()}
    if out is None or beside is None:
        document["tables"] = {name: frame.to_dict("records") for name, frame in imported.tables.items()}
    else:
        _write(imported, out, render(parts, WIDTH_OF_FILES))
        write_file(beside, imported.account.left().to_csv(index=False, lineterminator="\n"))
        document["paths"] = [str(out), str(beside)]
    emit(as_json(document) if json else render(parts, width(), colored()))
    said = "nothing is written without --out DIR|FILE" if out is None else f"written: {out}, and what was left out in {beside}"
    notice(said)
    return 0


def _write(imported: Imported, out: Path, report: str) -> None:
    kind = out.suffix.lower()
    files = table_files_text(imported.tables)
    if kind == ".csv":
        write_file(out, files.get("offers.csv", "offer\n"))
    elif kind == ".xlsx":
        write_file(out, tables_workbook(imported.tables))
    else:
        write_files(out, {MARK: report, **files}, [f"{name}.csv" for name in TABLES])


def _report(path: Path, imported: Imported, summary: dict[str, Any], choice: Choice) -> list[RenderableType]:
    """Counts, contracts, and what was left out with examples and the mend."""
    counts, offers = summary["prices"], imported.tables["offers"]
    kinds = ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in Counter(offers["contract"]).items())
    skus, regions = (counted(len(imported.tables[name]), noun) for name, noun in (("skus", "SKU"), ("regions", "region")))
    parts: list[RenderableType] = [
        heading(f"{path.name}: {counted(len(offers), 'offer')}"),
        line(f"{kinds or 'none'}; {skus}, {regions}; prices in {imported.currency} per GPU-hour, terms in {choice.period}s"),
        line(f"{counted(counts['found'], 'price')} found = {counts['used']:,} used in offers + {counts['left_out']:,} left out"),
    ]
    if summary["folded_offers"]:
        text = (
            f"{counted(summary['folded_offers'], 'offer')} made of several zones: the least price on demand, the median on spot (see note)"
        )
        parts.append(line(text))
    parts += [line(text) for text in summary["notices"]]
    if summary["left_out"]:
        rows = [(row["reason"], f"{row['prices']:,}", row["examples"][0], row["mend"]) for row in summary["left_out"]]
        parts += [heading("Left out"), table(("reason", "prices", "for example", "how to get it in"), rows, text=(0, 2, 3))]
    return parts
