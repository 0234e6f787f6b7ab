"""Instagram: professional accounts, through Facebook Login or Instagram Login."""

from datetime import date

from metrics.platforms.facts import META_CONTENT, ON_ACCOUNTS, ON_POSTS, Api, Colours, Ids, Offer, PlatformFacts
from metrics.platforms.terms import META

_VIEWS = date(2025, 4, 21)

INSTAGRAM = PlatformFacts(
    name="instagram",
    title="Instagram",
    api_title="Instagram's Graph API",
    apis={
        "instagram": Api("https://graph.facebook.com", "Base URL of Instagram's Graph API."),
        "instagram_login": Api(
            "https://graph.instagram.com", "Base URL of the same API for accounts with Instagram Login."
        ),
    },
    kinds={
        "post": ("image", "video", "carousel", "other"),
        "story": ("image", "video", "other"),
        "reel": ("video", "other"),
    },
    rate_basis="views",
    content=META_CONTENT,
    terms=META,
    colours=Colours("#c2528f", "#e68cc0"),
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
)
