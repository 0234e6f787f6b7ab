"""Tests of the Facebook client: recorded answers number for number, and whole readings against the simulator."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from metrics.catalog import offered
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import AccountUnreachable
from pipelines.platforms.facebook.answers import account_numbers, listed_post, shares, summary
from pipelines.platforms.facebook.api import Facebook
from pipelines.platforms.graph.answers import insights
from pipelines.platforms.http import retries
from pipelines.platforms.http.client import Http
from pipelines.platforms.numbers import ABSENT
from pipelines.platforms.quarantine import Quarantine
from simulator import truth
from tests.pipelines.platforms.conftest import Answering
from tests.pipelines.platforms.fetching import Fetching, known, wanted
from tests.recorded import recorded
from tests.simulator_fixture import Simulator


@pytest.fixture
def fetching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    return Fetching(simulator, "facebook")


def test_recorded_summaries(fixtures: Path) -> None:
    (page,) = recorded(fixtures, "facebook/keboola_page_ids_nested_posts_summary").values()
    posts = page["posts"]["data"]
    assert [summary(post, "reactions") for post in posts[:3]] == [1, 10, 1]
    first = listed_post(posts[0])
    assert first.platform_post_id == "177057932317550_1126854757337858"
    assert first.published_at == datetime(2016, 6, 22, 6, 23, 24, tzinfo=UTC)
    assert summary(posts[0], "comments") is ABSENT


def test_recorded_insights_of_a_post_and_of_a_video(fixtures: Path) -> None:
    post = recorded(fixtures, "facebook/restfb_post_with_insights_nested")
    assert insights(post["insights"]) == {"post_engaged_users": 0}
    video = recorded(fixtures, "facebook/restfb_video_with_insights_nested")
    found = insights(video["video_insights"])
    assert found["total_video_views"] == 6
    assert isinstance(found["total_video_view_time_by_distribution_type"], dict)


def test_recorded_page_without_its_level_says_so(fixtures: Path) -> None:
    assert account_numbers(recorded(fixtures, "facebook/restfb_page_fan_count_only")).metrics == {}
    assert account_numbers({"followers_count": 7}).metrics == {"followers": 7}


def test_unshared_post_has_no_field_and_that_is_zero() -> None:
    assert (shares({}), shares({"shares": {"count": 4}})) == (0, 4)


def test_an_hour_costs_one_request_and_a_second_for_what_is_new(fetching: Fetching) -> None:
    young, seen = map(known, fetching.here(20)), map(known, fetching.here())
    fetching.api.read(fetching.access, wanted(*young, known=seen), fetching.tally)
    assert fetching.tally.requests == 1
    fetching.read([known(post) for post in fetching.here(9)])
    assert fetching.tally.requests > 2


def test_retired_metric_that_is_not_named_is_found_and_left_out(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "retired_metric", "metric": "post_clicks"})
    reading = fetching.read()
    # The refusals of a single account affect only its own posts.
    assert fetching.check(reading, "metric_retired", "not_supported") > 200
    again = fetching.read([known(post) for post in fetching.here(9)])
    assert fetching.check(again, "metric_retired", "not_supported") > 20


def test_days_equal_the_truth(fetching: Fetching) -> None:
    days = [(fetching.now - timedelta(days=back)).date() for back in range(3, 12)]
    found = fetching.api.read_days(fetching.access, days, fetching.tally).days
    names = {name: offer.field for name, offer in offered("facebook", "account").items() if name != "followers"}
    for day in days:
        true = {n: truth.day_value(fetching.simulator.world, fetching.account, f, day) for n, f in names.items()}
        assert found[day].metrics == true


def test_small_page_tells_nothing_of_its_days(fetching: Fetching) -> None:
    world = fetching.simulator.world
    accounts = (world.account("facebook", index) for index in range(500))
    small = next(a for a in accounts if truth.account_value(world, a, "fan_count", fetching.now) < 90)
    access = Access(small.platform_account_id, {"access_token": small.token})
    day = (fetching.now - timedelta(days=3)).date()
    found = fetching.api.read_days(access, [day], fetching.tally).days[day]
    assert found.metrics == {}
    assert set(found.unavailable.values()) == {"privacy_threshold"}


def test_page_that_is_not_there_is_a_missing_permission(fetching: Fetching) -> None:
    with pytest.raises(AccountUnreachable):
        fetching.api.read(Access("100000000999999", fetching.access.credentials), wanted(), Tally())


def test_odd_item_of_a_list_is_named_and_the_page_is_read(client: Http, server: Answering) -> None:
    server.element = lambda path, _: {"data": [3]} if "/" in path else {"id": "1", "followers_count": 5}
    reading = Facebook(client, Quarantine()).read(Access("1", {"access_token": "t"}), wanted(), Tally())
    assert reading.account.metrics == {"followers": 5}
    assert "unexpected form" in reading.failures["published_posts: an item without an id"]
