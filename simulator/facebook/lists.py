"""Lists of what simulated Pages published."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from simulator.facebook.posts import post_fields
from simulator.facebook.things import Thing, listed_thing
from simulator.facebook.world import video_id
from simulator.fields import Field
from simulator.graph_call import Call, Params
from simulator.listing import page
from simulator.pacific import span

HISTORY = timedelta(days=400)
LISTS = ("published_posts", "posts", "feed", "video_reels", "videos")
_OF_VIDEOS = ("video_reels", "videos")


def default_fields(edge: str) -> str:
    """Return what a list shows where no fields are asked for."""
    return "updated_time,description,id" if edge in _OF_VIDEOS else "id,created_time,message"


def listed(call: Call, edge: str, asked: tuple[Field, ...], params: Params) -> Any:
    """Return one page of a list, newest first."""
    limit, after = params.get("limit", "25"), params.get("after", "0") or "0"
    rows: list[dict[str, Any]] = []
    if limit.isdecimal() and after.isdecimal():
        # Only the page's posts are drawn and asked for their numbers, and one more tells whether there is a next page.
        last = int(after) + min(int(limit), 100)
        shown = islice(_things(call, edge, params), last + 1)
        rows = [post_fields(call, asked, one) if int(after) <= n < last else {} for n, one in enumerate(shown)]
    kept = {k: v for k, v in params.items() if k in ("fields", "limit", "after", "since", "until")}
    return page(rows, call, f"{call.account.platform_account_id}/{edge}", kept)


def _things(call: Call, edge: str, params: Params) -> Iterator[Thing]:
    """Yield what stands in a list, newest first: posts, reels, or all videos."""
    posts = call.state.world.newest(call.account, *span(call, params, HISTORY))
    for post in (post for post in posts if post.visible(call.now)):
        reel = post.metric_type == "reel"
        if edge == "videos" and not reel and post.native[0] == "video":
            yield Thing(post, video_id(post), "Video")
        elif reel == (edge in _OF_VIDEOS):
            yield listed_thing(post)
