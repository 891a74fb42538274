"""A term sheet: one contract, or alternatives of which one is to be signed; from YAML or CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from ailis_opt.errors import AilisError, Fault, InputError
from ailis_opt.io import recheck, yaml_text
from ailis_opt.io.raw import RawTable, nearest, shown
from ailis_opt.io.rows import Loaded, load
from ailis_opt.io.tabular import read_csv, read_inline, text_of
from ailis_opt.schema import TABLES, Instance, Table
from ailis_opt.schema.checklist import NAMES
from ailis_opt.schema.columns import LARGEST_COUNT, CountFrom1, Names, Number, cell
from ailis_opt.schema.market import Offer

MOST_BYTES = 10_000_000
ALTERNATIVES = "alternatives"
GIVEN = ("regions", "power", "skus", "latency", "profiles", "egress")
"""Tables of which a sheet may give rows that the instance lacks."""
EXIT = {"after_periods": "exit_after_periods", "fee_per_gpu": "exit_fee_per_gpu"}
STATES = ("included", "excluded")


class Contract(Offer):
    """A contract on the table: the columns of an offer, and what else a term sheet says."""

    contract: Literal["owned", "reserved"] = cell("kind of contract", "one of", "reserved")
    exit_after_periods: CountFrom1 | None = cell("periods after which a lot may be given back", "periods", None, blank="no early exit")
    exit_fee_per_gpu: Number = cell("payment for giving a lot back early", "currency/GPU", 0.0)
    late_periods: CountFrom1 | None = cell("delay of delivery of the late case", "periods", None, blank="no late case")
    included: Names = cell("attributes of the checklist that the contract includes", "list", ())
    excluded: Names = cell("attributes of the checklist that the contract excludes", "list", ())


SHEET = Table("contract", Contract, ("offer",))
FIELDS = (*(c for c in SHEET.columns if c not in (*EXIT.values(), *STATES)), "exit", "states")


@dataclass(frozen=True)
class Sheet:
    """A valid term sheet: the rows of `SHEET`, typed, and rows of other tables that are given along."""

    file: str
    contracts: Loaded
    given: Mapping[str, Loaded]

    @property
    def names(self) -> list[str]:
        """The alternatives by name."""
        names: list[str] = self.contracts.frame["offer"].tolist()
        return names

    def row(self, i: int) -> dict[str, Any]:
        """An alternative, column by column."""
        return {str(column): value for column, value in self.contracts.frame.iloc[i].items()}


def read_sheet(path: str | Path) -> Sheet:
    """Read a term sheet. Raises InputError with all that is wrong with it by itself; see `with_contract` for the rest."""
    path, faults = Path(path), list[Fault]()
    raw, raws = _raw(path, faults)
    if raw is None:
        raise InputError(faults)
    contracts = load(raw, faults)
    given = {name: load(one, faults) for name, one in raws.items()}
    if not raw.rows and not faults:
        faults.append(Fault(path.name, "there is no contract in it", "Give at least offer, region, sku and price_per_gpu_hour"))
    _check(contracts, faults)
    if faults:
        raise InputError(sorted(faults, key=lambda fault: fault.row or 0))
    return Sheet(path.name, contracts, given)


def _raw(path: Path, faults: list[Fault]) -> tuple[RawTable | None, dict[str, RawTable]]:
    if not path.exists():
        faults.append(Fault(str(path), "does not exist", "Name a YAML or CSV file with the terms of the contract"))
        return None, {}
    if path.suffix.lower() == ".csv":
        return read_csv(path, SHEET, faults), {}
    text = text_of(path, MOST_BYTES)
    if isinstance(text, Fault):
        faults.append(text)
        return None, {}
    node, problems = yaml_text.parse(text)
    faults.extend(Fault(path.name, p.why, p.mend, p.line) for p in problems)
    rows = None if problems else _rows(node, path.name, faults)
    if rows is None:
        return None, {}
    if isinstance(node, yaml_text.Mapping):
        raws = {name: _inline(node[name], node.lines[name], path.name, TABLES[name], faults) for name in GIVEN if name in node}
    else:
        raws = {}
    flat = yaml_text.Sequence(rows.line)
    for row, line in zip(rows, rows.lines, strict=True):
        flat.append(_flat(row, path.name, faults) if isinstance(row, yaml_text.Mapping) else row)
        flat.lines.append(line)
    return _inline(flat, rows.line, path.name, SHEET, faults), raws


def _inline(node: Any, line: int, file: str, table: Table, faults: list[Fault]) -> RawTable:
    raw = read_inline(node, line, file, table, faults)
    raw.inline = table is not SHEET
    return raw


def _rows(node: Any, file: str, faults: list[Fault]) -> yaml_text.Sequence | None:
    """The alternatives: a list, a list under `alternatives`, or the whole file as the only one."""
    if isinstance(node, yaml_text.Sequence):
        return node
    if not isinstance(node, yaml_text.Mapping):
        faults.append(
            Fault(file, "is empty" if node in (None, "") else "not `key: value` lines", "Write `field: value` lines, those of an offer")
        )
        return None
    if ALTERNATIVES not in node:
        rows, row = yaml_text.Sequence(node.line), yaml_text.Mapping(node.line)
        row.update({key: value for key, value in node.items() if key not in GIVEN})
        row.lines.update(node.lines)
        rows.append(row)
        rows.lines.append(node.line)
        return rows
    for key in node:
        if key not in (ALTERNATIVES, *GIVEN):
            why = f"there is no {key!r} beside {ALTERNATIVES}"
            mend = f"Write it into each of the {ALTERNATIVES}" if key in FIELDS else nearest(key, (ALTERNATIVES, *GIVEN))
            faults.append(Fault(file, why, mend, node.lines[key], key))
    rows = node[ALTERNATIVES]
    if not isinstance(rows, yaml_text.Sequence):
        faults.append(Fault(file, "not a list of contracts", "Write a list with one mapping per alternative", node.lines[ALTERNATIVES]))
        return None
    return rows


def _flat(row: yaml_text.Mapping, file: str, faults: list[Fault]) -> yaml_text.Mapping:
    """`exit` and `states` as the columns of a table; unknown fields are faults here, so that the nearest is one of a sheet."""
    flat = yaml_text.Mapping(row.line)

    def put(key: str, value: Any, line: int) -> None:
        flat[key], flat.lines[key] = value, line

    for key, value in row.items():
        line = row.lines[key]
        if key not in FIELDS:
            faults.append(Fault(file, f"there is no {key!r} in a contract", nearest(key, FIELDS), line, key))
        elif key not in ("exit", "states"):
            put(key, value, line)
        elif not isinstance(value, yaml_text.Mapping):
            mend = f"Write `exit: {{{', '.join(EXIT)}}}`" if key == "exit" else "Write `states: {attribute: included}`"
            faults.append(Fault(file, "not `key: value` lines", mend, line, key, shown(value)))
        else:
            for name, said in value.items():
                at = value.lines[name]
                if key == "exit" and name in EXIT:
                    put(EXIT[name], said, at)
                elif key == "exit":
                    faults.append(Fault(file, f"there is no {name!r} in exit", nearest(name, EXIT), at, f"exit.{name}"))
                elif said in STATES:
                    put(said, [*flat.get(said, []), name], at)
                else:
                    faults.append(
                        Fault(file, "neither included nor excluded", nearest(str(said), STATES), at, f"states.{name}", shown(said))
                    )
    return flat


def _check(contracts: Loaded, faults: list[Fault]) -> None:
    """What a sheet may not say, whatever the instance."""
    frame = contracts.frame

    def rows(wrong: pd.Series, column: str, why: str, mend: str) -> None:
        for i in np.flatnonzero(wrong.to_numpy(bool) & contracts.sound(column)):
            faults.append(contracts.fault(int(i), column, why, mend))

    rows(frame["committed_lots"] > 0, "committed_lots", "nothing of a contract on the table is signed yet", "Leave it out")
    rows(frame["offer"].duplicated() & (frame["offer"] != ""), "offer", "two alternatives have the same name", "Rename one of them")
    late = frame["exit_after_periods"] >= frame["term_periods"]
    rows(late, "exit_after_periods", "not before the end of the term", "Give fewer periods than term_periods, or leave the exit out")
    alone = (frame["exit_fee_per_gpu"] > 0) & frame["exit_after_periods"].isna()
    rows(alone, "exit_fee_per_gpu", "a fee without an exit", "Say after how many periods a lot may be given back: after_periods")
    for column in STATES:
        for i, names in enumerate(frame[column]):
            for name in names:
                if name not in NAMES:
                    mend = nearest(name, NAMES)
                    faults.append(contracts.fault(i, column, f"the checklist has no attribute {name!r}", mend))
    both = [bool(set(a) & set(b)) for a, b in zip(frame["included"], frame["excluded"], strict=True)]
    rows(pd.Series(both), "excluded", "an attribute is both included and excluded", "Keep one of the two")


def with_contract(instance: Instance, sheet: Sheet, i: int, late: bool = False) -> tuple[Instance, list[str]]:
    """The instance with one of the alternatives on offer, and the names of its rows: the contract itself, and with early exit.

    An exit is the same lots on a shorter term, with the fee paid upfront; so is all of the contract's own upfront payment, which is not
    given back. `late`: delivered `late_periods` later, with all that follows. Raises InputError where instance and sheet do not fit.
    """
    row, name = sheet.row(i), sheet.names[i]
    faults = []
    if name in set(instance.stated["offers"]["offer"]):
        mend = "Rename the contract; `explain --why-not` judges an offer that is in the instance"
        faults.append(sheet.contracts.fault(i, "offer", "the instance has an offer of this name", mend))
    if row["shares_lots_with"] and not (instance.stated["offers"]["shares_lots_with"] == row["shares_lots_with"]).any():
        mend = nearest(row["shares_lots_with"], set(instance.stated["offers"]["shares_lots_with"]) - {""})
        faults.append(sheet.contracts.fault(i, "shares_lots_with", "no offer of the instance is in this group", mend))
    if faults:
        raise InputError(faults)
    offers = pd.DataFrame([_late(row, instance.header.horizon.periods - 1) if late else row])
    offers = _with_exit(_apart(offers, instance), row, set(instance.stated["offers"]["offer"]))
    stated, begun = dict(instance.stated), {}
    added = {"offers": offers[list(TABLES["offers"].columns)], **{name: one.frame for name, one in sheet.given.items()}}
    for table, frame in added.items():
        before, begun[table] = stated[table], len(stated[table])
        typed = frame.astype({column: before[column].dtype for column in before.columns})
        stated[table] = pd.concat([before, typed], ignore_index=True) if len(before) else typed.reset_index(drop=True)
    try:
        normal = recheck.resolved(instance.header, stated, (instance.header, instance.stated, instance.tables))
        return recheck.checked(instance.header, stated, normal, instance), offers["offer"].tolist()
    except InputError as error:
        raise InputError([_placed(fault, sheet, i, begun) for fault in error.faults]) from None


def _late(row: Mapping[str, Any], last: int) -> dict[str, Any]:
    delay, start = row["late_periods"], max(row["first_start"], row["lead_periods"])
    until = row["last_start"] if np.isnan(row["last_start"]) else min(row["last_start"] + delay, last)
    return {**row, "lead_periods": int(start + delay), "last_start": until}


def _apart(offers: pd.DataFrame, instance: Instance) -> pd.DataFrame:
    """In a group of its own, if in none: so that it is not merged with an offer that is like it, and shares its lots with its exit."""
    if offers["shares_lots_with"].iloc[0]:
        return offers
    group = _free(f"lots of {offers['offer'].iloc[0]}", set(instance.stated["offers"]["shares_lots_with"]))
    return offers.assign(shares_lots_with=group, max_lots=offers["max_lots"].astype(float).fillna(LARGEST_COUNT))


def _free(name: str, taken: set[str]) -> str:
    """A name that is not taken."""
    while name in taken:
        name += "+"
    return name


def _with_exit(offers: pd.DataFrame, row: Mapping[str, Any], taken: set[str]) -> pd.DataFrame:
    """With a second row for the early exit, if there is one; both share the contract's lots."""
    if np.isnan(row["exit_after_periods"]):
        return offers
    left = offers.assign(
        offer=_free(f"{row['offer']}, exit", taken),
        term_periods=row["exit_after_periods"],
        upfront_per_gpu=row["upfront_per_gpu"] + row["exit_fee_per_gpu"],
    )
    return pd.concat([offers, left], ignore_index=True)


def _placed(fault: Fault, sheet: Sheet, i: int, begun: Mapping[str, int]) -> Fault:
    """A fault of the changed instance at the place in the sheet where it comes from."""
    table = fault.file.removesuffix(" (changed)")
    if fault.row is None or fault.row <= begun.get(table, fault.row):
        return replace(fault, file=sheet.file) if fault.file == recheck.CHANGED else fault
    given = sheet.contracts if table == "offers" else sheet.given[table]
    index = i if table == "offers" else fault.row - begun[table] - 1
    if fault.column is None:
        raise AilisError(f"a row of {sheet.file} is at fault, and no column of it: {fault}")
    return given.fault(index, fault.column, fault.why, fault.mend)
