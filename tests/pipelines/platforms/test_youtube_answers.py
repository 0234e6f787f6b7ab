"""Tests of the parsers for YouTube: recorded answers, statistics, errors, and ids."""

from pathlib import Path
from typing import Any

import pytest

from metrics.clock import utcnow
from metrics.periods import next_midnight
from pipelines.platforms.data.post import Post
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    QuotaUsed,
    RateLimited,
    RequestRefused,
    Transient,
)
from pipelines.platforms.youtube.answers import (
    CHANNEL,
    VIDEO,
    account_numbers,
    by_id,
    is_hidden,
    items_of,
    listed_post,
    post_numbers,
    raise_for,
    shown_name,
)
from pipelines.platforms.youtube.days import rows_by_day
from pipelines.platforms.youtube.uploads import UPLOADS
from tests.clock import INSTANT
from tests.recorded import recorded

NOW = INSTANT
CHANNEL_ID = "UC_x5XG1OV2P6uZZ5FSM9Ttw"
CHANNELS = "youtube#channelListResponse"


def test_recorded_channel(fixtures: Path) -> None:
    (channel,) = by_id(items_of(recorded(fixtures, "youtube/pyyoutube_channel_single"), CHANNELS), CHANNEL).values()
    assert account_numbers(channel).metrics == {"followers": 1927873, "posts": 5026}
    assert shown_name(channel) == "googledevelopers"


def test_recorded_entry_of_a_list_has_the_time_of_publication_only_in_its_details(fixtures: Path) -> None:
    body = recorded(fixtures, "youtube/pyyoutube_playlist_items_page1")
    items = items_of(body, "youtube#playlistItemListResponse")
    details = [item.get("contentDetails") for item in items]
    assert all(one is None or listed_post(item).published_at for item, one in zip(items, details, strict=True))


def test_hidden_numbers_have_a_reason_and_no_value() -> None:
    post = Post("0123456789a", "post", "video", NOW)
    found = post_numbers(post, {"statistics": {"viewCount": "17"}})
    assert found.metrics == {"views": 17}
    assert found.unavailable == {"likes": "permission_missing", "comments": "not_supported"}
    hidden = account_numbers({"statistics": {"hiddenSubscriberCount": True, "videoCount": "4"}})
    assert (hidden.metrics, hidden.unavailable) == ({"posts": 4}, {"followers": "permission_missing"})


@pytest.mark.parametrize("statistics", [None, {}, {"likeCount": "3"}, {"status": "ok"}])
def test_statistics_without_views_are_of_another_shape(statistics: Any) -> None:
    found = post_numbers(Post("0123456789a", "post", "video", NOW), {"statistics": statistics})
    assert set(found.unavailable.values()) == {"provider_error"}
    assert "views" not in found.metrics


def test_private_and_deleted_entries_are_no_videos() -> None:
    entry = {"contentDetails": {"videoId": "0123456789a"}}
    assert [is_hidden(entry | {"status": {"privacyStatus": one}}) for one in ("public", "unlisted", "private")] == [
        False, False, True,
    ]  # fmt: skip
    assert is_hidden(entry | {"status": {"privacyStatus": "privacyStatusUnspecified"}})
    assert listed_post(entry).published_at is None


def error(code: int, reason: str, message: str = "no", domain: str = "global") -> dict[str, Any]:
    return {
        "error": {
            "code": code,
            "message": message,
            "errors": [{"message": message, "domain": domain, "reason": reason}],
        }
    }


@pytest.mark.parametrize(
    ("status", "body", "leaf"),
    [
        (403, error(403, "quotaExceeded", domain="youtube.quota"), QuotaUsed),
        (403, error(403, "dailyLimitExceeded"), QuotaUsed),
        (429, error(429, "x", "limit 'FreeQuotaRequestsPerDayPerProject' is used"), QuotaUsed),
        (403, error(403, "userRateLimitExceeded"), RateLimited),
        (403, error(403, "rateLimitExceeded"), Transient),
        (429, error(429, "rateLimitExceeded"), Transient),
        (401, error(401, "authError"), NeedsReauth),
        (403, error(403, "insufficientPermissions"), PermissionMissing),
        (403, error(403, "forbidden"), PermissionMissing),
        (403, error(403, "accessNotConfigured"), BadAnswer),
        (400, error(400, "keyInvalid"), BadAnswer),
        (400, error(400, "badRequest", "API key not valid. Please pass a valid API key."), BadAnswer),
        (403, error(403, "channelSuspended"), AccountUnreachable),
        (403, error(403, "channelClosed"), AccountUnreachable),
        (404, error(404, "channelNotFound"), AccountUnreachable),
        (404, error(404, "playlistNotFound"), PostGone),
        (404, error(404, "videoNotFound"), PostGone),
        (400, error(400, "invalidPageToken"), RequestRefused),
        (400, error(400, "required"), RequestRefused),
        (500, error(500, "backendError"), Transient),
        (503, error(503, "internalError"), Transient),
        (200, error(403, "forbidden"), PermissionMissing),
        *((status, {"detail": "whatever answers here"}, BadAnswer) for status in (400, 401, 403, 404)),
        (502, {"detail": "whatever answers here"}, Transient),
    ],
)
def test_each_answer_is_one_decision(status: int, body: Any, leaf: type[PlatformError]) -> None:
    with pytest.raises(leaf) as caught:
        raise_for(status, body, {})
    assert type(caught.value) is leaf


def test_used_quota_waits_for_midnight_in_california_and_shows_no_markup() -> None:
    message = 'exceeded your <a href="/youtube/v3/getting-started#quota">quota</a>.'
    with pytest.raises(QuotaUsed) as caught:
        raise_for(403, error(403, "quotaExceeded", message), {})
    assert caught.value.until == next_midnight(utcnow(), "America/Los_Angeles")
    with pytest.raises(PermissionMissing) as shown:
        raise_for(403, error(403, "forbidden", message), {})
    assert str(shown.value) == "exceeded your quota."


@pytest.mark.parametrize(
    ("name", "status", "leaf"),
    [
        ("error_403_quota_exceeded", 403, QuotaUsed),
        ("error_429_rate_limit_errorinfo", 429, Transient),
        ("reporting_error_429_daily_quota", 429, QuotaUsed),
        ("error_401_auth_error", 401, NeedsReauth),
        ("pyyoutube_error_400_key_invalid", 400, BadAnswer),
        ("analytics_error_400_query_not_supported", 400, RequestRefused),
        ("analytics_error_400_required", 400, RequestRefused),
        ("analytics_error_403_not_monetized", 403, PermissionMissing),
        ("analytics_error_500_backend", 500, Transient),
    ],
)
def test_documented_error_is_one_decision(fixtures: Path, name: str, status: int, leaf: type[PlatformError]) -> None:
    with pytest.raises(leaf) as caught:
        raise_for(status, recorded(fixtures, f"youtube/{name}"), {})
    assert type(caught.value) is leaf


def test_documented_statistics_are_read_number_for_number(fixtures: Path) -> None:
    body = recorded(fixtures, "youtube/batch_get_stats_200_schema")
    (item,) = by_id(items_of(body, "youtube#batchGetStatsResponse"), VIDEO).values()
    assert post_numbers(Post("aaaaaaaaaaa", "post", "video", NOW), item).metrics == {
        "views": 1200, "likes": 34, "comments": 5,
    }  # fmt: skip
    nothing = recorded(fixtures, "youtube/analytics_no_rows")
    assert rows_by_day(nothing, ("day", "engagedViews")) == {}
    (entry,) = items_of(
        recorded(fixtures, "youtube/pyyoutube_playlist_item_filter_video"), "youtube#playlistItemListResponse"
    )
    with pytest.raises(KeyError):
        # The time in the snippet is that of adding the video to the list, and is not taken for its publication.
        listed_post(entry)


def test_video_ids_and_channel_ids_have_their_forms() -> None:
    assert CHANNEL.fullmatch(CHANNEL_ID)
    assert VIDEO.fullmatch("D-lhorsDlUQ")
    assert UPLOADS == "uploads"
