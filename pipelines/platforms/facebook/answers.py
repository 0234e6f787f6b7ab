"""Parsers for Facebook: turn bodies of the Graph API into numbers and posts (docs/platform-facts.md#facebook)."""

import re
from collections.abc import Mapping
from typing import Any

from metrics.documents import ContentType
from pipelines.platforms.answers import id_of
from pipelines.platforms.data.post import Content, Post
from pipelines.platforms.graph.answers import parse_time
from pipelines.platforms.numbers import ABSENT, Numbers, field_of

LEVEL = "followers_count"
_ID = re.compile(r"[0-9]+(_[0-9]+)?(:[0-9]+)?")
_BARE_TEXT = "mobile_status_update"
_STATUS: Mapping[str, ContentType] = {
    "added_photos": "image",
    "added_video": "video",
    "shared_story": "link",
    _BARE_TEXT: "text",
}
_SITE = "https://www.facebook.com"
_ATTACHED: Mapping[str, ContentType] = {"photo": "image", "video": "video", "album": "carousel", "link": "link"}


def account_numbers(node: Mapping[str, Any]) -> Numbers:
    """Return the number of followers in a page's node; the node lacks fields without a value."""
    numbers = Numbers()
    numbers.take("followers", field_of(node, LEVEL), "permission_missing")
    return numbers


def listed_post(item: Mapping[str, Any]) -> Post:
    """Return the post of an item of `published_posts`.

    Raises:
        LookupError, TypeError, ValueError: the item has no valid id or no valid time.
    """
    content_type, is_sure = _content_type(item)
    name, published = id_of(item["id"], _ID), parse_time(item["created_time"])
    content = Content(_permalink(item), item.get("message"), item.get("full_picture"))
    return Post(name, "post", content_type, published, kind_is_sure=is_sure, content=content)


def listed_reel(item: Mapping[str, Any]) -> Post:
    """Return the reel of an item of `video_reels`.

    Raises:
        LookupError, TypeError, ValueError: the item has no valid id or no valid time.
    """
    content = Content(_permalink(item), item.get("description"), item.get("picture"))
    return Post(id_of(item["id"], _ID), "reel", "video", parse_time(item["created_time"]), content=content)


def _permalink(item: Mapping[str, Any]) -> object:
    """Return the link to a post. That of a video may be a path (docs/platform-facts.md#content-of-posts)."""
    link = item.get("permalink_url")
    is_path = isinstance(link, str) and link.startswith("/") and not link.startswith("//")
    return f"{_SITE}{link}" if is_path else link


def attached_video(item: Mapping[str, Any]) -> str | None:
    """Return the id of the video attached to an item of `published_posts`; None if there is none."""
    attached = _attached(item)
    if attached.get("media_type") != "video":
        return None
    target = attached.get("target")
    return str(target["id"]) if isinstance(target, Mapping) and "id" in target else None


def shows_a_reel(item: Mapping[str, Any]) -> bool:
    """Tell whether an item of `published_posts` is a reel according to the URL of its attachment."""
    return "/reel/" in str(_attached(item).get("url", ""))


def _attached(item: Mapping[str, Any]) -> Mapping[str, Any]:
    data = (item.get("attachments") or {}).get("data") or [{}]
    first: Mapping[str, Any] = data[0]
    return first


def _content_type(item: Mapping[str, Any]) -> tuple[ContentType, bool]:
    """Return the content type, and whether it is certain: older answers have `status_type` instead of attachments."""
    if kind := _ATTACHED.get(str(_attached(item).get("media_type"))):
        return kind, True
    status = item.get("status_type")
    kind = _STATUS.get(str(status), "text" if status is None else "other")
    return kind, "attachments" in item or status == _BARE_TEXT


def summary(body: Mapping[str, Any], edge: str) -> object:
    """Return the total count in an edge's summary; `ABSENT` if the token has no access to the edge."""
    return field_of(field_of(field_of(body, edge), "summary"), "total_count")


def shares(body: Mapping[str, Any]) -> object:
    """Return how often a post was shared: the field is absent at 0.

    Facts: docs/platform-facts.md#facebook-pages-and-posts.
    """
    found = field_of(field_of(body, "shares"), "count")
    return 0 if found is ABSENT else found
