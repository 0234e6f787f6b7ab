"""Fields of simulated posts, reels, videos and photos."""

from typing import Any

from simulator import truth
from simulator.facebook import empty_fields
from simulator.facebook.post_insights import insights_edge, post_insights
from simulator.facebook.things import Thing
from simulator.facebook.world import photo_id, video_id
from simulator.graph.call import Call
from simulator.graph.errors import GraphError, no_field
from simulator.graph.fields import Field
from simulator.pictures import picture_url
from simulator.state import graph_timestamp

COUNTED = ("reactions", "comments", "likes")
_REACTIONS = ("NONE", "LIKE", "LOVE", "WOW", "HAHA", "SAD", "ANGRY", "THANKFUL", "PRIDE", "CARE")
_EMPTY = {"Post": empty_fields.OF_POSTS, "Video": empty_fields.OF_VIDEOS, "Photo": empty_fields.OF_PHOTOS}


def post_fields(call: Call, requested: tuple[Field, ...], thing: Thing) -> dict[str, Any]:
    """Return the requested fields of a post, a video or a photo; its id is always included."""
    found: dict[str, Any] = {}
    texts, edge = _TEXTS[thing.kind], insights_edge(thing)
    for one in requested:
        name = one.name
        if name == "id":
            continue
        if name in texts:
            value = texts[name](call, thing)
            if value is not None:
                found[name] = value
        elif name == edge:
            found[one.modifiers.get("as", name)] = post_insights(call, thing, one.modifiers)
        elif name in COUNTED:
            found[one.modifiers.get("as", name)] = summary(
                call, thing, name, with_total="summary" in one.modifiers, reaction=one.modifiers.get("type", "")
            )
        elif name == "attachments" and thing.kind == "Post":
            if rows := attachments(thing, one.below):
                found["attachments"] = {"data": rows}
        elif name not in _EMPTY[thing.kind]:
            raise no_field(name, thing.kind)
    found["id"] = thing.name
    return found


def summary(call: Call, thing: Thing, edge: str, *, with_total: bool, reaction: str = "") -> dict[str, Any]:
    """Return reactions, likes or comments: their number if `with_total` is set, but never their authors.

    Reading the authors needs a separate permission. Reactions may be requested by type; here all of them are likes.
    """
    if not with_total:
        return {"data": []}
    field = "comments" if edge == "comments" else "reactions"
    total = truth.post_value(call.state.world, thing.post, field, call.now)
    if edge == "reactions" and reaction not in ("", "NONE", "LIKE"):
        if reaction not in _REACTIONS:
            raise GraphError(100, f"(#100) type must be one of the following values: {', '.join(_REACTIONS)}")
        total = 0
    about: dict[str, Any] = {"total_count": total}
    if edge == "comments":
        about = {"order": "chronological", "total_count": total, "can_comment": True}
    elif edge == "likes":
        about |= {"can_like": True, "has_liked": False}
    return {"data": [], "summary": about}


def attachments(thing: Thing, requested: tuple[Field, ...]) -> list[dict[str, Any]]:
    """Return the attachments of a post; a post of text alone has none.

    Raises:
        GraphError: a requested field does not exist for attachments.
    """
    media = "video" if thing.post.metric_type == "reel" else thing.post.native[0]
    wanted = [one.name for one in requested] or ["type", "target", "url"]
    for name in wanted:
        if name not in empty_fields.OF_ATTACHMENTS:
            raise no_field(name, "StoryAttachment")
    if not media:
        return []
    target = {"photo": photo_id, "video": video_id}.get(media)
    url = _permalink(thing) if media != "link" else "https://example.com/"
    about = {
        "media_type": media,
        "type": {"link": "share", "video": "video_inline"}.get(media, media),
        "url": url,
        "target": {"id": target(thing.post), "url": url} if target else {"url": url},
    }
    return [{name: about[name] for name in wanted if name in about}]


def _permalink(thing: Thing) -> str:
    if thing.post.metric_type == "reel":
        return f"https://www.facebook.com/reel/{thing.post.platform_post_id}/"
    return f"https://www.facebook.com/{thing.name}"


def _shares(call: Call, thing: Thing) -> dict[str, int] | None:
    """Return how often a post was shared; the field is absent if the count is 0."""
    count = truth.post_value(call.state.world, thing.post, "shares", call.now)
    return {"count": count} if count else None


def _views(call: Call, thing: Thing) -> int:
    return truth.post_value(call.state.world, thing.post, "blue_reels_play_count", call.now)


def _published(_: Call, thing: Thing) -> str:
    return graph_timestamp(thing.post.published_at)


def _said(_: Call, thing: Thing) -> str | None:
    return thing.post.text


def _picture(call: Call, thing: Thing) -> str | None:
    """Return the URL of a post's picture; a post of text alone has none."""
    has_one = thing.post.metric_type == "reel" or thing.post.native[0]
    return picture_url(call.base_url, thing.post.platform_post_id, call.now) if has_one else None


def _video_permalink(_: Call, thing: Thing) -> str:
    """Return the permalink of a video: a path (docs/platform-facts.md#content-of-posts)."""
    return _permalink(thing).removeprefix(_SITE)


_SITE = "https://www.facebook.com"
_TIMES: dict[str, Any] = {"created_time": _published, "updated_time": _published}
_TEXTS: dict[str, dict[str, Any]] = {
    "Post": {
        **_TIMES,
        "message": _said,
        "status_type": lambda _, thing: "added_video" if thing.post.metric_type == "reel" else thing.post.native[1],
        "permalink_url": lambda _, thing: _permalink(thing),
        "full_picture": _picture,
        "picture": _picture,
        "shares": _shares,
    },
    "Video": {
        **_TIMES,
        "description": _said,
        "permalink_url": _video_permalink,
        "picture": _picture,
        "post_id": lambda _, thing: thing.story,
        "views": _views,
    },
    "Photo": {
        **_TIMES,
        "name": _said,
        "link": lambda _, thing: _permalink(thing),
        "page_story_id": lambda _, thing: thing.story,
    },
}
