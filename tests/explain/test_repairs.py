"""Repairs: their amounts by hand, their words, and that each makes its instance feasible."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ailis_opt import solve
from ailis_opt.changes import apply
from ailis_opt.cli.explain import Request, run_explain
from ailis_opt.explain.infeasible import Infeasible, explain_infeasible
from ailis_opt.explain.mends import ceiling, hundredths_down, hundredths_up
from ailis_opt.explain.repairs import MOST
from ailis_opt.output.document import as_json
from ailis_opt.output.text import render
from tests.support import plant
from tests.support.cases import case, offer
from tests.support.files import as_instance, write_folder
from tests.support.generate import random_instance

SECONDS = 120.0


def repaired(data: dict[str, Any]) -> dict[str, list[str]]:
    """Text -> changes of every repair."""
    found = explain_infeasible(as_instance(data), SECONDS)
    assert found.conflict.status == "conflict"
    return {repair.text: [str(change) for change in repair.changes] for repair in found.repairs}


def explained(data: dict[str, Any]) -> Infeasible:
    """The explanation, of which each repair is applied and solved again here."""
    instance = as_instance(data)
    found = explain_infeasible(instance, SECONDS)
    assert found.conflict.status == "conflict"
    costs = []
    for repair in found.repairs:
        result = solve(apply(instance, repair.changes), gap=1e-3, in_process=True)
        assert result.audit.ok
        assert result.cost == pytest.approx(repair.cost, rel=5e-3)
        costs.append(repair.cost)
    assert costs == sorted(costs)
    return found


def demand(amounts: list[float], period: str = "hour") -> dict[str, Any]:
    return case(amounts, periods=len(amounts), period=period)


def test_four_tenths_of_a_megawatt_from_period_3() -> None:
    """1,000 GPUs of 1 kW may run; 1,000 are needed up to period 2, then 1,200 and 1,400."""
    data = demand([900, 1000, 1000, 1200, 1400])
    data["tables"]["offers"] = [offer("hire", 3)]
    data["tables"]["power"] = [{"region": "here", "period": t, "cap_mw": 1} for t in range(5)]
    found = repaired(data)
    assert found["0.4 MW more in here from period 3"] == ["power[region=here].cap_mw += 0.4 @ 3..4"]
    assert found["demand of work lower by 28.6%"] == ["demand[workload=work].outcomes *= 0.714"]
    assert len(found) == 2


def test_power_only_where_it_lacks() -> None:
    """A curtailed half gives half of what is added; period 1 has no cap at all."""
    data = demand([1500, 5000, 1000, 900])
    data["tables"]["offers"] = [offer("hire", 3)]
    data["tables"]["power"] = [{"region": "here", "period": t, "cap_mw": 1} for t in (0, 2, 3)]
    data["tables"]["power"][1]["curtailed_share"] = 0.5
    found = repaired(data)
    assert found["1 MW more in here in periods 0 to 2"] == [
        "power[region=here].cap_mw += 1 @ 0",
        "power[region=here].cap_mw += 1 @ 2",
    ]


def test_more_lots_and_earlier() -> None:
    """Two lots of 4 GPUs from period 1 on; 10 outcomes an hour need three, from the start."""
    data = demand([0, 10, 10])
    data["tables"]["demand"] = data["tables"]["demand"][1:]
    data["tables"]["offers"] = [offer("lots", 1, "reserved", lot_gpus=4, max_lots=2)]
    assert repaired(data)["1 more lot of lots"] == ["offers[offer=lots].max_lots += 1"]
    data = demand([10, 10, 10])
    data["tables"]["offers"] = [offer("lots", 1, "reserved", lot_gpus=4, max_lots=3, lead_periods=2, first_start=1)]
    found = repaired(data)
    assert found["lots from period 0 on"] == ["offers[offer=lots].lead_periods = 0", "offers[offer=lots].first_start = 0"]


def test_more_lots_in_a_period() -> None:
    """Two lots may start in a period, and all of four are needed at once."""
    data = demand([4, 4])
    data["tables"]["offers"] = [offer("lots", 1, "reserved", max_lots_per_period=2)]
    found = explained(data)
    assert [limit.kind for limit in found.conflict.rows] == ["ramp"]
    assert repaired(data)["2 more lots of lots in a period"] == ["offers[offer=lots].max_lots_per_period += 2"]


def test_more_lots_of_a_group() -> None:
    """Two ways to buy the same four lots, two of which may start in a period; five are needed from period 1 on."""
    data = demand([0, 5, 5])
    data["tables"]["demand"] = data["tables"]["demand"][1:]
    terms = {"max_lots": 4, "max_lots_per_period": 2, "shares_lots_with": "both"}
    data["tables"]["offers"] = [offer("one", 1, "reserved", **terms), offer("two", 2, "reserved", term_periods=2, **terms)]
    found = explained(data)
    assert {limit.kind for limit in found.conflict.rows} <= {"shared lots", "shared ramp"}
    changes = [change for of_repair in repaired(data).values() for change in of_repair]
    assert "offers[shares_lots_with=both].max_lots += 1" in changes
    assert "offers[shares_lots_with=both].max_lots_per_period += 1" in changes


def test_more_of_a_hired_offer() -> None:
    data = demand([10, 16])
    data["tables"]["offers"] = [offer("hire", 1, lot_gpus=4, max_lots=2), offer("late", 1, last_start=0)]
    found = repaired(data)
    assert found["2 more lots of hire"] == ["offers[offer=hire].max_lots += 2"]
    assert found["late on offer until period 1"] == ["offers[offer=late].last_start = 1"]


def test_budget_and_whole_lots() -> None:
    """5 GPUs for two hours; a lot of 8 at 1 EUR is 16 EUR, the part that is needed 10."""
    data = demand([5, 5])
    data["header"]["budget"] = 12
    data["tables"]["offers"] = [offer("lots", 1, "reserved", lot_gpus=8)]
    found = repaired(data)
    assert found["a budget of 16.01 EUR, now 12"] == ["instance.budget = 16.01"]
    assert found["lots of lots that may be divided"] == ["offers[offer=lots].whole_lots = false"]


def test_least_lots() -> None:
    """At 1 EUR a GPU and hour 12 EUR buy six lots for two hours."""
    data = demand([5, 5])
    data["header"]["budget"] = 12
    data["tables"]["offers"] = [offer("lots", 1, "reserved", min_lots=20)]
    found = repaired(data)
    assert found["at least 6 lots of lots where it is 20"] == ["offers[offer=lots].min_lots = 6"]


def test_accept_a_tier() -> None:
    data = case(10)
    data["tables"]["workloads"][0] |= {"tiers": ["public"], "workload": "work"}
    data["tables"]["offers"] = [offer("fort", 4, tier="sovereign"), offer("vault", 9, tier="secret"), offer("small", 1, max_lots=1)]
    found = repaired(data)
    assert found["accept tier `sovereign` for work"] == ['workloads[workload=work].tiers = "public;sovereign"']
    assert found["accept tier `secret` for work"] == ['workloads[workload=work].tiers = "public;secret"']
    assert found["9 more lots of small"] == ["offers[offer=small].max_lots += 9"]
    assert next(iter(found)) == "demand of work lower by 90.0%"  # it costs least, and serves least


def test_tiers_that_only_do_together() -> None:
    data = case(10)
    data["tables"]["workloads"][0]["tiers"] = ["public"]
    data["tables"]["offers"] = [offer("fort", 4, tier="sovereign", max_lots=5), offer("vault", 9, tier="secret", max_lots=5)]
    data["tables"]["offers"].append(offer("small", 1, max_lots=2))
    assert "accept tier `secret`, `sovereign` for work" in repaired(data)


WORDS = {
    "power": "0.019 MW more in p0",
    "quota": "19 more lots of p0",
    "memory": "50 GB of memory on a GPU of p0, now 40",
    "topology": "scale-up domains of 2 GPUs on p0, now 1",
    "runtime": "runtime cuda/vllm on p0",
    "engine": "runtime cuda/vllm on p0",
    "precision": "precision bf16 on p0",
    "data rights": "files may also be held in DE",
    "latency": "latency of 110 ms for work, now 50",
    "interruption": "interruptible share of 100% for work, now 0%",
    "tier": "accept tier `shared` for work",
    "jurisdiction": "accept jurisdiction DE for work",
    "operator": "accept operators from CN for work",
    "budget": "a budget of 20,010 EUR, now 100",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WORDS)
def test_every_closing_has_its_mend(name: str) -> None:
    other = "tier" if name != "tier" else "memory"
    found = repaired(plant.closed(name, other))
    assert WORDS[name] in found
    assert any("p1" in text or "`shared`" in text for text in found)


def test_the_workload_may_be_what_refuses() -> None:
    data = plant.closed("quota", "quota")
    tables = data["tables"]
    tables["workloads"][0]["precisions"] = ["fp8"]
    assert "accept precision bf16 for work" in "\n".join(repaired(data))


def test_shares_in_whole_percent() -> None:
    """Two places of which the second has 4 of the 20 GPUs: 80 % must be in the first, whose country may have half."""
    data = plant.needs_both("country", "quota")
    data["tables"]["offers"][1]["max_lots"] = 4
    found = repaired(data)
    assert found["share of one country of 80% for work, now 50%"] == ["workloads[workload=work].max_country_share = 0.8"]
    data = plant.needs_both("failover", "quota")
    data["tables"]["offers"][1]["max_lots"] = 5
    assert repaired(data)["failover share of 25% for work, now 100%"] == ["workloads[workload=work].failover_share = 0.25"]


def test_service_where_it_may_be_less() -> None:
    """8 of 10 can be served. For a ratio less service is a repair; so it is where an unserved outcome has a price."""
    data = case(10, objective="cost_per_outcome")
    data["tables"]["offers"] = [offer("hire", 1, max_lots=8)]
    assert repaired(data)["service of 80.0% for work"] == ["workloads[workload=work].min_service = 0.8"]
    data = case(10)
    data["tables"]["offers"] = [offer("hire", 1, max_lots=8)]
    data["tables"]["workloads"][0] |= {"min_service": 0.9, "unserved_cost_per_outcome": 5}
    assert "service of 80.0% for work" in repaired(data)


def test_deadline_and_one_pool() -> None:
    data = plant.deadlines()["delivery"][1]
    found = repaired(data)
    assert found["deadline of work in period 1"] == ["workloads[workload=work].deadline_period = 1"]
    assert "p0 from period 0 on" in found
    data = plant.whole_gangs()["one pool and quota"][1]
    assert repaired(data)["gangs of work in more than one pool"] == ["workloads[workload=work].max_move_share = 1"]


def test_two_conflicts_need_two_mends() -> None:
    """Each of two workloads has a law of its own in the way."""
    data = plant.world(1)
    tables = data["tables"]
    tables["offers"][0]["tier"] = "shared"
    tables["workloads"].append({"workload": "more", "jurisdictions": ["US"]})
    tables["profiles"].append({"profile": "more", "workload": "more", "sku": "p0", "gpus": 2, "units_per_hour": 1})
    tables["demand"].append({"workload": "more", "outcomes": 1})
    found = repaired(data)
    both = {"accept tier `shared` for work", "accept jurisdiction DE for more"}
    assert both in [set(text.split(" and ")) for text in found]


def test_what_is_in_the_way_of_two_is_changed_once() -> None:
    data = plant.world(1)
    tables = data["tables"]
    tables["skus"][0]["memory_gb"] = 40
    tables["workloads"].append({"workload": "more", "weights_gb": 90})
    tables["profiles"].append({"profile": "more", "workload": "more", "sku": "p0", "gpus": 2, "units_per_hour": 1})
    tables["demand"].append({"workload": "more", "outcomes": 1})
    assert repaired(data)["50 GB of memory on a GPU of p0, now 40"] == ["skus[sku=p0].memory_gb = 50"]


def test_the_document() -> None:
    found = explained(plant.closed("power", "tier"))
    document = json.loads(as_json(found.to_dict()))
    assert document["schema"] == "ailis-opt-explain/1"
    inside = document["infeasible"]
    assert inside["layers"] == ["L0", "L15"]
    assert inside["pairs"] == [{"layer": "L0", "workload": None}, {"layer": "L15", "workload": "work"}]
    assert inside["rows"][0] == {"layer": "L0", "row": "power cap of p0", "unit": "MW", "amount": 0.001}
    assert inside["message"] == "L0 (facilities and power) and L15 (governance) together cannot be met"
    assert {"text", "changes", "objective", "cost", "gap"} == set(inside["repairs"][0])
    assert inside["repairs_complete"]


@pytest.mark.parametrize("columns", [80, 120])
def test_the_text(columns: int) -> None:
    found = explained(plant.closed("power", "tier"))
    lines = render(found.text(), columns).splitlines()
    assert max(map(len, lines)) <= columns
    text = "\n".join(lines)
    for part in ("planted: infeasible", "together cannot be met", "power cap of p0", "0.019 MW more in p0", "cap_mw += 0.019"):
        assert part in text


def test_nothing_to_mend_where_no_sku_fits() -> None:
    data = plant.world(2)
    for row in data["tables"]["profiles"]:
        row["sku"] = "p1"
    del data["tables"]["offers"][1]
    found = explained(data)
    assert (found.repairs, found.headline) == (
        (),
        "with no layer enforced work cannot be served: no offer has a SKU that it has a profile for",
    )


def test_out_of_time_is_said() -> None:
    found = explain_infeasible(as_instance(plant.closed("power", "tier")), 1e-9)
    assert found.conflict.status == "unknown"
    assert "could not be found in the time" in render(found.text(), 100)


def test_a_feasible_instance_is_said_to_be() -> None:
    found = explain_infeasible(as_instance(plant.world(2)), SECONDS)
    assert found.to_dict()["status"] == "feasible"
    assert "there is a plan" in render(found.text(), 100)


def mended(seeds: range, size: str = "tiny") -> None:
    """Of random infeasible instances nearly all have a repair, and all that are told do."""
    infeasible = without = 0
    for seed in seeds:
        instance = as_instance(random_instance(seed, size, planted=False))
        found = explain_infeasible(instance, SECONDS)
        if found.conflict.status != "conflict":
            continue
        infeasible += 1
        without += not found.repairs
        assert len(found.repairs) <= MOST
        for repair in found.repairs:
            assert solve(apply(instance, repair.changes), gap=1e-3, in_process=True).audit.ok
    assert without <= 0.1 * infeasible


def test_repairs_repair_quick() -> None:
    mended(range(2))


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(first, first + 5) for first in range(700, 710, 5)], ids=str)
def test_repairs_repair(seeds: range) -> None:
    mended(seeds)


def test_sayable_amounts() -> None:
    assert [ceiling(v) for v in (0.3712, 0.4, 0.4000001, 123, 0.0401, 0)] == [0.38, 0.4, 0.4, 130, 0.041, 0]
    assert ceiling(16.0002, 4) == 16.01
    assert [hundredths_up(v) for v in (0.501, 0.5, 0.50000001, 1)] == [0.51, 0.5, 0.5, 1]
    assert [hundredths_down(v) for v in (0.259, 0.25, 0.24999999)] == [0.25, 0.25, 0.25]


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_folder(plant.closed("power", "tier"), tmp_path / "planted")
    out = tmp_path / "why"
    assert run_explain(Request(folder, out, json=True, quiet=True)) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["infeasible"]["layers"] == ["L0", "L15"]
    assert json.loads((out / "explain.json").read_text()) | {"timings": {}} == document | {"timings": {}}
    assert "0.019 MW more in p0" in (out / "explain.txt").read_text()
