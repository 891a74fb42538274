"""The commitments that a plan proposes, under the column names of FOCUS.

FOCUS 1.4 (the FinOps Open Cost and Usage Specification), dataset Contract Commitment: a row per commitment. Its lifecycle status is
`Proposed`: negotiated or modelled, without effect on what is billed. Columns of FOCUS come first, by name; ours begin with `x_`, as
FOCUS asks of columns that it does not define.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from ailis_opt.output.figures import beginning
from ailis_opt.output.text import records
from ailis_opt.report.run import Run
from ailis_opt.schema.header import Horizon

VERSION, DATASET = "1.4", "ContractCommitment"
COLUMNS = (
    *("BillingCurrency", "ContractCommitmentApplicability", "ContractCommitmentBenefitCategory", "ContractCommitmentCategory"),
    *("ContractCommitmentCost", "ContractCommitmentCreated", "ContractCommitmentDescription", "ContractCommitmentDiscountPercentage"),
    *("ContractCommitmentDurationType", "ContractCommitmentFulfillmentInterval", "ContractCommitmentId", "ContractCommitmentLastUpdated"),
    *("ContractCommitmentLifecycleStatus", "ContractCommitmentModel", "ContractCommitmentOfferCategory"),
    *("ContractCommitmentPaymentInterval", "ContractCommitmentPaymentModel", "ContractCommitmentPaymentUpfrontPercentage"),
    *("ContractCommitmentPeriodEnd", "ContractCommitmentPeriodStart", "ContractCommitmentQuantity", "ContractCommitmentType"),
    *("ContractCommitmentUnit", "ContractId", "ContractPeriodEnd", "ContractPeriodStart", "InvoiceIssuerName", "ServiceProviderName"),
)
OWN = (
    *("x_Offer", "x_RegionId", "x_SkuId", "x_SovereigntyTier", "x_OperatorCountry", "x_Lots", "x_LotGpus", "x_Gpus"),
    *("x_PricePerGpuHour", "x_UpfrontPerGpu", "x_CostInsideHorizon", "x_CostAfterHorizon"),
    *("x_Instance", "x_InstanceSha256", "x_Source", "x_Note"),
)
NOT_STATED = "not stated"
UNITS = {"month": "Month", "week": "Week", "day": "Day", "hour": "Hour"}
TYPES = {"reserved": "Reserved GPU capacity", "owned": "Owned GPU capacity"}


def focus(run: Run) -> pd.DataFrame:
    """A row for each purchase of the plan: the columns `COLUMNS`, then `OWN`.

    Money is in the currency of the instance. ContractCommitmentCost and ContractCommitmentQuantity (GPU-hours) are those of the whole
    term; `x_CostInsideHorizon` is what the plan counts (its sum is the cost of the purchases), `x_CostAfterHorizon` the rest.
    """
    offers = run.instance.tables["offers"].set_index("offer", drop=False)
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = [_row(run, row, offers.loc[row["offer"]], moment) for row in records(run.tables["purchases"])]
    return pd.DataFrame(rows, columns=[*COLUMNS, *OWN])


def _row(run: Run, bought: Mapping[str, Any], offer: Any, moment: str) -> dict[str, Any]:
    horizon, start = run.instance.header.horizon, int(bought["start_period"])
    term = horizon.periods - start if pd.isna(offer["term_periods"]) else int(offer["term_periods"])
    begin, end = beginning(horizon, start), beginning(horizon, start + term)
    hours = float(bought["gpus"]) * ((end - begin) / pd.Timedelta(hours=1))
    upfront = float(bought["gpus"] * offer["upfront_per_gpu"])
    cost = hours * float(offer["price_per_gpu_hour"]) + upfront
    sha256, provider = run.instance.sha256, str(offer["provider"]) or NOT_STATED
    name = f"ailis-opt/{sha256[:12]}/{bought['offer']}/{begin:%Y-%m-%dT%H}"
    what = f"{bought['lots']:g} lots of {offer['lot_gpus']} GPUs {offer['sku']} in {offer['region']}, {_duration(horizon, term)}"
    period = {"PeriodStart": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "PeriodEnd": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    return {
        "BillingCurrency": run.instance.header.currency,
        "ContractCommitmentApplicability": _applicability(offer),
        "ContractCommitmentBenefitCategory": "Availability",
        "ContractCommitmentCategory": "Usage",
        "ContractCommitmentCost": cost,
        "ContractCommitmentCreated": moment,
        "ContractCommitmentDescription": what,
        "ContractCommitmentDiscountPercentage": None,  # FOCUS: null for Availability
        "ContractCommitmentDurationType": _duration(horizon, term),
        "ContractCommitmentFulfillmentInterval": "Hourly",
        "ContractCommitmentId": name,
        "ContractCommitmentLastUpdated": moment,
        "ContractCommitmentLifecycleStatus": "Proposed",
        "ContractCommitmentModel": "Continuous",
        "ContractCommitmentOfferCategory": "Public",
        **_payment(horizon, upfront / cost if cost > 0 else 0.0),
        **{f"ContractCommitment{key}": value for key, value in period.items()},
        "ContractCommitmentQuantity": hours,
        "ContractCommitmentType": TYPES[str(offer["contract"])],
        "ContractCommitmentUnit": "GPU-Hours",
        "ContractId": name,
        **{f"Contract{key}": value for key, value in period.items()},
        "InvoiceIssuerName": provider,
        "ServiceProviderName": provider,
        **{f"x_{key}": offer[column] for key, column in _OFFER.items()},
        "x_Lots": bought["lots"],
        "x_Gpus": bought["gpus"],
        "x_CostInsideHorizon": bought["cost"],
        "x_CostAfterHorizon": cost - float(bought["cost"]),
        "x_Instance": run.instance.header.name,
        "x_InstanceSha256": sha256,
    }


_OFFER = {
    "Offer": "offer",
    "RegionId": "region",
    "SkuId": "sku",
    "SovereigntyTier": "tier",
    "OperatorCountry": "operator_country",
    "LotGpus": "lot_gpus",
    "PricePerGpuHour": "price_per_gpu_hour",
    "UpfrontPerGpu": "upfront_per_gpu",
    "Source": "source",
    "Note": "note",
}
"""Our columns that are columns of the offer."""


def _applicability(offer: Any) -> str:
    values = {"RegionId": offer["region"], "SkuId": offer["sku"]}
    rules = [{"Dimension": name, "Operator": "In", "Values": [value]} for name, value in values.items()]
    return json.dumps({"InclusionOperator": "And", "Inclusions": rules})


def _duration(horizon: Horizon, periods: int) -> str:
    """`3 Years`, `18 Months`, `1 Week`."""
    unit = UNITS[horizon.period]
    if unit == "Month" and periods % 12 == 0:
        unit, periods = "Year", periods // 12
    return f"{periods} {unit}{'' if periods == 1 else 's'}"


def _payment(horizon: Horizon, upfront: float) -> dict[str, Any]:
    """How it is paid: `upfront` is the share of the whole cost that is due at the start."""
    model = "No Upfront" if upfront <= 0 else "All Upfront" if upfront >= 1 else "Partial Upfront"
    interval = "One-Time" if model == "All Upfront" else "Monthly" if horizon.period == "month" else "Custom"
    names = ("PaymentInterval", "PaymentModel", "PaymentUpfrontPercentage")
    return {f"ContractCommitment{name}": value for name, value in zip(names, (interval, model, upfront), strict=True)}
