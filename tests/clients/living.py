"""The truth at the instant at which clients read: the posts that are up, and the range a counter may be in."""

from datetime import UTC, datetime, timedelta

from metrics.documents import MetricType, Platform
from simulator import truth
from simulator.world import SimAccount, SimPost
from tests.simulator_fixture import Simulator

NOW = datetime(2026, 11, 17, 16, 20, tzinfo=UTC)
"""A Tuesday in standard time, at which account 0 of Instagram has a story alive that five people or more have seen."""

_CLIENT_TAKES = timedelta(minutes=3)


def living(
    simulator: Simulator, platform: Platform, *types: MetricType, since: datetime = NOW - timedelta(days=400)
) -> list[SimPost]:
    """Return the posts of account 0 that are up and of these metric types, newest first."""
    posts = simulator.world.posts(simulator.world.account(platform, 0), since, NOW)
    return [post for post in reversed(posts) if post.visible(NOW) and post.metric_type in types]


def near(simulator: Simulator, subject: SimPost | SimAccount, field: str, value: float, start: datetime = NOW) -> bool:
    """Tell whether a counter or level is what it was when the client started, or at an instant while it ran."""
    if isinstance(subject, SimPost):
        counted = [truth.post_value(simulator.world, subject, field, at) for at in (start, start + _CLIENT_TAKES)]
    else:
        counted = [truth.account_value(simulator.world, subject, field, at) for at in (start, start + _CLIENT_TAKES)]
    return min(counted) <= value <= max(counted)
