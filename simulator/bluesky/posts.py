"""Posts by their URIs."""

from typing import Any

from simulator.bluesky import views
from simulator.bluesky.call import MOST_URIS, Call, check_uri


def by_uris(call: Call) -> dict[str, Any]:
    """Answer `app.bsky.feed.getPosts`: duplicates come once; deleted posts are left out without an error.

    Raises:
        Problem: there are none or too many URIs, or one is malformed.
    """
    uris = call.several("uris", MOST_URIS)
    for number, uri in enumerate(uris):
        check_uri(call.method, uri, f"uris/{number}")
    world, found = call.state.world, []
    for uri in dict.fromkeys(uris):
        post = world.post("bluesky", uri)
        if post is None or not post.visible(call.now) or call.aim.hides(uri):
            continue
        if call.state.fate(world.account("bluesky", post.account_index), call.aim) is None:
            found.append(post)
    return {"posts": [views.post(call, post) for post in found]}
