"""The periods and accounts that a query of `aggregated` selects, and the reading of their rollups."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, cast

from metrics.aggregation import custom_rollups
from metrics.aggregation.content_types import Sums, merged_sums, stored_sums
from metrics.aggregation.sides import Kind, is_stored
from metrics.documents import AggregatedDocument, Document, Platform
from metrics.expected import Connection, Span
from metrics.periods import Period, period_end, starts_between
from metrics.store import Store
from metrics.upkeep.limited import not_kept
from serving.endpoints.coverage import Scope
from serving.endpoints.query import AggregatedQuery

Rollups = Mapping[Span, Mapping[str, AggregatedDocument]]
"""For each span, the documents of its accounts by account id, sorted by account id."""


@dataclass(frozen=True)
class Selection:
    """The periods and accounts that a query selects, as of the instant `now`.

    `without_consent` are the platforms whose numbers the workspace may not mix with those of others, `not_stored` those
    of which nothing is stored: for both, the platform's terms demand a consent that the workspace does not have.
    """

    query: AggregatedQuery
    scope: Scope
    accounts: Sequence[Connection]
    now: datetime
    without_consent: frozenset[Platform] = frozenset()
    not_stored: frozenset[Platform] = frozenset()

    def is_stored(self, account: Connection, start: datetime) -> bool:
        """Tell whether the terms allow to store anything of an account in a period that begins at `start`."""
        return account.platform not in self.not_stored and not not_kept(account, start, self.now)

    @property
    def kind(self) -> Kind:
        """The kind of period."""
        return cast("Kind", self.query.period)

    @cached_property
    def spans(self) -> list[Span]:
        """The periods that overlap the range and have begun, oldest first."""
        start, end = self.query.bounds()
        if self.kind == "custom":
            return [(start, end)] if start <= self.now else []
        starts = starts_between(self.kind, start, end)
        return [(begun, period_end(self.kind, begun)) for begun in starts if begun <= self.now]

    def rollups(self, store: Store, others: Iterable[Span]) -> Rollups:
        """Read the rollups of the selected periods and of other spans: whole periods, or any spans of whole days.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        found: dict[Span, dict[str, AggregatedDocument]] = {span: {} for span in sorted({*self.spans, *others})}
        whole = [span for span in found if is_stored(self.kind, span)]
        of_start = {span[0]: found[span] for span in whole}
        for start, end in _joined(whole):
            for document in self._stored(store, start, end):
                of_start[document["periodStart"]][document["accountId"]] = document
        for span in found.keys() - set(whole):
            found[span].update({document["accountId"]: document for document in self._merged(store, span)})
        return found

    def days(self, store: Store, rollups: Rollups) -> Iterable[AggregatedDocument]:
        """Return the daily rollups of the range: those among these rollups, or else what the store has.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        if self.kind == "daily":
            return (document for span in self.spans for document in rollups[span].values())
        return store.rollups.aggregated(
            self.scope["workspaceId"], "daily", *self.query.bounds(), fields=("coverage",), **self._narrowed()
        )

    def sums_by_type(self, store: Store, rollups: Rollups) -> Mapping[Span, Sums]:
        """Read the sums over the posts of each content type, for the spans of these rollups.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        scope: Document = dict(self.scope)
        whole = [span for span in sorted(rollups) if is_stored(self.kind, span)]
        of_start: dict[datetime, Sums] = {}
        for start, end in _joined(whole):
            of_start |= stored_sums(store, cast("Period", self.kind), start, end, scope)
        found = {span: of_start.get(span[0], {}) for span in whole}
        return found | {span: merged_sums(store, span, scope) for span in rollups if span not in found}

    def _stored(self, store: Store, start: datetime, end: datetime) -> list[AggregatedDocument]:
        period = cast("Period", self.kind)
        return store.rollups.aggregated(self.scope["workspaceId"], period, start, end, **self._narrowed())

    def _merged(self, store: Store, span: Span) -> list[AggregatedDocument]:
        connections, workspace_id = self.accounts, self.scope["workspaceId"]
        return custom_rollups(store, workspace_id, *span, connections=connections, now=self.now, **self._narrowed())

    def _narrowed(self) -> dict[str, Any]:
        query = self.query
        return {"platform": query.platform, "account_ids": [query.account_id] if query.account_id else None}


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Join spans that follow one another without a gap, so that they are read at once; the spans must be sorted."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
