"""Lists of simulated media: posts and reels, and the stories that are alive."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from simulator.fields import Field
from simulator.graph_call import Call, Params
from simulator.instagram.media import media_fields
from simulator.listing import page
from simulator.pacific import span
from simulator.world import STORY_LIFE, SimPost

HISTORY = timedelta(days=400)
LISTS = ("media", "stories")
Row = Callable[[SimPost], dict[str, Any]]


def listed(call: Call, edge: str, asked: tuple[Field, ...], params: Params) -> Any:
    """Return one page of a list, newest first, with the fields asked for of each media."""
    return rows_of(call, edge, lambda post: media_fields(call, asked, post), params)


def rows_of(call: Call, edge: str, row: Row, params: Params) -> Any:
    """Return one page of a list, each media as `row` shows it."""
    limit, after = params.get("limit", "25"), params.get("after", "0") or "0"
    rows: list[dict[str, Any]] = []
    if limit.isdecimal() and after.isdecimal():
        # Only the page's posts are asked for their numbers, and one more tells whether there is a next page.
        last = int(after) + min(int(limit), 100)
        shown = islice(_shown(call, edge, params), last + 1)
        rows = [row(p) if int(after) <= n < last else {} for n, p in enumerate(shown)]
    kept = {k: v for k, v in params.items() if k in ("fields", "limit", "after", "since", "until")}
    return page(rows, call, f"{call.account.platform_account_id}/{edge}", kept)


def _shown(call: Call, edge: str, params: Params) -> Iterator[SimPost]:
    """Yield what stands in a list, newest first."""
    stories = edge == "stories"
    posts = call.state.world.newest(call.account, *span(call, params, STORY_LIFE if stories else HISTORY))
    return (post for post in posts if (post.kind.metric_type == "story") == stories and post.visible(call.now))
