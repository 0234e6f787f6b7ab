"""The Pinterest client reads recorded answers number for number, and each error leads to one decision."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.platforms.data.post import Post
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    RequestRefused,
    Transient,
)
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.pinterest.answers import (
    TooOld,
    account_numbers,
    is_saved,
    listed_post,
    post_numbers,
    raise_for,
    take_days,
)
from pipelines.platforms.pinterest.days import FIELDS
from pipelines.platforms.pinterest.pin_days import PinDays
from pipelines.platforms.quarantine import Quarantine
from tests.recorded import recorded, recordings

PIN = Post("642396334344813594", "post", "image", datetime(2026, 11, 1, tzinfo=UTC))


# Recorded answers


@pytest.mark.parametrize(
    ("name", "numbers", "unavailable"),
    [
        (
            "openapi_user_account_200_schema",
            {"followers": 10, "following": 347, "posts": 339, "monthlyViews": 163},
            {},
        ),
        (
            "user_account_new_account",
            {"followers": 0, "following": 0, "posts": 3},
            {"monthlyViews": "no_observation"},
        ),
    ],
)
def test_recorded_account_is_read_number_for_number(
    fixtures: Path, name: str, numbers: dict[str, int], unavailable: dict[str, str]
) -> None:
    found = account_numbers(recorded(fixtures, f"pinterest/{name}"))
    assert (found.metrics, found.unavailable, found.odd) == (numbers, unavailable, {})


def test_recorded_pin_is_read_number_for_number(fixtures: Path) -> None:
    (item,) = recorded(fixtures, "pinterest/openapi_pins_list_200_schema")["items"]
    found = post_numbers(PIN, item)
    assert found.metrics == {"impressions": 2, "clicks": 7, "outboundClicks": 3, "likes": 10, "comments": 2}
    assert (found.unavailable, found.odd) == ({"saves": "no_observation"}, {})
    assert is_saved(item)
    post = listed_post({**item, "id": PIN.platform_post_id, "created_at": "2026-11-01T00:00:00"})
    assert (post, post.kind) == (PIN, ("post", "image"))
    assert post.content is not None
    assert post.content.permalink == "https://www.pinterest.com/pin/642396334344813594/"
    assert str(post.content.thumbnail_url).startswith("https://i.pinimg.com/400x300/")


def test_recorded_day_is_read_number_for_number(fixtures: Path) -> None:
    day = date(2026, 11, 1)
    found = {day: Numbers(), day + timedelta(days=1): Numbers()}
    take_days(found, recorded(fixtures, "pinterest/openapi_user_account_analytics_200_schema"), FIELDS)
    assert found[day].metrics == {
        "accountImpressions": 240, "accountInteractions": 58, "accountSaves": 20, "accountClicks": 37, "linkClicks": 20,
    }  # fmt: skip
    assert set(found[day + timedelta(days=1)].unavailable.values()) == {"not_yet_available"}


def test_recorded_days_of_pins_are_read_number_for_number(fixtures: Path) -> None:
    one = recorded(fixtures, "pinterest/openapi_pins_analytics_multi_200_schema")["<pin_id>"]
    day = date(2019, 12, 1)
    pin = replace(PIN, content_type="video", published_at=datetime(2019, 12, 1, 8, tzinfo=UTC))
    asked: list[dict[str, str]] = []

    def ask(path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        asked.append({"path": path, **params})
        return {pin.platform_post_id: one}

    found = PinDays(ask, "1", Quarantine(), Tally(), day).read({pin: day})
    reading = found.posts[pin.platform_post_id][day]
    assert reading.metrics == {"videoViews": 29, "watchTime": 10031}
    assert reading.unavailable == dict.fromkeys(("follows", "profileVisits"), "no_observation")
    assert (found.odd, found.failures) == ({}, {})
    names = set(asked[0].pop("metric_types").split(","))
    assert names == {"VIDEO_START", "VIDEO_V50_WATCH_TIME", "USER_FOLLOW", "PROFILE_VISIT"}
    days = {"start_date": "2019-12-01", "end_date": "2019-12-01"}
    assert asked == [{"path": "pins/analytics", "pin_ids": pin.platform_post_id, **days}]


DECISIONS: list[tuple[str, int, type[PlatformError]]] = [
    ("error_authentication_failed", 401, NeedsReauth),
    ("openapi_error_401_scope", 401, PermissionMissing),
    ("openapi_pins_analytics_multi_401_example", 401, PostGone),
    ("openapi_pin_analytics_403_example", 403, PostGone),
    ("openapi_user_account_403_example", 403, PermissionMissing),
    ("openapi_user_account_analytics_403_example", 403, PermissionMissing),
    ("openapi_top_pins_403_example", 403, PermissionMissing),
    ("openapi_top_video_pins_403_example", 403, PermissionMissing),
    ("error_pin_not_found", 404, PostGone),
    ("openapi_pin_analytics_404_example", 404, PostGone),
    ("openapi_pins_analytics_multi_404_example", 404, PostGone),
    ("openapi_error_404_user_not_found", 404, PostGone),
    ("error_400_last_90_days", 400, TooOld),
    ("openapi_pins_analytics_multi_400_example", 400, RequestRefused),
    ("openapi_user_account_analytics_400_example", 400, RequestRefused),
    ("error_rate_limit", 429, RateLimited),
    ("openapi_pins_analytics_multi_429_example", 429, RateLimited),
]


@pytest.mark.parametrize(("name", "status", "leaf"), DECISIONS)
def test_recorded_error_leads_to_one_decision(
    fixtures: Path, name: str, status: int, leaf: type[PlatformError]
) -> None:
    with pytest.raises(PlatformError) as caught:
        raise_for(status, recorded(fixtures, f"pinterest/{name}"), {})
    assert type(caught.value) is leaf


READ = {
    "openapi_user_account_200_schema", "user_account_new_account", "openapi_pins_list_200_schema",
    "openapi_user_account_analytics_200_schema", "openapi_oauth_token_refresh_200_schema",
    "openapi_pins_analytics_multi_200_schema", "openapi_top_pins_200_schema",
}  # fmt: skip
NOT_READ = {
    "openapi_boards_list_200_schema": "boards have no numbers that the catalog has",
    "openapi_pin_analytics_200_schema": "days of pins are read for a hundred pins in one call",
}


def test_every_recorded_answer_is_read_or_excused(fixtures: Path) -> None:
    stems = {file.stem for file in recordings(fixtures, "pinterest")}
    assert stems == READ | NOT_READ.keys() | {name for name, _, _ in DECISIONS}


@pytest.mark.parametrize(
    ("status", "body", "leaf"),
    [
        (403, {"code": 2625, "message": "Your account is under review."}, AccountUnreachable),
        (403, {"code": 29, "message": "You are not permitted to access that resource."}, PermissionMissing),
        (429, {"code": 30, "message": "You have exceeded your rate limit."}, RateLimited),
        (500, {"code": 500, "message": "x"}, Transient),
        (503, None, Transient),
        (401, {"detail": "no"}, BadAnswer),
        (404, "not found", BadAnswer),
        (405, {"code": 405, "message": "x"}, BadAnswer),
    ],
)
def test_status_decides(status: int, body: Any, leaf: type[PlatformError]) -> None:
    with pytest.raises(PlatformError) as caught:
        raise_for(status, body, {})
    assert type(caught.value) is leaf


# Parsing


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-07-09T10:43:44", datetime(2026, 7, 9, 10, 43, 44, tzinfo=UTC)),
        ("2026-07-09T10:43:44.123456", datetime(2026, 7, 9, 10, 43, 44, 123_000, tzinfo=UTC)),
        ("2026-07-09T10:43:44+02:00", datetime(2026, 7, 9, 8, 43, 44, tzinfo=UTC)),
    ],
)
def test_time_without_a_zone_is_utc(text: str, at: datetime) -> None:
    assert listed_post({"id": "1", "created_at": text}).published_at == at


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        ({"media_type": "image"}, "image"),
        ({"media_type": "video"}, "video"),
        ({"media_type": "multiple_images"}, "carousel"),
        ({"media_type": "multiple_mixed"}, "carousel"),
        ({"media_type": "hologram"}, "other"),
        (None, "other"),
    ],
)
def test_media_tell_the_kind(media: Any, kind: str) -> None:
    assert listed_post({"id": "1", "created_at": "2026-07-09T10:43:44", "media": media}).content_type == kind


@pytest.mark.parametrize(
    ("metrics", "published", "reason"),
    [
        (None, "2026-11-01", "no_observation"),
        ({"90d": {}, "lifetime_metrics": None}, "2026-11-01", "no_observation"),
        ({"90d": {}, "lifetime_metrics": None}, "2023-03-19", "not_supported"),
        ({"90d": {"impression": 5}}, "2026-11-01", "provider_error"),
        ({"lifetime_metrics": {}}, "2026-11-01", "provider_error"),
        ("none", "2026-11-01", "provider_error"),
    ],
)
def test_pin_without_numbers_has_a_reason(metrics: Any, published: str, reason: str) -> None:
    post = Post("1", "post", "image", datetime.fromisoformat(published).replace(tzinfo=UTC))
    found = post_numbers(post, {"pin_metrics": metrics})
    assert (found.metrics, set(found.unavailable.values())) == ({}, {reason})


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("PROCESSING", "not_yet_available"),
        ("BEFORE_BUSINESS_CREATED", "not_recoverable"),
        ("BEFORE_CORE_METRIC_START_DATE", "not_recoverable"),
        ("AUDIENCE_TOTAL_SMALLER_THAN_THRESHOLD", "privacy_threshold"),
        ("IN_BAD_TAG_DATE", "no_observation"),
        (None, "provider_error"),
    ],
)
def test_status_of_a_day_is_the_reason(status: Any, reason: str) -> None:
    day = date(2026, 11, 1)
    found = {day: Numbers()}
    row = {"date": "2026-11-01", "data_status": status, "metrics": {"SAVE": 5}}
    take_days(found, {"all": {"daily_metrics": [row]}}, FIELDS)
    assert (found[day].metrics, set(found[day].unavailable.values())) == ({}, {reason})


def test_day_that_comes_twice_with_other_numbers_is_unknown() -> None:
    day = date(2026, 11, 1)
    found = {day: Numbers()}
    rows = [{"date": "2026-11-01", "data_status": "READY", "metrics": {"SAVE": n}} for n in (1, 2)]
    take_days(found, {"all": {"daily_metrics": rows}}, FIELDS)
    assert found[day].unavailable["accountSaves"] == "provider_error"
