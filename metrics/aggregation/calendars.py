"""The calendar by which the rollups of a workspace are made and read."""

from metrics.calendars import UTC_CALENDAR, Calendar
from metrics.store import Store


def calendar_of(_store: Store, _workspace_id: str) -> Calendar:
    """Return the calendar of a workspace; all workspaces have the UTC calendar."""
    return UTC_CALENDAR
