"""Reads of Facebook Pages, posts and media in the Graph API, as strict as the real API.

Facts: docs/platform-facts.md#facebook.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from simulator.facebook import empty_fields
from simulator.facebook.lists import LISTS, default_fields, listed
from simulator.facebook.page_fields import OF_ACCOUNTS, page_fields
from simulator.facebook.page_insights import page_insights
from simulator.facebook.post_insights import insights_edge, post_insights
from simulator.facebook.posts import COUNTED, attachments, post_fields, summary
from simulator.facebook.public import other_page, public_page
from simulator.facebook.things import Thing, found_thing
from simulator.graph.call import Call, parse, permissions
from simulator.graph.errors import no_field
from simulator.graph.listing import page
from simulator.logins import managed

_DEFAULTS = {
    "Post": "id,created_time,message",
    "Video": "updated_time,description,id",
    "Photo": "created_time,name,id",
}
_SCOPES = ("pages_show_list", "pages_read_engagement", "read_insights")
_WITH_TOTAL = ("1", "true", "total_count")


def node(call: Call, object_id: str, edge: str | None) -> Any:
    """Answer a read of a page, a post, a reel, a video, a photo, or an edge of one."""
    if object_id == "me" and edge == "accounts":
        fields = parse(call.params.get("fields", OF_ACCOUNTS))
        found = [replace(call, account=one) for one in managed(call.state, call.account)]
        there = [one for one in found if one.state.fate(one.account, one.aim) is None]
        return page(call, "me/accounts", there, lambda one: page_fields(one, fields), call.params)
    if object_id == "debug_token":
        return _debug(call)
    if (object_id, edge) == ("me", "permissions"):
        return permissions(call, _SCOPES)
    if object_id in ("me", call.account.platform_account_id):
        return _page(call, edge)
    if (other := other_page(call, object_id)) is not None:
        return public_page(call, other, edge)
    return _thing(call, found_thing(call, object_id), edge)


def _debug(call: Call) -> Any:
    return {
        "data": {
            "app_id": "1000", "type": "PAGE", "application": "Tidemark simulator", "expires_at": 0, "is_valid": True,
            "data_access_expires_at": int((call.now + timedelta(days=90)).timestamp()), "scopes": list(_SCOPES),
            "profile_id": call.account.platform_account_id,
        }
    }  # fmt: skip


def _page(call: Call, edge: str | None) -> Any:
    if edge is None:
        return page_fields(call, parse(call.params.get("fields", "id,name")))
    if edge in LISTS:
        return listed(call, edge, parse(call.params.get("fields", default_fields(edge))), call.params)
    if edge == "insights":
        return page_insights(call, call.params)
    if edge in empty_fields.EDGES_OF_PAGES:
        return {"data": []}
    raise no_field(edge, "Page")


def _thing(call: Call, thing: Thing, edge: str | None) -> Any:
    if edge is None:
        return post_fields(call, parse(call.params.get("fields", _DEFAULTS[thing.kind])), thing)
    if edge in COUNTED:
        with_total = call.params.get("summary") in _WITH_TOTAL
        return summary(call, thing, edge, with_total=with_total, reaction=call.params.get("type", ""))
    if edge == insights_edge(thing):
        return post_insights(call, thing, call.params)
    if edge == "attachments" and thing.kind == "Post":
        return {"data": attachments(thing, parse(call.params.get("fields", "")))}
    if edge == "sharedposts" and thing.kind == "Post":
        return {"data": []}
    raise no_field(edge, thing.kind)
