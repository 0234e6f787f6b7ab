"""X's analytics of past days: what an account's posts were shown, by UTC day (platforms.md, 4.2)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from metrics.batches import batched
from metrics.clock import isoformat, utcnow
from metrics.periods import midnight
from pipelines.platforms.answers import items_of, of_days
from pipelines.platforms.base import FOLLOWED, AccountReading, Post, PostBudget, Reading, Tally
from pipelines.platforms.errors import BadAnswer, BudgetUsed, PlatformError
from pipelines.platforms.memory import ListMemory
from pipelines.platforms.numbers import part
from pipelines.platforms.pages import Page, Place, cursor
from pipelines.platforms.paging import PostList, walk
from pipelines.platforms.twitter.answers import listed_post, of_problems

MAX_IDS = 100
PAGE = 100
SMALLEST_PAGE = 5
"""The least `max_results` that a timeline takes."""

MOST_LISTED = 3_200
"""Posts that a timeline lists at the most; what lies before them is not told (platforms.md, 4.2)."""

OWN_POSTS = {"exclude": "retweets"}
"""A repost carries the reposts of what it repeats: those are another account's numbers, and X bills them too."""

_LIST = "timeline"

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Reads a path with its parameters; returns the body."""


def impressions(
    ask: Ask, user_id: str, days: Sequence[date], tally: Tally, budget: PostBudget | None = None
) -> dict[date, list[object]]:
    """Return the impressions that an account's posts got on each day, of posts no older than those followed.

    The values of a day add up to the day's; 0 is among them, since a day without posts had no impressions. A day of
    whose posts the timeline lists not all is left out.

    Raises:
        BudgetUsed: `budget` does not reach for the posts that are billed.
        BadAnswer: the pages of the timeline do not end.
        PlatformError: what `ask` raises: X tells analytics to the author's own token alone.
    """
    start, end = midnight(min(days)), midnight(max(days)) + timedelta(days=1)
    posts = _published(ask, user_id, start - FOLLOWED, end, tally, budget)
    published = {post.platform_post_id: post.published_at or start for post in posts}
    complete_from = min(published.values()) if len(posts) >= MOST_LISTED else start - FOLLOWED
    totals: dict[date, list[object]] = {day: [0] for day in days if midnight(day) - FOLLOWED >= complete_from}
    for ids in batched(list(published), MAX_IDS):
        params = {
            "ids": ",".join(ids), "start_time": isoformat(start), "end_time": isoformat(end),
            "granularity": "daily", "analytics.fields": "id,timestamped_metrics",
        }  # fmt: skip
        body = ask("tweets/analytics", params)
        told = _by_post(items_of(body.get("data", [])))
        if set(ids) - told.keys() - of_problems(body).keys():
            raise BadAnswer("the analytics leave out posts without a word: that is no zero")
        for post_id, values in told.items():
            for day, value in values.items():
                if day in totals and published.get(post_id, start) >= midnight(day) - FOLLOWED:
                    totals[day].append(value)
    return totals


def _by_post(posts: Sequence[Any]) -> dict[str, dict[date, object]]:
    """Return the impressions of each post by day: a post or a day that comes twice counts once.

    Raises:
        LookupError, TypeError, ValueError: one of them has another form; without it no day's sum would be true.
    """
    entries: dict[str, list[tuple[date, object]]] = {}
    for post in posts:
        told = entries.setdefault(str(post["id"]), [])
        for one in items_of(post["timestamped_metrics"]):
            at = datetime.fromisoformat(one["timestamp"])
            if at.tzinfo is None:
                raise ValueError("a day without an offset")
            told.append((at.astimezone(UTC).date(), part(one["metrics"], "impressions")))
    return {post_id: of_days(told) for post_id, told in entries.items()}


def timeline_page(begins: Place, body: Mapping[str, Any]) -> Page:
    """Return a page of a timeline that was asked for with `begins`.

    Raises:
        LookupError, TypeError: the answer has another form.
    """
    # X leaves the list out of an empty page, which says so.
    items = body["data"] if "data" in body or body["meta"]["result_count"] else []
    return Page.of(items, lambda: _following(begins, body["meta"]), body)


def _following(begins: Place, meta: Mapping[str, Any]) -> Place | None:
    """Return where the next page of a timeline begins; None at its end.

    Raises:
        ValueError, TypeError: there is a next page, but it does not say where.
    """
    following = meta.get("next_token")
    return None if following is None else {**begins, "pagination_token": cursor(following)}


def _published(
    ask: Ask, user_id: str, start: datetime, end: datetime, tally: Tally, budget: PostBudget | None
) -> list[Post]:
    """Return the account's own posts of a span."""
    refusals: list[PlatformError] = []
    bounds = {"start_time": isoformat(start), "end_time": isoformat(end)}

    def page(place: Place, size: int) -> Page:
        params = {**OWN_POSTS, **(place or bounds), "max_results": str(size), "tweet.fields": "created_at"}
        try:
            body = ask(f"users/{user_id}/tweets", params)
        except PlatformError as error:
            refusals.append(error)
            raise
        return timeline_page(place or bounds, body)

    timeline = PostList(_LIST, page, lambda tweet: listed_post(tweet, {}), (), start, PAGE, SMALLEST_PAGE, budget)
    reading, found = AccountReading(Reading(utcnow())), dict[str, Post]()
    for taken in walk(timeline, ListMemory(), reading, tally):
        found.update({post.platform_post_id: post for post in taken.posts})
    if _LIST in reading.failures:
        if refusals:
            raise refusals[-1]
        left = budget.left() if budget is not None else None
        raise BudgetUsed if left is not None and left < SMALLEST_PAGE else BadAnswer(reading.failures[_LIST])
    return list(found.values())
