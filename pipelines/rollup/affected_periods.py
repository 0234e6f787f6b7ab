"""Find the periods that a changed day affects: its week, its month, and the next observed day, whose opening it is."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from metrics.batches import batched
from metrics.documents import Document
from metrics.periods import PERIODS, Period, midnight, period_start
from metrics.store import Store

_BATCH = 1000


def periods_of_slots(
    slots: Iterable[datetime], next_observed: Mapping[datetime, Iterable[datetime]] | None = None
) -> dict[Period, list[datetime]]:
    """Return the days, weeks and months that observations in these slots may change, each list sorted.

    `next_observed` has, per day, the later days on which a subject of that day was observed next.
    """
    days = {midnight(slot.date()) for slot in slots}
    for day in list(days):
        days.update((next_observed or {}).get(day, ()))
    return {period: sorted({period_start(period, day) for day in days}) for period in PERIODS}


def next_observed_days(store: Store, workspace_id: str, start: datetime, subjects: list[str]) -> set[datetime]:
    """Return the later days whose `open` is no longer the `close` of the day that starts at `start`.

    This compares the daily rollups of the changed subjects: per metric, the first later entry must open with the value
    with which the newest entry up to `start` closed. For the newest day the result is empty after one index look-up.
    """
    found: set[datetime] = set()
    for batch in batched(subjects, _BATCH):
        scope = {"workspaceId": workspace_id, "subjectId": {"$in": batch}, "period": "daily"}
        later: dict[str, list[Document]] = {}
        for row in store.rollups.subjects.find(
            {**scope, "periodStart": {"$gt": start}}, {"subjectId": 1, "periodStart": 1, "metrics": 1}
        ).sort("periodStart", 1):
            later.setdefault(row["subjectId"], []).append(row)
        if later:
            closes = _closes(store, workspace_id, start, list(later))
            for subject_id, rows in later.items():
                found |= _broken(closes.get(subject_id, {}), rows)
    return found


def _closes(store: Store, workspace_id: str, start: datetime, subjects: list[str]) -> dict[str, dict[str, object]]:
    """Return, per subject and metric, the newest `close` up to the day that starts at `start`."""
    closes: dict[str, dict[str, object]] = {}
    scope = {"workspaceId": workspace_id, "subjectId": {"$in": subjects}, "period": "daily"}
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
