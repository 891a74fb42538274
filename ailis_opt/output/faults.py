"""Faults of an input, grouped by file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ailis_opt.errors import Fault
from ailis_opt.output.words import counted


def faults_text(faults: Sequence[Fault]) -> str:
    """All faults, file by file in the order given: where, what stands there, why it is wrong, the mend."""
    lines = [f"bad input: {counted(len(faults), 'fault')}"]
    for file, group in groupby(faults, key=lambda f: f.file):
        lines += ["", file]
        for fault in group:
            if fault.pointer:
                lines.append(fault.pointer)
            place = ", ".join(str(part) for part in (None if fault.row is None else f"row {fault.row}", fault.column) if part is not None)
            shown = "" if fault.value is None else f" = {fault.value!r}"
            told = f"{place}{shown}".removeprefix(" = ")
            lines.append(f"  {told}: {fault.why}" if told else f"  {fault.why}")
            lines.append(f"      {fault.mend}")
    return "\n".join(lines)
