"""Tests of the daily quotas of the app: shared counts, their end at midnight of the platform, and Redis being away."""

from datetime import UTC, datetime

import pytest
from redis import Redis

from metrics.clock import utcnow
from metrics.periods import next_midnight
from metrics.redis.keys import quota_key
from metrics.redis.quotas import quota_day, used_quotas
from pipelines.platforms import quotas as quotas_module
from pipelines.platforms.errors import QuotaUsed
from pipelines.platforms.quotas import SharedQuotas
from tidemark.stack.ports import HOST, free_port

UNITS = {"general": 3, "stats": 2}


def at(monkeypatch: pytest.MonkeyPatch, instant: datetime) -> None:
    monkeypatch.setattr(quotas_module, "utcnow", lambda: instant)


@pytest.fixture
def shared(redis_client: Redis) -> SharedQuotas:
    return SharedQuotas(redis_client, "youtube", UNITS)


def test_workers_share_a_quota(redis_client: Redis, shared: SharedQuotas) -> None:
    other = SharedQuotas(redis_client, "youtube", UNITS)
    assert [round(one.spend("general")) for one in (shared, other, shared)] == [33, 67, 100]
    for one in (shared, other):
        with pytest.raises(QuotaUsed, match="general"):
            one.spend("general")
    # Each quota is counted for itself.
    assert shared.spend("stats") == 50


def test_platform_that_says_a_quota_is_used_is_believed(redis_client: Redis, shared: SharedQuotas) -> None:
    shared.spend("stats")
    error = shared.exhausted("stats")
    assert error.quota == "stats"
    for one in (shared, SharedQuotas(redis_client, "youtube", UNITS)):
        with pytest.raises(QuotaUsed):
            one.spend("stats")
    assert shared.spend("general")


@pytest.mark.parametrize(
    ("instant", "ends"),
    [
        # Midnight in California is 08:00 UTC in winter, 07:00 UTC in summer; clocks change on 8 March and 1 November.
        (datetime(2026, 1, 15, 7, 59, tzinfo=UTC), datetime(2026, 1, 15, 8, tzinfo=UTC)),
        (datetime(2026, 1, 15, 8, 0, tzinfo=UTC), datetime(2026, 1, 16, 8, tzinfo=UTC)),
        (datetime(2026, 3, 8, 9, 0, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC)),
        (datetime(2026, 7, 15, 6, 59, tzinfo=UTC), datetime(2026, 7, 15, 7, tzinfo=UTC)),
        (datetime(2026, 11, 1, 8, 0, tzinfo=UTC), datetime(2026, 11, 2, 8, tzinfo=UTC)),
    ],
)
def test_quota_ends_at_midnight_in_california(
    shared: SharedQuotas, monkeypatch: pytest.MonkeyPatch, instant: datetime, ends: datetime
) -> None:
    assert next_midnight(instant, "America/Los_Angeles") == ends
    at(monkeypatch, instant)
    for _ in range(2):
        shared.spend("stats")
    with pytest.raises(QuotaUsed) as caught:
        shared.spend("stats")
    assert caught.value.until <= ends
    at(monkeypatch, ends)
    assert shared.spend("stats") == 50


def test_used_quotas_are_listed_with_their_end(redis_client: Redis, shared: SharedQuotas) -> None:
    now = utcnow()
    shared.spend("general")
    general, stats = used_quotas(redis_client, {"instagram": {}, "youtube": UNITS}, now)
    assert (general.platform, general.quota, general.used, general.units) == ("youtube", "general", 1, 3)
    assert (stats.quota, stats.used) == ("stats", 0)
    assert general.resets_at == next_midnight(now, "America/Los_Angeles")


def test_count_does_not_stay_for_ever(redis_client: Redis, shared: SharedQuotas) -> None:
    shared.spend("general")
    key = quota_key("youtube", "general", quota_day("youtube", utcnow()))
    assert 0 < redis_client.ttl(key) <= 2 * 86_400


def test_without_redis_a_run_obeys_what_it_counted_itself() -> None:
    away = Redis(host=HOST, port=free_port(), socket_connect_timeout=0.2)
    alone = SharedQuotas(away, "youtube", UNITS)
    assert [round(alone.spend("stats")) for _ in range(2)] == [50, 100]
    with pytest.raises(QuotaUsed):
        alone.spend("stats")
    assert alone.exhausted("general").quota == "general"
    with pytest.raises(QuotaUsed):
        alone.spend("general")
