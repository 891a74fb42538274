"""What-ifs: their answers, differences and sweeps, worked out by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from ailis_opt.changes import parse, parse_all
from ailis_opt.errors import AuditError, InputError, NoPlanError
from ailis_opt.explain.explanation import explain
from ailis_opt.optimize import solve
from ailis_opt.output.document import as_json
from ailis_opt.output.text import render
from ailis_opt.result import Bounds
from ailis_opt.schema import Instance
from ailis_opt.study.picture import curve_svg
from ailis_opt.study.sweep import parse_sweep
from ailis_opt.study.verdicts import verdicts
from ailis_opt.study.whatif import Answer, WhatIf, bought, delta, whatif
from ailis_opt.study.whatif_text import whatif_text
from tests.support.cases import case, offer
from tests.support.files import as_instance


def market() -> Instance:
    """10 outcomes in one hour, 4 in the next. Hired GPUs cost 3 an hour; a reserved GPU costs its price in both hours.

    Four lots save 6 each and are signed below 3 an hour; six more save 3 each and are signed below 1.5.
    """
    data = case([10.0, 4.0], periods=2)
    data["tables"]["offers"] = [offer("lots", 2, "reserved", max_lots=20), offer("hire", 3, max_lots=20)]
    return as_instance(data)


def text_of(found: WhatIf) -> str:
    return render(whatif_text(found), 100)


@pytest.fixture(scope="module")
def found() -> WhatIf:
    cases = {
        "dear": "offers[offer=hire].price_per_gpu_hour *= 2",
        "dear later": "offers[offer=hire].price_per_gpu_hour *= 2 @ 1",
        "too little": "offers.max_lots = 2",
        "a hair": "demand.outcomes *= 1.0000001",
        "nothing": "demand.outcomes *= 1",
    }
    sweep = parse_sweep("offers[offer=lots].price_per_gpu_hour = 1..4 / 4")
    return whatif(market(), {name: parse_all(text) for name, text in cases.items()}, sweep=sweep, gap=1e-6, jobs=1, layers=True)


def test_cases_come_in_their_order_with_their_status(found: WhatIf) -> None:
    """2 an hour for 4 lots in both hours, 6 GPUs hired for an hour at 3; at 6 all ten are lots."""
    assert [case.name for case in found.cases] == ["dear", "dear later", "too little", "a hair", "nothing"]
    assert [case.status for case in found.cases] == ["optimal", "optimal", "infeasible", "optimal", "optimal"]
    assert found.base.result is not None
    assert found.base.result.cost == pytest.approx(16 + 18)
    costs = [case.result.cost for case in found.cases if case.result]
    assert costs == pytest.approx([40, 34, 34, 34], rel=1e-5)
    assert set(found.cases[2].layers or ()) <= {"L1.supply", "L16"}
    assert found.cases[2].layers


def test_differences(found: WhatIf) -> None:
    dear = found.delta(found.cases[0])
    assert dear is not None
    assert (dear.cost, dear.objective, dear.outcomes) == pytest.approx((6, 6, 0))
    assert dear.lower <= 6 <= dear.upper
    assert not dear.within_gap
    assert dear.cost_per_outcome == pytest.approx(6 / 14)
    assert found.delta(found.cases[2]) is None
    assert bought(found.base.result, found.cases[0].result) == [  # type: ignore[arg-type]
        ("GPUs signed", "lots", 4, 10),
        ("GPU-hours hired", "hire", 6, 0),
    ]
    assert bought(found.base.result, found.cases[4].result) == []  # type: ignore[arg-type]


def test_a_difference_inside_the_gaps_is_no_difference(found: WhatIf) -> None:
    base = found.base.result
    assert base is not None
    z = base.objective
    near = replace(base, objective=z * 1.001, cost=base.cost * 1.001, bounds=Bounds(z * 0.999, z * 1.001))
    assert delta(base, near).within_gap
    far = replace(near, bounds=Bounds(z * 1.0005, z * 1.001))
    assert not delta(base, far).within_gap
    told = text_of(replace(found, cases=(replace(found.cases[0], result=near),)))
    assert "within the gap" in told
    assert "+0.1%" not in told
    assert "+0.1%" in text_of(replace(found, cases=(replace(found.cases[0], result=far),)))


def test_verdicts_are_those_of_the_whole_explanation(found: WhatIf) -> None:
    explained = {item.layer: item for item in explain(market(), gap=1e-6, time_limit=60, jobs=1).layers}
    assert found.base.verdicts is not None
    assert {name: verdict.binds for name, verdict in found.base.verdicts.items()} == {name: item.binds for name, item in explained.items()}
    for name, verdict in found.base.verdicts.items():
        assert verdict.removal.value == pytest.approx(explained[name].removal.value, abs=1e-6)
        assert verdict.removal.lower <= verdict.removal.value + 1e-9 <= verdict.removal.upper + 2e-9


def test_a_layer_binds_after_and_not_before() -> None:
    """Four lots would be signed; with two on offer the supply of lots binds, worth 6 - 4 for each that is missing."""
    found = whatif(market(), {"few": parse_all("offers[offer=lots].max_lots = 2")}, gap=1e-6, jobs=1, layers=True)
    before, after = found.base.verdicts, found.cases[0].verdicts
    assert before is not None
    assert after is not None
    assert (before["L1.supply"].binds, after["L1.supply"].binds) == ("no", "yes")
    assert after["L1.supply"].removal.value == pytest.approx(4, abs=1e-5)
    assert "tight now  L1.supply" in text_of(found)


def test_the_curve_and_its_switches(found: WhatIf) -> None:
    """All ten lots below 1.5, four below 3, none above: 2p·10, 2p·4 + 18, 42."""
    curve = found.curve
    assert curve is not None
    assert [point.value for point in curve.points] == [1, 2, 3, 4]
    assert [point.result.cost for point in curve.points if point.result] == pytest.approx([20, 34, 42, 42])
    ends = [(switch.low, switch.high) for switch in curve.switches]
    assert len(ends) == 2
    assert curve.narrow
    for (low, high), price in zip(ends, (1.5, 3), strict=True):
        assert low <= price <= high
        assert high - low <= 3 / 256 + 1e-9
    assert [(switch.before, switch.after) for switch in curve.switches] == [({"lots": 10}, {"lots": 4}), ({"lots": 4}, {})]
    assert len(curve.points) < curve.solves <= len(curve.points) + 2 * 9


def test_a_switch_to_no_plan_at_all() -> None:
    found = whatif(market(), {}, sweep=parse_sweep("offers.max_lots = 2..8 / 4"), gap=1e-6, jobs=1)
    assert found.curve is not None
    assert [point.status for point in found.curve.points] == ["infeasible", "infeasible", "optimal", "optimal"]
    assert "no plan below" in text_of(found)


def test_whole_numbers_stay_whole() -> None:
    """Between two whole numbers of lots there is nothing to be solved."""
    found = whatif(market(), {}, sweep=parse_sweep("offers[offer=lots].max_lots = 0..6 / 4"), gap=1e-6, jobs=1)
    assert found.curve is not None
    assert [(s.low, s.high) for s in found.curve.switches] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert "4 -> " not in text_of(found).split("switch?")[1]


@pytest.mark.parametrize(
    ("text", "mark", "why"),
    [
        ("offers.max_lots = 3", "3", "not a range"),
        ("offers.max_lots = 3..5", "3..5", "not a range"),
        ("offers.max_lots = 3..3 / 4", "3..3 / 4", "no width"),
        ("offers.max_lots = 3..5 / 1", "3..5 / 1", "1 value"),
        ("offers.max_lot = 3..5 / 3", "max_lot", "no column"),
        ("offers[offer=lots] -", "", "not a range"),
    ],
)
def test_faults_of_sweeps(text: str, mark: str, why: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_sweep(text)
    fault = caught.value.faults[0]
    assert fault.mark is not None
    assert fault.file[slice(*fault.mark)] == mark
    assert why in fault.why


def test_values_are_evenly_spread_and_sorted() -> None:
    assert parse_sweep("offers.price_per_gpu_hour *= 0.5..1.5 / 11").values == tuple(round(0.5 + i / 10, 12) for i in range(11))
    assert parse_sweep("offers.price_per_gpu_hour += 1 .. -1 / 3").values == (-1, 0, 1)
    sweep = parse_sweep("offers.price_per_gpu_hour *= 1e-1..2 / 3 @ 1..")
    assert sweep.at(0.25) == parse("offers.price_per_gpu_hour *= 0.25 @ 1..")


def test_values_that_an_instance_does_not_take_are_told_before_any_solve() -> None:
    with pytest.raises(InputError, match="least that is allowed"):
        whatif(market(), {}, sweep=parse_sweep("offers.price_per_gpu_hour = -1..2 / 4"))


def test_faults_of_all_cases_at_once() -> None:
    cases = {"a": parse_all("offers[offer=nobody].max_lots = 1"), "b": parse_all("offers[offer=lots].region = mars")}
    with pytest.raises(InputError) as caught:
        whatif(market(), cases)
    assert len(caught.value.faults) == 2


def test_the_document(found: WhatIf) -> None:
    document = json.loads(as_json(found.to_dict()))
    assert document["schema"] == "ailis-opt-whatif/1"
    assert document["base"]["schema"] == "ailis-opt-result/1"
    dear, _, none, *_ = document["cases"]
    assert set(dear) >= {"name", "changes", "result", "delta"}
    assert dear["changes"] == ["offers[offer=hire].price_per_gpu_hour *= 2"]
    assert set(dear["delta"]) == {"cost", "outcomes", "cost_per_outcome", "objective"}
    assert dear["result"]["cost"] - document["base"]["cost"] == pytest.approx(dear["delta"]["cost"])
    assert none["delta"]["cost"] is None
    assert none["result"]["status"] == none["status"] == "infeasible"
    assert set(document["sweep"]) >= {"change", "points", "switches", "width"}


def test_a_case_without_a_plan_goes_on_and_is_told(found: WhatIf) -> None:
    lost = [
        Answer("late", (), found.base.instance, error=NoPlanError("the time was over")),
        Answer("odd", (), found.base.instance, error=AuditError("x")),
    ]
    told = text_of(replace(found, cases=(*found.cases, *lost)))
    assert "late: the time was over" in told
    assert "too little is infeasible: " in told
    assert [answer.status for answer in lost] == ["no plan", "failed"]


def test_the_picture(found: WhatIf) -> None:
    import xml.etree.ElementTree as ElementTree

    assert found.curve is not None
    picture = ElementTree.fromstring(curve_svg(found.curve, "EUR & more"))
    shapes = [element.tag.split("}")[1] for element in picture.iter()]
    assert shapes.count("circle") == 4
    assert shapes.count("rect") == 1 + 2
    assert not [v for element in picture.iter() for v in element.attrib.values() if "nan" in v]


def test_verdicts_of_a_plan_with_a_wide_gap_are_not_proven() -> None:
    instance = market()
    result: Any = solve(instance, gap=1e-6, in_process=True)
    wide = replace(result, bounds=Bounds(-math.inf, result.bounds.upper))
    assert {verdict.binds for verdict in verdicts(instance, wide, 1e-6).values()} <= {"yes", "no"}  # small: solved again, exactly
