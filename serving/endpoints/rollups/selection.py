"""The periods and accounts that a query selects, and the reading of their rollups."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, cast

from metrics.aggregation import custom_rollups
from metrics.aggregation.post_parts import PostPart, Sums, Trait, merged_sums, stored_sums
from metrics.aggregation.sides import Compare, Kind, is_stored
from metrics.aggregation.stored_periods import DAYS_ALONE, StoredPeriods, joined
from metrics.calendars import Calendar
from metrics.calendars import Span as LabelledSpan
from metrics.calendars.workspace import WorkspaceCalendar
from metrics.campaigns.chosen import Chosen
from metrics.campaigns.rollups import ALL, rollups_of_posts
from metrics.catalog import DAY_BASIS
from metrics.documents import AggregatedDocument, Document, Platform
from metrics.expected import Connection, Span
from metrics.periods import Period
from metrics.platforms.kept import not_kept
from metrics.store import Store
from metrics.store.rollup.rollups import answering_for
from serving.endpoints.coverage import Scope

Rollups = Mapping[Span, Mapping[str, AggregatedDocument]]
"""For each span, the documents of its accounts by account id, sorted by account id."""


@dataclass(frozen=True)
class Selection:
    """The periods of `[first, last]`, which are dates of the workspace, and accounts, as of the instant `now`.

    `scope` has `workspaceId`, and may narrow `platform` and `accountId`. `without_consent` are the platforms whose
    numbers the workspace may not mix with those of others, `not_stored` those of which nothing is stored: for both, the
    platform's terms demand a consent that the workspace does not have.
    """

    kind: Kind
    first: date
    last: date
    calendars: WorkspaceCalendar
    scope: Scope
    accounts: Sequence[Connection]
    now: datetime
    compare: Compare | None = None
    without_consent: frozenset[Platform] = frozenset()
    not_stored: frozenset[Platform] = frozenset()
    campaign: Chosen | None = None
    """The campaign whose range it is; its accounts, and if it has any, its posts, are the only ones that count."""
    fields: Sequence[str] = ()
    """The fields to read of stored rollups, beside their account and instants; all if there are none."""

    def of(self, accounts: Sequence[Connection]) -> "Selection":
        """Return the selection of the same periods for some of the accounts."""
        found = replace(self, accounts=accounts)
        # A group for each account would otherwise compute the same periods again.
        found.__dict__.update(periods=self.periods, spans=self.spans, _names=self._names)
        return found

    def allows_storing(self, account: Connection, start: datetime) -> bool:
        """Tell whether the terms allow to store anything of an account in a period that begins at `start`."""
        if account.platform in self.not_stored:
            return False
        return not not_kept(account.platform, account.access, start, self.now)

    @property
    def calendar(self) -> Calendar:
        """The calendar that answers."""
        return self.calendars.current

    @property
    def rollups_in_scope(self) -> Document:
        """The filter on the rollups of the selected accounts that answer for the calendar."""
        return {**self.scope, **answering_for(self.calendar.version)}

    @property
    def part(self) -> PostPart | None:
        """The part of the posts whose sums the rollups have in place of the accounts' numbers; None if it is none."""
        return ALL if self._posts is not None else None

    @property
    def posts_in_scope(self) -> Document:
        """The filter on the posts of the selected accounts."""
        return dict(self.scope) if self._posts is None else {**self.scope, "_id": {"$in": sorted(self._posts)}}

    @property
    def _posts(self) -> frozenset[str] | None:
        return self.campaign.post_ids if self.campaign else None

    @property
    def _custom(self) -> str:
        """What documents that are merged from days name as their period."""
        return f"campaign:{self.campaign.name}" if self.campaign else self.kind

    @cached_property
    def periods(self) -> list[LabelledSpan]:
        """The periods that overlap the range and have begun, oldest first."""
        if self.kind == "custom":
            whole = self.calendar.range_span(self.first, self.last)
            found = iter([replace(whole, label=self._custom) if self.campaign else whole])
        else:
            found = self.calendars.spans_between(self.kind, self.first, self.last)
        return [span for span in found if span.start <= self.now and not span.empty]

    @cached_property
    def spans(self) -> list[Span]:
        """The bounds of `periods`."""
        return [span.bounds for span in self.periods]

    @cached_property
    def _names(self) -> dict[datetime, dict[str, Any]]:
        return {span.start: name_of(span) for span in self.periods}

    def named(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a rollup or totals with the label of the period, and how much later than midnight it begins."""
        return {**row, **self._names.get(row["periodStart"], {})}

    @cached_property
    def day_basis(self) -> dict[Platform, str]:
        """The time zones of the own days of the selected platforms, by platform."""
        platforms = {account.platform for account in self.accounts}
        return {platform: zone for platform, zone in DAY_BASIS.items() if platform in platforms}

    @property
    def range_bounds(self) -> Span:
        """The bounds of the range itself; periods at its ends may be longer."""
        return self.calendar.range_span(self.first, self.last).bounds

    def is_stored(self, span: Span) -> bool:
        """Tell whether the span is a whole period with a document of its own; others are merged from days."""
        return is_stored(self.kind, span, self.calendar)

    def rollups(self, store: Store, others: Iterable[Span] = ()) -> Rollups:
        """Read the rollups of the selected periods and of other spans: whole periods, or any spans of whole days.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        found: dict[Span, dict[str, AggregatedDocument]] = {span: {} for span in sorted({*self.spans, *others})}
        whole = [span for span in found if self.is_stored(span)]
        of_start = {span[0]: found[span] for span in whole}
        for start, end in joined(whole):
            for document in self._stored(store, start, end):
                # A document that another calendar made does not begin where one of these periods does.
                if (documents := of_start.get(document["periodStart"])) is not None:
                    documents[document["accountId"]] = document
        merged = found.keys() - set(whole)
        periods = self._stored_periods(store, merged)
        for span in merged:
            found[span].update({document["accountId"]: document for document in self._merged(store, span, periods)})
        if self._posts is not None:
            return rollups_of_posts(store, found, self.rollups_in_scope, self._posts, periods)
        return found

    def _stored_periods(self, store: Store, spans: Collection[Span]) -> StoredPeriods:
        """Return the weeks and months that are read in place of the days of these spans."""
        return StoredPeriods.read(store, self.scope["workspaceId"], list(spans), self.accounts) if spans else DAYS_ALONE

    def days(self, store: Store, rollups: Rollups) -> Iterable[AggregatedDocument]:
        """Return the daily rollups of the range: those among these rollups, or else what the store has.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        if self.kind == "daily":
            return (document for span in self.spans for document in rollups[span].values())
        return store.rollups.aggregated(
            self.scope["workspaceId"], "daily", *self.range_bounds, fields=("coverage",), **self._narrowed()
        )

    def sums_by(self, store: Store, rollups: Rollups, by: Sequence[Trait]) -> Mapping[Span, Sums]:
        """Read the sums over each part of the posts, for the spans of these rollups.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        scope = self.rollups_in_scope
        if self._posts is not None:
            scope["subjectId"] = {"$in": sorted(self._posts)}
        whole = [span for span in sorted(rollups) if self.is_stored(span)]
        of_start: dict[datetime, Sums] = {}
        for start, end in joined(whole):
            of_start |= stored_sums(store, cast("Period", self.kind), start, end, scope, by)
        found = {span: of_start.get(span[0], {}) for span in whole}
        merged = rollups.keys() - found.keys()
        periods = self._stored_periods(store, merged)
        return found | {span: merged_sums(store, span, scope, by, periods) for span in merged}

    def _stored(self, store: Store, start: datetime, end: datetime) -> list[AggregatedDocument]:
        period = cast("Period", self.kind)
        return store.rollups.aggregated(
            self.scope["workspaceId"], period, start, end, fields=self.fields, **self._narrowed()
        )

    def _merged(self, store: Store, span: Span, periods: StoredPeriods) -> list[AggregatedDocument]:
        return custom_rollups(
            store,
            self.scope["workspaceId"],
            *span,
            connections=self.accounts,
            now=self.now,
            period=self._custom if span in self.spans else "custom",
            periods=periods,
            **self._narrowed(),
        )

    def _narrowed(self) -> dict[str, Any]:
        account_id = self.scope.get("accountId")
        accounts = [account_id] if account_id else None
        if self.campaign is not None:
            accounts = [account.account_id for account in self.accounts]
        return {
            "version": self.calendar.version,
            "platform": self.scope.get("platform"),
            "account_ids": accounts,
        }


def name_of(span: LabelledSpan) -> dict[str, Any]:
    """Return the fields that name a period in rollups and totals."""
    shift = {"boundaryShiftMinutes": span.shift_minutes} if span.shift_minutes else {}
    return {"periodLabel": span.label, **shift}
