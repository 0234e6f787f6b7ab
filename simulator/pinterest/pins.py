"""Pins of the account: `GET /v5/pins` by page, and `GET /v5/pins/{id}`.

The list has the pins that the account created and, unless a filter leaves them out, those that it saved.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

import orjson

from simulator import truth
from simulator.pinterest.call import Call, Params
from simulator.pinterest.problem import not_authorized, pin_not_found
from simulator.pinterest.world import CREATED, SAVED, SECRET
from simulator.wire import encode_json
from simulator.world import EPOCH, FURTHEST, SimPost

PARAMETERS = (
    "bookmark", "page_size", "pin_filter", "include_protected_pins", "pin_type", "creative_types", "ad_account_id",
    "pin_metrics",
)  # fmt: skip
ONE_PARAMETERS = ("pin_metrics", "ad_account_id")
CREATIVE_TYPES = ("REGULAR", "VIDEO", "SHOPPING", "CAROUSEL", "MAX_VIDEO", "SHOP_THE_PIN", "COLLECTION", "IDEA")
_FILTERS = ("exclude_native", "exclude_repins", "has_been_promoted")
USUAL_ITEMS, MOST_ITEMS = 25, 250
_SAVED_AFTER = timedelta(minutes=40)
_WINDOW = timedelta(days=90)
_GROWN = timedelta(days=30)
"""After this time, a pin hardly gains anything."""
_IN_90_DAYS = ("impression", "pin_click", "clickthrough", "save")
_LIFETIME = (*_IN_90_DAYS, "reaction", "comment")
_BOOKMARK = re.compile(r"([0-9a-f]{8})([0-9a-f]{8})x*")
_LONGEST_TITLE = 100


class Pin(NamedTuple):
    """A pin in a list: of a post of the world, or one that the account saved some time after that post."""

    pin_id: str
    post: SimPost
    created_at: datetime
    is_saved: bool


def pins(call: Call) -> dict[str, Any]:
    """Return a page of the account's pins, newest first; `bookmark` is null at the end.

    A full page has a bookmark, so the last page is empty if the pins fill all pages.

    Raises:
        Problem: a parameter is wrong.
    """
    size, start = call.number("page_size", USUAL_ITEMS, MOST_ITEMS), _start(call)
    metrics, protected = call.flag("pin_metrics"), call.flag("include_protected_pins")
    wanted = frozenset(call.some_of("creative_types", CREATIVE_TYPES))
    only = call.one_of("pin_filter", _FILTERS, "") if "pin_filter" in call.params else ""
    found = (one for one in _pins(call, only, protected=protected) if one.post.native[0] in wanted)
    chosen = list(islice(found, start, start + size))
    following, again = (start + size, "") if len(chosen) == size else (None, "")
    if (chosen or start) and call.aim.strike("repeated_cursor"):
        chosen = chosen or list(islice(_pins(call, only, protected=protected), size))
        following = start or size
    if chosen and call.aim.strike("empty_page"):
        # Another bookmark for the same place: clients take a repeated one for one that does not advance.
        chosen, following, again = [], start, f"{call.params.get('bookmark', '')}x"[-1:]
    show = _shown if call.state.faults.active else _written
    shown = [show(call, one, metrics=metrics) for one in chosen]
    return {"items": shown, "bookmark": None if following is None else _bookmark(call, following) + again}


def pin(call: Call, pin_id: str) -> dict[str, Any]:
    """Return one pin.

    Raises:
        Problem: it does not exist, is of another account, or is on a secret board.
    """
    metrics, found = call.flag("pin_metrics"), find(call, pin_id)
    return _shown(call, found, metrics=metrics)


def find(call: Call, pin_id: str, code: int = 50) -> Pin:
    """Return a pin of the account; `code` is the number in the error for one that it does not have.

    Raises:
        Problem: it does not exist, is of another account, or is on a secret board.
    """
    first, rest = pin_id[:1], pin_id[1:]
    post = call.state.world.post("pinterest", f"{CREATED}{rest}") if first in (CREATED, SAVED, SECRET) else None
    if post is None or post.account_index != call.account.index or not post.visible(call.now):
        raise pin_not_found(code)
    if call.aim.hides(pin_id):
        raise pin_not_found(code)
    if first == SECRET:
        raise not_authorized("board or Pin")
    if first == CREATED:
        return Pin(pin_id, post, post.published_at, is_saved=False)
    if not _is_followed_by_a_save(post) or post.published_at + _SAVED_AFTER > call.now:
        raise pin_not_found(code)
    return Pin(pin_id, post, post.published_at + _SAVED_AFTER, is_saved=True)


def page_of(params: Params) -> int:
    """Return the number of the requested page of a list; 1 if the parameters are malformed."""
    size = params.get("page_size", str(USUAL_ITEMS))
    found = _BOOKMARK.fullmatch(params.get("bookmark", ""))
    return int(found[1], 16) // int(size) + 1 if found and size.isdecimal() and int(size) else 1


def _pins(call: Call, only: str, *, protected: bool) -> Iterator[Pin]:
    if only == "has_been_promoted":
        return iter(())
    created = () if only == "exclude_native" else _created(call)
    saved = () if only == "exclude_repins" else _saved(call)
    secret = _secret(call) if protected and not only else ()
    if not saved and not secret:
        return iter(created)
    return merge(created, saved, secret, key=lambda one: one.created_at, reverse=True)


def _created(call: Call) -> Iterator[Pin]:
    hides = call.aim.hides_in_lists if call.state.faults.active else None
    for post in call.state.world.newest(call.account, EPOCH, call.now + timedelta(seconds=1)):
        if post.visible(call.now) and (hides is None or not hides(post.platform_post_id)):
            yield Pin(post.platform_post_id, post, post.published_at, is_saved=False)


def _saved(call: Call) -> Iterator[Pin]:
    for post in call.state.world.newest(call.account, EPOCH, call.now - _SAVED_AFTER):
        if _is_followed_by_a_save(post):
            yield Pin(f"{SAVED}{post.platform_post_id[1:]}", post, post.published_at + _SAVED_AFTER, is_saved=True)


def _secret(call: Call) -> Iterator[Pin]:
    for post in call.state.world.newest(call.account, EPOCH, call.now):
        if post.number // 10 % 9 == 0:
            yield Pin(f"{SECRET}{post.platform_post_id[1:]}", post, post.published_at, is_saved=False)


def _is_followed_by_a_save(post: SimPost) -> bool:
    return post.number // 10 % 5 == 0


def _shown(call: Call, one: Pin, *, metrics: bool) -> dict[str, Any]:
    """Return a pin. Its numbers are null if they were not requested."""
    return {**_fixed(call, one), "pin_metrics": _metrics(call, one) if metrics else None}


def _written(call: Call, one: Pin, *, metrics: bool) -> Any:
    """Return a pin as JSON text, whose numbers are written again when they have changed: pages have up to 250 pins."""
    world, key = call.state.world, (one.pin_id, call.pictures, call.username, metrics)
    values, within = truth.curve(world, one.post, call.now).values, _is_within(call, one.created_at)
    known = world.remembered(key)
    # Within some days, what left the window of ninety days changes the numbers at every instant.
    if known is None or known[0] is not values or known[1] != within or within is None:
        fixed = encode_json(_fixed(call, one))[:-1] if known is None else known[2]
        changing = encode_json(_metrics(call, one) if metrics else None)
        known = (values, within, fixed, orjson.Fragment(fixed + b',"pin_metrics":' + changing + b"}"))
        world.remember(key, known)
    return known[3]


def _is_within(call: Call, created_at: datetime) -> bool | None:
    """Tell whether all numbers of a pin are of the last ninety days, or none; None if only a part of them is."""
    before = call.now - _WINDOW
    if created_at >= before:
        return True
    return False if before - created_at > _GROWN else None


def _fixed(call: Call, one: Pin) -> dict[str, Any]:
    """Return the fields of a pin that do not change."""
    creative, media = one.post.native
    text = one.post.text
    return {
        "id": one.pin_id,
        "created_at": one.created_at.isoformat()[:19],
        "link": "https://example.org/page" if one.post.number % 3 else None,
        "title": text[:_LONGEST_TITLE] if text else None,
        "description": text[:500] if text else None,
        "dominant_color": "#6e7874",
        "alt_text": None,
        "creative_type": creative,
        "board_id": f"54975588{call.account.index:07d}",
        "board_section_id": None,
        "board_owner": {"username": call.username},
        "is_owner": True,
        "is_standard": creative == "REGULAR",
        "is_removable": False,
        "has_been_promoted": False,
        "parent_pin_id": f"7{one.pin_id[1:]}" if one.is_saved else None,
        "note": "",
        "product_tags": [],
        "media": _media(call, one.pin_id, media),
    }


def _media(call: Call, pin_id: str, media: str) -> dict[str, Any]:
    pictures = {
        size: {"width": width, "height": height, "url": f"{call.pictures}{pin_id}-{size}.png"}
        for size, width, height in _SIZES
    }
    if media == "image":
        return {"media_type": media, "images": pictures}
    if media == "multiple_images":
        return {"media_type": media, "items": [{"item_type": "image", "images": pictures} for _ in range(2)]}
    if media == "multiple_mixed":
        parts = ({"item_type": "image", "images": pictures}, {"item_type": "video", "cover_image_url": None})
        return {"media_type": media, "items": list(parts)}
    cover = pictures["600x"]["url"]
    more = {"cover_image_url": cover, "duration": 14.0, "height": 600, "width": 600, "video_url": None}
    return {"media_type": media, "images": pictures, **more}


_SIZES = (("150x150", 150, 150), ("400x300", 400, 300), ("600x", 600, 600), ("1200x", 1200, 1200))


def _metrics(call: Call, one: Pin) -> dict[str, Any]:
    """Return the numbers of a pin: of the last ninety days, and over its life. Those of a saved pin are its own."""
    if one.is_saved:
        return {"90d": dict.fromkeys(_IN_90_DAYS, 1), "lifetime_metrics": dict.fromkeys(_LIFETIME, 1)}
    world, within = call.state.world, _is_within(call, one.created_at)
    lifetime = truth.post_values(world, one.post, _LIFETIME, call.now)
    if within is None:
        earlier = truth.post_values(world, one.post, _IN_90_DAYS, call.now - _WINDOW)
        recent = {name: max(lifetime[name] - value, 0) for name, value in earlier.items()}
    else:
        recent = {name: lifetime[name] if within else 0 for name in _IN_90_DAYS}
    return {"90d": recent, "lifetime_metrics": lifetime}


def _start(call: Call) -> int:
    """Return the place at which a page begins.

    Raises:
        Problem: the bookmark is not one of this list.
    """
    text = call.params.get("bookmark", "")
    if not text:
        return 0
    found = _BOOKMARK.fullmatch(text)
    start = int(found[1], 16) if found else -1
    if not 0 <= start < FURTHEST or _bookmark(call, start) != text.rstrip("x"):
        raise call.wrong("Invalid bookmark.")
    return start


def _bookmark(call: Call, start: int) -> str:
    """Return the bookmark of a place, which is valid only for the list of this account."""
    check = blake2b(f"{call.account.platform_account_id}:{start}".encode(), digest_size=4).hexdigest()
    return f"{start:08x}{check}"
