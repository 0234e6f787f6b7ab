"""Planted events: what they change, from when on, and that nothing of them is left when they are removed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.periods import DAY, HOUR
from simulator import truth
from simulator.events import KINDS, MOST_EVENTS, OF_FOLLOWERS, OF_POST, Event, Kind
from simulator.registry import new_world
from simulator.world import SimAccount, SimPost, World
from tests.simulator.conftest import NOW
from tests.simulator_fixture import Simulator

WORLD, QUIET = new_world(), new_world()
START = datetime(2026, 6, 10, 9, 30, tzinfo=UTC)
POSTS_BEFORE = timedelta(days=20)


def event(kind: Kind, account: SimAccount | None = None, **more: Any) -> Event:
    of = {"account": account.platform_account_id} if account else {"platform": "instagram"}
    if kind == OF_POST and account:
        of["post"] = newest_post(account).platform_post_id
    return Event.parse({"kind": kind, "start": START.isoformat(), "size": 0.5, **of, **more})


def newest_post(account: SimAccount) -> SimPost:
    """Return the last post of an account before the event, which still grows, and is no story."""
    posts = QUIET.posts(account, START - POSTS_BEFORE, START)
    return next(post for post in reversed(posts) if post.metric_type != "story")


@pytest.fixture
def world() -> Iterator[World]:
    """A world for planting in, of the same seed as `QUIET`, in which nothing is planted."""
    yield WORLD
    WORLD.remove_events(WORLD.events.planted)


def numbers(of: World, account: SimAccount, now: datetime) -> list[dict[str, int]]:
    """Return all levels of an account and all counters of its posts."""
    platform = of.platforms[account.platform]
    levels = {name: truth.account_value(of, account, name, now) for name in platform.levels}
    posts = of.posts(account, START - POSTS_BEFORE, now)
    return [levels, *(truth.post_values(of, post, platform.counters, now) for post in posts)]


def views(of: World, account: SimAccount, start: datetime, end: datetime) -> int:
    """Return the views that all posts of an account got in a span of time."""
    posts = of.posts(account, START - timedelta(days=60), end)
    return sum(truth.views_at(of, post, end) - truth.views_at(of, post, start) for post in posts)


def accounts(platform: str = "instagram", count: int = 12) -> list[SimAccount]:
    return [WORLD.account(platform, index) for index in range(count)]  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_event_changes_numbers_only_from_its_start_on(world: World, kind: Kind) -> None:
    account = world.account("facebook", 4)
    day = START.date()
    world.plant([event(kind, None if kind == "platform_day" else account, platform="facebook")])
    before = [START - timedelta(days=back) for back in (19, 3)] + [START - HOUR, START - timedelta(seconds=1), START]
    for now in before:
        assert numbers(world, account, now) == numbers(QUIET, account, now)
    for name in world.platforms["facebook"].days:
        assert truth.day_value(world, account, name, day - DAY) == truth.day_value(QUIET, account, name, day - DAY)
    assert numbers(world, account, START + 9 * HOUR) != numbers(QUIET, account, START + 9 * HOUR)


@pytest.mark.parametrize("kind", KINDS)
def test_event_changes_nothing_but_what_it_names(world: World, kind: Kind) -> None:
    account, other = world.account("instagram", 4), world.account("instagram", 5)
    platform = world.platforms["instagram"]
    if kind == "platform_day":
        other = world.account("threads", 5)
        world.plant([event(kind)])
    else:
        world.plant([event(kind, account, size=0.5)])
    later, day = START + DAY, START.date()
    assert numbers(world, other, later) == numbers(QUIET, other, later), "another account"
    (levels, *posts), (levels_of_old, *posts_of_old) = (numbers(of, account, later) for of in (world, QUIET))
    changed = {name for name in levels if levels[name] != levels_of_old[name]}
    days = {
        name for name in platform.days
        if truth.day_value(world, account, name, day) != truth.day_value(QUIET, account, name, day)
    }  # fmt: skip
    if kind == OF_POST:
        assert (changed, days) == (set(), set())
        assert sum(new != old for new, old in zip(posts, posts_of_old, strict=True)) == 1
    elif kind in OF_FOLLOWERS:
        assert (changed, posts) == ({"followers_count"}, posts_of_old)
        assert days == {"follower_count" if kind == "bought_followers" else "unfollows"}
    else:
        assert changed == set()
        assert posts != posts_of_old
        assert {"reach", "views"} <= days
        assert not days & {"follower_count", "unfollows"}


@pytest.mark.parametrize(("kind", "size", "factor"), [("spike", 3, 3), ("outage", 0.8, 0.2), ("outage", 1, 0)])
def test_growth_while_an_event_lasts_is_multiplied_and_then_as_before(
    world: World, kind: Kind, size: float, factor: float
) -> None:
    for account in accounts():
        world.plant([event(kind, account, size=size, hours=6)])
        end, count = START + 6 * HOUR, len(world.posts(account, START - timedelta(days=60), START + DAY))
        assert views(world, account, START, end) == pytest.approx(
            factor * views(QUIET, account, START, end), abs=count * (factor + 1)
        )
        assert views(world, account, end, end + DAY) == pytest.approx(views(QUIET, account, end, end + DAY), abs=count)


def test_breakout_multiplies_the_growth_of_one_post(world: World) -> None:
    account = world.account("instagram", 7)
    post = newest_post(account)
    world.plant([event("breakout", account, size=6, hours=20), event("spike", account, size=2, hours=4)])

    def grown(of: World, one: SimPost, first: float, last: float) -> int:
        seen = [truth.views_at(of, one, START + hours * HOUR) for hours in (first, last)]
        return seen[1] - seen[0]

    assert grown(world, post, -100, 0) == grown(QUIET, post, -100, 0)
    assert grown(world, post, 0, 4) == pytest.approx(12 * grown(QUIET, post, 0, 4), abs=13)
    assert grown(world, post, 4, 20) == pytest.approx(6 * grown(QUIET, post, 4, 20), abs=7)
    assert grown(world, post, 20, 300) == pytest.approx(grown(QUIET, post, 20, 300), abs=2)
    for other in world.posts(account, START - POSTS_BEFORE, START)[:-1]:
        if other != post:
            assert grown(world, other, 4, 300) == pytest.approx(grown(QUIET, other, 4, 300), abs=2)


def test_shift_stays(world: World) -> None:
    account = world.account("instagram", 7)
    world.plant([event("shift", account, size=2)])
    for days in (0, 5, 60):
        start = START + days * DAY
        shifted, as_before = (views(of, account, start, start + DAY) for of in (world, QUIET))
        assert shifted == pytest.approx(2 * as_before, abs=150)
    day = START.date() + 9 * DAY
    amounts = [truth.day_value(of, account, "reach", day) for of in (world, QUIET)]
    assert amounts[0] == pytest.approx(2 * amounts[1], abs=2)


def test_part_of_a_day_moves_a_part_of_its_amount(world: World) -> None:
    account = world.account("instagram", 7)
    flat = truth.day_value(QUIET, account, "views", START.date())
    world.plant([event("outage", account, size=1, hours=48)])
    first, whole = (truth.day_value(world, account, "views", START.date() + n * DAY) for n in (0, 1))
    assert 0.1 * flat < first < 0.7 * flat
    assert whole == 0


@pytest.mark.parametrize(("kind", "left"), [("follower_drop", 0.7), ("bought_followers", 1.3)])
def test_followers_come_or_leave_for_good(world: World, kind: Kind, left: float) -> None:
    account = world.account("instagram", 3)
    world.plant([event(kind, account, size=0.3, hours=10)])
    for hours, part in ((5, 0.5), (10, 1), (2400, 1)):
        found, old = (
            truth.account_value(of, account, "followers_count", START + hours * HOUR) for of in (world, QUIET)
        )
        assert found == pytest.approx(old * (1 + (left - 1) * part), abs=1.5)
    field = "follower_count" if left > 1 else "unfollows"
    moved, old = (truth.day_value(of, account, field, START.date()) for of in (world, QUIET))
    assert moved - old == pytest.approx(0.3 * truth.account_value(QUIET, account, "followers_count", START), rel=0.03)


def test_platform_day_strikes_a_share_of_the_accounts_of_one_platform(world: World) -> None:
    world.plant([event("platform_day", size=3, share=0.9)])
    struck = [numbers(world, a, START + DAY) != numbers(QUIET, a, START + DAY) for a in accounts(count=100)]
    assert 80 <= sum(struck) <= 98
    other = world.account("bluesky", 0)
    assert numbers(world, other, START + DAY) == numbers(QUIET, other, START + DAY)


def test_holiday_strikes_everybody(world: World) -> None:
    world.plant([Event.parse({"kind": "holiday", "start": "2026-06-10T00:00:00Z", "size": 0})])
    for platform in world.platforms:
        account = world.account(platform, 2)
        day = datetime(2026, 6, 10, tzinfo=UTC)
        assert views(world, account, day, day + DAY) == 0


@given(
    st.lists(
        st.builds(
            lambda kind, hours, size, length: event(
                kind, WORLD.account("instagram", 9), start=(START + hours * HOUR).isoformat(), size=size, hours=length
            ),
            st.sampled_from([kind for kind in KINDS if kind != "platform_day"]),
            st.floats(-400, 400),
            st.floats(0, 1),
            st.floats(0.1, 500),
        ),
        max_size=5,
    ),
    st.lists(st.floats(0, 30 * 24), min_size=2, max_size=8),
)
def test_views_never_fall_whatever_is_planted(events: list[Event], ages: list[float]) -> None:
    world = new_world()
    world.plant(events)
    for post in world.posts(world.account("instagram", 9), START - 9 * DAY, START + 3 * DAY):
        seen = [truth.views_at(world, post, post.published_at + age * HOUR) for age in sorted(ages)]
        assert seen == sorted(seen)
        assert seen == [truth.post_value(world, post, "views", post.published_at + age * HOUR) for age in sorted(ages)]


def test_days_of_a_platform_that_counts_them_are_the_growth_of_its_posts(world: World) -> None:
    """X has no amounts of its own: a day is the growth of the lifetime counters, with events and hours in it."""
    account, day = world.account("twitter", 5), START.date()
    world.plant([event("spike", account, size=4, hours=10)])
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    posts = [p for p in world.posts(account, start - 90 * DAY, start + DAY) if p.visible(start + DAY)]
    grown = sum(truth.post_value(world, p, "impression_count", start + DAY) for p in posts)
    grown -= sum(truth.post_value(world, p, "impression_count", start) for p in posts)
    assert truth.day_value(world, account, "impressions", day) == grown
    assert grown > truth.day_value(QUIET, account, "impressions", day)


def test_planted_event_is_told_and_removed(api: Simulator) -> None:
    account = api.world.account("instagram", 4)
    query = {"object": account.platform_account_id, "field": "followers_count", "instant": NOW.isoformat()}
    before = api.client.get("/_control/truth", params=query).json()["value"]
    start = NOW - 2 * DAY
    asked = {"kind": "follower_drop", "start": start.isoformat(), "size": 0.5, "account": account.platform_account_id}
    (planted,) = api.client.post("/_control/events", json=asked).json()
    assert (planted["kind"], planted["hours"], datetime.fromisoformat(planted["end"])) == (
        "follower_drop", 24.0, start + DAY,
    )  # fmt: skip
    assert api.client.get("/_control/events", params={"object": account.platform_account_id}).json() == [planted]
    other = api.world.account("instagram", 5).platform_account_id
    assert api.client.get("/_control/events", params={"object": other}).json() == []
    assert api.client.get("/_control/truth", params=query).json()["value"] == pytest.approx(before / 2, abs=1)
    assert api.client.delete("/_control/events", params={"id": planted["id"]}).json() == []
    assert api.client.get("/_control/truth", params=query).json()["value"] == before
    assert api.client.delete("/_control/events", params={"id": planted["id"]}).status_code == 400


def test_breakout_is_planted_in_a_post_of_the_account(api: Simulator) -> None:
    account, other = (api.world.account("instagram", index) for index in (4, 5))
    post, foreign = (api.world.posts(one, NOW - 2 * DAY, NOW)[0].platform_post_id for one in (account, other))
    query = {"object": post, "field": "views", "instant": (NOW + DAY).isoformat()}
    before = api.client.get("/_control/truth", params=query).json()["value"]
    asked = {
        "kind": "breakout",
        "start": (NOW - 3 * DAY).isoformat(),
        "size": 9,
        "account": account.platform_account_id,
    }
    for wrong in ({}, {"post": foreign}, {"post": "nobody"}, {"post": 7}, {"post": post, "account": None}):
        answer = api.client.post("/_control/events", json={**asked, **wrong})
        assert (answer.status_code, answer.json()["detail"][:4]) == (400, "post")
    spike = {**asked, "kind": "spike", "post": post}
    assert api.client.post("/_control/events", json=spike).status_code == 400
    (planted,) = api.client.post("/_control/events", json={**asked, "post": post}).json()
    assert (planted["post"], planted["hours"], planted["end"]) == (post, None, None)
    assert api.client.get("/_control/events", params={"object": account.platform_account_id}).json() == [planted]
    assert api.client.get("/_control/truth", params=query).json()["value"] == pytest.approx(9 * before, abs=9)
    assert api.client.delete("/_control/events").json() == []
    assert api.client.get("/_control/truth", params=query).json()["value"] == before


def test_reset_removes_events(api: Simulator) -> None:
    asked = [{"kind": "holiday", "start": NOW.isoformat(), "size": 0.4}] * 3
    assert len(api.client.post("/_control/events", json=asked).json()) == 3
    api.reset()
    assert api.client.get("/_control/events").json() == []


def test_no_more_events_than_the_world_holds(api: Simulator) -> None:
    asked = [{"kind": "holiday", "start": NOW.isoformat(), "size": 0.4}] * (MOST_EVENTS + 1)
    assert api.client.post("/_control/events", json=asked).status_code == 400
    assert api.client.get("/_control/events").json() == []


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "party"},
        {"start": "yesterday"},
        {"start": "2026-06-01T00:00:00"},
        {"start": 3},
        {"size": -1},
        {"size": "much"},
        {"size": True},
        {"size": None},
        {"kind": "outage", "size": 1.5},
        {"hours": 0},
        {"hours": -2},
        {"share": 2},
        {"platform": "myspace"},
        {"platform": 3},
        {"platform": "threads"},
        {"account": "nobody"},
        {"account": 7},
        {"kind": "platform_day"},
        {"colour": "red"},
        {"id": "event-1"},
    ],
)
def test_event_that_makes_no_sense_is_refused(api: Simulator, change: dict[str, Any]) -> None:
    account = api.world.account("instagram", 4).platform_account_id
    asked = {"kind": "spike", "start": NOW.isoformat(), "size": 2, "account": account, **change}
    answer = api.client.post("/_control/events", json=[asked])
    assert answer.status_code == 400
    assert "\n" not in answer.json()["detail"]
    assert api.client.get("/_control/events").json() == []


def test_peers_have_a_known_rank(api: Simulator) -> None:
    peers = [api.world.account("instagram", index) for index in range(8)]
    query = {
        "objects": ",".join(one.platform_account_id for one in peers),
        "field": "followers_count",
        "instant": NOW.isoformat(),
    }
    ranked = api.client.get("/_control/ranks", params=query).json()
    true = {p.platform_account_id: truth.account_value(api.world, p, "followers_count", NOW) for p in peers}
    assert {one["object"]: one["value"] for one in ranked} == true
    assert [one["value"] for one in ranked] == sorted(true.values(), reverse=True)
    assert [one["rank"] for one in ranked] == [1 + sum(v > one["value"] for v in true.values()) for one in ranked]
    reach = api.client.get("/_control/ranks", params={**query, "field": "reach", "period": "day"}).json()
    assert [one["value"] for one in reach] == sorted(
        (truth.day_value(api.world, p, "reach", NOW.date()) for p in peers), reverse=True
    )


@pytest.mark.parametrize("change", [{"objects": ""}, {"objects": "a,b"}, {"field": "nonsense"}, {"instant": "soon"}])
def test_ranks_refuse_nonsense(api: Simulator, change: dict[str, str]) -> None:
    query = {"objects": "17841400000000001", "field": "followers_count", "instant": NOW.isoformat(), **change}
    assert api.client.get("/_control/ranks", params=query).status_code == 400


def test_equal_values_share_the_best_rank() -> None:
    assert truth.true_order({"a": 3, "b": 9, "c": 3, "d": 1}) == [(1, "b", 9), (2, "a", 3), (2, "c", 3), (4, "d", 1)]


def test_audience_of_an_account_and_of_a_post_is_told(api: Simulator) -> None:
    account = api.world.account("instagram", 4)
    told = api.client.get("/_control/audience", params={"object": account.platform_account_id}).json()
    assert (len(told["hours"]), len(told["weekdays"])) == (168, 7)
    post = api.world.posts(account, NOW - 30 * DAY, NOW)[0]
    told = api.client.get("/_control/audience", params={"object": post.platform_post_id}).json()
    assert told["final"] > 0 < told["hours"]
    assert told["viral"] is False
    assert api.client.get("/_control/audience", params={"object": "nobody"}).status_code == 400
