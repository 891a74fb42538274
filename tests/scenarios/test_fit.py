"""A history is read whole or refused whole, and what it was drawn from is found again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ailis_opt.errors import InputError
from ailis_opt.scenarios import Factor, Fit, fit_history, fit_text, read_fit
from ailis_opt.scenarios.fit import LEAST_EIGENVALUE, correlate
from ailis_opt.scenarios.history import read_history
from tests.support.histories import price, series, small_history, walk, write_history


def by_name(fit: Fit) -> dict[str, Factor]:
    return {factor.name: factor for factor in fit.factors}


def test_drift_volatility_and_correlation_are_found_again(tmp_path: Path) -> None:
    """2,400 months of a price and of demand, correlated by 0.6: a standard error of the volatility is 1.4 %."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=(2400, 2)) @ np.linalg.cholesky(np.array([[1, 0.6], [0.6, 1]])).T
    rows = price("gpu", "here", walk(0.10 / 12 + 0.30 / np.sqrt(12) * z[:, 0]), freq="D")
    rows += series("asked", walk(0.02 / 12 + 0.12 / np.sqrt(12) * z[:, 1]), "D", kind="demand", workload="work")
    fit = fit_history(write_history(rows, tmp_path / "h.csv"))
    scale = 365.25 / 12  # what was drawn by the month is dated by the day
    found = by_name(fit)
    assert fit.spacing == "day"
    assert found["market"].volatility_per_year == pytest.approx(0.30 * np.sqrt(scale), rel=0.05)
    assert found["demand work"].volatility_per_year == pytest.approx(0.12 * np.sqrt(scale), rel=0.05)
    assert found["market"].drift_per_year == pytest.approx(0.10 * scale, abs=3 * found["market"].drift_error)
    assert found["market"].drift_error == pytest.approx(0.30 * np.sqrt(scale) / np.sqrt(2400 / 365.25), rel=0.05)
    assert fit.correlation[0][1] == pytest.approx(0.6, abs=0.04)
    assert fit.shrinkage < 0.01
    assert abs(found["market"].excess_kurtosis or 9) < 0.5


def test_prices_are_split_into_market_sku_and_region(tmp_path: Path) -> None:
    """Two SKUs in two regions: x = market ± sku ± region, without a rest, by hand."""
    market, sku, region = np.array([0.1, -0.2, 0.3]), np.array([0.05, 0.02, -0.01]), np.array([0.0, 0.04, 0.01])
    rows = []
    for name, sign in (("a", 1), ("b", -1)):
        for place, side in (("here", 1), ("there", -1)):
            rows += price(name, place, walk(market + sign * sku + side * region))
    found = by_name(fit_history(write_history(rows, tmp_path / "h.csv")))
    paths = {name: np.diff(np.array(factor.path, dtype=float)) for name, factor in found.items()}
    np.testing.assert_allclose(paths["market"], market, atol=1e-12)
    np.testing.assert_allclose(paths["sku a"], sku, atol=1e-12)
    np.testing.assert_allclose(paths["region there"], -region, atol=1e-12)
    assert {f.name: f.basis for f in found.values()} == {
        "market": "",
        "sku a": "SKU",
        "sku b": "SKU",
        "region here": "region",
        "region there": "region",
    }
    assert fit_history(tmp_path / "h.csv").explained_share == pytest.approx(1)


def test_what_one_sku_does_in_one_region_is_told_and_not_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    rows = [row for s in "ab" for r in ("here", "there") for row in price(s, r, walk(rng.normal(0, 0.1, 400)))]
    fit = fit_history(write_history(rows, tmp_path / "h.csv"))
    assert fit.explained_share == pytest.approx(0.75, abs=0.05)  # three of the four degrees of freedom


def test_interruptible_prices_are_shares_of_those_on_demand(tmp_path: Path) -> None:
    share = np.array([0.5, 0.6, 0.4, 0.3])
    rows = price("gpu", "here", [4, 5, 6, 7]) + price("gpu", "here", share * [4, 5, 6, 7], "interruptible")
    fit = fit_history(write_history(rows, tmp_path / "h.csv"))
    spot = by_name(fit)["spot gpu"]
    np.testing.assert_allclose(np.diff(np.array(spot.path, dtype=float)), np.diff(np.log(share / (1 - share))))
    assert spot.share_today == pytest.approx(0.3)
    assert spot.basis == "reliability"


def test_a_share_that_comes_back_is_found_to_and_a_walk_is_not(tmp_path: Path) -> None:
    """A pull of 3 a year towards 0.5, by the month: φ = e^(−1/4)."""
    rng = np.random.default_rng(3)
    x, phi = [1.5], np.exp(-0.25)
    for z in rng.normal(size=600):
        x.append(phi * x[-1] + 0.8 * np.sqrt((1 - phi**2) / 6) * z)
    shares = 1 / (1 + np.exp(-np.array(x)))
    rows = series("back", shares, kind="spot_share", sku="gpu")
    rows += series("walk", 1 / (1 + np.exp(-np.cumsum(rng.normal(0, 0.1, 601)))), kind="spot_share", sku="old")
    found = by_name(fit_history(write_history(rows, tmp_path / "h.csv")))
    assert found["spot gpu"].pull_per_year == pytest.approx(3, rel=0.35)
    assert found["spot gpu"].volatility_per_year == pytest.approx(0.8, rel=0.1)
    assert found["spot gpu"].level + x[-1] == pytest.approx(0, abs=0.15)
    assert found["spot old"].pull_per_year == 0


def test_a_drift_that_is_not_proven_is_not_drawn_and_that_of_demand_never_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 0.01, 120)
    noise -= noise.mean()
    rows = price("gpu", "here", walk(noise - 0.02)) + series("asked", walk(noise + 0.02), kind="demand", workload="work")
    rows += series("flat", walk(noise + 0.0001), kind="index", index="flat")
    found = by_name(fit_history(write_history(rows, tmp_path / "h.csv")))
    assert found["market"].drift_drawn_per_year == found["market"].drift_per_year == pytest.approx(-0.24)
    assert found["demand work"].drift_per_year == pytest.approx(0.24)
    for name in ("demand work", "index flat"):
        assert found[name].drift_drawn_per_year == pytest.approx(-0.5 * found[name].volatility_per_year ** 2)


@pytest.mark.parametrize(
    ("freq", "spacing", "per_year"), [("h", "hour", 8766), ("W", "week", 365.25 / 7), ("QS", "quarter", 4), ("YS", "year", 1)]
)
def test_rates_are_per_year_whatever_the_spacing(freq: str, spacing: str, per_year: float, tmp_path: Path) -> None:
    steps = np.tile([0.03, -0.01], 6)
    rows = price("gpu", "here", walk(steps), freq=freq)
    if freq == "h":
        rows = [{**row, "date": f"1980-01-01T{i:02d}:00"} for i, row in enumerate(rows)]
    fit = fit_history(write_history(rows, tmp_path / "h.csv"))
    assert fit.spacing == spacing
    assert fit.factors[0].drift_per_year == pytest.approx(0.01 * per_year)
    assert fit.factors[0].volatility_per_year == pytest.approx(steps.std(ddof=1) * np.sqrt(per_year))


def test_the_coarsest_series_sets_the_spacing_and_the_last_of_a_month_counts(tmp_path: Path) -> None:
    rows = price("gpu", "here", [1, 2, 4, 8]) + series("asked", np.arange(1, 121), "D", kind="demand", workload="work")
    seen = read_history(write_history(rows, tmp_path / "h.csv"))
    assert seen.spacing == "month"
    assert seen.values["asked"].tolist() == [31, 60, 91, 120]
    assert seen.repeated == 116
    assert "observations followed by another in the same month, of which only the last counts: 116" in fit_history(seen).warnings


def test_across_a_gap_nothing_is_filled_in(tmp_path: Path) -> None:
    rows = price("gpu", "here", walk(np.array([0.1, 0.3, 0.5, 0.2, 0.2, 0.2])))
    del rows[2]
    fit = fit_history(write_history(rows, tmp_path / "h.csv"))
    assert fit.factors[0].changes == 4
    assert fit.factors[0].drift_per_year == pytest.approx(12 * np.mean([0.1, 0.2, 0.2, 0.2]))
    assert "changes left out, as nothing was observed in the month before: 1" in fit.warnings


def test_what_stands_still_is_told_and_not_drawn(tmp_path: Path) -> None:
    step = [2.0] * 20 + [3.0] * 20
    rows = price("gpu", "here", [5.0] * 40) + price("gpu", "here", [9.0] * 40, "reserved")
    rows += series("step", step, kind="index", index="step")
    fit = fit_history(write_history(rows, tmp_path / "h.csv"))
    assert by_name(fit)["market"].volatility_per_year == 0
    said = "\n".join(fit.warnings)
    assert "never moved, so not drawn; that is no proof that it will not: market" in said
    assert "stepped: drawn as small moves of the same variance: index step" in said
    assert "fat tails (excess kurtosis above 3): large moves are likelier than they are drawn: index step" in said
    assert "series of reserved prices left out, as a committed price is fixed once signed: 1" in said


@given(arrays(float, (12, 4), elements=st.floats(-1, 1) | st.just(np.nan)))
def test_any_correlation_can_be_drawn_from(surprises: np.ndarray) -> None:
    surprises[:2] = np.nan_to_num(surprises[:2])
    r, shrinkage = correlate(surprises)
    assert 0 <= shrinkage <= 1
    assert np.allclose(r, r.T)
    assert np.allclose(np.diag(r), 1)
    assert np.linalg.eigvalsh(r)[0] >= LEAST_EIGENVALUE - 1e-9


def test_shrinkage_by_hand() -> None:
    """Two factors, r = 0.8 over five intervals: λ = (1 − 0.64)²/4 / 0.64."""
    x = np.array([-2.0, -1, 0, 1, 2])
    y = np.array([-1.0, -2, 0, 2, 1])
    r, shrinkage = correlate(np.column_stack([x, y]))
    assert shrinkage == pytest.approx(0.36**2 / 4 / 0.64)
    assert r[0, 1] == pytest.approx(0.8 * (1 - shrinkage))


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text(
        "date,series,kind,value,sku,region,contract,workload,index\n"
        "2024-01-31,a,price,1,gpu,here,,,\n"
        "yesterday,a,price,1,gpu,here,,,\n"
        "2024-02-29,a,price,0,gpu,here,,,\n"
        "2024-03-31,a,price,1,gpu,there,,,\n"
        "2024-01-31,a,price,2,gpu,here,,,\n"
        "2024-01-31,b,price,2,,here,,,\n"
        "2024-01-31,c,demand,2,gpu,,,work,\n"
        "2024-01-31,d,spot_share,1.5,gpu,here,,,\n"
        "2024-01-31,e,index,2,,,,,\n"
        "2024-01-31,f,prise,2,gpu,,,,\n"
    )
    with pytest.raises(InputError) as caught:
        read_history(tmp_path / "h.csv")
    told = {(fault.row, fault.column) for fault in caught.value.faults}
    assert told == {
        *((3, "date"), (4, "value"), (5, "region"), (6, "date"), (7, "sku"), (8, "sku"), (9, "value"), (10, "index"), (11, "kind")),
    }
    assert all(fault.file == "h.csv" and fault.mend for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (price("gpu", "here", [1, 2]), "nothing can be fitted"),
        (price("gpu", "here", [1, 2, 3], "interruptible"), "without one on demand"),
    ],
)
def test_a_history_of_which_nothing_can_be_made_is_refused(rows: list[dict[str, str]], why: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=why):
        fit_history(write_history(rows, tmp_path / "h.csv"))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        fit_history(tmp_path / "none.csv")


def test_a_fit_is_read_as_it_was_written(tmp_path: Path) -> None:
    fit = fit_history(small_history(tmp_path / "h.csv"))
    (tmp_path / "fit.json").write_text(fit_text(fit))
    assert read_fit(tmp_path / "fit.json") == fit


@pytest.mark.parametrize(
    ("find", "put", "column"),
    [
        ('"volatility_per_year":', '"volatility":', "factors.0.volatility_per_year"),
        ('"shrinkage": 0', '"shrinkage": 7', "shrinkage"),
        ("1.0", "2.0", "correlation"),
        ("{", "", None),
    ],
)
def test_a_fit_that_was_spoilt_is_refused(find: str, put: str, column: str | None, tmp_path: Path) -> None:
    text = fit_text(fit_history(small_history(tmp_path / "h.csv")))
    at = text.index(find, text.index('"correlation"') if find == "1.0" else 0)
    (tmp_path / "fit.json").write_text(text[:at] + put + text[at + len(find) :])
    with pytest.raises(InputError) as caught:
        read_fit(tmp_path / "fit.json")
    assert column in {fault.column for fault in caught.value.faults}


def test_the_prices_of_google_cloud_to_2024(tmp_path: Path) -> None:
    """The real history, where it is at hand: list prices stand still, and the fit says so."""
    import pandas as pd

    file = Path(__file__).parents[3] / "shared" / "data" / "prices_gcp_cyclenerd" / "gcp_gpu_price_history_monthly_to_2024-12.csv"
    if not file.exists():
        pytest.skip("the history is not at hand")
    seen = pd.read_csv(file)
    rows = []
    for machine, sku, gpus in (("a3-highgpu-8g", "h100", 8), ("a2-highgpu-1g", "a100", 1), ("g2-standard-4", "l4", 1)):
        for region in ("us-central1", "europe-west4", "europe-west3"):
            for row in seen[(seen["machine"] == machine) & (seen["region"] == region)].to_dict("records"):
                place = {"kind": "price", "sku": sku, "region": region, "date": row["snapshot"]}
                rows.append({"series": f"{sku} {region}", **place, "contract": "on_demand", "value": row["hour"] / gpus})
                if row["hour_spot"] == row["hour_spot"]:
                    rows.append({"series": f"{sku} {region} spot", **place, "contract": "interruptible", "value": row["hour_spot"] / gpus})
    fit = fit_history(write_history(rows, tmp_path / "h.csv"))
    found = by_name(fit)
    assert (fit.spacing, fit.intervals[0], fit.intervals[-1]) == ("month", "2022-02", "2024-12")
    assert found["sku h100"].volatility_per_year == 0
    assert found["market"].unchanged_share > 0.8
    assert 0.3 < found["spot h100"].volatility_per_year < 1.2
    assert found["spot h100"].changes == 7
    assert len(fit.warnings) == 4
