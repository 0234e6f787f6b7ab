"""The check that a platform has a kind of post."""

from metrics.documents import ContentType, MetricType, Platform
from metrics.errors import InvalidInput
from metrics.platforms.registry import FACTS


def check_kind(platform: Platform, metric_type: MetricType, content_type: ContentType) -> None:
    """Check that a platform has a kind of post.

    Raises:
        InvalidInput: the platform has no such kind; the message lists the kinds that it has.
    """
    kinds = FACTS[platform].kinds
    if metric_type not in kinds:
        raise InvalidInput(f"metricType: {platform} has no {metric_type}, only {', '.join(kinds)}", "metricType")
    if content_type not in kinds[metric_type]:
        allowed = ", ".join(kinds[metric_type])
        message = f"contentType: {platform} has no {metric_type} of type {content_type}, only {allowed}"
        raise InvalidInput(message, "contentType")
