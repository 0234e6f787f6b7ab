"""Threads: profiles with their posts."""

from typing import Any

from metrics.platforms.facts import META_CONTENT, Api, Colours, Ids, PlatformFacts, PublicFacts, PublicNumbers
from metrics.platforms.ids import handles
from metrics.platforms.login import Address, Login, LongLived, OwnedAccount, Question, split_scopes
from metrics.platforms.permissions import Permission, TokenPermissions
from metrics.platforms.terms import META, META_PUBLIC, Term


def _profile(body: Any) -> list[OwnedAccount]:
    """Return the profile of an answer of `me`."""
    return [OwnedAccount(str(body["id"]), body.get("username"))]


def _scopes(body: Any) -> frozenset[str]:
    """Return the scopes in an answer of `debug_token`."""
    return split_scopes(body["data"]["scopes"])


_GRANTED = Question(Address("threads", "/v1.0/debug_token"), _scopes, {"input_token": "{token}"})

_LOGIN = Login(
    authorize=Address("threads_login", "/oauth/authorize"),
    token=Address("threads", "/oauth/access_token"),
    scopes=("threads_basic", "threads_manage_insights"),
    owned=Question(Address("threads", "/v1.0/me"), _profile, {"fields": "id,username"}),
    steps="Log in to Threads with the profile that you want to connect.",
    separator=",",
    granted=_GRANTED,
    long_lived=LongLived(Address("threads", "/access_token"), "th_exchange_token", "access_token"),
    keeps_app=False,
)

THREADS = PlatformFacts(
    name="threads",
    title="Threads",
    api_title="Threads' API",
    apis={
        "threads": Api("https://graph.threads.net", "Base URL of the Threads API."),
        "threads_login": Api("https://threads.net", "Base URL of Threads' page of consent.", shares_paths=True),
    },
    kinds={"post": ("image", "video", "carousel", "text", "other")},
    rate_basis="views",
    day_zone="America/Los_Angeles",
    colours=Colours("#212529", "#eef2f5"),
    public_numbers=PublicNumbers(
        accounts=("followers",),
        lends=True,
        least_followers=100,
        lookups_per_day=1_000,
        notes=(
            "Followers alone are compared: Threads shows no number of a single post.",
            "Threads' sums over the last seven days slide, so that they are no amounts of a week: they are not stored.",
        ),
        lender_calls_per_day=48_000,
    ),
    content=META_CONTENT,
    terms=(
        *META,
        Term(
            "posts",
            "They are shown only to the person who created them.",
            "Only a key of the workspace of the account reads them.",
            "*Threads API: Overview*",
        ),
    ),
    account_ids=Ids("give the number of the profile, as 23000000000000001 (`id` in `GET /me` of the Threads API)"),
    post_ids=Ids("give the number of the post, as 17912345678901234 (the `id` that the publishing call returned)"),
    accounts={
        "followers": "followers_count",
        "accountInteractions": "likes + replies + reposts + quotes",
        "profileViews": "views",
        "linkClicks": "clicks",
    },
    posts={
        "likes": "likes",
        "comments": "replies",
        "shares": "reposts + quotes + shares",
        "views": "views",
    },
    public=PublicFacts(
        Ids("give the username, as acme.official", handles(r"[a-z0-9._]{1,30}")), META_PUBLIC, by_id=False
    ),
    calls_per_day=48_000,
    login=_LOGIN,
    token_permissions=TokenPermissions(
        _GRANTED,
        (
            Permission(("threads_basic",), "the profile and its posts"),
            Permission(("threads_manage_insights",), "followers, the numbers of posts, and the numbers of days"),
        ),
    ),
)
