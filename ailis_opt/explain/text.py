"""What `explain` prints: the way from the commodity price to the real one, the layers that bind, the routes worth opening."""

from __future__ import annotations

from rich.console import RenderableType

from ailis_opt.explain.explanation import TITLES, Explanation, LayerCost
from ailis_opt.explain.lattice import Interval
from ailis_opt.output.figures import number, percent
from ailis_opt.output.limits import limits
from ailis_opt.output.text import BLANK, heading, line, table
from ailis_opt.output.words import counted

MOST_ROUTES = 8


def explanation_text(e: Explanation, alone: bool = True) -> list[RenderableType]:
    """The whole text; with the tight limits of the plan if it stands alone, without the plan's own summary."""
    tight = limits(e.result) if alone else []
    return [*_headline(e), BLANK, _waterfall(e), *_verdicts(e), *_routes(e), *tight, *_method(e)]


def _headline(e: Explanation) -> list[RenderableType]:
    binding = [item for item in e.layers if item.binds == "yes"]
    names = ", ".join(f"{item.layer} ({TITLES[item.layer]})" for item in sorted(binding, key=lambda i: -i.removal.value))
    return [
        heading(f"{e.result.instance}: from the commodity price to the real one"),
        line(f"{number(e.commodity.upper)} {e.unit} if compute were a commodity: no layer enforced"),
        line(f"{number(e.full.upper)} {e.unit} with every layer enforced (certified: not below {number(e.full.lower)})", "bold"),
        line(f"binding: {names or 'no layer, or none that could be proven'}"),
    ]


def _way(e: Explanation) -> float:
    return e.full.upper - e.commodity.upper


def _waterfall(e: Explanation) -> RenderableType:
    """A line a layer: its share, running total, bar."""
    way, running = _way(e), e.commodity.upper
    rows: list[tuple[str, ...]] = [("commodity price", number(e.commodity.upper), "", "", "", "")]
    for item in sorted(e.layers, key=lambda i: -i.share.value):
        if item.share.upper > 1e-6 * abs(way):
            running += item.share.value
            part = item.share.value / way if way else 0.0
            rows.append(
                (
                    f"+ {item.layer} {TITLES[item.layer]}",
                    number(item.share.value),
                    percent(part),
                    _range(item.share),
                    number(running),
                    _bar(part),
                )
            )
    rows.append(("= real price", number(e.full.upper), "", "", number(e.full.upper), ""))
    return table((f"{e.unit}", "adds", "of the way", "between", "so far", ""), rows, text=(0, 5))


def _bar(part: float) -> str:
    return "█" * max(0, round(24 * part))


def _range(interval: Interval) -> str:
    if interval.upper - interval.lower <= 1e-6 * abs(interval.upper):
        return ""
    return f"{number(interval.lower, 3)} .. {number(interval.upper, 3)}"


def _verdicts(e: Explanation) -> list[RenderableType]:
    rows = []
    for item in e.layers:
        if item.share.upper > 0 or item.removal.upper > 0 or item.entry.upper > 0:
            rows.append(
                (item.layer, TITLES[item.layer], item.binds, _saving(item.removal, e), _range(item.removal), number(item.entry.value))
            )
    return [
        heading("Which layer binds?"),
        line("A layer binds if dropping it alone is proven to cost less. Alone: what it costs if nothing else is enforced."),
        table(("layer", "", "binds", "dropping it saves", "between", "alone costs"), rows, text=(0, 1, 2)),
        *_inert(e.layers),
    ]


def _saving(removal: Interval, e: Explanation) -> str:
    return f"{number(removal.value)} ({percent(removal.value / e.full.upper if e.full.upper else 0.0)})"


def _inert(layers: tuple[LayerCost, ...]) -> list[RenderableType]:
    inert = [item.layer for item in layers if not (item.share.upper > 0 or item.removal.upper > 0 or item.entry.upper > 0)]
    return [line(f"nothing in this instance depends on {', '.join(inert)}")] if inert else []


def _routes(e: Explanation) -> list[RenderableType]:
    routes = sorted((o for item in e.layers for o in item.routes if o.share > 0), key=lambda o: -o.saves.value)
    if not routes:
        return []
    rows = [(o.workload, o.pool, f"{o.layer} {' and '.join(o.reasons)}", percent(o.share), _range(o.saves)) for o in routes[:MOST_ROUTES]]
    more = [line(f"and {len(routes) - MOST_ROUTES} more: see explain.json (--out DIR writes it)")] if len(routes) > MOST_ROUTES else []
    parts = table(("workload", "pool", "closed by", "opening it saves", f"{e.unit}, between"), rows, text=(0, 1, 2))
    return [heading("Which closed routes would be worth opening?"), parts, *more]


def _method(e: Explanation) -> list[RenderableType]:
    how = f"{counted(e.solves, 'solve')}; of {e.subsets:,} sets of layers {e.pruned:,} needed none (no change, or known from others)"
    if e.method == "exact":
        kind = "exact: intervals are certified, from proven bounds and plans"
    elif e.confidence is not None:
        kind = f"sampled, as not all sets could be solved in the time: shares are proven, or hold with {e.confidence:.0%} confidence"
    else:
        kind = "not all sets could be solved in the time: shares are estimates, the intervals beside them are proven"
    spent = ", ".join(f"{name.removesuffix('_s')} {seconds:.1f} s" for name, seconds in e.seconds.items())
    return [heading("How it was found"), line(how), line(kind), line(spent, "dim")]
