"""What Instagram's answers say: bodies of the Graph API to readings and posts (platforms.md, 2.2 to 2.4)."""

from collections.abc import Mapping
from typing import Any

from metrics.clock import utcnow
from metrics.documents import ContentType, MetricType, Reason
from pipelines.platforms.base import Post, Reading
from pipelines.platforms.graph_answers import parse_time

ACCOUNT_FIELDS = {"followers": "followers_count", "following": "follows_count", "posts": "media_count"}
_CONTENT_TYPES: Mapping[str, ContentType] = {"IMAGE": "image", "VIDEO": "video", "CAROUSEL_ALBUM": "carousel"}
_METRIC_TYPES: Mapping[str, MetricType] = {"STORY": "story", "REELS": "reel"}


def account_reading(node: Mapping[str, Any]) -> Reading:
    """Return the levels of an account's node; what the token may not see is absent from it."""
    found = {name: node[field] for name, field in ACCOUNT_FIELDS.items() if field in node}
    missing: dict[str, Reason] = {name: "permission_missing" for name in ACCOUNT_FIELDS if name not in found}
    return Reading(utcnow(), found, missing)


def listed_post(item: Mapping[str, Any], metric_type: MetricType | None = None) -> Post:
    """Return the post of an item of a list; old answers lack the product type of all but stories."""
    published = item.get("timestamp")
    return Post(
        platform_post_id=str(item["id"]),
        metric_type=metric_type or _METRIC_TYPES.get(item.get("media_product_type", ""), "post"),
        content_type=_CONTENT_TYPES.get(item.get("media_type", ""), "other"),
        published_at=parse_time(published) if published else utcnow(),
    )
