"""TikTok: accounts and their public videos, through the Display API and the organic API for Business.

Facts: docs/platform-facts.md#tiktok.
"""

import re
from typing import Any

from metrics.platforms.facts import ON_ACCOUNTS, Api, Colours, Ids, Offer, PlatformFacts, PublicFacts
from metrics.platforms.ids import Refuse, handles, refuse_address, shown
from metrics.platforms.login import Address, Login, OwnedAccount, Question
from metrics.platforms.terms import ERASED, PublicTerms, Term

_OPEN_ID = re.compile(r"[A-Za-z0-9_-]{8,128}")

_SECOND_GRANT = "Only accounts with a second grant, for the API for Business, have it."
_PAID = "Organic and paid plays together. `views` counts by another definition, so the two never form one series."
_ENDS = "It ends once nobody has watched the video for seven days; the last value stays."


def _of_days(field: str, note: str = "") -> Offer:
    """Return the offer of an amount of a UTC day."""
    return Offer(field, ON_ACCOUNTS, note=f"{note} {_SECOND_GRANT}".strip(), further=True)


def _open_id(text: str, refuse: Refuse) -> str:
    refuse_address(text, refuse)
    if text.startswith("@"):
        refuse(f"{shown(text)} is a username")
    if not _OPEN_ID.fullmatch(text):
        refuse(f"{shown(text)} is not the `open_id` of an account")
    return text


def _user(body: Any) -> list[OwnedAccount]:
    """Return the account of an answer of `user/info`."""
    user = body["data"]["user"]
    return [OwnedAccount(str(user["open_id"]), user.get("username") or user.get("display_name"))]


def _business_user(body: Any) -> list[OwnedAccount]:
    """Return the account of an answer of `business/get`; its id is that of the token, and so not in the answer."""
    return [OwnedAccount("", str(body["data"]["username"]))]


_USER = Address("tiktok", "/v2/user/info/")
_LOGIN = Login(
    authorize=Address("tiktok_login", "/v2/auth/authorize/"),
    token=Address("tiktok", "/v2/oauth/token/"),
    scopes=("user.info.basic", "user.info.stats", "video.list"),
    # The username needs a scope of its own; without it, the account is shown by its display name.
    optional_scopes=("user.info.profile",),
    owned=Question(_USER, _user, {"fields": "open_id,display_name"}),
    named_with=("user.info.profile", Question(_USER, _user, {"fields": "open_id,display_name,username"})),
    steps="Log in to TikTok with the account that you want to connect.",
    separator=",",
    id_parameter="client_key",
    keeps_scope=True,
    refresh_works_once=True,
)


def _is_refused(body: Any) -> bool:
    """Tell whether an answer of the API for Business is an error: it has the status 200, and some codes are text."""
    return isinstance(body, dict) and str(body.get("code")) != "0"


_BUSINESS = "/open_api/v1.3"
_SECOND_LOGIN = Login(
    authorize=Address("tiktok_login", "/v2/auth/authorize/"),
    token=Address("tiktok_business", f"{_BUSINESS}/tt_user/oauth2/token/"),
    scopes=("user.info.basic", "user.info.username", "user.insights", "video.list", "video.insights"),
    owned=Question(
        Address("tiktok_business", f"{_BUSINESS}/business/get/"),
        _business_user,
        {"business_id": "{open_id}", "fields": '["username"]'},
        carried_by="Access-Token",
        refused=_is_refused,
    ),
    steps="Log in to TikTok with the account that is connected already.",
    separator=",",
    id_parameter="client_key",
    json_code="auth_code",
    refused=_is_refused,
    unwrap=lambda body: body["data"],
    refresh_works_once=True,
)
"""The grant for the organic API for Business: another app, which knows the account by another `open_id`."""

TIKTOK = PlatformFacts(
    name="tiktok",
    title="TikTok",
    api_title="TikTok's API",
    apis={
        "tiktok": Api("https://open.tiktokapis.com", "Base URL of TikTok's Display API."),
        "tiktok_login": Api("https://www.tiktok.com", "Base URL of TikTok's page of consent.", shares_paths=True),
        "tiktok_business": Api("https://business-api.tiktok.com", "Base URL of TikTok's API for Business."),
    },
    kinds={"post": ("video",)},
    rate_basis="views",
    day_zone="UTC",
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
        "accountViews": _of_days("video_views", _PAID),
        "reach": _of_days("unique_video_views", "People who watched a video of the account."),
        "accountsEngaged": _of_days("engaged_audience"),
        "accountLikes": _of_days("likes"),
        "accountComments": _of_days("comments"),
        "accountShares": _of_days("shares"),
        "profileViews": _of_days("profile_views"),
        "websiteClicks": _of_days("bio_link_clicks"),
        "newFollowers": _of_days("daily_new_followers"),
        "lostFollowers": _of_days("daily_lost_followers"),
    },
    posts={
        "likes": "like_count",
        "comments": "comment_count",
        "shares": "share_count",
        "views": "view_count",
        "saves": Offer("favorites", note=_SECOND_GRANT, further=True),
        "videoViews": Offer("video_views", note=f"{_PAID} {_SECOND_GRANT}", further=True),
        "reach": Offer("reach", note=f"{_ENDS} {_SECOND_GRANT}", further=True),
        "watchTime": Offer("total_time_watched", note=f"{_ENDS} {_SECOND_GRANT}", further=True),
        "follows": Offer("new_followers", note=_SECOND_GRANT, further=True),
        "profileVisits": Offer("profile_views", note=_SECOND_GRANT, further=True),
    },
    public=PublicFacts(
        Ids("give the username, as acme.official", handles(r"[a-z0-9_.]{2,24}")),
        PublicTerms(
            allowed=False,
            days=None,
            derived_allowed=True,
            rule="The API that shows accounts of others is closed to commercial products.",
            derived_rule="They are not named; numbers that a person enters do not come from the API.",
            deletion="Data is deleted on request, and when the access ends.",
            source="*Research API*; *one report*",
        ),
        by_id=False,
        no_route="TikTok has no lawful route to numbers of other accounts: its Research API is closed to commercial "
        "products.",
    ),
    calls_per_minute=600,
    login=_LOGIN,
    second_login=_SECOND_LOGIN,
)
