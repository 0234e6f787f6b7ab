"""Pauses are shared through Redis and expire; without Redis they still apply within a run."""

from datetime import timedelta

import pytest
from redis import Redis

from metrics.clock import utcnow
from metrics.documents import AccountDocument
from metrics.redis.keys import account_pause_key, platform_pause_key
from pipelines.collect.pauses import Pauses
from pipelines.platforms.errors import RateLimited
from tests.clock import ahead_by
from tests.pipelines.collect.conftest import Bench

HOURS = timedelta(hours=2)


@pytest.fixture
def accounts(bench: Bench) -> list[AccountDocument]:
    return [bench.connect(0), bench.connect(1, "v")]


def paused(pauses: Pauses, account: AccountDocument) -> bool:
    try:
        pauses.check(account)
    except RateLimited:
        return True
    return False


def test_account_limit_stops_that_account_in_every_worker(redis_client: Redis, accounts: list[AccountDocument]) -> None:
    limit = RateLimited("enough", utcnow() + HOURS, "account")
    Pauses(redis_client, "instagram").note(accounts[0], limit)
    other = Pauses(redis_client, "instagram")
    assert [paused(other, a) for a in accounts] == [True, False]


def test_app_limit_stops_the_platform_only(redis_client: Redis, accounts: list[AccountDocument]) -> None:
    Pauses(redis_client, "instagram").note(accounts[0], RateLimited("enough", utcnow() + HOURS, "app"))
    assert [paused(Pauses(redis_client, "instagram"), a) for a in accounts] == [True, True]
    assert not paused(Pauses(redis_client, "facebook"), accounts[0])


def test_pause_says_until_when(redis_client: Redis, accounts: list[AccountDocument]) -> None:
    until = utcnow() + HOURS
    pauses = Pauses(redis_client, "instagram")
    pauses.note(accounts[0], RateLimited("enough", until, "app"))
    with pytest.raises(RateLimited, match=f"until {until:%Y-%m-%d}") as caught:
        pauses.check(accounts[1])
    assert timedelta() <= caught.value.until - until < timedelta(seconds=1)


def test_shorter_limit_never_shortens_a_pause(redis_client: Redis, accounts: list[AccountDocument]) -> None:
    pauses, until = Pauses(redis_client, "instagram"), utcnow() + HOURS
    pauses.note(accounts[0], RateLimited("enough", until, "account"))
    pauses.note(accounts[0], RateLimited("enough", utcnow() + timedelta(minutes=1), "account"))
    with pytest.raises(RateLimited) as caught:
        pauses.check(accounts[0])
    assert caught.value.until >= until


def test_keys_expire_with_their_pause(redis_client: Redis, accounts: list[AccountDocument]) -> None:
    Pauses(redis_client, "instagram").note(accounts[0], RateLimited("enough", utcnow() + HOURS, "account"))
    assert 7100 < int(redis_client.ttl(account_pause_key("instagram", accounts[0]["platformAccountId"]))) <= 7201


def test_past_limit_is_no_pause(redis_client: Redis, accounts: list[AccountDocument]) -> None:
    pauses = Pauses(redis_client, "instagram")
    pauses.note(accounts[0], RateLimited("enough", utcnow() - HOURS, "app"))
    assert not paused(pauses, accounts[0])


def test_without_redis_a_run_obeys_what_it_met(absent_redis: Redis, accounts: list[AccountDocument]) -> None:
    pauses = Pauses(absent_redis, "instagram")
    pauses.note(accounts[0], RateLimited("enough", utcnow() + HOURS, "app"))
    assert paused(pauses, accounts[1])


def test_pause_holds_under_a_clock_that_is_behind_that_of_redis(
    redis_client: Redis, accounts: list[AccountDocument]
) -> None:
    with ahead_by(-timedelta(days=100)):
        Pauses(redis_client, "instagram").note(accounts[0], RateLimited("enough", utcnow() + HOURS, "app"))
        assert paused(Pauses(redis_client, "instagram"), accounts[0])
        assert 7000 < redis_client.ttl(platform_pause_key("instagram")) <= 7201
