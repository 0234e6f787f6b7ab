"""Statistics of organizations and posts: lifetime, per post, and by UTC day (platforms.md, 5.2)."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from simulator import truth
from simulator.linkedin.problem import Problem, invalid
from simulator.linkedin.world import tells_uniques
from simulator.state import State
from simulator.world import SimAccount, SimPost

DAY_MS = 86_400_000
MAX_SPAN = timedelta(days=14 * 30)
LAG = timedelta(hours=48)
_SHARES = ("impressionCount", "uniqueImpressionsCount", "clickCount", "likeCount", "commentCount", "shareCount")

Element = dict[str, Any]


def days_asked(params: Mapping[str, Any], now: datetime) -> list[date] | None:
    """Return the complete days of a `timeIntervals`, or None where there is none.

    Raises:
        Problem: it is not aligned, too long, or not by day.
    """
    asked = params.get("timeIntervals")
    if asked is None:
        return None
    try:
        (start, end) = (int(asked["timeRange"][name]) for name in ("start", "end"))
        granularity = asked["timeGranularityType"]
    except (KeyError, TypeError, ValueError):
        raise invalid("timeIntervals") from None
    if granularity != "DAY" or start % DAY_MS or end % DAY_MS or end - start < DAY_MS:
        raise invalid("timeIntervals")
    first, last = (datetime.fromtimestamp(each / 1000, UTC) for each in (start, end))
    if last - first > MAX_SPAN:
        raise Problem(400, "The start and end of the time range must be less than 14 months apart", "ILLEGAL_ARGUMENT")
    days = [first.date() + timedelta(days=n) for n in range((last - first).days)]
    return [day for day in days if datetime(day.year, day.month, day.day, tzinfo=UTC) + LAG <= now]


def interval(day: date) -> Element:
    """Return the time range of a day."""
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    return {"start": start, "end": start + DAY_MS}


def by_day(days: list[date], of_day: Callable[[date], Element]) -> list[Element]:
    """Return one element per day."""
    return [{"timeRange": interval(day), **of_day(day)} for day in days]


def follower_gains(state: State, account: SimAccount, day: date) -> Element:
    """Return the net gains of a day: negative at times."""
    names = ("organicFollowerGain", "paidFollowerGain")
    return {"followerGains": {name: truth.day_value(state.world, account, name, day) for name in names}}


def facets(state: State, account: SimAccount, now: datetime) -> Element:
    """Return followers by a few properties; they do not add up to the total."""
    total = truth.account_value(state.world, account, "firstDegreeSize", now)
    shares = (("urn:li:function:22", 0.4), ("urn:li:function:11", 0.3))
    counts = [
        {"followerCounts": {"organicFollowerCount": int(total * share), "paidFollowerCount": 0}, "function": function}
        for function, share in shares
    ]
    empty = ("AssociationType", "Seniority", "Industry", "StaffCountRange", "GeoCountry", "Geo")
    return {"followerCountsByFunction": counts, **{f"followerCountsBy{name}": [] for name in empty}}


def page_views(views: int) -> Element:
    """Return the views of a page: all are desktop and mobile, and overview and careers."""
    mobile, careers = views // 3, views // 10
    parts = {
        "allPageViews": views, "allDesktopPageViews": views - mobile, "allMobilePageViews": mobile,
        "overviewPageViews": views - careers, "careersPageViews": careers, "jobsPageViews": 0, "lifeAtPageViews": 0,
    }  # fmt: skip
    return {"totalPageStatistics": {"views": {name: {"pageViews": value} for name, value in parts.items()}}}


def shares_of_day(state: State, account: SimAccount, day: date) -> Element:
    """Return what an organization's posts came to on a day; the number of people is left out at times."""
    totals: Element = {name: truth.day_value(state.world, account, name, day) for name in _SHARES}
    if not tells_uniques(state.world, account, day):
        del totals["uniqueImpressionsCount"]
    return {"totalShareStatistics": totals | {"engagement": _engagement(totals)}}


def lifetime(state: State, account: SimAccount, now: datetime) -> Element:
    """Return the sum over the last twelve months' posts that are up."""
    posts = [p for p in state.world.posts(account, now - timedelta(days=365), now) if p.visible(now)]
    totals: Element = {name: sum(truth.post_value(state.world, p, name, now) for p in posts) for name in _SHARES}
    return {"totalShareStatistics": {**totals, "engagement": _engagement(totals), **_MENTIONS}}


def of_post(state: State, post: SimPost, now: datetime) -> Element | None:
    """Return the statistics of a post; None without any activity, and such a post is left out."""
    totals: Element = {**truth.post_values(state.world, post, _SHARES, now)}
    if not any(totals.values()):
        return None
    kind = "ugcPost" if post.platform_post_id.startswith("urn:li:ugcPost") else "share"
    return {"totalShareStatistics": totals | {"engagement": _engagement(totals)}, kind: post.platform_post_id}


_MENTIONS = {"shareMentionsCount": 0, "commentMentionsCount": 0}


def _engagement(totals: Mapping[str, int]) -> float:
    parts = sum(totals[name] for name in ("clickCount", "likeCount", "commentCount", "shareCount"))
    return parts / totals["impressionCount"] if totals["impressionCount"] else 0.0
