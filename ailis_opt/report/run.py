"""What a report is made from: the instance, the result, the plan's tables and, where there is one, the explanation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ailis_opt.output.document import plain
from ailis_opt.report.documents import EXPLANATION, RESULT, Explanation, ResultDocument, document
from ailis_opt.report.stored import frozen_instance, stored_tables
from ailis_opt.result import Result
from ailis_opt.schema import Instance


@dataclass(frozen=True)
class Run:
    """A solved instance.

    `result` is the document of `solve --json` (`ailis-opt-result/1`), `tables` the plan as in `Result.tables`, `explanation` the
    document of `explain --json` (`ailis-opt-explain/1`) or None. All money is in the currency of the instance.
    """

    instance: Instance
    result: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    explanation: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, instance: Instance, result: Result, explanation: Mapping[str, Any] | None = None) -> Run:
        """The run of a result in memory; `instance` is the one that was solved."""
        return cls(instance, plain(result.to_dict()), result.tables, explanation)

    @classmethod
    def read(cls, folder: str | Path) -> Run:
        """The run that `solve --out` wrote into `folder`, with `explain.json` if that is there.

        Raises InputError where a file is missing, broken, or of another instance than the result.
        """
        place = Path(folder)
        result = document(place / RESULT, ResultDocument)
        instance = frozen_instance(place, str(result["instance_sha256"]))
        tables = stored_tables(place)
        explanation = None
        if (place / EXPLANATION).exists():
            explanation = document(place / EXPLANATION, Explanation, instance.sha256)
        return cls(instance, result, tables, explanation)
