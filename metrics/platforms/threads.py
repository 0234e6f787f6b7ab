"""Threads: profiles with their posts."""

from metrics.platforms.facts import META_CONTENT, Api, Colours, Ids, PlatformFacts
from metrics.platforms.terms import META, Term

THREADS = PlatformFacts(
    name="threads",
    title="Threads",
    api_title="Threads' API",
    apis={"threads": Api("https://graph.threads.net", "Base URL of the Threads API.")},
    kinds={"post": ("image", "video", "carousel", "text", "other")},
    rate_basis="views",
    colours=Colours("#212529", "#eef2f5"),
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
    calls_per_day=48_000,
)
