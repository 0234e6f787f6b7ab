"""TikTok: accounts and their public videos, through the Display API (docs/platform-facts.md#tiktok)."""

import re

from metrics.platforms.facts import ON_ACCOUNTS, Api, Colours, Ids, Offer, PlatformFacts
from metrics.platforms.ids import Refuse, shown
from metrics.platforms.terms import ERASED, Term

_OPEN_ID = re.compile(r"[A-Za-z0-9_-]{8,128}")


def _open_id(text: str, refuse: Refuse) -> str:
    if "://" in text or text.lower().startswith("www."):
        refuse("it is a web address")
    if text.startswith("@"):
        refuse(f"{shown(text)} is a username")
    if not _OPEN_ID.fullmatch(text):
        refuse(f"{shown(text)} is not the `open_id` of an account")
    return text


TIKTOK = PlatformFacts(
    name="tiktok",
    title="TikTok",
    api_title="TikTok's API",
    apis={"tiktok": Api("https://open.tiktokapis.com", "Base URL of TikTok's Display API.")},
    kinds={"post": ("video",)},
    rate_basis="views",
    terms=(
        Term(
            "data of accounts and videos",
            "It is deleted on request, and when the access ends. Personal data is kept no longer than needed. No time "
            "is named.",
            "A video that TikTok no longer returns loses its content; its numbers stay. " + ERASED,
            "*one report*",
        ),
        Term(
            "covers of videos",
            "Their URLs end after six hours and are not to be kept.",
            "They are not requested.",
            "*Video object*",
        ),
    ),
    colours=Colours("#0f7c8c", "#3fd5e0"),
    account_ids=Ids(
        "give the `open_id` of the account, as -000QqNEFOGEvVa1pTKnLNiQvLbnPtuyDKW7 "
        "(in the answer with the token, or in `GET /v2/user/info/?fields=open_id`)",
        _open_id,
    ),
    post_ids=Ids("give the number of the video, as 7500000000000000001 (`id` in `POST /v2/video/list/`)"),
    accounts={
        "followers": "follower_count",
        "following": "following_count",
        "posts": Offer("video_count", ON_ACCOUNTS, note="Public videos only."),
        "likesReceived": "likes_count",
    },
    posts={
        "likes": "like_count",
        "comments": "comment_count",
        "shares": "share_count",
        "views": "view_count",
    },
    calls_per_minute=600,
)
