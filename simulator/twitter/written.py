"""Posts and media as JSON text, which is written again only when their numbers have changed: pages have a hundred."""

from collections.abc import Callable
from typing import Any

import orjson

from simulator import truth
from simulator.twitter import objects, private
from simulator.twitter.call import Call
from simulator.wire import encode_json
from simulator.world import SimPost


def tweet(call: Call, post: SimPost) -> orjson.Fragment:
    """Return a post, as `objects.tweet` does."""
    asked = (call.requested.tweet, call.requested.renamed)
    found: orjson.Fragment = _written(call, post, asked, lambda: _text(objects.tweet(call, post)))
    return found


def media(call: Call, post: SimPost) -> list[orjson.Fragment]:
    """Return the attachments of a post, as `objects.media` does."""
    asked = (call.requested.media, call.base_url)
    found: list[orjson.Fragment] = _written(
        call, post, asked, lambda: [_text(one) for one in objects.media(call, post)]
    )
    return found


def _written(call: Call, post: SimPost, asked: object, write: Callable[[], Any]) -> Any:
    """Return what was written of a post for the same request, or write it if its numbers have changed since."""
    world, values = call.state.world, truth.curve(call.state.world, post, call.now).values
    key = (post.number, asked, private.is_told(post, call.account, call.now))
    known = world.remembered(key)
    if known is None or known[0] is not values:
        known = (values, write())
        world.remember(key, known)
    return known[1]


def _text(value: object) -> orjson.Fragment:
    return orjson.Fragment(encode_json(value))
