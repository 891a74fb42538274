"""Words that a list accepts or excludes, and that nothing in the market has: most often a typo, which closes routes without a word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import pandas as pd

from ailis_opt.io.checks.scope import MOST_LISTED, Scope

_CODES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI "
    "CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ "
    "GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS "
    "LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG "
    "PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK "
    "TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
COUNTRIES = frozenset(_CODES.split())
"""Codes of ISO 3166-1 alpha-2 that are assigned."""
NEAR = 0.6  # least similarity (difflib) of a word that is suggested


def vocabulary(scope: Scope) -> None:
    """One warning for each word of a list that no SKU, offer, region or profile has."""
    regions, skus = scope.frame("regions"), scope.frame("skus")
    offers, profiles = scope.frame("offers"), scope.frame("profiles")
    runtimes = {*_items(skus["runtimes"]), *profiles["runtime"]}
    runtimes |= {runtime.partition("/")[0] for runtime in runtimes}
    law = {*_items(regions["jurisdictions"]), *regions["country"][regions["jurisdictions"].map(len) == 0]}
    _unknown(scope, "workloads", "runtimes", "no SKU and no profile has the runtime", runtimes)
    precisions = {*_items(skus["precisions"]), *profiles["precision"]}
    _unknown(scope, "workloads", "precisions", "no SKU and no profile has the precision", precisions)
    _unknown(scope, "workloads", "tiers", "no offer has the tier", set(offers["tier"]))
    _unknown(scope, "workloads", "jurisdictions", "no region has the jurisdiction", law)
    _unknown(scope, "datasets", "jurisdictions", "no region has the jurisdiction", law)
    operators = set(offers["operator_country"])
    what = "no country has the code, and no operator is from there:"
    _unknown(scope, "workloads", "excluded_operator_countries", what, operators, COUNTRIES)


def _items(lists: pd.Series) -> Iterable[str]:
    return (item for items in lists for item in items)


def _unknown(scope: Scope, table: str, column: str, what: str, known: set[str], silent: Iterable[str] = ()) -> None:
    """Warn of the words in a column of lists that are neither in `known` nor in `silent`, with the row where each comes first."""
    raw = scope.tables[table].raw
    passed, rows = known.union(silent), dict[str, list[int]]()
    for i, items in enumerate(scope.frame(table)[column]):
        for word in items:
            if word not in passed:
                rows.setdefault(word, []).append(i)
    folded = {name.casefold(): name for name in sorted(known - {""})}
    for word, found in list(rows.items())[:MOST_LISTED]:
        close = difflib.get_close_matches(word.casefold()[:200], folded, n=1, cutoff=NEAR)
        hint = f"; did you mean {folded[close[0]]!r}?" if close else ""
        others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        place = raw.fault(found[0], column, "", "")
        scope.warnings.append(f"{place.file}, row {place.row}{others}, {place.column}: {what} {word!r}{hint}")
    if len(rows) > MOST_LISTED:
        scope.warnings.append(f"{raw.file}, {raw.label(column)}: {len(rows) - MOST_LISTED} more words that nothing has")
