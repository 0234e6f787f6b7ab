"""The series of an answer: which groups there are, and the totals of each, over every period and over the range."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any, cast

from metrics.aggregation.consents import left_out, note_not_stored
from metrics.aggregation.hourly import Hours, hourly_totals, read_hours
from metrics.aggregation.post_parts import PostCounts, PostPart, Sums, Trait, published_counts
from metrics.aggregation.totals import NOT_SUMMED
from metrics.calendars import Span as LabelledSpan
from metrics.documents import AggregatedDocument, ContentType
from metrics.expected import Connection, Span
from metrics.settings import Settings
from metrics.store import Store
from serving.endpoints.rollups.columns import Row, in_periods, series_of, with_own_values
from serving.endpoints.rollups.compared import Comparisons, SidesByStart, sides_of, spans_of
from serving.endpoints.rollups.groups import parts_in, rollups_of
from serving.endpoints.rollups.names import NamedMetric
from serving.endpoints.rollups.own import OwnMetrics
from serving.endpoints.rollups.selection import Rollups, Selection
from serving.endpoints.rollups.totals import totals

TRAITS: tuple[Trait, ...] = ("contentType", "metricType")


@dataclass(frozen=True)
class Group:
    """Some accounts, and all of their posts or a part of them; `label` has the group's fields of `groupBy`."""

    label: Mapping[str, str]
    accounts: Sequence[Connection]
    part: PostPart | None = None


@dataclass(frozen=True)
class Parted:
    """Rollups, and the sums over each part of their posts, if the answer needs them."""

    rollups: Rollups
    sums: Mapping[Span, Sums] | None = None
    counts: Mapping[Span, PostCounts] | None = None

    @classmethod
    def read(cls, store: Store, selection: Selection, others: Sequence[Span], by: Sequence[Trait]) -> "Parted":
        """Read the rollups of the selected periods and of other spans.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        rollups = selection.rollups(store, others)
        if not by:
            return cls(rollups)
        sums = selection.sums_by(store, rollups, by)
        # Documents of accounts count their published posts by content type alone.
        counts = published_counts(store, list(rollups), selection.posts_in_scope, by) if "metricType" in by else None
        return cls(rollups, sums, counts)

    def parts(self, account_ids: set[str]) -> list[PostPart]:
        """Return the parts of which these accounts have posts."""
        rollups = {
            span: {account: found for account, found in documents.items() if account in account_ids}
            for span, documents in self.rollups.items()
        }
        return parts_in(rollups, self.sums or {}, self.counts)

    def of(self, part: PostPart | None) -> Rollups:
        """Return the rollups, with the sums over a part of the posts if one is given."""
        return (
            self.rollups
            if part is None or self.sums is None
            else rollups_of(part, self.rollups, self.sums, self.counts)
        )


class Chart:
    """The data of an answer of `series`: read once, then divided into groups.

    `selection` has the periods of the answer, or None for slots; `whole` has the range of all of them as one custom
    period, with the comparison. `by` are the fields of `groupBy`, and `content_type` narrows the posts.
    `metrics` are those of the answer: the workspace's own among them are read here.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        periods: Sequence[LabelledSpan],
        selection: Selection | None,
        whole: Selection,
        by: Sequence[str],
        content_type: str | None,
        metrics: Sequence[NamedMetric] = (),
    ) -> None:
        self.whole = whole
        self._periods, self._by, self._content_type = periods, by, content_type
        self._selection = None if selection is None else replace(selection, compare=None)
        self._traits = [name for name in TRAITS if name in by or (name == "contentType" and content_type)]
        self._sides: SidesByStart = sides_of(store, settings, whole)
        self._range = Parted.read(store, whole, list(spans_of(self._sides)), self._traits)
        if selection is None:
            self._hours = read_hours(store, dict(whole.scope), whole.range_bounds, whole.calendar)
        elif selection is not whole:
            self._of_periods = Parted.read(store, selection, [], self._traits)
        else:
            self._of_periods = self._range
        of_posts = [name for name in self._traits if name in by]
        spans = [*(selection.spans if selection else ()), *whole.spans]
        own_type = cast("ContentType | None", content_type)
        own = {metric.name: metric.definition for metric in metrics if metric.definition is not None}
        self._own_metrics = OwnMetrics(store, own, whole, spans, self._sides, by=of_posts, content_type=own_type)

    _hours: Hours
    _of_periods: Parted

    @cached_property
    def coverage(self) -> dict[str, int]:
        """The expected and observed hours of the range, of all accounts in scope."""
        found = next(totals(replace(self.whole, compare=None), {}, self._range.rollups), None)
        nothing = {"expectedSlots": 0, "observedSlots": 0}
        return found["coverage"] if found else nothing

    def groups(self) -> Iterator[Group]:
        """Yield the groups of the answer, sorted by their labels."""
        for label, accounts in self._account_groups():
            if not self._traits:
                yield Group(label, accounts, self.whole.part)
                continue
            for part in self._parts({account.account_id for account in accounts}):
                traits = {"contentType": part.content_type, "metricType": part.metric_type}
                yield Group(
                    {**label, **{name: str(traits[name]) for name in traits if name in self._by}}, accounts, part
                )

    def everything(self) -> Group | None:
        """Return all groups as one; None if the posts of a content type were read by metric type only."""
        if self._content_type is None:
            return Group({}, self.whole.accounts, self.whole.part)
        return (
            Group({}, self.whole.accounts, PostPart(cast("Any", self._content_type)))
            if len(self._traits) == 1
            else None
        )

    def series(self, group: Group, metrics: Sequence[NamedMetric]) -> Iterator[dict[str, Any]]:
        """Yield the series of a group, one per metric."""
        of_range = self._range.of(group.part)
        whole = self.whole.of(group.accounts)
        rows, overall = self._rows(group), list(totals(whole, self._sides, of_range, group.part))
        of_one = [metric.name for metric in metrics if metric.name in NOT_SUMMED]
        if of_one and len(group.accounts) == 1 and group.part is None:
            rows, overall = self._own(group, rows, overall, of_one)
        if self._selection is not None:
            rows = list(self._own_metrics.added(rows, group.accounts, group.part))
            overall = list(self._own_metrics.added(overall, group.accounts, group.part))
        of_periods, of_all = in_periods(rows, self._periods), overall[0] if overall else None
        for metric in metrics:
            yield series_of(metric, group.label, of_periods, of_all)

    def _account_groups(self) -> Iterator[tuple[dict[str, str], list[Connection]]]:
        groups: dict[tuple[str, ...], list[Connection]] = {}
        names = [name for name in ("platform", "account") if name in self._by]
        start, end = self.whole.range_bounds
        for account in self.whole.accounts:
            if account.expected(start, end) or not names:
                fields = {"platform": account.platform, "account": account.account_id}
                groups.setdefault(tuple(fields[name] for name in names), []).append(account)
        if not names:
            groups.setdefault((), [])
        for key in sorted(groups):
            yield dict(zip(names, key, strict=True)), groups[key]

    def _parts(self, account_ids: set[str]) -> list[PostPart]:
        if self._selection is None:
            kinds = self._hours.parts(account_ids)
            found = {
                PostPart(
                    kind.content_type if "contentType" in self._traits else None,
                    kind.metric_type if "metricType" in self._traits else None,
                )
                for kind in kinds
            }
        else:
            found = {*self._of_periods.parts(account_ids), *self._range.parts(account_ids)}
        if self._content_type:
            found = {part for part in found if part.content_type == self._content_type}
            if "metricType" not in self._by:
                found.add(PostPart(cast("Any", self._content_type)))
        return sorted(found, key=lambda part: (part.content_type or "", part.metric_type or ""))

    def _rows(self, group: Group) -> list[Row]:
        if self._selection is None:
            whole = self.whole
            withheld = left_out(group.accounts, whole.without_consent)
            slots = [period.start for period in self._periods]
            rows: list[Row] = []
            for row in hourly_totals(self._hours, slots, group.accounts, whole.now, group.part, withheld):
                stored = partial(whole.allows_storing, start=row["periodStart"])
                note_not_stored(row, group.accounts, stored, group.part)
                rows.append(row)
            return rows
        selection = self._selection.of(group.accounts)
        return list(totals(selection, {}, self._of_periods.of(group.part), group.part))

    def _own(
        self, group: Group, rows: list[Row], overall: list[Any], names: Sequence[str]
    ) -> tuple[list[Row], list[Any]]:
        """Add the named metrics, which do not add up over accounts, and comparisons to the totals of one account."""
        (account,) = group.accounts
        of_range = _of_account(self._range.rollups, account.account_id)
        if self._selection is not None:
            rows = with_own_values(rows, _of_account(self._of_periods.rollups, account.account_id), names)
        overall = [dict(row) for row in with_own_values(overall, of_range, names)]
        if self.whole.compare:
            compared = Comparisons(self.whole, self._sides, self._range.rollups)
            for row in overall:
                if document := of_range.get(row["periodStart"]):
                    row["comparison"] = compared.of_document(document)
        return rows, overall


def _of_account(rollups: Rollups, account_id: str) -> dict[datetime, AggregatedDocument]:
    return {span[0]: documents[account_id] for span, documents in rollups.items() if account_id in documents}
