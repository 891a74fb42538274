"""The grammar of changes: what is written is read again, and what is wrong is shown at its place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ailis_opt.changes import Change, parse, parse_all, parse_list
from ailis_opt.changes.grammar import BY_PERIOD, quoted
from ailis_opt.errors import InputError
from ailis_opt.schema import TABLES, Table

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12)
PLAIN = st.from_regex(r"[A-Za-z0-9_./-]{1,8}", fullmatch=True)
NUMBER = st.floats(-1e6, 1e6).map(repr) | st.integers(0, 99).map(str)
SPACE = st.sampled_from(["", " ", "  "])


@st.composite
def conditions(draw: st.DrawFn, table: Table) -> str:
    column = draw(st.sampled_from(table.columns))
    number = table.kinds[column] in ("int", "float", "optional") and not table.is_flag(column)
    signs = ["=", "!=", "in"] + (["<", "<=", ">", ">="] if number else [])
    word = (
        NUMBER if number else st.sampled_from(["true", "no", "1"]) if table.is_flag(column) else PLAIN | TEXT.map(quoted) | st.just("a*b*")
    )
    sign = draw(st.sampled_from(signs))
    if sign == "in":
        items = draw(st.lists(word, min_size=1, max_size=3))
        return f"{column} in ({', '.join(items)})"
    pad = draw(SPACE)
    return f"{column}{pad}{sign}{pad}{draw(word)}"


@st.composite
def words(draw: st.DrawFn) -> str:
    """Any change of any table, with blanks between its parts as they may come."""
    table = draw(st.sampled_from(list(TABLES.values())))
    pad = draw(SPACE)
    where = pad.join(["[", " & ".join(draw(st.lists(conditions(table), max_size=3))), "]"])
    form = draw(st.sampled_from(["edit", "edit", "insert", "remove"]))
    if form == "remove":
        return f"{table.name}{where}{pad}-"
    if form == "insert":
        cells = {c: draw(TEXT) for c in draw(st.lists(st.sampled_from(table.columns), unique=True, max_size=3))}
        row = ", ".join(f"{c}: '{v.replace(chr(39), chr(39) * 2)}'" for c, v in cells.items())
        return f"{table.name}{pad}+{pad}{{{row}}}"
    column = draw(st.sampled_from(table.columns))
    value = draw(NUMBER | PLAIN | TEXT.map(quoted) | st.just(""))
    text = f"{table.name}{where}{pad}.{column}{pad}{draw(st.sampled_from(['=', '*=', '+=']))}{pad}{value}"
    if "period" not in table.columns and (table.name, column) not in BY_PERIOD:
        return text
    first, last = sorted(draw(st.tuples(st.integers(0, 20), st.integers(0, 20))))
    return text + draw(st.sampled_from(["", f" @ {first}", f" @{first}..{last}", f" @ {first} ..", f"@ ..{last}"]))


@given(text=words())
def test_what_is_read_is_written_and_read_again(text: str) -> None:
    change = parse(text)
    assert parse(str(change)) == change
    assert parse_all(f"{text} ; {text}") == [change, change]


@given(value=TEXT, first=st.none() | st.integers(0, 9))
def test_every_value_survives(value: str, first: int | None) -> None:
    change = Change("demand", "", "note", "set", value, first)
    assert parse(str(change)) == change


@given(text=st.text(max_size=30) | words().map(lambda text: text[: len(text) // 2]) | words().map(lambda text: text[::-1]))
def test_whatever_is_written_is_a_change_or_has_a_fault(text: str) -> None:
    try:
        parse(text)
    except InputError as error:
        for fault in error.faults:
            assert fault.mark is not None
            assert 0 <= fault.mark[0] <= fault.mark[1] <= len(fault.file) + 2
            assert fault.why
            assert fault.mend


FAULTS = [
    ("", "^", "not a change", "Write TABLE"),
    ("offer.max_lots = 1", "^^^^^", "no table 'offer'", "'offers'"),
    ("offers.max_lot = 1", "       ^^^^^^^", "no column 'max_lot'", "'max_lots'"),
    ("offers[skuu=a].max_lots = 1", "       ^^^^", "no column 'skuu'", "'sku'"),
    ("offers[sku].max_lots = 1", "          ^", "not a list of conditions", "= != < <="),
    ("offers[sku=a.max_lots = 1", "      ^", "never closed", "]"),
    ("offers[sku=a b=c].max_lots = 1", "              ^^", "a = in a value", "quotes"),
    ("offers[sku < 3].max_lots = 1", "           ^", "not a number", "=, != or in"),
    ("offers[max_lots=many].sku = a", "                ^^^^", "'many' is not a number", "12.5"),
    ("offers[whole_lots=perhaps].sku = a", "                  ^^^^^^^", "neither true nor false", "true or false"),
    ("offers[sku in a].max_lots = 1", "              ^", "expected (", "in (a, b)"),
    ("offers[sku in (a].max_lots = 1", "                ^", "never closed", "in (a, b)"),
    ("offers[sku in (a,)].max_lots = 1", "                 ^", "an item is missing", "comma"),
    ("offers.max_lots -= 1", "                ^^", "expected =", "+="),
    ("offers.max_lots = 1 @ x", "                    ^^^", "not periods", "@ 3..8"),
    ("demand.outcomes = 1 @ 8..3", "                    ^^^^^^", "after the last", "earlier"),
    ("offers.max_lots = 1 @ 3", "                    ^^^", "offers.max_lots has no periods", "offers.price_per_gpu_hour"),
    ("workloads.tiers = a;b", "                   ^", "a ; ends a change", '"a;b"'),
    ('offers.note = "a" b', "                  ^", "nothing but @ and periods", "quotes"),
    ('offers.note = "a', "              ^^", "the quote is never closed", '"'),
    ("offers[sku=a] + {}", "       ^^^^^", "added to a table", "brackets"),
    ("offers + {offer: x", "       ^^^^^^^^^^^", "not a row", "{column: value"),
    ("offers + {offr: x}", "          ^^^^", "no column 'offr'", "'offer'"),
    ("offers + {a: &b c}", "         ^^^^^^^^^", "anchor", "Write"),
    ("offers[sku=a] - 3", "                ^", "nothing may follow -", ";"),
    ("instance.name = x", "         ^^^^", "not a part of instance.yaml", "instance.budget"),
    ("instance[a=b].budget = 1", "         ^^^", "no rows", "brackets"),
    ("instance.budget = 1 @ 3", "                    ^^^", "no periods", "@"),
    ("offers", "      ^", "expected .COLUMN", "Write TABLE"),
]


@pytest.mark.parametrize(("text", "mark", "why", "mend"), FAULTS, ids=[text for text, *_ in FAULTS])
def test_faults_stand_at_their_place(text: str, mark: str, why: str, mend: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    fault = caught.value.faults[0]
    assert (fault.file, fault.pointer) == (text, mark)
    assert why in fault.why
    assert mend in fault.mend
    assert str(caught.value) == "\n".join(f"{f.file}\n{f.pointer}\n{f.why}. {f.mend}" for f in caught.value.faults)


def test_all_faults_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parse("offers[skuu=a & max_lots=x].pric = 1")
    assert [fault.why for fault in caught.value.faults] == [
        "offers has no column 'skuu'",
        "'x' is not a number",
        "offers has no column 'pric'",
    ]
    with pytest.raises(InputError) as caught:
        parse_list(["offer.a = 1", "offers.max_lots = 1", "demand.b = 2"])
    assert len(caught.value.faults) == 2


def test_lists_of_changes_end_at_semicolons_outside_of_quotes_and_braces() -> None:
    text = 'workloads.tiers = "a;b"; offers + {offer: "x;y", note: \'it;s\'} ;offers[note="a;]"].max_lots = 3;'
    assert [re.sub(r"\W.*", "", str(change)) for change in parse_all(text)] == ["workloads", "offers", "offers"]
    assert parse_all(text)[0].value == "a;b"
