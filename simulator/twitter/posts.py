"""Posts by id and by user, and their impressions (docs/platform-facts.md#x-endpoints)."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from simulator.standing import is_public
from simulator.state import Fate
from simulator.twitter import objects, private, usage, written
from simulator.twitter.analytics import STEPS, analytics, span
from simulator.twitter.call import Call, Params, id_of, ids_of
from simulator.twitter.problem import invalid, not_found, unauthorized, unsupported
from simulator.twitter.timeline import newest, pinned, timeline
from simulator.world import FURTHEST, SimAccount, SimPost

_TOKEN = re.compile(r"sim\d+")
_USUAL = 10


def lookup(call: Call, ids: list[str], parameter: str = "ids") -> dict[str, Any]:
    """Answer `GET /2/tweets?ids=`: the existing posts, and an error for each of the others."""
    posts: list[SimPost] = []
    errors: list[dict[str, Any]] = []
    wanted = private.GROUPS.keys() & call.requested.tweet
    for value in ids:
        post = call.state.world.post("twitter", value)
        if (
            post is None
            or not post.visible(call.now)
            or call.aim.hides(value)
            or (fate := _fate(call, post)) == "deleted"
        ):
            errors.append(not_found(value, parameter))
        elif fate == "suspended" or not may_see(call, call.state.world.account("twitter", post.account_index)):
            errors.append(unauthorized(value, parameter))
        elif wanted and not private.is_told(post, call.account, call.now):
            errors += private.refusals(post, wanted, parameter)
        else:
            posts.append(post)
    return {**_shown(call, posts), **({"errors": errors} if errors else {})}


def may_see(call: Call, author: SimAccount) -> bool:
    """Tell whether the caller may see the posts of a user, who may protect them from all others."""
    is_own = call.account is not None and call.account.index == author.index
    return is_own or is_public(call.state.world, author)


def _fate(call: Call, post: SimPost) -> Fate | None:
    return call.state.fate(call.state.world.account("twitter", post.account_index), call.aim)


def one(call: Call, value: str) -> dict[str, Any]:
    """Answer `GET /2/tweets/:id`."""
    body = lookup(call, [id_of(value)], "id")
    return {**body, "data": body["data"][0]} if "data" in body else body


def listed(call: Call, account: SimAccount, edge: str) -> dict[str, Any]:
    """Answer `GET /2/users/:id/tweets`, or the mentions, which are always empty."""
    start, limit = _bounds(call.params)
    posts: Iterator[SimPost] = iter(()) if edge == "mentions" else timeline(call, account)
    found = list(islice(posts, start + limit + 1))
    chosen, more = found[start : start + limit], len(found) > start + limit
    following = f"sim{start + limit}" if more else None
    if found and call.aim.strike("repeated_cursor"):
        chosen, following = chosen or found[:limit], f"sim{start or limit}"
    if chosen and call.aim.strike("empty_page"):
        # Another token for the same position: clients take a repeated token for one that does not advance.
        return {"meta": {"result_count": 0, "next_token": f"sim0{_token(call.params)[3:] or start}"}}
    meta: dict[str, Any] = {"result_count": len(chosen)}
    if not chosen:
        return {"meta": meta}
    meta |= {"newest_id": chosen[0].platform_post_id, "oldest_id": chosen[-1].platform_post_id}
    if following:
        meta["next_token"] = following
    if start:
        meta["previous_token"] = f"sim{max(start - limit, 0)}"
    wanted, errors = private.GROUPS.keys() & call.requested.tweet, []
    for post in chosen:
        if wanted and not private.is_told(post, call.account, call.now):
            errors += private.refusals(post, wanted, "ids")
    return {**_shown(call, chosen), "meta": meta, **({"errors": errors} if errors else {})}


def shown_by_time(call: Call) -> dict[str, Any]:
    """Answer `GET /2/tweets/analytics`, only for the author.

    Raises:
        Problem: the token is an app token, or a parameter is wrong.
    """
    if call.account is None:
        raise unsupported("OAuth 2.0 Application-Only", "OAuth 1.0a User Context", "OAuth 2.0 User Context")
    ids, granularity = ids_of(call.params), call.params.get("granularity", "")
    if granularity not in STEPS:
        raise invalid(
            f"The `granularity` query parameter value [{granularity}] is not one of [{','.join(STEPS)}]",
            granularity=granularity,
        )
    try:
        start, end = span(call.params)
    except ValueError as error:
        raise invalid(str(error)) from None
    found = [call.state.world.post("twitter", value) for value in ids]
    own = [p for p in found if p is not None and p.visible(call.now) and p.account_index == call.account.index]
    there = {post.platform_post_id for post in own}
    errors = [not_found(value) for value in ids if value not in there]
    data = analytics(call.state.world, own, start, end, STEPS[granularity], call.now)
    return {**({"data": data} if data else {}), **({"errors": errors} if errors else {})}


def of_users(call: Call, users: Iterable[SimAccount]) -> dict[str, Any]:
    """Return the posts by which users are expanded, as the `includes` of an answer."""
    reads = {"pinned_tweet_id": pinned, "most_recent_tweet_id": newest}
    requested = [read for name, read in reads.items() if name in call.requested.expansions]
    posts = {post.number: post for user in users for read in requested if (post := read(call, user)) is not None}
    return {"includes": {"tweets": [objects.tweet(call, post) for post in posts.values()]}} if posts else {}


def page_of(params: Params) -> int:
    """Return the number of the requested page of a timeline; 1 if the parameters are malformed."""
    limit, token = params.get("max_results", str(_USUAL)), _token(params)
    return int(token[3:]) // int(limit) + 1 if _TOKEN.fullmatch(token) and limit.isdecimal() and int(limit) else 1


def _token(params: Params) -> str:
    return params.get("pagination_token") or params.get("next_token", "")


def _bounds(params: Params) -> tuple[int, int]:
    """Return the start of a page and its maximum number of posts."""
    limit, token = params.get("max_results", str(_USUAL)), _token(params)
    if not limit.isdecimal() or not 5 <= int(limit) <= 100:
        raise invalid(f"The `max_results` query parameter value [{limit}] is not between 5 and 100", max_results=limit)
    if token and not _TOKEN.fullmatch(token):
        raise invalid("The `pagination_token` query parameter value is invalid", pagination_token=token)
    return min(int(token[3:]), FURTHEST) if token else 0, int(limit)


def _shown(call: Call, posts: list[SimPost]) -> dict[str, Any]:
    usage.note(call, posts)
    # Faults change single fields of an answer, so posts are written as text only without them.
    tweet, media_of = (objects.tweet, objects.media) if call.state.faults.active else (written.tweet, written.media)
    body: dict[str, Any] = {"data": [tweet(call, post) for post in posts]} if posts else {}
    includes: dict[str, Any] = {}
    if "attachments.media_keys" in call.requested.expansions:
        attached = (post for post in posts if post.kind.native)
        media = [found for post in attached for found in media_of(call, post)]
        includes |= {"media": media} if media else {}
    if posts and "author_id" in call.requested.expansions:
        authors = sorted({post.account_index for post in posts})
        includes["users"] = [objects.user(call, call.state.world.account("twitter", index)) for index in authors]
    return {**body, **({"includes": includes} if includes else {})}
