"""The base of all shapes, and the parts that several of them share."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from metrics.calendars import CalendarPeriod
from metrics.calendars.fiscal import FiscalPattern
from metrics.documents import Reason

EXAMPLE_TIME = "2026-01-15T10:00:00Z"

Instant = Annotated[datetime, Field(examples=[EXAMPLE_TIME])]
Day = Annotated[date, Field(examples=["2026-01-15"])]
Count = Annotated[int, Field(ge=0)]
Unavailable = dict[str, Reason]
"""The reasons of unknown metrics, by name."""


CAMPAIGN_PERIOD = "^campaign:[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
"""The form of the range of a campaign, where a query or an answer names a kind of period."""
OfCampaign = Annotated[str, Field(pattern=CAMPAIGN_PERIOD, examples=["campaign:spring"])]
RollupPeriod = Literal[CalendarPeriod, "custom"] | OfCampaign


DAY_BASIS_MEANING = (
    "By platform, the time zone of its own days. A number of such a day, as `reach`, counts for the workspace's day of "
    "the same date. Platforms without such numbers are missing."
)
BOUNDARY_SHIFT = (
    "By how many minutes the period begins later than local midnight, where midnight lies within an hour of UTC."
)


class Shape(BaseModel):
    """An object with the declared fields and no others."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True, title=None)


def _nothing() -> None:
    return None


def absent(description: str | None = None, **extra: Any) -> Any:
    """Return the default of an optional field, which is left out if it has no value, and is never null."""
    return Field(default_factory=_nothing, description=description, **extra)


WeekDay = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class CalendarFields(Shape):
    """Where the days, weeks and fiscal years of a workspace begin (docs/calendars.md)."""

    time_zone: str = Field(description="`UTC`, or an IANA name.", examples=["Europe/Berlin"])
    week_start: WeekDay = Field(description="The first day of weeks.")
    fiscal_year_start: str = Field(description="The first day of fiscal years, as MM-DD.", examples=["01-01"])
    fiscal_pattern: FiscalPattern = Field(description="Calendar months, or the weeks of the months of a quarter.")
    version: Count = Field(description="Changes with the calendar.")


class Page(Shape):
    """How to get the next page of a list."""

    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null on the last page.")
    has_more: bool
    limit: int | None = Field(description="Null if the answer is not divided into pages.")


class Coverage(Shape):
    """The expected slots (hours) of the accounts in scope, and how many of them have an observation."""

    expected_slots: Count
    observed_slots: Count


class Meta(Shape):
    """When an answer was made, and from which version of the workspace's data."""

    generated_at: Instant
    data_version: str | None = Field(description="Changes with every write; null while Redis is away.")


class RangeMeta(Meta):
    """The meta of an answer about a range of days, with its coverage."""

    start_date: Day
    end_date: Day
    coverage: Coverage


def public_fields(document: Mapping[str, Any], shape: type[Shape], id_name: str) -> dict[str, Any]:
    """Return the fields of a document that its shape declares, and its `_id` as `id_name`; all others stay private."""
    declared = declared_names(shape)
    return {id_name: document["_id"], **{name: value for name, value in document.items() if name in declared}}


@cache
def declared_names(shape: type[Shape]) -> frozenset[str]:
    """Return the names of a shape's fields in JSON."""
    return frozenset(field.alias or name for name, field in shape.model_fields.items())
