"""An account's videos, as a list and by id: `POST /v2/video/list/` and `POST /v2/video/query/`.

Cursors are unix milliseconds, `create_time` is in unix seconds. Only public videos of the token's account are shown.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from simulator import truth
from simulator.faults import Target
from simulator.state import State
from simulator.tiktok.call import Call
from simulator.tiktok.problem import invalid
from simulator.tiktok.users import username
from simulator.world import EPOCH, SimAccount, SimPost, account_seed

MOST, USUAL = 20, 10
LONGEST_TEXT = 150
COVER_LIFE = timedelta(hours=6)
_SCOPE = "video.list"
_COUNTERS = ("view_count", "like_count", "comment_count", "share_count")
SCOPES: Mapping[str, str] = dict.fromkeys(
    ("id", "create_time", "cover_image_url", "share_url", "video_description", "duration", "height", "width", "title",
     "embed_html", "embed_link", "is_aigc", *_COUNTERS),
    _SCOPE,
)  # fmt: skip


def listed(call: Call) -> dict[str, Any]:
    """Answer `POST /v2/video/list/`: a page of the videos, newest first.

    A page may have fewer videos than requested although the list goes on: deleted ones leave their places empty.

    Raises:
        Problem: a field or a parameter is wrong.
    """
    fields, count, cursor = call.fields(SCOPES), call.number("max_count", USUAL), call.number("cursor", 0)
    if not 1 <= count <= MOST:
        raise invalid(f"Max count should be no more than {MOST}" if count > MOST else "Max count should be at least 1")
    if cursor < 0:
        raise invalid("Cursor is invalid")
    posts = call.state.world.newest(call.account, EPOCH, _before(cursor, call.now))
    chosen = list(islice(posts, count))
    following = _milliseconds(chosen[-1]) if chosen else 0
    more = any(is_listed(call.state, call.aim, post) for post in posts)
    if chosen and call.aim.strike("repeated_cursor"):
        following, more = cursor or following, True
    if chosen and call.aim.strike("empty_page"):
        # Another cursor for the same position: clients take a repeated cursor for one that does not advance.
        return {"videos": [], "cursor": (cursor or _milliseconds(chosen[0]) + 1000) - 1, "has_more": True}
    videos = [_video(call, post, fields) for post in chosen if is_listed(call.state, call.aim, post)]
    return {"videos": videos, "cursor": following, "has_more": more}


def by_ids(call: Call) -> dict[str, Any]:
    """Answer `POST /v2/video/query/`; deleted, private and foreign videos are left out without an error.

    Raises:
        Problem: a field is wrong, or there are no ids or more than 20.
    """
    fields, filters = call.fields(SCOPES), call.body.get("filters")
    ids = filters.get("video_ids") if isinstance(filters, dict) else None
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST or not all(isinstance(one, str) for one in ids):
        raise invalid(f"Filters must have from 1 to {MOST} video ids, as text")
    if not all(one.isascii() and one.isdecimal() for one in ids):
        raise invalid("A video id is invalid")
    found = []
    for name in dict.fromkeys(ids):
        post = call.state.world.post("tiktok", name)
        own = post is not None and post.account_index == call.account.index
        if post is not None and own and post.visible(call.now) and not call.aim.hides(name):
            found.append(_video(call, post, fields))
    return {"videos": found, "cursor": 0, "has_more": False}


def is_listed(state: State, aim: Target, post: SimPost) -> bool:
    """Tell whether lists show a video."""
    return post.visible(state.clock.now()) and not aim.hides_in_lists(post.platform_post_id)


def page_of(state: State, account: SimAccount, body: Mapping[str, Any]) -> int:
    """Return the number of the requested page; 1 if the parameters are wrong."""
    count, cursor = body.get("max_count", USUAL), body.get("cursor", 0)
    if not isinstance(count, int) or not isinstance(cursor, int) or count < 1 or cursor < 1:
        return 1
    now = state.clock.now()
    newer = state.world.newest(account, _before(cursor, now), now)
    return sum(1 for _ in islice(newer, 100_000)) // count + 1


def _before(cursor: int, now: datetime) -> datetime:
    """Return the instant before which a page begins: that of its cursor, or the present one."""
    latest = now + timedelta(seconds=1)
    return min(EPOCH + timedelta(milliseconds=cursor - int(EPOCH.timestamp()) * 1000), latest) if cursor else latest


def _milliseconds(post: SimPost) -> int:
    return int(post.published_at.timestamp()) * 1000


def _video(call: Call, post: SimPost, fields: Any) -> dict[str, Any]:
    counts = truth.post_values(call.state.world, post, _COUNTERS, call.now)
    return {name: counts[name] if name in counts else _FIELDS[name](call, post) for name in fields}


def _text(_call: Call, post: SimPost) -> str:
    return (post.text or "")[:LONGEST_TEXT]


def _link(call: Call, post: SimPost) -> str:
    return f"https://www.tiktok.com/@{username(call)}/video/{post.platform_post_id}"


def _cover(call: Call, post: SimPost) -> str:
    ends = int((call.now + COVER_LIFE).timestamp())
    return f"https://p16-sign.tiktokcdn.com/obj/{post.platform_post_id}.jpeg?x-expires={ends}&x-signature=simulated"


def duration(call: Call, post: SimPost) -> int:
    """Return the length of a video in seconds."""
    return 7 + (account_seed(call.state.world, call.account)[1] + post.number) % 90


_FIELDS: Mapping[str, Any] = {
    "id": lambda _, post: post.platform_post_id,
    "create_time": lambda _, post: int(post.published_at.timestamp()),
    "cover_image_url": _cover,
    "share_url": _link,
    "video_description": _text,
    "title": _text,
    "duration": duration,
    "height": lambda *_: 1024,
    "width": lambda *_: 576,
    "embed_html": lambda call, post: f'<blockquote class="tiktok-embed" cite="{_link(call, post)}"></blockquote>',
    "embed_link": lambda _, post: f"https://www.tiktok.com/player/v1/{post.platform_post_id}",
    "is_aigc": lambda *_: False,
}
