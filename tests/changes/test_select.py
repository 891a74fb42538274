"""Selectors against a filter that goes row by row."""

from __future__ import annotations

import fnmatch
import math
import random
from typing import Any

import pytest

from ailis_opt.changes.conditions import Condition
from ailis_opt.changes.grammar import quoted
from ailis_opt.changes.parse import parsed
from ailis_opt.changes.select import matching
from ailis_opt.errors import InputError
from ailis_opt.schema import TABLES, Instance
from tests.support.files import as_instance
from tests.support.generate import random_instance


def meets(cell: Any, sign: str, words: list[tuple[str, bool]]) -> bool:
    """Whether a cell meets a condition; a word is its text and whether it was quoted."""
    if sign in ("<", "<=", ">", ">="):
        number = float(words[0][0])
        return {"<": cell < number, "<=": cell <= number, ">": cell > number, ">=": cell >= number}[sign]
    found = any(equal(cell, *word) for word in words)
    return not found if sign == "!=" else found


def equal(cell: Any, text: str, exact: bool) -> bool:
    if isinstance(cell, tuple):
        return any(equal(item, text, exact) for item in cell) if text else not cell
    if isinstance(cell, str):
        return cell == text if exact or "*" not in text else fnmatch.fnmatchcase(cell, text.replace("[", "[[]").replace("?", "[?]"))
    if isinstance(cell, bool):
        return cell == (text in ("true", "yes", "1"))
    return math.isnan(cell) if not text else float(cell) == float(text)


def random_where(instance: Instance, table: str, rng: random.Random) -> tuple[str, list[tuple[str, str, list[tuple[str, bool]]]]]:
    """Conditions on columns of the table, with values that occur and some that do not."""
    frame, conditions, said = instance.tables[table], [], []
    for column in rng.sample(TABLES[table].columns, rng.randint(1, 3)):
        cells = frame[column].tolist()
        flag = TABLES[table].is_flag(column)
        number = not flag and TABLES[table].kinds[column] in ("int", "float", "optional")
        sign = rng.choice(["=", "!=", "in", *(["<", "<=", ">", ">="] if number else [])])
        words = [word(rng.choice(cells), number, flag, sign, rng) for _ in range(rng.randint(1, 3) if sign == "in" else 1)]
        texts = [quoted(text) if exact else text for text, exact in words]
        said.append(f"{column} in ({', '.join(texts)})" if sign == "in" else f"{column} {sign} {texts[0]}")
        conditions.append((column, sign, words))
    return " & ".join(said), conditions


def word(cell: Any, number: bool, flag: bool, sign: str, rng: random.Random) -> tuple[str, bool]:
    if flag:
        return rng.choice(["true", "false"]), False
    if number:
        blank = math.isnan(cell) and sign in ("=", "!=")
        return ("", False) if blank else (repr(float(rng.choice([5, 0 if math.isnan(cell) else cell]))), False)
    text = rng.choice(cell) if isinstance(cell, tuple) and cell else "" if isinstance(cell, tuple) else cell
    if not text or rng.random() < 0.5:
        return text, True
    at = rng.randint(0, len(text))
    return rng.choice([text[:at] + "*", "*" + text[at:], text, text + "x"]), False


@pytest.mark.parametrize("seed", range(30))
def test_rows_are_those_of_a_filter(seed: int) -> None:
    rng, instance = random.Random(seed), as_instance(random_instance(seed))
    tables = [name for name, frame in instance.tables.items() if len(frame)]
    met = 0
    for _ in range(20):
        table = rng.choice(tables)
        where, conditions = random_where(instance, table, rng)
        frame = instance.tables[table]
        wanted = [
            i
            for i, row in enumerate(frame.to_dict("records"))
            if all(meets(row[column], sign, words) for column, sign, words in conditions)
        ]
        asked = parsed(f"{table}[{where}].note = x")
        assert all(isinstance(condition, Condition) for condition in asked.conditions)
        if wanted:
            assert matching(TABLES[table], frame, asked).tolist() == wanted, where
            met += 1
        else:
            with pytest.raises(InputError, match="no row matches"):
                matching(TABLES[table], frame, asked)
    assert met


@pytest.mark.parametrize(
    ("where", "mark", "why", "mend"),
    [
        ("offer=fra-reservd", "fra-reservd", "no offer of offers is 'fra-reservd'", "Did you mean 'fra-reserved'?"),
        ("contract=reserved & region in (frankfrt, mars)", "frankfrt, mars", "no region of offers is so", "Did you mean 'frankfurt'?"),
        ("sku=H100", "H100", "no sku of offers is 'H100'", "Did you mean 'h100'?"),
        ("lot_gpus > 8", "8", "no lot_gpus of offers is so", "The column goes from 1 to 8"),
        ("term_periods=3", "3", "is '3'", "The column is blank in every row"),
        ("offer=aws-*", "aws-*", "is 'aws-*'", "Known: fra-on-demand"),
        ("offer != *", "*", "is so", "Leave out the condition"),
        ("region=virginia & contract=reserved", "region=virginia & contract=reserved", "no row matches", "no row meets all"),
    ],
)
def test_nothing_matches(quickstart: Instance, where: str, mark: str, why: str, mend: str) -> None:
    with pytest.raises(InputError) as caught:
        matching(TABLES["offers"], quickstart.tables["offers"], parsed(f"offers[{where}] -"))
    fault = caught.value.faults[0]
    assert fault.mark is not None
    assert fault.file[slice(*fault.mark)] == mark
    assert why in fault.why
    assert mend in fault.mend
