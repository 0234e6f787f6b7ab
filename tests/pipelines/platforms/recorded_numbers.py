"""The expected numbers of every recorded answer.

The table is complete: a file that is neither here nor in `NOT_READ` fails a test. Each row is one test.
"""

from collections.abc import Callable
from typing import Any

from pipelines.platforms.facebook.answers import account_numbers as facebook_account
from pipelines.platforms.graph.errors import raise_for as graph_refusal
from pipelines.platforms.instagram.answers import account_numbers as instagram_account
from pipelines.platforms.linkedin.answers import account_numbers as linkedin_account
from pipelines.platforms.twitter.answers import account_numbers as twitter_account
from pipelines.platforms.twitter.answers import raise_for as twitter_refusal
from pipelines.platforms.youtube.answers import account_numbers as youtube_account
from pipelines.platforms.youtube.answers import raise_for as youtube_refusal
from tests.pipelines.platforms.readings import (
    advertisement,
    days,
    decision,
    elements,
    media_nodes,
    nested_posts,
    of_account,
    page_posts,
    reports,
    rows,
    statistics,
    stories,
    total,
    tweets,
    video,
)

Read = Callable[[Any], Any]

EXPECTED: dict[str, tuple[Read, Any]] = {
    "instagram/airbyte_error_100_33_user_insights": (decision(graph_refusal), "PostGone"),
    "instagram/airbyte_error_100_33_wrong_permissions": (decision(graph_refusal), "PostGone"),
    "instagram/airbyte_error_10_permission": (decision(graph_refusal), "PermissionMissing"),
    "instagram/airbyte_error_2108006_before_business_conversion": (decision(graph_refusal), "PostUnavailable"),
    "instagram/airbyte_media_insights_carousel_old": (
        rows(),
        {"impressions": 11000, "reach": 8500, "saved": 250, "video_views": 6000},
    ),
    "instagram/airbyte_media_insights_feed": (
        rows(),
        {
            "reach": 8000,
            "saved": 200,
            "video_views": 5000,
            "likes": 150,
            "comments": 50,
            "shares": 25,
            "follows": 53,
            "profile_visits": 9,
        },
    ),
    "instagram/airbyte_media_insights_reels_pre_v22": (
        rows(),
        {
            "comments": 7,
            "ig_reels_avg_watch_time": 12549,
            "ig_reels_video_view_total_time": 30017581,
            "likes": 108,
            "plays": 2385,
            "reach": 2006,
            "saved": 7,
            "shares": 1,
            "ig_reels_aggregated_all_plays_count": 383,
            "clips_replays_count": 102,
        },
    ),
    "instagram/airbyte_story_insights": (
        rows(),
        {
            "replies": 0,
            "impressions": 105,
            "reach": 105,
            "follows": 5,
            "profile_visits": 23,
            "shares": 0,
            "total_interactions": 4,
        },
    ),
    "instagram/airbyte_user_insights_day": (
        days("reach", "follower_count"),
        {"2024-01-14": {"reach": 500, "follower_count": 1000}},
    ),
    "instagram/airbyte_user_insights_days_28": (days("reach"), {"2024-01-14": {"reach": 15000}}),
    "instagram/airbyte_user_node": (
        of_account(instagram_account),
        [{"followers": 1230, "following": 15, "posts": 260}],
    ),
    "instagram/pyfacebook_media_batch_ids": (
        media_nodes,
        [
            ("17893085207160254", "post", "image", "2021-06-09T09:47:29Z", 1, 0),
            ("17896129349106152", "post", "carousel", "2021-07-26T10:45:20Z", 1, 0),
        ],
    ),
    "instagram/pyfacebook_media_insights_profile_activity_breakdown": (rows(), {"profile_activity": 11}),
    "instagram/pyfacebook_media_insights_values": (rows(), {"impressions": 8, "reach": 5, "saved": 0}),
    "instagram/pyfacebook_media_list_page1": (
        media_nodes,
        [
            ("17895731045244887", "post", "image", "2021-08-13T08:25:28Z", 0, 0),
            ("17896622936197745", "post", "image", "2021-08-13T08:02:40Z", 2, 6),
        ],
    ),
    "instagram/pyfacebook_media_single_with_carousel_children": (
        media_nodes,
        [("17896129349106152", "post", "carousel", "2021-07-26T10:45:20Z", 1, 0)],
    ),
    "instagram/pyfacebook_stories_list": (
        stories,
        [
            ("17879450117512729", "story", "image", "2021-08-19T10:19:23Z"),
            ("17915641402913538", "story", "video", "2021-08-19T10:19:03Z"),
        ],
    ),
    "instagram/pyfacebook_stories_page1": (
        stories,
        [("18168273289049440", "story", "image"), ("17876166859931045", "story", "image")],
    ),
    "instagram/pyfacebook_stories_page2": (stories, [("17967354091336995", "story", "image")]),
    "instagram/pyfacebook_story_single": (stories, [("17876166859931045", "story", "image", "2020-10-16T12:48:02Z")]),
    "instagram/pyfacebook_user_insights_day_values": (
        days("reach"),
        {"2017-05-03": {"reach": 3}, "2017-05-04": {"reach": 36}},
    ),
    "instagram/pyfacebook_user_insights_reach_total_value_breakdowns": (total("reach"), 14516883),
    "instagram/pyfacebook_user_node": (of_account(instagram_account), [{"followers": 64363, "posts": 427}]),
    "instagram/restfb_media_carousel": (media_nodes, [("123456789", "post", "carousel", "2018-02-22T10:40:45Z", 0, 0)]),
    "instagram/restfb_story_navigation_breakdown": (rows(), {"navigation": 25}),
    "instagram/restfb_user_node": (of_account(instagram_account), [{"followers": 10, "following": 15, "posts": 2}]),
    "facebook/keboola_feed_ids_nested_insights": (
        rows("insights"),
        [{"y2Yrt": 0, "J8jSr": 0}, {"kZHQi": 0, "0iqhI": 0}],
    ),
    "facebook/keboola_feed_ids_reaction_summary_page1": (
        page_posts,
        [
            ("222838661196260_1297263780420404", 5, None, 0),
            ("222838661196260_1295611950585587", 0, None, 0),
            ("222838661196260_1284921258321323", 5, None, 0),
            ("177057932317550_1528270233862973", 0, None, 0),
            ("177057932317550_1920132124904149", 4, None, 0),
            ("177057932317550_200219200511028", 0, None, 0),
        ],
    ),
    "facebook/keboola_feed_last_page_empty": (page_posts, []),
    "facebook/keboola_feed_reaction_summary_page2": (
        page_posts,
        [
            ("222838661196260_1102748413205276", 0, None, 0),
            ("222838661196260_1102622523217865", 4, None, 0),
            ("222838661196260_1101117760035008", 2, None, 0),
        ],
    ),
    "facebook/keboola_page_ids_insights_edge_silently_absent": (page_posts, [("177057932317550", None, None, 0)]),
    "facebook/keboola_page_ids_nested_posts_summary": (
        nested_posts,
        [
            ("177057932317550_1126854757337858", "post", "text", "2016-06-22T06:23:24Z", 1, None, 0),
            ("177057932317550_990386480984687", "post", "text", "2015-10-14T05:03:09Z", 10, None, 0),
            ("177057932317550_940984532591549", "post", "text", "2015-06-25T02:16:30Z", 1, None, 0),
        ],
    ),
    "facebook/pyfacebook_error_100_missing_page_permission": (decision(graph_refusal), "PermissionMissing"),
    "facebook/pyfacebook_error_100_ppca_needs_appsecret_proof": (decision(graph_refusal), "PermissionMissing"),
    "facebook/pyfacebook_feed_page1": (
        page_posts,
        [
            ("4_10113477241177441", "post", "text", "2021-07-04T19:50:58Z", None, None, 0),
            ("4_10113449068715281", "post", "text", "2021-07-02T13:42:21Z", None, None, 0),
            ("4_10113400535556121", "post", "text", "2021-06-29T01:34:06Z", None, None, 0),
            ("4_10113332572050531", "post", "text", "2021-06-23T17:39:46Z", None, None, 0),
            ("4_10113319652002411", "post", "text", "2021-06-22T18:06:08Z", None, None, 0),
        ],
    ),
    "facebook/pyfacebook_feed_page2": (
        page_posts,
        [
            ("4_10113477241177441", "post", "text", "2021-07-04T19:50:58Z", None, None, 0),
            ("4_10113449068715281", "post", "text", "2021-07-02T13:42:21Z", None, None, 0),
            ("4_10113400535556121", "post", "text", "2021-06-29T01:34:06Z", None, None, 0),
            ("4_10113332572050531", "post", "text", "2021-06-23T17:39:46Z", None, None, 0),
            ("4_10113319652002411", "post", "text", "2021-06-22T18:06:08Z", None, None, 0),
        ],
    ),
    "facebook/pyfacebook_page_default_fields": (of_account(facebook_account), [{}]),
    "facebook/pyfacebook_page_fan_count": (of_account(facebook_account), [{}]),
    "facebook/pyfacebook_pages_batch_ids": (of_account(facebook_account), [{}, {}]),
    "facebook/pyfacebook_post_single": (
        page_posts,
        [("175154750010052_424924701699721", "post", "text", "2019-08-12T03:45:11Z", None, None, 0)],
    ),
    "facebook/restfb_batch_all_ok": (elements, ["123456789", "4"]),
    "facebook/restfb_batch_first_fails": (elements, ["PostGone", "123456789"]),
    "facebook/restfb_batch_second_fails": (elements, ["123456789", "PostGone"]),
    "facebook/restfb_error_190_460_password_changed": (decision(graph_refusal), "NeedsReauth"),
    "facebook/restfb_error_1_subcode_user_message": (decision(graph_refusal), "BadAnswer"),
    "facebook/restfb_error_minimal": (decision(graph_refusal), "NeedsReauth"),
    "facebook/restfb_error_oauth_2500": (decision(graph_refusal), "BadAnswer"),
    "facebook/restfb_insight_object_v2_4": (rows(), {"post_stories_by_action_type": 0}),
    "facebook/restfb_insights_page_3": (
        days("page_fans_city"),
        {"2024-01-01": {"page_fans_city": "privacy_threshold"}},
    ),
    "facebook/restfb_page_fan_count_only": (of_account(facebook_account), [{}]),
    "facebook/restfb_page_with_insights_nested": (
        days("page_engaged_users", within="insights"),
        {"2023-03-07": {"page_engaged_users": 0}, "2023-03-08": {"page_engaged_users": 0}},
    ),
    "facebook/restfb_photo_with_insights_nested": (rows("insights"), [{"post_engaged_users": 0}]),
    "facebook/restfb_post_with_insights_nested": (rows("insights"), [{"post_engaged_users": 0}]),
    "facebook/restfb_video_with_insights_nested": (
        rows("video_insights"),
        [{"total_video_views": 6, "total_video_views_unique": 2}],
    ),
    "x/pytwitter_error_invalid_request_problem": (decision(twitter_refusal), "BadAnswer"),
    "x/pytwitter_home_timeline": (
        tweets,
        [
            ("1524796546306478083", "post", "text", "2022-05-12T17:00:00Z", {}),
            ("1524468552404668416", "post", "text", "2022-05-11T19:16:40Z", {}),
            ("1523757705436958720", "post", "text", "2022-05-09T20:12:01Z", {}),
            ("1522642324781633536", "post", "text", "2022-05-06T18:19:54Z", {}),
            ("1522642323535847424", "post", "text", "2022-05-06T18:19:53Z", {}),
        ],
    ),
    "x/pytwitter_media_object_public_metrics": (video, [("1", "post", "video", {"videoViews": 6909260})]),
    "x/pytwitter_tweet_single_expansions": (tweets, [("1067094924124872705", "post", "video", {})]),
    "x/pytwitter_tweets_batch_expansions": (
        tweets,
        [
            ("1261326399320715264", "post", "text", "2020-05-15T16:03:42Z", {}),
            ("1278347468690915330", "post", "text", "2020-07-01T15:19:21Z", {}),
        ],
    ),
    "x/pytwitter_user_object_full": (
        of_account(twitter_account),
        [{"followers": 510710, "following": 2031, "posts": 3599}],
    ),
    "x/pytwitter_user_single": (of_account(twitter_account), [{"followers": 514020, "following": 2038, "posts": 3639}]),
    "x/pytwitter_user_timeline": (
        tweets,
        [
            ("1364275610764201984", "post", "text", "2021-02-23T18:07:07Z", {"likes": 37, "comments": 2, "shares": 11}),
            ("1362876655061073928", "post", "text", "2021-02-19T21:28:10Z", {"likes": 58, "comments": 7, "shares": 22}),
            ("1362439338978467841", "post", "text", "2021-02-18T16:30:25Z", {"likes": 9, "comments": 2, "shares": 0}),
            ("1362439338169016324", "post", "text", "2021-02-18T16:30:25Z", {"likes": 8, "comments": 2, "shares": 1}),
            ("1362439336910675970", "post", "text", "2021-02-18T16:30:25Z", {"likes": 74, "comments": 9, "shares": 19}),
        ],
    ),
    "x/pytwitter_users_batch": (
        of_account(twitter_account),
        [
            {"followers": 58677711, "following": 9, "posts": 13944},
            {"followers": 514020, "following": 2038, "posts": 3639},
        ],
    ),
    "x/pytwitter_users_me": (of_account(twitter_account), [{}]),
    "x/tweepy_user_timeline_page1": (
        tweets,
        [("1577730467436138524", "post", "text", {}), ("1565318587736285184", "post", "text", {})],
    ),
    "x/tweepy_users_me": (of_account(twitter_account), [{}]),
    "linkedin/airbyte_network_size_zero": (of_account(linkedin_account), [{"followers": 0}]),
    "linkedin/airbyte_share_statistics_lifetime_zero": (
        statistics,
        [{"likes": 0, "comments": 0, "shares": 0, "impressions": 0, "reach": 0, "clicks": 0}],
    ),
    "linkedin/ebx_post_video_dark": (
        advertisement,
        ("urn:li:share:6844785523593134080", "post", "video", "2021-10-21T04:36:08.774Z", True),
    ),
    "youtube/pyyoutube_channel_single": (of_account(youtube_account), [{"followers": 1927873, "posts": 5026}]),
    "youtube/pyyoutube_channels_info_multiple": (
        of_account(youtube_account),
        [{"followers": 10700000, "posts": 2678}, {"followers": 2260000, "posts": 5652}],
    ),
    "youtube/pyyoutube_channels_batch": (of_account(youtube_account), [{}, {}]),
    "youtube/pyyoutube_error_403_permission": (decision(youtube_refusal, 403), "PermissionMissing"),
    "youtube/pyyoutube_error_simple_oauth": (decision(youtube_refusal), "BadAnswer"),
    "youtube/analytix_day_four_metrics": (
        reports("comments", "views"),
        {
            "2022-06-20": {"comments": 0, "views": 778},
            "2022-06-21": {"comments": 8, "views": 1062},
            "2022-06-22": {"comments": 6, "views": 946},
            "2022-06-23": {"comments": 15, "views": 5107},
            "2022-06-24": {"comments": 2, "views": 2137},
            "2022-06-25": {"comments": 6, "views": 1005},
            "2022-06-26": {"comments": 1, "views": 888},
        },
    ),
}
