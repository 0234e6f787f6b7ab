"""Which kinds of posts each platform has, as far as its API tells their numbers (docs/metrics.md)."""

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
"""Content types by metric type. `other` is what a platform says of nothing else."""


def check_kind(platform: Platform, metric_type: MetricType, content_type: ContentType) -> None:
    """Refuse a kind of post that a platform does not have.

    Raises:
        InvalidInput: there is none; the message lists those there are.
    """
    kinds = KINDS[platform]
    if metric_type not in kinds:
        raise InvalidInput(f"metricType: {platform} has no {metric_type}, only {', '.join(kinds)}", "metricType")
    if content_type not in kinds[metric_type]:
        there = ", ".join(kinds[metric_type])
        message = f"contentType: {platform} has no {metric_type} of type {content_type}, only {there}"
        raise InvalidInput(message, "contentType")
