"""Business Discovery: public data of another professional account, by its user name.

A call names one user name. The answer has followers, posts and the counts of posts, and for reels also the views,
including those of advertisements. There is no `next`: the cursor goes into `media.after()`.

Facts: docs/platform-facts.md#instagram-business-discovery.
"""

from dataclasses import replace
from typing import Any

from simulator import truth
from simulator.graph.call import Call
from simulator.graph.errors import GraphError, no_field
from simulator.graph.fields import Field, parse_fields
from simulator.instagram.lists import rows_of
from simulator.instagram.media import media_fields
from simulator.instagram.texts import account_texts
from simulator.instagram.world import INSTAGRAM
from simulator.standing import is_public
from simulator.world import SimPost

_TEXTS = ("id", "ig_id", "username", "name", "biography", "profile_picture_url", "website")
_COUNTS = ("followers_count", "follows_count", "media_count")
_OF_MEDIA = frozenset(
    ["id", "caption", "children", "comments_count", "like_count", "media_product_type", "media_type", "media_url",
     "owner", "permalink", "thumbnail_url", "timestamp", "username", "view_count"]
)  # fmt: skip


def discovered(call: Call, requested: Field) -> dict[str, Any]:
    """Return the public data of the account that `business_discovery.username()` names.

    Raises:
        GraphError: code 110 if there is no such account, or it is gone, personal, private, age-gated or renamed.
    """
    name = requested.modifiers.get("username", "")
    if not name:
        raise GraphError(100, "(#100) The parameter username is required")
    account = call.state.named("instagram", name, call.aim)
    shown = account is not None and is_public(call.state.world, account)
    if account is None or not shown or call.state.fate(account, call.aim) is not None:
        raise GraphError(
            110,
            "Invalid user id",
            subcode=2207013,
            is_transient=False,
            error_user_title="Cannot find User",
            error_user_msg=f"The user with username: {name} cannot be found.",
        )
    call = replace(call, account=account)
    found: dict[str, Any] = {}
    for one in requested.below:
        if one.name == "media":
            found["media"] = _media(call, one)
        elif one.name in _COUNTS:
            found[one.name] = truth.account_value(call.state.world, account, one.name, call.now)
        elif one.name in _TEXTS:
            if (text := account_texts(call).get(one.name)) is not None:
                found[one.name] = text
        else:
            raise no_field(one.name, "InstagramUser")
    return {**found, "id": account.platform_account_id}


def _media(call: Call, requested: Field) -> dict[str, Any]:
    """Return one page of the account's media, with cursors but without links."""
    fields = requested.below or parse_fields("id")
    for one in fields:
        if one.name not in _OF_MEDIA:
            raise no_field(one.name, "InstagramMedia")
    body: dict[str, Any] = rows_of(call, "media", lambda post: _row(call, fields, post), requested.modifiers)
    if "paging" in body:
        cursors = body["paging"]["cursors"]
        body["paging"] = {"cursors": cursors if "next" in body["paging"] else {"before": cursors["before"]}}
    return body


def _row(call: Call, fields: tuple[Field, ...], post: SimPost) -> dict[str, Any]:
    row = media_fields(call, fields, post)
    for hidden in INSTAGRAM.hides(call.state.world, post):
        row.pop(hidden, None)
    if post.metric_type == "reel" and any(one.name == "view_count" for one in fields):
        row["view_count"] = truth.post_value(call.state.world, post, "total_views", call.now)
    return row
