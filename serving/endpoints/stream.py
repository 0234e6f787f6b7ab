"""`GET /analytics/stream`: server-sent events of workspaces, and the tickets that open such a stream."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from metrics.errors import InvalidInput, MongoUnavailable
from metrics.redis.events import EVENT_NAMES
from metrics.store.api_keys import ApiKey
from serving.auth import tickets
from serving.auth.authenticator import require, require_workspace
from serving.endpoints.access import require_existing
from serving.endpoints.query import StreamQuery, TicketQuery, parse
from serving.services import Services, services
from serving.stream.combined import CombinedStream, Member
from serving.stream.cursor import parse_cursor
from serving.stream.response import EventStream
from serving.stream.subscriber import Subscriber
from serving.wire.problems import not_found

MAX_ID = 64
"""Characters of an event id of a stream of one workspace."""


async def stream(request: Request) -> Response:
    """Stream the events of one workspace, or of several."""
    query = parse(request, StreamQuery)
    events = _events(query)
    if len(query.workspace_ids) == 1 and len(query.last_event_id or "") > MAX_ID:
        raise InvalidInput(f"lastEventId: must have at most {MAX_ID} characters", "lastEventId")
    parts = services(request)
    ticket = await tickets.find(parts.redis, query.ticket) if query.ticket is not None else None
    key = ticket.key if ticket else await parts.auth.authenticate(request)
    require(key, "read")
    for workspace_id in query.workspace_ids:
        require_workspace(key, workspace_id)
    await _check_subjects(parts, key, query)
    parts.hub.clients.refuse_above_limit(key)
    # HEAD, and a request that is refused, leave the ticket as it is.
    if ticket and request.method != "HEAD":
        await _use(parts, ticket)
    filters = query.account_id, query.post_id, events
    # A browser reconnects with its original URL, so the position in the header is the newer one.
    after = request.headers.get("last-event-id") or query.last_event_id
    kept = ticket.name if ticket and ticket.reconnects else None
    if len(query.workspace_ids) == 1:
        return EventStream(parts.hub, key, Subscriber(query.workspace_ids[0], *filters), after, kept)
    members = [Member(workspace_id, *filters) for workspace_id in query.workspace_ids]
    return CombinedStream(parts.hub, key, members, _positions(query, after), kept)


def _positions(query: StreamQuery, after: str | None) -> dict[str, str]:
    """Return the event id after which each workspace is followed; without one, it is followed from now on."""
    if after is None:
        return {}
    cursor = parse_cursor(after)
    if cursor is None:
        # Not a cursor: the place in every workspace is lost, and each of them says so.
        return dict.fromkeys(query.workspace_ids, after)
    return {workspace_id: cursor[workspace_id] for workspace_id in query.workspace_ids if workspace_id in cursor}


async def _use(parts: Services, ticket: tickets.Ticket) -> None:
    if ticket.reconnects:
        await tickets.check_key(parts.auth, ticket)
    await tickets.use(parts.redis, ticket)


async def _check_subjects(parts: Services, key: ApiKey, query: StreamQuery) -> None:
    # Without MongoDB, clients are let in unchecked: a browser gives up a stream that is answered with 503.
    with suppress(MongoUnavailable):
        await parts.threads.run(_require_all, parts, key, query.workspace_ids)
    if query.account_id is not None:
        account = await parts.threads.run(parts.store.accounts.get, query.account_id)
        if account["workspaceId"] not in query.workspace_ids:
            raise not_found()
    if query.post_id is not None:
        post = await parts.threads.run(parts.store.posts.get, query.post_id)
        if post["workspaceId"] not in query.workspace_ids:
            raise not_found()


def _require_all(parts: Services, key: ApiKey, workspace_ids: Sequence[str]) -> None:
    for workspace_id in workspace_ids:
        require_existing(parts.store, key, workspace_id)


def _events(query: StreamQuery) -> frozenset[str]:
    names = frozenset((query.events or "").split(",")) - {""}
    if names - set(EVENT_NAMES):
        raise InvalidInput(f"events: each must be one of {', '.join(EVENT_NAMES)}", "events")
    return names


async def create_ticket(request: Request) -> Response:
    """Issue a ticket for one stream or one download, or one with which a stream may also reconnect."""
    key = await services(request).auth.authenticate(request)
    require(key, "read")
    query, parts = parse(request, TicketQuery), services(request)
    for workspace_id in query.workspace_ids:
        require_workspace(key, workspace_id)
    if query.workspace_ids:
        # A ticket names its workspaces, so that they have to exist when it is issued.
        await parts.threads.run(_require_all, parts, key, query.workspace_ids)
        key = replace(key, workspaces=query.workspace_ids)
    ticket = await tickets.issue(parts.redis, key, reconnects=query.reconnects)
    content = b'{"ticket":"%s","expiresIn":%d}' % (ticket.encode(), tickets.TICKET_SECONDS)
    return Response(content, 201, {"Cache-Control": "no-store"}, media_type="application/json")
