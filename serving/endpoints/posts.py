"""`GET …/posts` and `GET /analytics/post/{postId}/metrics`: posts with latest values, and one post's observations."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.catalog import LEVEL_BASIS, RATE_BASIS, engagement, engagement_parts, metrics_of, offered
from metrics.clock import utcnow
from metrics.documents import ContentType, Document, MetricType, Platform, PostDocument, Reason
from metrics.encoding import dump_json
from metrics.errors import InvalidInput
from metrics.expected import Connection
from metrics.export.rows import observation
from metrics.platforms.kept import not_kept
from metrics.platforms.registry import KEPT_DAYS
from metrics.post_content import folded, public_content, seen_after
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.posts import CaptionSearch
from serving.cache.plan import State
from serving.endpoints.access import key_of, owner, workspace
from serving.endpoints.answering import answer, envelope
from serving.endpoints.coverage import accounts_of, coverage, in_scope
from serving.endpoints.cursors import decode_cursor, encode_cursor, instant
from serving.endpoints.observations import page_of
from serving.endpoints.query import (
    PostMetricsQuery,
    PostsQuery,
    parse,
)
from serving.schemas.base import public_fields
from serving.schemas.reads import Post
from serving.services import services


async def posts(request: Request) -> Response:
    """Answer the posts published in the range with their latest values, sorted by one of these."""
    workspace_id = await workspace(request, "read")
    query, parts, route = parse(request, PostsQuery), services(request), request.url.path
    place = _place(decode_cursor(query, route, 2))
    query.days()
    page = _page_by_time(query, place)

    def read(state: State) -> bytes:
        accounts = accounts_of(parts.store, key_of(request), workspace_id)
        calendar = parts.store.calendars.get(workspace_id).current
        dated, (start, end) = query.dated(calendar), query.bounds(calendar)
        subject = {"platform": query.platform, "accountId": query.account_id}
        scope = {"workspaceId": workspace_id} | {name: value for name, value in subject.items() if value is not None}
        selected: dict[str, Any] = {n: v for n, v in scope.items() if n != "workspaceId"}
        selected |= {"contentType": query.content_type} if query.content_type else {}
        selected |= {"post_ids": query.post_ids.split(",")} if query.post_ids else {}
        selected |= {"caption": _caption_search(query.q, parts.settings)} if query.q else {}
        # If content is not stored, no caption contains anything, although older content may not be removed yet.
        none = query.q is not None and not parts.settings.store_post_content
        published = [] if none else parts.store.posts.published(workspace_id, start, end, **selected, **page)
        latest = parts.store.observations.latest([p["_id"] for p in published])
        levels = _levels(parts.store, published, latest)
        may_store = _permission(parts.store, workspace_id, accounts)
        rows = (
            with_latest_values(p, latest.get(p["_id"]), levels.get(p["_id"]), stored=may_store(p))
            | _content(p, parts.settings)
            for p in published
        )
        ordered = sorted(rows, key=lambda row: _rank(row, query))
        rest = [d for d in ordered if place is None or _rank(d, query) > place]
        data, cursor = rest[: query.limit], None
        if len(rest) > query.limit:
            missing, value, last = _rank(data[-1], query)
            cursor = encode_cursor(query, route, [None if missing else value, last])
        covered = coverage(parts.store, in_scope(accounts, scope), scope, start, end)
        return dump_json(envelope(data, dated, state, cursor=cursor, coverage=covered))

    return await answer(request, workspace_id, "posts", query, read)


async def post_metrics(request: Request) -> Response:
    """Answer a post, its latest values and its observations."""
    found, post_id = await owner(request, "post")
    query, parts, route = parse(request, PostMetricsQuery), services(request), request.url.path
    scope = {"workspaceId": found.workspace_id, "accountId": found.account_id, "postId": post_id}
    decode_cursor(query, route, 3)
    query.days()

    def read(state: State) -> bytes:
        post = parts.store.posts.get(post_id)
        calendar = parts.store.calendars.get(found.workspace_id).current
        dated = query.dated(calendar)
        observed, cursor = page_of(parts.store, scope, query, calendar, route)
        latest = parts.store.observations.latest([post_id])
        levels = _levels(parts.store, [post], latest)
        accounts = in_scope(accounts_of(parts.store, key_of(request), found.workspace_id), scope)
        may_store = _permission(parts.store, found.workspace_id, accounts)
        data = with_latest_values(post, latest.get(post_id), levels.get(post_id), stored=may_store(post))
        data |= _content(post, parts.settings)
        data["observations"] = [observation(d) for d in observed]
        covered = coverage(parts.store, accounts, scope, *dated.bounds(calendar))
        return dump_json(envelope(data, dated, state, cursor=cursor, coverage=covered))

    return await answer(request, found.workspace_id, "metrics", query, read)


def _levels(store: Store, published: Sequence[PostDocument], latest: Mapping[str, Document]) -> dict[str, int | float]:
    """Return, by id of a post, the level of its account by which engagement is divided, in the slot of its values.

    Only posts of platforms with such a basis are in the result, if the level was observed in that slot.
    """
    found: dict[str, int | float] = {}
    for platform, name in LEVEL_BASIS.items():
        read = [post for post in published if post["platform"] == platform and post["_id"] in latest]
        slots = {post["_id"]: (post["accountId"], latest[post["_id"]]["timestamp"]) for post in read}
        levels = store.observations.levels(set(slots.values()), name)
        found |= {post_id: levels[place] for post_id, place in slots.items() if place in levels}
    return found


def _permission(store: Store, workspace_id: str, accounts: Iterable[Connection]) -> Callable[[PostDocument], bool]:
    """Return what tells whether the terms allow to store the numbers of a post, from its publication on."""
    not_stored, now = store.consents.not_stored(workspace_id), utcnow()
    limited = {one.account_id: one for one in accounts if (one.platform, one.access) in KEPT_DAYS}

    def may_store(post: PostDocument) -> bool:
        account = limited.get(post["accountId"])
        lost = account is not None and not_kept(account.platform, account.access, post["publishedAt"], now)
        return post["platform"] not in not_stored and not lost

    return may_store


def with_latest_values(
    post: PostDocument, latest: Document | None, level: float | None = None, *, stored: bool = True
) -> dict[str, Any]:
    """Return a post with its latest values, and with the engagement (rate) over its life that follows from them.

    `level` is the account's level by which the engagement is divided on platforms in `LEVEL_BASIS`. `stored` tells
    whether the terms of the platform allow to store its numbers.

    `unavailable` has a reason for each metric that the platform has for some kind of post and this post lacks. A rate
    on a basis of 0 does not exist, and has no reason.
    """
    data = public_fields(post, Post, "postId")
    platform, kind, content = post["platform"], post["metricType"], post["contentType"]
    basis = RATE_BASIS[platform]
    metrics: dict[str, Any] = dict(latest["metrics"]) if latest else {}
    given = (latest.get("unavailable") or {}) if latest else {}
    unknown: Reason = "no_observation" if stored else "terms"
    unavailable: dict[str, Reason] = {**_absent(platform, kind, content, unknown), **given}
    parts = engagement_parts(platform, kind, content)
    total = engagement(metrics, platform, kind, content)
    value = level if platform in LEVEL_BASIS else metrics.get(basis)
    if total is None:
        lacking = next((part for part in parts if part not in metrics), None)
        unavailable["engagement"] = unavailable[lacking] if lacking else "not_supported"
        unavailable["engagementRate"] = unavailable["engagement"]
    else:
        metrics["engagement"] = total
        if value:
            metrics["engagementRate"] = 100 * total / value
        elif value is None:
            unavailable["engagementRate"] = unavailable.get(basis, unknown)
    data |= {"metrics": metrics, "unavailable": {n: r for n, r in unavailable.items() if n not in metrics}}
    data["engagementRateBasis"] = basis
    if latest:
        data |= {"timestamp": latest["timestamp"], "collectedAt": latest["collectedAt"]}
    return data


def _content(post: PostDocument, settings: Settings) -> dict[str, Any]:
    """Return the content of a post, as far as it may be shown for as long as the answer may be cached."""
    if not settings.store_post_content:
        return {}
    return public_content(post, utcnow(), _lasting(settings))


def _caption_search(text: str, settings: Settings) -> CaptionSearch:
    return CaptionSearch(folded(text), seen_after(utcnow() + _lasting(settings)))


def _lasting(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.cache_ttl_metrics)


@cache
def _absent(
    platform: Platform, metric_type: MetricType, content_type: ContentType, unknown: Reason
) -> Mapping[str, Reason]:
    """Return the reason of each metric of a platform's posts, should a post of this kind have no value and no other.

    `unknown` is the reason for a metric that posts of this kind have.
    """
    here = offered(platform, metric_type, content_type)
    names = (metric.name for metric in metrics_of("post") if platform in metric.offers)
    return {name: unknown if name in here else "not_supported" for name in names}


def _place(position: list[Any] | None) -> tuple[bool, float, str] | None:
    """Return the sort position after which the page starts. It is a value, not an offset: new posts shift no page."""
    if position is None:
        return None
    value, post_id = position
    if not isinstance(post_id, str) or not isinstance(value, int | float | None) or isinstance(value, bool):
        raise InvalidInput("cursor: send `page.nextCursor` of an answer, unchanged", "cursor")
    return value is None, value or 0, post_id


def _page_by_time(query: PostsQuery, place: tuple[bool, float, str] | None) -> dict[str, Any]:
    """Return the bounds of the page, and of one post more, if posts are sorted as they are stored; else no bounds.

    Other values to sort by are not stored: they are the last ones of all observations of a post.
    """
    if query.sort != "publishedAt":
        return {}
    after = None if place is None else (instant(round(1000 * _sign(query) * place[1])), place[2])
    return {"limit": query.limit + 1, "after": after, "oldest_first": query.order == "asc"}


def _rank(data: dict[str, Any], query: PostsQuery) -> tuple[bool, float, str]:
    """Return the sort key of a post. Posts without a value come last in both orders and do not count as 0."""
    value = data["publishedAt"].timestamp() if query.sort == "publishedAt" else data["metrics"].get(query.sort)
    return value is None, _sign(query) * (value or 0), data["postId"]


def _sign(query: PostsQuery) -> int:
    return 1 if query.order == "asc" else -1
