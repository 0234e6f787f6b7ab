"""Late data: decide from roll-up marks which periods are due, in which order, and how a run for them is named.

Appending observations marks their day. Rolling up a day marks its week, its month and the next observed day if they
change (see `metrics.store.rollup.roll_marks`). The functions of this module are pure.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from metrics.periods import PERIODS, Period, period_end
from metrics.store.rollup.roll_marks import Pending
from pipelines.partitions import may_have_begun, period_key

LONGEST_WAIT = timedelta(minutes=15)
"""A period that was marked this long ago is rolled up without waiting for anything."""


def due_marks(
    pending: Mapping[Period, Sequence[Pending]], busy: Iterable[Period], now: datetime
) -> dict[Period, list[Pending]]:
    """Return the marked periods to roll up now, each with the workspaces that do not have to wait.

    Every period waits while a run of its own grain is unfinished (`busy`). A week or month also waits while a day in it
    is marked for the same workspace, or while a daily run is unfinished, so that it is rolled up once and not after
    each of its days. No workspace waits for longer than `LONGEST_WAIT`.
    """
    marks = {period: [m for m in pending.get(period, ()) if may_have_begun(period, m.start, now)] for period in PERIODS}
    waits = _waiting(marks["daily"], set(busy))
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


def _waiting(days: Iterable[Pending], busy: Collection[Period]) -> Callable[[Period, datetime, str], bool]:
    """Return a function `waits(period, start, workspace_id)`: true if that period of the workspace has to wait."""
    marked: dict[str, list[datetime]] = {}
    for mark in days:
        for workspace_id in mark.since:
            marked.setdefault(workspace_id, []).append(mark.start)

    def waits(period: Period, start: datetime, workspace_id: str) -> bool:
        if period in busy or period == "daily":
            return period in busy
        end = period_end(period, start)
        return "daily" in busy or any(start <= day < end for day in marked.get(workspace_id, ()))

    return waits


def next_due(
    marks: Mapping[Period, Sequence[Pending]], now: datetime, besides: Collection[tuple[Period, datetime]] = ()
) -> tuple[Period, Pending] | None:
    """Return the due period to roll up next, except those in `besides`; None if nothing else is due.

    Overdue weeks and months come first, so that no number of days can delay them; then days, newest first, because they
    change weeks and months; then the other weeks and months.
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


def run_key(marks: Mapping[Period, Sequence[Pending]], public: Mapping[Period, Sequence[Pending]] | None = None) -> str:
    """Return a name for the work that marks request: it stays the same until something else is marked or due.

    `marks` are those of connected accounts, and `public` those of watched ones.
    """
    state = "|".join(
        f"{kind}{period}:{period_key(mark.start)}:{','.join(mark.workspaces)}:{mark.touched}"
        for kind, found in (("", marks), ("public ", public or {}))
        for period in PERIODS
        for mark in found.get(period, ())
    )
    return f"late:{hashlib.sha256(state.encode()).hexdigest()[:16]}"
