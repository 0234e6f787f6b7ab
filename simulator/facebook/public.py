"""Pages of others: the levels and the feed that an app with Page Public Content Access reads.

A system user has a token of its own, that of a Page with a mark behind a tilde; with the other mark, the app lacks the
feature. The feed is a selection of the posts, without reels, and has no insights.

Facts: docs/platform-facts.md#facebook-pages-of-others.
"""

from dataclasses import replace
from itertools import islice
from typing import Any

from simulator import truth
from simulator.facebook.lists import HISTORY
from simulator.facebook.posts import post_fields
from simulator.facebook.things import listed_thing
from simulator.facebook.world import FACEBOOK
from simulator.graph.call import Call, parse
from simulator.graph.errors import GraphError, missing, no_field
from simulator.graph.fields import Field
from simulator.graph.listing import LONGEST_PAGE, page
from simulator.graph.pacific import span
from simulator.standing import is_public
from simulator.world import SimAccount, display_name

WITH_ACCESS, WITHOUT_ACCESS = "~systemuser", "~systemuserwithoutaccess"
"""What a system user's token ends with."""
MOST_OF_A_YEAR = 600
_FEEDS = ("feed", "posts")
_LEVELS = ("fan_count", "followers_count")
_OF_POSTS = frozenset(
    ["id", "message", "created_time", "updated_time", "permalink_url", "full_picture", "status_type", "attachments",
     "reactions", "comments", "likes", "shares"]
)  # fmt: skip


def other_page(call: Call, name: str) -> SimAccount | None:
    """Return the Page of somebody else that an id or a user name stands for, or None."""
    found = call.state.world.find("facebook", name) or call.state.named("facebook", name, call.aim)
    return None if found is None or found.index == call.account.index else found


def public_page(call: Call, account: SimAccount, edge: str | None) -> Any:
    """Answer a read of a Page of somebody else, or of its feed.

    Raises:
        GraphError: code 10 without the feature; the Page is gone or not for everybody; or the field is not public.
    """
    if not call.reader.token.endswith(WITH_ACCESS):
        raise GraphError(
            10,
            "(#10) This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' "
            "feature. Refer to https://developers.facebook.com/docs/apps/review/login-permissions#manage-pages and "
            "https://developers.facebook.com/docs/apps/review/feature#reference-PAGES_ACCESS for details.",
        )
    if call.state.fate(account, call.aim) is not None or not is_public(call.state.world, account):
        raise missing(account.platform_account_id)
    call = replace(call, account=account)
    if edge is None:
        return _fields(call, parse(call.params.get("fields", "id,name")))
    if edge in _FEEDS:
        return _feed(call, edge)
    if edge == "insights":
        raise GraphError(190, "(#190) This method must be called with a Page Access Token")
    raise no_field(edge, "Page")


def _fields(call: Call, requested: tuple[Field, ...]) -> dict[str, Any]:
    account, handle = call.account, call.state.handle(call.account, call.aim)
    texts = {
        "id": account.platform_account_id,
        "name": display_name(handle),
        "username": handle,
        "link": f"https://www.facebook.com/{account.platform_account_id}",
        "about": "Simulated.",
        "category": "Local business",
    }
    found: dict[str, Any] = {}
    for one in requested:
        if one.name in _LEVELS:
            found[one.name] = truth.account_value(call.state.world, account, one.name, call.now)
        elif one.name in texts:
            found[one.name] = texts[one.name]
        else:
            raise no_field(one.name, "Page")
    return {**found, "id": account.platform_account_id}


def _feed(call: Call, edge: str) -> Any:
    params = call.params
    requested = parse(params.get("fields", "id,created_time,message"))
    for one in requested:
        if one.name not in _OF_POSTS:
            raise no_field(one.name, "Post")
    limit = params.get("limit", "25")
    if limit.isdecimal() and int(limit) > LONGEST_PAGE:
        raise GraphError(100, f"(#100) Param limit must be less than or equal to {LONGEST_PAGE}")
    posts = call.state.world.newest(call.account, *span(call, params, HISTORY))
    shown = (post for post in posts if post.visible(call.now) and FACEBOOK.lists(call.state.world, post))
    things = (listed_thing(post) for post in islice(shown, MOST_OF_A_YEAR))
    path = f"{call.account.platform_account_id}/{edge}"
    return page(call, path, things, lambda thing: post_fields(call, requested, thing), params)
