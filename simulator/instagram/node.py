"""Instagram's part of the Graph API: platforms.md 2, as strict as the real one about what fits what."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

from simulator import truth
from simulator.fields import Field, parse_fields
from simulator.graph_call import Call, Params, parse
from simulator.graph_errors import missing, no_field
from simulator.instagram.account_insights import account_insights
from simulator.instagram.media_insights import media_insights
from simulator.instagram.world import CHILDREN, child_id, parent_id
from simulator.listing import page
from simulator.pacific import span
from simulator.state import moment
from simulator.world import STORY_LIFE, SimPost

HISTORY = timedelta(days=400)

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
        "user_id",
        "account_type",
        "is_published",
        "has_profile_pic",
        "legacy_instagram_user_id",
        "shopping_product_tag_eligibility",
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
        "thumbnail_url",
        "is_comment_enabled",
        "is_shared_to_feed",
        "comments",
        "children",
        "alt_text",
        "boost_ads_list",
        "boost_eligibility_info",
        "copyright_check_information",
        "collaborators",
        "legacy_instagram_media_id",
        "reposts_count",
        "view_count",
    ]
)

_COUNTS = ("like_count", "comments_count")


def node(call: Call, object_id: str, edge: str | None) -> Any:
    """Answer a read of an account, a media, or an edge of one."""
    if object_id == "refresh_access_token":
        return {"access_token": call.account.token, "token_type": "bearer", "expires_in": 5_184_000}
    if object_id == "debug_token":
        return _debug(call)
    # Instagram Login calls the account itself `me`.
    if object_id in ("me", call.account.platform_account_id):
        return _account(call, edge)
    album = parent_id(object_id)
    post = call.state.world.post("instagram", album or object_id)
    if post is None or post.account_index != call.account.index or not post.visible(call.now):
        raise missing(object_id)
    if album is None:
        return _media(call, post, edge)
    if post.content_type != "carousel":
        raise missing(object_id)
    return _child(call, post, object_id, edge)


def _debug(call: Call) -> Any:
    return {
        "data": {
            "app_id": "1000", "type": "USER", "application": "Tidemark simulator", "expires_at": 0,
            "data_access_expires_at": int((call.now + timedelta(days=90)).timestamp()), "is_valid": True,
            "scopes": ["instagram_basic", "instagram_manage_insights", "pages_read_engagement", "pages_show_list"],
        }
    }  # fmt: skip


def _account(call: Call, edge: str | None) -> Any:
    if edge is None:
        return _fields(call, parse(call.params.get("fields", "id")), None)
    if edge in ("media", "stories"):
        return _list(call, edge, parse(call.params.get("fields", "id")), call.params)
    if edge == "insights":
        return account_insights(call, call.params)
    if edge == "content_publishing_limit":
        return {"data": [{"quota_usage": 0}]}
    if edge == "tags":
        return {"data": []}
    raise no_field(edge, "InstagramUser")


def _media(call: Call, post: SimPost, edge: str | None) -> Any:
    if edge is None:
        return _fields(call, parse(call.params.get("fields", "id,media_type")), post)
    if edge == "insights":
        return media_insights(call, post, call.params.get("metric", ""), call.params.get("breakdown"))
    if edge == "children" and post.content_type == "carousel":
        return _children(call, post, parse(call.params.get("fields", "id")))
    if edge == "comments":
        return {"data": []}
    raise no_field(edge, "InstagramMedia")


def _fields(call: Call, asked: tuple[Field, ...], post: SimPost | None) -> dict[str, Any]:
    """Return the fields of a media, or of the account where there is no media; the id is always there."""
    known, subject = (_ACCOUNT_FIELDS, "User") if post is None else (_MEDIA_FIELDS, "Media")
    answer: dict[str, Any] = {}
    for one in asked:
        if one.name == "insights" and post is not None:
            metric, breakdown = one.modifiers.get("metric", ""), one.modifiers.get("breakdown")
            answer["insights"] = media_insights(call, post, metric, breakdown)
        elif one.name == "children" and post is not None:
            if post.content_type == "carousel":
                answer["children"] = _children(call, post, one.below)
        elif one.name in ("media", "stories") and post is None:
            answer[one.name] = _list(call, one.name, one.below or parse_fields("id"), one.modifiers)
        elif one.name in known:
            value = _account_field(call, one.name) if post is None else _media_field(call, post, one.name)
            if value is not None:
                answer[one.name] = value
        else:
            raise no_field(one.name, f"Instagram{subject}")
    return {**answer, "id": call.account.platform_account_id if post is None else post.platform_post_id}


def _account_field(call: Call, name: str) -> Any:
    account = call.account
    if name in ("followers_count", "follows_count", "media_count"):
        return truth.account_value(call.state.world, account, name, call.now)
    texts = {
        "id": account.platform_account_id, "ig_id": account.index + 1, "username": account.handle,
        "name": account.handle.replace(".", " ").title(), "biography": "Simulated.",
        "profile_picture_url": f"{call.base_url}/picture/{account.index}", "user_id": account.platform_account_id,
        "account_type": "BUSINESS",
    }  # fmt: skip
    return texts.get(name)


def linked_account(call: Call, asked: tuple[Field, ...]) -> dict[str, Any]:
    """Return the Instagram account of a Page, with the fields asked for or its id alone."""
    account = call.state.world.account("instagram", call.account.index)
    return _fields(replace(call, account=account), asked, None)


def _media_field(call: Call, post: SimPost, name: str) -> Any:
    if name in _COUNTS:
        # A story has the fields and counts nothing in them.
        return 0 if post.metric_type == "story" else truth.post_value(call.state.world, post, name, call.now)
    text = _MEDIA_TEXTS.get(name)
    return text(call, post) if text else None


def _children(call: Call, post: SimPost, asked: tuple[Field, ...]) -> dict[str, Any]:
    """Return the parts of an album, images here, which have no numbers of their own."""
    ids = [child_id(post.platform_post_id, place) for place in range(CHILDREN)]
    return {"data": [_child_fields(call, post, one, asked) for one in ids]}


def _child(call: Call, post: SimPost, name: str, edge: str | None) -> Any:
    """Answer for a part of an album, which is read by itself, too, but has no insights."""
    if edge is not None:
        raise no_field(edge, "InstagramMedia")
    return _child_fields(call, post, name, parse(call.params.get("fields", "id,media_type")))


def _child_fields(call: Call, post: SimPost, name: str, asked: tuple[Field, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in (one.name for one in asked):
        if field not in _MEDIA_FIELDS:
            raise no_field(field, "InstagramMedia")
        if field in _OF_CHILDREN and (value := _OF_CHILDREN[field](call, post, name)) is not None:
            found[field] = value
    return {**found, "id": name}


def _short(post: SimPost) -> str:
    return f"S{int(post.platform_post_id) % 10**10:x}"


def _ig_id(post: SimPost) -> str:
    """Return the older number of a media, which is another than its id."""
    return f"2{post.platform_post_id[2:]}"


_MEDIA_TEXTS: dict[str, Callable[[Call, SimPost], Any]] = {
    "id": lambda _, post: post.platform_post_id,
    "ig_id": lambda _, post: _ig_id(post),
    "media_type": lambda _, post: post.native[0],
    "media_product_type": lambda _, post: post.native[1],
    "shortcode": lambda _, post: _short(post),
    "permalink": lambda _, post: f"https://www.instagram.com/p/{_short(post)}/",
    "username": lambda call, _: call.account.handle,
    "caption": lambda _, post: post.text,
    "owner": lambda call, _: {"id": call.account.platform_account_id},
    "timestamp": lambda _, post: moment(post.published_at),
    "media_url": lambda call, post: f"{call.base_url}/media/{post.platform_post_id}",
    "thumbnail_url": lambda call, post: (
        f"{call.base_url}/thumbnail/{post.platform_post_id}" if post.content_type == "video" else None
    ),
    "is_comment_enabled": lambda *_: True,
    "is_shared_to_feed": lambda _, post: True if post.metric_type == "reel" else None,
}


_OF_CHILDREN: dict[str, Callable[[Call, SimPost, str], Any]] = {
    "ig_id": lambda _, post, name: _ig_id(post) + name[-1],
    "media_type": lambda *_: "IMAGE",
    "media_url": lambda call, _, name: f"{call.base_url}/media/{name}",
    "owner": lambda call, *_: {"id": call.account.platform_account_id},
    "permalink": lambda _, post, name: f"https://www.instagram.com/p/{_short(post)}-{name[-1]}/",
    "shortcode": lambda _, post, name: f"{_short(post)}-{name[-1]}",
    "timestamp": lambda _, post, __: moment(post.published_at),
    "username": lambda call, *_: call.account.handle,
}


def _list(call: Call, edge: str, asked: tuple[Field, ...], params: Params) -> Any:
    limit, after = params.get("limit", "25"), params.get("after", "0") or "0"
    if limit.isdecimal() and after.isdecimal():
        # Only the page's posts are asked for their numbers.
        last = int(after) + min(int(limit), 100)
        shown = _shown(call, edge, params, last + 1)
        rows = [_fields(call, asked, p) if int(after) <= n < last else {} for n, p in enumerate(shown)]
    else:
        rows = []
    kept = {k: v for k, v in params.items() if k in ("fields", "limit", "after", "since", "until")}
    return page(rows, call, f"{call.account.platform_account_id}/{edge}", kept)


def _shown(call: Call, edge: str, params: Params, count: int) -> list[SimPost]:
    """Return the newest posts of a list, `count` where there are that many."""
    stories = edge == "stories"
    posts = call.state.world.newest(call.account, *span(call, params, STORY_LIFE if stories else HISTORY))
    shown = (post for post in posts if (post.kind.metric_type == "story") == stories and post.visible(call.now))
    return list(islice(shown, count))
