"""Weeks and months that may be read in place of their days, because their rollups are the merges of these days.

A merge adds the nets and the sums of days, and keeps the first opening, the last closing and the extremes
(docs/metrics.md, law 2). It has an entry of a metric if a day has one. So every number but those of
people is the same over a month as over its days. People have a number for the provider's own span alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from metrics.calendars import Calendar
from metrics.calendars.workspace import WorkspaceCalendar, partition_start
from metrics.clock import utcnow
from metrics.documents import Document
from metrics.expected import Connection, Span
from metrics.periods import DAY, PERIODS, Period, midnight
from metrics.platforms.registry import KEPT_DAYS
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.store.rollup.rollups import derived_by

LONGER: tuple[Period, ...] = ("monthly", "weekly")
"""The stored periods that are longer than a day, the longest first."""
_SHORTEST = 7 * DAY
"""No week is much shorter; spans that are have no use for the look-up of weeks and months."""


@dataclass(frozen=True, slots=True)
class StoredPeriods:
    """The usable weeks and months of a workspace, by period, sorted; none of them means that days are read."""

    spans: tuple[tuple[Period, tuple[Span, ...]], ...] = ()

    @classmethod
    def read(
        cls, store: Store, workspace_id: str, spans: Sequence[Span], accounts: Iterable[Connection]
    ) -> "StoredPeriods":
        """Return the weeks and months within these spans that may be read in place of their days.

        A period is left out if it has not ended, was not rolled up by the calendar that answers, or waits to be rolled
        up again. It is also left out if the terms of a platform delete the rollups of an account that reach back into
        it: of such an account, its later days alone are kept. Retention, in contrast, keeps a period as a whole until
        its end is too old.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        if max(end - start for start, end in spans) < _SHORTEST:
            return cls()
        first, last = min(start for start, _ in spans), max(end for _, end in spans)
        calendars, now = store.calendars.get(workspace_id), utcnow()
        begins = max([first, *(former.until for former in calendars.former)])
        limits = {KEPT_DAYS[key] for one in accounts if (key := (one.platform, one.access)) in KEPT_DAYS}
        cuts = [midnight((now - days * DAY).date()) + DAY for days in limits]
        stored = _stored_starts(store, workspace_id, calendars.current, (begins, min(last, now)))
        found: dict[Period, list[Span]] = {period: [] for period in LONGER}
        for period in LONGER:
            for span in _periods(calendars, period, begins, min(last, now)):
                divided = any(span[0] < cut < span[1] for cut in cuts)
                if (period, span[0]) in stored and not divided:
                    found[period].append(span)
        waiting = _waiting(store, workspace_id, calendars.current, found)
        return cls(
            tuple(
                (period, tuple(span for span in periods if (period, span[0]) not in waiting))
                for period, periods in found.items()
            )
        )

    def divide(self, span: Span) -> list[tuple[Period, Span]]:
        """Divide a span into stored periods and runs of days, oldest first: whole months, then whole weeks, then days.

        A run of days has the period `daily`.
        """
        rest, taken = [span], list[tuple[Period, Span]]()
        for period, periods in self.spans:
            rest = [part for gap in rest for part in _cut(gap, period, periods, taken)]
        days: list[tuple[Period, Span]] = [("daily", gap) for gap in rest]
        return sorted([*taken, *days], key=lambda part: part[1])

    def query(self, spans: Iterable[Span]) -> Document:
        """Return a query for the rollups that cover these spans, which are sorted and do not overlap."""
        starts: dict[Period, list[datetime]] = {period: [] for period in LONGER}
        days: list[Span] = []
        for span in spans:
            for period, part in self.divide(span):
                if period == "daily":
                    days.append(part)
                else:
                    starts[period].append(part[0])
        parts: list[Document] = [{"period": "daily", "periodStart": in_range(both)} for both in joined(days)]
        parts += [{"period": period, "periodStart": {"$in": found}} for period, found in starts.items() if found]
        return parts[0] if len(parts) == 1 else {"$or": parts}


DAYS_ALONE = StoredPeriods()
"""No week or month is read in place of its days."""


def in_range(span: Span) -> Document:
    """Return the condition that an instant lies in a span."""
    return {"$gte": span[0], "$lt": span[1]}


def joined(spans: Iterable[Span]) -> list[Span]:
    """Join spans that follow one another without a gap; the spans must be sorted."""
    found: list[Span] = []
    for start, end in spans:
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _cut(gap: Span, period: Period, periods: Iterable[Span], taken: list[tuple[Period, Span]]) -> Iterator[Span]:
    """Add the periods that lie within a gap to `taken`; yield what remains of the gap."""
    start, end = gap
    for span in periods:
        if span[0] >= start and span[1] <= end:
            taken.append((period, span))
            if start < span[0]:
                yield start, span[0]
            start = span[1]
    if start < end:
        yield start, end


def _periods(calendars: WorkspaceCalendar, period: Period, start: datetime, end: datetime) -> Iterator[Span]:
    """Yield the whole periods of the present calendar within `[start, end)`."""
    calendar = calendars.current
    for span in calendar.spans_between(period, calendar.date_of(start), calendar.date_of(end)):
        if span.start >= start and span.end <= end and not span.empty:
            yield span.bounds


def _stored_starts(store: Store, workspace_id: str, calendar: Calendar, within: Span) -> set[tuple[Period, datetime]]:
    """Return the periods, by their start, that were rolled up: each has a rollup of an account at least."""
    query: Document = {
        "workspaceId": workspace_id,
        "period": {"$in": list(LONGER)},
        "periodStart": {"$gte": within[0], "$lt": within[1]},
        **derived_by(calendar.version),
    }
    stages: list[Document] = [
        {"$match": query},
        {"$group": {"_id": {"period": "$period", "start": "$periodStart"}}},
    ]
    with mongo_errors():
        return {(row["_id"]["period"], row["_id"]["start"]) for row in store.rollups.accounts.aggregate(stages)}


def _waiting(
    store: Store, workspace_id: str, calendar: Calendar, found: dict[Period, list[Span]]
) -> set[tuple[Period, datetime]]:
    """Return the periods that wait to be rolled up again because one of their days changed."""
    marks = {
        (workspace_id, period, partition_start(calendar, period, calendar.date_of(span[0]))): (period, span[0])
        for period in PERIODS
        for span in found.get(period, ())
    }
    return {marks[mark] for mark in store.marks.marked(marks)}
