"""X, formerly Twitter: users and their posts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from metrics.clock import utcnow
from metrics.platforms.facts import Api, Colours, ContentFacts, Ids, PlatformFacts, PublicFacts, PublicNumbers
from metrics.platforms.ids import Refuse, handles, number
from metrics.platforms.login import Address, Login, OwnedAccount, Question
from metrics.platforms.terms import ERASED, PublicTerms, Term

_SNOWFLAKE_EPOCH = datetime.fromtimestamp(1_288_834_974.657, UTC)
_SNOWFLAKE_SHIFT = 22
"""X's ids hold milliseconds since 4 November 2010 above 22 bits (docs.x.com, "X IDs")."""
_CLOCKS_DIFFER = timedelta(minutes=5)


def _post_id(text: str, refuse: Refuse) -> str:
    found = number(text, refuse)
    published = _SNOWFLAKE_EPOCH + timedelta(milliseconds=int(found) >> _SNOWFLAKE_SHIFT)
    if published > utcnow() + _CLOCKS_DIFFER:
        refuse(f"{found} would be of {published:%Y-%m-%d}: X has not given it out yet")
    return found


def _user(body: Any) -> list[OwnedAccount]:
    """Return the user of an answer of `users/me`."""
    user = body["data"]
    return [OwnedAccount(str(user["id"]), user.get("username"))]


_LOGIN = Login(
    authorize=Address("twitter_login", "/i/oauth2/authorize"),
    token=Address("twitter", "/2/oauth2/token"),
    # Without `offline.access` there is no refresh token, and the account ends after two hours.
    scopes=("tweet.read", "users.read", "offline.access"),
    owned=Question(Address("twitter", "/2/users/me"), _user, {"user.fields": "username"}),
    steps="Log in to X with the user that you want to connect.",
    pkce=True,
    secret_optional=True,
    basic_auth=True,
    refresh_works_once=True,
)

TWITTER = PlatformFacts(
    name="twitter",
    title="X",
    api_title="X's API",
    apis={
        "twitter": Api("https://api.x.com", "Base URL of the X API."),
        "twitter_login": Api("https://x.com", "Base URL of X's page of consent.", shares_paths=True),
    },
    kinds={"post": ("image", "video", "carousel", "text", "link", "other")},
    rate_basis="impressions",
    day_zone="UTC",
    content=ContentFacts(
        unseen=timedelta(hours=24), age=timedelta(days=30), picture_servers=("https://pbs.twimg.com",)
    ),
    terms=(
        Term(
            "posts and users that were deleted or changed on X",
            "Stored content is deleted or changed within 24 hours after it was on X.",
            "A post that X no longer returns loses its content in the next reading; its numbers stay. " + ERASED,
            "*Developer Policy*",
        ),
        Term(
            "posts that are passed on",
            "Nobody is given more than 50,000 posts with their content on one day.",
            "An export has no content of posts.",
            "*Developer Policy*",
        ),
    ),
    colours=Colours("#c77700", "#f0a63a"),
    public_numbers=PublicNumbers(
        accounts=("followers", "following", "posts"),
        posts=("likes", "comments", "shares", "saves", "impressions", "videoViews"),
        by_app="App-only token of X, with which users of others are read; X bills each. Unset: they are not read.",
        shared=True,
        prices={"user": 0.010, "post": 0.005},
        notes=("Views per post are impressions, as X counts them.",),
    ),
    account_ids=Ids("give the number of the user, as 700000007 (`id` in `GET /2/users/me`)"),
    post_ids=Ids(
        "give the number of the post, as 1812345678901234567 (the `id` that the publishing call returned)", _post_id
    ),
    accounts={
        "followers": "followers_count",
        "following": "following_count",
        "posts": "tweet_count",
        "accountImpressions": "impressions",
    },
    posts={
        "likes": "like_count",
        "comments": "reply_count",
        "shares": "retweet_count + quote_count",
        "saves": "bookmark_count",
        "impressions": "impression_count",
        "videoViews": "view_count",
        "clicks": "url_link_clicks",
        "interactions": "engagements",
        "profileVisits": "user_profile_clicks",
    },
    public=PublicFacts(
        Ids("give the username, as acme_official, or the number of the user", handles(r"[a-z0-9_]{1,15}")),
        PublicTerms(
            allowed=True,
            days=None,
            derived_allowed=True,
            rule="No time is named.",
            derived_rule="The policy lists «competitive benchmarking» among the forbidden uses; whether that means "
            "comparing X itself is for a lawyer to say.",
            deletion="Posts and users that were deleted or changed on X are deleted or changed within 24 hours.",
            source="*Developer Policy*",
        ),
    ),
    posts_per_day=100_000,
    billing="which bills each of them",
    login=_LOGIN,
)
