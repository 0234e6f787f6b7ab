"""Curves of posts: the engagement that a post had at fixed ages, which statements about posts are made from.

`pipelines.insights.posts` derives them from the log; docs/insights/decay.md says how.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NotRequired, TypedDict

from metrics.documents import MetricType, Platform

FINAL_AGE = 168
"""The age in hours at which the engagement of a post counts as its final one."""
AGES = (1, 2, 3, 6, 12, 24, 48, 72, FINAL_AGE)
"""The ages in hours of which statements tell."""
POINTS = (0.5, 1.0, 1.5, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0, 72.0, 168.0)
"""The ages of a curve: those of statements, and their halves where a method needs them."""
POINT: Mapping[float, int] = {age: index for index, age in enumerate(POINTS)}
"""The position of an age in `values` of a curve."""
HISTORY_DAYS = 180
"""Posts that were published in these last days are the history of a statement."""


def slot_hours(age: float) -> float:
    """Return how many hours apart the readings of a post are at an age."""
    return 1.0 if age <= 48 else 6.0


def settled_after(age: float) -> timedelta:
    """Return how long after its publication the value of a post at an age no longer changes."""
    return timedelta(hours=age + slot_hours(age))


class PostCurveDocument(TypedDict):
    """A document of `post_curves`; `_id` is the post.

    `values` has the engagement at each age of `POINTS`, or None where no reading was near enough. `dueAt` is when the
    next value can be known; without it, the curve is final.
    """

    _id: str
    workspaceId: str
    accountId: str
    platform: Platform
    metricType: MetricType
    publishedAt: datetime
    values: list[float | None]
    definitionVersion: int
    dueAt: NotRequired[datetime]
