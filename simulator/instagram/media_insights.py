"""Insights of simulated Instagram media: metrics by kind, thresholds, breakdowns.

Facts: docs/platform-facts.md#instagram-media-insights.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from simulator import truth
from simulator.faults import Target
from simulator.graph.call import Call, names
from simulator.graph.errors import GraphError
from simulator.instagram.world import MIN_STORY_VIEWERS, crossposted
from simulator.world import SimPost

_FEED = frozenset(
    ["views", "reach", "likes", "comments", "shares", "saved", "total_interactions", "follows", "profile_visits",
     "profile_activity", "reposts", "total_likes", "total_comments", "total_views"]
)  # fmt: skip
_ON_FACEBOOK = frozenset(["facebook_views", "crossposted_views"])
_MEDIA_METRICS: Mapping[tuple[str, str], frozenset[str]] = {
    ("IMAGE", "FEED"): _FEED,
    ("VIDEO", "FEED"): frozenset(["reach", "saved"]),
    ("VIDEO", "REELS"): frozenset(
        ["views", "reach", "likes", "comments", "shares", "saved", "total_interactions", "reposts", "reels_skip_rate",
         "ig_reels_video_view_total_time", "ig_reels_avg_watch_time", "total_likes", "total_comments", "total_views",
         *_ON_FACEBOOK]
    ),
}  # fmt: skip
_STORY_METRICS = frozenset(
    ["views", "reach", "shares", "total_interactions", "follows", "profile_visits", "replies", "navigation",
     "profile_activity", "link_clicks"]
)  # fmt: skip
_GONE = frozenset(
    ["impressions", "plays", "engagement", "video_views", "exits", "taps_forward", "taps_back", "clips_replays_count"]
)
_KNOWN = frozenset().union(*_MEDIA_METRICS.values(), _STORY_METRICS)

_BREAKDOWNS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "profile_activity": ("action_type", ("bio_link_clicked", "call", "direction", "email", "other", "text")),
    "navigation": ("story_navigation_action_type", ("tap_forward", "tap_back", "tap_exit", "swipe_forward")),
}


def media_insights(call: Call, post: SimPost, metrics: str, breakdown: str | None = None) -> dict[str, Any]:
    """Answer `GET /{media}/insights`, or its expansion in another answer."""
    requested = names(metrics)
    if not requested:
        raise GraphError(3001, "(#3001) No metric was specified to be fetched.", subcode=1504028)
    aim = call.check_insights(post.platform_post_id, "insights")
    _check_age(call, post, aim)
    _check_metrics(call, post, requested, aim)
    if breakdown and any(_BREAKDOWNS.get(name, ("", ()))[0] != breakdown for name in requested):
        raise GraphError(100, f"(#100) An incompatible breakdown ({breakdown}) was used for metrics: {metrics}")
    if post.metric_type == "story" and truth.post_value(call.state.world, post, "reach", call.now) < MIN_STORY_VIEWERS:
        raise GraphError(10, "(#10) Not enough viewers for the media to show insights", status=403)
    values = truth.post_values(call.state.world, post, requested, call.now)
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
            for name in requested
        ]
    }


def _broken_down(name: str, value: int) -> dict[str, Any]:
    """Return a total with its parts, which add up to it; empty parts are left out."""
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


def _check_age(call: Call, post: SimPost, aim: Target) -> None:
    """Refuse a media that a fault dates before the conversion of its account to a business account."""
    fault = aim.strike("before_conversion")
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


def _check_metrics(call: Call, post: SimPost, requested: list[str], aim: Target) -> None:
    """Refuse the whole request if one metric does not fit, as the real API does."""
    fitting = media_metrics(post)
    if not call.state.faults.active and fitting.issuperset(requested) and _ON_FACEBOOK.isdisjoint(requested):
        return
    for name in requested:
        if name in _GONE or call.state.faults.retires(name):
            raise GraphError(
                100, f"(#100) Starting from version v22.0 and above, the {name} metric is no longer supported."
            )
        if name not in _KNOWN:
            raise GraphError(100, f"(#100) metric[0] must be one of the following values: {', '.join(sorted(_KNOWN))}")
        if name not in fitting or aim.refuses(name):
            raise GraphError(
                100, f"(#100) The Media Insights API does not support the {name} metric for this media product type."
            )
        if name in _ON_FACEBOOK and not crossposted(post):
            raise GraphError(
                100,
                "Invalid parameter",
                subcode=2207086,
                is_transient=False,
                error_user_title="Media is not shared to Facebook",
                error_user_msg=f"The {name} metric is there for media that are shared to Facebook.",
            )
