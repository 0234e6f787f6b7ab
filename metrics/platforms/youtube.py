"""YouTube: channels and their videos."""

import re
from datetime import date, timedelta
from typing import Any

from metrics.platforms.facts import (
    ON_ACCOUNTS,
    Api,
    Colours,
    ContentFacts,
    Ids,
    Offer,
    PlatformFacts,
    PublicFacts,
    PublicNumbers,
    Quota,
)
from metrics.platforms.ids import Refuse, handles, refuse_address, shown
from metrics.platforms.login import Address, Login, OwnedAccount, Question, split_scopes
from metrics.platforms.permissions import Permission, TokenPermissions
from metrics.platforms.terms import ERASED, PublicTerms, Term

_CHANNEL = re.compile(r"UC[A-Za-z0-9_-]{22}")
_VIDEO = re.compile(r"[A-Za-z0-9_-]{11}")

_VIEWS_CHANGED = (date(2025, 3, 31), date(2026, 8, 24))
"""Days on which YouTube changed what a view is: first for Shorts, then for all videos."""


def _channel_id(text: str, refuse: Refuse) -> str:
    refuse_address(text, refuse)
    if text.startswith("@"):
        refuse(f"{shown(text)} is a handle")
    if not _CHANNEL.fullmatch(text):
        refuse(f"{shown(text)} is not the id of a channel")
    return text


def _video_id(text: str, refuse: Refuse) -> str:
    refuse_address(text, refuse)
    if not _VIDEO.fullmatch(text):
        refuse(f"{shown(text)} is not the id of a video")
    return text


def _channels(body: Any) -> list[OwnedAccount]:
    """Return the channels of an answer of `channels`; a person without a channel has none."""
    found = []
    for item in body.get("items", []):
        snippet = item["snippet"]
        handle = snippet.get("customUrl") or snippet.get("title")
        found.append(OwnedAccount(str(item["id"]), handle.removeprefix("@") if isinstance(handle, str) else None))
    return found


def _told_scopes(body: Any) -> frozenset[str]:
    """Return the scopes of an answer of `tokeninfo`."""
    return split_scopes(body["scope"])


_SCOPES = "https://www.googleapis.com/auth/"

_LOGIN = Login(
    authorize=Address("youtube_login", "/o/oauth2/v2/auth"),
    token=Address("youtube_token", "/token"),
    scopes=(f"{_SCOPES}youtube.readonly", f"{_SCOPES}yt-analytics.readonly"),
    owned=Question(Address("youtube", "/youtube/v3/channels"), _channels, {"part": "id,snippet", "mine": "true"}),
    steps="Choose the Google account, or the brand account, that has the channel.",
    pkce=True,
    # Without both, Google gives a refresh token only at a person's first consent.
    extra={"access_type": "offline", "prompt": "consent"},
)

YOUTUBE = PlatformFacts(
    name="youtube",
    title="YouTube",
    api_title="YouTube's Data and Analytics APIs",
    apis={
        "youtube": Api("https://youtube.googleapis.com", "Base URL of the YouTube Data API."),
        "youtube_analytics": Api("https://youtubeanalytics.googleapis.com", "Base URL of the YouTube Analytics API."),
        "youtube_token": Api("https://oauth2.googleapis.com", "Base URL at which Google issues and renews tokens."),
        "youtube_login": Api("https://accounts.google.com", "Base URL of Google's page of consent.", shares_paths=True),
        "youtube_reporting": Api("https://youtubereporting.googleapis.com", "Base URL of the YouTube Reporting API."),
    },
    kinds={"post": ("video",)},
    rate_basis="views",
    day_zone="America/Los_Angeles",
    colours=Colours("#d13438", "#ff7b72"),
    public_numbers=PublicNumbers(
        accounts=("followers", "posts"),
        posts=("likes", "comments", "views"),
        hidden=("followers", "likes"),
        shared=True,
        digits={"followers": 3},
        notes=(
            "Subscribers are rounded down to three significant digits: growth of less than one step is unknown.",
            "Views from before and after a day on which YouTube changed what a view is are not mixed.",
            "A video whose likes are hidden is in no engagement and in no number per post.",
        ),
    ),
    account_ids=Ids(
        "give the id of the channel, as UC0123456789abcdefghijkl (`id` in `GET /youtube/v3/channels?mine=true`)",
        _channel_id,
    ),
    post_ids=Ids("give the id of the video, as 0123456789a (the `id` that the upload returned)", _video_id),
    accounts={
        "followers": Offer(
            "subscriberCount",
            ON_ACCOUNTS,
            note="YouTube rounds it down to three significant digits above 1,000, for the owner too: growth of less "
            "than one step is invisible.",
        ),
        "posts": Offer("videoCount", ON_ACCOUNTS, note="Public videos only."),
        "accountViews": Offer("views", ON_ACCOUNTS, changed=_VIEWS_CHANGED),
        "accountEngagedViews": "engagedViews",
        "accountWatchTime": "estimatedMinutesWatched",
        "accountThumbnailImpressions": Offer(
            "video_thumbnail_impressions",
            ON_ACCOUNTS,
            note="It comes in files, which begin thirty days before the account was connected. A day comes one to two "
            "days after its end, and a newer file replaces it.",
        ),
        "accountLikes": "likes",
        "accountComments": "comments",
        "accountShares": "shares",
        "newFollowers": "subscribersGained",
        "lostFollowers": "subscribersLost",
    },
    posts={
        "likes": "likeCount",
        "comments": "commentCount",
        "views": Offer("viewCount", changed=_VIEWS_CHANGED),
    },
    public=PublicFacts(
        Ids(
            "give the handle, as @acme, or the id of the channel, as UC0123456789abcdefghijkl",
            handles(r"[\w.·-]{3,30}"),
        ),
        PublicTerms(
            allowed=True,
            days=30,
            derived_allowed=False,
            rule="They are refreshed or deleted within 30 days, statistics too.",
            derived_rule="Metrics that are derived from them, and sums over channels of several owners, need a consent "
            "of the platform.",
            deletion="What users ask to delete is deleted within seven days.",
            source="*Developer Policies*, III.E.4",
        ),
    ),
    quotas={
        "general": Quota(10_000, "Calls of the YouTube Data API that have no quota of their own"),
        "stats": Quota(10_000, "Calls of `videos:batchGetStats`"),
        "search": Quota(100, "Calls of `search`"),
        "reporting": Quota(20_000, "Calls of the YouTube Reporting API"),
    },
    quota_zone="America/Los_Angeles",
    takes_api_key=True,
    derived_needs_consent=True,
    terms=(
        Term(
            "statistics of channels that gave a token",
            "They may be kept longer than 30 days if it is checked every 30 days that the grant still stands.",
            "The owner of a token is checked every seven days; a channel whose grant ended is not collected any more.",
            "*Developer Policies*, III.E.4",
        ),
        Term(
            "data of channels whose grant ended",
            "Without a grant, nothing may be kept for more than 30 days.",
            "30 days after a channel was disconnected, or after YouTube first denied it to its token, its numbers, "
            "rollups, posts, events and rows of exports are deleted; `GET …/accounts` says so in `stateReason`. The "
            "account stays, and can be connected again. A channel that is paused is not checked: end its pause within "
            "30 days, or disconnect it.",
            "*Developer Policies*, III.E.4",
            kept_after_grant=timedelta(days=30),
        ),
        Term(
            "data of channels without a token",
            "It is refreshed or deleted within 30 days, statistics too.",
            "A channel that is connected without a token is read with the API key of the app. Each night, its numbers, "
            "rollups and posts of more than 30 days ago are deleted; older periods have the reason `terms`. It is in "
            "no Parquet file. `GET …/accounts` has its `keptDays`.",
            "*Developer Policies*, III.E.4",
        ),
        Term(
            "what users ask to delete",
            "It is deleted within seven days.",
            ERASED,
            "*one report*",
        ),
    ),
    login=_LOGIN,
    token_permissions=TokenPermissions(
        Question(Address("youtube_token", "/tokeninfo"), _told_scopes, {"access_token": "{token}"}),
        (
            Permission(
                tuple(f"{_SCOPES}{name}" for name in ("youtube.readonly", "youtube", "youtube.force-ssl")),
                "the channel and its videos",
            ),
            Permission(
                tuple(f"{_SCOPES}{name}" for name in ("yt-analytics.readonly", "yt-analytics-monetary.readonly")),
                "the numbers of days, and those that only reports have",
            ),
        ),
    ),
    content=ContentFacts(unseen=timedelta(days=30), picture_servers=("https://i.ytimg.com",)),
)
