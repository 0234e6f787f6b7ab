"""Late data: which periods are rolled again, in which order, and by which run.

Appending marks the day, rolling a day marks its week, its month and the next observed day where they changed (see
`metrics.store.roll_marks`). What follows from a set of marks are the plain functions of this module.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from metrics.periods import PERIODS, Period, period_end
from metrics.store.roll_marks import Pending
from pipelines.partitions import has_partition, period_key

LONGEST_WAIT = timedelta(minutes=15)
"""A period that was marked this long ago is rolled whatever it would wait for."""


def due(
    pending: Mapping[Period, Sequence[Pending]], busy: Iterable[Period], now: datetime
) -> dict[Period, list[Pending]]:
    """Return the marked periods that are rolled now, each with the workspaces that do not have to wait.

    So that it is rolled once, a week or month of a workspace waits while a day of that workspace in it is marked, or
    while a daily run is under way; and every period waits while a run of its own grain is under way. No workspace waits
    for longer than `LONGEST_WAIT`.
    """
    occupied = set(busy)
    marks = {period: [m for m in pending.get(period, ()) if has_partition(m.start, now)] for period in PERIODS}
    days: dict[str, list[datetime]] = {}
    for mark in marks["daily"]:
        for workspace_id in mark.since:
            days.setdefault(workspace_id, []).append(mark.start)

    def waits(period: Period, start: datetime, workspace_id: str) -> bool:
        if period in occupied or period == "daily":
            return period in occupied
        end = period_end(period, start)
        return "daily" in occupied or any(start <= day < end for day in days.get(workspace_id, ()))

    found: dict[Period, list[Pending]] = {}
    for period in PERIODS:
        for mark in marks[period]:
            since = {
                workspace_id: at
                for workspace_id, at in mark.since.items()
                if now - at >= LONGEST_WAIT or not waits(period, mark.start, workspace_id)
            }
            if since:
                found.setdefault(period, []).append(Pending(mark.start, since, mark.touched))
    return found


def next_due(
    marks: Mapping[Period, Sequence[Pending]], now: datetime, besides: Collection[tuple[Period, datetime]] = ()
) -> tuple[Period, Pending] | None:
    """Return the period to roll next of those that are due, leaving out some; None where nothing else is due.

    Weeks and months that waited too long come first, so that no number of days holds them up; then days, for they
    change the others, the newest first; then weeks and months.
    """
    left = [
        (period, mark) for period in PERIODS for mark in marks.get(period, ()) if (period, mark.start) not in besides
    ]
    overdue = [one for one in left if one[0] != "daily" and now - min(one[1].since.values()) >= LONGEST_WAIT]
    days = [one for one in left if one[0] == "daily"]
    if overdue:
        return overdue[0]
    if days:
        return max(days, key=lambda one: one[1].start)
    return left[0] if left else None


def run_key(marks: Mapping[Period, Sequence[Pending]]) -> str:
    """Return a name for the work that marks ask for: the same as long as nothing new is marked or due."""
    state = "|".join(
        f"{period}:{period_key(mark.start)}:{','.join(mark.workspaces)}:{mark.touched}"
        for period in PERIODS
        for mark in marks.get(period, ())
    )
    return f"late:{hashlib.sha256(state.encode()).hexdigest()[:16]}"
