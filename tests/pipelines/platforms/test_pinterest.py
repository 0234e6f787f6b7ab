"""Tests of the Pinterest client: recorded answers, errors, and whole readings against the simulator."""

import base64
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from metrics.settings import load_settings
from pipelines.platforms.base import Access, App, Post, Tally
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
    WrongIdentity,
)
from pipelines.platforms.http import retries
from pipelines.platforms.http.client import Http
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.pinterest import calls, posts
from pipelines.platforms.pinterest.answers import (
    TooOld,
    account_numbers,
    is_saved,
    listed_post,
    post_numbers,
    raise_for,
    take_days,
)
from pipelines.platforms.pinterest.api import Pinterest
from pipelines.platforms.pinterest.days import FIELDS
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.quotas import SharedQuotas
from pipelines.platforms.registry import open_platform
from simulator.pinterest.account_analytics import reported
from simulator.pinterest.tokens import first_refresh_token
from simulator.pinterest.world import SECRET
from tests.pipelines.platforms.conftest import Answering
from tests.pipelines.platforms.fetching import Fetching, known, wanted
from tests.recorded import recorded, recordings
from tests.simulator_fixture import Simulator

PIN = Post("642396334344813594", "post", "image", datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture
def fetching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(calls, "_AGAIN_SECONDS", 0.001)
    return Fetching(simulator, "pinterest")


def asked(fetching: Fetching) -> dict[str, int]:
    return fetching.simulator.calls()["byKind"]


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
}  # fmt: skip
NOT_READ = {
    "openapi_boards_list_200_schema": "boards have no numbers that the catalog has",
    "openapi_pin_analytics_200_schema": "the catalog has no amounts of a day for posts",
    "openapi_pins_analytics_multi_200_schema": "the catalog has no amounts of a day for posts",
    "openapi_top_pins_200_schema": "the catalog has no amounts of a day for posts",
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


# Readings


def test_hour_takes_one_call_for_the_account_and_one_for_250_pins(fetching: Fetching) -> None:
    fetching.read()
    fetching.read([known(post) for post in fetching.here()])
    assert asked(fetching) == {"user_account": 2, "pins": 2}


def test_list_is_read_on_only_if_young_pins_may_follow(fetching: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts, "PAGE", 20)
    young = len(fetching.here())
    fetching.read()
    # The page with the last young pin is the last one if ten old ones follow on it.
    assert asked(fetching)["pins"] in (young // 20 + 1, young // 20 + 2)


def test_saved_pin_is_no_post(fetching: Fetching) -> None:
    newest = max(fetching.here(), key=lambda post: post.published_at).platform_post_id
    fetching.simulator.set_faults({"kind": "patch", "at": "items.0.parent_pin_id", "value": "7001"})
    reading = fetching.read()
    assert set(reading.listed) == {post.platform_post_id for post in fetching.here()} - {newest}
    assert reading.failures == {}


def test_other_account_of_a_token_is_refused(fetching: Fetching) -> None:
    access = Access(fetching.account.platform_account_id, {"access_token": other_token(fetching)})
    for call in (
        lambda: fetching.api.read(access, wanted(), fetching.tally),
        lambda: fetching.api.identify(access, fetching.tally),
        lambda: list(fetching.api.read_past(access, wanted(), fetching.tally)),
    ):
        with pytest.raises(WrongIdentity):
            call()


def other_token(fetching: Fetching) -> str:
    return fetching.simulator.world.account("pinterest", 4).token


def test_account_under_review_is_unreachable(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "suspended", "account": fetching.account.platform_account_id})
    with pytest.raises(AccountUnreachable):
        fetching.read()


def test_secret_pin_is_gone_and_a_foreign_one_too(fetching: Fetching) -> None:
    (first, *_) = fetching.here()
    foreign = fetching.simulator.world.post("pinterest", first.platform_post_id[:7] + "0000004" + "4813")
    names = {SECRET + first.platform_post_id[1:], foreign.platform_post_id if foreign else "42"}
    reading = fetching.read([*map(known, fetching.here()), *(Post(name, "post", "image", None) for name in names)])
    assert set(reading.gone) == names
    assert reading.failures == {}


def test_pins_that_an_incomplete_list_lacks_are_not_taken_for_deleted(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posts, "PAGE", 20)
    due = [known(post) for post in fetching.here()]
    fetching.simulator.set_faults({"kind": "error", "path": "/v5/pins", "page": 2})
    reading = fetching.read(due)
    assert (reading.gone, len(reading.posts)) == ([], 20)
    assert "pins" in reading.failures


def test_many_missing_pins_take_a_bounded_number_of_calls(fetching: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts, "MOST_SINGLE", 3)
    reading = fetching.read([Post(str(number), "post", "image", None) for number in range(1, 9)])
    assert (sorted(reading.gone), asked(fetching)["pins/{pin}"]) == (["1", "2", "3"], 3)
    assert reading.failures[posts.SINGLE] == "5 are left for the next hour"


def test_id_of_another_form_is_not_requested(fetching: Fetching) -> None:
    reading = fetching.read([Post("../user_account", "post", "image", None)])
    assert (reading.gone, asked(fetching)) == ([], {"user_account": 1, "pins": 1})
    assert "not the id of a pin" in reading.failures["../user_account"]


def test_unknown_levels_have_a_reason(fetching: Fetching) -> None:
    fetching.be(10)
    account = fetching.read().account
    assert account.unavailable == {"monthlyViews": "no_observation"}
    fetching.simulator.set_faults({"kind": "patch", "at": "follower_count", "value": None})
    assert fetching.read().account.unavailable["followers"] == "no_observation"


def test_missing_permission_for_pins_leaves_the_account(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "permission", "path": "/v5/pins"})
    reading = fetching.read([known(post) for post in fetching.here()])
    assert reading.account.metrics["followers"] == fetching.level("follower_count")
    assert (reading.posts, reading.gone) == ([], [])
    assert "Not authorized" in reading.failures["pins"]


# Days


def days(fetching: Fetching, count: int = 3) -> list[date]:
    policy = Pinterest.days
    return [policy.newest(fetching.now) - timedelta(days=back) for back in range(count)]


def test_days_equal_the_truth_in_one_call(fetching: Fetching) -> None:
    wanted_days = days(fetching, 89)
    found = fetching.api.read_days(fetching.access, wanted_days, fetching.tally)
    assert asked(fetching) == {"user_account/analytics": 1}
    for day in wanted_days:
        true = {
            name: reported(fetching.simulator.world, fetching.account, field, day, fetching.now)
            for name, field in FIELDS.items()
        }
        assert found.days[day].metrics == true, day


def test_range_that_is_refused_in_passing_is_requested_again_once(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "early_days", "times": 1})
    assert fetching.api.read_days(fetching.access, days(fetching), fetching.tally).failures == {}
    fetching.simulator.set_faults({"kind": "early_days"})
    tally = Tally()
    with pytest.raises(TooOld):
        fetching.api.read_days(fetching.access, days(fetching), tally)
    assert tally.requests == 2


def test_refused_metric_is_found_and_quarantined(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "retired_metric", "metric": "SAVE"})
    found = fetching.api.read_days(fetching.access, days(fetching), fetching.tally).days
    for reading in found.values():
        assert reading.unavailable["accountSaves"] == "metric_retired"
        assert "accountImpressions" in reading.metrics
    assert asked(fetching) == {"user_account/analytics": 1 + len(FIELDS)}


def test_days_without_permission_have_a_reason(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "permission", "path": "analytics"})
    found = fetching.api.read_days(fetching.access, days(fetching), fetching.tally).days
    assert {reason for one in found.values() for reason in one.unavailable.values()} == {"permission_missing"}


# Tokens


def renewing(fetching: Fetching, refresh_token: str, **more: str) -> Access:
    credentials = {"access_token": "old", "refresh_token": refresh_token, "client_id": "1500000",
                   "client_secret": "a-secret-of-the-app"}  # fmt: skip
    return Access(fetching.account.platform_account_id, {**credentials, **more})


def test_renewal_brings_both_tokens(fetching: Fetching) -> None:
    access = renewing(fetching, first_refresh_token(fetching.account))
    found = fetching.api.refresh(access, fetching.tally)
    assert found is not None
    assert found["access_token"] != "old"
    assert found["refresh_token"] != access.credentials["refresh_token"]
    assert timedelta(days=29) < datetime.fromtimestamp(found["expires_at"], UTC) - fetching.now < timedelta(days=31)
    renewed = Access(access.platform_account_id, found)
    assert fetching.api.identify(renewed, fetching.tally).platform_account_id == access.platform_account_id


def test_recorded_renewal_is_read(fixtures: Path, client: Http, server: Answering) -> None:
    body = recorded(fixtures, "pinterest/openapi_oauth_token_refresh_200_schema")
    server.say(body)
    credentials = {"access_token": "a", "refresh_token": "r", "client_id": "1", "client_secret": "s"}
    found = Pinterest(client, Quarantine()).refresh(Access("1", credentials), Tally())
    assert found is not None
    assert (found["access_token"], found["refresh_token"]) == (body["access_token"], body["refresh_token"])
    (_, headers), *_ = server.requests
    assert headers["Authorization"] == f"Basic {base64.b64encode(b'1:s').decode()}"


@pytest.mark.parametrize("token", ["pinr_1_nobody", "other"])
def test_refused_renewal_needs_a_person(fetching: Fetching, token: str) -> None:
    assert fetching.api.refresh(renewing(fetching, token), fetching.tally) is None
    assert fetching.api.refresh(fetching.access, fetching.tally) is None


# Quota


def opened(fetching: Fetching, redis: Redis, units: int) -> Any:
    settings = load_settings(_env_file=None, pinterest_url=fetching.simulator.url)
    return open_platform("pinterest", settings, quotas=SharedQuotas(redis, "pinterest", {"calls": units}))


def test_calls_of_two_workers_share_the_quota(fetching: Fetching, redis_client: Redis) -> None:
    first, second = (opened(fetching, redis_client, 3) for _ in range(2))
    first.read(fetching.access, wanted(), Tally())
    tally = Tally()
    reading = second.read(fetching.access, wanted(), tally)
    assert reading.account.metrics["followers"] == fetching.level("follower_count")
    assert (reading.posts, "daily quota" in reading.failures["pins"]) == ([], True)
    assert (tally.quota_used is not None, tally.limited) == (True, None)
    with pytest.raises(QuotaUsed):
        first.read(fetching.access, wanted(), Tally())
    assert sum(asked(fetching).values()) == 3


def test_retries_are_counted_too(fetching: Fetching, redis_client: Redis) -> None:
    fetching.simulator.set_faults({"kind": "error", "path": "user_account", "times": 2})
    api, tally = opened(fetching, redis_client, 10), Tally()
    api.read(fetching.access, wanted(), tally)
    assert (tally.requests, tally.used_percent) == (4, 40.0)


def test_repr_and_messages_have_no_token(fetching: Fetching) -> None:
    access = renewing(fetching, first_refresh_token(fetching.account))
    assert fetching.account.token not in repr(access)
    assert "secret-of-the-app" not in repr(App(SharedQuotas(Redis(), "pinterest", {}), "a-secret-of-the-app"))
    fetching.simulator.set_faults({"kind": "expired_token"})
    with pytest.raises(NeedsReauth) as caught:
        fetching.read()
    assert fetching.account.token not in str(caught.value)
