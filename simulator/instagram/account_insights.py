"""Insights of simulated Instagram accounts: series, totals, breakdowns, windows.

Facts: docs/platform-facts.md#instagram-account-insights.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from simulator import truth
from simulator.graph.call import Call, Params, names
from simulator.graph.errors import GraphError
from simulator.graph.pacific import day_end, ended_days, window
from simulator.graph.time_paging import window_links
from simulator.instagram.audience import DEMOGRAPHICS, ONLINE, demographics, online
from simulator.instagram.breakdowns import check_breakdown, parts
from simulator.state import graph_timestamp

MIN_FOLLOWERS = 100
FOLLOWS = "follows_and_unfollows"
MAX_SPAN = timedelta(days=30)
RECENT = timedelta(days=30)
"""How far back the number of new followers is reported."""
_RECENT = "follower_count"

_SERIES = frozenset({"reach", "follower_count"})
_TOTALS = frozenset(
    ["views", "accounts_engaged", "total_interactions", "profile_views", "website_clicks", "reach", "likes", "comments",
     "saves", "shares", "replies", "reposts", "profile_links_taps", FOLLOWS]
)  # fmt: skip
_ACCOUNT_METRICS = _SERIES | _TOTALS | DEMOGRAPHICS | {ONLINE}
_PERIODS_OF_TOTALS = ("day", "total_over_range", "lifetime")
_PERIODS = ("day", "week", "days_28", "lifetime", "total_over_range")


def account_insights(call: Call, params: Params) -> dict[str, Any]:
    """Answer `GET /{ig}/insights`."""
    requested = names(params.get("metric", ""))
    period = params.get("period", "")
    if not requested:
        raise GraphError(3001, "(#3001) No metric was specified to be fetched.", subcode=1504028)
    if period not in _PERIODS:
        raise GraphError(100, f"(#100) period must be one of the following values: {', '.join(_PERIODS)}")
    totals = params.get("metric_type") == "total_value"
    aim = call.check_insights(call.account.platform_account_id, "insights")
    for name in requested:
        if name not in _ACCOUNT_METRICS or call.state.faults.retires(name) or aim.refuses(name):
            known = ", ".join(sorted(_ACCOUNT_METRICS))
            raise GraphError(100, f"(#100) metric[0] must be one of the following values: {known}")
        if name not in (_TOTALS | DEMOGRAPHICS if totals else _SERIES | {ONLINE}):
            raise GraphError(
                100, f"(#100) The following metrics ({name}) should be specified with parameter metric_type=total_value"
            )
        lifetime = name in DEMOGRAPHICS or name == ONLINE
        if lifetime != (period == "lifetime") or (period not in _PERIODS_OF_TOTALS and name != "reach"):
            raise GraphError(100, f"(#100) The following metrics ({name}) cannot be fetched with period {period}")
    check_breakdown(requested, params.get("breakdown", ""), totals=totals)
    since, until = window(call, params, MAX_SPAN)
    if _RECENT in requested and not totals and since < call.now - RECENT:
        raise GraphError(
            100, f"(#100) ({_RECENT}) metric only supports querying data for the last 30 days excluding the current day"
        )
    if truth.account_value(call.state.world, call.account, "followers_count", call.now) < MIN_FOLLOWERS:
        return {"data": []}
    shape = _total if totals else _series
    rows = [row for name in requested if (row := shape(call, params, name, period, since, until))]
    if period == "lifetime":
        return {"data": rows}
    where = f"{call.account.platform_account_id}/insights"
    # The window after this one begins a second later, as recorded.
    return {"data": rows, "paging": window_links(call, where, params, (since, until), gap=1)}


def _follows(call: Call, params: Params, days: list[date]) -> dict[str, Any]:
    """Return follows and unfollows by `follow_type`; without that breakdown there is no value."""
    if params.get("breakdown") != "follow_type":
        return {}
    fields = (("FOLLOWER", "follower_count"), ("NON_FOLLOWER", "unfollows"))
    results = [{"dimension_values": [kind], "value": _amount(call, field, days)} for kind, field in fields]
    return {"total_value": {"breakdowns": [{"dimension_keys": ["follow_type"], "results": results}]}}


def _value(call: Call, name: str, period: str, day: date) -> int:
    return truth.period_value(call.state.world, call.account, name, day, truth.PERIODS[period])


def _amount(call: Call, name: str, days: Sequence[date]) -> int:
    """Return the amount of a range of days, in which people are counted once."""
    return truth.period_value(call.state.world, call.account, name, days[-1], len(days)) if days else 0


def _row(call: Call, name: str, period: str) -> dict[str, Any]:
    title = name.replace("_", " ").capitalize()
    row_id = f"{call.account.platform_account_id}/insights/{name}/{period}"
    return {"name": name, "period": period, "title": title, "description": f"{title} of the account.", "id": row_id}


def _series(
    call: Call, _params: Params, name: str, period: str, since: datetime, until: datetime
) -> dict[str, Any] | None:
    days = ended_days(call, since, until)
    if not days:
        return None
    if name == ONLINE:
        return {**_row(call, name, period), "values": online(call, days)}
    values = [
        {
            "value": _value(call, name, period, day),
            "end_time": graph_timestamp(day_end(day).astimezone(call.now.tzinfo)),
        }
        for day in days
    ]
    row = _row(call, name, period)
    return {"name": name, "period": period, "values": values, **row}


def _total(call: Call, params: Params, name: str, period: str, since: datetime, until: datetime) -> dict[str, Any]:
    if name in DEMOGRAPHICS:
        return {**_row(call, name, period), **demographics(call, name, params.get("breakdown", ""))}
    if name == FOLLOWS:
        return {**_row(call, name, period), **_follows(call, params, ended_days(call, since, until))}
    total = _amount(call, name, ended_days(call, since, until))
    total_value = {"value": total, **parts(name, total, params.get("breakdown", ""))}
    return {**_row(call, name, period), "total_value": total_value}
