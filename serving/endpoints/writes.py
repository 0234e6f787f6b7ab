"""Requests for work over HTTP: stored durably as operations before they are answered, and run by the pipeline."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal, ParamSpec, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from metrics.calendars import Span
from metrics.calendars.workspace import partition_start
from metrics.clock import utcnow
from metrics.documents import AccountDocument, OperationDocument, OperationKind, PostDocument
from metrics.encoding import dump_json
from metrics.errors import InvalidInput, NotFound, QueueFull, RedisUnavailable
from metrics.identity import check_announced_id, normal_post_id
from metrics.ids import post_id
from metrics.kinds import check_kind
from metrics.periods import PERIODS, Period
from metrics.redis.events import Announcer, operation_status
from metrics.redis.versions import invalidate
from metrics.store.operations import scope_key
from metrics.store.rollup.publications import put_posts
from metrics.upkeep.retention import Horizon
from serving.endpoints.access import account, existing_workspace, key_of
from serving.endpoints.bodies import json_body
from serving.endpoints.query import AggregateQuery, CollectQuery, InvalidateQuery, NoQuery, parse
from serving.process.measures import LIMITED
from serving.schemas.base import public_fields
from serving.schemas.work import Operation, PublishedPost
from serving.services import Services, services
from serving.wire.problems import Problem

log = logging.getLogger(__name__)

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_REMEDIES: Mapping[str, str] = {"paused": "resume it first (`tidemark accounts resume`)"}
_RETRY_LATER = {"Retry-After": "60"}
_SCOPE = ("account_id", "post_id", "period", "period_start")
P = ParamSpec("P")
T = TypeVar("T")


async def _in_thread(request: Request, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a call in a thread, and return its result; the calls of one key together occupy a part of the threads."""
    return await services(request).threads.run_for(key_of(request).key_id, call, *args, **kwargs)


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        message = "must have 1 to 200 visible ASCII characters"
        raise Problem(400, f"Idempotency-Key: {message}.", errors=[("Idempotency-Key", message)])
    return key


async def _queue(request: Request, kind: OperationKind, workspace_id: str, **scope: Any) -> OperationDocument:
    """Store an operation durably and return it; a repeated request gets the operation of the first one."""
    key, parts = _idempotency_key(request), services(request)
    await _require_room(request, kind, workspace_id, key, scope)
    with _full_queue_refuses():
        queued = await _in_thread(
            request, parts.store.operations.request, kind, workspace_id, idempotency_key=key, **scope
        )  # fmt: skip
    _check_same(queued, kind, workspace_id, scope)
    return queued


async def _require_room(
    request: Request, kind: OperationKind, workspace_id: str, key: str | None, scope: Mapping[str, Any]
) -> None:
    """Refuse a new operation of a workspace whose queue is full; a repeated request is not refused.

    Raises:
        Problem: 429, the workspace has as many queued operations as it may.
    """

    parts = services(request)

    def check() -> None:
        repeated = key is not None and parts.store.operations.repeated(workspace_id, key) is not None
        if not repeated and parts.store.operations.queued(_scope_key(kind, workspace_id, scope)) is None:
            parts.store.operation_queue.require_room(workspace_id, parts.settings.queued_operations)

    with _full_queue_refuses():
        await _in_thread(request, check)


@contextmanager
def _full_queue_refuses() -> Iterator[None]:
    """Answer 429 where a queue is full."""
    try:
        yield
    except QueueFull as error:
        LIMITED.inc()
        raise Problem(429, str(error), headers=_RETRY_LATER) from None


def _scope_key(kind: OperationKind, workspace_id: str, scope: Mapping[str, Any]) -> str:
    return scope_key(kind, workspace_id, *(scope.get(name) for name in _SCOPE), posts=scope.get("posts"))


def _check_same(found: OperationDocument, kind: OperationKind, workspace_id: str, scope: Mapping[str, Any]) -> None:
    """Refuse an idempotency key whose operation has another kind or scope than the present request."""
    if found["scopeKey"] != _scope_key(kind, workspace_id, scope):
        detail = "Idempotency-Key: it was used for a different request within the last 24 hours."
        raise Problem(422, detail, errors=[("Idempotency-Key", "was used for a different request")])


def _accepted(operation: OperationDocument) -> Response:
    headers = {"Location": f"/analytics/operations/{operation['_id']}", "Cache-Control": "no-store"}
    content = dump_json({"data": public_fields(operation, Operation, "operationId")})
    return Response(content, 202, headers, media_type="application/json")


async def collect_workspace(request: Request) -> Response:
    """Request a collection of every account of a workspace."""
    workspace_id = await existing_workspace(request, "collect")
    query, parts = parse(request, CollectQuery), services(request)
    await _in_thread(request, _refuse_empty, parts, workspace_id)
    return _accepted(await _queue(request, "collect", workspace_id, posts=_posts(query)))


async def collect_account(request: Request) -> Response:
    """Request a collection of one account."""
    found = await account(request, "collect")
    query = parse(request, CollectQuery)
    _refuse_inactive(found)
    scope = {"account_id": found["_id"], "posts": _posts(query)}
    return _accepted(await _queue(request, "collect", found["workspaceId"], **scope))


def _posts(query: CollectQuery) -> Literal["all"] | None:
    return "all" if query.posts == "all" else None


def _refuse_empty(parts: Services, workspace_id: str) -> None:
    if not parts.store.accounts.has_workspace(workspace_id):
        raise Problem(422, "The workspace has no account yet; connect one first (`tidemark accounts connect`).")


def _refuse_inactive(found: AccountDocument) -> None:
    if found["state"] != "active":
        remedy = _REMEDIES.get(found["state"], "connect it again first, with a new token (`tidemark accounts connect`)")
        raise Problem(422, f"The account is {found['state']} and therefore not collected; {remedy}.")


async def aggregate(request: Request) -> Response:
    """Request the rollups of the period that contains a date."""
    workspace_id = await existing_workspace(request, "collect")
    period = request.path_params["period"]
    if period not in PERIODS:
        raise InvalidInput(f"period: must be one of {', '.join(PERIODS)}", "period")
    query, parts = parse(request, AggregateQuery), services(request)
    calendar = (await _in_thread(request, parts.store.calendars.get, workspace_id)).current
    start, span = partition_start(calendar, period, query.date), calendar.span(period, query.date)
    if span.empty:
        raise Problem(422, "The workspace's time zone skipped the date.", errors=[("date", "there is no such date")])
    if span.start > utcnow():
        raise Problem(422, "The period has not begun yet.", errors=[("date", "the period has not begun yet")])
    await _in_thread(request, _check_data, parts, workspace_id, period, span)
    return _accepted(await _queue(request, "aggregate", workspace_id, period=period, period_start=start))


def _check_data(parts: Services, workspace_id: str, period: Period, span: Span) -> None:
    """Refuse a period whose data is no longer kept, and one from before any observation."""
    _refuse_empty(parts, workspace_id)
    if span.start < Horizon.of(parts.store, parts.settings, utcnow()).derivable(workspace_id, period):
        message = "the data that the period is derived from is no longer kept"
        raise Problem(422, f"The period cannot be rolled up: {message}.", errors=[("date", message)])
    first = min(a["connectedAt"] for a in parts.store.accounts.find(workspace_id=workspace_id))
    if span.end > first:
        return
    if not parts.store.observations.page({"workspaceId": workspace_id}, *span.bounds, limit=1):
        raise Problem(422, "The period is before any data.", errors=[("date", "the period is before any data")])


async def invalidate_cache(request: Request) -> Response:
    """Drop the cached answers of a workspace, or those of one kind."""
    workspace_id = await existing_workspace(request, "collect")
    query, parts = parse(request, InvalidateQuery), services(request)
    with parts.invalidations.running(key_of(request).key_id):
        dropped = await _in_thread(request, invalidate, parts.sync_redis, workspace_id, query.pattern)
    headers = {"Cache-Control": "no-store"}
    return Response(dump_json({"invalidated": dropped}), headers=headers, media_type="application/json")


async def publish_post(request: Request) -> Response:
    """Record a published post, and request its collection at once."""
    found = await account(request, "collect")
    parse(request, NoQuery)
    body, parts = await json_body(request, PublishedPost), services(request)
    _refuse_inactive(found)
    document = _published(found, body)
    scope = {"account_id": found["_id"], "post_id": document["_id"]}
    # Checked before anything is written, so that a refused request leaves no post behind.
    key = _idempotency_key(request)
    await _require_room(request, "collect", found["workspaceId"], key, scope)
    if key is not None:
        repeated = await _in_thread(request, parts.store.operations.repeated, found["workspaceId"], key)
        if repeated is not None:
            _check_same(repeated, "collect", found["workspaceId"], scope)
    await _in_thread(request, _record, parts, found, document)
    queued = await _queue(request, "collect", found["workspaceId"], **scope)
    await _in_thread(request, _announce, parts, queued)
    return _accepted(queued)


def _published(owner: AccountDocument, body: PublishedPost) -> PostDocument:
    """Return the document of an announced post.

    Raises:
        InvalidInput: the id does not have the form of the platform's ids.
        Problem: 422, the time of publishing is impossible, or the platform has no posts of this kind.
    """
    platform_post_id = normal_post_id(owner["platform"], body.platform_post_id)
    check_announced_id(owner["platform"], platform_post_id, body.metric_type, "platformPostId")
    if body.published_at > utcnow():
        message = "must not be in the future"
        raise Problem(422, f"publishedAt: {message}.", errors=[("publishedAt", message)])
    if body.published_at < _EARLIEST:
        message = "must not be before 2000"
        raise Problem(422, f"publishedAt: {message}.", errors=[("publishedAt", message)])
    try:
        check_kind(owner["platform"], body.metric_type, body.content_type)
    except InvalidInput as error:
        name, _, message = str(error).partition(": ")
        raise Problem(422, f"{error}.", errors=[(name, message)]) from None
    return {
        "_id": post_id(owner["_id"], platform_post_id),
        "workspaceId": owner["workspaceId"],
        "accountId": owner["_id"],
        "platform": owner["platform"],
        "platformPostId": platform_post_id,
        "metricType": body.metric_type,
        "contentType": body.content_type,
        "publishedAt": body.published_at,
        "announced": True,
    }


def _record(parts: Services, owner: AccountDocument, document: PostDocument) -> None:
    """Write a post if it is new. A stored post stays as it is, because the platform's own data is better."""
    try:
        parts.store.posts.get(document["_id"])
    except NotFound:
        put_posts(parts.store, owner, [document], {})


def _announce(parts: Services, operation: OperationDocument) -> None:
    """Announce the operation: cached answers without the post become outdated, and streams learn of the collection."""
    try:
        announcer = Announcer(parts.sync_redis, parts.settings.events_max, parts.settings.events_days)
        announcer.announce(operation["workspaceId"], [operation_status(operation)])
    except RedisUnavailable as error:
        log.warning("a published post was not announced at once, but its collection will be: %s", error)
