"""The shapes of calendars of workspaces."""

from typing import Any

from pydantic import ConfigDict, Field

from serving.schemas.base import CalendarFields, Instant, Shape, absent
from serving.schemas.work import Operation

_NEW_YORK: Any = {"timeZone": "America/New_York", "weekStart": "sunday"}


class CalendarToSet(Shape):
    """A calendar to set; a field that is left out has its default."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NEW_YORK]})

    time_zone: str = Field("UTC", max_length=100, description="An IANA name; offsets and abbreviations are refused.")
    week_start: str = Field("monday", max_length=100, description="`monday` to `sunday`.")
    fiscal_year_start: str = Field("01-01", max_length=100, description="`MM-DD`.")
    fiscal_pattern: str = Field("months", max_length=100, description="`months`, `445`, `454` or `544`.")
    country: str | None = Field(
        None,
        max_length=100,
        description="Two letters of ISO 3166-1: the public holidays of this country are named beside anomalies and "
        "kept out of what is usual. Without it, the workspace has no holidays.",
    )


class FormerCalendar(CalendarFields):
    """A former calendar whose rollups still answer, because their observations are no longer kept."""

    until: Instant = Field(description="It answers for what lies before this instant.")


class WorkspaceCalendar(CalendarFields):
    """The calendar of a workspace that answers reads."""

    country: str = absent("The country whose public holidays are known days.")
    upcoming: CalendarFields = absent("The calendar that takes over when its rollups are derived.")
    former: list[FormerCalendar] = absent("Older calendars, oldest first.")
    operation: Operation = absent("The change that this request began.")


class WorkspaceCalendarAnswer(Shape):
    """The calendar of a workspace."""

    data: WorkspaceCalendar
