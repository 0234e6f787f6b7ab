"""Tests of the Pinterest client: whole readings against the simulator, renewals and quotas."""

import base64
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from metrics.settings import load_settings
from pipelines.platforms.base import App
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    AccountUnreachable,
    NeedsReauth,
    QuotaUsed,
    WrongIdentity,
)
from pipelines.platforms.http import retries
from pipelines.platforms.http.client import Http
from pipelines.platforms.pinterest import calls, posts
from pipelines.platforms.pinterest.answers import (
    TooOld,
)
from pipelines.platforms.pinterest.api import Pinterest
from pipelines.platforms.pinterest.days import FIELDS
from pipelines.platforms.pinterest.top_pins import PATH
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.quotas import SharedQuotas
from pipelines.platforms.registry import open_platform
from simulator.pinterest.account_analytics import reported
from simulator.pinterest.tokens import first_refresh_token
from simulator.pinterest.world import SECRET
from tests.pipelines.platforms.conftest import Answering
from tests.pipelines.platforms.fetching import Fetching, known, wanted
from tests.recorded import recorded
from tests.simulator_fixture import Simulator


@pytest.fixture
def fetching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(calls, "_AGAIN_SECONDS", 0.001)
    return Fetching(simulator, "pinterest")


def asked(fetching: Fetching) -> dict[str, int]:
    """Return the number of calls by kind. The most shown pins are asked for once a day; here, by each new memory."""
    return fetching.simulator.calls()["byKind"]


# Readings


def test_hour_takes_one_call_for_the_account_and_one_for_250_pins(fetching: Fetching) -> None:
    fetching.read()
    fetching.read([known(post) for post in fetching.here()])
    assert asked(fetching) == {"user_account": 2, "pins": 2, PATH: 2}


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
    assert (reading.gone, asked(fetching)) == ([], {"user_account": 1, "pins": 1, PATH: 1})
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
    first, second = (opened(fetching, redis_client, 4) for _ in range(2))
    first.read(fetching.access, wanted(), Tally())
    tally = Tally()
    reading = second.read(fetching.access, wanted(), tally)
    assert reading.account.metrics["followers"] == fetching.level("follower_count")
    assert (reading.posts, "daily quota" in reading.failures["pins"]) == ([], True)
    assert (tally.quota_used is not None, tally.limited) == (True, None)
    with pytest.raises(QuotaUsed):
        first.read(fetching.access, wanted(), Tally())
    assert sum(asked(fetching).values()) == 4


def test_retries_are_counted_too(fetching: Fetching, redis_client: Redis) -> None:
    fetching.simulator.set_faults({"kind": "error", "path": "user_account", "times": 2})
    api, tally = opened(fetching, redis_client, 10), Tally()
    api.read(fetching.access, wanted(), tally)
    assert (tally.requests, tally.used_percent) == (5, 50.0)


def test_repr_and_messages_have_no_token(fetching: Fetching) -> None:
    access = renewing(fetching, first_refresh_token(fetching.account))
    assert fetching.account.token not in repr(access)
    assert "secret-of-the-app" not in repr(App(SharedQuotas(Redis(), "pinterest", {}), "a-secret-of-the-app"))
    fetching.simulator.set_faults({"kind": "expired_token"})
    with pytest.raises(NeedsReauth) as caught:
        fetching.read()
    assert fetching.account.token not in str(caught.value)
