"""Find the partitions that a changed day affects: its week, its month, and the next observed day, which it opens."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from metrics.batches import batched
from metrics.calendars import Calendar
from metrics.calendars.workspace import partition_start
from metrics.documents import Document
from metrics.periods import PERIODS, Period
from metrics.store import Store
from metrics.store.rollup.rollups import derived_by

_BATCH = 1000


def affected_periods(calendar: Calendar, days: Iterable[date]) -> dict[Period, list[datetime]]:
    """Return the partitions of these dates of a workspace, and of the weeks and months that hold them, sorted."""
    dates = set(days)
    return {period: sorted({partition_start(calendar, period, day) for day in dates}) for period in PERIODS}


def next_observed_days(
    store: Store, workspace_id: str, calendar: Calendar, start: datetime, subjects: list[str]
) -> set[date]:
    """Return the later dates whose `open` is no longer the `close` of the day that starts at `start`.

    This compares the daily rollups of the changed subjects: per metric, the first later entry must open with the value
    with which the newest entry up to `start` closed. For the newest day the result is empty after one index look-up.
    """
    found: set[date] = set()
    derived = derived_by(calendar.version)
    for batch in batched(subjects, _BATCH):
        scope = {"workspaceId": workspace_id, "subjectId": {"$in": batch}, "period": "daily", **derived}
        later: dict[str, list[Document]] = {}
        for row in store.rollups.subjects.find(
            {**scope, "periodStart": {"$gt": start}}, {"subjectId": 1, "periodStart": 1, "metrics": 1}
        ).sort("periodStart", 1):
            later.setdefault(row["subjectId"], []).append(row)
        if later:
            closes = _closes(store, {**scope, "subjectId": {"$in": list(later)}}, start)
            for subject_id, rows in later.items():
                found |= {calendar.date_of(begun) for begun in _broken(closes.get(subject_id, {}), rows)}
    return found


def _closes(store: Store, scope: Document, start: datetime) -> dict[str, dict[str, object]]:
    """Return, per subject and metric, the newest `close` up to the day that starts at `start`."""
    closes: dict[str, dict[str, object]] = {}
    rows = store.rollups.subjects.find({**scope, "periodStart": {"$lte": start}}, {"subjectId": 1, "metrics": 1})
    for row in rows.sort("periodStart", 1):
        entries = {name: entry["close"] for name, entry in row["metrics"].items() if "close" in entry}
        closes.setdefault(row["subjectId"], {}).update(entries)
    return closes


def _broken(closes: Mapping[str, object], rows: list[Document]) -> set[datetime]:
    """Return the days whose `open` of some metric differs from the preceding `close`."""
    found: set[datetime] = set()
    seen: set[str] = set()
    for row in rows:
        for name, entry in row["metrics"].items():
            if "open" not in entry or name in seen:
                continue
            seen.add(name)
            had_before = name in closes
            if (had_before and (entry["open"] != closes[name] or entry.get("baseline"))) or (
                not had_before and not entry.get("baseline") and entry["open"] != 0
            ):
                found.add(row["periodStart"])
    return found
