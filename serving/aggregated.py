"""Rollups, the workspace's totals of each period, and their comparison with the period before."""

from collections import defaultdict
from datetime import datetime
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from metrics.aggregation import custom
from metrics.clock import utcnow
from metrics.documents import AggregatedDocument, Platform
from metrics.periods import Period, period_start, previous_start
from metrics.store import Store
from metrics.totals import compare, workspace_totals
from serving.access import exists, workspace
from serving.answers import cached, encode, envelope, milliseconds
from serving.cache import State
from serving.query import AggregatedQuery, decode_cursor, encode_cursor, instant, parse
from serving.reads import coverage
from serving.services import services


def _documents(store: Store, workspace_id: str, query: AggregatedQuery) -> list[AggregatedDocument]:
    """Return the rollups of the range, and before them those that they are compared with."""
    start, end = query.bounds()
    scope: dict[str, Any] = {
        "platform": cast("Platform | None", query.platform),
        "account_ids": [query.account_id] if query.account_id else None,
    }
    if query.period == "custom":
        before = (
            custom(store, workspace_id, start - (end - start), start, now=utcnow(), **scope) if query.compare else []
        )
        return before + custom(store, workspace_id, start, end, now=utcnow(), **scope)
    period = cast("Period", query.period)
    first = period_start(period, start)
    low = previous_start(period, first) if query.compare else first
    return store.rollups.aggregated(workspace_id, period, low, end, **scope)


def totals(documents: list[AggregatedDocument], first: datetime, account_ids: list[str]) -> list[dict[str, Any]]:
    """Return the totals of every period from `first`, oldest first, compared where the period before is there."""
    periods: dict[datetime, list[AggregatedDocument]] = defaultdict(list)
    for document in documents:
        periods[document["periodStart"]].append(document)
    made = {start: workspace_totals(periods[start], account_ids) for start in sorted(periods)}
    ends = {start: periods[start][0]["periodEnd"] for start in made}
    by_end = {end: start for start, end in ends.items()}
    found = []
    for start, total in made.items():
        if start < first:
            continue
        row = {"periodStart": start, "periodEnd": ends[start], **total}
        before = made.get(by_end[start]) if start in by_end else None
        if before is not None:
            row["comparison"] = compare(
                total["metrics"], before["metrics"], current_status=total["status"], previous_status=before["status"]
            )
        found.append(row)
    return found


async def aggregated(request: Request) -> Response:
    """Answer the rollups of periods that overlap the range, and the workspace's totals."""
    workspace_id = await workspace(request, "read")
    query, parts, route = parse(request, AggregatedQuery), services(request), request.url.path
    place = decode_cursor(query, route, 2)
    after = (instant(place[0]), str(place[1])) if place else None
    start, end = query.bounds()
    first = start if query.period == "custom" else period_start(cast("Period", query.period), start)

    def read(state: State) -> bytes:
        exists(parts.store, workspace_id)
        scope: dict[str, Any] = {"workspaceId": workspace_id}
        scope |= {"platform": query.platform} if query.platform else {}
        scope |= {"accountId": query.account_id} if query.account_id else {}
        documents = _documents(parts.store, workspace_id, query)
        found = [d for d in documents if d["periodStart"] >= first]
        rest = [d for d in found if after is None or (d["periodStart"], d["accountId"]) > after]
        shown, cursor = rest[: query.limit], None
        if len(rest) > query.limit:
            cursor = encode_cursor(query, route, [milliseconds(shown[-1]["periodStart"]), shown[-1]["accountId"]])
        wanted = parts.store.accounts.find(workspace_id=workspace_id, platform=cast("Platform | None", query.platform))
        account_ids = [a["_id"] for a in wanted if query.account_id in (None, a["_id"])]
        covered = coverage(parts.store, scope, start, end)
        data = [{name: value for name, value in d.items() if name != "_id"} for d in shown]
        body = envelope(data, query, state, cursor=cursor, period=query.period, coverage=covered)
        body["totals"] = totals(documents if query.compare else found, first, account_ids)
        return encode(body)

    return await cached(request, workspace_id, "aggregated", query, lambda s: parts.threads.run(read, s))
