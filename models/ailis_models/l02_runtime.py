"""L2, system runtime: CUDA, ROCm, Neuron, XLA."""

from __future__ import annotations

from collections.abc import Sequence


def system(runtime: str) -> str:
    """The system runtime of `cuda/vllm` is `cuda`."""
    return runtime.partition("/")[0]


def supports(runtime: str, accepted: Sequence[str]) -> bool:
    """True if the profile's system runtime is among those of `accepted` (a SKU's or a workload's list; empty accepts all)."""
    return not runtime or not accepted or system(runtime) in {system(item) for item in accepted}
