"""Instagram's part of the Graph API: platforms.md 2, as strict as the real one about what fits what."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from simulator import truth
from simulator.fields import Field, parse_fields
from simulator.graph import Call, GraphError, Params, missing, page
from simulator.world import STORY_LIFE, SimAccount, SimPost

PACIFIC = ZoneInfo("America/Los_Angeles")
HISTORY = timedelta(days=400)
MIN_FOLLOWERS = 100
MIN_STORY_VIEWERS = 5
MAX_SPAN = timedelta(days=30)
_STEP = timedelta(days=40)

_MEDIA_METRICS: Mapping[tuple[str, str], frozenset[str]] = {
    ("IMAGE", "FEED"): frozenset(
        ["views", "reach", "likes", "comments", "shares", "saved", "total_interactions", "follows", "profile_visits"]
    ),
    ("VIDEO", "FEED"): frozenset({"reach", "saved"}),
    ("VIDEO", "REELS"): frozenset(
        [
            "views",
            "reach",
            "likes",
            "comments",
            "shares",
            "saved",
            "total_interactions",
            "ig_reels_video_view_total_time",
        ]
    ),
}
_STORY_METRICS = frozenset(
    ["views", "reach", "shares", "total_interactions", "follows", "profile_visits", "replies", "navigation"]
)
_GONE = frozenset(
    ["impressions", "plays", "engagement", "video_views", "exits", "taps_forward", "taps_back", "clips_replays_count"]
)
_KNOWN = frozenset().union(*_MEDIA_METRICS.values(), _STORY_METRICS)

_SERIES = frozenset({"reach", "follower_count"})
_TOTALS = frozenset(["views", "accounts_engaged", "total_interactions", "profile_views", "website_clicks", "reach"])
_PERIODS = ("day", "week", "days_28", "lifetime", "total_over_range")

_ACCOUNT_FIELDS = frozenset(
    [
        "id",
        "ig_id",
        "username",
        "name",
        "biography",
        "website",
        "profile_picture_url",
        "followers_count",
        "follows_count",
        "media_count",
    ]
)
_MEDIA_FIELDS = frozenset(
    [
        "id",
        "ig_id",
        "caption",
        "media_type",
        "media_product_type",
        "timestamp",
        "permalink",
        "shortcode",
        "like_count",
        "comments_count",
        "owner",
        "username",
        "media_url",
    ]
)


def node(call: Call, object_id: str, edge: str | None) -> Any:
    """Answer a read of an account, a media, or an edge of one."""
    if object_id == "me":
        return _me(call, edge)
    if object_id == "refresh_access_token":
        return {"access_token": call.account.token, "token_type": "bearer", "expires_in": 5_184_000}
    if object_id == "debug_token":
        return _debug(call)
    if object_id == call.account.platform_account_id:
        return _account(call, edge)
    post = call.state.world.post(object_id)
    if post is None or post.account_index != call.account.index or not post.visible(call.now):
        raise missing(object_id)
    return _media(call, post, edge)


def _me(call: Call, edge: str | None) -> Any:
    if edge != "accounts":
        raise missing("me")
    account = {"id": call.account.platform_account_id}
    return page([{"id": f"1{call.account.index:014d}", "instagram_business_account": account}], call, "me/accounts", {})


def _debug(call: Call) -> Any:
    return {
        "data": {
            "app_id": "1000", "type": "USER", "application": "Tidemark simulator", "expires_at": 0,
            "data_access_expires_at": int((call.now + timedelta(days=90)).timestamp()), "is_valid": True,
            "scopes": ["instagram_basic", "instagram_manage_insights", "pages_read_engagement", "pages_show_list"],
        }
    }  # fmt: skip


def _account(call: Call, edge: str | None) -> Any:
    account_id = call.account.platform_account_id
    if edge is None:
        return _fields(call, parse(call.params.get("fields", "id")), None)
    if edge in ("media", "stories"):
        return _list(call, edge, parse(call.params.get("fields", "id")), call.params)
    if edge == "insights":
        return _account_insights(call, call.params)
    raise GraphError(
        100, f"(#100) Tried accessing nonexisting field ({edge}) on node type (InstagramUser) {account_id}"
    )


def _media(call: Call, post: SimPost, edge: str | None) -> Any:
    if edge is None:
        return _fields(call, parse(call.params.get("fields", "id,media_type")), post)
    if edge == "insights":
        return _media_insights(call, post, call.params.get("metric", ""))
    raise GraphError(100, f"(#100) Tried accessing nonexisting field ({edge}) on node type (InstagramMedia)")


def parse(text: str) -> tuple[Field, ...]:
    """Return the fields asked for, or the error of a list that is none."""
    try:
        return parse_fields(text)
    except ValueError as error:
        raise GraphError(2500, str(error)) from None


def _fields(call: Call, asked: tuple[Field, ...], post: SimPost | None) -> dict[str, Any]:
    """Return the fields of a media, or of the account where there is no media; the id is always there."""
    known, subject = (_ACCOUNT_FIELDS, "User") if post is None else (_MEDIA_FIELDS, "Media")
    answer: dict[str, Any] = {}
    for one in asked:
        if one.name == "insights" and post is not None:
            answer["insights"] = _media_insights(call, post, one.modifiers.get("metric", ""))
        elif one.name in ("media", "stories") and post is None:
            answer[one.name] = _list(call, one.name, one.below or parse_fields("id"), one.modifiers)
        elif one.name in known:
            value = _account_field(call, one.name) if post is None else _media_field(call, post, one.name)
            if value is not None:
                answer[one.name] = value
        else:
            raise GraphError(
                100, f"(#100) Tried accessing nonexisting field ({one.name}) on node type (Instagram{subject})"
            )
    return {**answer, "id": call.account.platform_account_id if post is None else post.platform_post_id}


def _account_field(call: Call, name: str) -> Any:
    account = call.account
    if name in ("followers_count", "follows_count", "media_count"):
        return truth.account_value(call.state.world, account, name, call.now)
    texts = {
        "id": account.platform_account_id, "ig_id": account.index + 1, "username": account.handle,
        "name": account.handle.replace(".", " ").title(), "biography": "Simulated.",
        "profile_picture_url": f"{call.base_url}/picture/{account.index}",
    }  # fmt: skip
    return texts.get(name)


def _media_field(call: Call, post: SimPost, name: str) -> Any:
    if name in ("like_count", "comments_count"):
        # A story has the fields and counts nothing in them.
        return 0 if post.metric_type == "story" else truth.post_value(call.state.world, post, name, call.now)
    short = f"S{int(post.platform_post_id) % 10**10:x}"
    texts = {
        "id": post.platform_post_id, "ig_id": post.platform_post_id[2:], "media_type": post.media_type,
        "media_product_type": post.media_product_type, "shortcode": short,
        "permalink": f"https://www.instagram.com/p/{short}/", "username": call.account.handle,
        "caption": f"Post of {post.published_at:%d %B}", "owner": {"id": call.account.platform_account_id},
        "timestamp": post.published_at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
    }  # fmt: skip
    return texts.get(name)


def _list(call: Call, edge: str, asked: tuple[Field, ...], params: Params) -> Any:
    limit, after = params.get("limit", "25"), params.get("after", "0") or "0"
    if limit.isdecimal() and after.isdecimal():
        # Only the page's posts are asked for their numbers.
        last = int(after) + min(int(limit), 100)
        shown = _shown(call, edge, last + 1)
        rows = [_fields(call, asked, p) if int(after) <= n < last else {} for n, p in enumerate(shown)]
    else:
        rows = []
    kept = {k: v for k, v in params.items() if k in ("fields", "limit", "after")}
    return page(rows, call, f"{call.account.platform_account_id}/{edge}", kept)


def _shown(call: Call, edge: str, count: int) -> list[SimPost]:
    """Return the newest posts of a list, at least `count` where there are that many: history is not drawn in vain."""
    stories = edge == "stories"
    oldest, end = call.now - (STORY_LIFE if stories else HISTORY), call.now
    shown: list[SimPost] = []
    while end > oldest and len(shown) < count:
        start = max(oldest, end - _STEP)
        posts = call.state.world.posts(call.account, start, end)
        shown += [p for p in reversed(posts) if p.visible(call.now) and (p.metric_type == "story") == stories]
        end = start
    return shown


def _media_insights(call: Call, post: SimPost, metrics: str) -> dict[str, Any]:
    asked = [name for name in metrics.split(",") if name]
    if not asked:
        raise GraphError(3001, "(#3001) No metric was specified to be fetched.", subcode=1504028)
    _check_metrics(call, post, asked)
    if post.metric_type == "story" and truth.post_value(call.state.world, post, "reach", call.now) < MIN_STORY_VIEWERS:
        raise GraphError(10, "(#10) Not enough viewers for the media to show insights", status=403)
    return {
        "data": [
            {
                "name": name,
                "period": "lifetime",
                "values": [{"value": truth.post_value(call.state.world, post, name, call.now)}],
                "title": name.replace("_", " ").capitalize(),
                "description": f"{name.replace('_', ' ').capitalize()} of the media.",
                "id": f"{post.platform_post_id}/insights/{name}/lifetime",
            }
            for name in asked
        ]
    }


def media_metrics(post: SimPost) -> frozenset[str]:
    """Return the metrics that a media's type has."""
    if post.metric_type == "story":
        return _STORY_METRICS
    media = "IMAGE" if post.media_type == "CAROUSEL_ALBUM" else post.media_type
    return _MEDIA_METRICS[media, post.media_product_type]


def _check_metrics(call: Call, post: SimPost, asked: list[str]) -> None:
    """Fail the whole request for one metric that does not fit, as the real API does."""
    retired = call.state.faults.retired()
    for name in asked:
        if name in _GONE or name in retired:
            raise GraphError(
                100, f"(#100) Starting from version v22.0 and above, the {name} metric is no longer supported."
            )
        if name not in _KNOWN:
            raise GraphError(100, f"(#100) metric[0] must be one of the following values: {', '.join(sorted(_KNOWN))}")
        if name not in media_metrics(post):
            raise GraphError(
                100, f"(#100) The Media Insights API does not support the {name} metric for this media product type."
            )


def _account_insights(call: Call, params: Params) -> dict[str, Any]:
    asked = [name for name in params.get("metric", "").split(",") if name]
    period = params.get("period", "")
    if not asked:
        raise GraphError(3001, "(#3001) No metric was specified to be fetched.", subcode=1504028)
    if period not in _PERIODS:
        raise GraphError(100, f"(#100) period must be one of the following values: {', '.join(_PERIODS)}")
    totals = params.get("metric_type") == "total_value"
    retired = call.state.faults.retired()
    for name in asked:
        if name not in _SERIES | _TOTALS or name in retired:
            raise GraphError(100, f"(#100) metric[0] must be one of the following values: {', '.join(sorted(_TOTALS))}")
        if name not in (_TOTALS if totals else _SERIES):
            raise GraphError(
                100, f"(#100) The following metrics ({name}) should be specified with parameter metric_type=total_value"
            )
        if period != "day" and name != "reach":
            raise GraphError(100, f"(#100) The following metrics ({name}) cannot be fetched with period {period}")
    since, until = _window(call, params)
    if truth.account_value(call.state.world, call.account, "followers_count", call.now) < MIN_FOLLOWERS:
        return {"data": []}
    shape = _total if totals else _series
    return {"data": [row for name in asked if (row := shape(call, name, period, since, until))]}


def _window(call: Call, params: Params) -> tuple[datetime, datetime]:
    """Return `since` and `until` in UTC; without them the last two days."""
    try:
        until = datetime.fromtimestamp(int(params["until"]), PACIFIC) if "until" in params else call.now
        since = (
            datetime.fromtimestamp(int(params["since"]), PACIFIC) if "since" in params else until - timedelta(days=2)
        )
    except ValueError:
        raise GraphError(100, "(#100) param since must be a valid timestamp") from None
    if since > call.now:
        raise GraphError(100, "(#100) since param cannot be in the future")
    if until - since > MAX_SPAN:
        raise GraphError(100, "(#100) There cannot be more than 30 days (2592000 s) between since and until")
    return since, until


def _days(call: Call, since: datetime, until: datetime) -> list[date]:
    """Return the Pacific days of a window that have ended."""
    day, days = since.astimezone(PACIFIC).date(), []
    while day_end(day) <= min(until, call.now):
        days.append(day)
        day += timedelta(days=1)
    return days


def day_end(day: date) -> datetime:
    """Return the instant at which a Pacific day ends: 07:00 or 08:00 UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=PACIFIC) + timedelta(days=1)


def _value(call: Call, account: SimAccount, name: str, period: str, day: date) -> int:
    world = call.state.world
    return (truth.week_value if period == "week" else truth.day_value)(world, account, name, day)


def _row(call: Call, name: str, period: str) -> dict[str, Any]:
    title = name.replace("_", " ").capitalize()
    row_id = f"{call.account.platform_account_id}/insights/{name}/{period}"
    return {"name": name, "period": period, "title": title, "description": f"{title} of the account.", "id": row_id}


def _series(call: Call, name: str, period: str, since: datetime, until: datetime) -> dict[str, Any] | None:
    days = _days(call, since, until)
    if not days:
        return None
    values = [
        {
            "value": _value(call, call.account, name, period, day),
            "end_time": day_end(day).astimezone(call.now.tzinfo).strftime("%Y-%m-%dT%H:%M:%S+0000"),
        }
        for day in days
    ]
    row = _row(call, name, period)
    return {"name": name, "period": period, "values": values, **row}


def _total(call: Call, name: str, period: str, since: datetime, until: datetime) -> dict[str, Any]:
    total = sum(_value(call, call.account, name, period, day) for day in _days(call, since, until))
    return {**_row(call, name, period), "total_value": {"value": total}}
