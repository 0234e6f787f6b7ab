"""What the shapes have in common."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

EXAMPLE_TIME = "2026-01-15T10:00:00Z"

Instant = Annotated[datetime, Field(examples=[EXAMPLE_TIME])]
Day = Annotated[date, Field(examples=["2026-01-15"])]
Count = Annotated[int, Field(ge=0)]


class Shape(BaseModel):
    """An object with these fields and no others."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True, title=None)


def _nothing() -> None:
    return None


def absent(description: str | None = None, **extra: Any) -> Any:
    """Return the default of a field that may be missing: it is left out then, and never null."""
    return Field(default_factory=_nothing, description=description, **extra)


class Page(Shape):
    """Where a list goes on."""

    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null at the end.")
    has_more: bool
    limit: int | None = Field(description="Null where the answer is never cut into pages.")


class Coverage(Shape):
    """How much was looked at: slots (hours) of the accounts in scope, and those with an observation."""

    expected_slots: Count
    observed_slots: Count


class Meta(Shape):
    """When an answer was made, and of which state of the workspace's data."""

    generated_at: Instant
    data_version: str | None = Field(description="Changes with every write; null while Redis is away.")


class RangeMeta(Meta):
    """The same, of a range of days."""

    start_date: Day
    end_date: Day
    coverage: Coverage
