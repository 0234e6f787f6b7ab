"""Facebook: pages, with their posts and reels."""

from datetime import date
from typing import Any

from metrics.documents import MetricType
from metrics.platforms.facts import (
    META_CONTENT,
    ON_ACCOUNTS,
    Api,
    Colours,
    Ids,
    Offer,
    PlatformFacts,
    PublicFacts,
    PublicNumbers,
)
from metrics.platforms.ids import Refuse, handles, number
from metrics.platforms.login import Address, Login, LongLived, OwnedAccount, Question
from metrics.platforms.permissions import Permission, TokenPermissions, of_me_permissions
from metrics.platforms.terms import META, META_PUBLIC

_VIEWS = date(2025, 11, 15)
_VIEWERS = date(2026, 6, 15)


def _post_id(text: str, refuse: Refuse) -> str:
    if text.count("_") != 1:
        return number(text, refuse)
    page, _, post = text.partition("_")
    return f"{number(page, refuse)}_{number(post, refuse)}"


def _check_announced(post_id: str, metric_type: MetricType, refuse: Refuse) -> None:
    """Refuse an id that may not be the post's own, because photos and videos of a post have ids of their own."""
    if metric_type == "reel" and "_" in post_id:
        refuse("the id of a reel is the number of its video alone")
    if metric_type != "reel" and "_" not in post_id:
        refuse(
            "this may be the id of a photo or a video: send the `post_id` that Facebook returned at "
            "publishing, as in 100000000000001_122100000000000001; announce a reel with metricType reel"
        )


API_VERSION = "v25.0"
"""The version of the Graph API that is called."""


def _pages(body: Any) -> list[OwnedAccount]:
    """Return the Pages of an answer of `me/accounts`, each with its own token."""
    return [
        OwnedAccount(str(page["id"]), page.get("username") or page.get("name"), str(page["access_token"]))
        for page in body["data"]
        if page.get("access_token")
    ]


def _next_pages(body: Any) -> dict[str, str] | None:
    """Return the parameters of the next page of `me/accounts`; the last page has no `next`."""
    paging = body.get("paging") or {}
    return {"after": str(paging["cursors"]["after"])} if paging.get("next") else None


_GRANTED = Question(Address("facebook", f"/{API_VERSION}/me/permissions"), of_me_permissions)

_LOGIN = Login(
    authorize=Address("facebook_login", f"/{API_VERSION}/dialog/oauth"),
    token=Address("facebook", f"/{API_VERSION}/oauth/access_token"),
    scopes=("pages_show_list", "pages_read_engagement", "read_insights"),
    optional_scopes=("pages_read_user_content",),
    owned=Question(
        Address("facebook", f"/{API_VERSION}/me/accounts"),
        _pages,
        {"fields": "id,name,username,access_token", "limit": "100"},
        following=_next_pages,
    ),
    steps="Log in as a person with a role on the Page, and choose the Page in Facebook's dialog.",
    separator=",",
    granted=_GRANTED,
    # The token of a Page does not expire by time only if it comes from a long-lived token of the person.
    long_lived=LongLived(
        Address("facebook", f"/{API_VERSION}/oauth/access_token"),
        "fb_exchange_token",
        "fb_exchange_token",
        with_client_id=True,
    ),
    keeps_app=False,
)

FACEBOOK = PlatformFacts(
    name="facebook",
    title="Facebook",
    api_title="Facebook's Graph API for Pages",
    apis={
        "facebook": Api("https://graph.facebook.com", "Base URL of Facebook's Graph API."),
        "facebook_login": Api("https://www.facebook.com", "Base URL of Facebook's page of consent.", shares_paths=True),
    },
    kinds={"post": ("image", "video", "carousel", "text", "link", "other"), "reel": ("video", "other")},
    rate_basis="views",
    day_zone="America/Los_Angeles",
    content=META_CONTENT,
    terms=META,
    colours=Colours("#0072b2", "#4fa9ea"),
    public_numbers=PublicNumbers(
        accounts=("followers",),
        posts=("likes", "comments", "shares"),
        differs={
            "likes": Offer("reactions", ("post",)),
            "comments": Offer("comments", ("post",)),
        },
        by_app="Token of a system user of an app with Page Public Content Access, with which pages of others are "
        "read. Unset: they are not read.",
        lists_all=False,
        notes=(
            "Facebook lists a selection of the posts, ranked by itself: how many were published is unknown.",
            "Engagement is that of the listed posts.",
            "Reels are not shown.",
        ),
    ),
    account_ids=Ids("give the number of the page, as 100000000000001 (`id` in `GET /me/accounts`)"),
    post_ids=Ids(
        "give page and post, as 100000000000001_122100000000000001 (the `post_id` that the publishing call returned), "
        "or the number of a reel's video",
        _post_id,
    ),
    accounts={
        "followers": "followers_count",
        "reach": Offer("page_total_media_view_unique", ON_ACCOUNTS, since=_VIEWERS),
        "accountViews": Offer("page_media_view", ON_ACCOUNTS, since=_VIEWS),
        "accountInteractions": "page_post_engagements",
        "profileViews": "page_views_total",
        "newFollowers": "page_daily_follows",
    },
    posts={
        "likes": Offer("reactions", ("post", "reel")),
        "comments": Offer("comments", ("post", "reel")),
        "shares": Offer("shares", ("post",)),
        "views": Offer("post_media_view", ("post",), since=_VIEWERS),
        "reach": Offer("post_total_media_view_unique", ("post",), since=_VIEWERS),
        "videoViews": Offer("blue_reels_play_count", ("reel",)),
        "clicks": Offer("post_clicks", ("post",)),
    },
    public=PublicFacts(
        Ids("give the name in the address of the page, as acme.official, or its number", handles(r"[a-z0-9.]{5,50}")),
        META_PUBLIC,
    ),
    check_announced=_check_announced,
    login=_LOGIN,
    token_permissions=TokenPermissions(
        _GRANTED,
        (
            Permission(("pages_read_engagement",), "the followers of the Page, and its posts"),
            Permission(("read_insights",), "views, reach and the other insights of posts, and the numbers of days"),
            Permission(
                ("pages_read_user_content",), "what visitors wrote, such as the number of comments", needed=False
            ),
        ),
    ),
)
