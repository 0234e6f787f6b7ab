"""The recorded answers that are not compared with those of the simulator, each with the reason."""

NOT_COMPARED: dict[str, str] = {
    **dict.fromkeys(
        [
            "instagram/airbyte_me_accounts_some_without_instagram",
            "facebook/pyfacebook_me_accounts_page2",
        ],
        "finding accounts is not part of collection; a token of the simulator has one page",
    ),
    **dict.fromkeys(
        [
            "facebook/restfb_debug_token_inner_2",
            "facebook/restfb_debug_token_inner_3",
            "facebook/restfb_debug_token_inner_4",
            "facebook/restfb_debug_token_minimal",
        ],
        "collection does not ask for it; what is told differs from token to token in the recordings too",
    ),
    **dict.fromkeys(
        [
            "instagram/restfb_media_boosted",
            "facebook/keboola_feed_ids_nested_comments",
            "facebook/restfb_post_reactions_edge",
            "facebook/pyfacebook_page_default_fields",
            "facebook/pyfacebook_pages_batch_ids_default_fields",
            "x/pytwitter_home_timeline",
            "x/pytwitter_quote_tweets",
            "x/pytwitter_tweet_counts_recent",
            "x/pytwitter_user_mentions",
            "x/pytwitter_users_batch",
            "x/pytwitter_user_object_full",
            "x/tweepy_followed_lists_short_page",
            "x/tweepy_owned_lists",
            "x/tweepy_pinned_lists",
            "x/tweepy_quote_tweets",
            "x/tweepy_search_recent_page1",
            "x/tweepy_user_mentions_short_page",
            "linkedin/ebx_organization",
            "linkedin/ebx_share_legacy",
            "linkedin/ebx_social_action_comment",
            "linkedin/ebx_ugc_post_legacy",
        ],
        "an endpoint, or a set of fields, that collection does not ask for",
    ),
    **dict.fromkeys(
        ["facebook/restfb_insights_page_1", "facebook/restfb_insights_page_3", "facebook/restfb_insights_v3_3"],
        "page_fans_city, which the API no longer has; its series is that of restfb_page_with_insights_nested",
    ),
    **dict.fromkeys(
        [
            "facebook/pyfacebook_error_100_ppca_needs_appsecret_proof",
            "facebook/restfb_error_1_subcode_user_message",
            "facebook/restfb_error_oauth_2500",
            "facebook/restfb_error_minimal",
        ],
        "pages of others, fundraisers, a dialog, a specimen: errors of what collection never asks for; what each comes "
        "to, tests/pipelines/platforms/test_graph.py checks",
    ),
    "youtube/pyyoutube_oauth_token": "a token of a first connection, with fields of the client that stored it",
    "youtube/pyyoutube_error_simple_oauth": "a specimen, with no error of Google's in it",
    "facebook/pyfacebook_feed_page2": "a last page that pages by time, to an end of its own; page 1 is compared",
}
