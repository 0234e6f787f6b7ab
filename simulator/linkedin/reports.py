"""Statistics finders of an organization: followers, page views, shares (docs/platform-facts.md#linkedin-statistics)."""

from datetime import date, timedelta
from typing import Any

from simulator import truth
from simulator.linkedin import statistics
from simulator.linkedin.call import Call, page
from simulator.linkedin.posts import find
from simulator.linkedin.problem import Problem, invalid


def followers(call: Call) -> Any:
    """Answer `GET /organizationalEntityFollowerStatistics`."""
    urn = _entity(call, "organizationalEntity")
    spans = statistics.spans_asked(call.params, call.now, "DAY", "WEEK", "MONTH")
    if spans is None:
        return page([statistics.facets(call.state, call.account, call.now) | urn])
    return page(statistics.by_span(spans, lambda days: statistics.follower_gains(call.state, call.account, days) | urn))


def page_views(call: Call) -> Any:
    """Answer `GET /organizationPageStatistics`; the answer by day has no paging."""
    urn, world = _entity(call, "organization"), call.state.world
    spans = statistics.spans_asked(call.params, call.now, "DAY", "MONTH")

    def of_days(days: list[date]) -> dict[str, Any]:
        total = sum(truth.day_value(world, call.account, "allPageViews", day) for day in days)
        return statistics.page_views(total) | urn

    if spans is None:
        return page([of_days([call.now.date() - timedelta(days=back) for back in range(2, 367)])])
    return {"elements": statistics.by_span(spans, of_days)}


def shares(call: Call) -> Any:
    """Answer `GET /organizationalEntityShareStatistics`: by post, by time span, or over the last twelve months."""
    urn = _entity(call, "organizationalEntity")
    spans = statistics.spans_asked(call.params, call.now, "DAY", "MONTH")
    requested = [*_urns(call, "shares", "share"), *_urns(call, "ugcPosts", "ugcPost")]
    if requested and spans is not None:
        raise Problem(400, "Invalid query parameters passed to request", "ILLEGAL_ARGUMENT")
    if requested:
        there = [post for post in (find(call, one) for one in requested) if post is not None]
        found = [one for post in there if (one := statistics.of_post(call.state, post, call.now)) is not None]
        return page([one | urn for one in found])
    if spans is not None:
        return page(
            statistics.by_span(spans, lambda days: statistics.shares_of_days(call.state, call.account, days) | urn)
        )
    return page([statistics.lifetime(call.state, call.account, call.now) | urn])


def _entity(call: Call, name: str) -> dict[str, str]:
    """Return the organization of a finder; the name of its parameter differs by finder."""
    call.finder(name)
    call.check_owned(call.params.get(name))
    return {name: call.urn}


def _urns(call: Call, name: str, kind: str) -> list[str]:
    requested = call.params.get(name, [])
    if not isinstance(requested, list) or not all(
        isinstance(one, str) and one.startswith(f"urn:li:{kind}:") for one in requested
    ):
        raise invalid(name)
    return requested
