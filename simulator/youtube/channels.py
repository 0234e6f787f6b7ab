"""Channels: `GET /youtube/v3/channels`."""

from collections.abc import Callable
from typing import Any

from simulator import truth
from simulator.chance import unit
from simulator.world import EPOCH, SimAccount, account_seed, display_name
from simulator.youtube.call import Call, ids_of, max_results, only_filter, parts_of, thumbnails
from simulator.youtube.ids import uploads_id
from simulator.youtube.problem import Problem

KIND = "youtube#channelListResponse"
PARAMETERS = ("part", "id", "mine", "forHandle", "forUsername", "maxResults", "pageToken", "hl")
PARTS = ("id", "snippet", "statistics", "contentDetails", "status", "brandingSettings", "topicDetails", "localizations")


def channels(call: Call) -> dict[str, Any]:
    """Answer a call: unknown channels are left out, and with them the field `items` if none is left.

    Raises:
        Problem: a parameter is wrong, or the token is of a channel that is suspended or closed.
    """
    parts, size = parts_of(call, PARTS), max_results(call)
    chosen = _chosen(call)
    found = [_channel(call, account, parts) for account in chosen[:size]]
    body: dict[str, Any] = {"kind": KIND, "pageInfo": {"totalResults": len(chosen), "resultsPerPage": size}}
    return {**body, "items": found} if found else body


def _chosen(call: Call) -> list[SimAccount]:
    """Return the channels that a filter selects and YouTube shows."""
    which = only_filter(call, "id", "mine", "forHandle", "forUsername")
    if which == "mine":
        return [_own(call)]
    if which in ("forHandle", "forUsername"):
        handle = (call.text(which) or "").removeprefix("@")
        named = [call.state.named("youtube", handle, call.aim)]
    else:
        named = [call.state.world.find("youtube", one) for one in ids_of(call)]
    return [account for account in named if account is not None and _is_shown(call, account)]


def _is_shown(call: Call, account: SimAccount) -> bool:
    return call.state.fate(account, call.aim) is None and not call.aim.hides(account.platform_account_id)


def _own(call: Call) -> SimAccount:
    """Return the channel of the token.

    Raises:
        Problem: there is no token, or its channel is suspended or closed.
    """
    if call.account is None:
        raise Problem(401, "authorizationRequired", "The request uses the mine parameter but is not authorized.")
    fate = call.state.fate(call.account, call.aim)
    if fate is not None:
        reason = "channelSuspended" if fate == "suspended" else "channelClosed"
        raise Problem(403, reason, f"The channel is {fate}.", "youtube.channel")
    return call.account


def _channel(call: Call, account: SimAccount, parts: list[str]) -> dict[str, Any]:
    name = account.platform_account_id
    found: dict[str, Any] = {"kind": "youtube#channel", "id": name}
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "snippet": lambda: _snippet(call, account),
        "statistics": lambda: _statistics(call, account),
        "contentDetails": lambda: {"relatedPlaylists": {"likes": "", "uploads": uploads_id(name)}},
        "status": lambda: {"privacyStatus": "public", "isLinked": True, "longUploadsStatus": "longUploadsUnspecified"},
        "brandingSettings": lambda: _branding(call, account),
        "topicDetails": lambda: {"topicIds": [], "topicCategories": []},
        "localizations": dict,
    }
    return {**found, **{part: made[part]() for part in parts if part != "id"}}


def _snippet(call: Call, account: SimAccount) -> dict[str, Any]:
    handle = call.state.handle(account, call.aim)
    title = display_name(handle)
    return {
        "title": title,
        "description": "",
        "customUrl": f"@{handle}",
        "publishedAt": f"{EPOCH.year - 8 + account.index % 8}-05-{account.index % 28 + 1:02}T10:00:00Z",
        "thumbnails": thumbnails(call, account.platform_account_id),
        "localized": {"title": title, "description": ""},
        "country": "US",
    }


def _branding(call: Call, account: SimAccount) -> dict[str, Any]:
    title = display_name(call.state.handle(account, call.aim))
    texts = {"description": "", "keywords": "simulated", "country": "US"}
    other = {"trackingAnalyticsAccountId": "UA-0", "unsubscribedTrailer": ""}
    return {"channel": {"title": title, **texts, **other}, "image": {"bannerExternalUrl": "https://yt3.ggpht.com/sim"}}


def _statistics(call: Call, account: SimAccount) -> dict[str, Any]:
    world = call.state.world
    levels = {name: truth.account_value(world, account, name, call.now) for name in ("viewCount", "videoCount")}
    levels["videoCount"] -= _hidden_videos(call, account)
    return {
        "viewCount": str(levels["viewCount"]),
        "subscriberCount": str(truth.account_value(world, account, "subscriberCount", call.now)),
        "hiddenSubscriberCount": False,
        "videoCount": str(levels["videoCount"]),
    }


def _hidden_videos(call: Call, account: SimAccount) -> int:
    """Return how many videos of a channel faults hide: these are not public, and therefore not counted."""
    hidden = (fault.object for fault in call.state.faults.active if fault.kind == "partial" and fault.object)
    posts = (call.state.world.post("youtube", name) for name in hidden)
    return sum(1 for post in posts if post is not None and post.account_index == account.index)


def is_slow_list(call: Call, account: SimAccount) -> bool:
    """Tell whether the list of uploads of a channel lags behind."""
    return unit(*account_seed(call.state.world, account), 530) < 0.15
