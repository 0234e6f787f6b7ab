"""Lifetime insights of simulated posts, reels and videos (docs/platform-facts.md#facebook-metrics)."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from simulator import truth
from simulator.facebook.page_insights import MAX_SPAN
from simulator.facebook.things import Thing
from simulator.graph.call import Call, Params, names
from simulator.graph.errors import GraphError, not_valid
from simulator.graph.pacific import window
from simulator.graph.time_paging import window_links

_OF_POSTS = ("post_media_view", "post_total_media_view_unique", "post_clicks")
_OF_VIDEOS = ("post_video_avg_time_watched", "post_video_view_time", "post_video_followers")
_OF_REELS = ("blue_reels_play_count", "fb_reels_total_plays", "fb_reels_replay_count")
_CLICKS = {"other clicks": 0.5, "link clicks": 0.3, "photo view": 0.2}


def _split(total: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Return parts that add up to a total; empty parts are left out."""
    first, *rest = shares
    parts = {name: int(total * shares[name]) for name in rest}
    return {name: count for name, count in {first: total - sum(parts.values()), **parts}.items() if count}


_Value = Callable[[dict[str, int]], dict[str, Any]]
_OBJECTS: Mapping[str, tuple[tuple[str, ...], _Value]] = {
    # The API lists only reaction types that were used; here only one is.
    "post_reactions_by_type_total": (("reactions",), lambda v: {"like": v["reactions"]} if v["reactions"] else {}),
    "post_clicks_by_type": (("post_clicks",), lambda v: _split(v["post_clicks"], _CLICKS)),
    "post_video_likes_by_reaction_type": (
        ("reactions",),
        lambda v: {"REACTION_LIKE": v["reactions"]} if v["reactions"] else {},
    ),
    "post_video_social_actions": (
        ("comments", "shares"),
        lambda v: {name: v[of] for name, of in (("COMMENT", "comments"), ("SHARE", "shares")) if v[of]},
    ),
    "post_video_retention_graph": ((), lambda _: {str(second): round(0.94**second, 4) for second in range(41)}),
}
"""Metrics whose value is an object: the counters that it needs, and how it is made from them."""

_OBJECTS_OF_POSTS = ("post_reactions_by_type_total", "post_clicks_by_type")


def insights_edge(thing: Thing) -> str | None:
    """Return the name of the insights edge of an object; a photo has none."""
    return {"Post": "insights", "Video": "video_insights"}.get(thing.kind)


_METRICS_OF_POSTS = frozenset([*_OF_POSTS, *_OBJECTS_OF_POSTS])
_METRICS_OF_VIDEOS = frozenset([*_OF_VIDEOS, *_OBJECTS]) - {*_OBJECTS_OF_POSTS}
_METRICS_OF_REELS = _METRICS_OF_VIDEOS | {*_OF_REELS}


def _metrics(thing: Thing) -> frozenset[str]:
    if thing.kind == "Post":
        return _METRICS_OF_POSTS
    return _METRICS_OF_REELS if thing.post.metric_type == "reel" else _METRICS_OF_VIDEOS


def post_insights(call: Call, thing: Thing, params: Params) -> dict[str, Any]:
    """Answer the insights of a post, a reel or a video: always lifetime values, whichever window is requested."""
    requested, edge, post = names(params.get("metric", "")), insights_edge(thing), thing.post
    if not requested:
        raise GraphError(3001, "(#3001) No metric was specified to be fetched.", subcode=1504028)
    faults, aim = call.state.faults, call.check_insights(thing.name, edge or "")
    if not _fits(_metrics(thing), tuple(requested)) or (
        faults.active and any(faults.retires(name) or aim.refuses(name) for name in requested)
    ):
        raise not_valid()
    bounds = window(call, params, MAX_SPAN)
    paging = window_links(call, f"{thing.name}/{edge}", params, bounds)
    if bounds[1] < post.published_at:
        return {"data": [], "paging": paging}
    values = truth.post_values(call.state.world, post, _counted(tuple(requested)), call.now)
    rows = [
        {
            "name": name,
            "period": "lifetime",
            "values": [{"value": _OBJECTS[name][1](values) if name in _OBJECTS else values[name]}],
            "title": f"Lifetime {name}",
            "description": f"Lifetime: {name.replace('_', ' ')}.",
            "id": f"{thing.name}/{edge}/{name}/lifetime",
        }
        for name in requested
    ]
    return {"data": rows, "paging": paging}


# The posts of a batch are asked for the same metrics.


@lru_cache(maxsize=1024)
def _fits(known: frozenset[str], requested: tuple[str, ...]) -> bool:
    return known.issuperset(requested)


@lru_cache(maxsize=1024)
def _counted(requested: tuple[str, ...]) -> frozenset[str]:
    """Return the counters that metrics are made from."""
    return frozenset(field for name in requested for field in (_OBJECTS[name][0] if name in _OBJECTS else (name,)))
