"""Reports of the Analytics API: `GET /v2/reports`.

A report ends with the last day on which all requested metrics are complete; days may still be corrected after that.
Facts: docs/platform-facts.md#youtube-analytics-api.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from simulator import truth
from simulator.world import SimAccount, SimPost, World
from simulator.youtube.call import Call
from simulator.youtube.problem import Problem
from simulator.youtube.quota import PACIFIC
from simulator.youtube.world import IMPRESSIONS

KIND = "youtubeAnalytics#resultTable"
PARAMETERS = (
    "ids", "startDate", "endDate", "metrics", "dimensions", "filters", "sort", "maxResults", "startIndex", "currency",
    "includeHistoricalChannelData",
)  # fmt: skip

DELAY = {"likes": timedelta(hours=60), "subscribersGained": timedelta(hours=72), "subscribersLost": timedelta(hours=72)}
USUAL_DELAY = timedelta(hours=48)
"""How long after the end of its Pacific day a metric is complete."""

CORRECTED_AFTER = timedelta(days=5)
"""After this time since the end of a day, its numbers no longer change; until then they are a little too low."""

_CORRECTED = ("views", "engagedViews", "estimatedMinutesWatched")
_PROVISIONAL = 0.97
_AVERAGES = ("averageViewDuration", "averageViewPercentage")
_MONEY = ("estimatedRevenue", "estimatedAdRevenue", "grossRevenue", "cpm", "playbackBasedCpm", "monetizedPlaybacks")
_DIMENSIONS = (
    (),
    ("day",),
    ("month",),
    ("video",),
    ("video", "day"),
    ("creatorContentType",),
    ("day", "creatorContentType"),
)
_TOP_VIDEOS = 200
_SHARES = {"SHORTS": 0.5, "VIDEO_ON_DEMAND": 0.4, "LIVE_STREAM": 0.1}

Row = list[Any]
Value = Callable[[str, date], int]


def reports(call: Call) -> dict[str, Any]:
    """Answer a call; a report without rows lacks the field `rows`.

    Raises:
        Problem: a parameter is wrong, or the token may not read the report.
    """
    for name in ("ids", "startDate", "endDate", "metrics"):
        if not call.text(name):
            raise Problem(400, "required", "Required")
    account, metrics = _owned(call), call.items("metrics")
    dimensions = tuple(call.items("dimensions"))
    _check_metrics(call, metrics, dimensions)
    first, last = (_day(call.text(name)) for name in ("startDate", "endDate"))
    days = complete_days(metrics, first, last, call.now)
    rows = _sorted(call, [*dimensions, *metrics], _rows(call, account, dimensions, metrics, days))
    headers = [
        *({"name": name, "columnType": "DIMENSION", "dataType": "STRING"} for name in dimensions),
        *({"name": name, "columnType": "METRIC", "dataType": _type(name)} for name in metrics),
    ]
    return {"kind": KIND, "columnHeaders": headers, **({"rows": rows} if rows else {})}


def reported(world: World, account: SimAccount, metric: str, day: date, now: datetime) -> int:
    """Return a metric of a day as the API tells it at an instant: a little too low until it is corrected."""
    value = truth.day_value(world, account, metric, day)
    settled = metric not in _CORRECTED or day_end(day) + CORRECTED_AFTER <= now or value < 0
    return value if settled else int(value * _PROVISIONAL)


def complete_days(metrics: Iterable[str], first: date, last: date, now: datetime) -> list[date]:
    """Return the days from `first` to `last` on which all the metrics are complete."""
    delay = max((DELAY.get(metric, USUAL_DELAY) for metric in metrics), default=USUAL_DELAY)
    days = (first + timedelta(days=n) for n in range(max((last - first).days + 1, 0)))
    return [day for day in days if day_end(day) + delay <= now]


def day_end(day: date) -> datetime:
    """Return the instant at which a Pacific day ends."""
    following = day + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=PACIFIC)


def _owned(call: Call) -> SimAccount:
    """Return the channel of the report.

    Raises:
        Problem: the token does not belong to it.
    """
    if call.account is None:
        raise Problem(401, "required", "Login Required", named_status=True)
    kind, _, name = (call.text("ids") or "").partition("==")
    if kind != "channel" or name not in ("MINE", call.account.platform_account_id):
        raise Problem(403, "forbidden", "Forbidden", named_status=True)
    if call.state.fate(call.account, call.aim) is not None:
        raise Problem(403, "forbidden", "Forbidden", named_status=True)
    return call.account


def _check_metrics(call: Call, metrics: Sequence[str], dimensions: tuple[str, ...]) -> None:
    """Refuse the whole query for one metric, or for dimensions that do not go together.

    Raises:
        Problem: 403 for a metric of money, because no simulated channel is in the partner programme; 400 otherwise.
    """
    if any(metric in _MONEY for metric in metrics):
        raise Problem(403, "forbidden", "Forbidden", named_status=True)
    known = {*call.state.world.platforms["youtube"].days, *_AVERAGES} - {IMPRESSIONS}
    wrong = [metric for metric in metrics if metric not in known or call.state.faults.retires(metric)]
    if wrong or dimensions not in _DIMENSIONS:
        raise not_supported()
    size = call.text("maxResults")
    if dimensions == ("video",) and not _videos_of(call):
        # The report of the top videos.
        if not call.text("sort") or size is None or not size.isdecimal() or int(size) > _TOP_VIDEOS:
            raise not_supported()
    elif dimensions == ("video", "day") and not _videos_of(call):
        raise not_supported()


def not_supported() -> Problem:
    """Return the error for a query that the API does not support."""
    message = "The query is not supported. Check the documentation for supported queries."
    return Problem(400, "badRequest", message, named_status=True)


def _day(text: str | None) -> date:
    """Return a day.

    Raises:
        Problem: the text is no date.
    """
    if text is None or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise Problem(400, "invalid", f"Invalid value '{text}'. Values must match YYYY-MM-DD.", named_status=True)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Problem(400, "invalid", f"Invalid value '{text}'.", named_status=True) from None


def _videos_of(call: Call) -> list[str]:
    """Return the videos of the filter `video==a,b`."""
    found = [part for part in (call.text("filters") or "").split(";") if part.startswith("video==")]
    return found[0].removeprefix("video==").split(",") if found else []


def _rows(
    call: Call, account: SimAccount, dimensions: tuple[str, ...], metrics: Sequence[str], days: Sequence[date]
) -> list[Row]:
    def of_channel(metric: str, day: date) -> int:
        return reported(call.state.world, account, metric, day, call.now)

    if not days:
        return []
    if "video" in dimensions:
        return _rows_by_video(call, account, dimensions, metrics, days)
    if "creatorContentType" in dimensions:
        by_day = [[day] for day in days] if "day" in dimensions else [list(days)]
        return [
            [*([some[0].isoformat()] if "day" in dimensions else []), kind, *_values(metrics, some, of_channel, share)]
            for some in by_day
            for kind, share in _SHARES.items()
        ]
    if dimensions == ("day",):
        return [[day.isoformat(), *_values(metrics, [day], of_channel)] for day in days]
    if dimensions == ("month",):
        months = sorted({day.isoformat()[:7] for day in days})
        by_month = {month: [day for day in days if day.isoformat().startswith(month)] for month in months}
        return [[month, *_values(metrics, some, of_channel)] for month, some in by_month.items()]
    return [_values(metrics, days, of_channel)]


def _rows_by_video(
    call: Call, account: SimAccount, dimensions: tuple[str, ...], metrics: Sequence[str], days: Sequence[date]
) -> list[Row]:
    world, wanted = call.state.world, _videos_of(call)
    start, end = day_end(days[0] - timedelta(days=1)), day_end(days[-1])
    if wanted:
        found = [post for name in wanted if (post := world.post("youtube", name)) is not None]
        posts = [post for post in found if post.account_index == account.index]
    else:
        posts = world.posts(account, end - timedelta(days=90), end)
    groups = [[day] for day in days] if "day" in dimensions else [list(days)]
    return [
        [post.platform_post_id, *([some[0].isoformat()] if "day" in dimensions else []),
         *_values(metrics, some, _of_video(world, post))]
        for post in posts if post.visible(call.now) and post.published_at < end and start < end
        for some in groups
    ]  # fmt: skip


def _of_video(world: World, post: SimPost) -> Value:
    """Return the amounts of a video: what its counters grew by on a day, or a share of its views."""
    fields = {"views": "viewCount", "engagedViews": "viewCount", "likes": "likeCount", "comments": "commentCount"}

    def amount(metric: str, day: date) -> int:
        field = fields.get(metric, "viewCount")
        grown = truth.post_value(world, post, field, day_end(day))
        grown -= truth.post_value(world, post, field, day_end(day - timedelta(days=1)))
        return grown if metric in fields else grown // 50

    return amount


def _values(metrics: Sequence[str], days: Sequence[date], value: Value, share: float = 1.0) -> Row:
    """Return the values of one row: sums over the days, and averages computed from sums."""
    found: Row = []
    for metric in metrics:
        if metric in _AVERAGES:
            views = sum(value("views", day) for day in days)
            minutes = sum(value("estimatedMinutesWatched", day) for day in days)
            seconds = minutes * 60 / views if views > 0 else 0.0
            found.append(round(seconds if metric == "averageViewDuration" else seconds / 2, 2))
        else:
            found.append(int(sum(value(metric, day) for day in days) * share))
    return found


def _sorted(call: Call, columns: Sequence[str], rows: list[Row]) -> list[Row]:
    """Return the requested part of the rows, in the requested order; without one, the order is not defined.

    Raises:
        Problem: a column to sort by is not in the report.
    """
    order = call.items("sort")
    if not order:
        rows = sorted(rows, key=str, reverse=True)
    for name in reversed(order):
        if name.lstrip("-") not in columns:
            raise not_supported()
        place = columns.index(name.lstrip("-"))
        rows = sorted(rows, key=lambda row: row[place], reverse=name.startswith("-"))
    start, size = call.text("startIndex") or "1", call.text("maxResults")
    begin = max(int(start), 1) - 1 if start.isdecimal() else 0
    return rows[begin:][: int(size)] if size and size.isdecimal() else rows[begin:]


def _type(metric: str) -> str:
    return "FLOAT" if metric == "averageViewPercentage" else "INTEGER"
