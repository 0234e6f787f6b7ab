"""Profiles and posts in the form of the AppView."""

import hashlib
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from simulator import truth
from simulator.bluesky.call import Call
from simulator.bluesky.world import COUNTERS, LONGEST_TEXT, POSTS, created_at, handle_of
from simulator.pictures import picture_url
from simulator.world import SimAccount, SimPost, display_name

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


def stamp(instant: datetime) -> str:
    """Return an instant as the AppView writes it, `2026-01-15T10:00:00.000Z`."""
    return instant.isoformat(timespec="milliseconds")[:23] + "Z"


@lru_cache(maxsize=65_536)
def cid(text: str) -> str:
    """Return a content id that is well formed, and the same for the same text."""
    return "bafyrei" + "".join(_BASE32[byte % 32] for byte in hashlib.sha512(text.encode()).digest()[:52])


def basic(call: Call, account: SimAccount) -> dict[str, Any]:
    """Return the short form of a profile, as authors have it; it is made once per call."""
    if account.index not in call.authors:
        call.authors[account.index] = _basic(call, account)
    return call.authors[account.index]


def _basic(call: Call, account: SimAccount) -> dict[str, Any]:
    handle = call.state.handle(account, call.aim)
    return {
        "did": account.platform_account_id,
        "handle": handle_of(handle),
        "displayName": display_name(account.handle),
        "avatar": f"https://cdn.bsky.app/img/avatar/plain/{account.platform_account_id}/{cid(account.handle)}",
        "labels": [],
        "createdAt": "2023-07-01T08:00:00.000Z",
    }


def profile(call: Call, account: SimAccount) -> dict[str, Any]:
    """Return the whole form of a profile, with its counts."""
    return {
        **basic(call, account),
        "associated": {"activitySubscription": {"allowSubscriptions": "followers"}, "feedgens": 0, "labeler": False,
                       "lists": 0, "starterPacks": 0},
        "description": "Simulated.",
        "indexedAt": "2023-07-01T08:00:00.000Z",
        **truth.account_values(call.state.world, account, call.now),
    }  # fmt: skip


def post(call: Call, found: SimPost) -> dict[str, Any]:
    """Return a post: its record, what it embeds, and its counts."""
    world, key = call.state.world, (found.number, call.base_url)
    fixed: dict[str, Any] | None = world.remembered(key)
    if fixed is None:
        fixed = _fixed(call, found)
        world.remember(key, fixed)
    author = basic(call, world.account("bluesky", found.account_index))
    return {**fixed, "author": author, **truth.post_values(world, found, COUNTERS, call.now)}


def _fixed(call: Call, found: SimPost) -> dict[str, Any]:
    """Return the fields of a post that do not change."""
    record: dict[str, Any] = {
        "$type": POSTS, "createdAt": stamp(created_at(found)), "langs": ["en"],
        "text": (found.text or "")[:LONGEST_TEXT],
    }  # fmt: skip
    embed = _embed(call, found)
    return {
        "uri": found.platform_post_id,
        "cid": cid(found.platform_post_id),
        "record": record,
        "indexedAt": stamp(found.published_at),
        "labels": [],
        **({} if embed is None else {"embed": embed}),
    }


def repost(call: Call, account: SimAccount, original: SimPost, at: datetime) -> dict[str, Any]:
    """Return the feed item of a post that an account reposted."""
    uri = f"at://{account.platform_account_id}/app.bsky.feed.repost/{original.platform_post_id.rpartition('/')[2]}"
    reason = {
        "$type": "app.bsky.feed.defs#reasonRepost", "by": basic(call, account), "uri": uri, "cid": cid(uri),
        "indexedAt": stamp(at),
    }  # fmt: skip
    return {"post": post(call, original), "reason": reason}


def _embed(call: Call, found: SimPost) -> dict[str, Any] | None:
    kinds = found.native
    if not kinds:
        return None
    if kinds == ("record", "image"):
        return {
            "$type": "app.bsky.embed.recordWithMedia#view", "record": {"record": _quoted(found)},
            "media": _images(call, found, 1),
        }  # fmt: skip
    if kinds[0] == "record":
        return {"$type": "app.bsky.embed.record#view", "record": _quoted(found)}
    if kinds[0] == "external":
        link = {
            "uri": "https://example.org/", "title": "Simulated", "description": "A page.",
            "thumb": _picture(call, found),
        }  # fmt: skip
        return {"$type": "app.bsky.embed.external#view", "external": link}
    if kinds[0] == "video":
        place = f"https://video.bsky.app/watch/{found.account_index}/{cid(found.platform_post_id)}"
        video = {
            "cid": cid(found.platform_post_id), "playlist": f"{place}/playlist.m3u8", "thumbnail": _picture(call, found)
        }  # fmt: skip
        return {"$type": "app.bsky.embed.video#view", **video}
    return _images(call, found, len(kinds))


def _images(call: Call, found: SimPost, count: int) -> dict[str, Any]:
    pictures = [_picture(call, found, n) for n in range(count)]
    images = [{"thumb": url, "fullsize": url, "alt": ""} for url in pictures]
    return {"$type": "app.bsky.embed.images#view", "images": images}


def _picture(call: Call, found: SimPost, number: int = 0) -> str:
    """Return the URL of one of a post's pictures; like those of the real servers, it does not expire."""
    return picture_url(call.base_url, f"{cid(found.platform_post_id)}-{number}")


def _quoted(found: SimPost) -> dict[str, Any]:
    """Return a quoted post that is no longer there: the view of any other would need a whole post."""
    return {
        "$type": "app.bsky.embed.record#viewNotFound",
        "uri": f"{found.platform_post_id}quoted"[:120],
        "notFound": True,
    }


REPOSTED_AFTER = timedelta(minutes=30)
