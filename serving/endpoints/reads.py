"""The reads of observations, rollups, posts and accounts."""

from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.catalog import CATALOG, DEFINITION_VERSION, RATE_BASIS, engagement
from metrics.documents import Document, PostDocument
from metrics.errors import InvalidInput, NotFound
from metrics.export.rows import observation
from metrics.store import Store
from metrics.store.observations import Position, position
from serving.auth.authenticator import require
from serving.cache.answer_cache import State, finish
from serving.endpoints.access import exists, operation, owner, workspace
from serving.endpoints.coverage import Scope, accounts_of, coverage, narrowed
from serving.endpoints.envelope import WHOLE, cached, encode, envelope, history_shown, milliseconds, respond, shown
from serving.endpoints.query import (
    MetricsQuery,
    NoQuery,
    PageQuery,
    PostMetricsQuery,
    PostsQuery,
    decode_cursor,
    encode_cursor,
    instant,
    parse,
)
from serving.schemas.reads import Account, Post
from serving.schemas.work import Operation
from serving.services import services


def page_of(store: Store, scope: Scope, query: PageQuery, route: str) -> tuple[list[Document], str | None]:
    """Return a page of observations and the cursor of the next."""
    place = decode_cursor(query, route, 3)
    after = Position(instant(place[0]), str(place[1]), str(place[2])) if place else None
    start, end = query.bounds()
    found = store.observations.page(scope, start, end, limit=query.limit + 1, after=after)
    if len(found) <= query.limit:
        return found, None
    found = found[: query.limit]
    last = position(found[-1])
    return found, encode_cursor(query, route, [milliseconds(last.slot), last.account_id, last.post_id])


async def _metrics(request: Request, scope: dict[str, Any]) -> Response:
    """Answer observations within a scope, which names the workspace and perhaps an account."""
    query, parts, route = parse(request, MetricsQuery), services(request), request.url.path
    scope |= {"platform": query.platform} if query.platform else {}
    wanted = scope | ({"metricType": query.metric_type} if query.metric_type else {})
    decode_cursor(query, route, 3)
    query.days()

    def read(state: State) -> bytes:
        accounts = accounts_of(parts.store, scope["workspaceId"])
        if "accountId" in scope and all(one.account_id != scope["accountId"] for one in accounts):
            raise NotFound(f"no account {scope['accountId']}")
        found, cursor = page_of(parts.store, wanted, query, route)
        covered = coverage(parts.store, narrowed(accounts, scope), scope, *query.bounds())
        return encode(envelope([observation(d) for d in found], query, state, cursor=cursor, coverage=covered))

    return await cached(request, scope["workspaceId"], "metrics", query, lambda s: parts.threads.run(read, s))


async def workspace_metrics(request: Request) -> Response:
    """Answer the observations of a workspace, oldest first."""
    workspace_id = await workspace(request, "read")
    return await _metrics(request, {"workspaceId": workspace_id})


async def account_metrics(request: Request) -> Response:
    """Answer the observations of one account and its posts."""
    found, account_id = await owner(request, "account")
    return await _metrics(request, {"workspaceId": found.workspace_id, "accountId": account_id})


async def post_metrics(request: Request) -> Response:
    """Answer a post, its latest values and its observations."""
    of, post_id = await owner(request, "post")
    query, parts, route = parse(request, PostMetricsQuery), services(request), request.url.path
    scope = {"workspaceId": of.workspace_id, "accountId": of.account_id, "postId": post_id}
    decode_cursor(query, route, 3)
    query.days()

    def read(state: State) -> bytes:
        found = parts.store.posts.get(post_id)
        observed, cursor = page_of(parts.store, scope, query, route)
        data = latest_of(found, parts.store.observations.latest([post_id]).get(post_id))
        data["observations"] = [observation(d) for d in observed]
        accounts = narrowed(accounts_of(parts.store, of.workspace_id), scope)
        covered = coverage(parts.store, accounts, scope, *query.bounds())
        return encode(envelope(data, query, state, cursor=cursor, coverage=covered))

    return await cached(request, of.workspace_id, "metrics", query, lambda s: parts.threads.run(read, s))


def latest_of(found: PostDocument, latest: Document | None) -> dict[str, Any]:
    """Return a post with its latest values; engagement and its rate over the post's life are derived."""
    data = shown(found, Post, "postId")
    metrics = dict(latest["metrics"]) if latest else {}
    unavailable = dict(latest.get("unavailable") or {}) if latest else {}
    total = engagement(metrics, found["platform"], found["metricType"], found["contentType"])
    if total is not None:
        metrics["engagement"] = total
        basis = metrics.get(RATE_BASIS[found["platform"]])
        if basis:
            metrics["engagementRate"] = 100 * total / basis
    data |= {"metrics": metrics, "unavailable": {n: r for n, r in unavailable.items() if n not in metrics}}
    data["engagementRateBasis"] = RATE_BASIS[found["platform"]]
    if latest:
        data |= {"timestamp": latest["timestamp"], "collectedAt": latest["collectedAt"]}
    return data


async def posts(request: Request) -> Response:
    """Answer the posts published in the range with their latest values, the best first."""
    workspace_id = await workspace(request, "read")
    query, parts, route = parse(request, PostsQuery), services(request), request.url.path
    place = _place(decode_cursor(query, route, 2))
    query.days()

    def read(state: State) -> bytes:
        accounts = accounts_of(parts.store, workspace_id)
        fields: dict[str, Any] = {"platform": query.platform, "contentType": query.content_type}
        published = parts.store.posts.published(
            workspace_id, *query.bounds(), **{n: v for n, v in fields.items() if v is not None}
        )
        latest = parts.store.observations.latest([p["_id"] for p in published])
        ordered = sorted((latest_of(p, latest.get(p["_id"])) for p in published), key=lambda d: _rank(d, query.sort))
        rest = [d for d in ordered if place is None or _rank(d, query.sort) > place]
        data, cursor = rest[: query.limit], None
        if len(rest) > query.limit:
            missing, value, last = _rank(data[-1], query.sort)
            cursor = encode_cursor(query, route, [None if missing else value, last])
        scope = {"workspaceId": workspace_id} | ({"platform": query.platform} if query.platform else {})
        covered = coverage(parts.store, narrowed(accounts, scope), scope, *query.bounds())
        return encode(envelope(data, query, state, cursor=cursor, coverage=covered))

    return await cached(request, workspace_id, "posts", query, lambda s: parts.threads.run(read, s))


def _place(position: list[Any] | None) -> tuple[bool, float, str] | None:
    """Return the rank that a cursor continues behind: by value, so that a new post moves no page."""
    if position is None:
        return None
    value, post_id = position
    if not isinstance(post_id, str) or not isinstance(value, int | float | None) or isinstance(value, bool):
        raise InvalidInput("cursor: not one that an answer gave", "cursor")
    return value is None, value or 0, post_id


def _rank(data: dict[str, Any], sort: str) -> tuple[bool, float, str]:
    """Order by a value, greatest first; posts without it come last, never as 0."""
    value = data["publishedAt"].timestamp() if sort == "publishedAt" else data["metrics"].get(sort)
    return value is None, -(value or 0), data["postId"]


async def accounts(request: Request) -> Response:
    """Answer the accounts of a workspace, their state, last collection and what was wrong with it."""
    workspace_id = await workspace(request, "read")
    query, parts = parse(request, NoQuery), services(request)

    def read(state: State) -> bytes:
        exists(parts.store, workspace_id)
        records = parts.store.collections.last_by_account(workspace_id)
        histories = parts.store.memories.histories(workspaceId=workspace_id)
        data = []
        for one in parts.store.accounts.find(workspace_id=workspace_id):
            record = records.get(one["_id"], {})
            last, collected = record.get("last"), record.get("collected")
            row = shown(one, Account, "accountId")
            if collected:
                row |= {"lastCollectedSlot": collected["slot"], "lastCollectedAt": collected["finishedAt"]}
            if last and last["state"] != "collected":
                said = {n: last[n] for n in ("reason", "message") if n in last}
                row["lastError"] = {"slot": last["slot"], **said}
            if last and "problems" in last:
                row["lastProblems"] = [{"slot": last["slot"], **problem} for problem in last["problems"]]
            if one["_id"] in histories:
                row["history"] = history_shown(histories[one["_id"]])
            data.append(row)
        return encode(envelope(data, query, state))

    return await cached(request, workspace_id, "accounts", query, lambda s: parts.threads.run(read, s))


async def workspaces(request: Request) -> Response:
    """Answer the workspaces of the key that have an account."""
    parts = services(request)
    key = await parts.auth.authenticate(request)
    require(key, "read")
    parse(request, NoQuery)
    known = await parts.threads.run(parts.store.accounts.workspaces)
    data = [{"workspaceId": one} for one in known if key.allows(one)]
    return respond(request, await finish(encode({"data": data, "page": WHOLE, "meta": {}}), State(None, None)))


async def catalog(request: Request) -> Response:
    """Answer the catalog of metrics."""
    require(await services(request).auth.authenticate(request), "read")
    parse(request, NoQuery)
    return respond(request, await finish(_catalog(), State(None, None)))


@cache
def _catalog() -> bytes:
    data = [
        {
            "name": m.name,
            "subject": m.subject,
            "kind": m.kind,
            "unit": m.unit,
            "meaning": m.meaning,
            "addsOverTime": m.adds_over_time,
            "addsOverSubjects": m.adds_over_subjects,
            "platforms": {
                p: {"field": o.field, "metricTypes": o.on, "since": o.since.isoformat() if o.since else None}
                for p, o in m.offers.items()
            },
        }
        for m in CATALOG.values()
    ]
    meta = {"engagementRateBasis": dict(RATE_BASIS), "definitionVersion": DEFINITION_VERSION}
    return encode({"data": data, "page": WHOLE, "meta": meta})


async def operation_state(request: Request) -> Response:
    """Answer where a requested operation stands; of a history also how far each of its accounts is."""
    found = await operation(request)
    parse(request, NoQuery)
    data = shown(found, Operation, "operationId")
    if found["kind"] == "history":
        parts = services(request)
        scope = {"history.operationId": found["_id"]}
        histories = await parts.threads.run(lambda: parts.store.memories.histories(**scope))
        data["histories"] = [{"accountId": one, **history_shown(histories[one])} for one in sorted(histories)]
    body = encode({"data": data})
    return Response(body, headers={"Cache-Control": "no-store"}, media_type="application/json")
