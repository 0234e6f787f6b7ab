"""What Facebook's answers say: bodies of the Graph API to numbers and posts (platforms.md, 3)."""

from collections.abc import Mapping
from typing import Any

from metrics.documents import ContentType
from pipelines.platforms.base import Post
from pipelines.platforms.graph_answers import parse_time
from pipelines.platforms.numbers import ABSENT, Numbers, part

LEVEL = "followers_count"
_STATUS: Mapping[str, ContentType] = {
    "added_photos": "image",
    "added_video": "video",
    "shared_story": "link",
    "mobile_status_update": "text",
}
_ATTACHED: Mapping[str, ContentType] = {"photo": "image", "video": "video", "album": "carousel", "link": "link"}


def account_numbers(node: Mapping[str, Any]) -> Numbers:
    """Return the level of a page's node; a field without a value is left out of it."""
    numbers = Numbers()
    numbers.take("followers", part(node, LEVEL), "permission_missing")
    return numbers


def listed_post(item: Mapping[str, Any]) -> Post:
    """Return the post of an item of `published_posts`.

    Raises:
        LookupError, TypeError, ValueError: the item has no id, or no time that can be one.
    """
    return Post(str(item["id"]), "post", _content_type(item), parse_time(item["created_time"]))


def listed_reel(item: Mapping[str, Any]) -> Post:
    """Return the reel of an item of `video_reels`.

    Raises:
        LookupError, TypeError, ValueError: the item has no id, or no time that can be one.
    """
    return Post(str(item["id"]), "reel", "video", parse_time(item["created_time"]))


def attached_video(item: Mapping[str, Any]) -> str | None:
    """Return the id of the video that an item of `published_posts` shows; None if it shows none."""
    attached = _attached(item)
    if attached.get("media_type") != "video":
        return None
    target = attached.get("target")
    return str(target["id"]) if isinstance(target, Mapping) and "id" in target else None


def shows_a_reel(item: Mapping[str, Any]) -> bool:
    """Tell whether an item of `published_posts` says of itself that it is a reel."""
    return "/reel/" in str(_attached(item).get("url", ""))


def _attached(item: Mapping[str, Any]) -> Mapping[str, Any]:
    data = (item.get("attachments") or {}).get("data") or [{}]
    first: Mapping[str, Any] = data[0]
    return first


def _content_type(item: Mapping[str, Any]) -> ContentType:
    """Return what is attached; older answers tell only by which action the post was made."""
    kind = _ATTACHED.get(str(_attached(item).get("media_type")))
    return kind or _STATUS.get(str(item.get("status_type")), "other" if "status_type" in item else "text")


def summary(body: Mapping[str, Any], edge: str) -> object:
    """Return the total of an edge's summary; `ABSENT` where the token may not see the edge."""
    return part(part(part(body, edge), "summary"), "total_count")


def shares(body: Mapping[str, Any]) -> object:
    """Return how often a post was shared: the field is absent at 0 (platforms.md, 3.1)."""
    found = part(part(body, "shares"), "count")
    return 0 if found is ABSENT else found
