"""The kinds of posts of each platform whose numbers its API reports (docs/metrics.md)."""

from collections.abc import Mapping

from metrics.documents import ContentType, MetricType, Platform
from metrics.errors import InvalidInput

KINDS: Mapping[Platform, Mapping[MetricType, tuple[ContentType, ...]]] = {
    "instagram": {
        "post": ("image", "video", "carousel", "other"),
        "story": ("image", "video", "other"),
        "reel": ("video", "other"),
    },
    "facebook": {"post": ("image", "video", "carousel", "text", "link", "other"), "reel": ("video", "other")},
    "twitter": {"post": ("image", "video", "carousel", "text", "link", "other")},
    "linkedin": {"post": ("image", "video", "carousel", "text", "link", "document", "other")},
}
"""Content types by metric type. `other` is for posts that no other type fits."""


def check_kind(platform: Platform, metric_type: MetricType, content_type: ContentType) -> None:
    """Check that a platform has a kind of post.

    Raises:
        InvalidInput: the platform has no such kind; the message lists the kinds that it has.
    """
    kinds = KINDS[platform]
    if metric_type not in kinds:
        raise InvalidInput(f"metricType: {platform} has no {metric_type}, only {', '.join(kinds)}", "metricType")
    if content_type not in kinds[metric_type]:
        allowed = ", ".join(kinds[metric_type])
        message = f"contentType: {platform} has no {metric_type} of type {content_type}, only {allowed}"
        raise InvalidInput(message, "contentType")
