"""Posts, reposts and replies of simulated Threads accounts: their fields, and the lists that contain them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from heapq import merge
from typing import Any

from simulator.graph.call import Call, parse
from simulator.graph.fields import Field
from simulator.graph.listing import apply_list_faults, page
from simulator.graph.pacific import span
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
    found: dict[str, Any] = {}
    for field in (one.name for one in requested):
        if field not in MEDIA_FIELDS:
            raise no_field(field, NODE_TYPE)
        if (value := _value(call, item, field)) is not None:
            found[field] = value
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
            **_of_all(call, f"{post.platform_post_id}{place}", post.published_at + timedelta(minutes=place + 1)),
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


def _of_all(call: Call, name: str, published_at: Any) -> dict[str, Any]:
    shortcode = f"T{int(name) % 10**10:x}"
    return {
        "id": name, "media_product_type": "THREADS", "shortcode": shortcode,
        "permalink": f"https://www.threads.net/@{call.account.handle}/post/{shortcode}",
        "timestamp": graph_timestamp(published_at),
    }  # fmt: skip


def _value(call: Call, item: Item, field: str) -> Any:
    general = _of_all(call, item_id(item), item.published_at)
    if field in general:
        return general[field]
    if field == "username":
        return call.state.handle(call.account, call.aim)
    if field == "owner":
        return {"id": call.account.platform_account_id}
    return _of_post(call, item, field) if isinstance(item, SimPost) else _of_extra(item, field)


def _of_post(call: Call, post: SimPost, field: str) -> Any:
    media = post.native[0]
    values: dict[str, Callable[[], Any]] = {
        "media_type": lambda: media,
        "text": lambda: post.text,
        "is_quote_post": lambda: False,
        "has_replies": lambda: False,
        "is_reply": lambda: False,
        "media_url": lambda: None if media == "TEXT_POST" else f"{call.base_url}/media/{post.platform_post_id}",
        "thumbnail_url": lambda: f"{call.base_url}/thumbnail/{post.platform_post_id}" if media == "VIDEO" else None,
        "children": lambda: _children(post) if media == "CAROUSEL_ALBUM" else None,
    }
    return values[field]() if field in values else None


def _children(post: SimPost) -> dict[str, Any]:
    return {"data": [{"id": f"{post.platform_post_id}{place}"} for place in range(2)]}


def _of_extra(item: Extra, field: str) -> Any:
    other = {"id": f"16{item.item_id[2:]}"}
    if item.place == REPOST:
        return {"media_type": "REPOST_FACADE", "is_quote_post": False, "reposted_post": other}.get(field)
    reply = {
        "media_type": "TEXT_POST", "text": "A reply", "is_reply": True, "has_replies": False, "root_post": other,
        "replied_to": other, "is_reply_owned_by_me": True, "hide_status": "NOT_HUSHED",
    }  # fmt: skip
    return reply.get(field)
