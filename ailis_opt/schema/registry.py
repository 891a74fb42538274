"""All tables of an instance: row model, key, columns and how each is stored."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ailis_opt.schema import market, uncertainty, work
from ailis_opt.schema.columns import Kind, SourcedRow, holds, kind_of


@dataclass(frozen=True)
class Table:
    """A table of the format. `key` names the columns that no two rows share (empty: rows may repeat)."""

    name: str
    row: type[SourcedRow]
    key: tuple[str, ...]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns in the order of the schema; `source` and `note` come last."""
        return tuple(self.kinds)

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """How each column is stored."""
        fields = self.row.model_fields
        order = [c for c in fields if c not in ("source", "note")] + ["source", "note"]
        return {c: kind_of(fields[c]) for c in order}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Columns that must have a value in every row."""
        return tuple(c for c in self.columns if self.row.model_fields[c].is_required())

    def is_flag(self, column: str) -> bool:
        """Whether a column holds true or false (or, where it may be, nothing)."""
        return holds(self.row.model_fields[column], bool)

    def is_whole(self, column: str) -> bool:
        """Whether a column holds whole numbers (or, where it may be, nothing)."""
        return holds(self.row.model_fields[column], int)


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table("regions", market.Region, ("region",)),
        Table("power", market.Power, ("region", "period")),
        Table("skus", market.Sku, ("sku",)),
        Table("offers", market.Offer, ("offer",)),
        Table("prices", market.Price, ("offer", "period")),
        Table("workloads", work.Workload, ("workload",)),
        Table("demand", work.Demand, ()),
        Table("latency", work.Latency, ("geo", "region")),
        Table("profiles", work.Profile, ("profile",)),
        Table("datasets", work.Dataset, ("dataset",)),
        Table("egress", work.Egress, ("from_region", "to_region")),
        Table("indices", uncertainty.Index, ("index",)),
        Table("curves", uncertainty.Curve, ("index", "period")),
        Table("hedges", uncertainty.Hedge, ("hedge",)),
        Table("scenarios", uncertainty.Scenario, ("scenario",)),
        Table("changes", uncertainty.Change, ()),
    )
}
"""Every table by its name, in the order of the format."""
