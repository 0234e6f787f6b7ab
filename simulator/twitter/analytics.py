"""`GET /2/tweets/analytics`: impressions of posts by hour, day or week, only for their author."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from simulator.twitter.objects import stamp
from simulator.twitter.world import shown
from simulator.world import SimPost, World

STEPS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(days=7), "total": None}


def span(params: Mapping[str, str]) -> tuple[datetime, datetime]:
    """Return the requested time range.

    Raises:
        ValueError: the range is missing, not in RFC 3339, without an offset, or reversed.
    """
    start, end = (datetime.fromisoformat(params.get(name, "")) for name in ("start_time", "end_time"))
    if start.tzinfo is None or end.tzinfo is None or start >= end:
        raise ValueError("start_time is before end_time, both with an offset")
    return start, end


def analytics(
    world: World, posts: Iterable[SimPost], start: datetime, end: datetime, step: timedelta | None, now: datetime
) -> list[dict[str, Any]]:
    """Return the impressions of posts, one value for each step of the time range."""
    return [
        {
            "id": post.platform_post_id,
            "timestamped_metrics": [
                {"timestamp": stamp(low), "metrics": {"impressions": _impressions(world, post, low, high, now)}}
                for low, high in _steps(start, end, step)
            ],
        }
        for post in posts
    ]


def _impressions(world: World, post: SimPost, low: datetime, high: datetime, now: datetime) -> int:
    high = min(high, now)
    return shown(world, post, low, high) if high > max(low, post.published_at) else 0


def _steps(start: datetime, end: datetime, step: timedelta | None) -> Iterator[tuple[datetime, datetime]]:
    if step is None:
        yield start, end
        return
    while start < end:
        yield start, min(start + step, end)
        start += step
