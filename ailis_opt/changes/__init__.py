"""Changes: edits of an instance, and the instance that they make.

A change names a table, the rows of it, a column, an operator and a value; where rows have a period, the periods too. In words

    offers[sku=H100 & contract=on_demand].price_per_gpu_hour *= 1.3 @ 3..8
    power[region=frankfurt].cap_mw += 0.4 @ 3..8
    instance.budget = 250000
    offers + {offer: new, region: paris, sku: H100, contract: on_demand, price_per_gpu_hour: 3}
    offers[provider=old*] -

The grammar is told in docs/changes.md. A changed instance is held to every rule that a read one is held to.
"""

from ailis_opt.changes.apply import apply
from ailis_opt.changes.files import lists_of, read_changes
from ailis_opt.changes.grammar import HEADER, HEADER_COLUMNS, SIGNS, Change, Op, selector
from ailis_opt.changes.parse import parse, parse_all, parse_list

__all__ = [
    "HEADER",
    "HEADER_COLUMNS",
    "SIGNS",
    "Change",
    "Op",
    "apply",
    "lists_of",
    "parse",
    "parse_all",
    "parse_list",
    "read_changes",
    "selector",
]
