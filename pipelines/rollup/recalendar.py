"""Change the calendar of a workspace: derive its rollups in the new calendar, then let that one answer reads at once.

Both those of connected and of watched accounts are derived. Until the switch, reads are answered by the rollups of the
current calendar, all of them. Roll-ups keep the rollups of both calendars up to date meanwhile. Everything can be
repeated: a change that was killed goes on at the last day that it had derived.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from metrics.batches import batched
from metrics.calendars import Calendar
from metrics.calendars.workspace import Former, WorkspaceCalendar
from metrics.documents import Document
from metrics.periods import DAY, Period
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.store.rollup.rollups import answering_for
from metrics.upkeep.retention import Horizon
from metrics.warehouse.marking import mark_workspace
from pipelines.rollup.affected_periods import affected_periods
from pipelines.rollup.rebuild import first_derivable
from pipelines.rollup.roll import roll

_BATCH = 7
"""Days that are derived between two reports of progress."""

Progress = Callable[[int, int], None]
"""Called with the number of periods that were derived, and of all that have to be."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a workspace's calendar that was completed: its versions, and how many periods were derived for it.

    `former_until` is the instant before which the rollups of the former calendar go on answering, because they can no
    longer be derived; None if all could be.
    """

    workspace_id: str
    calendar: Calendar
    periods: int
    former_until: datetime | None


def change_calendar(
    store: Store, workspace_id: str, *, run_id: str, horizon: Horizon, now: datetime, progress: Progress
) -> Change | None:
    """Complete the change of a workspace's calendar that was requested; return None if there is none, or a newer one.

    Raises:
        MongoUnavailable: MongoDB does not answer; call again, which goes on where this call ended.
    """
    known = store.calendars.get(workspace_id)
    upcoming = known.upcoming
    if upcoming is None:
        return None
    kinds = [_Kind.of(each, workspace_id, upcoming, horizon, now) for each in (store, store.public)]
    total, done = sum(len(starts) for kind in kinds for starts in kind.plan.values()), 0
    for kind in kinds:
        # Only the days of connected accounts are worth remembering how far they are.
        reached = store.calendars.derived(workspace_id, upcoming) if kind.store is store else None
        for period, starts in kind.plan.items():
            for some in batched(starts, _BATCH):
                done += len(some)
                if period == "daily" and reached is not None and some[-1] < reached:
                    continue
                _derive(kind.store, workspace_id, upcoming, period, some, run_id, horizon, now)
                if period == "daily" and kind.store is store:
                    store.calendars.note_derived(workspace_id, upcoming, some[-1])
                progress(done, total)
    former: list[Former] = []
    for kind in kinds:
        _catch_up(kind.store, workspace_id, upcoming, run_id, horizon, now)
        kept = _keep_former(kind.store, workspace_id, known, upcoming, kind.until)
        former = former or kept
    if not store.calendars.switch(workspace_id, upcoming, former):
        return None
    mark_workspace(store, workspace_id)
    return Change(workspace_id, upcoming, total, former[-1].until if former else None)


@dataclass(frozen=True, slots=True)
class _Kind:
    """The partitions to derive of connected accounts, or of watched ones, and until when former rollups answer."""

    store: Store
    plan: dict[Period, list[datetime]]
    until: datetime | None

    @classmethod
    def of(cls, store: Store, workspace_id: str, upcoming: Calendar, horizon: Horizon, now: datetime) -> "_Kind":
        first = first_derivable(store, workspace_id, upcoming, horizon)
        # Where the log itself begins later, there is nothing before.
        is_limited = first is not None and first != first_derivable(store, workspace_id, upcoming, None)
        until = upcoming.span("daily", first).start if first and is_limited else None
        return cls(store, _plan(upcoming, first, upcoming.date_of(now), until), until)


def delete_unused(store: Store, workspace_id: str) -> int:
    """Delete the rollups of a workspace that answer for none of its calendars any more; return how many.

    A read may have begun with a calendar that was replaced a moment ago: call this minutes after a switch.

    Raises:
        MongoUnavailable: MongoDB does not answer; call again.
    """
    known = store.calendars.get(workspace_id)
    versions = [calendar.version for calendar in known.kept]
    unused: Document = {
        "workspaceId": workspace_id,
        "calendarVersion": {"$nin": [*versions, None] if 0 in versions else versions},
        "answersFor": {"$nin": versions},
    }
    return sum(store.deletion.delete(name, unused) for name in store.names.rollups)


def _plan(calendar: Calendar, first: date | None, last: date, begin: datetime | None) -> dict[Period, list[datetime]]:
    """Return the partitions of the dates from `first` to `last`, the days first; none of a period before `begin`."""
    if first is None:
        return {}
    plan = affected_periods(calendar, _dates(first, last))
    if begin is None:
        return plan
    return {
        period: [at for at in starts if calendar.span(period, at.date()).start >= begin]
        for period, starts in plan.items()
    }


def _dates(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += DAY


def _derive(
    store: Store,
    workspace_id: str,
    calendar: Calendar,
    period: Period,
    starts: list[datetime],
    run_id: str,
    horizon: Horizon,
    now: datetime,
) -> None:
    alone = {workspace_id: WorkspaceCalendar(calendar)}
    roll(
        store,
        period,
        starts,
        run_id=run_id,
        workspace_ids=[workspace_id],
        horizon=horizon,
        now=now,
        calendars=alone,
        settle=False,
    )


def _catch_up(
    store: Store, workspace_id: str, calendar: Calendar, run_id: str, horizon: Horizon, now: datetime
) -> None:
    """Derive again the days that were marked since the change was requested.

    A collection that had begun before knows nothing of the upcoming calendar: it marks the days of the current one.
    """
    marks = store.marks.waiting_since([workspace_id], store.calendars.prepared_at(workspace_id))
    marked = {start.date() for _, period, start in marks if period == "daily"}
    dates = {day + n * DAY for day in marked for n in (-1, 0, 1)}
    for period, starts in affected_periods(calendar, dates).items():
        begun = [at for at in starts if calendar.span(period, at.date()).start <= now]
        _derive(store, workspace_id, calendar, period, begun, run_id, horizon, now)


def _keep_former(
    store: Store, workspace_id: str, known: WorkspaceCalendar, upcoming: Calendar, until: datetime | None
) -> list[Former]:
    """Let the rollups before `until` answer for the upcoming calendar, too; return the calendars they are of.

    Of the days, these are those that ended before; of the weeks and months, those that began before.
    """
    if until is None:
        return []
    mine = {"workspaceId": workspace_id, **answering_for(known.current.version)}
    days = {**mine, "period": "daily", "periodEnd": {"$lte": until}}
    longer = {**mine, "period": {"$ne": "daily"}, "periodStart": {"$lt": until}}
    kept = 0
    with mongo_errors():
        for collection in (store.rollups.subjects, store.rollups.accounts):
            for query in (days, longer):
                found = collection.update_many(query, {"$addToSet": {"answersFor": upcoming.version}})
                kept += found.matched_count
    if not kept:
        return []
    return [*(one for one in known.former if one.until < until), Former(known.current, until)]
