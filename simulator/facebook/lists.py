"""Lists of the posts, reels and videos of simulated Pages."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from simulator.facebook.posts import post_fields
from simulator.facebook.things import Thing, listed_thing
from simulator.facebook.world import story_id, video_id
from simulator.graph.call import Call, Params
from simulator.graph.fields import Field
from simulator.graph.listing import apply_list_faults, page
from simulator.graph.pacific import span
from simulator.world import SimPost

HISTORY = timedelta(days=400)
LISTS = ("published_posts", "posts", "feed", "video_reels", "videos")
_OF_VIDEOS = ("video_reels", "videos")


def default_fields(edge: str) -> str:
    """Return the default fields of a list."""
    return "updated_time,description,id" if edge in _OF_VIDEOS else "id,created_time,message"


def listed(call: Call, edge: str, requested: tuple[Field, ...], params: Params) -> Any:
    """Return one page of a list, newest first."""
    path = f"{call.account.platform_account_id}/{edge}"
    return page(call, path, _things(call, edge, params), lambda thing: post_fields(call, requested, thing), params)


def _things(call: Call, edge: str, params: Params) -> Iterator[Thing]:
    """Return the objects of a list, newest first: posts, reels, or all videos."""
    account_id = call.account.platform_account_id
    aim = call.aimed(account_id, f"{account_id}/{edge}")
    both = edge not in _OF_VIDEOS and aim.strike("reels_among_posts") is not None

    def thing_of(post: SimPost | None) -> Thing | None:
        if post is None or post.account_index != call.account.index or not post.visible(call.now):
            return None
        reel = post.metric_type == "reel"
        if edge == "videos" and not reel and post.native[0] == "video":
            return Thing(post, video_id(post), "Video")
        if reel and both:
            return Thing(post, story_id(post), "Post")
        return listed_thing(post) if reel == (edge in _OF_VIDEOS) else None

    def find(name: str) -> Thing | None:
        return thing_of(call.state.world.post("facebook", name))

    posts = call.state.world.newest(call.account, *span(call, params, HISTORY))
    things = (thing for post in posts if (thing := thing_of(post)) is not None)
    return apply_list_faults(aim, things, lambda thing: thing.name, find)
