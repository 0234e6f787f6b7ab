"""Instagram: professional accounts, through Facebook Login or Instagram Login."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from metrics.platforms.facts import (
    META_CONTENT,
    ON_ACCOUNTS,
    ON_POSTS,
    Api,
    Colours,
    Ids,
    Offer,
    PlatformFacts,
    PublicFacts,
    PublicNumbers,
)
from metrics.platforms.ids import handles
from metrics.platforms.login import Address, Login, LongLived, OwnedAccount, Question, split_scopes
from metrics.platforms.permissions import Permission, TokenPermissions, of_me_permissions
from metrics.platforms.terms import META, META_PUBLIC

_VIEWS = date(2025, 4, 21)

API_VERSION = "v25.0"
"""The version of the Graph API that is called, at both hosts."""


def _unwrap(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the token's answer: the documentation shows it in a list `data`, apps also receive it as it is."""
    found: Mapping[str, Any] = body["data"][0] if "data" in body else body
    return found


def _told_scopes(answer: Mapping[str, Any]) -> frozenset[str] | None:
    return split_scopes(answer["permissions"]) if "permissions" in answer else None


def _account(body: Any) -> list[OwnedAccount]:
    """Return the account of an answer of `me`, by `user_id`: `id` is specific to the app."""
    return [OwnedAccount(str(body["user_id"]), body.get("username"))]


def _by_facebook_login(credentials: Mapping[str, object]) -> bool:
    """Tell whether a token is one of Facebook Login; the host of Instagram Login tells no permissions."""
    return credentials.get("login") != "instagram"


_LOGIN = Login(
    authorize=Address("instagram_consent", "/oauth/authorize"),
    token=Address("instagram_token", "/oauth/access_token"),
    scopes=("instagram_business_basic", "instagram_business_manage_insights"),
    owned=Question(Address("instagram_login", f"/{API_VERSION}/me"), _account, {"fields": "user_id,username"}),
    steps="Make the account a professional one (Business or Creator) in Instagram's app.",
    separator=",",
    unwrap=_unwrap,
    told_scopes=_told_scopes,
    long_lived=LongLived(Address("instagram_login", "/access_token"), "ig_exchange_token", "access_token"),
    credentials={"login": "instagram"},
    keeps_app=False,
)

INSTAGRAM = PlatformFacts(
    name="instagram",
    title="Instagram",
    api_title="Instagram's Graph API",
    apis={
        "instagram": Api("https://graph.facebook.com", "Base URL of Instagram's Graph API."),
        "instagram_login": Api(
            "https://graph.instagram.com",
            "Base URL of the same API for accounts with Instagram Login.",
            shares_paths=True,
        ),
        "instagram_token": Api(
            "https://api.instagram.com", "Base URL at which Instagram Login issues tokens.", shares_paths=True
        ),
        "instagram_consent": Api(
            "https://www.instagram.com",
            "Base URL of Instagram Login's page of consent.",
            shares_paths=True,
        ),
    },
    kinds={
        "post": ("image", "video", "carousel", "other"),
        "story": ("image", "video", "other"),
        "reel": ("video", "other"),
    },
    rate_basis="views",
    day_zone="America/Los_Angeles",
    content=META_CONTENT,
    terms=META,
    colours=Colours("#c2528f", "#e68cc0"),
    public_numbers=PublicNumbers(
        notes=(
            "Views are those of reels alone, and views that were paid for are included.",
            "A post whose likes are hidden is in no engagement and in no number per post.",
        ),
        accounts=("followers", "posts"),
        posts=("likes", "comments", "views"),
        differs={
            "views": Offer("view_count", ("reel",), note="Views of advertisements are included; only reels have it.")
        },
        hidden=("likes",),
        lends=True,
        # The platform's limit of 200 calls per user and hour counts here, and not the one of the account's insights.
        lender_calls_per_day=4_800,
    ),
    account_ids=Ids(
        "give the number of the professional account, as 17841400000000001 (`instagram_business_account` of "
        "its Facebook page, or `user_id` of `GET /me` with Instagram Login)"
    ),
    post_ids=Ids("give the number of the media, as 17912345678901234 (the `id` that the publishing call returned)"),
    accounts={
        "followers": "followers_count",
        "following": "follows_count",
        "posts": "media_count",
        "reach": "reach",
        "weeklyReach": "reach",
        "accountViews": Offer("views", ON_ACCOUNTS, since=_VIEWS),
        "accountInteractions": "total_interactions",
        "accountsEngaged": "accounts_engaged",
        "profileViews": "profile_views",
        "websiteClicks": "website_clicks",
        "newFollowers": "follower_count",
    },
    posts={
        "likes": Offer("like_count", ("post", "reel")),
        "comments": Offer("comments_count", ("post", "reel")),
        "shares": Offer("shares", without=("video",)),
        "saves": Offer("saved", ("post", "reel")),
        "views": Offer("views", ON_POSTS, ("video",), _VIEWS),
        "reach": "reach",
        "interactions": Offer("total_interactions", ON_POSTS, ("video",)),
        "follows": Offer("follows", ("post", "story"), ("video",)),
        "profileVisits": Offer("profile_visits", ("post", "story"), ("video",)),
        "replies": Offer("replies", ("story",)),
        "navigation": Offer("navigation", ("story",)),
        "watchTime": Offer("ig_reels_video_view_total_time", ("reel",)),
    },
    public=PublicFacts(
        Ids("give the username, as acme.official", handles(r"[a-z0-9._]{1,30}")), META_PUBLIC, by_id=False
    ),
    login=_LOGIN,
    token_permissions=TokenPermissions(
        Question(Address("instagram", f"/{API_VERSION}/me/permissions"), of_me_permissions),
        (
            Permission(("instagram_basic",), "the account and its posts"),
            Permission(("instagram_manage_insights",), "views, reach and the other insights, and the numbers of days"),
        ),
        tells=_by_facebook_login,
    ),
)
