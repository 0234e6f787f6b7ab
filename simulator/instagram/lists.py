"""Lists of simulated media: posts and reels, and active stories."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from simulator.graph.call import Call, Params
from simulator.graph.fields import Field
from simulator.graph.listing import apply_list_faults, page
from simulator.graph.pacific import span
from simulator.instagram.media import media_fields
from simulator.world import STORY_LIFE, SimPost

HISTORY = timedelta(days=400)
LISTS = ("media", "stories")
Row = Callable[[SimPost], dict[str, Any]]


def listed(call: Call, edge: str, requested: tuple[Field, ...], params: Params) -> Any:
    """Return one page of a list, newest first, with the requested fields of each media."""
    return rows_of(call, edge, lambda post: media_fields(call, requested, post), params)


def rows_of(call: Call, edge: str, row: Row, params: Params) -> Any:
    """Return one page of a list, each media as `row` shows it."""
    return page(call, f"{call.account.platform_account_id}/{edge}", _shown(call, edge, params), row, params)


def _shown(call: Call, edge: str, params: Params) -> Iterator[SimPost]:
    """Return the media of a list, newest first."""
    stories = edge == "stories"

    def fits(post: SimPost) -> bool:
        return (post.kind.metric_type == "story") == stories and post.visible(call.now)

    def find(name: str) -> SimPost | None:
        post = call.state.world.post("instagram", name)
        return post if post is not None and post.account_index == call.account.index and fits(post) else None

    posts = call.state.world.newest(call.account, *span(call, params, STORY_LIFE if stories else HISTORY))
    account_id = call.account.platform_account_id
    aim = call.aimed(account_id, f"{account_id}/{edge}")
    return apply_list_faults(aim, (post for post in posts if fits(post)), lambda post: post.platform_post_id, find)
