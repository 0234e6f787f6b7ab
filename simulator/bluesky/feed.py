"""Author feeds: an account's posts and the posts that it reposted, newest first, by page."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import islice
from typing import Any

from simulator.bluesky import views
from simulator.bluesky.actors import found_actor
from simulator.bluesky.call import FILTERS, USUAL_ITEMS, Call, Params
from simulator.bluesky.problem import invalid_params
from simulator.bluesky.world import created_at
from simulator.world import EPOCH, FURTHEST, SimAccount, SimPost

_CURSOR = re.compile(r"sim[0-9]{1,12}")
_PINNED_WITHIN = timedelta(days=60)
Item = tuple[SimPost, datetime | None]
"""A post in a feed, with the time at which the account reposted it, or None if it is the account's own."""
_MEDIA = {"posts_with_media": ("image", "video"), "posts_with_video": ("video",)}


def author_feed(call: Call) -> dict[str, Any]:
    """Answer `app.bsky.feed.getAuthorFeed`.

    Raises:
        Problem: a parameter is wrong, or there is no such account.
    """
    account = found_actor(call, call.one("actor"))
    limit, start, wanted = call.limit(), _start(call.params), call.params.get("filter", (FILTERS[0],))[-1]
    if wanted not in FILTERS:
        raise invalid_params(call.method, f"filter must be one of ({'|'.join(FILTERS)})")
    pin = _pinned(call, account) if call.flag("includePins") and not start else None
    found = list(islice(_items(call, account, wanted), start + limit + 1))
    chosen, more = found[start : start + limit], len(found) > start + limit
    cursor = f"sim{start + limit}" if more else None
    if found and call.aim.strike("repeated_cursor"):
        chosen, cursor = chosen or found[:limit], f"sim{start or limit}"
    if chosen and call.aim.strike("empty_page"):
        # Another cursor for the same position: clients take a repeated cursor for one that does not advance.
        return {"feed": [], "cursor": f"sim0{start}"}
    top = [{"post": views.post(call, pin), "reason": {"$type": "app.bsky.feed.defs#reasonPin"}}] if pin else []
    items = [_shown(call, account, one) for one in chosen]
    return {"feed": [*top, *items], **({"cursor": cursor} if cursor else {})}


def page_of(params: Params) -> int:
    """Return the number of the requested page; 1 if the parameters are malformed."""
    limit, cursor = params.get("limit", (str(USUAL_ITEMS),))[-1], params.get("cursor", ("",))[-1]
    return int(cursor[3:]) // int(limit) + 1 if _CURSOR.fullmatch(cursor) and limit.isdecimal() and int(limit) else 1


def _start(params: Params) -> int:
    """Return the position at which a page begins; a cursor of another form is taken for that of the first page."""
    cursor = params.get("cursor", ("",))[-1]
    return min(int(cursor[3:]), FURTHEST) if _CURSOR.fullmatch(cursor) else 0


def _items(call: Call, account: SimAccount, wanted: str) -> Iterator[Item]:
    """Yield the items of a feed, newest first: posts by the earlier of their two times, reposts by their own."""
    waiting: list[tuple[float, int, SimPost, datetime | None]] = []
    for number, post in enumerate(call.state.world.newest(account, EPOCH, call.now + timedelta(seconds=1))):
        # No later item is newer than this: reposts come a while after a post.
        newest = post.published_at + views.REPOSTED_AFTER
        while waiting and -waiting[0][0] >= newest.timestamp():
            yield from _item(call, account, wanted, heappop(waiting))
        at = min(post.published_at, created_at(post))
        heappush(waiting, (-at.timestamp(), 2 * number, post, None))
        if post.number // 10 % 5 == 0 and newest <= call.now:
            heappush(waiting, (-newest.timestamp(), 2 * number + 1, post, newest))
    while waiting:
        yield from _item(call, account, wanted, heappop(waiting))


def _item(
    call: Call, account: SimAccount, wanted: str, entry: tuple[float, int, SimPost, datetime | None]
) -> Iterator[Item]:
    _, _, post, reposted_at = entry
    media = _MEDIA.get(wanted)
    if reposted_at is not None:
        other = None if media else _newest(call, account, reposted_at)
        if other is not None:
            yield other, reposted_at
    elif is_listed(call, post) and (media is None or set(media) & set(post.native)):
        yield post, None


def _shown(call: Call, account: SimAccount, item: Item) -> dict[str, Any]:
    post, reposted_at = item
    if reposted_at is not None:
        return views.repost(call, account, post, reposted_at)
    return {"post": views.post(call, post)}


def is_listed(call: Call, post: SimPost) -> bool:
    """Tell whether lists have a post."""
    return post.visible(call.now) and not call.aim.hides_in_lists(post.platform_post_id)


def _newest(call: Call, account: SimAccount, before: datetime) -> SimPost | None:
    """Return the newest post of the account that this one reposts."""
    other = call.state.world.account("bluesky", account.index + 1 if account.index % 2 == 0 else account.index - 1)
    posts = call.state.world.newest(other, EPOCH, before)
    return next((post for post in posts if post.visible(call.now)), None)


def _pinned(call: Call, account: SimAccount) -> SimPost | None:
    first = call.state.world.posts(account, EPOCH, EPOCH + _PINNED_WITHIN)
    return next((post for post in first if post.visible(call.now)), None)
