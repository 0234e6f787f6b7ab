"""Reads of Instagram accounts and media in the Graph API, as strict as the real API.

Facts: docs/platform-facts.md#instagram.
"""

from datetime import timedelta
from typing import Any

from simulator.graph.call import Call, parse, permissions
from simulator.graph.errors import missing, no_field
from simulator.instagram.account import account_fields
from simulator.instagram.account_insights import account_insights
from simulator.instagram.lists import LISTS, listed
from simulator.instagram.media import child_fields, children, media_fields
from simulator.instagram.media_insights import media_insights
from simulator.instagram.world import parent_id
from simulator.world import SimPost

_SCOPES = ("instagram_basic", "instagram_manage_insights", "pages_read_engagement", "pages_show_list")


def node(call: Call, object_id: str, edge: str | None) -> Any:
    """Answer a read of an account, a media, or an edge of one."""
    if object_id == "refresh_access_token":
        return {"access_token": call.account.token, "token_type": "bearer", "expires_in": 5_184_000}
    if object_id == "debug_token":
        return _debug(call)
    if (object_id, edge) == ("me", "permissions"):
        return permissions(call, _SCOPES)
    # Instagram Login calls the account itself `me`.
    if object_id in ("me", call.account.platform_account_id):
        return _account(call, edge)
    album = parent_id(object_id)
    post = call.state.world.post("instagram", album or object_id)
    if post is None or post.account_index != call.account.index or not post.visible(call.now):
        raise missing(object_id)
    if album is None:
        return _media(call, post, edge)
    if post.content_type != "carousel":
        raise missing(object_id)
    return _child(call, post, object_id, edge)


def _debug(call: Call) -> Any:
    return {
        "data": {
            "app_id": "1000", "type": "USER", "application": "Tidemark simulator", "expires_at": 0,
            "data_access_expires_at": int((call.now + timedelta(days=90)).timestamp()), "is_valid": True,
            "scopes": list(_SCOPES),
        }
    }  # fmt: skip


def _account(call: Call, edge: str | None) -> Any:
    if edge is None:
        return account_fields(call, parse(call.params.get("fields", "id")))
    if edge in LISTS:
        return listed(call, edge, parse(call.params.get("fields", "id")), call.params)
    if edge == "insights":
        return account_insights(call, call.params)
    if edge == "content_publishing_limit":
        about = {"quota_usage": 0, "config": {"quota_total": 100, "quota_duration": 86_400}}
        requested = {one.name for one in parse(call.params.get("fields", "quota_usage"))}
        return {"data": [{name: value for name, value in about.items() if name in requested}]}
    if edge in ("tags", "live_media"):
        return {"data": []}
    raise no_field(edge, "InstagramUser")


def _media(call: Call, post: SimPost, edge: str | None) -> Any:
    if edge is None:
        return media_fields(call, parse(call.params.get("fields", "id,media_type")), post)
    if edge == "insights":
        return media_insights(call, post, call.params.get("metric", ""), call.params.get("breakdown"))
    if edge == "children" and post.content_type == "carousel":
        return children(call, post, parse(call.params.get("fields", "id")))
    if edge == "comments":
        return {"data": []}
    raise no_field(edge, "InstagramMedia")


def _child(call: Call, post: SimPost, name: str, edge: str | None) -> Any:
    """Answer a read of a child of an album, which can be read by itself but has no insights."""
    if edge is not None:
        raise no_field(edge, "InstagramMedia")
    return child_fields(call, post, name, parse(call.params.get("fields", "id,media_type")))
