"""Reads X's analytics of past days: the impressions of an account's posts by UTC day.

Facts: docs/platform-facts.md#x-endpoints.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from metrics.batches import batched
from metrics.clock import isoformat, utcnow
from metrics.periods import midnight
from pipelines.platforms.answers import items_of, values_by_day
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import FOLLOWED
from pipelines.platforms.errors import BadAnswer, BudgetUsed, PlatformError
from pipelines.platforms.limits import PostBudget
from pipelines.platforms.memory import ListMemory
from pipelines.platforms.numbers import field_of
from pipelines.platforms.pages import Page, Place, cursor
from pipelines.platforms.paging import PostList, walk
from pipelines.platforms.twitter.answers import listed_post, problems_by_id

MAX_IDS = 100
PAGE = 100
SMALLEST_PAGE = 5
"""The smallest `max_results` that a timeline accepts."""

MOST_LISTED = 3_200
"""Maximum number of posts that a timeline lists; older posts cannot be listed (docs/platform-facts.md#x-endpoints)."""

OWN_POSTS = {"exclude": "retweets"}
"""Parameter that leaves out reposts: their repost counts are those of another account's post, and X bills them too."""

_LIST = "timeline"

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Sends a GET request for a path with parameters; returns the body."""


def impressions(
    ask: Ask, user_id: str, days: Sequence[date], tally: Tally, budget: PostBudget | None = None
) -> dict[date, list[object]]:
    """Return the impressions of an account's posts on each day, for posts at most `FOLLOWED` old on that day.

    The list of each day has one value per post, to be added up, and a 0, because a day without posts had no
    impressions. A day is left out if the timeline does not list all its posts.

    Raises:
        BudgetUsed: `budget` is too small for the posts that are billed.
        BadAnswer: the timeline could not be read to its end, or the analytics leave out posts.
        PlatformError: any error of `ask`; X shows analytics only to the author's own token.
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
        impressions_of = _by_post(items_of(body.get("data", [])))
        if set(ids) - impressions_of.keys() - problems_by_id(body).keys():
            raise BadAnswer("the analytics leave out posts without an error: these do not count as zero")
        for post_id, values in impressions_of.items():
            for day, value in values.items():
                if day in totals and published.get(post_id, start) >= midnight(day) - FOLLOWED:
                    totals[day].append(value)
    return totals


def _by_post(posts: Sequence[Any]) -> dict[str, dict[date, object]]:
    """Return the impressions of each post by day; a post or a day that comes twice counts once.

    Raises:
        LookupError, TypeError, ValueError: an entry has an unexpected form; without it, the sums would be wrong.
    """
    entries: dict[str, list[tuple[date, object]]] = {}
    for post in posts:
        of_post = entries.setdefault(str(post["id"]), [])
        for entry in items_of(post["timestamped_metrics"]):
            at = datetime.fromisoformat(entry["timestamp"])
            if at.tzinfo is None:
                raise ValueError("a day without an offset")
            of_post.append((at.astimezone(UTC).date(), field_of(entry["metrics"], "impressions")))
    return {post_id: values_by_day(of_post) for post_id, of_post in entries.items()}


def timeline_page(begins: Place, body: Mapping[str, Any]) -> Page:
    """Return a page of a timeline that was requested with the parameters `begins`.

    Raises:
        LookupError, TypeError: the answer has an unexpected form.
    """
    # An empty page of X has no list, but a `result_count` of 0.
    items = body["data"] if "data" in body or body["meta"]["result_count"] else []
    return Page.of(items, lambda: _following(begins, body["meta"]), body)


def _following(begins: Place, meta: Mapping[str, Any]) -> Place | None:
    """Return the place of the next page of a timeline; None at its end.

    Raises:
        ValueError, TypeError: there is a next page, but its token is not valid.
    """
    following = meta.get("next_token")
    return None if following is None else {**begins, "pagination_token": cursor(following)}


def _published(
    ask: Ask, user_id: str, start: datetime, end: datetime, tally: Tally, budget: PostBudget | None
) -> list[Post]:
    """Return the account's own posts that were published between `start` and `end`."""
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
    for parsed in walk(timeline, ListMemory(), reading, tally):
        found.update({post.platform_post_id: post for post in parsed.posts})
    if _LIST in reading.failures:
        if refusals:
            raise refusals[-1]
        left = budget.left() if budget is not None else None
        raise BudgetUsed if left is not None and left < SMALLEST_PAGE else BadAnswer(reading.failures[_LIST])
    return list(found.values())
