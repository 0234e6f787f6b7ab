"""Pinterest: accounts with the pins that they created."""

from typing import Any

from metrics.documents import ContentType
from metrics.platforms.facts import (
    ON_ACCOUNTS,
    Api,
    Colours,
    ContentFacts,
    Ids,
    Offer,
    PlatformFacts,
    PublicFacts,
    Quota,
)
from metrics.platforms.ids import handles
from metrics.platforms.login import Address, Login, OwnedAccount, Question
from metrics.platforms.terms import PublicTerms, Term

_ORGANIC = "Of pins that are not advertised; Pinterest counts UTC days."

_BY_DAY = (
    "Added up from days, which come once a day, two days later. Pinterest tells the last 89 days only, so an older pin "
    "has none."
)
_STILL: tuple[ContentType, ...] = ("image", "carousel", "other")


def _user(body: Any) -> list[OwnedAccount]:
    """Return the account of an answer of `user_account`."""
    return [OwnedAccount(str(body["id"]), body.get("username"))]


_LOGIN = Login(
    authorize=Address("pinterest_login", "/oauth/"),
    token=Address("pinterest", "/v5/oauth/token"),
    scopes=("user_accounts:read", "pins:read", "boards:read"),
    owned=Question(Address("pinterest", "/v5/user_account"), _user),
    steps="Log in to Pinterest with the account that you want to connect.",
    separator=",",
    basic_auth=True,
    # Apps that were made before 25 September 2025 get a refresh token that can be renewed only if they ask for it.
    token_extra={"continuous_refresh": "true"},
    # Whether the old refresh token goes on working after a renewal is not documented.
    refresh_works_once=True,
)

PINTEREST = PlatformFacts(
    name="pinterest",
    title="Pinterest",
    api_title="Pinterest's API",
    apis={
        "pinterest": Api("https://api.pinterest.com", "Base URL of the Pinterest API."),
        "pinterest_login": Api(
            "https://www.pinterest.com", "Base URL of Pinterest's page of consent.", shares_paths=True
        ),
    },
    kinds={"post": ("image", "video", "carousel", "other")},
    rate_basis="impressions",
    day_zone="UTC",
    colours=Colours("#8e3b46", "#d98594"),
    account_ids=Ids("give the number of the account, as 1099300727702429000 (`id` in `GET /v5/user_account`)"),
    post_ids=Ids("give the number of the pin, as 642396334344813594 (the `id` that the publishing call returned)"),
    accounts={
        "followers": "follower_count",
        "following": "following_count",
        "posts": Offer("pin_count", ON_ACCOUNTS, note="Created and saved pins."),
        "monthlyViews": "monthly_views",
        "accountImpressions": Offer("IMPRESSION", ON_ACCOUNTS, note=_ORGANIC),
        "accountInteractions": Offer("ENGAGEMENT", ON_ACCOUNTS, note=_ORGANIC),
        "accountSaves": Offer("SAVE", ON_ACCOUNTS, note=_ORGANIC),
        "accountClicks": Offer("PIN_CLICK", ON_ACCOUNTS, note=_ORGANIC),
        "linkClicks": Offer("OUTBOUND_CLICK", ON_ACCOUNTS, note=_ORGANIC),
    },
    posts={
        "likes": "reaction",
        "comments": "comment",
        "saves": "save",
        "impressions": "impression",
        "clicks": "pin_click",
        "outboundClicks": "clickthrough",
        "videoViews": Offer("VIDEO_START", without=_STILL, note=_BY_DAY),
        "watchTime": Offer("VIDEO_V50_WATCH_TIME", without=_STILL, note=_BY_DAY),
        "follows": Offer("USER_FOLLOW", note=_BY_DAY),
        "profileVisits": Offer("PROFILE_VISIT", note=_BY_DAY),
    },
    public=PublicFacts(
        Ids("give the username, as acme_official", handles(r"[a-z0-9_]{3,30}")),
        PublicTerms(
            allowed=False,
            days=None,
            derived_allowed=True,
            rule="The API shows nothing of accounts of others.",
            derived_rule="They are not named; numbers that a person enters do not come from the API.",
            deletion="No time is named.",
            source="*Developer Guidelines*",
        ),
        by_id=False,
        no_route="Pinterest has no lawful route to numbers of other accounts: its API shows nothing of them.",
    ),
    quotas={
        "calls": Quota(1_000, "Calls of the Pinterest API (1,000 with Trial access, no limit with Standard access)"),
    },
    content=ContentFacts(picture_servers=("https://i.pinimg.com",)),
    storing_needs_consent=True,
    login=_LOGIN,
    terms=(
        Term(
            "passing on",
            "What the API returned is neither sold nor shared.",
            "Only a key of the workspace of the account reads it.",
            "*Developer Guidelines*",
        ),
    ),
)
