"""What became of every price that a list holds: used in an offer, or left out for a reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a price was left out, and how it gets in."""

    why: str
    mend: str = ""


@dataclass
class Account:
    """Prices by their number: where each stands, what it is of, and whether an offer uses it.

    A price that no offer uses has the reason that was given first. `folded` counts offers that were made of several zones.
    `notices` are remarks on the list as a whole.
    """

    seen: list[tuple[str, str]] = field(default_factory=list)
    reasons: dict[int, Reason] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    notices: list[str] = field(default_factory=list)
    folded: int = 0

    def see(self, where: str, what: str) -> int:
        """Take in a price; returns its number."""
        self.seen.append((where, what))
        return len(self.seen) - 1

    def leave(self, number: int, reason: Reason) -> None:
        """Leave a price out, unless an offer uses it."""
        self.reasons.setdefault(number, reason)

    def left(self) -> pd.DataFrame:
        """What no offer uses: where, what, reason, mend."""
        rows = [
            (*self.seen[i], self.reasons[i].why, self.reasons[i].mend)  # every price has one by then
            for i in range(len(self.seen))
            if i not in self.used
        ]
        return pd.DataFrame(rows, columns=["where", "what", "reason", "mend"])

    def summary(self) -> dict[str, Any]:
        """Counts in all and by reason, the commonest first, with examples."""
        left = self.left()
        counts = Counter(left["reason"])
        by_reason = []
        for why, count in counts.most_common():
            rows = left[left["reason"] == why].drop_duplicates("what").head(EXAMPLES)
            examples = [f"{what} ({where})" for where, what in zip(rows["where"], rows["what"], strict=True)]
            by_reason.append({"reason": why, "prices": count, "mend": rows["mend"].iloc[0], "examples": examples})
        return {
            "prices": {"found": len(self.seen), "used": len(self.used), "left_out": len(left)},
            "folded_offers": self.folded,
            "left_out": by_reason,
            "notices": list(self.notices),
        }
