"""A second model of `docs/format.md` for SCIP: naive, one loop per sentence, for small instances only.

It shares no code with the program and counts in outcomes, not in replicas. The ratio is solved by Dinkelbach's method with exact solves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyscipopt import Model, quicksum

from ailis_opt.schema.instance import Instance
from tests.support.reading import Pool, Reading, Route, Slice, blank, reading

Expr = Any
ROUNDS = 30
SECONDS = 60.0
TOLERANCES = (1e-9, 1e-8, 1e-6)


@dataclass(frozen=True)
class Reference:
    """The verdict of SCIP: "optimal" or "infeasible"; N, weighted D, and the objective (N, or N/D). NaN when infeasible."""

    status: str
    objective: float
    cost: float
    outcomes: float


def reference(instance: Instance) -> Reference:
    """Optimum of an instance without scenarios, to the tightest tolerance at which SCIP's linear programs can be solved."""
    for tolerance in TOLERANCES[:-1]:
        try:
            return Book(instance, tolerance).solve()
        except Exception as error:  # SCIP knows no finer class
            if "error in LP solver" not in str(error):
                raise
    return Book(instance, TOLERANCES[-1]).solve()


class Book:
    """The model in the making: variables by what they decide, and the components of the cost.

    `model`: one that holds other books, too; `more`: components of the cost that come from outside; `apart`: see `reading`.
    """

    def __init__(
        self,
        instance: Instance,
        tolerance: float,
        model: Model | None = None,
        more: Sequence[Expr] = (),
        apart: Mapping[str, int] | None = None,
    ) -> None:
        self.data: Reading = reading(instance, apart)
        self.header = instance.header
        stated = instance.tables["prices"]
        self.prices = dict(zip(zip(stated["offer"], stated["period"], strict=True), stated["price_per_gpu_hour"], strict=True))
        self.m = new_model(tolerance) if model is None else model
        self.cost: list[Expr] = list(more)
        self.started: dict[tuple[str, int], Expr] = {}  # (offer, period) -> lots
        self.signed: dict[tuple[str, int], tuple[Expr, Expr]] = {}  # (offer, period) -> lots started, lots in force
        self.supply: dict[tuple[Pool, int, str], list[Expr]] = {}
        self.served: dict[tuple[Route, int, str], Expr] = {}
        self.standby: dict[tuple[Route, int, str], Expr] = {}
        self.gangs: dict[tuple[Route, int], Expr] = {}
        self.made: dict[tuple[Route, int], Expr] = {}
        self.unserved: dict[tuple[str, str, int, str], Expr] = {}
        self.placed: dict[tuple[str, str], Expr] = {}
        self._write()

    def _write(self) -> None:
        for offer in self.data.tables["offers"]:
            (self._sign if offer["contract"] in ("owned", "reserved") else self._hire)(offer)
        self._share_lots()
        for work in self.data.tables["workloads"]:
            (self._train if work["kind"] == "training" else self._serve)(work)
        self._capacity_and_power()
        self._datasets()
        self.total = self.m.addVar(lb=None)
        self.m.addCons(self.total == quicksum(self.cost))
        if self.header.budget is not None:
            self.m.addCons(self.total <= self.header.budget)

    def number(self, whole: bool = False, most: float | None = None) -> Expr:
        """A new variable from 0 to `most`."""
        return self.m.addVar(vtype="I" if whole else "C", lb=0, ub=most)

    def if_any(self, amount: Expr, least: float) -> None:
        """`amount` is 0 or at least `least`."""
        some = self.m.addVar(vtype="B")
        self.m.addCons(amount >= least * some)
        self.only_if(some, amount)

    def only_if(self, switch: Expr, amount: Expr) -> None:
        """`amount` is 0 unless `switch` is 1."""
        most = amount.getUbOriginal()
        if most < self.m.infinity():
            self.m.addCons(amount <= most * switch)
        else:
            self.m.addConsIndicator(amount <= 0, binvar=switch, activeone=False)

    # supply

    def _sign(self, offer: dict[str, Any]) -> None:
        hours, periods = self.data.hours, len(self.data.hours)
        term = periods if blank(offer["term_periods"]) else int(offer["term_periods"])
        most = None if blank(offer["max_lots"]) else offer["max_lots"]
        lots: dict[int, Expr] = {}
        for t in range(max(int(offer["first_start"]), int(offer["lead_periods"])), min(int(offer["last_start"]), periods - 1) + 1):
            lots[t] = self.started[offer["offer"], t] = self.number(bool(offer["whole_lots"]), most)
            if offer["min_lots"] > 0:
                self.if_any(lots[t], offer["min_lots"])
            if not blank(offer["max_lots_per_period"]):
                self.m.addCons(lots[t] <= offer["max_lots_per_period"])
        share = offer["take_or_pay_share"]
        for t in range(periods):
            new = [lots[s] for s in lots if s <= t < s + term]
            if most is not None and new:
                self.m.addCons(quicksum(new) <= most)
            self.signed[offer["offer"], t] = (quicksum([lots[t]] if t in lots else []), quicksum(new))
            for b in self.data.shares:
                old = offer["committed_lots"] if t < term else 0
                gpus = offer["lot_gpus"] * (quicksum(new) + old)
                self._add_supply(offer, t, b, share * gpus)
                if share < 1:
                    called = self.number()
                    self.m.addCons(called <= (1 - share) * gpus)
                    self._add_supply(offer, t, b, called)
                    self.cost.append(called * self.data.width(t, b) * offer["price_per_gpu_hour"])
        for s, count in [*lots.items(), (0, offer["committed_lots"])]:
            inside = min(term, periods - s)
            upfront = offer["upfront_per_gpu"] * (1 if blank(offer["term_periods"]) else inside / term)
            price = share * offer["price_per_gpu_hour"] * sum(hours[s : s + inside]) + upfront
            self.cost.append(price * offer["lot_gpus"] * count)

    def _share_lots(self) -> None:
        """Offers of one group: their lots in force together, and what they start in a period together."""
        for group in {offer["shares_lots_with"] for offer in self.data.tables["offers"]} - {""}:
            offers = [offer for offer in self.data.tables["offers"] if offer["shares_lots_with"] == group]
            for t in range(len(self.data.hours)):
                started, in_force = zip(*(self.signed[offer["offer"], t] for offer in offers), strict=True)
                self.m.addCons(self.number(most=0) + quicksum(in_force) <= offers[0]["max_lots"])
                if not blank(offers[0]["max_lots_per_period"]):
                    self.m.addCons(self.number(most=0) + quicksum(started) <= offers[0]["max_lots_per_period"])

    def _hire(self, offer: dict[str, Any]) -> None:
        first, last = max(int(offer["first_start"]), int(offer["lead_periods"])), int(offer["last_start"])
        for t, b in self.data.slices():
            if not first <= t <= last:
                continue
            lots = self.number(bool(offer["whole_lots"]), None if blank(offer["max_lots"]) else offer["max_lots"])
            if offer["min_lots"] > 0:
                self.if_any(lots, offer["min_lots"])
            gpus = lots * offer["lot_gpus"]
            self._add_supply(offer, t, b, gpus)
            self.cost.append(gpus * self.data.width(t, b) * self.prices.get((offer["offer"], t), offer["price_per_gpu_hour"]))

    def _add_supply(self, offer: dict[str, Any], t: int, b: str, gpus: Expr) -> None:
        pool = self.data.pools[offer["offer"]]
        self.supply.setdefault((pool, t, b), []).append(offer["availability"] * gpus)

    # work

    def _may_drop(self, work: dict[str, Any]) -> bool:
        return self.header.objective == "cost_per_outcome" or work["unserved_cost_per_outcome"] > 0

    def _floor(self, work: dict[str, Any], unserved: list[Expr], demand: float) -> None:
        self.m.addCons(quicksum(unserved) <= (1 - work["min_service"]) * demand)
        self.cost += [work["unserved_cost_per_outcome"] * u for u in unserved]

    def _serve(self, work: dict[str, Any]) -> None:
        name = work["workload"]
        geos = [g for w, g in self.data.demand if w == name]
        routes = [r for r in self.data.routes if r.workload == name]
        prices = {(e["from_region"], e["to_region"]): e["price_per_gb"] for e in self.data.tables["egress"]}
        for t, b in self.data.slices():
            for geo in geos:
                demand = self.data.demand[name, geo][t, b]
                left = self.unserved[name, geo, t, b] = self.number(most=None if self._may_drop(work) else 0)
                for r in routes:
                    if r.geo == geo:
                        x = self.served[r, t, b] = self.number(most=demand)
                        need = work["failover_share"] * self.data.total(name, t, b)  # no route needs standby for more
                        self.standby[r, t, b] = self.number(most=need / (self.data.rate[r] * self.data.width(t, b)))
                        self.cost.append(x * work["gb_per_outcome"] * (0 if geo == "any" else prices.get((r.pool.region, geo), 0)))
                self.m.addCons(quicksum(self.served[r, t, b] for r in routes if r.geo == geo) + left == demand)
            self._shares(work, {r: self.served[r, t, b] for r in routes}, self.data.total(name, t, b))
            self._failover(work, routes, (t, b))
        self._movement(work, routes)
        spots = [(geo, t, b) for geo in geos for t, b in self.data.slices()]
        total = sum(self.data.demand[name, geo][t, b] for geo, t, b in spots)
        self._floor(work, [self.unserved[name, *spot] for spot in spots], total)

    def _shares(self, work: dict[str, Any], amounts: dict[Route, Expr], demand: float) -> None:
        """Limits on who serves, and where, of an amount of demand."""
        limits = [([r for r in amounts if r.pool.interruptible], work["max_interruptible_share"])]
        providers = {r.pool.provider for r in amounts}
        limits += [([r for r in amounts if r.pool.provider == p], work["max_operator_share"]) for p in providers]
        country = {row["region"]: row["country"] for row in self.data.tables["regions"]}
        limits += [([r for r in amounts if country[r.pool.region] == c], work["max_country_share"]) for c in set(country.values())]
        for routes, share in limits:
            if share < 1 and routes:
                self.m.addCons(quicksum(amounts[r] for r in routes) <= share * demand)

    def _failover(self, work: dict[str, Any], routes: list[Route], spot: Slice) -> None:
        if work["failover_share"] == 0:
            return
        need = work["failover_share"] * self.data.total(work["workload"], *spot)
        for region in {r.pool.region for r in routes}:
            others = [r for r in routes if r.pool.region != region]
            spare = [self.data.rate[r] * self.data.width(*spot) * self.standby[r, *spot] for r in others]
            self._at_least(quicksum(self.served[r, *spot] for r in others) + quicksum(spare), need)

    def _at_least(self, amount: Expr, need: float) -> None:
        self.m.addCons(self.number(most=0) + amount >= need)  # the variable: `amount` may be empty

    def _movement(self, work: dict[str, Any], routes: list[Route]) -> None:
        """Between neighbouring periods that both have demand."""
        if work["max_move_share"] == 1:
            return
        demand = [sum(self.data.total(work["workload"], t, b) for b in self.data.shares) for t in range(len(self.data.hours))]
        for t in range(1, len(demand)):
            if demand[t] == 0 or demand[t - 1] == 0:
                continue
            moved = []
            for region in {r.pool.region for r in routes}:
                now, before = (
                    quicksum(self.served[r, s, b] for r in routes if r.pool.region == region for b in self.data.shares) / demand[s]
                    for s in (t, t - 1)
                )
                moved.append(self.number())
                self.m.addCons(moved[-1] >= now - before)
                self.m.addCons(moved[-1] >= before - now)
            self.m.addCons(self.number(most=0) + quicksum(moved) / 2 <= work["max_move_share"])

    def _train(self, work: dict[str, Any]) -> None:
        name = work["workload"]
        routes = [r for r in self.data.routes if r.workload == name]
        demand = sum(self.data.total(name, t, b) for t, b in self.data.slices())
        for r in routes:
            for t in range(int(work["release_period"]), int(work["deadline_period"]) + 1):
                whole_job = math.ceil(demand / (self.data.rate[r] * self.data.hours[t]))
                gangs = self.gangs[r, t] = self.number(whole=True, most=whole_job)
                self.made[r, t] = self.number(most=demand)
                self.m.addCons(self.made[r, t] <= self.data.rate[r] * self.data.hours[t] * gangs)
        produced = {r: quicksum(x for (s, _), x in self.made.items() if s == r) for r in routes}
        left = self.unserved[name, "any", int(work["deadline_period"]), ""] = self.number(most=None if self._may_drop(work) else 0)
        self.m.addCons(quicksum(produced.values()) + left == demand)
        self._shares(work, produced, demand)
        self._floor(work, [left], demand)
        if work["max_move_share"] == 0:
            self._one_pool(routes)

    def _one_pool(self, routes: list[Route]) -> None:
        chosen = {pool: self.m.addVar(vtype="B") for pool in {r.pool for r in routes}}
        self.m.addCons(self.number(most=0) + quicksum(chosen.values()) <= 1)
        for (r, _), gangs in self.gangs.items():
            if r in routes:
                self.only_if(chosen[r.pool], gangs)

    # what binds the two together

    def _gpus(self, t: int, b: str) -> dict[Pool, list[Expr]]:
        """GPUs that run in a slice, by pool."""
        running: dict[Pool, list[Expr]] = {}
        for (r, *spot), x in self.served.items():
            if spot == [t, b]:
                replicas = x / (self.data.rate[r] * self.data.width(t, b)) + self.standby[r, t, b]
                running.setdefault(r.pool, []).append(self.data.taken[r] * replicas)
        for (r, s), gangs in self.gangs.items():
            if s == t:
                running.setdefault(r.pool, []).append(self.data.taken[r] * gangs)
        return running

    def _capacity_and_power(self) -> None:
        power = {(row["region"], int(row["period"])): row for row in self.data.tables["power"]}
        for t, b in self.data.slices():
            draw: dict[str, list[Expr]] = {}
            for pool, gpus in self._gpus(t, b).items():
                self.m.addCons(quicksum(gpus) <= self.number(most=0) + quicksum(self.supply.get((pool, t, b), [])))
                region, row = self.data.row("regions", "region", pool.region), power.get((pool.region, t))
                kw = self.data.row("skus", "sku", pool.sku)["power_kw_per_gpu"]
                drawn = (0.0 if blank(kw) else kw) * region["pue"] * quicksum(gpus)
                draw.setdefault(pool.region, []).append(drawn)
                price = region["power_price_per_kwh"] if row is None or blank(row["price_per_kwh"]) else row["price_per_kwh"]
                if pool.metered:
                    self.cost.append(drawn * self.data.width(t, b) * price)
            for name, drawn in draw.items():
                row = power.get((name, t))
                if row is not None and not blank(row["cap_mw"]):
                    self.m.addCons(quicksum(drawn) <= 1000 * row["cap_mw"] * (1 - row["curtailed_share"]))

    def _datasets(self) -> None:
        prices = {(e["from_region"], e["to_region"]): e["price_per_gb"] for e in self.data.tables["egress"]}
        for data in self.data.tables["datasets"]:
            for row in self.data.tables["regions"]:
                region, home = row["region"], row["region"] == data["region"]
                held = self.placed[data["dataset"], region] = self.m.addVar(vtype="B", lb=1 if home else 0)
                storage = data["size_gb"] * data["storage_price_per_gb_month"] * self.data.months
                copy = 0 if home else data["size_gb"] * prices.get((data["region"], region), 0)
                self.cost.append(held * (storage + copy * (1 + data["refresh_share_per_period"] * len(self.data.hours))))
                for work in self.data.tables["workloads"]:
                    if data["dataset"] in work["datasets"]:
                        self._only_where(held, work["workload"], region)

    def _only_where(self, held: Expr, workload: str, region: str) -> None:
        for r, x in [*self._produced(), *((key[0], x) for key, x in self.standby.items())]:
            if r.workload == workload and r.pool.region == region:
                self.only_if(held, x)

    def _produced(self) -> list[tuple[Route, Expr]]:
        """Outcomes of every route in every slice, and of every training route in every period."""
        return [(key[0], x) for key, x in self.served.items()] + [(key[0], x) for key, x in self.made.items()]

    # objective

    def outcomes(self) -> Expr:
        """Weighted outcomes."""
        weights = {w["workload"]: w["outcome_weight"] for w in self.data.tables["workloads"]}
        return quicksum([self.number(most=0), *(weights[r.workload] * x for r, x in self._produced())])

    def solve(self) -> Reference:
        outcomes = self.m.addVar("D", lb=None)
        self.m.addCons(outcomes == self.outcomes())
        return solved(self.m, self.total, outcomes, self.header.objective == "cost")


def new_model(tolerance: float) -> Model:
    """An empty model, to be solved to this tolerance."""
    model = Model()
    model.hideOutput()
    for name, value in {"numerics/feastol": tolerance, "limits/gap": 1e-9, "limits/time": SECONDS}.items():
        model.setParam(name, value)
    return model


def solved(model: Model, total: Expr, outcomes: Expr, cost_alone: bool) -> Reference:
    """The least of `total`, or of total ÷ outcomes by Dinkelbach's method."""
    if cost_alone:
        return _minimum(model, total, total, outcomes)
    point = _minimum(model, -outcomes, total, outcomes)  # a start with D > 0
    for _ in range(ROUNDS):
        if point.status != "optimal":
            return point
        ratio = point.cost / point.outcomes
        following = _minimum(model, total - ratio * outcomes, total, outcomes)
        if following.cost - ratio * following.outcomes >= -1e-9 * max(1.0, abs(point.cost)):
            return Reference("optimal", ratio, point.cost, point.outcomes)
        point = following
    raise AssertionError("Dinkelbach's method did not end")


def _minimum(model: Model, objective: Expr, total: Expr, outcomes: Expr) -> Reference:
    model.freeTransform()
    model.setObjective(objective, "minimize")
    model.optimize()
    if model.getStatus() == "infeasible":
        return Reference("infeasible", *[float("nan")] * 3)
    assert model.getStatus() == "optimal", model.getStatus()
    cost = model.getVal(total)
    return Reference("optimal", cost, cost, model.getVal(outcomes))
