"""The AILIS layer map as data: layers, and the reasons for which a layer closes a route."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the map; `kind` is what it constrains."""

    id: str
    title: str
    kind: str

    @property
    def component(self) -> str:
        """Name of the layer's Pyomo block."""
        return self.id.replace(".", "_").replace("-", "_")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a layer closes a route. `mask` is the reason's bit in a route's blockers; a route with no bit set is open."""

    name: str
    layer: str
    mask: int


LAYERS: tuple[Layer, ...] = (
    Layer("L0", "facilities and power", "rows, cost"),
    Layer("L1.supply", "compute fabric: supply", "bounds, rows"),
    Layer("L1.memory", "compute fabric: memory", "routes"),
    Layer("L1.topology", "compute fabric: topology", "routes, rates, rows"),
    Layer("L2", "system runtime", "routes"),
    Layer("L3", "graph and compilation", "routes"),
    Layer("L4", "numeric", "routes"),
    Layer("L5-L9", "data and context", "routes, rows, cost"),
    Layer("L10-L14", "orchestration and flow", "routes, rates, rows"),
    Layer("L15", "governance", "routes, rows"),
    Layer("L16", "domain logic", "rows"),
    Layer("contract", "market terms", "integrality, rows"),
)

REASONS: tuple[Reason, ...] = tuple(
    Reason(name, layer, 1 << i)
    for i, (name, layer) in enumerate(
        (
            ("memory", "L1.memory"),
            ("topology", "L1.topology"),
            ("runtime", "L2"),
            ("engine", "L3"),
            ("precision", "L4"),
            ("data rights", "L5-L9"),
            ("latency", "L10-L14"),
            ("interruption", "L10-L14"),
            ("tier", "L15"),
            ("jurisdiction", "L15"),
            ("operator", "L15"),
        )
    )
)

MASK: dict[str, int] = {reason.name: reason.mask for reason in REASONS}


def layer_mask(layer: str) -> int:
    """All blocker bits of a layer."""
    return sum(reason.mask for reason in REASONS if reason.layer == layer)
