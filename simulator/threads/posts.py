"""Posts, reposts and replies of simulated Threads accounts: their fields, and the lists that contain them."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from heapq import merge
from typing import Any

from simulator.graph.call import Call, parse
from simulator.graph.fields import Field
from simulator.graph.listing import apply_list_faults, page
from simulator.graph.pacific import span
from simulator.pictures import picture_url
from simulator.state import graph_timestamp
from simulator.threads.errors import no_field
from simulator.threads.world import REPLY, REPOST, Extra, extras
from simulator.world import SimPost

HISTORY = timedelta(days=400)
LISTS = ("threads", "replies", "conversation")
NODE_TYPE = "ThreadsMedia"
_KNOWN = """
id media_product_type media_type media_url permalink owner username text timestamp shortcode thumbnail_url children
is_quote_post quoted_post reposted_post alt_text link_attachment_url gif_url poll_attachment topic_tag has_replies
root_post replied_to is_reply is_reply_owned_by_me hide_status reply_audience
"""
MEDIA_FIELDS = frozenset(_KNOWN.split())
Item = SimPost | Extra

_REPLIES_OF_A_POST = 3
_HIDE_STATUSES = ("NOT_HUSHED", "HIDDEN", "UNHUSHED")


def item_id(item: Item) -> str:
    """Return the id of a post, a repost or a reply."""
    return item.platform_post_id if isinstance(item, SimPost) else item.item_id


def media_fields(call: Call, requested: tuple[Field, ...], item: Item) -> dict[str, Any]:
    """Return the requested fields of an item; its id is always included, and there are no counts.

    Raises:
        GraphError: media have no such field.
    """
    found, values = dict[str, Any](), _values_of(item)
    for one in requested:
        value = values.get(one.name)
        if value is None:
            if one.name not in MEDIA_FIELDS:
                raise no_field(one.name, NODE_TYPE)
        elif (given := value(call, item)) is not None:
            found[one.name] = given
    return {**found, "id": item_id(item)}


def listed(call: Call, edge: str) -> dict[str, Any]:
    """Return one page of the account's posts with its reposts (`threads`), or of its replies, newest first."""
    requested, account_id = parse(call.params.get("fields", "id")), call.account.platform_account_id
    world, account = call.state.world, call.account
    since, until = span(call, call.params, HISTORY)

    def find(name: str) -> Item | None:
        post = world.post("threads", name)
        return post if post is not None and post.account_index == account.index and post.visible(call.now) else None

    if edge == "replies":
        items: Iterator[Item] = extras(world, account, REPLY, since, until)
    else:
        posts = (post for post in world.newest(account, since, until) if post.visible(call.now))
        reposts = extras(world, account, REPOST, since, until)
        items = merge(posts, reposts, key=lambda item: item.published_at, reverse=True)
    aim = call.aimed(account_id, f"{account_id}/{edge}")
    shown = apply_list_faults(aim, items, item_id, find)
    found = page(call, f"{account_id}/{edge}", shown, lambda item: media_fields(call, requested, item), call.params)
    # A page has cursors only; the list ends with an empty page.
    found.get("paging", {}).pop("next", None)
    return found


def replies_to(call: Call, post: SimPost) -> dict[str, Any]:
    """Return the replies of other people to a post, with the requested fields."""
    requested = parse(call.params.get("fields", "id"))
    rows = [
        {
            **_general(call, f"{post.platform_post_id}{place}", post.published_at + timedelta(minutes=place + 1)),
            "text": f"Reply {place + 1}",
            "media_type": "TEXT_POST",
            "has_replies": place == 0,
            "root_post": {"id": post.platform_post_id},
            "replied_to": {"id": post.platform_post_id},
            "is_reply": True,
            "hide_status": _HIDE_STATUSES[place],
        }
        for place in range(_REPLIES_OF_A_POST)
        if post.published_at + timedelta(minutes=place + 1) <= call.now
    ]
    for field in (one.name for one in requested):
        if field not in MEDIA_FIELDS:
            raise no_field(field, NODE_TYPE)
    wanted = {"id", *(one.name for one in requested)}
    chosen = [{name: value for name, value in row.items() if name in wanted} for row in rows]
    return {"data": chosen, "paging": {"cursors": {"before": "0", "after": str(len(rows))}}} if rows else {"data": []}


def _general(call: Call, name: str, published_at: datetime) -> dict[str, Any]:
    """Return the fields that every item has, by its id and its time."""
    return {
        "id": name, "media_product_type": "THREADS", "shortcode": _shortcode(name),
        "permalink": _permalink(call, name), "timestamp": graph_timestamp(published_at),
    }  # fmt: skip


def _shortcode(name: str) -> str:
    return f"T{int(name) % 10**10:x}"


def _permalink(call: Call, name: str) -> str:
    return f"https://www.threads.net/@{call.account.handle}/post/{_shortcode(name)}"


def _children(post: SimPost) -> dict[str, Any]:
    return {"data": [{"id": f"{post.platform_post_id}{place}"} for place in range(2)]}


def _other(item: Extra) -> dict[str, str]:
    """Return the post of another user that was reposted or replied to."""
    return {"id": f"16{item.item_id[2:]}"}


Value = Callable[[Call, Any], Any]
_OF_ALL: Mapping[str, Value] = {
    "id": lambda _, item: item_id(item),
    "media_product_type": lambda *_: "THREADS",
    "timestamp": lambda _, item: graph_timestamp(item.published_at),
    "shortcode": lambda _, item: _shortcode(item_id(item)),
    "permalink": lambda call, item: _permalink(call, item_id(item)),
    "username": lambda call, _: call.state.handle(call.account, call.aim),
    "owner": lambda call, _: {"id": call.account.platform_account_id},
    "is_quote_post": lambda *_: False,
    "has_replies": lambda *_: False,
}
_OF_POSTS: Mapping[str, Value] = {
    **_OF_ALL,
    "media_type": lambda _, post: post.native[0],
    "text": lambda _, post: post.text,
    "is_reply": lambda *_: False,
    "media_url": lambda call, post: (
        None if post.native[0] == "TEXT_POST" else picture_url(call.base_url, post.platform_post_id, call.now)
    ),
    "thumbnail_url": lambda call, post: (
        picture_url(call.base_url, f"thumbnail-{post.platform_post_id}", call.now)
        if post.native[0] == "VIDEO"
        else None
    ),
    "children": lambda _, post: _children(post) if post.native[0] == "CAROUSEL_ALBUM" else None,
}
_OF_REPOSTS: Mapping[str, Value] = {
    **_OF_ALL,
    "media_type": lambda *_: "REPOST_FACADE",
    "reposted_post": lambda _, item: _other(item),
}
_OF_REPLIES: Mapping[str, Value] = {
    **_OF_ALL,
    "media_type": lambda *_: "TEXT_POST",
    "text": lambda *_: "A reply",
    "is_reply": lambda *_: True,
    "root_post": lambda _, item: _other(item),
    "replied_to": lambda _, item: _other(item),
    "is_reply_owned_by_me": lambda *_: True,
    "hide_status": lambda *_: "NOT_HUSHED",
}


def _values_of(item: Item) -> Mapping[str, Value]:
    if isinstance(item, SimPost):
        return _OF_POSTS
    return _OF_REPOSTS if item.place == REPOST else _OF_REPLIES
