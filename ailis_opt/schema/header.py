"""The header of an instance: everything in `instance.yaml` that is no table."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from ailis_opt.schema.columns import CURRENCY_FORM, Name, Number, Row, Share, cell

MOST_SLICES = 100_000


def day_of(cell: object) -> date:
    """An ISO date `2027-01-01`; no other writing of a date, and no timestamp."""
    if isinstance(cell, date):
        return cell
    try:
        if isinstance(cell, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", cell, re.ASCII):
            return date.fromisoformat(cell)
    except ValueError:
        pass
    raise PydanticCustomError("date", "not a date of the calendar, written like 2027-01-01")


Day = Annotated[date, BeforeValidator(day_of), WithJsonSchema({"type": "string", "format": "date"})]
Currency = Annotated[str, StringConstraints(pattern=CURRENCY_FORM)]


class Block(Row):
    """A block of hours inside every period."""

    block: Name = cell("name of the block", "name")
    share: Annotated[float, Field(gt=0, le=1)] = cell("share of the hours of every period; the shares sum to 1", "share")


class Horizon(Row):
    """The time that a plan covers: `periods` of one kind, each split into `blocks`."""

    start: Day = cell("first day, from which months are counted", "date")
    periods: Annotated[int, Field(ge=1, le=MOST_SLICES)] = cell("number of periods", "periods")
    period: Literal["month", "week", "day", "hour"] = cell("kind of the periods", "one of", "month")
    blocks: Annotated[list[Block], Field(min_length=1)] = cell("blocks of hours", "list", [Block(block="all", share=1.0)])


class Risk(Row):
    """Weight of the tail: objective (1 - weight) * expected cost + weight * CVaR at `alpha`."""

    alpha: Annotated[float, Field(gt=0, lt=1)] = cell("level of the CVaR", "share", 0.95)
    weight: Share = cell("weight of the CVaR in the objective", "share", 0.0)


class Header(Row):
    """What `instance.yaml` says besides its tables. The key `schema` of the file is the attribute `format` here."""

    format: Literal["ailis-opt/1"] = Field(alias="schema", description="format of the file", json_schema_extra={"unit": "one of"})
    name: Name = cell("name of the instance", "name")
    description: str = cell("what the instance is about", "text", "")
    currency: Currency = cell("currency of all money, ISO 4217", "code", "USD")
    objective: Literal["cost_per_outcome", "cost"] = cell("what is minimized", "one of", "cost_per_outcome")
    horizon: Horizon = cell("the time that the plan covers", "key: value")
    budget: Number | None = cell("most that the plan may cost", "currency", None, blank="no budget")
    risk: Risk = cell("weight of the tail of the cost", "key: value", Risk())

    def content(self) -> dict[str, Any]:
        """The header as plain data, keys as in the file."""
        return self.model_dump(mode="json", by_alias=True)
