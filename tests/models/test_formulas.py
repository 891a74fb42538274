"""Formulas for instance authors, against known answers."""

from __future__ import annotations

import pytest

from ailis_models.l01_fabric import kv_bytes_per_token
from ailis_models.l10_l14_flow import erlang_c


@pytest.mark.parametrize(("servers", "load", "waits"), [(10, 8, 0.409180151), (110, 100, 0.237007500)])
def test_erlang_c(servers: int, load: float, waits: float) -> None:
    assert erlang_c(servers, load) == pytest.approx(waits, abs=5e-10)


@pytest.mark.parametrize("load", [10, 12.5, -1])
def test_erlang_c_refuses_a_queue_without_end(load: float) -> None:
    with pytest.raises(ValueError, match="offered load"):
        erlang_c(10, load)


def test_kv_cache_of_llama_70b() -> None:
    """80 layers, 8 KV heads of 128, bf16: 327,680 bytes a token and 2.5 GiB at 8,192 tokens."""
    per_token = kv_bytes_per_token(80, 8, 128, 2)
    assert per_token == 327_680
    assert per_token * 8192 == 2.5 * 2**30
