"""Cases that compare each recorded answer of the platforms with the simulator, or say why there is none.

`CASES` has a request to the simulator for each recorded answer of an endpoint that collection calls, and for many
others; `NOT_COMPARED` in `not_compared.py` has the reason for each remaining one. Together they cover `index.json` for
these platforms.
"""

from dataclasses import dataclass, field
from typing import Any

_STATISTICS = "q=organizationalEntity&organizationalEntity={urn}"


@dataclass(frozen=True)
class Case:
    """One comparison.

    `path` and `query` have names of subjects in braces. `ours` and `theirs` are the paths to the compared part of each
    answer. `lacks` are paths that only the recorded answer has, `adds` paths that only ours has: each has to differ as
    stated, so that no exception is superfluous. With `app_only` the request carries an app token of X.
    """

    path: str
    query: str = ""
    ours: tuple[str | int, ...] = ()
    theirs: tuple[str | int, ...] = ()
    lacks: frozenset[str] = frozenset()
    adds: frozenset[str] = frozenset()
    fault: dict[str, Any] = field(default_factory=dict)
    batch: tuple[str, ...] = ()
    status: int = 200
    app_only: bool = False


def _of(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LISTED = "fields=id,comments_count,like_count,media_type,media_url,permalink,timestamp"
_CHILDREN = _of(
    "children.data[].media_type children.data[].media_url children.data[].permalink children.data[].shortcode "
    "children.data[].timestamp"
)
_VIDEO_CHILD = _of("children.data[].thumbnail_url")
_ALBUM = "fields=id,caption,comments_count,children,like_count,media_type,media_url,permalink,timestamp"
_BY_TIME = _of("paging.previous paging.next")
"""Paging of account insights by time, as in the answer with breakdowns; other recordings lack it."""

_PAGE_LEVEL = "fields=id,name,username,fan_count"
_LIKED = "reactions.summary(total_count).limit(0)"

_OWNER = _of("items[].snippet.videoOwnerChannelId items[].snippet.videoOwnerChannelTitle")
"""Fields of entries of a list that are newer than the recordings."""

CASES: dict[str, Case] = {
    # Instagram
    "instagram/airbyte_user_node": Case(
        "{instagram}",
        "fields=id,biography,ig_id,followers_count,follows_count,media_count,name,profile_picture_url,username,website",
        lacks=_of("website"),  # a field without a value, which the API leaves out
    ),
    "instagram/pyfacebook_user_node": Case(
        "{instagram}", "fields=id,biography,name,username,profile_picture_url,followers_count,media_count"
    ),
    "instagram/restfb_user_node": Case(
        "{instagram}", "fields=followers_count,follows_count,ig_id,id,name,username,media_count"
    ),
    "instagram/pyfacebook_media_list_page1": Case("{instagram}/media", f"{_LISTED}&limit=2"),
    "instagram/pyfacebook_stories_list": Case("{storyteller}/stories", _LISTED),
    "instagram/pyfacebook_stories_page1": Case(
        "{storyteller}/stories", "fields=id,media_type,media_url,username&limit=1"
    ),
    "instagram/pyfacebook_stories_page2": Case(
        "{storyteller}/stories",
        "fields=id,media_type,media_url,username&limit=1&after=1",
        lacks=_of("paging.previous"),
        adds=_of("paging.cursors.after"),  # `after` on last pages: docs/platform-facts.md#meta-batches-and-lists
    ),
    "instagram/pyfacebook_story_single": Case(
        "{story}", "fields=caption,id,media_type,media_url,owner,permalink,shortcode,timestamp,username,ig_id"
    ),
    "instagram/pyfacebook_media_batch_ids": Case(
        "",
        f"ids={{carousel}}&{_ALBUM}",
        ours=("{carousel}",),
        theirs=("17896129349106152",),
        lacks=_CHILDREN | _VIDEO_CHILD,
    ),
    "instagram/pyfacebook_media_single_with_carousel_children": Case(
        "{carousel}", _ALBUM, lacks=_CHILDREN | _VIDEO_CHILD
    ),
    "instagram/pyfacebook_carousel_children": Case(
        "{carousel}/children", "fields=id,media_type,media_url,permalink,shortcode,timestamp"
    ),
    "instagram/restfb_media_carousel": Case(
        "{carousel}",
        "fields=id,caption,comments_count,ig_id,is_comment_enabled,like_count,media_type,media_url,owner,username,"
        "permalink,shortcode,timestamp,children",
        lacks=_CHILDREN | _of("children.data[].ig_id children.data[].owner.id children.data[].username"),
    ),
    "instagram/airbyte_media_insights_feed": Case("{image}/insights", "metric=reach,saved"),
    "instagram/airbyte_media_insights_carousel_old": Case("{carousel}/insights", "metric=reach,saved"),
    "instagram/airbyte_media_insights_reels_pre_v22": Case("{reel}/insights", "metric=reach,shares,likes"),
    "instagram/airbyte_story_insights": Case("{story}/insights", "metric=replies,reach"),
    "instagram/pyfacebook_media_insights_values": Case("{image}/insights", "metric=reach,saved"),
    "instagram/airbyte_user_insights_day": Case(
        "{instagram}/insights", "metric=follower_count,reach&period=day", adds=_BY_TIME
    ),
    "instagram/airbyte_user_insights_days_28": Case(
        "{instagram}/insights", "metric=reach&period=days_28", adds=_BY_TIME
    ),
    "instagram/pyfacebook_user_insights_day_values": Case(
        "{instagram}/insights", "metric=reach&period=day", adds=_BY_TIME
    ),
    "instagram/pyfacebook_user_insights_reach_total_value_breakdowns": Case(
        "{instagram}/insights",
        "metric=reach&metric_type=total_value&period=day&breakdown=media_product_type,follow_type&timeframe=last_14_days",
    ),
    "instagram/pyfacebook_media_insights_profile_activity_breakdown": Case(
        "{image}/insights", "metric=profile_activity&breakdown=action_type"
    ),
    "instagram/restfb_story_navigation_breakdown": Case(
        "{story}/insights", "metric=navigation&breakdown=story_navigation_action_type", ours=("data", 0)
    ),
    "instagram/airbyte_user_insights_online_followers": Case(
        "{instagram}/insights", "metric=online_followers&period=lifetime&since={five_days_ago}&until={three_days_ago}"
    ),
    "instagram/airbyte_user_demographics_age_gender": Case(
        "{instagram}/insights",
        "metric=follower_demographics&period=lifetime&metric_type=total_value&breakdown=age,gender",
    ),
    "instagram/airbyte_user_demographics_city": Case(
        "{instagram}/insights", "metric=follower_demographics&period=lifetime&metric_type=total_value&breakdown=city"
    ),
    "instagram/pyfacebook_content_publishing_limit": Case(
        "{instagram}/content_publishing_limit", "fields=config,quota_usage"
    ),
    "instagram/restfb_content_publishing_limit": Case(
        "{instagram}/content_publishing_limit", "fields=config,quota_usage"
    ),
    "instagram/airbyte_me_accounts": Case(
        "me/accounts", "fields=id,instagram_business_account", adds=_of("paging.cursors.after")
    ),
    "instagram/airbyte_error_100_33_user_insights": Case(
        "17841400000999999/insights", "metric=reach&period=day", status=400, adds=_of("error.error_data")
    ),
    "instagram/airbyte_error_100_33_wrong_permissions": Case(
        "18000000990000000/insights",
        "metric=reach",
        status=400,
        lacks=_of("error.is_transient error.error_user_msg"),
    ),
    "instagram/airbyte_error_10_permission": Case(
        "{image}/insights", "metric=reach", status=403, fault={"kind": "permission", "times": 1}
    ),
    "instagram/airbyte_error_2108006_before_business_conversion": Case(
        "{image}/insights", "metric=reach", status=400, fault={"kind": "before_conversion", "times": 1}
    ),
    # Facebook
    "facebook/pyfacebook_error_100_missing_page_permission": Case(
        "{facebook}", status=400, fault={"kind": "permission", "times": 1}
    ),
    "facebook/pyfacebook_me_accounts_with_tasks": Case("me/accounts"),
    "facebook/pyfacebook_page_fan_count": Case("{facebook}", _PAGE_LEVEL),
    "facebook/restfb_page_fan_count_only": Case("{facebook}", "fields=fan_count"),
    "facebook/pyfacebook_pages_batch_ids": Case(
        "", f"ids={{facebook}}&{_PAGE_LEVEL}", ours=("{facebook}",), theirs=("20531316728",)
    ),
    "facebook/pyfacebook_feed_page1": Case(
        "{facebook}/feed",
        "fields=id,message,created_time&limit=5",
        lacks=_of("paging.previous"),
        adds=_of("paging.cursors.after paging.cursors.before"),  # by cursor, not by time
    ),
    "facebook/keboola_feed_last_page_empty": Case("{facebook}/feed", "limit=25&after=100000"),
    "facebook/keboola_page_ids_nested_posts_summary": Case(
        "",
        "ids={facebook}&fields=posts.limit(10){id,created_time,message,likes.summary(true).limit(0)," + _LIKED + "}",
        ours=("{facebook}", "posts", "data"),
        theirs=("177057932317550", "posts", "data"),
    ),
    "facebook/keboola_feed_ids_reaction_summary_page1": Case(
        "feed", f"ids={{facebook}}&fields={_LIKED}", ours=("{facebook}", "data"), theirs=("177057932317550", "data")
    ),
    "facebook/keboola_feed_reaction_summary_page2": Case(
        "{facebook}/feed", f"fields={_LIKED}&after=25", ours=("data",), theirs=("data",)
    ),
    "facebook/keboola_page_ids_insights_edge_silently_absent": Case(
        "", "ids={facebook}&fields=id", ours=("{facebook}",), theirs=("177057932317550",)
    ),
    "facebook/pyfacebook_post_single": Case("{post}", "fields=id,created_time,message"),
    "facebook/restfb_post_with_insights_nested": Case("{post}", "fields=insights.metric(post_clicks)"),
    "facebook/restfb_photo_with_insights_nested": Case("{post}", "fields=insights.metric(post_clicks)"),
    "facebook/restfb_insight_object_v2_4": Case("{post}/insights", "metric=post_clicks", ours=("data", 0)),
    "facebook/keboola_feed_ids_nested_insights": Case(
        "{post}",
        "fields=insights.metric(post_clicks)",
        ours=("insights",),
        theirs=("177057932317550", "data", 0, "insights"),
        lacks=_of("data[].values[].end_time"),  # a row by day has it; lifetime metrics, as of today, do not
    ),
    "facebook/restfb_video_with_insights_nested": Case(
        "{fb_reel}",
        "fields=video_insights.metric(blue_reels_play_count)",
        ours=("video_insights", "data", 0),
        theirs=("video_insights", "data", 0),
    ),
    "facebook/restfb_page_with_insights_nested": Case(
        "{facebook}/insights", "metric=page_media_view", theirs=("insights",)
    ),
    "facebook/restfb_batch_all_ok": Case("", batch=("{facebook}?fields=id,name", "{facebook}?fields=id,name")),
    "facebook/restfb_batch_first_fails": Case("", batch=("100000000999999", "{facebook}?fields=id,name")),
    "facebook/restfb_batch_second_fails": Case("", batch=("{facebook}?fields=id,name", "100000000999999")),
    "facebook/pyfacebook_token_exchange_long_lived": Case(
        "oauth/access_token",
        "grant_type=fb_exchange_token&client_id=1&client_secret=s&fb_exchange_token={facebook_token}",
    ),
    "facebook/restfb_error_190_460_password_changed": Case(
        "{facebook}",
        status=401,
        fault={"kind": "expired_token", "times": 1},
        lacks=_of("error.error_user_msg error.error_user_title"),
    ),
    # X
    "x/tweepy_users_me": Case("2/users/me"),
    "x/pytwitter_users_me": Case(
        "2/users/me",
        "user.fields=created_at&expansions=pinned_tweet_id&tweet.fields=created_at",
        adds=_of("includes.tweets[].edit_history_tweet_ids[]"),  # newer than the recording
    ),
    "x/pytwitter_user_single": Case(
        "2/users/{twitter}",
        "user.fields=created_at,verified,description,public_metrics",
        # Newer than the recording: the newer name of tweet_count, and two counts.
        adds=_of("data.public_metrics.post_count data.public_metrics.like_count data.public_metrics.media_count"),
    ),
    "x/tweepy_user_by_username_default_fields": Case("2/users/by/username/{handle}"),
    "x/tweepy_users_by_usernames_batch": Case("2/users/by", "usernames={handle}"),
    "x/tweepy_user_timeline_page1": Case("2/users/{twitter}/tweets", "max_results=5"),
    "x/pytwitter_user_timeline": Case(
        "2/users/{twitter}/tweets",
        "max_results=5&tweet.fields=created_at,public_metrics",
        adds=_of(
            "data[].edit_history_tweet_ids[] data[].public_metrics.bookmark_count "
            "data[].public_metrics.impression_count"  # newer than the recording
        ),
    ),
    "x/pytwitter_tweets_batch_expansions": Case(
        "2/tweets",
        "ids={tweet}&tweet.fields=created_at,author_id&expansions=author_id&user.fields=verified",
        adds=_of("data[].edit_history_tweet_ids[]"),
    ),
    "x/pytwitter_tweet_single_expansions": Case(
        "2/tweets/{tweet_of_a_video}",
        "tweet.fields=attachments&expansions=attachments.media_keys&media.fields=duration_ms",
        adds=_of("data.edit_history_tweet_ids[]"),
    ),
    "x/pytwitter_media_object_public_metrics": Case(
        "2/tweets",
        "ids={tweet_of_a_video}&expansions=attachments.media_keys&media.fields=public_metrics,duration_ms",
        ours=("includes", "media", 0),
        lacks=_of("height preview_image_url width"),
    ),
    "x/tweepy_empty_collection_meta_only": Case("2/users/{twitter}/mentions"),
    "x/pytwitter_usage_tweets": Case("2/usage/tweets", app_only=True),
    "x/pytwitter_error_invalid_request_problem": Case(
        "2/tweets",
        "tweet.fields=nonsense",
        status=400,
        lacks=_of("errors[].parameters.delete"),
        adds=_of("errors[].parameters.tweet.fields[]"),
    ),
    # LinkedIn
    "linkedin/airbyte_network_size_zero": Case("rest/networkSizes/{urn}", "edgeType=COMPANY_FOLLOWED_BY_MEMBER"),
    "linkedin/airbyte_share_statistics_lifetime_zero": Case("rest/organizationalEntityShareStatistics", _STATISTICS),
    "linkedin/ebx_follower_statistics_lifetime": Case(
        "rest/organizationalEntityFollowerStatistics",
        _STATISTICS,
        ours=("elements", 0, "followerCountsByFunction"),
        theirs=("elements", 0, "followerCountsByFunction"),
    ),
    "linkedin/ebx_page_statistics_lifetime": Case(
        "rest/organizationPageStatistics",
        "q=organization&organization={urn}",
        ours=("elements", 0, "totalPageStatistics", "views", "allPageViews"),
        theirs=("elements", 0, "pageStatisticsBySeniority", 0, "pageStatistics", "views", "allPageViews"),
    ),
    "linkedin/ebx_post_video_dark": Case(
        "rest/posts/{linkedin_video}",
        lacks=_of("adContext.dscStatus adContext.dscAdType adContext.isDsc adContext.dscAdAccount"),
    ),
    "linkedin/airbyte_organization_lookup": Case(
        "rest/organizations/{linkedin}",
        lacks=_of(
            "created.actor created.time groups versionTag organizationType alternativeNames specialties "
            "localizedSpecialties lastModified.actor lastModified.time autoCreated name.localized.ru_RU"
        ),
        adds=_of("name.localized.en_US"),
    ),
    # YouTube
    "youtube/pyyoutube_channel_single": Case(
        "youtube/v3/channels",
        "part=id,snippet,statistics&id={youtube}",
        lacks=_of("items[].statistics.commentCount"),  # no longer answered
    ),
    "youtube/pyyoutube_channels_batch": Case(
        "youtube/v3/channels",
        "part=id&part=snippet&id={youtube},{youtube_next}",
        lacks=_of("prevPageToken"),  # a list by id has one page
    ),
    "youtube/pyyoutube_channels_info_multiple": Case(
        "youtube/v3/channels",
        "part=id,snippet,statistics,contentDetails,brandingSettings&id={youtube}&id={youtube_next}",
    ),
    "youtube/pyyoutube_video_single": Case("youtube/v3/videos", "part=id,snippet,player&id={youtube_video}"),
    "youtube/pyyoutube_videos_chart_page1": Case(
        "youtube/v3/videos", "part=id,snippet,player&chart=mostPopular&maxResults=5"
    ),
    "youtube/pyyoutube_videos_chart_page2": Case(
        "youtube/v3/videos",
        "part=id,snippet,player&chart=mostPopular&maxResults=5",
        lacks=_of("prevPageToken"),  # ours is the first page
        adds=_of("nextPageToken"),
    ),
    "youtube/pyyoutube_playlist_items_page1": Case(
        "youtube/v3/playlistItems", "part=id,snippet&playlistId={uploads}&maxResults=3", adds=_OWNER
    ),
    "youtube/pyyoutube_playlist_items_page2": Case(
        "youtube/v3/playlistItems",
        "part=id,snippet&playlistId={uploads}&maxResults=3",
        lacks=_of("prevPageToken"),  # ours is the first page
        adds=_OWNER | _of("nextPageToken"),
    ),
    "youtube/analytix_day_four_metrics": Case(
        "v2/reports",
        "ids=channel==MINE&startDate=2026-11-01&endDate=2026-11-10&metrics=views,likes,comments&dimensions=day",
    ),
    "youtube/pyyoutube_error_403_permission": Case(
        "youtube/v3/channels",
        "part=id&mine=true",
        status=403,
        fault={"kind": "permission", "times": 1},
    ),
}
