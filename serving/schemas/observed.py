"""The shapes of observed metrics, made from the catalog: those of accounts, those of posts, and those of either."""

from typing import Any

from pydantic import create_model

from metrics.catalog import Metric, metrics_of
from serving.schemas.base import Shape, absent

_ENGAGEMENT = "The sum of likes, comments, shares and saves, as far as the platform offers them for this kind of post."


def _fields(*metrics: Metric) -> dict[str, Any]:
    """Return an optional field for each metric; a metric that accounts and posts both have gets both meanings."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(metric.name for metric in metrics):
        same = [metric for metric in metrics if metric.name == name]
        kind = float if any(metric.unit == "percent" for metric in same) else int
        found[name] = (kind, absent(" ".join(metric.meaning for metric in same)))
    return found


_ACCOUNTS, _POSTS = metrics_of("account"), metrics_of("post")
_OF_POSTS: dict[str, Any] = {"engagement": (int, absent(_ENGAGEMENT))}
_RATE: dict[str, Any] = {
    "engagementRate": (float, absent("Percent: 100 x `engagement` / the metric that `engagementRateBasis` names."))
}

ObservedAccount = create_model(
    "ObservedAccount", __base__=Shape, __doc__="The metrics of an account, as observed; unknown ones are absent.",
    **_fields(*_ACCOUNTS),
)  # fmt: skip
PostMetrics = create_model(
    "PostMetrics", __base__=Shape, __doc__="The metrics of a post over its life; unknown ones are absent.",
    **(_fields(*_POSTS) | _OF_POSTS | _RATE),
)  # fmt: skip
ObservedMetrics = create_model(
    "ObservedMetrics", __base__=Shape, __doc__="The metrics of an account or of a post; unknown ones are absent.",
    **(_fields(*_ACCOUNTS, *_POSTS) | _OF_POSTS),
)  # fmt: skip
