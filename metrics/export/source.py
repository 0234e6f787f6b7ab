"""Read the documents of an export: effective observations, or daily rollups, of a range of days."""

from collections.abc import Generator
from datetime import date, datetime
from typing import cast

from metrics.calendars import UTC_CALENDAR
from metrics.documents import Document
from metrics.export.columns import Dataset
from metrics.store import Store


def read(
    store: Store, dataset: Dataset, workspace_id: str, start: datetime, end: datetime
) -> Generator[Document, None, None]:
    """Yield the documents of days in `[start, end)`, oldest first, in flat memory; `close()` ends the query.

    Each UTC day of observations is read as of one instant; all rollups are read as of one instant.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    if dataset == "metrics":
        return store.observations.stream({"workspaceId": workspace_id}, start, end)
    version = store.calendars.get(workspace_id).current.version
    found = store.rollups.stream(workspace_id, "daily", start, end, version)
    return cast("Generator[Document, None, None]", found)


def hours_of(store: Store, dataset: Dataset, workspace_id: str, day: date) -> tuple[datetime, datetime]:
    """Return the hours of a date: of observations those in UTC, of rollups those in the workspace's calendar.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    calendar = UTC_CALENDAR if dataset == "metrics" else store.calendars.get(workspace_id).current
    return calendar.span("daily", day).bounds
