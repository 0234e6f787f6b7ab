"""Breakout posts: posts that do far better than the account's posts did at the same age.

They are documents of `anomalies` with the kind `breakout`. `pipelines.insights.posts` finds them;
docs/insights/breakouts.md describes the method.
"""

from typing import Literal, NotRequired, TypedDict

from metrics.documents import MetricType
from metrics.post_curves import HISTORY_DAYS

MODEL = "breakout/1"
"""The version of the method: raised when the same curves would give other breakouts."""
AGES = (1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0)
"""The ages in hours at which a post is judged."""
CONFIRMED_AT = 24.0
"""The age from which on a breakout is confirmed or withdrawn."""
FEWEST_POSTS, MOST_POSTS = 20, 100
"""A post is compared with the newest earlier posts of its type: at least, and at most so many."""
LEAST_ENGAGEMENT, LEAST_MULTIPLE, LEAST_SCORE = 10, 2.0, 3.0
"""A breakout has at least so many engagements, this multiple of the median, and this robust score."""
EARLIER_DAYS = HISTORY_DAYS
"""The posts that a post is compared with were published at most so many days before it."""

Refusal = Literal["no_observation", "too_few", "too_few_posts", "definition_changed"]
"""Why a post is not judged at an age."""


class JudgedType(TypedDict):
    """A type of posts of an account: how many earlier posts there are to compare with, or why none is judged."""

    metricType: MetricType
    posts: int
    unavailable: NotRequired[Refusal]
