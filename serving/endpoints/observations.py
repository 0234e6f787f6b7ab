"""`GET …/metrics` of a workspace or of an account: observations, oldest first, page by page."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.calendars import Calendar
from metrics.documents import Document
from metrics.encoding import dump_json
from metrics.errors import NotFound
from metrics.export.rows import observation
from metrics.store import Store
from metrics.store.observations import Position, position
from serving.cache.plan import State
from serving.endpoints.access import key_of, owner, workspace
from serving.endpoints.answering import answer, envelope
from serving.endpoints.coverage import Scope, accounts_of, coverage, in_scope
from serving.endpoints.cursors import decode_cursor, encode_cursor, instant, milliseconds
from serving.endpoints.query import (
    MetricsQuery,
    PageQuery,
    parse,
)
from serving.services import services


def page_of(
    store: Store, scope: Scope, query: PageQuery, calendar: Calendar, route: str
) -> tuple[list[Document], str | None]:
    """Return a page of observations of the days of a calendar, and the cursor of the next page or None."""
    place = decode_cursor(query, route, 3)
    after = Position(instant(place[0]), str(place[1]), str(place[2])) if place else None
    start, end = query.bounds(calendar)
    found = store.observations.page(scope, start, end, limit=query.limit + 1, after=after)
    if len(found) <= query.limit:
        return found, None
    found = found[: query.limit]
    last = position(found[-1])
    return found, encode_cursor(query, route, [milliseconds(last.slot), last.account_id, last.post_id])


async def _metrics(request: Request, scope: dict[str, Any]) -> Response:
    """Answer the observations within a scope, which is a workspace or one of its accounts."""
    query, parts, route = parse(request, MetricsQuery), services(request), request.url.path
    scope |= {"platform": query.platform} if query.platform else {}
    wanted = scope | ({"metricType": query.metric_type} if query.metric_type else {})
    decode_cursor(query, route, 3)
    query.days()

    def read(state: State) -> bytes:
        accounts = accounts_of(parts.store, key_of(request), scope["workspaceId"])
        if "accountId" in scope and all(account.account_id != scope["accountId"] for account in accounts):
            raise NotFound(f"no account {scope['accountId']}")
        calendar = parts.store.calendars.get(scope["workspaceId"]).current
        dated = query.dated(calendar)
        found, cursor = page_of(parts.store, wanted, query, calendar, route)
        covered = coverage(parts.store, in_scope(accounts, scope), scope, *dated.bounds(calendar))
        return dump_json(envelope([observation(d) for d in found], dated, state, cursor=cursor, coverage=covered))

    return await answer(request, scope["workspaceId"], "metrics", query, read)


async def workspace_metrics(request: Request) -> Response:
    """Answer the observations of a workspace, oldest first."""
    workspace_id = await workspace(request, "read")
    return await _metrics(request, {"workspaceId": workspace_id})


async def account_metrics(request: Request) -> Response:
    """Answer the observations of one account and its posts."""
    found, account_id = await owner(request, "account")
    return await _metrics(request, {"workspaceId": found.workspace_id, "accountId": account_id})
