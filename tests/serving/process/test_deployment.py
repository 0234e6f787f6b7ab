"""The Prometheus gauges of the deployment."""

from datetime import timedelta

import httpx
from prometheus_client.core import CollectorRegistry
from redis import Redis

from metrics.clock import utcnow
from metrics.collection.hours import hours_to_look_at
from metrics.redis.keys import hanging_runs_key, quota_key
from metrics.redis.quotas import quota_day
from metrics.settings import Settings
from metrics.store import Store
from metrics.upkeep import hanging_runs, sizes
from metrics.upkeep.sizes import Sizes
from serving.process.deployment import DeploymentCollector
from serving.process.telemetry import listening
from tidemark.stack.ports import HOST, free_port


def gauges(settings: Settings) -> dict[tuple[str, ...], float]:
    registry = CollectorRegistry()
    collector = DeploymentCollector(settings)
    registry.register(collector)
    try:
        samples = [sample for family in registry.collect() for sample in family.samples]
    finally:
        collector.close()
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def test_missing_hours_and_late_rollups(seeded: Store, settings: Settings) -> None:
    seeded.marks.touch([("w1", "daily", hours_to_look_at(utcnow())[0])])
    seeded.db["roll_marks"].update_many({}, {"$set": {"touchedAt": utcnow() - timedelta(hours=2)}})
    found = gauges(settings)
    assert found["tidemark_missing_accounts", "instagram"] == 2 * len(hours_to_look_at(utcnow()))
    assert found["tidemark_missing_accounts", "twitter"] == 0
    assert 7200 <= found[("tidemark_roll_mark_age_seconds",)] < 7320
    assert not [name for name in found if "bytes" in name[0]], "nobody has measured yet"


def test_sizes_and_the_days_until_a_disk_is_full(store: Store, settings: Settings, redis_client: Redis) -> None:
    now = sizes.measure(store, redis_client, settings.home, 5_000_000, utcnow())
    sizes.keep(store, now)
    found = gauges(settings)
    assert found[("tidemark_dagster_bytes",)] == 5_000_000
    assert found[("tidemark_mongodb_bytes",)] == sum(now.collections.values()) > 0
    assert ("tidemark_disk_days_left",) not in found
    more = {name: size + size // 10 for name, size in now.free.items()}
    sizes.keep(store, Sizes(now.at - timedelta(days=1), now.stores, now.collections, more))
    assert round(gauges(settings)[("tidemark_disk_days_left",)]) == 10


def test_gauges_are_served_and_absent_while_mongodb_is_away(settings: Settings) -> None:
    port = free_port()
    away = settings.model_copy(update={"mongo_url": f"mongodb://{HOST}:1/", "prometheus_port": port})
    with listening(away):
        page = httpx.get(f"http://{HOST}:{port}/metrics", timeout=30).text
    assert "tidemark_http_request_seconds" in page
    assert "tidemark_missing_accounts" not in page


def test_hanging_runs_are_shown_as_long_as_somebody_counts_them(
    store: Store, settings: Settings, redis_client: Redis
) -> None:
    assert ("tidemark_hanging_runs",) not in gauges(settings)
    hanging_runs.keep(redis_client, 0)
    assert gauges(settings)[("tidemark_hanging_runs",)] == 0
    hanging_runs.keep(redis_client, 3)
    assert gauges(settings)[("tidemark_hanging_runs",)] == 3
    assert 0 < redis_client.ttl(hanging_runs_key()) <= hanging_runs.KEPT_SECONDS


def test_used_parts_of_daily_quotas_are_shown(store: Store, settings: Settings, redis_client: Redis) -> None:
    key = quota_key("youtube", "general", quota_day("youtube", utcnow()))
    redis_client.set(key, settings.units_per_day("youtube")["general"] // 4)
    found = gauges(settings)
    assert found["tidemark_quota_used", "youtube", "general"] == 0.25
    assert found["tidemark_quota_used", "youtube", "stats"] == 0


def test_other_gauges_are_there_while_redis_is_away(store: Store, settings: Settings) -> None:
    found = gauges(settings.model_copy(update={"redis_url": f"redis://{HOST}:1"}))
    assert ("tidemark_roll_mark_age_seconds",) in found
    assert ("tidemark_hanging_runs",) not in found
    assert not [name for name in found if name[0] == "tidemark_quota_used"]
