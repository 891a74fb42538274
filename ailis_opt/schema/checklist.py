"""The checklist of a contract: for every attribute of every layer, whether the contract includes it, excludes it, or does not say.

After the layer map of "Compute as a Layered Market"; market terms are those of term sheets. What the fields of the contract say is worked
out here; its lists `included` and `excluded` say the rest, and have the last word.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

INCLUDED, EXCLUDED, OPEN = "included", "excluded", "not stated"

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "L0": ("power", "land", "cooling", "interconnection", "substations", "water", "carbon", "bridge power"),
    "L1.supply": ("GPU SKU", "spare parts", "fleet age"),
    "L1.memory": ("HBM", "VRAM"),
    "L1.topology": ("interconnect", "rack topology"),
    "L2": ("CUDA", "ROCm", "drivers", "firmware", "orchestration", "virtualization"),
    "L3": ("kernel quality", "compiler support", "serving engine", "graph optimization"),
    "L4": ("FP8", "FP4", "AWQ", "sparsity", "distillation", "precision/accuracy tradeoffs"),
    "L5-L9": ("data location", "tokenization", "context windows", "retrieval", "cacheability", "data rights"),
    "L10-L14": ("firm capacity", "routing", "scheduling", "transport semantics", "identity", "session state", "memory"),
    "L15": ("benchmark definitions", "auditability", "safety", "compliance", "sovereignty", "operator control", "contract schema"),
    "L16": ("revenue per token", "training objective", "inference SLA", "business workflow"),
    "contract": ("price", "upfront", "term", "delivery date", "lots on offer", "ramp", "take-or-pay", "early exit"),
}
NAMES: tuple[str, ...] = tuple(name for names in ATTRIBUTES.values() for name in names)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One line of the checklist. `because`: what says so; empty where nothing does."""

    name: str
    state: str
    because: str = ""


def checklist(contract: Mapping[str, Any], sku: Mapping[str, Any], region: Mapping[str, Any]) -> dict[str, tuple[Attribute, ...]]:
    """Layer -> its attributes. `contract`: a row of a term sheet, or of `offers` with the columns that only a sheet has; `sku`, `region`:
    rows of the instance, defaults filled in."""
    worked_out = (*_facilities(contract, sku), *_software(sku), *_rights(contract, region), *_terms(contract))
    return completed(worked_out, contract["included"], contract["excluded"], "the sheet says so")


def completed(
    worked_out: Iterable[Attribute], included: Iterable[str], excluded: Iterable[str], because: str
) -> dict[str, tuple[Attribute, ...]]:
    """Layer -> every attribute: what was worked out, unless the lists say otherwise (`because`); the others are not stated."""
    known = {a.name: a for a in worked_out}
    known |= {name: Attribute(name, INCLUDED, because) for name in included}
    known |= {name: Attribute(name, EXCLUDED, because) for name in excluded}
    return {layer: tuple(known.get(name, Attribute(name, OPEN)) for name in names) for layer, names in ATTRIBUTES.items()}


def summed(attributes: tuple[Attribute, ...]) -> str:
    """What a layer's attributes say together: "included" or "excluded" if all that is stated is, "partly" if some, else "not stated"."""
    states = {a.state for a in attributes} - {OPEN}
    return OPEN if not states else states.pop() if len(states) == 1 else "partly"


def _facilities(contract: Mapping[str, Any], sku: Mapping[str, Any]) -> Iterator[Attribute]:
    metered = contract["power"] == "metered"
    yield Attribute("power", EXCLUDED if metered else INCLUDED, "metered" if metered else "in the price")
    yield Attribute("GPU SKU", INCLUDED, f"{contract['sku']}")
    if contract["availability"] < 1:
        yield Attribute("spare parts", INCLUDED, f"{contract['availability']:.2%} usable")
    if not math.isnan(sku["memory_gb"]):
        yield Attribute("HBM", INCLUDED, f"{sku['memory_gb']:g} GB a GPU")
        yield Attribute("VRAM", INCLUDED, f"{sku['memory_gb']:g} GB a GPU")
    yield Attribute("interconnect", INCLUDED, f"{sku['scaleup_gpus']:g} GPUs in a domain")
    if not math.isnan(contract["cluster_gpus"]):
        yield Attribute("rack topology", INCLUDED, f"{contract['cluster_gpus']:g} GPUs in a cluster")


def _software(sku: Mapping[str, Any]) -> Iterator[Attribute]:
    """A list that is blank says nothing."""
    systems = {runtime.partition("/")[0].lower() for runtime in sku["runtimes"]}
    engines = sorted({engine for _, _, engine in (runtime.partition("/") for runtime in sku["runtimes"]) if engine})
    for name in ("CUDA", "ROCm") if systems else ():
        yield Attribute(name, INCLUDED if name.lower() in systems else EXCLUDED, f"runtimes of {sku['sku']}")
    if engines:
        yield Attribute("serving engine", INCLUDED, ", ".join(engines))
    precisions = {precision.lower() for precision in sku["precisions"]}
    for name in ("FP8", "FP4", "AWQ") if precisions else ():
        yield Attribute(name, INCLUDED if name.lower() in precisions else EXCLUDED, f"precisions of {sku['sku']}")


def _rights(contract: Mapping[str, Any], region: Mapping[str, Any]) -> Iterator[Attribute]:
    yield Attribute("data location", INCLUDED, f"{contract['region']}")
    if region["jurisdictions"]:
        yield Attribute("data rights", INCLUDED, f"under the law of {', '.join(region['jurisdictions'])}")
    interruptible = contract["contract"] == "interruptible"
    yield Attribute("firm capacity", *((EXCLUDED, "interruptible") if interruptible else (INCLUDED, "not interruptible")))
    yield Attribute("sovereignty", INCLUDED, f"tier {contract['tier']}")
    if contract["operator_country"]:
        yield Attribute("operator control", INCLUDED, f"operator from {contract['operator_country']}")
    if contract["availability"] < 1:
        yield Attribute("inference SLA", INCLUDED, f"{contract['availability']:.2%} available")


def _terms(contract: Mapping[str, Any]) -> Iterator[Attribute]:
    def given(column: str) -> bool:
        return not math.isnan(contract[column])

    yield Attribute("price", INCLUDED, f"{contract['price_per_gpu_hour']:g} a GPU-hour")
    if contract["upfront_per_gpu"] > 0:
        yield Attribute("upfront", INCLUDED, f"{contract['upfront_per_gpu']:g} a GPU")
    if given("term_periods"):
        yield Attribute("term", INCLUDED, f"{contract['term_periods']:g} periods")
    start = max(contract["first_start"], contract["lead_periods"])
    yield Attribute("delivery date", INCLUDED, f"from period {start:g}")
    if given("max_lots"):
        yield Attribute("lots on offer", INCLUDED, f"{contract['min_lots']:g} to {contract['max_lots']:g}")
    if given("max_lots_per_period"):
        yield Attribute("ramp", INCLUDED, f"{contract['max_lots_per_period']:g} lots a period")
    if contract["contract"] in ("owned", "reserved") and contract["take_or_pay_share"] > 0:
        yield Attribute("take-or-pay", INCLUDED, f"{contract['take_or_pay_share']:.0%} paid whether used or not")
    else:
        yield Attribute("take-or-pay", EXCLUDED, "only what is used is paid")
    if given("exit_after_periods"):
        yield Attribute(
            "early exit", INCLUDED, f"after {contract['exit_after_periods']:g} periods for {contract['exit_fee_per_gpu']:g} a GPU"
        )
