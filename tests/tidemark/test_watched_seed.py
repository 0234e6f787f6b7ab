"""Tests of the seeded history of watched accounts: it is what a reading would have stored, and shows benchmarks."""

from datetime import timedelta

import pytest
from redis import Redis

from metrics.benchmarks.groups import GroupPeriod, group_periods
from metrics.benchmarks.reading import periods_of, watch_of
from metrics.documents import Platform
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from metrics.watching.lists import NewWatch, watch
from pipelines.rollup import roll
from pipelines.watching.read import slot_at
from tests.pipelines.watching.days import NOW, Days
from tests.simulator_fixture import Simulator
from tidemark.seed import Plan, seed
from tidemark.watched_seed import GROUP, OTHERS, PLATFORMS, seed_watched

READ_AT = NOW + timedelta(days=3)
"""The last seeded reading, at 06:10."""
WHAT = Plan(NOW.replace(hour=0, minute=0), READ_AT.replace(hour=9, minute=0), ("demo",))


@pytest.fixture
def days(store: Store, redis_client: Redis, settings: Settings, simulator: Simulator) -> Days:
    return Days.of(store, redis_client, settings, simulator)


def seed_demo(store: Store, settings: Settings, days: Days) -> int:
    """Seed four days of a workspace with its own accounts and the watched ones."""
    world = days.simulator.world
    seed(store, Vault(settings.secret_keys), world, WHAT, lambda _done, _total: None)
    written = seed_watched(store, world, WHAT)
    for mark in store.public.marks.pending("daily"):
        roll(store.public, "daily", [mark.start], run_id="r", workspace_ids=["demo"], now=WHAT.end)
    return written


def groups_of(store: Store) -> list[GroupPeriod]:
    """Return the group of the demo on each platform, over the seeded days."""
    watched = watch_of(store, "demo", group=GROUP)
    periods = periods_of(store, watched, "custom", WHAT.start.date(), READ_AT.date(), WHAT.end)
    return list(group_periods(watched, periods, WHAT.end))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_last_seeded_reading_is_what_the_reader_stores(
    days: Days, store: Store, settings: Settings, platform: Platform
) -> None:
    seed_demo(store, settings, days)
    seeded = next(one for one in store.watch_lists.all("demo", platform) if "own" not in one)
    assert (seeded["state"], seeded["lookedAt"]) == ("active", READ_AT)
    days.connect(platform, workspace="w")
    new = NewWatch(platform, seeded["key"])
    read = watch(store, "w", new, WHAT.start, 100).document["_id"]
    assert days.read(platform, READ_AT, workspace_ids=["w"]).read == 1
    slot = slot_at(READ_AT)
    expected = days.values(read)
    assert len(expected) > 3
    assert {key: value for key, value in days.values(seeded["_id"]).items() if key[0] == slot} == expected


def test_own_account_is_compared_and_seeding_again_changes_nothing(
    days: Days, store: Store, settings: Settings
) -> None:
    written = seed_demo(store, settings, days)
    first = groups_of(store)
    assert [one.platform for one in first] == list(PLATFORMS)
    for group in first:
        found = group.comparison("followers")
        assert (found.n, found.left_out, len(found.standings)) == (len(OTHERS), {}, 1)
        assert group.comparison("engagement").quartiles is not None
    assert seed_demo(store, settings, days) == written
    assert [one.accounts for one in groups_of(store)] == [one.accounts for one in first]


def test_nothing_is_watched_without_an_hour_of_reading(days: Days, store: Store) -> None:
    night = Plan(WHAT.start, WHAT.start + timedelta(hours=5), ("demo",))
    assert seed_watched(store, days.simulator.world, night) == 0
    assert store.watch_lists.all("demo") == []
