"""Videos by id: `GET /youtube/v3/videos` and `GET /youtube/v3/videos:batchGetStats`; and `GET /youtube/v3/search`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from metrics.clock import isoformat
from simulator import truth
from simulator.chance import ONE, draw
from simulator.world import SimAccount, SimPost, display_name
from simulator.youtube.call import Call, ids_of, max_results, only_filter, parts_of, thumbnails, title_of
from simulator.youtube.paging import page
from simulator.youtube.playlists import HISTORY
from simulator.youtube.problem import invalid
from simulator.youtube.world import traits_of

PARAMETERS = ("part", "id", "chart", "myRating", "hl", "maxResults", "pageToken", "regionCode", "videoCategoryId")
STATS_PARAMETERS = ("part", "id")
SEARCH_PARAMETERS = ("part", "channelId", "type", "order", "maxResults", "pageToken", "q", "publishedAfter")
PARTS = ("id", "snippet", "statistics", "status", "contentDetails", "player", "topicDetails", "recordingDetails")
STATS_PARTS = ("id", "snippet", "statistics", "contentDetails")
_CHART_CHANNELS, _CHART_DAYS = 20, timedelta(days=7)
_SHORTEST, _LONGEST = {"short": 12, "video": 61, "live": 1800}, {"short": 180, "video": 2400, "live": 9000}


def videos(call: Call) -> dict[str, Any]:
    """Answer `videos`: ids that do not exist, or are not public, are left out.

    Raises:
        Problem: a parameter is wrong.
    """
    parts, which = parts_of(call, PARTS), only_filter(call, "id", "chart", "myRating")
    if which != "id":
        popular = _popular(call) if which == "chart" else []
        body = page(call, "youtube#videoListResponse", which, popular)
        return {**body, "items": [_video(call, post, parts) for post in body["items"]]}
    for name in ("maxResults", "pageToken"):
        if name in call.params:
            raise invalid("invalidParameter", f"The parameter {name} cannot be used with id.", name)
    found = [_video(call, post, parts) for name in ids_of(call) if (post := _shown(call, name)) is not None]
    info = {"totalResults": len(found), "resultsPerPage": len(found)}
    return {"kind": "youtube#videoListResponse", "items": found, "pageInfo": info}


def batch_get_stats(call: Call) -> dict[str, Any]:
    """Answer `videos:batchGetStats`, which names some fields differently.

    Raises:
        Problem: a parameter is wrong.
    """
    parts = parts_of(call, STATS_PARTS)
    only_filter(call, "id")
    found = [_stats(call, post, parts) for name in ids_of(call) if (post := _shown(call, name)) is not None]
    return {"kind": "youtube#batchGetStatsResponse", "items": found}


def search(call: Call) -> dict[str, Any]:
    """Answer `search` for the videos of a channel, newest first; the number of results is an estimate.

    Raises:
        Problem: a parameter is wrong.
    """
    parts_of(call, ("snippet", "id"))
    max_results(call)
    account = call.state.world.find("youtube", call.text("channelId") or "")
    posts = [] if account is None else list(call.state.world.newest(account, call.now - HISTORY, call.now))
    visible = [post for post in posts if post.visible(call.now)]
    name = call.text("channelId") or ""
    body = page(call, "youtube#searchListResponse", f"search {name}", visible, len(visible) * 31)
    found = [
        {
            "kind": "youtube#searchResult",
            "id": {"kind": "youtube#video", "videoId": post.platform_post_id},
            "snippet": {
                **{n: v for n, v in _snippet(call, post).items() if n not in ("tags", "categoryId", "localized")},
                "publishTime": isoformat(post.published_at),
            },
        }
        for post in body["items"]
    ]
    return {**body, "regionCode": "US", "items": found}


def _popular(call: Call) -> list[SimPost]:
    """Return the newest videos of some channels, in the place of the most popular ones."""
    accounts = [call.state.world.account("youtube", index) for index in range(_CHART_CHANNELS)]
    found = [
        post
        for account in accounts
        for post in call.state.world.posts(account, call.now - _CHART_DAYS, call.now)
        if post.visible(call.now)
    ]
    return sorted(found, key=lambda post: post.published_at, reverse=True)


def _shown(call: Call, name: str) -> SimPost | None:
    """Return a video that is public now."""
    post = call.state.world.post("youtube", name)
    if post is None or not post.visible(call.now) or call.aim.hides(name):
        return None
    account = call.state.world.account("youtube", post.account_index)
    return post if call.state.fate(account, call.aim) is None else None


def _video(call: Call, post: SimPost, parts: list[str]) -> dict[str, Any]:
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "snippet": lambda: _snippet(call, post),
        "statistics": lambda: statistics(call, post, owners=True),
        "status": lambda: {
            "uploadStatus": "processed", "privacyStatus": "public", "license": "youtube", "embeddable": True,
            "publicStatsViewable": True, "madeForKids": traits_of(call.state.world, post).made_for_kids,
        },
        "contentDetails": lambda: {
            "duration": _iso_duration(_seconds(call, post)), "dimension": "2d", "definition": "hd", "caption": "false",
            "licensedContent": True, "contentRating": {}, "projection": "rectangular",
        },
        "player": lambda: {
            "embedHtml": f'<iframe width="480" height="270" src="//www.youtube.com/embed/{post.platform_post_id}">'
            "</iframe>"
        },
        "topicDetails": lambda: {"topicCategories": []},
        "recordingDetails": dict,
    }  # fmt: skip
    found: dict[str, Any] = {"kind": "youtube#video", "id": post.platform_post_id}
    return {**found, **{part: made[part]() for part in parts if part != "id"}}


def _stats(call: Call, post: SimPost, parts: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": "youtube#videoStats", "id": post.platform_post_id}
    if "snippet" in parts:
        found["snippet"] = {"publishTime": isoformat(post.published_at)}
    if "contentDetails" in parts:
        found["contentDetails"] = {"duration": f"{_seconds(call, post)}s"}
    if "statistics" in parts:
        found["statistics"] = statistics(call, post, owners=False)
        found["statistics"].pop("favoriteCount")
    return found


def statistics(call: Call, post: SimPost, *, owners: bool) -> dict[str, str]:
    """Return the numbers of a video as texts; hidden likes and comments that are not allowed are left out."""
    world, traits = call.state.world, traits_of(call.state.world, post)
    own = owners and call.account is not None and call.account.index == post.account_index
    names = [
        "viewCount",
        *(() if traits.hides_likes else ("likeCount",)),
        *(("dislikeCount",) if own else ()),
        *(("commentCount",) if traits.has_comments else ()),
    ]
    found = {name: str(value) for name, value in truth.post_values(world, post, names, call.now).items()}
    return {**found, "favoriteCount": "0"}


def _snippet(call: Call, post: SimPost) -> dict[str, Any]:
    """Return the snippet of a video, which is made once for each name of its channel."""
    account = call.state.world.account("youtube", post.account_index)
    handle = call.state.handle(account, call.aim)
    key = (post.number, handle, call.base_url)
    snippet: dict[str, Any] | None = call.state.world.remembered(key)
    if snippet is None:
        snippet = _made_snippet(call, post, account, display_name(handle))
        call.state.world.remember(key, snippet)
    return snippet


def _made_snippet(call: Call, post: SimPost, account: SimAccount, channel: str) -> dict[str, Any]:
    return {
        "publishedAt": isoformat(post.published_at),
        "channelId": account.platform_account_id,
        "title": title_of(post),
        "description": "",
        "thumbnails": thumbnails(call, post.platform_post_id, large=True),
        "channelTitle": channel,
        "tags": ["simulated"],
        "categoryId": "28",
        "liveBroadcastContent": "none",
        "localized": {"title": title_of(post), "description": ""},
        "defaultLanguage": "en",
        "defaultAudioLanguage": "en",
    }


def _seconds(call: Call, post: SimPost) -> int:
    """Return the duration of a video."""
    kind = post.native[0]
    share = draw(call.state.world.seed, post.number, 52)[0] * ONE
    return int(_SHORTEST[kind] + (_LONGEST[kind] - _SHORTEST[kind]) * share)


def _iso_duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return "PT" + (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + (f"{rest}S" if rest else "")
