"""Fields of simulated media, and of the children of albums (docs/platform-facts.md#instagram-accounts-and-media)."""

from collections.abc import Callable
from typing import Any

from simulator import truth
from simulator.graph.call import Call
from simulator.graph.errors import no_field
from simulator.graph.fields import Field
from simulator.instagram.media_insights import media_insights
from simulator.instagram.world import CHILDREN, child_id
from simulator.pictures import picture_url
from simulator.state import graph_timestamp
from simulator.world import SimPost

_KNOWN = """
id ig_id caption media_type media_product_type timestamp permalink shortcode like_count comments_count owner username
media_url thumbnail_url is_comment_enabled is_shared_to_feed comments children alt_text boost_ads_list
boost_eligibility_info copyright_check_information collaborators legacy_instagram_media_id is_ai_generated reposts_count
saved_count shares_count total_comments_count total_like_count total_views_count view_count
"""
MEDIA_FIELDS = frozenset(_KNOWN.split())
_COUNTS = {
    "like_count": "like_count", "comments_count": "comments_count", "saved_count": "saved", "shares_count": "shares",
    "reposts_count": "reposts",
}  # fmt: skip
"""Count fields and their true values; stories have only the first two, which are always 0."""


def media_fields(call: Call, requested: tuple[Field, ...], post: SimPost) -> dict[str, Any]:
    """Return the requested fields of a media; its id is always included."""
    found: dict[str, Any] = {}
    for one in requested:
        if one.name == "insights":
            metric, breakdown = one.modifiers.get("metric", ""), one.modifiers.get("breakdown")
            found["insights"] = media_insights(call, post, metric, breakdown)
        elif one.name == "children":
            if post.content_type == "carousel":
                found["children"] = children(call, post, one.below)
        elif one.name not in MEDIA_FIELDS:
            raise no_field(one.name, "InstagramMedia")
        elif (value := _value(call, post, one.name)) is not None:
            found[one.name] = value
    return {**found, "id": post.platform_post_id}


def children(call: Call, post: SimPost, requested: tuple[Field, ...]) -> dict[str, Any]:
    """Return the children of an album: images without numbers of their own."""
    ids = [child_id(post.platform_post_id, place) for place in range(CHILDREN)]
    return {"data": [child_fields(call, post, one, requested) for one in ids]}


def child_fields(call: Call, post: SimPost, name: str, requested: tuple[Field, ...]) -> dict[str, Any]:
    """Return the requested fields of a child of an album; its id is always included."""
    found: dict[str, Any] = {}
    for field in (one.name for one in requested):
        if field not in MEDIA_FIELDS:
            raise no_field(field, "InstagramMedia")
        if field in _OF_CHILDREN:
            found[field] = _OF_CHILDREN[field](call, post, name)
    return {**found, "id": name}


def _value(call: Call, post: SimPost, name: str) -> Any:
    if name in _COUNTS:
        if post.metric_type == "story":
            return 0 if name in ("like_count", "comments_count") else None
        return truth.post_value(call.state.world, post, _COUNTS[name], call.now)
    text = _MEDIA_TEXTS.get(name)
    return text(call, post) if text else None


def _short(post: SimPost) -> str:
    return f"S{int(post.platform_post_id) % 10**10:x}"


def _ig_id(post: SimPost) -> str:
    """Return the older numeric id of a media, which differs from its id."""
    return f"2{post.platform_post_id[2:]}"


_MEDIA_TEXTS: dict[str, Callable[[Call, SimPost], Any]] = {
    "id": lambda _, post: post.platform_post_id,
    "ig_id": lambda _, post: _ig_id(post),
    "media_type": lambda _, post: post.native[0],
    "media_product_type": lambda _, post: post.native[1],
    "shortcode": lambda _, post: _short(post),
    "permalink": lambda _, post: f"https://www.instagram.com/p/{_short(post)}/",
    "username": lambda call, _: call.state.handle(call.account, call.aim),
    "caption": lambda _, post: post.text,
    "owner": lambda call, _: {"id": call.account.platform_account_id},
    "timestamp": lambda _, post: graph_timestamp(post.published_at),
    "media_url": lambda call, post: picture_url(call.base_url, post.platform_post_id, call.now),
    "thumbnail_url": lambda call, post: (
        picture_url(call.base_url, f"thumbnail-{post.platform_post_id}", call.now)
        if post.content_type == "video"
        else None
    ),
    "is_comment_enabled": lambda *_: True,
    "is_shared_to_feed": lambda _, post: True if post.metric_type == "reel" else None,
}
_OF_CHILDREN: dict[str, Callable[[Call, SimPost, str], Any]] = {
    "ig_id": lambda _, post, name: _ig_id(post) + name[-1],
    "media_type": lambda *_: "IMAGE",
    "media_url": lambda call, _, name: picture_url(call.base_url, name, call.now),
    "owner": lambda call, *_: {"id": call.account.platform_account_id},
    "permalink": lambda _, post, name: f"https://www.instagram.com/p/{_short(post)}-{name[-1]}/",
    "shortcode": lambda _, post, name: f"{_short(post)}-{name[-1]}",
    "timestamp": lambda _, post, __: graph_timestamp(post.published_at),
    "username": lambda call, *_: call.state.handle(call.account, call.aim),
}
