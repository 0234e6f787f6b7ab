"""X's analytics of past days: what an account's posts were shown, by UTC day (platforms.md, 4.2)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from metrics.clock import isoformat
from metrics.periods import midnight
from pipelines.platforms.base import EMPTY_PAGES, FOLLOWED_DAYS

MAX_IDS = 100

OWN_POSTS = {"exclude": "retweets"}
"""A repost carries the reposts of what it repeats: those are another account's numbers, and X bills them too."""

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Reads a path with its parameters; returns the body."""


def impressions(ask: Ask, user_id: str, days: Sequence[date]) -> dict[date, int]:
    """Return the impressions that an account's posts got on each day, of posts no older than those followed.

    Raises what `ask` raises: X tells analytics to the author's own token alone.
    """
    start, end = midnight(min(days)), midnight(max(days)) + timedelta(days=1)
    totals = dict.fromkeys(days, 0)
    for ids in _timeline(ask, user_id, start - timedelta(days=FOLLOWED_DAYS), end):
        params = {
            "ids": ",".join(ids), "start_time": isoformat(start), "end_time": isoformat(end),
            "granularity": "daily", "analytics.fields": "id,timestamped_metrics",
        }  # fmt: skip
        for post in ask("tweets/analytics", params).get("data", ()):
            for one in post.get("timestamped_metrics", ()):
                day = datetime.fromisoformat(one["timestamp"]).astimezone(UTC).date()
                if day in totals:
                    totals[day] += int(one["metrics"].get("impressions", 0))
    return totals


def _timeline(ask: Ask, user_id: str, start: datetime, end: datetime) -> Iterator[list[str]]:
    """Yield the ids of the posts of a span, a hundred at a time."""
    params = {"max_results": str(MAX_IDS), **OWN_POSTS, "start_time": isoformat(start), "end_time": isoformat(end)}
    empty = 0
    while True:
        body = ask(f"users/{user_id}/tweets", params)
        ids = [str(post["id"]) for post in body.get("data", ())]
        if ids:
            yield ids
        empty = 0 if ids else empty + 1
        token = body.get("meta", {}).get("next_token")
        if not token or empty > EMPTY_PAGES:
            return
        params["pagination_token"] = token
