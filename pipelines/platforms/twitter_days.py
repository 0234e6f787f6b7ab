"""X's analytics of past days: what an account's posts were shown, by UTC day (platforms.md, 4.2)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from metrics.clock import isoformat
from metrics.periods import midnight
from pipelines.platforms.base import FOLLOWED
from pipelines.platforms.errors import BadAnswer
from pipelines.platforms.numbers import part
from pipelines.platforms.paging import EMPTY_PAGES, MOST_PAGES

MAX_IDS = 100

OWN_POSTS = {"exclude": "retweets"}
"""A repost carries the reposts of what it repeats: those are another account's numbers, and X bills them too."""

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Reads a path with its parameters; returns the body."""


def impressions(ask: Ask, user_id: str, days: Sequence[date]) -> dict[date, list[object]]:
    """Return the impressions that an account's posts got on each day, of posts no older than those followed.

    The values of a day add up to the day's; 0 is among them, since a day without posts had no impressions. Raises what
    `ask` raises: X tells analytics to the author's own token alone.
    """
    start, end = midnight(min(days)), midnight(max(days)) + timedelta(days=1)
    totals: dict[date, list[object]] = {day: [0] for day in days}
    for ids in _timeline(ask, user_id, start - FOLLOWED, end):
        params = {
            "ids": ",".join(ids), "start_time": isoformat(start), "end_time": isoformat(end),
            "granularity": "daily", "analytics.fields": "id,timestamped_metrics",
        }  # fmt: skip
        for post in ask("tweets/analytics", params).get("data") or ():
            for one in post.get("timestamped_metrics") or ():
                day = datetime.fromisoformat(one["timestamp"]).astimezone(UTC).date()
                if day in totals and "impressions" in one["metrics"]:
                    totals[day].append(part(one["metrics"], "impressions"))
    return totals


def _timeline(ask: Ask, user_id: str, start: datetime, end: datetime) -> Iterator[list[str]]:
    """Yield the ids of the posts of a span, a hundred at a time.

    Raises:
        BadAnswer: the pages of the span do not end.
    """
    params = {"max_results": str(MAX_IDS), **OWN_POSTS, "start_time": isoformat(start), "end_time": isoformat(end)}
    empty, tokens = 0, set[str]()
    while True:
        body = ask(f"users/{user_id}/tweets", params)
        ids = [str(post["id"]) for post in body.get("data") or () if isinstance(post, Mapping) and "id" in post]
        if ids:
            yield ids
        empty = 0 if ids else empty + 1
        token = (body.get("meta") or {}).get("next_token")
        if not token:
            return
        if token in tokens or empty > EMPTY_PAGES or len(tokens) > MOST_PAGES:
            raise BadAnswer("the pages of the timeline do not end")
        tokens.add(str(token))
        params["pagination_token"] = str(token)
