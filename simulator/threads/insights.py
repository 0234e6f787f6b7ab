"""Insights of simulated Threads posts and accounts, in the three shapes of the API.

Facts: docs/platform-facts.md#threads-insights.
"""

from datetime import date, timedelta
from typing import Any

from simulator import truth
from simulator.graph.call import Call, names
from simulator.graph.pacific import day_end, ended_days, window
from simulator.graph.time_paging import window_links
from simulator.state import graph_timestamp
from simulator.threads.errors import error, invalid
from simulator.threads.posts import Item
from simulator.threads.world import link_clicks
from simulator.world import SimPost

FIRST_SECOND = 1_712_991_600
"""Seconds since 1970 of the first instant that insights of accounts go back to: 13 April 2024, Pacific time."""
MIN_FOLLOWERS = 100
"""Followers from which on an account has demographics."""
_POST = ("views", "likes", "replies", "reposts", "quotes", "shares")
_SUMS = ("likes", "replies", "reposts", "quotes")
_DEMOGRAPHICS = "follower_demographics"
_ACCOUNT = ("views", *_SUMS, "clicks", "followers_count", _DEMOGRAPHICS)
_BREAKDOWNS = {"country": ("US", "DE"), "city": ("Berlin", "Boston"), "age": ("18-24", "25-34"), "gender": ("F", "M")}
_LONGEST = timedelta(days=36_500)
_IDS = {"replies": "thread_replies"}
"""Names of metrics within the ids of rows, if they differ."""


def post_insights(call: Call, item: Item) -> dict[str, Any]:
    """Answer `GET /{media}/insights`: an empty list for a repost, which is a post of another user."""
    requested = _requested(call, _POST)
    if not isinstance(item, SimPost):
        return {"data": []}
    values = truth.post_values(call.state.world, item, requested, call.now)
    return {
        "data": [
            {
                "name": name,
                "period": "lifetime",
                "values": [{"value": values[name]}],
                "title": name.capitalize(),
                "description": f"{name.capitalize()} of the post.",
                "id": f"{item.platform_post_id}/insights/{_IDS.get(name, name)}/lifetime",
            }
            for name in requested
        ]
    }


def account_insights(call: Call) -> dict[str, Any]:
    """Answer `GET /{user}/threads_insights`."""
    account_id = call.account.platform_account_id
    requested = _requested(call, _ACCOUNT)
    if _DEMOGRAPHICS in requested:
        return {"data": [_demographics(call, requested)]}
    for name in ("since", "until"):
        text = call.params.get(name)
        if text is not None and not text.isdecimal():
            raise invalid(f"{name} must be a valid unix timestamp")
        if text is not None and int(text) < FIRST_SECOND:
            raise invalid(f"{name} must be greater than or equal to {FIRST_SECOND}")
    since, until = window(call, call.params, _LONGEST)
    if since > until:
        raise invalid("since must not be after until")
    days = ended_days(call, since, until)
    rows = [_row(call, name, days) for name in requested]
    return {
        "data": rows,
        "paging": window_links(call, f"{account_id}/threads_insights", call.params, (since, until)),
    }


def _requested(call: Call, known: tuple[str, ...]) -> list[str]:
    """Return the requested metrics.

    Raises:
        GraphError: no metric is requested, or one that does not exist or is refused.
    """
    requested = names(call.params.get("metric", ""))
    if not requested:
        raise invalid("metric is required")
    for place, metric in enumerate(requested):
        if metric not in known or call.state.faults.retires(metric) or call.aim.refuses(metric):
            raise invalid(f'metric[{place}] must be one of {{{", ".join(known)}}} - got "{metric}".')
    return requested


def _row(call: Call, name: str, days: list[date]) -> dict[str, Any]:
    """Return the row of a metric: a value per day, one total, or a total for each link."""
    row = {
        "name": name,
        "period": "day",
        "title": name,
        "description": f"{name} of the profile.",
        "id": f"{call.account.platform_account_id}/insights/{name}/day",
    }
    world, account = call.state.world, call.account
    if name == "views":
        values = [
            {
                "value": truth.day_value(world, account, name, day),
                "end_time": graph_timestamp(day_end(day).astimezone(call.now.tzinfo)),
            }
            for day in days
        ]
        return {**row, "values": values}
    if name == "clicks":
        clicks: dict[str, int] = {}
        for day in days:
            for url, number in link_clicks(world, account, day).items():
                clicks[url] = clicks.get(url, 0) + number
        return {**row, "link_total_values": [{"value": number, "link_url": url} for url, number in clicks.items()]}
    if name == "followers_count":
        # The range of the request makes no difference: the number is that of now.
        return {**row, "total_value": {"value": truth.account_value(world, account, name, call.now)}}
    return {**row, "total_value": {"value": sum(truth.day_value(world, account, name, day) for day in days)}}


def _demographics(call: Call, requested: list[str]) -> dict[str, Any]:
    breakdown = call.params.get("breakdown", "")
    if breakdown not in _BREAKDOWNS:
        raise invalid(f"breakdown must be one of {{{', '.join(_BREAKDOWNS)}}}")
    if len(requested) > 1 or {"since", "until"} & call.params.keys():
        raise invalid(f"metric {_DEMOGRAPHICS} cannot be combined with other metrics, since or until")
    whole = truth.account_value(call.state.world, call.account, "followers_count", call.now)
    if whole < MIN_FOLLOWERS:
        raise error(10, f"Not enough followers to show {_DEMOGRAPHICS}", status=403)
    first, second = _BREAKDOWNS[breakdown]
    results = [
        {"dimension_values": [first], "value": whole - whole // 3},
        {"dimension_values": [second], "value": whole // 3},
    ]
    return {
        "name": _DEMOGRAPHICS,
        "period": "lifetime",
        "title": _DEMOGRAPHICS,
        "description": "Followers by group.",
        "total_value": {"breakdowns": [{"dimension_keys": [breakdown], "results": results}]},
        "id": f"{call.account.platform_account_id}/insights/{_DEMOGRAPHICS}/lifetime",
    }
