"""Prices of Google Cloud by machine type, as CSV.

Columns machine, region, and any of hour, hour_spot (USD/hour), month_1y, month_3y (USD/month of 730 hours, with a commitment); snapshot
is the date. `month` and `month_spot` say the same as the prices by the hour and are not read.
Source: github.com/Cyclenerd/google-cloud-pricing-cost-calculator, pricing.yml made flat.
"""

from __future__ import annotations

from pathlib import Path

from ailis_opt.imports.account import Account, Reason
from ailis_opt.imports.known import Known
from ailis_opt.imports.prices import NO_MACHINE, Choice, Imported, Price, offers_of
from ailis_opt.imports.source import csv_rows, dated, number, refused

NEEDED = ("machine", "region", "hour")
HOURS_PER_MONTH = 730
COLUMNS = {"hour": ("on-demand", 1), "hour_spot": ("spot", 1), "month_1y": ("1y", HOURS_PER_MONTH), "month_3y": ("3y", HOURS_PER_MONTH)}
"""Kind of each column with prices, and the hours that it is for."""

NOT_A_PRICE = Reason("the price is not a number, or below 0", "Mend the cell")
NO_PRICE = Reason("the row has no price")


def read_machines(path: Path, text: str, known: Known, choice: Choice) -> Imported:
    """Offers of a file with prices by machine type."""
    account, prices, date = Account(), [], dated(path)
    for line, row in csv_rows(path, text, NEEDED):
        name, region = row["machine"].strip(), row["region"].strip()
        where, machine = f"{path.name} row {line}", known.machines.get(("gcp", name))
        listed = [column for column in COLUMNS if row.get(column, "").strip()]
        if not listed:
            account.leave(account.see(where, f"{name} in {region}"), NO_PRICE)
        for column in listed:
            kind, hours = COLUMNS[column]
            seen, amount = account.see(f"{where}, {column}", f"{name} in {region}, {kind}"), number(row[column])
            if amount is None or amount < 0:
                account.leave(seen, NOT_A_PRICE)
            elif machine is None:
                account.leave(seen, NO_MACHINE)
            else:
                day, note = row.get("snapshot", "").strip() or date, "" if hours == 1 else f"{amount:.8g} a month of {hours} hours"
                prices.append(Price((seen,), where, "gcp", region, name, machine.sku, machine.gpus, kind, amount / hours, day, note=note))
    if not account.seen:
        raise refused(path, "holds no prices", f"Give rows with {', '.join(COLUMNS)}")
    account.notices.append(
        "Google prices machine types in regions where it does not offer them: keep those that you can get with --regions"
    )
    return offers_of(prices, account, known, choice, "USD")
