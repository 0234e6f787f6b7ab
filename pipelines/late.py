"""Late data: which runs bring the rollups up to date again.

Appending marks the day, rolling a day marks its week, its month and the next observed day where they changed (see
`metrics.store.marks`). What follows from a set of marks is the plain function `runs_to_request`.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from metrics.periods import PERIODS, Period, period_end
from metrics.store.marks import Pending
from pipelines.partitions import has_partition, period_key, ranges

MAX_RUNS_PER_TICK = 20
LONGEST_WAIT = timedelta(minutes=15)
"""A period that was marked this long ago is rolled whatever it would wait for."""


@dataclass(frozen=True, slots=True)
class Roll:
    """A run over consecutive periods; `run_key` is the same as long as nothing new was marked."""

    period: Period
    first: datetime
    last: datetime
    run_key: str


def runs_to_request(pending: Mapping[Period, Sequence[Pending]], busy: Iterable[Period], now: datetime) -> list[Roll]:
    """Return one run per row of consecutive periods that are due, days first."""
    rolls: list[Roll] = []
    marked = due(pending, busy, now)
    for period in PERIODS:
        marks = {mark.start: mark for mark in marked.get(period, ())}
        for first, last in ranges(period, list(marks)):
            covered = [m for s, m in sorted(marks.items()) if first <= s <= last]
            rolls.append(Roll(period, first, last, _run_key(period, covered)))
    return rolls[:MAX_RUNS_PER_TICK]


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


def _run_key(period: Period, marks: Sequence[Pending]) -> str:
    state = "|".join(f"{period_key(m.start)}:{','.join(m.workspaces)}:{m.touched}" for m in marks)
    digest = hashlib.sha256(state.encode()).hexdigest()[:16]
    return f"late:{period}:{period_key(marks[0].start)}:{digest}"
