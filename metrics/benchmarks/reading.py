"""Read the watch list of a workspace and the public rollups of its accounts over some periods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

from metrics.aggregation import custom_rollups
from metrics.aggregation.stored_periods import StoredPeriods
from metrics.aggregation.subjects import whole_days
from metrics.calendars import Calendar, Span
from metrics.calendars.workspace import WorkspaceCalendar, last_date
from metrics.documents import AggregatedDocument, Platform, WatchedDocument
from metrics.expected import Connection
from metrics.periods import Period
from metrics.platforms.kept import not_kept
from metrics.platforms.registry import FACTS
from metrics.store import Store

BenchmarkPeriod = Literal["weekly", "monthly", "custom"]
BENCHMARK_PERIODS: tuple[BenchmarkPeriod, ...] = get_args(BenchmarkPeriod)
Documents = Mapping[datetime, Mapping[str, AggregatedDocument]]
"""Rollups by the start of the period and the id of the watched account."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The accounts that a workspace watches, in the order of groups, and what its settings and calendar say.

    `may_not_derive` are the platforms whose terms forbid to derive numbers from those that they show: the workspace
    has no consent of theirs. `platforms_off` were switched off.
    """

    workspace_id: str
    accounts: Sequence[WatchedDocument]
    platform: Platform | None
    calendars: WorkspaceCalendar
    may_not_derive: frozenset[Platform]
    platforms_off: frozenset[Platform]

    @property
    def calendar(self) -> Calendar:
        """The calendar that answers."""
        return self.calendars.current


@dataclass(frozen=True, slots=True)
class PeriodOfAll:
    """One period: its rollups by the id of the watched account, and its days so far.

    A day under way is among the days of an account that was observed in it: `observed_today`.
    """

    span: Span
    dates: tuple[date, date]
    documents: Mapping[str, AggregatedDocument]
    ended_days: int
    observed_today: frozenset[str]
    is_open: bool

    def days(self, account_id: str) -> int:
        """Return how many days of the period should have been observed of an account so far."""
        return self.ended_days + (account_id in self.observed_today)


def watch_of(store: Store, workspace_id: str, platform: Platform | None = None, group: str | None = None) -> Watch:
    """Return what a workspace watches on one platform or all, in one group or all.

    To a group belong the own accounts without one on the platforms that it has accounts on. A group without accounts of
    its own has none.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    off = store.watch_lists.platforms_off(workspace_id)
    accounts = [
        one
        for one in store.watch_lists.all(workspace_id, platform)
        if one["platform"] not in off and not one.get("erasing")
    ]
    if group is not None:
        of_group = [one for one in accounts if one.get("group") == group]
        platforms = {one["platform"] for one in of_group}
        accounts = [*of_group, *(one for one in accounts if one["platform"] in platforms and stands_everywhere(one))]
    lacking = store.consents.lacking(workspace_id)
    may_not = frozenset(one for one in lacking if not FACTS[one].public.terms.derived_allowed)
    return Watch(workspace_id, accounts, platform, store.calendars.get(workspace_id), may_not, off)


def stands_everywhere(watched: WatchedDocument) -> bool:
    """Tell whether an account is compared in every group of its platform: an own one that is read and has no group."""
    return "own" in watched and "group" not in watched and watched["state"] != "off"


def periods_of(
    store: Store, watch: Watch, period: BenchmarkPeriod, first: date, last: date, now: datetime
) -> list[PeriodOfAll]:
    """Return the periods that hold a date of the range and have begun, oldest first.

    `custom` is the whole range as one period, merged from days as that of own accounts is.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    spans = _spans(watch, period, first, last, now)
    if not spans:
        return []
    stored = _custom(store, watch, spans[0], now) if period == "custom" else _stored(store, watch, period, spans)
    today = watch.calendar.span("daily", watch.calendar.date_of(now))
    observed_today = frozenset[str]()
    if any(span.start <= today.start < span.end for span in spans):
        observed_today = _observed_on(store, watch, today)
    return [
        PeriodOfAll(
            span,
            (watch.calendar.date_of(span.start), last_date(watch.calendar, span.end)),
            stored.get(span.start, {}),
            max(0, whole_days(span.start, min(span.end, today.start))),
            observed_today if span.start <= today.start < span.end else frozenset(),
            span.end > now,
        )
        for span in spans
    ]


def is_deleted_by_terms(watched: WatchedDocument, start: datetime, now: datetime) -> bool:
    """Tell whether the terms of a platform allow to keep nothing of a period that begins at `start`."""
    return not_kept(watched["platform"], watched["access"], start, now)


def _spans(watch: Watch, period: BenchmarkPeriod, first: date, last: date, now: datetime) -> list[Span]:
    if period == "custom":
        found = iter([watch.calendar.range_span(first, last)])
    else:
        found = watch.calendars.spans_between(period, first, last)
    return [span for span in found if span.start <= now and not span.empty]


def _stored(store: Store, watch: Watch, period: Period, spans: Sequence[Span]) -> Documents:
    found: dict[datetime, dict[str, AggregatedDocument]] = {}
    version, platform = watch.calendar.version, watch.platform
    for document in store.public.rollups.aggregated(
        watch.workspace_id, period, spans[0].start, spans[-1].end, version=version, platform=platform
    ):
        found.setdefault(document["periodStart"], {})[document["accountId"]] = document
    return found


def _custom(store: Store, watch: Watch, span: Span, now: datetime) -> Documents:
    connections = [Connection.of(one) for one in watch.accounts]
    documents = custom_rollups(
        store.public,
        watch.workspace_id,
        *span.bounds,
        connections=connections,
        now=now,
        version=watch.calendar.version,
        platform=watch.platform,
        periods=StoredPeriods.read(store.public, watch.workspace_id, [span.bounds], connections),
    )
    return {span.start: {document["accountId"]: document for document in documents}}


def _observed_on(store: Store, watch: Watch, day: Span) -> frozenset[str]:
    """Return the accounts that were observed on a day."""
    found = store.public.rollups.aggregated(
        watch.workspace_id, "daily", *day.bounds, version=watch.calendar.version, fields=("coverage",)
    )
    return frozenset(one["accountId"] for one in found if one["coverage"]["observedDays"])
