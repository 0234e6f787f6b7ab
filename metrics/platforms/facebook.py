"""Facebook: pages, with their posts and reels."""

from datetime import date

from metrics.documents import MetricType
from metrics.platforms.facts import META_CONTENT, ON_ACCOUNTS, Api, Colours, Ids, Offer, PlatformFacts
from metrics.platforms.ids import Refuse, number
from metrics.platforms.terms import META

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


FACEBOOK = PlatformFacts(
    name="facebook",
    title="Facebook",
    api_title="Facebook's Graph API for Pages",
    apis={"facebook": Api("https://graph.facebook.com", "Base URL of Facebook's Graph API.")},
    kinds={"post": ("image", "video", "carousel", "text", "link", "other"), "reel": ("video", "other")},
    rate_basis="views",
    content=META_CONTENT,
    terms=META,
    colours=Colours("#0072b2", "#4fa9ea"),
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
    check_announced=_check_announced,
)
