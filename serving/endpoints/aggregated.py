"""Rollups, the workspace's totals of each period, and their comparison with the period before."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from metrics.aggregation import custom
from metrics.aggregation.comparison import compare_account, compare_totals
from metrics.aggregation.totals import PeriodRollups, workspace_totals
from metrics.clock import utcnow
from metrics.documents import AggregatedDocument, Platform
from metrics.expected import Connection, Span
from metrics.periods import Period, period_end, previous_start, starts_between
from metrics.store import Store
from serving.cache.answer_cache import State
from serving.endpoints.access import workspace
from serving.endpoints.coverage import Scope, accounts_of, coverage, narrowed
from serving.endpoints.envelope import cached, encode, envelope, milliseconds
from serving.endpoints.query import AggregatedQuery, decode_cursor, encode_cursor, instant, parse
from serving.services import services


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a query asks for, as of one instant: spans of periods that have begun, and who is in scope."""

    query: AggregatedQuery
    scope: Scope
    accounts: Sequence[Connection]
    now: datetime

    def spans(self) -> list[Span]:
        """Return the periods that overlap the range, oldest first."""
        start, end = self.query.bounds()
        if self.query.period == "custom":
            return [(start, end)] if start <= self.now else []
        period = cast("Period", self.query.period)
        return [(one, period_end(period, one)) for one in starts_between(period, start, end) if one <= self.now]

    def before(self, span: Span) -> Span:
        """Return the period before one."""
        start, end = span
        if self.query.period == "custom":
            return start - (end - start), start
        return previous_start(cast("Period", self.query.period), start), start


def _documents(store: Store, asked: _Asked) -> list[AggregatedDocument]:
    """Return the rollups of the range, and before them those that they are compared with."""
    query, workspace_id, spans = asked.query, asked.scope["workspaceId"], asked.spans()
    if not spans:
        return []
    if query.compare:
        spans.insert(0, asked.before(spans[0]))
    scope: dict[str, Any] = {
        "platform": cast("Platform | None", query.platform),
        "account_ids": [query.account_id] if query.account_id else None,
    }
    if query.period != "custom":
        return store.rollups.aggregated(workspace_id, cast("Period", query.period), spans[0][0], spans[-1][1], **scope)
    found = (custom(store, workspace_id, *span, connections=asked.accounts, now=asked.now, **scope) for span in spans)
    return [document for documents in found for document in documents]


class _Periods:
    """The documents of an answer by period, and what follows from them."""

    def __init__(self, asked: _Asked, documents: Sequence[AggregatedDocument]) -> None:
        self._asked = asked
        by_start: dict[datetime, dict[str, AggregatedDocument]] = defaultdict(dict)
        for document in documents:
            by_start[document["periodStart"]][document["accountId"]] = document
        pairs = [(span, asked.before(span)) for span in asked.spans()]
        of = {span: PeriodRollups(*span, by_start.get(span[0], {})) for pair in pairs for span in pair}
        self._pairs = {current[0]: (of[current], of[previous]) for current, previous in pairs}

    def totals(self) -> Iterator[dict[str, Any]]:
        """Yield the totals of every period in which an account is expected, oldest first."""
        asked = self._asked
        for current, previous in self._pairs.values():
            row = workspace_totals(current, asked.accounts, asked.now)
            if row is not None:
                if asked.query.compare:
                    row["comparison"] = compare_totals(current, previous, asked.accounts, asked.now)
                yield row

    def compared(self, documents: Sequence[AggregatedDocument]) -> Iterator[dict[str, Any]]:
        """Yield documents with their comparisons."""
        asked, known = self._asked, {one.account_id: one for one in self._asked.accounts}
        for document in documents:
            account_id = document["accountId"]
            # An account that was erased while this is read has no hours any more.
            account = known.get(account_id) or Connection(account_id, document["platform"], ())
            pair = self._pairs[document["periodStart"]]
            yield {**document, "comparison": compare_account(*pair, account, asked.now)}


async def aggregated(request: Request) -> Response:
    """Answer the rollups of periods that overlap the range, and the workspace's totals."""
    workspace_id = await workspace(request, "read")
    query, parts, route = parse(request, AggregatedQuery), services(request), request.url.path
    place = decode_cursor(query, route, 2)
    after = (instant(place[0]), str(place[1])) if place else None
    query.days()
    scope: dict[str, Any] = {"workspaceId": workspace_id}
    scope |= {"platform": query.platform} if query.platform else {}
    scope |= {"accountId": query.account_id} if query.account_id else {}

    def read(state: State) -> bytes:
        accounts = narrowed(accounts_of(parts.store, workspace_id), scope)
        asked = _Asked(query, scope, accounts, utcnow())
        documents = _documents(parts.store, asked)
        first = next((start for start, _ in asked.spans()), None)
        found = [d for d in documents if first is not None and d["periodStart"] >= first]
        rest = [d for d in found if after is None or (d["periodStart"], d["accountId"]) > after]
        shown, cursor = rest[: query.limit], None
        if len(rest) > query.limit:
            cursor = encode_cursor(query, route, [milliseconds(shown[-1]["periodStart"]), shown[-1]["accountId"]])
        periods = _Periods(asked, documents)
        covered = coverage(parts.store, accounts, scope, *query.bounds())
        data = list(periods.compared(shown)) if query.compare else shown
        body = envelope(data, query, state, cursor=cursor, period=query.period, coverage=covered)
        body["totals"] = list(periods.totals())
        return encode(body)

    return await cached(request, workspace_id, "aggregated", query, lambda s: parts.threads.run(read, s))
