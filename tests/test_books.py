"""Price books: which row prices which offer, what is refused, and what the result says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ailis_opt import solve
from ailis_opt.books import apply_book
from ailis_opt.changes import Change, apply
from ailis_opt.errors import InputError
from ailis_opt.schema import Instance
from tests.support.cases import case, offer, region
from tests.support.files import as_instance


def market() -> dict[str, Any]:
    """Two regions, four offers, two months of 2027; the workload needs ten GPUs."""
    data = case(14160.0, periods=2, period="month")  # ten outcomes an hour for January and February
    data["tables"]["regions"] = [region("here"), region("there")]
    data["tables"]["offers"] = [
        offer("here/hire", 4, provider="acme", source="list of May"),
        offer("here/year", 3, "reserved", provider="acme", term_periods=12, upfront_per_gpu=100),
        offer("there/hire", 5, provider="acme", region="there"),
        offer("other/spot", 2, "interruptible", provider="other", max_lots=1),
    ]
    return data


def book(path: Path, text: str) -> Path:
    file = path / "deals.csv"
    file.write_text(text)
    return file


def priced(path: Path, text: str, data: dict[str, Any] | None = None) -> Instance:
    return apply_book(as_instance(data or market()), book(path, text))


def prices(instance: Instance) -> dict[str, float]:
    offers = instance.tables["offers"]
    return dict(zip(offers["offer"], offers["price_per_gpu_hour"], strict=True))


LISTED = {"here/hire": 4.0, "here/year": 3.0, "there/hire": 5.0, "other/spot": 2.0}


def test_the_most_specific_row_counts(tmp_path: Path) -> None:
    rows = "offer,provider,region,contract,price_per_gpu_hour,discount\n"
    rows += ",acme,,,,0.1\n,acme,here,,,0.2\n,ac*,,reserved,,0.5\nthere/hire,,,,1.5,\n"
    # here/hire: provider and region (0.2); here/year: the same, two in full, before one in full and a pattern; there/hire: by its name
    assert prices(priced(tmp_path, rows)) == pytest.approx(LISTED | {"here/hire": 3.2, "here/year": 2.4, "there/hire": 1.5})


def test_patterns_yield_to_names(tmp_path: Path) -> None:
    assert prices(priced(tmp_path, "region,discount\n*ere,0.5\nthere,0.1\n")) == pytest.approx(
        {"here/hire": 2.0, "here/year": 1.5, "there/hire": 4.5, "other/spot": 1.0}
    )
    assert prices(priced(tmp_path, "term_periods,discount\n,0.5\n12,0.1\n"))["here/year"] == pytest.approx(2.7)
    assert prices(priced(tmp_path, "offer,provider,discount\n*,,0.5\n*,acme,0.1\n"))["here/hire"] == pytest.approx(3.6)


def test_two_rows_of_equal_weight_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        priced(tmp_path, "provider,region,discount\nacme,,0.1\n,here,0.2\n")
    assert str(caught.value) == (
        "deals.csv, row 2, offer = 'here/hire': rows 2 and 3 are equally specific for one offer. "
        "Give one of them a further column, or take one away"
    )
    priced(tmp_path, "provider,region,discount\nother,,0.1\n,there,0.2\n")  # they meet on no offer


def test_upfront_alone_and_a_price_of_nothing(tmp_path: Path) -> None:
    found = priced(tmp_path, "offer,price_per_gpu_hour,upfront_per_gpu\nhere/year,,0\nhere/hire,0,\n")
    assert prices(found) == LISTED | {"here/hire": 0.0}
    assert found.tables["offers"]["upfront_per_gpu"].tolist() == [0, 0, 0, 0]
    assert found.booked["here/year"].list_upfront_per_gpu == 100


def test_yaml_says_the_same(tmp_path: Path) -> None:
    file = tmp_path / "deals.yaml"
    file.write_text(
        "- {provider: acme, region: here, discount: 0.25, source: frame contract}\n- {offer: other/spot, price_per_gpu_hour: 1}\n"
    )
    found = apply_book(as_instance(market()), file)
    assert prices(found) == pytest.approx(LISTED | {"here/hire": 3.0, "here/year": 2.25, "other/spot": 1.0})
    assert found.booked["here/hire"].source == "deals.yaml row 1: frame contract"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("provider,discount\nacm,0.1\n", "row 2, provider = 'acm': no offer has this. Did you mean 'acme'"),
        ("offer,discount\nhere/*/year,0.1\n", "row 2, offer.*no offer has this"),
        ("term_periods,discount\n36,0.1\n", "row 2, term_periods = '36': no offer has this"),
        ("provider,region,discount\nother,there,0.1\n", "row 2: matches no offer: none has provider=other, region=there together"),
        ("provider,discount\nacme,\n", "row 2: says nothing about a price"),
        ("provider,price_per_gpu_hour,discount\nacme,1,0.1\n", "a price and a discount on another price"),
        ("provider,discount\nacme,10\n", "row 2, discount = '10': more than 1"),
        ("provider,price_per_gpu_hour\nacme,cheap\n", "not a number"),
        ("provider,discont\nacme,0.1\n", "book has no column 'discont'. Did you mean 'discount'"),
        ("provider,discount,valid_from\nacme,0.1,1.1.2027\n", "valid_from = '1.1.2027': not a date"),
        ("provider,discount,valid_from,valid_until\nacme,0.1,2027-02-01,2027-01-01\n", "valid_until.*before valid_from"),
        ("provider,discount\n", "has no rows"),
        ("", "has no header row"),
    ],
)
def test_what_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        priced(tmp_path, text)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        priced(tmp_path, "provider,region,discount\nacm,,0.1\n,hre,0.1\nacme,,\n")
    assert [fault.row for fault in caught.value.faults] == [2, 3, 4]


def test_files_that_are_no_book(tmp_path: Path) -> None:
    instance = as_instance(market())
    (tmp_path / "deals.json").write_text("{}")
    (tmp_path / "map.yaml").write_text("discount: 0.1\n")
    (tmp_path / "bad.yaml").write_text("- {provider: [\n")
    for name, said in (
        ("none.csv", "does not exist"),
        ("deals.json", "neither a CSV nor a YAML file"),
        ("map.yaml", "not a list of rows"),
        ("bad.yaml", "not valid YAML"),
    ):
        with pytest.raises(InputError, match=said):
            apply_book(instance, tmp_path / name)


def test_validity(tmp_path: Path) -> None:
    """The horizon is 2027-01-01 to 2027-02-28."""
    head = "offer,discount,valid_from,valid_until\n"
    for dates, used, said in [
        ("2026-01-01,2027-12-31", True, None),
        (",2027-02-28", True, None),
        ("2027-01-01,", True, None),
        (",2027-02-27", True, "a part of the horizon (2027-01-01 to 2027-02-28); it is used for all of it"),
        ("2027-02-28,", True, "a part of the horizon"),
        ("2027-03-01,", False, "outside the horizon (2027-01-01 to 2027-02-28); it is not used"),
        (",2026-12-31", False, "outside the horizon"),
    ]:
        found = priced(tmp_path, f"{head}here/hire,0.5,{dates}\n")
        assert prices(found)["here/hire"] == (2.0 if used else 4.0), dates
        told = [text for text in found.warnings if text.startswith("deals.csv row 2")]
        assert (said is None and not told) or (said is not None and said in told[0]), dates
    # one after the other: no conflict
    found = priced(tmp_path, f"{head}here/hire,0.5,,2026-12-31\nhere/hire,0.25,2027-01-01,\n")
    assert prices(found)["here/hire"] == 3.0


def test_a_row_in_the_shadow_of_others_is_told(tmp_path: Path) -> None:
    found = priced(tmp_path, "offer,provider,discount\nother/spot,,0.1\n,other,0.2\n")
    assert "deals.csv row 3: prices no offer, more specific rows do" in found.warnings


def test_lots_signed_before_keep_their_price(tmp_path: Path) -> None:
    data = market()
    data["tables"]["offers"][1] |= {"committed_lots": 3, "max_lots": 5}
    data["tables"]["offers"].append(offer("hall", 1, "owned", provider="acme", committed_lots=2, max_lots=0))
    before = as_instance(data)
    found = priced(tmp_path, "provider,discount\nacme,0.5\n", data)
    offers = found.tables["offers"].set_index("offer")
    assert offers.loc["here/year (signed)", ["price_per_gpu_hour", "committed_lots", "max_lots"]].tolist() == [3, 3, 0]
    assert offers.loc["here/year", ["price_per_gpu_hour", "committed_lots", "max_lots"]].tolist() == [1.5, 0, 5]
    assert offers.loc["hall", "price_per_gpu_hour"] == 1
    assert any("hall is signed already" in text for text in found.warnings)
    # a book that changes nothing splits the offer, and costs the same
    same = priced(tmp_path, "offer,discount\nhere/year,0\n", data)
    assert solve(same, in_process=True).cost == pytest.approx(solve(before, in_process=True).cost)


def test_the_result_says_what_was_paid_and_why(tmp_path: Path) -> None:
    plain = as_instance(market())
    found = priced(tmp_path, "offer,discount,source\nhere/hire,0.5,frame contract\n")
    result = solve(found, in_process=True)
    assert result.instance_sha256 != plain.sha256
    # nine GPUs at 2 (half of 4) and the one lot on spot at 2, over 59 days
    assert result.cost == pytest.approx(10 * 2 * 59 * 24)
    hired = result.hired.set_index("offer")
    assert hired.loc["here/hire", ["list_price_per_gpu_hour", "price_per_gpu_hour", "price_source"]].tolist() == [
        4.0, 2.0, "deals.csv row 2: frame contract",
    ]  # fmt: skip
    assert hired.loc["other/spot", ["list_price_per_gpu_hour", "price_per_gpu_hour"]].tolist() == [2.0, 2.0]
    document = result.to_dict()
    assert document["booked"] == [
        {
            "offer": "here/hire", "list_price_per_gpu_hour": 4.0, "price_per_gpu_hour": 2.0, "list_upfront_per_gpu": 0.0,
            "upfront_per_gpu": 0.0, "source": "deals.csv row 2: frame contract",
        }
    ]  # fmt: skip
    assert document["hired"][0]["price_source"] == "deals.csv row 2: frame contract"
    source = found.tables["offers"].set_index("offer").loc["here/hire", "source"]
    assert source == "deals.csv row 2: frame contract; list price 4 (list of May)"
    assert solve(plain, in_process=True).to_dict()["booked"] == []


def test_books_lie_over_one_another_and_under_changes(tmp_path: Path) -> None:
    once = priced(tmp_path, "offer,discount\nhere/hire,0.5\n")
    twice = apply_book(once, book(tmp_path, "offer,discount\nhere/hire,0.5\n"))
    assert prices(twice)["here/hire"] == 1.0
    assert twice.booked["here/hire"].list_price_per_gpu_hour == 4.0
    changed = apply(twice, [Change("offers", "offer=here/hire", "price_per_gpu_hour", "mul", "3")])
    assert prices(changed)["here/hire"] == 3.0
    assert changed.booked["here/hire"].list_price_per_gpu_hour == 4.0


@settings(max_examples=40, deadline=None)
@given(discounts=st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_rows_in_any_order_price_alike(discounts: list[float], tmp_path_factory: pytest.TempPathFactory) -> None:
    """A row by name each: every price is the list's less the discount; all else of the instance stays."""
    instance, path = INSTANCE, tmp_path_factory.getbasetemp()
    rows = [f"{name},{discount!r}" for name, discount in zip(LISTED, discounts, strict=True)]
    found = apply_book(instance, book(path, "offer,discount\n" + "\n".join(rows)))
    again = apply_book(instance, book(path, "offer,discount\n" + "\n".join(reversed(rows))))
    assert prices(found) == {name: price * (1 - d) for (name, price), d in zip(LISTED.items(), discounts, strict=True)}
    assert prices(again) == prices(found)
    for name, frame in instance.tables.items():
        kept = frame.drop(columns=["price_per_gpu_hour", "source"], errors="ignore")
        pd.testing.assert_frame_equal(found.tables[name][list(kept.columns)], kept)


INSTANCE = as_instance(market())
