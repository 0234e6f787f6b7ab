"""Users, posts and media in the form of X: default fields and requested fields."""

from datetime import datetime
from typing import Any

from simulator import truth
from simulator.pictures import picture_url
from simulator.standing import is_public
from simulator.twitter import private
from simulator.twitter.call import Call
from simulator.twitter.timeline import newest, pinned
from simulator.twitter.world import PUBLIC
from simulator.world import SimAccount, SimPost, display_name, slug

_RENAMED = {"retweet_count": "repost_count"}
_PREFIX = {"photo": 3, "video": 13}
_LONGEST_TEXT = 250
"""Characters of a text without its link; together they are within the limit of 280."""


def stamp(now: datetime) -> str:
    """Return an instant in the format of X."""
    return now.isoformat(timespec="seconds")[:19] + ".000Z"


def user(call: Call, account: SimAccount) -> dict[str, Any]:
    """Return a user with id, name, username and the requested fields."""
    handle = call.state.handle(account, call.aim)
    found: dict[str, Any] = {
        "id": account.platform_account_id, "name": display_name(handle), "username": slug(handle, "_")
    }  # fmt: skip
    requested = call.requested.user
    if "created_at" in requested:
        found["created_at"] = "2019-03-01T08:00:00.000Z"
    if "public_metrics" in requested:
        metrics = truth.account_values(call.state.world, account, call.now)
        # A request does not tell which spelling it expects in a user's fields, so both are returned.
        found["public_metrics"] = metrics | {"post_count": metrics["tweet_count"]}
    for name, read in (("most_recent_tweet_id", newest), ("pinned_tweet_id", pinned)):
        if name in requested and (post := read(call, account)) is not None:
            found[name] = post.platform_post_id
    texts = {"description": "Simulated.", "verified": False, "verified_type": "none"}
    if "protected" in requested:
        found["protected"] = not is_public(call.state.world, account)
    return found | {name: text for name, text in texts.items() if name in requested}


def tweet(call: Call, post: SimPost) -> dict[str, Any]:
    """Return a post, with private metrics only if the caller may see them."""
    world, requested = call.state.world, call.requested.tweet
    key = (post.number, requested)
    fixed: dict[str, Any] | None = world.remembered(key)
    if fixed is None:
        fixed = _fixed(call, post)
        world.remember(key, fixed)
    found = dict(fixed)
    if "public_metrics" in requested:
        public = truth.post_values(world, post, PUBLIC, call.now)
        found["public_metrics"] = (
            {_RENAMED.get(k, k): v for k, v in public.items()} if call.requested.renamed else public
        )
    if private.is_told(post, call.account, call.now):
        found |= private.groups(world, post, call.now, requested)
    return found


def _fixed(call: Call, post: SimPost) -> dict[str, Any]:
    """Return the requested fields of a post that do not change."""
    post_id, requested = post.platform_post_id, call.requested.tweet
    found: dict[str, Any] = {"id": post_id, "text": text_of(post), "edit_history_tweet_ids": [post_id]}
    if "created_at" in requested:
        found["created_at"] = stamp(post.published_at)
    if "author_id" in requested:
        found["author_id"] = call.state.world.account("twitter", post.account_index).platform_account_id
    if "lang" in requested:
        found["lang"] = "en"
    if "conversation_id" in requested:
        found["conversation_id"] = post_id
    if "attachments" in requested and (keys := media_keys(post)):
        found["attachments"] = {"media_keys": keys}
    if "entities" in requested and "urls" in post.kind.native:
        found["entities"] = {"urls": [{"start": 0, "end": 23, "url": "https://t.co/sim", "display_url": "example.org"}]}
    return found


def text_of(post: SimPost) -> str:
    """Return the text of a post as X writes it: with three characters escaped, and with links to its media.

    A post of media alone has only the link (docs/platform-facts.md#content-of-posts).
    """
    words = (post.text or "")[:_LONGEST_TEXT].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{words} https://t.co/sim".lstrip() if post.kind.native or not words else words


def media_keys(post: SimPost) -> list[str]:
    """Return the keys of the attachments of a post."""
    if not post.kind.native:
        return []
    number = post.platform_post_id
    return [f"{_PREFIX[kind]}_{number}{place}" for place, kind in enumerate(post.native) if kind != "urls"]


def media(call: Call, post: SimPost) -> list[dict[str, Any]]:
    """Return the attachments of a post; a video has its views."""
    found: list[dict[str, Any]] = []
    requested = call.requested.media
    for key, kind in zip(media_keys(post), post.native, strict=False):
        one: dict[str, Any] = {"media_key": key, "type": kind}
        if "url" in requested and kind == "photo":
            one["url"] = picture_url(call.base_url, key)
        if "preview_image_url" in requested and kind != "photo":
            one["preview_image_url"] = picture_url(call.base_url, key)
        if kind == "video":
            views = truth.post_value(call.state.world, post, "view_count", call.now)
            if "public_metrics" in requested:
                one["public_metrics"] = {"view_count": views}
            if private.is_told(post, call.account, call.now):
                one |= private.playback(views, requested)
            if "duration_ms" in requested:
                one["duration_ms"] = 46_947
        found.append(one)
    return found
