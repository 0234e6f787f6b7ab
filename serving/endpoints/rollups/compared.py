"""The comparisons in an answer: one for each rollup and one for each of the workspace's totals."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from metrics.aggregation.comparison import compare_account, compare_totals, not_compared
from metrics.aggregation.sides import Sides, sides
from metrics.aggregation.totals import PeriodRollups
from metrics.documents import AggregatedDocument
from metrics.expected import Connection, Span
from metrics.settings import Settings
from metrics.store import Store
from metrics.upkeep.retention import Horizon
from serving.endpoints.rollups.selection import Rollups, Selection

SidesByStart = Mapping[datetime, Sides]
"""The two spans of each comparison, by the start of the selected period."""


def sides_of(store: Store, settings: Settings, selection: Selection) -> SidesByStart:
    """Return the spans that a query compares; empty without `compare`. Spans that are no longer kept are marked.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    compare, kind, now = selection.compare, selection.kind, selection.now
    if compare is None or not selection.spans:
        return {}
    kept_from = Horizon.of(store, settings, now).rollups_from(selection.scope["workspaceId"])

    def is_kept(span: Span) -> bool:
        # A whole period has a document, which is kept until its end is too old. Other spans need all of their days.
        return span[1] > kept_from if selection.is_stored(span) else span[0] >= kept_from

    found = {}
    for span in selection.spans:
        both = sides(compare, kind, span, now, selection.calendar)
        if both.previous is not None and not (is_kept(both.current) and is_kept(both.previous)):
            both = Sides(both.current, both.previous, "not_kept")
        found[span[0]] = both
    return found


def spans_of(found: SidesByStart) -> Iterable[Span]:
    """Return the spans whose rollups the comparisons need."""
    return [span for both in found.values() for span in (both.current, both.previous) if span and both.reason is None]


class Comparisons:
    """The comparisons of an answer, derived from its rollups."""

    def __init__(self, selection: Selection, found: SidesByStart, rollups: Rollups) -> None:
        self._selection = selection
        self._sides = found
        self._accounts = {account.account_id: account for account in selection.accounts}
        self._pairs = {
            start: (PeriodRollups(*both.current, rollups[both.current]), PeriodRollups(*before, rollups[before]))
            for start, both in found.items()
            if (before := both.previous) is not None and both.reason is None
        }

    def of_totals(self, start: datetime) -> dict[str, Any]:
        """Return the comparison of the totals of the period that begins at `start`."""
        pair, accounts = self._pairs.get(start), self._selection.accounts
        return self._shown(start, compare_totals(*pair, accounts, self._selection.now) if pair else None)

    def of_document(self, document: AggregatedDocument) -> dict[str, Any]:
        """Return the comparison of one account's rollup."""
        start, account_id = document["periodStart"], document["accountId"]
        pair = self._pairs.get(start)
        # An account that was erased after the accounts were read counts as one without hours.
        account = self._accounts.get(account_id) or Connection(account_id, document["platform"], ())
        return self._shown(start, compare_account(*pair, account, self._selection.now) if pair else None)

    def _shown(self, start: datetime, comparison: dict[str, Any] | None) -> dict[str, Any]:
        both = self._sides[start]
        if comparison is None:
            comparison = not_compared(both.reason or "no_such_period")
        return {"compare": self._selection.compare, **both.described(), **comparison}
