"""Insights of simulated Pages by Pacific day, week and 28 days.

Facts: docs/platform-facts.md#facebook-metrics, #facebook-insights.
"""

from datetime import date, timedelta
from typing import Any

from simulator import truth
from simulator.facebook.world import MIN_FANS, PAGE_REACTIONS
from simulator.graph.call import Call, Params, names
from simulator.graph.errors import GraphError, not_valid
from simulator.graph.pacific import day_end, ended_days, window
from simulator.graph.time_paging import window_links
from simulator.state import graph_timestamp

MAX_SPAN = timedelta(days=93)
_FOLLOWS = "page_follows"
_REACTIONS = "page_actions_post_reactions_total"
_FAN_ADDS = "page_fan_adds_by_paid_non_paid_unique"
_PLACES = {
    "page_follows_city": {"Berlin, Germany": 0.2, "London, United Kingdom": 0.1, "Vienna, Austria": 0.06},
    "page_follows_country": {"DE": 0.6, "GB": 0.15, "AT": 0.1, "US": 0.05},
}
_DAILY = frozenset(
    [_FOLLOWS, _FAN_ADDS, *_PLACES, "page_daily_follows", "page_daily_follows_unique", "page_daily_unfollows_unique"]
)
"""Metrics that are only reported by day."""


def page_insights(call: Call, params: Params) -> dict[str, Any]:
    """Answer `GET /{page}/insights`; without a period, each metric appears once per period, under the same name."""
    if call.reader.platform != "facebook":
        raise GraphError(190, "(#190) This method must be called with a Page Access Token")
    requested = names(params.get("metric", ""))
    if not requested:
        raise GraphError(3001, "(#3001) No metric was specified to be fetched.", subcode=1504028)
    aim, faults = call.check_insights(call.account.platform_account_id, "insights"), call.state.faults
    if any(not _known(call, name) or faults.retires(name) or aim.refuses(name) for name in requested):
        raise not_valid()
    periods = [params["period"]] if "period" in params else list(truth.PERIODS)
    if any(period not in truth.PERIODS for period in periods):
        raise GraphError(100, f"(#100) period must be one of the following values: {', '.join(truth.PERIODS)}")
    if "day" not in periods and any(name in _DAILY for name in requested):
        raise GraphError(100, "(#100) period must be one of the following values: day")
    since, until = window(call, params, MAX_SPAN)
    paging = window_links(call, f"{call.account.platform_account_id}/insights", params, (since, until))
    if truth.account_value(call.state.world, call.account, "fan_count", call.now) < MIN_FANS:
        return {"data": []}
    ended = ended_days(call, since, until)
    rows = [
        _row(call, name, period, ended)
        for name in requested
        for period in periods
        if name not in _DAILY or period == "day"
    ]
    return {"data": rows, "paging": paging}


def _known(call: Call, name: str) -> bool:
    return name in (_FOLLOWS, _REACTIONS, _FAN_ADDS, *_PLACES) or name in call.state.world.platforms["facebook"].days


def _row(call: Call, name: str, period: str, days: list[date]) -> dict[str, Any]:
    values = [
        {
            "value": _value(call, name, period, day),
            "end_time": graph_timestamp(day_end(day).astimezone(call.now.tzinfo)),
        }
        for day in days
    ]
    return {
        "name": name,
        "period": period,
        "values": values,
        "title": f"Daily {name}",
        "description": f"Daily: {name.replace('_', ' ')}.",
        "id": f"{call.account.platform_account_id}/insights/{name}/{period}",
    }


def _value(call: Call, name: str, period: str, day: date) -> int | dict[str, int]:
    def amount(field: str) -> int:
        return truth.period_value(call.state.world, call.account, field, day, truth.PERIODS[period])

    if name in (_FOLLOWS, *_PLACES):
        level = truth.account_value(call.state.world, call.account, "followers_count", day_end(day))
        return level if name == _FOLLOWS else {place: int(level * share) for place, share in _PLACES[name].items()}
    if name == _REACTIONS:
        # The API lists only reaction types that were used.
        counts = {kind: amount(f"page_actions_post_reactions_{kind}_total") for kind in PAGE_REACTIONS}
        return {kind: count for kind, count in counts.items() if count}
    if name == _FAN_ADDS:
        # The simulator has no advertising.
        added = amount("page_daily_follows_unique")
        return {"total": added, "paid": 0, "unpaid": added}
    return amount(name)
