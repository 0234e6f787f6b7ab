"""Pinterest: accounts with the pins that they created."""

from metrics.platforms.facts import ON_ACCOUNTS, Api, Colours, ContentFacts, Ids, Offer, PlatformFacts, Quota
from metrics.platforms.terms import Term

_ORGANIC = "Of pins that are not advertised; Pinterest counts UTC days."

PINTEREST = PlatformFacts(
    name="pinterest",
    title="Pinterest",
    api_title="Pinterest's API",
    apis={"pinterest": Api("https://api.pinterest.com", "Base URL of the Pinterest API.")},
    kinds={"post": ("image", "video", "carousel", "other")},
    rate_basis="impressions",
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
    },
    quotas={
        "calls": Quota(1_000, "Calls of the Pinterest API (1,000 with Trial access, no limit with Standard access)"),
    },
    content=ContentFacts(picture_servers=("https://i.pinimg.com",)),
    storing_needs_consent=True,
    terms=(
        Term(
            "passing on",
            "What the API returned is neither sold nor shared.",
            "Only a key of the workspace of the account reads it.",
            "*Developer Guidelines*",
        ),
    ),
)
