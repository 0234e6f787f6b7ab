"""What Facebook's answers say: bodies of the Graph API to readings and posts (platforms.md, 3)."""

from collections.abc import Mapping
from typing import Any

from metrics.clock import utcnow
from metrics.documents import ContentType
from pipelines.platforms.base import Post, Reading
from pipelines.platforms.graph_answers import parse_time

LEVEL = "followers_count"
_STATUS: Mapping[str, ContentType] = {
    "added_photos": "image",
    "added_video": "video",
    "shared_story": "link",
    "mobile_status_update": "text",
}
_ATTACHED: Mapping[str, ContentType] = {"photo": "image", "video": "video", "album": "carousel", "link": "link"}


def account_reading(node: Mapping[str, Any]) -> Reading:
    """Return the level of a page's node; a field without a value is left out of it."""
    value = node.get(LEVEL)
    if isinstance(value, int):
        return Reading(utcnow(), {"followers": value})
    return Reading(utcnow(), {}, {"followers": "permission_missing"})


def listed_post(item: Mapping[str, Any]) -> Post:
    """Return the post of an item of `published_posts`."""
    return Post(str(item["id"]), "post", _content_type(item), parse_time(item["created_time"]))


def listed_reel(item: Mapping[str, Any]) -> Post:
    """Return the reel of an item of `video_reels`."""
    return Post(str(item["id"]), "reel", "video", parse_time(item["created_time"]))


def _content_type(item: Mapping[str, Any]) -> ContentType:
    """Return what is attached; older answers tell only by which action the post was made."""
    attached = (item.get("attachments") or {}).get("data") or [{}]
    kind = _ATTACHED.get(str(attached[0].get("media_type")))
    return kind or _STATUS.get(str(item.get("status_type")), "other" if "status_type" in item else "text")


def summary(body: Mapping[str, Any], edge: str) -> int | None:
    """Return the total of an edge's summary; None where the token may not see the edge."""
    value = ((body.get(edge) or {}).get("summary") or {}).get("total_count")
    return value if isinstance(value, int) else None


def shares(body: Mapping[str, Any]) -> int:
    """Return how often a post was shared: the field is absent at 0 (platforms.md, 3.1)."""
    return int((body.get("shares") or {}).get("count", 0))
