"""Parsers for Threads: turn answers of the Threads API into posts and numbers.

Facts: docs/platform-facts.md#threads.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from metrics.documents import ContentType, Reason
from pipelines.platforms.answers import id_of, values_by_day
from pipelines.platforms.data.post import Content, Post
from pipelines.platforms.errors import BadAnswer
from pipelines.platforms.graph.answers import (
    NOT_AN_EDGE,
    is_insights_edge,
    parse_time,
    row_value,
    rows,
    series_entries,
)
from pipelines.platforms.numbers import ABSENT, Numbers, field_of
from pipelines.platforms.pages import Place, cursor

ID = re.compile(r"[0-9]+")
_FOUNDED = datetime(2023, 1, 1, tzinfo=UTC)
"""Threads opened in July 2023; its staff published in it before."""
_REPOST = "REPOST_FACADE"
_CONTENT_TYPES: Mapping[str, ContentType] = {
    "TEXT_POST": "text", "IMAGE": "image", "VIDEO": "video", "CAROUSEL_ALBUM": "carousel"
}  # fmt: skip


def listed_post(item: Mapping[str, Any]) -> Post:
    """Return the post of an item of a list.

    Raises:
        LookupError, TypeError, ValueError: the item has no valid id, or an invalid time.
    """
    published, media = item.get("timestamp"), item.get("media_type")
    return Post(
        platform_post_id=id_of(item["id"], ID),
        metric_type="post",
        content_type=_CONTENT_TYPES.get(str(media), "other"),
        published_at=parse_time(published, _FOUNDED) if published is not None else None,
        kind_is_sure=isinstance(media, str),
        content=Content(item.get("permalink"), item.get("text"), _picture(item)),
    )


def _picture(item: Mapping[str, Any]) -> object:
    """Return the URL of a picture of a post; the `media_url` of a video or of a recording is no picture."""
    if item.get("media_type") == "VIDEO":
        return item.get("thumbnail_url")
    return item.get("media_url") if item.get("media_type") in ("IMAGE", "CAROUSEL_ALBUM") else None


def is_repost(item: Mapping[str, Any]) -> bool:
    """Tell whether an item is a repost: a post of another user, which has no insights for this account."""
    return item.get("media_type") == _REPOST


def next_place(body: Mapping[str, Any], size: int) -> Place | None:
    """Return the place of the page after one that was requested with `size` items, or None at the end of the list.

    Answers have cursors and, as documented, no `next`. The list therefore goes on as long as a page has a cursor, and
    usually ends with an empty page.

    Raises:
        ValueError, TypeError, AttributeError: there seems to be a next page, but its cursor is missing or odd.
    """
    paging = body.get("paging") or {}
    after = (paging.get("cursors") or {}).get("after")
    if after is not None and after != "":
        return {"after": cursor(after)}
    if paging.get("next") is not None or len(body["data"]) >= size:
        raise ValueError("the next page has no cursor")
    return None


def checked_insights(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an answer of insights.

    Raises:
        BadAnswer: the answer is not a list of insights.
    """
    if not is_insights_edge(body):
        raise BadAnswer(NOT_AN_EDGE)
    return body


def is_about_another(body: Mapping[str, Any], subject_id: str) -> bool:
    """Tell whether insights are those of another account or post: the id of a row begins with the id of its subject."""
    names = (row.get("id") for row in rows(body))
    return any(isinstance(name, str) and "/" in name and name.partition("/")[0] != subject_id for name in names)


def take_followers(numbers: Numbers, body: Mapping[str, Any]) -> None:
    """Store the number of followers."""
    row = _rows_by_name(body).get("followers_count")
    numbers.take("followers", ABSENT if row is None else row_value(row), _without_value(body))


def take_day(numbers: Numbers, day: date, name: str, parts: Iterable[str], body: Mapping[str, Any]) -> None:
    """Store a metric of a Pacific day from the insights of this day, in the shape that the API gives it.

    Views come as a value for each day, clicks as a total for each link, and all others as a total.

    Facts: docs/platform-facts.md#threads-insights.
    """
    found, values, otherwise = _rows_by_name(body), list[object](), _without_value(body)
    for field in parts:
        row = found.get(field, {})
        if "link_total_values" in row:
            values += _of_links(row["link_total_values"])
            # An empty list names no link, so it has no number.
            otherwise = "no_observation" if not values else otherwise
        elif isinstance(row.get("values"), list):
            values.append(values_by_day(series_entries(row)).get(day, ABSENT))
            # A day that is missing from the series is still being counted.
            otherwise = "not_yet_available"
        else:
            values.append(field_of(row["total_value"], "value") if "total_value" in row else ABSENT)
    numbers.take_sum(name, values, otherwise)


def _rows_by_name(body: Mapping[str, Any]) -> dict[object, Mapping[str, Any]]:
    return {row.get("name"): row for row in rows(body) if isinstance(row.get("name"), str)}


def _without_value(body: Mapping[str, Any]) -> Reason:
    """Return why an answer has no value of a requested metric: an empty list is an answer, other rows are a mistake."""
    return "no_observation" if body.get("data") == [] else "provider_error"


def _of_links(links: object) -> list[object]:
    """Return the clicks on each link; a single odd value if the links have an unexpected form."""
    return [field_of(link, "value") for link in links] if isinstance(links, list) else [None]
