"""`GET …/aggregated`: rollups, the workspace's totals of each period, and comparisons with the previous period."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from metrics.aggregation import custom_rollups
from metrics.aggregation.comparison import compare_account, compare_totals
from metrics.aggregation.totals import PeriodRollups, workspace_totals
from metrics.clock import utcnow
from metrics.documents import AggregatedDocument, Platform
from metrics.encoding import dump_json
from metrics.expected import Connection, Span
from metrics.periods import Period, period_end, previous_start, starts_between
from metrics.store import Store
from serving.cache.plan import State
from serving.endpoints.access import key_of, workspace
from serving.endpoints.answering import answer, decode_cursor, encode_cursor, envelope, instant, milliseconds
from serving.endpoints.coverage import Scope, accounts_of, coverage, in_scope
from serving.endpoints.groups import keep_fields, totals_by_platform
from serving.endpoints.query import AggregatedQuery, parse
from serving.services import services


@dataclass(frozen=True, slots=True)
class _Selection:
    """The periods and accounts that a query selects, as of the instant `now`."""

    query: AggregatedQuery
    scope: Scope
    accounts: Sequence[Connection]
    now: datetime

    def spans(self) -> list[Span]:
        """Return the periods that overlap the range and have begun, oldest first."""
        start, end = self.query.bounds()
        if self.query.period == "custom":
            return [(start, end)] if start <= self.now else []
        period = cast("Period", self.query.period)
        starts = starts_between(period, start, end)
        return [(begun, period_end(period, begun)) for begun in starts if begun <= self.now]

    def before(self, span: Span) -> Span:
        """Return the period before another one."""
        start, end = span
        if self.query.period == "custom":
            return start - (end - start), start
        return previous_start(cast("Period", self.query.period), start), start


def _documents(store: Store, selection: _Selection) -> list[AggregatedDocument]:
    """Return the rollups of the range; with a comparison, also those of the period before the range."""
    query, workspace_id, spans = selection.query, selection.scope["workspaceId"], selection.spans()
    if not spans:
        return []
    if query.compare:
        spans.insert(0, selection.before(spans[0]))
    scope: dict[str, Any] = {
        "platform": cast("Platform | None", query.platform),
        "account_ids": [query.account_id] if query.account_id else None,
    }
    if query.period != "custom":
        return store.rollups.aggregated(workspace_id, cast("Period", query.period), spans[0][0], spans[-1][1], **scope)
    connections, now = selection.accounts, selection.now
    found = (custom_rollups(store, workspace_id, *span, connections=connections, now=now, **scope) for span in spans)
    return [document for documents in found for document in documents]


class _Periods:
    """The rollups of an answer, grouped by period; derives totals and comparisons from them."""

    def __init__(self, selection: _Selection, documents: Sequence[AggregatedDocument]) -> None:
        self._selection = selection
        by_start: dict[datetime, dict[str, AggregatedDocument]] = defaultdict(dict)
        for document in documents:
            by_start[document["periodStart"]][document["accountId"]] = document
        pairs = [(span, selection.before(span)) for span in selection.spans()]
        of = {span: PeriodRollups(*span, by_start.get(span[0], {})) for pair in pairs for span in pair}
        self._pairs = {current[0]: (of[current], of[previous]) for current, previous in pairs}

    def totals(self) -> Iterator[dict[str, Any]]:
        """Yield the totals of every period in which an account is expected, oldest first."""
        accounts, now = self._selection.accounts, self._selection.now
        for current, previous in self._pairs.values():
            row = workspace_totals(current, accounts, now)
            if row is not None:
                if self._selection.query.compare:
                    row["comparison"] = compare_totals(current, previous, accounts, now)
                yield row

    def compared(self, documents: Sequence[AggregatedDocument]) -> Iterator[dict[str, Any]]:
        """Yield rollups with their comparisons."""
        accounts = {account.account_id: account for account in self._selection.accounts}
        for document in documents:
            account_id = document["accountId"]
            # An account that was erased after the accounts were read counts as one without hours.
            account = accounts.get(account_id) or Connection(account_id, document["platform"], ())
            pair = self._pairs[document["periodStart"]]
            yield {**document, "comparison": compare_account(*pair, account, self._selection.now)}


async def aggregated(request: Request) -> Response:
    """Answer the rollups of the periods that overlap the range, and the workspace's totals of each period."""
    workspace_id = await workspace(request, "read")
    query, parts, route = parse(request, AggregatedQuery), services(request), request.url.path
    place = decode_cursor(query, route, 2)
    after = (instant(place[0]), str(place[1])) if place else None
    query.days()
    scope: dict[str, Any] = {"workspaceId": workspace_id}
    scope |= {"platform": query.platform} if query.platform else {}
    scope |= {"accountId": query.account_id} if query.account_id else {}

    def read(state: State) -> bytes:
        accounts = in_scope(accounts_of(parts.store, key_of(request), workspace_id), scope)
        selection = _Selection(query, scope, accounts, utcnow())
        documents = _documents(parts.store, selection)
        first = next((start for start, _ in selection.spans()), None)
        found = [d for d in documents if first is not None and d["periodStart"] >= first]
        rest = [d for d in found if after is None or (d["periodStart"], d["accountId"]) > after]
        page, cursor = rest[: query.limit], None
        if len(rest) > query.limit:
            cursor = encode_cursor(query, route, [milliseconds(page[-1]["periodStart"]), page[-1]["accountId"]])
        periods = _Periods(selection, documents)
        covered = coverage(parts.store, accounts, scope, *query.bounds())
        data = keep_fields(periods.compared(page) if query.compare else page, query.fields)
        body = envelope(data, query, state, cursor=cursor, period=query.period, coverage=covered)
        body["totals"] = keep_fields(periods.totals(), query.fields)
        if query.group_by:
            groups = totals_by_platform(
                accounts, lambda some: _Periods(replace(selection, accounts=some), documents).totals()
            )
            body["groups"] = keep_fields(groups, query.fields)
        return dump_json(body)

    return await answer(request, workspace_id, "aggregated", query, read)
