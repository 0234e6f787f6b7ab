"""Parsers for Instagram: turn bodies of the Graph API into numbers and posts.

Facts: docs/platform-facts.md#instagram.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from metrics.documents import ContentType, MetricType
from pipelines.platforms.answers import id_of
from pipelines.platforms.data.post import Content, Post
from pipelines.platforms.graph.answers import parse_time
from pipelines.platforms.numbers import Numbers, field_of

ACCOUNT_FIELDS = {"followers": "followers_count", "following": "follows_count", "posts": "media_count"}
_FOUNDED = datetime(2010, 10, 6, tzinfo=UTC)
_ID = re.compile(r"[0-9]+")
_CONTENT_TYPES: Mapping[str, ContentType] = {"IMAGE": "image", "VIDEO": "video", "CAROUSEL_ALBUM": "carousel"}
_METRIC_TYPES: Mapping[str, MetricType] = {"STORY": "story", "REELS": "reel"}


def account_numbers(node: Mapping[str, Any]) -> Numbers:
    """Return the levels in an account's node; the node lacks fields to which the token has no access."""
    numbers = Numbers()
    for name, field in ACCOUNT_FIELDS.items():
        numbers.take(name, field_of(node, field), "permission_missing")
    return numbers


def listed_post(item: Mapping[str, Any], metric_type: MetricType | None = None) -> Post:
    """Return the post of an item of a list; old answers have no product type, except for stories.

    Raises:
        LookupError, TypeError, ValueError: the item has no valid id, or an invalid time.
    """
    published, product, media = (item.get(name) for name in ("timestamp", "media_product_type", "media_type"))
    return Post(
        platform_post_id=id_of(item["id"], _ID),
        metric_type=metric_type or _METRIC_TYPES.get(str(product), "post"),
        content_type=_CONTENT_TYPES.get(str(media), "other"),
        published_at=parse_time(published, _FOUNDED) if published is not None else None,
        kind_is_sure=isinstance(media, str) and (metric_type is not None or isinstance(product, str)),
        content=Content(item.get("permalink"), item.get("caption"), _thumbnail(item)),
    )


def _thumbnail(item: Mapping[str, Any]) -> object:
    """Return the URL of a picture of a media; the `media_url` of a video is the video itself."""
    return item.get("thumbnail_url" if item.get("media_type") == "VIDEO" else "media_url")
