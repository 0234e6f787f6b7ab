"""Insights of the simulated Facebook: pages by Pacific day, posts and reels over their life."""

from datetime import date, timedelta
from typing import Any

from simulator import truth
from simulator.facebook.world import MIN_FANS
from simulator.graph_call import Call, Params, names
from simulator.graph_errors import GraphError
from simulator.pacific import day_end, ended_days, window
from simulator.state import moment
from simulator.time_paging import around
from simulator.world import SimPost

MAX_SPAN = timedelta(days=93)
_BY_TYPE = "post_reactions_by_type_total"
_POST_METRICS = ("post_media_view", "post_total_media_view_unique", "post_clicks", _BY_TYPE)
_REEL_METRICS = ("blue_reels_play_count",)
_GAUGE = "page_follows"


def not_valid() -> GraphError:
    """Return the error of a metric that is not there: it names none."""
    return GraphError(100, "(#100) The value must be a valid insights metric")


def post_insights(call: Call, post: SimPost, params: Params, edge: str) -> dict[str, Any]:
    """Answer the insights of a post or of a reel: of all its life, whichever window is asked for."""
    asked = names(params.get("metric", ""))
    known = _REEL_METRICS if post.metric_type == "reel" else _POST_METRICS
    if not asked:
        raise GraphError(3001, "(#3001) No metric was specified to be fetched.", subcode=1504028)
    if any(name not in known or name in call.state.faults.retired() for name in asked):
        raise not_valid()
    bounds = window(call, params, MAX_SPAN)
    paging = around(call, f"{post.platform_post_id}/{edge}", params, bounds)
    if bounds[1] < post.published_at:
        return {"data": [], "paging": paging}
    counted = ["reactions" if name == _BY_TYPE else name for name in asked]
    values: dict[str, Any] = {**truth.post_values(call.state.world, post, counted, call.now)}
    # Only types that somebody chose are there; here all chose one.
    values[_BY_TYPE] = {"like": values["reactions"]} if values.get("reactions") else {}
    rows = [
        {
            "name": name,
            "period": "lifetime",
            "values": [{"value": values[name]}],
            "title": f"Lifetime {name}",
            "description": f"Lifetime: {name.replace('_', ' ')}.",
            "id": f"{post.platform_post_id}/{edge}/{name}/lifetime",
        }
        for name in asked
    ]
    return {"data": rows, "paging": paging}


def page_insights(call: Call, params: Params) -> dict[str, Any]:
    """Answer `GET /{page}/insights`: without a period once per period, with the same name."""
    if call.reader.platform != "facebook":
        raise GraphError(190, "(#190) This method must be called with a Page Access Token")
    asked = names(params.get("metric", ""))
    days, retired = call.state.world.platforms["facebook"].days, call.state.faults.retired()
    if not asked:
        raise GraphError(3001, "(#3001) No metric was specified to be fetched.", subcode=1504028)
    if any((name not in days and name != _GAUGE) or name in retired for name in asked):
        raise not_valid()
    periods = [params["period"]] if "period" in params else list(truth.PERIODS)
    if any(period not in truth.PERIODS for period in periods):
        raise GraphError(100, f"(#100) period must be one of the following values: {', '.join(truth.PERIODS)}")
    since, until = window(call, params, MAX_SPAN)
    paging = around(call, f"{call.account.platform_account_id}/insights", params, (since, until))
    if truth.account_value(call.state.world, call.account, "fan_count", call.now) < MIN_FANS:
        return {"data": []}
    ended = ended_days(call, since, until)
    rows = [
        _row(call, name, period, ended) for name in asked for period in periods if name != _GAUGE or period == "day"
    ]
    return {"data": rows, "paging": paging}


def _row(call: Call, name: str, period: str, days: list[date]) -> dict[str, Any]:
    values = [
        {"value": _value(call, name, period, day), "end_time": moment(day_end(day).astimezone(call.now.tzinfo))}
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


def _value(call: Call, name: str, period: str, day: date) -> int:
    world, account = call.state.world, call.account
    if name == _GAUGE:
        return truth.account_value(world, account, "followers_count", day_end(day))
    return truth.period_value(world, account, name, day, truth.PERIODS[period])
