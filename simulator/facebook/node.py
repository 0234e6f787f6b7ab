"""Facebook Pages' part of the Graph API: platforms.md 3, as strict as the real one about what fits what."""

from datetime import timedelta
from itertools import islice
from typing import Any

from simulator import truth
from simulator.facebook import empty_fields
from simulator.facebook.insights import page_insights, post_insights
from simulator.fields import Field
from simulator.graph_call import Call, Params, parse
from simulator.graph_errors import GraphError, missing
from simulator.instagram.node import linked_account
from simulator.listing import page
from simulator.pacific import span
from simulator.state import moment
from simulator.world import SimPost

HISTORY = timedelta(days=400)
_PAGE_TEXTS = ("name", "username", "category", "category_list", "link", "about", "access_token", "tasks")
_LINKED = ("instagram_business_account", "connected_instagram_account")
_LEVELS = ("fan_count", "followers_count", "talking_about_count")
_POST_FIELDS = ("created_time", "message", "status_type", "permalink_url", "updated_time", "description")
_LISTS = ("published_posts", "posts", "feed", "video_reels", "videos")
_COUNTED = ("reactions", "comments", "likes")
_EMPTY_EDGES = ("stories", "tagged", "ratings", "visitor_posts", "albums", "photos", "live_videos", "conversations")


def node(call: Call, object_id: str, edge: str | None) -> Any:
    """Answer a read of a page, a post, a reel, or an edge of one."""
    if object_id == "me" and edge == "accounts":
        fields = parse(call.params.get("fields", "access_token,category,category_list,name,id,tasks"))
        return page([_page_fields(call, fields)], call, "me/accounts", call.params)
    if object_id == "debug_token":
        return _debug(call)
    if object_id in ("me", call.account.platform_account_id):
        return _page(call, edge)
    post = call.state.world.post("facebook", object_id)
    if post is None or post.account_index != call.account.index or not post.visible(call.now):
        raise missing(object_id)
    return _post(call, post, edge)


def _debug(call: Call) -> Any:
    scopes = ["pages_show_list", "pages_read_engagement", "read_insights"]
    return {
        "data": {
            "app_id": "1000", "type": "PAGE", "application": "Tidemark simulator", "expires_at": 0, "is_valid": True,
            "data_access_expires_at": int((call.now + timedelta(days=90)).timestamp()), "scopes": scopes,
            "profile_id": call.account.platform_account_id,
        }
    }  # fmt: skip


def _page(call: Call, edge: str | None) -> Any:
    if edge is None:
        return _page_fields(call, parse(call.params.get("fields", "id,name")))
    if edge in _LISTS:
        return _list(call, edge, parse(call.params.get("fields", "id,created_time,message")), call.params)
    if edge == "insights":
        return page_insights(call, call.params)
    if edge in _EMPTY_EDGES:
        return {"data": []}
    raise GraphError(100, f"(#100) Tried accessing nonexisting field ({edge}) on node type (Page)")


def _post(call: Call, post: SimPost, edge: str | None) -> Any:
    if edge is None:
        return _post_fields(call, parse(call.params.get("fields", "id,created_time,message")), post)
    if edge in _COUNTED:
        # Who reacted is told only with a permission of its own; how many, the summary says.
        summary = {"summary": ""} if call.params.get("summary") in ("1", "true", "total_count") else {}
        return _summary(call, post, Field(edge, summary))
    if edge in ("attachments", "sharedposts"):
        return {"data": []}
    if edge == _insights_edge(post):
        return post_insights(call, post, call.params, edge)
    raise _no_field(edge, post)


def _insights_edge(post: SimPost) -> str:
    return "video_insights" if post.kind.metric_type == "reel" else "insights"


def _no_field(name: str, post: SimPost) -> GraphError:
    kind = "Video" if post.metric_type == "reel" else "Post"
    return GraphError(100, f"(#100) Tried accessing nonexisting field ({name}) on node type ({kind})")


def _page_fields(call: Call, asked: tuple[Field, ...]) -> dict[str, Any]:
    account = call.account
    found: dict[str, Any] = {}
    for one in asked:
        if one.name in _LEVELS:
            found[one.name] = truth.account_value(call.state.world, account, one.name, call.now)
        elif one.name in _PAGE_TEXTS:
            found[one.name] = {
                "name": account.handle.replace(".", " ").title(), "username": account.handle,
                "category": "Local business", "category_list": [{"id": "2500", "name": "Local business"}], "link": f"https://www.facebook.com/{account.platform_account_id}",
                "about": "Simulated.", "access_token": account.token,
                "tasks": ["ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"],
            }[one.name]  # fmt: skip
        elif one.name in _LISTS:
            found[one.name] = _list(call, one.name, one.below or parse("id,created_time"), one.modifiers)
        elif one.name == "insights":
            found["insights"] = page_insights(call, one.modifiers)
        elif one.name in _LINKED:
            found[one.name] = linked_account(call, one.below)
        elif one.name != "id" and one.name not in empty_fields.OF_PAGES:
            raise GraphError(100, f"(#100) Tried accessing nonexisting field ({one.name}) on node type (Page)")
    return {**found, "id": account.platform_account_id}


def _post_fields(call: Call, asked: tuple[Field, ...], post: SimPost) -> dict[str, Any]:
    found: dict[str, Any] = {}
    reel, edge = post.kind.metric_type == "reel", _insights_edge(post)
    for one in asked:
        name = one.name
        if name == "id":
            continue
        if name in _POST_FIELDS:
            if text := _text(post, name):
                found[name] = text
        elif name == edge:
            found[one.modifiers.get("as", name)] = post_insights(call, post, one.modifiers, name)
        elif name in _COUNTED:
            found[one.modifiers.get("as", name)] = _summary(call, post, one)
        elif name == "shares" and not reel:
            # Absent where nobody shared it.
            if count := truth.post_value(call.state.world, post, "shares", call.now):
                found["shares"] = {"count": count}
        elif name == "attachments" and not reel:
            if media := post.kind.native[0]:
                found["attachments"] = {"data": [{"media_type": media}]}
        elif name not in empty_fields.OF_POSTS:
            raise _no_field(name, post)
    found["id"] = post.platform_post_id
    return found


def _summary(call: Call, post: SimPost, asked: Field) -> dict[str, Any]:
    field = "comments" if asked.name == "comments" else "reactions"
    total = truth.post_value(call.state.world, post, field, call.now)
    if "summary" not in asked.modifiers:
        return {"data": []}
    summary: dict[str, Any] = {"total_count": total}
    if asked.name == "comments":
        summary = {"order": "chronological", "total_count": total, "can_comment": True}
    elif asked.name == "likes":
        summary |= {"can_like": True, "has_liked": False}
    return {"data": [], "summary": summary}


def _text(post: SimPost, name: str) -> str | None:
    if name in ("created_time", "updated_time"):
        return moment(post.published_at)
    if name == "status_type":
        return post.kind.native[1] if post.kind.metric_type != "reel" else None
    if name == "permalink_url":
        return f"https://www.facebook.com/{post.platform_post_id}"
    return post.text if name in ("message", "description") else None


def _list(call: Call, edge: str, asked: tuple[Field, ...], params: Params) -> Any:
    limit, after = params.get("limit", "25"), params.get("after", "0") or "0"
    reels = edge in ("video_reels", "videos")
    rows: list[dict[str, Any]] = []
    if limit.isdecimal() and after.isdecimal():
        # Only the page's posts are drawn and asked for their numbers, and one more tells whether there is a next page.
        last = int(after) + min(int(limit), 100)
        posts = call.state.world.newest(call.account, *span(call, params, HISTORY))
        shown = islice((p for p in posts if p.visible(call.now) and (p.kind.metric_type == "reel") == reels), last + 1)
        rows = [_post_fields(call, asked, p) if int(after) <= n < last else {} for n, p in enumerate(shown)]
    kept = {k: v for k, v in params.items() if k in ("fields", "limit", "after", "since", "until")}
    return page(rows, call, f"{call.account.platform_account_id}/{edge}", kept)
