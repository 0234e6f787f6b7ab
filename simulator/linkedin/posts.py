"""Posts by author, by URN and in batches, with reactions and comments (docs/platform-facts.md#linkedin-statistics)."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from simulator.linkedin import statistics
from simulator.linkedin.call import Call, batch, not_found, page
from simulator.linkedin.problem import invalid
from simulator.world import FURTHEST, SimPost

_RESERVED = re.compile(r"[|{}@\[\]()<>#\\*_~]")
"""Characters that are escaped in a commentary (docs/platform-facts.md#content-of-posts)."""
_HASHTAG = re.compile(r"\\#(\w+)")

HISTORY = timedelta(days=400)
_MOST = 100


def posts(call: Call, key: str) -> Any:
    """Answer `GET /posts/{urn}`, `?ids=List(…)` and `?q=author`."""
    if key or "ids" in call.params:
        return _each(call, key, lambda post: shown(call, post))
    call.finder("author")
    call.check_owned(call.params.get("author"), "author")
    start, count = _bounds(call)
    if call.aim.strike("repeated_cursor"):
        again = [shown(call, post) for post in islice(_newest(call), count)]
        return page(again, start, count, following=_following(call, start, count))
    chosen = list(islice(_newest(call), start, start + count + 1))
    if chosen and call.aim.strike("empty_page"):
        return page([], start, count, following=_following(call, start, count))
    following = _following(call, start, count) if len(chosen) > count else None
    return page([shown(call, post) for post in chosen[:count]], start, count, following=following)


def _newest(call: Call) -> Iterator[SimPost]:
    posts = call.state.world.newest(call.account, call.now - HISTORY, call.now)
    return (post for post in posts if post.visible(call.now) and not call.aim.hides_in_lists(post.platform_post_id))


def social_metadata(call: Call, key: str) -> Any:
    """Answer `GET /socialMetadata/{urn}` and `?ids=List(…)`."""
    return _each(call, key, lambda post: statistics.social(call.state, post, call.now))


def social_actions(call: Call, key: str) -> Any:
    """Answer the summary of a post's likes and comments, or an empty list of them: their authors are never returned."""
    urn, _, edge = key.partition("/")
    post = find(call, urn)
    if post is None or edge not in ("", "comments", "likes"):
        raise not_found(key)
    return page([]) if edge else statistics.actions(call.state, post, call.now)


def find(call: Call, urn: str) -> SimPost | None:
    """Return a visible post of the organization, or None."""
    post = call.state.world.post("linkedin", urn)
    here = post is not None and post.account_index == call.account.index and post.visible(call.now)
    gone = not here or call.state.fate(call.account, call.aim) is not None or call.aim.hides(urn)
    return None if gone else post


def _each(call: Call, key: str, show: Callable[[SimPost], Any]) -> Any:
    def read(urn: str) -> Any:
        post = find(call, urn)
        if post is None:
            raise not_found(urn)
        return show(post)

    return read(key) if key else batch(call.ids(), read)


def _bounds(call: Call) -> tuple[int, int]:
    given = [str(call.params.get(name, default)) for name, default in (("start", 0), ("count", 10))]
    if not all(text.isdecimal() for text in given):
        raise invalid("start")
    start, count = (min(int(text), FURTHEST) for text in given)
    if not 1 <= count <= _MOST:
        raise invalid("count")
    return start, count


def _following(call: Call, start: int, count: int) -> str:
    """Return the address of the next page: the same query with a later start."""
    kept = [part for part in call.query.split("&") if part.partition("=")[0] not in ("start", "count", "")]
    return f"{call.path}?{'&'.join([*kept, f'count={count}', f'start={start + count}'])}"


def shown(call: Call, post: SimPost) -> dict[str, Any]:
    """Return a post as `/posts` shows it; it does not change, and is made once."""
    world, key = call.state.world, ("linkedin post", post.number)
    known: dict[str, Any] | None = world.remembered(key)
    if known is None:
        known = _made(call, post)
        world.remember(key, known)
    return known


def _made(call: Call, post: SimPost) -> dict[str, Any]:
    at = int(post.published_at.timestamp() * 1000)
    (kind,) = post.native
    content: dict[str, Any] = {}
    if kind in ("image", "video", "document"):
        content = {"content": {"media": {"id": f"urn:li:{kind}:C5F10{post.number}"}}}
    elif kind == "article":
        content = {"content": {"article": {"source": "https://example.org", "title": "An article"}}}
    elif kind == "multiImage":
        content = {"content": {"multiImage": {"images": [{"id": f"urn:li:image:C5F1{n}{post.number}"} for n in "12"]}}}
    return {
        "id": post.platform_post_id,
        "author": call.urn,
        "lifecycleState": "PUBLISHED",
        "lifecycleStateInfo": {"isEditedByAuthor": False},
        "visibility": "PUBLIC",
        "createdAt": at - 30,
        "publishedAt": at,
        "lastModifiedAt": at,
        "commentary": _commentary(post.text or ""),
        "isReshareDisabledByAuthor": False,
        "distribution": {"feedDistribution": "MAIN_FEED", "thirdPartyDistributionChannels": []},
        **content,
    }


def _commentary(text: str) -> str:
    """Return a text in LinkedIn's format: reserved characters escaped, hashtags as templates."""
    return _HASHTAG.sub(r"{hashtag|\\#|\1}", _RESERVED.sub(r"\\\g<0>", text))
