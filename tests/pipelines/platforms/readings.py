"""Readers for kinds of recorded answers: each applies the clients' own parsers, and returns plain values to compare."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from metrics.clock import isoformat
from pipelines.platforms.data.post import Post
from pipelines.platforms.errors import PlatformError
from pipelines.platforms.facebook import answers as facebook_answers
from pipelines.platforms.graph import client as graph
from pipelines.platforms.graph.answers import insights, take_series, take_total
from pipelines.platforms.instagram import answers as instagram_answers
from pipelines.platforms.linkedin import answers as linkedin_answers
from pipelines.platforms.numbers import ABSENT, Numbers
from pipelines.platforms.twitter import answers as twitter_answers
from pipelines.platforms.youtube import days as youtube_days

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def of_account(account_numbers: Callable[[Mapping[str, Any]], Numbers]) -> Callable[[Any], Any]:
    """Levels of one account, of a list of them, or of several by id."""
    return lambda body: [account_numbers(one).metrics for one in _objects(body)]


def of_posts(listed: Callable[[Mapping[str, Any]], Post]) -> Callable[[Any], Any]:
    """Id, kinds and instant of posts."""
    return lambda body: [_said(listed(one)) for one in _objects(body)]


def stories(body: Any) -> Any:
    """Stories as their own list has them, without the time if the answer has none."""
    found = [(one, instagram_answers.listed_post(one, "story")) for one in _objects(body)]
    return [_said(post)[: 4 if "timestamp" in one else 3] for one, post in found]


def media_nodes(body: Any) -> Any:
    """Media with the metrics that are fields of the media themselves."""
    fields = ("like_count", "comments_count")
    return [(*_said(instagram_answers.listed_post(one)), *(one.get(f) for f in fields)) for one in _objects(body)]


def page_posts(body: Any) -> Any:
    """Posts of a page with reactions, comments and shares; posts without a time with their id and these only."""
    found = []
    for one in _objects(body):
        sums = [facebook_answers.summary(one, edge) for edge in ("reactions", "comments")]
        numbers = (*(None if value is ABSENT else value for value in sums), facebook_answers.shares(one))
        found.append((*(_said(facebook_answers.listed_post(one)) if "created_time" in one else (one["id"],)), *numbers))
    return found


def nested_posts(body: Any) -> Any:
    """Posts that came expanded with their page."""
    return [one for page in body.values() for one in page_posts(page["posts"])]


def rows(*edge: str) -> Callable[[Any], Any]:
    """Insights of posts: of the edge named `edge` of each object in the answer, else of the answer itself."""

    def read(body: Any) -> Any:
        if edge:
            return [_known(insights(one[edge[0]])) for one in _objects(body)]
        return _known(insights(body if "data" in body else {"data": [body]}))

    return read


def _known(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values that are numbers."""
    return {name: value for name, value in values.items() if isinstance(value, int | float)}


def days(*fields: str, within: str = "") -> Callable[[Any], Any]:
    """The values of series by day, or the reason why there are none."""

    def read(body: Any) -> Any:
        all_rows = body[within]["data"] if within else body["data"]
        # The same name may come once per period; collection requests days only.
        found = [row for row in all_rows if row["period"] == "day"] or all_rows
        ends = {entry["end_time"] for row in found for entry in row.get("values", ())}
        asked = {(datetime.fromisoformat(end) - timedelta(hours=12)).date() for end in ends} or {date(2024, 1, 1)}
        readings = {day: Numbers() for day in sorted(asked)}
        for field in fields:
            take_series(readings, field, field, {"data": found})
        return {str(day): {**one.metrics, **one.unavailable} for day, one in readings.items()}

    return read


def total(field: str) -> Callable[[Any], Any]:
    """The single number of a time window."""

    def read(body: Any) -> Any:
        reading = Numbers()
        take_total(reading, "x", field, body)
        return reading.metrics.get("x")

    return read


def decision(raise_for: Callable[[int, Any, dict[str, str]], None], status: int = 400) -> Callable[[Any], Any]:
    """The name of the exception class that an error answer is mapped to."""

    def read(body: Any) -> Any:
        with pytest.raises(PlatformError) as caught:
            raise_for(status, body, {})
        return type(caught.value).__name__

    return read


def elements(body: Any) -> Any:
    """Elements of a batch: their ids, or the class of their error."""
    found = [graph._element(one, {}) for one in body]
    return [type(one).__name__ if isinstance(one, PlatformError) else one.get("id", sorted(one)) for one in found]


def tweets(body: Any) -> Any:
    """Tweets with their numbers."""
    found, media = [], twitter_answers.media_of(body)
    for one in _objects(body):
        post = twitter_answers.listed_post(one, media)
        numbers = twitter_answers.post_numbers(post, one, media, (), NOW).metrics
        found.append((*(_said(post) if "created_at" in one else _said(post)[:3]), numbers))
    return found


def video(body: Any) -> Any:
    """Views of a media object, read as an attachment of a tweet."""
    tweet = {"id": "1", "attachments": {"media_keys": [body["media_key"]]}}
    return tweets({"data": [tweet], "includes": {"media": [body]}})


def statistics(body: Any) -> Any:
    """Share statistics, read as those of one post."""
    post = Post("urn:li:share:1", "post", "text", NOW)
    return [linkedin_answers.post_numbers(post, one["totalShareStatistics"]).metrics for one in _objects(body)]


def reports(*columns: str) -> Callable[[Any], Any]:
    """The values of a report of YouTube's by day."""
    return lambda body: {str(day): row for day, row in youtube_days.rows_by_day(body, columns).items()}


def advertisement(body: Any) -> Any:
    """A post, and whether it is only an advertisement."""
    return (*_said(linkedin_answers.listed_post(body)), linkedin_answers.is_advertisement(body))


def _said(post: Post) -> tuple[str, ...]:
    at = isoformat(post.published_at) if post.published_at else ""
    return post.platform_post_id, post.metric_type, post.content_type, at


def _objects(body: Any) -> Iterable[Any]:
    """Return the objects of an answer: one alone, a list, several by id, lists by id."""
    for name in ("elements", "items"):
        if name in body:
            return list(body[name])
    if "data" in body:
        return body["data"] if isinstance(body["data"], list) else [body["data"]]
    if all(isinstance(one, dict) and {"id", "data"} & one.keys() for one in body.values()):
        return [one for each in body.values() for one in _objects(each)]
    return [body]
