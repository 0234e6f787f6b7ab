"""What is asked for over HTTP: durable before it is answered, run by the pipeline."""

import re
from datetime import datetime
from typing import Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import Response

from metrics.cache import invalidate
from metrics.clock import utcnow
from metrics.documents import ContentType, OperationDocument, PostDocument
from metrics.ids import post_id
from metrics.periods import PERIODS, Period, midnight, period_end, period_start
from serving.access import account, workspace
from serving.answers import encode, renamed
from serving.problems import Problem, not_found
from serving.query import AggregateQuery, Id, InvalidateQuery, NoQuery, parse
from serving.services import Services, services

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
B = TypeVar("B", bound=BaseModel)


class PublishedPost(BaseModel):
    """The publishing module's word that a post is out."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    platform_post_id: Id
    published_at: AwareDatetime
    content_type: ContentType


async def _body(request: Request, model: type[B]) -> B:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(415, "Send JSON: `Content-Type: application/json`.")
    return model.model_validate_json(await request.body())


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(400, "Idempotency-Key: 1 to 200 visible ASCII characters.")
    return key


async def _request(request: Request, parts: Services, kind: Any, workspace_id: str, **scope: Any) -> Response:
    key = _idempotency_key(request)
    operation: OperationDocument = await parts.threads.run(
        parts.store.operations.request, kind, workspace_id, idempotency_key=key, **scope
    )
    shown = renamed(operation, "operationId", "scopeKey", "idempotencyKey", "parts")
    headers = {"Location": f"/analytics/operations/{operation['_id']}", "Cache-Control": "no-store"}
    return Response(encode({"data": shown}), 202, headers, media_type="application/json")


async def collect_workspace(request: Request) -> Response:
    """Ask for a collection of every account of a workspace."""
    workspace_id = await workspace(request, "collect")
    parse(request, NoQuery)
    return await _request(request, services(request), "collect", workspace_id)


async def collect_account(request: Request) -> Response:
    """Ask for a collection of one account."""
    found = await account(request, "collect")
    parse(request, NoQuery)
    if found["state"] != "active":
        raise Problem(422, f"The account is {found['state']}: it is not collected until it is active again.")
    return await _request(request, services(request), "collect", found["workspaceId"], account_id=found["_id"])


async def aggregate(request: Request) -> Response:
    """Ask for the rollups of the period that holds a date."""
    workspace_id = await workspace(request, "collect")
    period = request.path_params["period"]
    if period not in PERIODS:
        raise not_found()
    query, parts = parse(request, AggregateQuery), services(request)
    start = period_start(period, midnight(query.date))
    if start > utcnow():
        raise Problem(422, "The period has not begun.", errors=[("date", "the period has not begun")])
    await parts.threads.run(_check_data, parts, workspace_id, period, start)
    return await _request(request, parts, "aggregate", workspace_id, period=period, period_start=start)


def _check_data(parts: Services, workspace_id: str, period: Period, start: datetime) -> None:
    first = min(a["connectedAt"] for a in parts.store.accounts.find(workspace_id=workspace_id))
    if period_end(period, start) > first:
        return
    if not parts.store.observations.page({"workspaceId": workspace_id}, start, period_end(period, start), limit=1):
        raise Problem(422, "The period is before any data.", errors=[("date", "before any data")])


async def invalidate_cache(request: Request) -> Response:
    """Drop cached answers of a workspace."""
    workspace_id = await workspace(request, "collect")
    query, parts = parse(request, InvalidateQuery), services(request)
    dropped = await parts.threads.run(invalidate, parts.sync_redis, workspace_id, query.pattern)
    return Response(encode({"invalidated": dropped}), media_type="application/json")


async def publish_post(request: Request) -> Response:
    """Record a post that is out, and ask for its collection at once."""
    found = await account(request, "collect")
    parse(request, NoQuery)
    body, parts = await _body(request, PublishedPost), services(request)
    if body.published_at > utcnow():
        raise Problem(422, "publishedAt: it is in the future.", errors=[("publishedAt", "in the future")])
    one = post_id(found["_id"], body.platform_post_id)
    document: PostDocument = {
        "_id": one,
        "workspaceId": found["workspaceId"],
        "accountId": found["_id"],
        "platform": found["platform"],
        "platformPostId": body.platform_post_id,
        "metricType": "post",
        "contentType": body.content_type,
        "publishedAt": body.published_at,
    }
    await parts.threads.run(parts.store.posts.put, [document])
    scope = {"account_id": found["_id"], "post_id": one}
    return await _request(request, parts, "collect", found["workspaceId"], **scope)
