"""Values that would be without effect: refused, never ignored."""

from __future__ import annotations

from ailis_opt.io.checks.scope import HIRED, Scope


def offers(scope: Scope) -> None:
    """Terms of committed contracts on hired offers, interruptions of what is not interruptible."""
    frame = scope.frame("offers")
    hired = frame["contract"].isin(HIRED)
    mend = "Leave the cell blank, or change the contract to owned or reserved"
    for column, given in (
        ("term_periods", frame["term_periods"].notna()),
        ("upfront_per_gpu", frame["upfront_per_gpu"] > 0),
        ("committed_lots", frame["committed_lots"] > 0),
        ("max_lots_per_period", frame["max_lots_per_period"].notna()),
        ("shares_lots_with", frame["shares_lots_with"] != ""),
        ("take_or_pay_share", frame["take_or_pay_share"] < 1),
    ):
        scope.rows("offers", given & hired, column, "without meaning for a hired offer", mend, ("contract",))
    steady = (frame["interruptions_per_hour"] > 0) & (frame["contract"] != "interruptible")
    why = "without meaning for an offer that is not interruptible"
    scope.rows("offers", steady, "interruptions_per_hour", why, "Leave the cell blank, or make the contract interruptible", ("contract",))
    if scope.whole("offers.offer", "offers.contract"):
        fixed = scope.frame("prices")["offer"].isin(frame["offer"][~hired])
        why = "the price of an owned or reserved offer is fixed when it is signed"
        scope.rows("prices", fixed, "offer", why, "Leave the row out, or change the contract to on_demand or interruptible")


def shared_lots(scope: Scope) -> None:
    """Offers that share their lots say how many there are, and all of a group say the same."""
    frame = scope.frame("offers")
    shared = frame["shares_lots_with"] != ""
    lacking = shared & frame["max_lots"].isna()
    why, mend = "needed: the offer shares its lots with others", "Give the most lots that all of the group may have in force together"
    scope.rows("offers", lacking, "max_lots", why, mend, ("shares_lots_with",))
    for column in ("max_lots", "max_lots_per_period"):
        stated = frame[column].fillna(-1)
        differs = shared & (stated != stated[~lacking].groupby(frame["shares_lots_with"]).transform("first").reindex(stated.index))
        why, mend = "not what the first offer says with which this one shares its lots", f"Give all offers of the group the same {column}"
        scope.rows("offers", differs & ~lacking, column, why, mend, ("shares_lots_with",))


def workloads(scope: Scope) -> None:
    """Windows are for training, failover and partial movement are not; training knows no geo."""
    frame = scope.frame("workloads")
    training = frame["kind"] == "training"
    mend = "Leave the cell blank, or change the kind to training"
    for column, given in (("release_period", frame["release_period"] > 0), ("deadline_period", frame["deadline_period"].notna())):
        scope.rows("workloads", given & ~training, column, "without meaning for a workload that is not training", mend, ("kind",))
    standby = training & (frame["failover_share"] > 0)
    scope.rows("workloads", standby, "failover_share", "without meaning for training", "Leave the cell blank", ("kind",))
    partial = training & (frame["max_move_share"] > 0) & (frame["max_move_share"] < 1)
    why = "a training job either may move (1) or may not (0)"
    scope.rows("workloads", partial, "max_move_share", why, "Give 0 or 1", ("kind",))
    demand = scope.frame("demand")
    placed = demand["workload"].isin(frame["workload"][training]) & (demand["geo"] != "any")
    if scope.whole("workloads.workload", "workloads.kind"):
        scope.rows("demand", placed, "geo", "training has no user geo", "Leave the cell blank, or write any", ("workload",))
