"""Statistics of organizations and posts: lifetime, per post, and by UTC day, week or month.

Facts: docs/platform-facts.md#linkedin-statistics.
"""

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
_PEOPLE = "uniqueImpressionsCount"
_SHARES = ("impressionCount", _PEOPLE, "clickCount", "likeCount", "commentCount", "shareCount")

Element = dict[str, Any]


def spans_asked(params: Mapping[str, Any], now: datetime, *granularities: str) -> list[list[date]] | None:
    """Return the complete time spans of `timeIntervals`, each as its days, or None if the parameter is absent.

    Raises:
        Problem: the interval is not aligned, too long, or of another granularity.
    """
    requested = params.get("timeIntervals")
    if requested is None:
        return None
    try:
        (start, end) = (int(requested["timeRange"][name]) for name in ("start", "end"))
        granularity = requested["timeGranularityType"]
    except (KeyError, TypeError, ValueError):
        raise invalid("timeIntervals") from None
    if granularity not in granularities or start % DAY_MS or end % DAY_MS or end - start < DAY_MS:
        raise invalid("timeIntervals")
    first, last = (datetime.fromtimestamp(each / 1000, UTC) for each in (start, end))
    if last - first > MAX_SPAN:
        raise Problem(400, "The start and end of the time range must be less than 14 months apart", "ILLEGAL_ARGUMENT")
    spans: dict[Any, list[date]] = {}
    for n in range((last - first).days):
        day = first.date() + timedelta(days=n)
        place = {"DAY": n, "WEEK": n // 7, "MONTH": (day.year, day.month)}[granularity]
        spans.setdefault(place, []).append(day)
    return [days for days in spans.values() if _midnight(days[-1]) + LAG <= now]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def by_span(spans: list[list[date]], of_days: Callable[[list[date]], Element]) -> list[Element]:
    """Return one element per span, with its time range."""
    found = []
    for days in spans:
        start, end = _midnight(days[0]), _midnight(days[-1]) + timedelta(days=1)
        interval = {"start": int(start.timestamp() * 1000), "end": int(end.timestamp() * 1000)}
        found.append({"timeRange": interval, **of_days(days)})
    return found


def follower_gains(state: State, account: SimAccount, days: list[date]) -> Element:
    """Return the net follower gains of some days, which may be negative."""
    return {
        "followerGains": {
            name: sum(truth.day_value(state.world, account, name, day) for day in days)
            for name in ("organicFollowerGain", "paidFollowerGain")
        }
    }


def facets(state: State, account: SimAccount, now: datetime) -> Element:
    """Return followers by some properties; the parts do not add up to the total."""
    total = truth.account_value(state.world, account, "firstDegreeSize", now)
    shares = (("urn:li:function:22", 0.4), ("urn:li:function:11", 0.3))
    counts = [
        {"followerCounts": {"organicFollowerCount": int(total * share), "paidFollowerCount": 0}, "function": function}
        for function, share in shares
    ]
    empty = ("AssociationType", "Seniority", "Industry", "StaffCountRange", "GeoCountry", "Geo")
    return {"followerCountsByFunction": counts, **{f"followerCountsBy{name}": [] for name in empty}}


def page_views(views: int) -> Element:
    """Return the views of a page, split into desktop and mobile, and into overview and careers."""
    mobile, careers = views // 3, views // 10
    parts = {
        "allPageViews": views, "allDesktopPageViews": views - mobile, "allMobilePageViews": mobile,
        "overviewPageViews": views - careers, "careersPageViews": careers, "jobsPageViews": 0, "lifeAtPageViews": 0,
    }  # fmt: skip
    return {"totalPageStatistics": {"views": {name: {"pageViews": value} for name, value in parts.items()}}}


def shares_of_days(state: State, account: SimAccount, days: list[date]) -> Element:
    """Return the share statistics of an organization for some days; some days lack the number of people."""
    values = {name: [truth.day_value(state.world, account, name, day) for day in days] for name in _SHARES}
    totals: Element = {name: sum(each) for name, each in values.items()}
    people = values[_PEOPLE]
    # A person who comes on several days counts once: more than on the best day, fewer than the sum.
    totals[_PEOPLE] = int(max(people) + 0.45 * (sum(people) - max(people)))
    if len(days) == 1 and not tells_uniques(state.world, account, days[0]):
        del totals[_PEOPLE]
    return {"totalShareStatistics": totals | {"engagement": _engagement(totals)}}


def lifetime(state: State, account: SimAccount, now: datetime) -> Element:
    """Return the sums over the visible posts of the last twelve months."""
    posts = [p for p in state.world.posts(account, now - timedelta(days=365), now) if p.visible(now)]
    totals: Element = {name: sum(truth.post_value(state.world, p, name, now) for p in posts) for name in _SHARES}
    return {"totalShareStatistics": {**totals, "engagement": _engagement(totals), **_MENTIONS}}


def of_post(state: State, post: SimPost, now: datetime) -> Element | None:
    """Return the statistics of a post; None for a post without activity, which answers leave out."""
    totals: Element = {**truth.post_values(state.world, post, _SHARES, now)}
    if not any(totals.values()):
        return None
    kind = "ugcPost" if post.platform_post_id.startswith("urn:li:ugcPost") else "share"
    return {"totalShareStatistics": totals | {"engagement": _engagement(totals)}, kind: post.platform_post_id}


def social(state: State, post: SimPost, now: datetime) -> Element:
    """Return a post's reactions and comments in the form of `/socialMetadata`."""
    counts = truth.post_values(state.world, post, ("likeCount", "commentCount"), now)
    likes, comments = counts["likeCount"], counts["commentCount"]
    return {
        "reactionSummaries": {"LIKE": {"reactionType": "LIKE", "count": likes}} if likes else {},
        "commentsState": "OPEN",
        "commentSummary": {"count": comments, "topLevelCount": comments},
        "entity": post.platform_post_id,
    }


def actions(state: State, post: SimPost, now: datetime) -> Element:
    """Return a post's reactions and comments in the form of `/socialActions`."""
    counts = truth.post_values(state.world, post, ("likeCount", "commentCount"), now)
    likes, comments = counts["likeCount"], counts["commentCount"]
    return {
        "likesSummary": {"totalLikes": likes, "aggregatedTotalLikes": likes, "likedByCurrentUser": False},
        "commentsSummary": {"totalFirstLevelComments": comments, "aggregatedTotalComments": comments},
        "commentsState": "OPEN",
        "target": post.platform_post_id,
    }


_MENTIONS = {"shareMentionsCount": 0, "commentMentionsCount": 0}


def _engagement(totals: Mapping[str, int]) -> float:
    parts = sum(totals[name] for name in ("clickCount", "likeCount", "commentCount", "shareCount"))
    return parts / totals["impressionCount"] if totals["impressionCount"] else 0.0
