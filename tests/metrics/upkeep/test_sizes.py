"""Growth of the stores between nightly samples, and the days until a disk is full."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from metrics.settings import Settings
from metrics.store import Store
from metrics.upkeep import sizes
from metrics.upkeep.sizes import HERE, MONGODB, Growth, Sizes

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def sample(days_ago: float, mongodb: int, free: int = 1000) -> Sizes:
    return Sizes(NOW - timedelta(days=days_ago), {MONGODB: mongodb}, {"metrics": mongodb}, {MONGODB: free})


def test_growth_is_that_of_the_last_two_weeks(store: Store) -> None:
    for one in (sample(20, 1), sample(10, 100, 1100), sample(0.5, 999)):
        sizes.keep(store, one)
    grown = sizes.growth(store, sample(0, 150))
    assert grown == Growth({MONGODB: 5.0}, {"metrics": 5.0}, {MONGODB: 10.0})


def test_growth_is_unknown_before_a_day_has_passed(store: Store) -> None:
    sizes.keep(store, sample(0.5, 999))
    assert sizes.growth(store, sample(0, 150)) is None


def test_sample_of_a_day_takes_the_place_of_an_earlier_one(store: Store) -> None:
    sizes.keep(store, sample(0.2, 1))
    sizes.keep(store, sample(0, 2))
    assert store.db["store_sizes"].count_documents({}) == 1
    found = sizes.newest(store, NOW)
    assert found is not None
    assert found.stores == {MONGODB: 2}
    assert sizes.newest(store, NOW + timedelta(days=3)) is None, "a sample of three days ago is too old"


@pytest.mark.parametrize(
    ("stores", "disk", "days"),
    [(50.0, 0.0, 20), (50.0, 100.0, 10), (50.0, -400.0, 20), (-50.0, 0.0, None)],
    ids=["the store grows", "something else grows", "something else was deleted once", "the store shrinks"],
)
def test_disk_fills_as_fast_as_the_faster_of_both(stores: float, disk: float, days: int | None) -> None:
    left = sizes.days_left(sample(0, 1), Growth({MONGODB: stores}, {}, {MONGODB: disk}))
    assert left == ({} if days is None else {MONGODB: days})


def test_every_present_store_is_measured(store: Store, redis_client: Redis, settings: Settings) -> None:
    (settings.home / "logs").mkdir()
    (settings.home / "logs" / "serving.log").write_text("x" * 123)
    found = sizes.measure(store, redis_client, settings.home, None, NOW)
    assert found.stores["logs"] == 123
    assert found.stores["redis"] > 0
    assert found.stores["mongodb"] == sum(found.collections.values()) >= found.collections["metrics"] >= 0
    assert {"accounts", "metrics"} <= found.collections.keys()
    assert set(found.free) == {HERE, MONGODB}
    assert "dagster" not in found.stores
