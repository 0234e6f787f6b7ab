"""Entries of the list of a channel's uploads: `GET /youtube/v3/playlistItems`.

The list contains private and deleted videos too, and on some channels it lags behind. Only the owner sees the private
ones.
"""

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from metrics.clock import isoformat
from simulator.chance import unit
from simulator.world import EPOCH, SimAccount, SimPost, account_seed, display_name
from simulator.youtube.call import Call, only_filter, parts_of, thumbnails, title_of
from simulator.youtube.channels import is_slow_list
from simulator.youtube.ids import PRIVATE, uploads_id, video_id
from simulator.youtube.paging import page
from simulator.youtube.problem import Problem

KIND = "youtube#playlistItemListResponse"
PARAMETERS = ("part", "id", "playlistId", "maxResults", "pageToken", "videoId", "onBehalfOfContentOwner")
PARTS = ("id", "snippet", "contentDetails", "status")
LAG = timedelta(minutes=3)
DELETED_STAY = timedelta(days=2)
"""How long a deleted video stays in the list."""
HISTORY = timedelta(days=400)
_PRIVATE_DAYS = 0.04

Entry = tuple[str, datetime, SimPost | None, str]
"""Id of the video, time at which it was added, the video if it is public, and its state."""


def playlist_items(call: Call) -> dict[str, Any]:
    """Answer a call.

    Raises:
        Problem: a parameter is wrong, or there is no such list.
    """
    parts, which = parts_of(call, PARTS), only_filter(call, "id", "playlistId")
    name = call.text(which) or ""
    account = call.state.world.find("youtube", f"UC{name[2:]}") if name.startswith("UU") else None
    if account is None or which == "id" or call.state.fate(account, call.aim) is not None:
        message = "The playlist identified with the request's <code>playlistId</code> parameter cannot be found."
        raise Problem(
            404, "playlistNotFound", message, "youtube.playlistItem", location="playlistId", locationType="parameter"
        )
    entries = list(_entries(call, account))
    if (wanted := call.text("videoId")) is not None:
        entries = [entry for entry in entries if entry[0] == wanted]
    body = page(call, KIND, name, entries)
    first = entries.index(body["items"][0]) if body["items"] else 0
    body["items"] = [_item(call, account, one, parts, first + n) for n, one in enumerate(body["items"])]
    return body


def _entries(call: Call, account: SimAccount) -> Iterator[Entry]:
    """Yield the entries, newest first."""
    lag = LAG if is_slow_list(call, account) else timedelta()
    own = call.account is not None and call.account.index == account.index
    private = _private(call, account) if own else []
    hides = call.aim.hides_in_lists if call.state.faults.active else None
    for post in call.state.world.newest(account, call.now - HISTORY, call.now):
        while private and private[0][1] > post.published_at:
            yield private.pop(0)
        if post.published_at + lag > call.now or (hides is not None and hides(post.platform_post_id)):
            continue
        if post.deleted_at is None or post.deleted_at > call.now:
            yield post.platform_post_id, post.published_at, post, "public"
        elif post.deleted_at + DELETED_STAY > call.now:
            yield post.platform_post_id, post.published_at, None, "privacyStatusUnspecified"
    yield from private


def _private(call: Call, account: SimAccount) -> list[Entry]:
    """Return the private videos of a channel, newest first."""
    last = (call.now - EPOCH).days
    days = _private_days(account_seed(call.state.world, account), last)
    noon = timedelta(hours=12)
    return [
        (video_id(account.index, day, PRIVATE), EPOCH + timedelta(days=day) + noon, None, "private") for day in days
    ]


@lru_cache(maxsize=4096)
def _private_days(seed: tuple[int, int], last: int) -> tuple[int, ...]:
    """Return the days with a private video, of the last ones before a day, newest first."""
    days = range(last - 1, max(last - HISTORY.days, 0), -1)
    return tuple(day for day in days if unit(*seed, day, 531) < _PRIVATE_DAYS)


def _item(call: Call, account: SimAccount, entry: Entry, parts: list[str], position: int) -> dict[str, Any]:
    name, _, post, state = entry
    playlist = uploads_id(account.platform_account_id)
    own_id = base64.urlsafe_b64encode(f"{playlist}.{name}".encode()).decode().rstrip("=")
    found: dict[str, Any] = {"kind": "youtube#playlistItem", "id": own_id}
    if "snippet" in parts:
        found["snippet"] = _snippet(call, account, entry, playlist, position)
    if "contentDetails" in parts:
        found["contentDetails"] = {"videoId": name}
        if post is not None:
            found["contentDetails"]["videoPublishedAt"] = isoformat(post.published_at)
    if "status" in parts:
        found["status"] = {"privacyStatus": state}
    return found


def _snippet(call: Call, account: SimAccount, entry: Entry, playlist: str, position: int) -> dict[str, Any]:
    name, added, post, state = entry
    title = title_of(post) if post is not None else "Private video" if state == "private" else "Deleted video"
    owner = display_name(call.state.handle(account, call.aim))
    return {
        "publishedAt": isoformat(added + timedelta(seconds=40)),
        "channelId": account.platform_account_id,
        "title": title,
        "description": "" if post is not None else f"This video is {title.split()[0].lower()}.",
        "thumbnails": thumbnails(call, name, large=True) if post is not None else {},
        "channelTitle": owner,
        "playlistId": playlist,
        "position": position,
        "resourceId": {"kind": "youtube#video", "videoId": name},
        "videoOwnerChannelTitle": owner,
        "videoOwnerChannelId": account.platform_account_id,
    }
