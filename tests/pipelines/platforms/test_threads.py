"""Tests of the Threads client: recorded answers, errors, and whole readings against the simulator."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics.clock import utcnow
from metrics.settings import load_settings
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    CallsUsed,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    RequestRefused,
    WrongIdentity,
)
from pipelines.platforms.graph.answers import insights
from pipelines.platforms.graph.errors import raise_for
from pipelines.platforms.http import retries
from pipelines.platforms.http.client import Http
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.registry import open_platform
from pipelines.platforms.threads.answers import is_about_another, listed_post, next_place, take_day, take_followers
from pipelines.platforms.threads.api import Threads
from simulator import truth
from simulator.threads.world import REPLY, REPOST, extras
from tests.pipelines.platforms.conftest import Answering
from tests.pipelines.platforms.fetching import Fetching, known, wanted
from tests.recorded import recorded
from tests.simulator_fixture import Simulator

NOW = datetime(2026, 11, 20, tzinfo=UTC)
PARTS = {
    "profileViews": ["views"],
    "accountInteractions": ["likes", "replies", "reposts", "quotes"],
    "linkClicks": ["clicks"],
}


def error(code: int, message: str = "x", subcode: int | None = None) -> dict[str, Any]:
    more = {} if subcode is None else {"error_subcode": subcode}
    return {"error": {"message": message, "type": "THApiException", "code": code, **more}}


@pytest.fixture
def more(fixtures: Path) -> Path:
    """The folder with the recorded answers of the platforms that were added later."""
    return fixtures.parent / "fixtures-more"


@pytest.fixture
def fetching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    return Fetching(simulator, "threads")


# --- recorded answers ------------------------------------------------------------------------------------------------


def test_recorded_insights_of_a_post(more: Path) -> None:
    body = recorded(more, "threads/media_insights_200")
    assert insights(body) == {"views": 412, "likes": 31, "replies": 4, "reposts": 2, "quotes": 1, "shares": 3}
    assert not is_about_another(body, "1234567")
    assert is_about_another(body, "1234568")
    assert insights(recorded(more, "threads/repost_facade_insights_200")) == {}


@pytest.mark.parametrize(("day", "views"), [(25, 52), (26, 47)])
def test_recorded_insights_of_an_account(more: Path, day: int, views: int) -> None:
    body, numbers = recorded(more, "threads/user_insights_200"), Numbers()
    for name, parts in PARTS.items():
        take_day(numbers, date(2026, 11, day), name, parts, body)
    assert numbers.metrics == {"profileViews": views, "accountInteractions": 38, "linkClicks": 7}
    take_followers(numbers, body)
    assert numbers.metrics["followers"] == 1520


def test_recorded_list_goes_on_after_its_cursor_although_it_has_no_next(more: Path) -> None:
    body = recorded(more, "threads/restfb_replies_list")
    assert next_place(body, 100) == {"after": "AFTER_CURSOR"}
    assert next_place({"data": []}, 100) is None
    with pytest.raises(ValueError, match="no cursor"):
        next_place({"data": [1, 2]}, 2)
    posts = [listed_post(item) for item in body["data"]]
    assert {(post.platform_post_id, post.content_type) for post in posts} == {("1234567890", "text")}
    assert posts[0].published_at == datetime(2024, 1, 1, 18, 20, tzinfo=UTC)


def test_recorded_profile_is_an_identity(more: Path, client: Http, server: Answering) -> None:
    server.say(recorded(more, "threads/restfb_profile"))
    api = Threads(client, Quarantine())
    identity = api.identify(Access("1234567", {"access_token": "t"}), Tally())
    assert (identity.platform_account_id, identity.handle) == ("1234567", "threadsapitestuser")
    with pytest.raises(WrongIdentity):
        api.identify(Access("7654321", {"access_token": "t"}), Tally())


def test_recorded_token_lives_for_sixty_days(more: Path, client: Http, server: Answering) -> None:
    server.say(recorded(more, "threads/pyfacebook_token_long_lived"))
    found = Threads(client, Quarantine()).refresh(Access("1", {"access_token": "old"}), Tally())
    assert found["access_token"] == "THQV…"
    assert found["expires_at"] == pytest.approx(utcnow().timestamp() + 5_183_944, abs=60)
    ((path, headers),) = server.requests
    assert path == "/refresh_access_token?grant_type=th_refresh_token"
    assert headers["Authorization"] == "Bearer old"


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "leaf"),
    [
        (error(190, subcode=463), NeedsReauth),
        (error(10), PermissionMissing),
        (error(100, subcode=33), PostGone),
        (error(4), RateLimited),
        (error(17), RateLimited),
        (error(32), RateLimited),
        (error(100, "Param fields is not valid"), RequestRefused),
    ],
)
def test_errors_have_the_codes_of_meta(body: Any, leaf: type[PlatformError]) -> None:
    with pytest.raises(PlatformError) as caught:
        raise_for(400, body, {})
    assert type(caught.value) is leaf


def test_account_that_is_denied_is_unreachable(client: Http, server: Answering) -> None:
    server.say(error(100, subcode=33), 400)
    with pytest.raises(AccountUnreachable):
        Threads(client, Quarantine()).identify(Access("1", {"access_token": "t"}), Tally())


# --- whole readings --------------------------------------------------------------------------------------------------


def test_reading_equals_the_truth_and_takes_a_call_per_post(fetching: Fetching) -> None:
    here = fetching.here()
    reading = fetching.read([known(post) for post in here])
    assert fetching.check(reading) == 4 * len(here)
    assert reading.handle == fetching.account.handle
    assert fetching.tally.calls == 3 + len(here)
    assert reading.failures == {}


def test_reposts_and_replies_are_no_posts_of_the_account(fetching: Fetching) -> None:
    reading, world = fetching.read(), fetching.simulator.world
    begin = fetching.now - timedelta(days=90)
    items = (extras(world, fetching.account, place, begin, fetching.now) for place in (REPOST, REPLY))
    others = {item.item_id for of_place in items for item in of_place}
    assert len(others) > 10
    assert not others & reading.listed.keys()
    assert not others & {post.platform_post_id for post, _ in reading.posts}


def test_announced_repost_has_no_numbers_and_not_zero(fetching: Fetching) -> None:
    begin = fetching.now - timedelta(days=60)
    repost = next(extras(fetching.simulator.world, fetching.account, REPOST, begin, fetching.now))
    post = Post(repost.item_id, "post", "other", repost.published_at)
    reading = fetching.read([post])
    ((_, found),) = [pair for pair in reading.posts if pair[0].platform_post_id == repost.item_id]
    assert found.metrics == {}
    assert found.unavailable == dict.fromkeys(("likes", "comments", "shares", "views"), "no_observation")


def test_days_equal_the_truth_with_a_call_for_each(fetching: Fetching) -> None:
    days = [fetching.api.days.newest(fetching.now) - timedelta(days=back) for back in range(10)]  # type: ignore[union-attr]
    found, world, account = (
        fetching.api.read_days(fetching.access, days, fetching.tally),
        fetching.simulator.world,
        fetching.account,
    )
    assert found.failures == {}
    for day, reading in found.days.items():
        for name, parts in PARTS.items():
            true = sum(truth.day_value(world, account, part, day) for part in parts)
            assert reading.metrics.get(name, 0) == true
            assert true or reading.unavailable == {"linkClicks": "no_observation"}
    assert fetching.tally.calls == len(days)
    assert any(reading.unavailable for reading in found.days.values()), "a day without any click"


def test_days_before_the_first_are_not_asked_for(fetching: Fetching) -> None:
    policy = fetching.api.days
    assert policy is not None
    assert policy.oldest(datetime(2025, 1, 1, tzinfo=UTC)) == date(2024, 4, 13)
    assert policy.oldest(NOW) == date(2024, 11, 20)
    first = fetching.api.read_days(fetching.access, [date(2024, 4, 13)], fetching.tally)
    assert first.failures == {}
    with pytest.raises(PlatformError, match="1712991600"):
        fetching.api.read_days(fetching.access, [date(2024, 4, 12)], fetching.tally)


def test_refused_metric_is_left_out_alone(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "retired_metric", "metric": "views"})
    here = fetching.here()
    reading = fetching.read([known(post) for post in here])
    assert fetching.check(reading, "not_supported") == 3 * len(here)
    assert reading.refused.keys() == {post.platform_post_id for post in here}
    kinds = {post.kind for post, _ in reading.posts}
    # Two posts of each kind cost a refused call and one for each metric, all others the usual one.
    assert fetching.tally.calls <= 3 + len(here) + 2 * len(kinds) * 4
    fetching.quarantine.new(whole=True)
    days = [fetching.api.days.newest(fetching.now)]  # type: ignore[union-attr]
    found = fetching.api.read_days(fetching.access, days, Tally()).days[days[0]]
    assert found.unavailable["profileViews"] == "not_supported"
    assert found.metrics["accountInteractions"] > 0


def test_metric_in_quarantine_is_asked_for_once_a_day(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "retired_metric", "metric": "views"})
    here = [known(post) for post in fetching.here()]
    fetching.read(here)
    stored = Quarantine(lambda _: False)
    stored.load_stored(fetching.quarantine.new(whole=True))
    http = Http(fetching.simulator.url)
    tally = Tally()
    reading = Threads(http, stored).read(fetching.access, wanted(*here), tally)
    assert tally.calls == 3 + len(here)
    assert {found.unavailable.get("views") for _, found in reading.posts} == {"metric_retired"}
    asked = Quarantine(lambda _: True)
    asked.load_stored(fetching.quarantine.new(whole=True))
    fetching.simulator.set_faults()
    Threads(http, asked).read(fetching.access, wanted(*here), Tally())
    assert asked.lifted


def test_token_without_insights_costs_two_calls_for_posts(fetching: Fetching) -> None:
    account_id = fetching.account.platform_account_id
    fetching.simulator.set_faults({"kind": "permission", "account": account_id, "path": "insights"})
    reading = fetching.read([known(post) for post in fetching.here()])
    assert fetching.tally.calls == 3 + 2
    assert len(reading.posts) == len(fetching.here())
    assert {reason for _, found in reading.posts for reason in found.unavailable.values()} == {"permission_missing"}
    assert reading.account.unavailable == {"followers": "permission_missing"}
    assert (reading.insights_granted, reading.insights_denied) == (False, 2)


def test_limit_stops_the_posts_and_keeps_what_was_read(fetching: Fetching) -> None:
    here = fetching.here()
    oldest = min(here, key=lambda post: post.published_at)
    fetching.simulator.set_faults({"kind": "account_limit", "object": oldest.platform_post_id, "seconds": 1800})
    reading = fetching.read([known(post) for post in here])
    assert len(reading.posts) == len(here) - 1
    assert fetching.tally.limited is not None
    assert fetching.tally.limited.until > utcnow() + timedelta(minutes=25)


def test_posts_that_fail_in_a_row_are_left_for_the_next_hour(fetching: Fetching) -> None:
    fetching.tally = Tally(tries=1)
    fetching.simulator.set_faults({"kind": "error", "path": "/insights"})
    reading = fetching.read([known(post) for post in fetching.here()])
    assert reading.posts == []
    assert fetching.tally.calls == 3 + 3
    assert "left for the next hour: 3 posts in a row failed" in reading.failures["posts"]


def test_insights_of_another_post_are_not_taken(fetching: Fetching) -> None:
    post = fetching.here()[-1]
    patch = {"at": "data.0.id", "value": "17999/insights/views/lifetime", "object": post.platform_post_id}
    fetching.simulator.set_faults({"kind": "patch", **patch})
    reading = fetching.read([known(post)])
    assert post.platform_post_id not in {one.platform_post_id for one, _ in reading.posts}
    assert "another post" in reading.failures[post.platform_post_id]


def test_insights_of_another_account_are_not_taken(fetching: Fetching) -> None:
    at = {"path": "threads_insights", "at": "data.0.id", "value": "23999/insights/views/day"}
    fetching.simulator.set_faults({"kind": "patch", **at})
    for read in (
        fetching.read,
        lambda: fetching.api.read_days(fetching.access, [date(2026, 11, 18)], Tally()),
    ):
        with pytest.raises(WrongIdentity):
            read()


def test_own_budget_holds_back_the_oldest_posts(fetching: Fetching) -> None:
    class Budget:
        left = 13

        def spend(self, *, for_posts: bool = False) -> float:
            if for_posts and self.left <= 0:
                raise CallsUsed
            self.left -= 1
            return 50.0

    here = sorted(fetching.here(), key=lambda post: post.published_at, reverse=True)
    fetching.tally = Tally(budget=Budget())
    reading = fetching.read([known(post) for post in here])
    assert [post.platform_post_id for post, _ in reading.posts] == [post.platform_post_id for post in here[:10]]
    assert reading.held_back == len(here) - 10
    assert (fetching.tally.limited, fetching.tally.used_percent) == (None, 50.0)
    pages = list(fetching.api.read_past(fetching.access, wanted(), Tally(budget=Budget())))
    assert len(pages[0].posts) == 12


def test_history_waits_when_the_own_budget_is_used(fetching: Fetching) -> None:
    class Used:
        def spend(self, *, for_posts: bool = False) -> float:
            if for_posts:
                raise CallsUsed
            return 99.0

    tally = Tally(budget=Used())
    next(iter(fetching.api.read_past(fetching.access, wanted(), tally)))
    assert isinstance(tally.limited, CallsUsed)
    assert utcnow() < tally.limited.until <= utcnow() + timedelta(hours=1)


def test_token_is_renewed_at_its_own_host(simulator: Simulator) -> None:
    account = simulator.world.account("threads", 3)
    settings = load_settings(_env_file=None, threads_url=f"{simulator.url}/graph.threads.net")
    api = open_platform("threads", settings)
    access = Access(account.platform_account_id, {"access_token": account.token, "expires_at": 1.0})
    found = api.refresh(access, Tally())
    assert found is not None
    assert found["expires_at"] == pytest.approx(utcnow().timestamp() + 60 * 86_400, abs=60)
    assert api.identify(Access(account.platform_account_id, found), Tally()).handle == account.handle


def test_field_of_the_content_that_is_refused_loses_no_post(client: Http, server: Answering) -> None:
    server.say(error(100, "Tried accessing nonexisting field (thumbnail_url) on node type (ThreadsMedia)"), 400)
    posts = Threads(client, Quarantine())._posts(
        Access("1", {"access_token": "t"}), wanted(), AccountReading(Reading(NOW)), Tally()
    )
    with pytest.raises(BadAnswer):
        posts._page({}, 100)
    fields = [path.partition("fields=")[2].partition("&")[0] for path, _ in server.requests]
    assert [("thumbnail_url" in one) for one in fields] == [True, False]
