"""What scenarios share is worked out once, and comes out as if each scenario had tables of its own."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ailis_opt.changes.scenarios import Variant, variants
from ailis_opt.evaluate import Signed, evaluate
from ailis_opt.optimize import solve
from ailis_opt.prepare import prepare
from ailis_opt.schema import Instance
from tests.support.files import as_instance
from tests.support.scenarios import random_stochastic


def apart(variant: Variant) -> Variant:
    """The same scenario with tables of its own, all of them copies."""
    copies = {name: frame.copy() for name, frame in variant.instance.tables.items()}
    return replace(variant, instance=replace(variant.instance, tables=copies))


def alike(one: Any, other: Any, where: str = "") -> None:
    assert type(one) is type(other), where
    if isinstance(one, Instance):
        return
    if is_dataclass(one):
        for field in fields(one):
            alike(getattr(one, field.name), getattr(other, field.name), f"{where}.{field.name}")
    elif isinstance(one, tuple | list):
        assert len(one) == len(other), where
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            alike(a, b, f"{where}[{i}]")
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other, err_msg=where)
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    elif isinstance(one, pd.Index):
        assert one.equals(other), where
    else:
        assert one == other, where


@pytest.mark.parametrize("relaxable", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_scenarios_are_prepared_as_if_they_shared_nothing(seed: int, relaxable: bool) -> None:
    instance = as_instance(random_stochastic(seed))
    together = variants(instance)
    assert any(a.instance.tables[n] is instance.tables[n] for a in together for n in ("workloads", "profiles", "egress"))
    alike(prepare(instance, relaxable, together), prepare(instance, relaxable, [apart(one) for one in together]))


@pytest.mark.parametrize("seed", range(3))
def test_a_plan_costs_the_same_alone_as_among_others(seed: int) -> None:
    instance = as_instance(random_stochastic(seed))
    signed = Signed.of(solve(instance, gap=1e-2, in_process=True))
    together = variants(instance)
    found = evaluate(instance, signed, together, price=1.0)
    each = [evaluate(instance, signed, [one], price=1.0) for one in together]
    one_by_one = [(of.cost - of.outcomes)[0] for of in each]
    assert np.isfinite(found.cost).all()
    assert (found.cost - found.outcomes).tolist() == pytest.approx(one_by_one, rel=1e-5)
