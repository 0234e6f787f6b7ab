"""`GET /analytics/stream`: server-sent events of a workspace, and the tickets that open such a stream."""

from contextlib import suppress

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
from serving.stream.response import EventStream
from serving.stream.subscriber import Subscriber
from serving.wire.problems import not_found


async def stream(request: Request) -> Response:
    """Stream the events of a workspace."""
    query = parse(request, StreamQuery)
    parts = services(request)
    ticket = await tickets.find(parts.redis, query.ticket) if query.ticket is not None else None
    key = ticket.key if ticket else await parts.auth.authenticate(request)
    require(key, "read")
    require_workspace(key, query.workspace_id)
    await _check_subjects(parts, key, query)
    parts.hub.clients.refuse_above_limit(key)
    # HEAD, and a request that is refused, leave the ticket as it is.
    if ticket and request.method != "HEAD":
        await _use(parts, ticket)
    subscriber = Subscriber(query.workspace_id, query.account_id, query.post_id, _events(query))
    # A browser reconnects with its original URL, so the position in the header is the newer one.
    after = request.headers.get("last-event-id") or query.last_event_id
    kept = ticket.name if ticket and ticket.reconnects else None
    return EventStream(parts.hub, key, subscriber, after, kept)


async def _use(parts: Services, ticket: tickets.Ticket) -> None:
    if ticket.reconnects:
        await tickets.check_key(parts.auth, ticket)
    await tickets.use(parts.redis, ticket)


async def _check_subjects(parts: Services, key: ApiKey, query: StreamQuery) -> None:
    # Without MongoDB, clients are let in unchecked: a browser gives up a stream that is answered with 503.
    with suppress(MongoUnavailable):
        await parts.threads.run(require_existing, parts.store, key, query.workspace_id)
    if query.account_id is not None:
        account = await parts.threads.run(parts.store.accounts.get, query.account_id)
        if account["workspaceId"] != query.workspace_id:
            raise not_found()
    if query.post_id is not None:
        post = await parts.threads.run(parts.store.posts.get, query.post_id)
        if post["workspaceId"] != query.workspace_id:
            raise not_found()


def _events(query: StreamQuery) -> frozenset[str]:
    names = frozenset((query.events or "").split(",")) - {""}
    if names - set(EVENT_NAMES):
        raise InvalidInput(f"events: each must be one of {', '.join(EVENT_NAMES)}", "events")
    return names


async def create_ticket(request: Request) -> Response:
    """Issue a ticket for one stream or one download, or one with which a stream may also reconnect."""
    key = await services(request).auth.authenticate(request)
    require(key, "read")
    query = parse(request, TicketQuery)
    ticket = await tickets.issue(services(request).redis, key, reconnects=query.reconnects)
    content = b'{"ticket":"%s","expiresIn":%d}' % (ticket.encode(), tickets.TICKET_SECONDS)
    return Response(content, 201, {"Cache-Control": "no-store"}, media_type="application/json")
