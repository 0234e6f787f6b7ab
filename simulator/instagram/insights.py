"""Insights of the simulated Instagram: which metric fits what, windows, thresholds (platforms.md, 2.3 and 2.4)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from simulator import truth
from simulator.graph_call import Call, Params, names
from simulator.graph_errors import GraphError
from simulator.instagram.audience import DEMOGRAPHICS, ONLINE, demographics, online
from simulator.instagram.world import MIN_STORY_VIEWERS
from simulator.pacific import day_end, ended_days, window
from simulator.state import moment
from simulator.world import SimPost

MIN_FOLLOWERS = 100
FOLLOWS = "follows_and_unfollows"
MAX_SPAN = timedelta(days=30)

_MEDIA_METRICS: Mapping[tuple[str, str], frozenset[str]] = {
    ("IMAGE", "FEED"): frozenset(
        [
            "views",
            "reach",
            "likes",
            "comments",
            "shares",
            "saved",
            "total_interactions",
            "follows",
            "profile_visits",
            "profile_activity",
        ]
    ),
    ("VIDEO", "FEED"): frozenset({"reach", "saved"}),
    ("VIDEO", "REELS"): frozenset(
        [
            "views",
            "reach",
            "likes",
            "comments",
            "shares",
            "saved",
            "total_interactions",
            "ig_reels_video_view_total_time",
            "ig_reels_avg_watch_time",
        ]
    ),
}
_STORY_METRICS = frozenset(
    [
        "views",
        "reach",
        "shares",
        "total_interactions",
        "follows",
        "profile_visits",
        "replies",
        "navigation",
        "profile_activity",
    ]
)
_GONE = frozenset(
    ["impressions", "plays", "engagement", "video_views", "exits", "taps_forward", "taps_back", "clips_replays_count"]
)
_KNOWN = frozenset().union(*_MEDIA_METRICS.values(), _STORY_METRICS)

_BREAKDOWNS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "profile_activity": ("action_type", ("bio_link_clicked", "call", "direction", "email", "other", "text")),
    "navigation": ("story_navigation_action_type", ("tap_forward", "tap_back", "tap_exit", "swipe_forward")),
}

_SERIES = frozenset({"reach", "follower_count"})
_TOTALS = frozenset(
    ["views", "accounts_engaged", "total_interactions", "profile_views", "website_clicks", "reach", "likes", "comments",
     "saves", "shares", "replies", "profile_links_taps", FOLLOWS]
)  # fmt: skip
_ACCOUNT_METRICS = _SERIES | _TOTALS | DEMOGRAPHICS | {ONLINE}
_PERIODS_OF_TOTALS = ("day", "total_over_range", "lifetime")
_PERIODS = ("day", "week", "days_28", "lifetime", "total_over_range")


def media_insights(call: Call, post: SimPost, metrics: str, breakdown: str | None = None) -> dict[str, Any]:
    """Answer `GET /{media}/insights`, or the expansion of it."""
    asked = names(metrics)
    if not asked:
        raise GraphError(3001, "(#3001) No metric was specified to be fetched.", subcode=1504028)
    _check_age(call, post)
    _check_metrics(call, post, asked)
    if breakdown and any(_BREAKDOWNS.get(name, ("", ()))[0] != breakdown for name in asked):
        raise GraphError(100, f"(#100) An incompatible breakdown ({breakdown}) was used for metrics: {metrics}")
    if post.metric_type == "story" and truth.post_value(call.state.world, post, "reach", call.now) < MIN_STORY_VIEWERS:
        raise GraphError(10, "(#10) Not enough viewers for the media to show insights", status=403)
    values = truth.post_values(call.state.world, post, asked, call.now)
    return {
        "data": [
            {
                "name": name,
                "period": "lifetime",
                "values": [{"value": values[name]}],
                "title": name.replace("_", " ").capitalize(),
                "description": f"{name.replace('_', ' ').capitalize()} of the media.",
                "id": f"{post.platform_post_id}/insights/{name}/lifetime",
                **({"total_value": _broken_down(name, values[name])} if breakdown else {}),
            }
            for name in asked
        ]
    }


def _broken_down(name: str, value: int) -> dict[str, Any]:
    """Return a total with its parts, which add up to it; those without any are left out."""
    key, kinds = _BREAKDOWNS[name]
    parts = [value // len(kinds) + (place < value % len(kinds)) for place in range(len(kinds))]
    results = [{"dimension_values": [kind], "value": part} for kind, part in zip(kinds, parts, strict=True) if part]
    return {"value": value, "breakdowns": [{"dimension_keys": [key], "results": results}]}


def media_metrics(post: SimPost) -> frozenset[str]:
    """Return the metrics that a media's type has."""
    if post.metric_type == "story":
        return _STORY_METRICS
    media, product = post.native
    return _MEDIA_METRICS["IMAGE" if media == "CAROUSEL_ALBUM" else media, product]


def _check_age(call: Call, post: SimPost) -> None:
    """Fail for a media of the time before its account became a business account, which is a fault here."""
    fault = call.state.faults.strike("before_conversion", call.account.platform_account_id)
    if fault and call.now - post.published_at > timedelta(seconds=fault.seconds):
        raise GraphError(
            100,
            "Invalid parameter",
            subcode=2108006,
            error_data={"blame_field_specs": [[""]]},
            is_transient=False,
            error_user_title="Media posted before business account conversion",
            error_user_msg="The media was posted before the most recent time that the user's account was converted to "
            "a business account from a personal account.",
        )


def _check_metrics(call: Call, post: SimPost, asked: list[str]) -> None:
    """Fail the whole request for one metric that does not fit, as the real API does."""
    retired = call.state.faults.retired()
    fitting = media_metrics(post)
    if not retired and fitting.issuperset(asked):
        return
    for name in asked:
        if name in _GONE or name in retired:
            raise GraphError(
                100, f"(#100) Starting from version v22.0 and above, the {name} metric is no longer supported."
            )
        if name not in _KNOWN:
            raise GraphError(100, f"(#100) metric[0] must be one of the following values: {', '.join(sorted(_KNOWN))}")
        if name not in fitting:
            raise GraphError(
                100, f"(#100) The Media Insights API does not support the {name} metric for this media product type."
            )


def account_insights(call: Call, params: Params) -> dict[str, Any]:
    """Answer `GET /{ig}/insights`."""
    asked = names(params.get("metric", ""))
    period = params.get("period", "")
    if not asked:
        raise GraphError(3001, "(#3001) No metric was specified to be fetched.", subcode=1504028)
    if period not in _PERIODS:
        raise GraphError(100, f"(#100) period must be one of the following values: {', '.join(_PERIODS)}")
    totals = params.get("metric_type") == "total_value"
    retired = call.state.faults.retired()
    for name in asked:
        if name not in _ACCOUNT_METRICS or name in retired:
            known = ", ".join(sorted(_ACCOUNT_METRICS))
            raise GraphError(100, f"(#100) metric[0] must be one of the following values: {known}")
        if name not in (_TOTALS | DEMOGRAPHICS if totals else _SERIES | {ONLINE}):
            raise GraphError(
                100, f"(#100) The following metrics ({name}) should be specified with parameter metric_type=total_value"
            )
        lifetime = name in DEMOGRAPHICS or name == ONLINE
        if lifetime != (period == "lifetime") or (period not in _PERIODS_OF_TOTALS and name != "reach"):
            raise GraphError(100, f"(#100) The following metrics ({name}) cannot be fetched with period {period}")
    since, until = window(call, params, MAX_SPAN)
    if truth.account_value(call.state.world, call.account, "followers_count", call.now) < MIN_FOLLOWERS:
        return {"data": []}
    shape = _total if totals else _series
    return {"data": [row for name in asked if (row := shape(call, params, name, period, since, until))]}


def _follows(call: Call, params: Params, days: list[date]) -> dict[str, Any]:
    """Return follows and unfollows by `follow_type`; without that breakdown there is no value at all."""
    if params.get("breakdown") != "follow_type":
        return {}
    fields = (("FOLLOWER", "follower_count"), ("NON_FOLLOWER", "unfollows"))
    results = [{"dimension_values": [kind], "value": _amount(call, field, days)} for kind, field in fields]
    return {"total_value": {"breakdowns": [{"dimension_keys": ["follow_type"], "results": results}]}}


def _value(call: Call, name: str, period: str, day: date) -> int:
    return truth.period_value(call.state.world, call.account, name, day, truth.PERIODS[period])


def _amount(call: Call, name: str, days: Sequence[date]) -> int:
    """Return the amount of a range of days: people are counted once in it."""
    return truth.period_value(call.state.world, call.account, name, days[-1], len(days)) if days else 0


def _row(call: Call, name: str, period: str) -> dict[str, Any]:
    title = name.replace("_", " ").capitalize()
    row_id = f"{call.account.platform_account_id}/insights/{name}/{period}"
    return {"name": name, "period": period, "title": title, "description": f"{title} of the account.", "id": row_id}


def _series(
    call: Call, _params: Params, name: str, period: str, since: datetime, until: datetime
) -> dict[str, Any] | None:
    days = ended_days(call, since, until)
    if name == ONLINE:
        return {**_row(call, name, period), "values": online(call, since, len(days))}
    if not days:
        return None
    values = [
        {
            "value": _value(call, name, period, day),
            "end_time": moment(day_end(day).astimezone(call.now.tzinfo)),
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
    return {**_row(call, name, period), "total_value": {"value": _amount(call, name, ended_days(call, since, until))}}
