"""The answer cache: never older than an announced event, filled by one process, bypassed while Redis is away."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import date, timedelta
from threading import Event, Thread

import httpx
import pytest
from redis import Redis

from metrics.errors import RedisUnavailable
from metrics.redis.client import connect, connect_async
from metrics.redis.events import Announcer
from metrics.redis.keys import cached_keys_key
from metrics.redis.versions import invalidate
from metrics.settings import Settings
from metrics.store import Store
from serving.cache import answer_cache, redis_memory
from serving.cache.answer import Answer, AnswersInMemory
from serving.cache.answer_cache import AnswerCache
from serving.cache.circuit_breaker import TIMEOUT
from serving.cache.plan import AnswerKey, ReadPlan, State
from tests.redis_server import RedisServer
from tests.serving.conftest import NOW, observation, reading, serving
from tests.waiting import until

KEY = AnswerKey("w1", "metrics", "digest")
READ = "/analytics/workspace/w1/metrics"
TRIES = 10_000
ANNOUNCED = 30


@asynccontextmanager
async def caches(settings: Settings, count: int, hot_bytes: int = 2**20) -> AsyncIterator[list[AnswerCache]]:
    """Caches like those of several processes: each has its own clients, and they share only Redis."""
    clients = [connect_async(settings, timeout=5) for _ in range(count)]
    ttl = 300
    opened = [
        AnswerCache(c, {"metrics": ttl, "aggregated": ttl, "posts": ttl, "accounts": ttl}, hot_bytes) for c in clients
    ]
    try:
        yield opened
    finally:
        for cache, client in zip(opened, clients, strict=True):
            await cache.close()
            await client.aclose()


class Database:
    """A number that a thread writes and then announces, as often as it can."""

    def __init__(self, settings: Settings) -> None:
        self.written = self.announced = 0
        self._settings = settings
        self._over = Event()

    def write(self) -> None:
        with connect(self._settings) as redis:
            announcer = Announcer(redis)
            while not self._over.is_set():
                self.written += 1
                announcer.announce("w1")
                self.announced = self.written
                self._over.wait(0.03)

    async def read(self, state: State) -> bytes:
        found = self.written
        await asyncio.sleep(0)
        return b"%d" % found

    @property
    def thread(self) -> Thread:
        return Thread(target=self.write)

    def stop(self) -> None:
        self._over.set()


@pytest.mark.parametrize("hot_bytes", [2**20, 0], ids=["hot", "not hot"])
def test_no_answer_is_older_than_the_last_announcement(settings: Settings, hot_bytes: int) -> None:
    database, hits, stale = Database(settings), 0, 0

    async def reader(cache: AnswerCache, tries: int) -> None:
        nonlocal hits, stale
        done = 0
        while done < tries or database.announced < ANNOUNCED:
            done, announced = done + 1, database.announced
            answer = await cache.get(ReadPlan(KEY, database.read))
            hits += answer.hit
            stale += int(answer.body) < announced

    async def race() -> None:
        async with caches(settings, 2, hot_bytes) as both:
            readers = [reader(cache, TRIES // 16) for cache in both for _ in range(8)]
            await asyncio.gather(*readers)

    writer = database.thread
    writer.start()
    try:
        asyncio.run(race())
    finally:
        database.stop()
        writer.join()
    assert stale == 0
    assert hits > 0


def test_one_process_computes_the_answer_for_all(settings: Settings) -> None:
    filled = 0

    async def fill(state: State) -> bytes:
        nonlocal filled
        filled += 1
        await asyncio.sleep(0.2)
        return b"answer"

    async def ask() -> set[bytes]:
        async with caches(settings, 3) as all_of_them:
            reads = [cache.get(ReadPlan(KEY, fill)) for cache in all_of_them for _ in range(10)]
            return {answer.body for answer in await asyncio.gather(*reads)}

    assert asyncio.run(ask()) == {b"answer"}
    assert filled == 1


def test_another_process_takes_over_from_one_that_failed(settings: Settings) -> None:
    tried = 0

    async def fill(state: State) -> bytes:
        nonlocal tried
        tried += 1
        await asyncio.sleep(0.1)
        if tried == 1:
            raise ValueError
        return b"answer"

    async def ask() -> list[object]:
        async with caches(settings, 2) as both:
            reads = [cache.get(ReadPlan(KEY, fill)) for cache in both]
            return [getattr(r, "body", r) for r in await asyncio.gather(*reads, return_exceptions=True)]

    first, second = asyncio.run(ask())
    assert {type(first), type(second)} == {ValueError, bytes}


def test_clearing_reaches_the_memory_of_every_process(settings: Settings, redis_client: Redis) -> None:
    value = b"old"

    async def fill(state: State) -> bytes:
        return value

    async def ask() -> list[bytes]:
        nonlocal value
        async with caches(settings, 2) as both:
            for cache in (*both, *both):
                await cache.get(ReadPlan(KEY, fill))
            value = b"new"
            assert await asyncio.to_thread(invalidate, redis_client, "w1", "metrics:*") == 1
            return [(await cache.get(ReadPlan(KEY, fill))).body for cache in both]

    assert asyncio.run(ask()) == [b"new", b"new"]


def test_copies_in_memory_stay_within_their_size() -> None:
    copies = AnswersInMemory(100_000)
    for number in range(50):
        copies.put(str(number), Answer(b"x" * 9_000, b"", '"e"', None, expires=2**40), b"0")
        copies.get("0", b"0")
    assert copies.get("0", b"0") is not None
    assert copies.get("1", b"0") is None
    assert copies.get("49", b"0") is not None
    assert copies.get("49", b"1") is None
    assert copies._kept.currsize <= 100_000


def test_hot_reads_get_the_same_answers(client: httpx.Client, seeded: Store) -> None:
    long, short = [client.get(READ) for _ in range(2)]
    assert [r.headers["x-cache"] for r in (long, short)] == ["miss", "hit"]
    assert short.content == long.content
    same = {"x-request-id", "x-cache", "ratelimit", "date"}
    assert {n: v for n, v in short.headers.items() if n not in same} == {
        n: v for n, v in long.headers.items() if n not in same
    }
    assert client.get(READ, headers={"If-None-Match": short.headers["etag"]}).status_code == 304
    assert client.get(READ, headers={"Authorization": "Bearer tm_live_nobody"}).status_code == 401
    other, _ = seeded.keys.create("other", ["w2"], ["read"])
    assert client.get(READ, headers={"Authorization": f"Bearer {other}"}).status_code == 404


def test_headers_on_several_lines_count_as_one(client: httpx.Client) -> None:
    for _ in ("through the application", "as a hot read"):
        found = client.get(READ, headers=[("Accept-Encoding", "br"), ("Accept-Encoding", "identity")])
        lines = [
            ("Accept-Encoding", "identity"),
            ("If-None-Match", found.headers["etag"]),
            ("If-None-Match", '"other"'),
        ]
        for asked in (lines, [lines[0], lines[2], lines[1]]):
            assert client.get(READ, headers=asked).status_code == 304


@pytest.fixture
def beside(seeded: Store, settings: Settings, own_redis: RedisServer) -> Iterator[httpx.Client]:
    """A client of a server whose Redis the test may stop or slow down."""
    moved = settings.model_copy(update={"redis_url": own_redis.url})
    with serving(moved) as address, reading(address, seeded) as client:
        yield client


def observed(client: httpx.Client) -> tuple[int, int]:
    answer = client.get(READ)
    assert answer.status_code == 200
    return len(answer.json()["data"]), int(answer.headers["x-cache"] == "hit")


def hits(client: httpx.Client) -> bool:
    return observed(client)[1] == 1


def test_reads_are_answered_while_redis_is_away_and_cached_when_it_is_back(
    beside: httpx.Client, own_redis: RedisServer, seeded: Store
) -> None:
    until(lambda: hits(beside))
    assert beside.get("/readyz").json()["status"] == "ok"
    own_redis.stop()
    ready = beside.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["stores"] == {"mongo": "ok", "redis": "unavailable"}
    assert observed(beside) == (5, 0)
    seeded.observations.append([observation(NOW, followers=9)])
    assert observed(beside) == (6, 0)
    own_redis.forget()
    own_redis.start()
    until(lambda: hits(beside))
    assert observed(beside)[0] == 6


def test_slow_redis_delays_at_most_one_read(beside: httpx.Client, own_redis: RedisServer) -> None:
    until(lambda: hits(beside))
    with own_redis.client() as redis:
        redis.client_pause(3000)
        waits = [beside.get(READ).elapsed.total_seconds() for _ in range(6)]
        assert sum(wait > TIMEOUT for wait in waits) <= 1
    until(lambda: hits(beside))


def test_cached_answers_leave_memory_to_events_and_tickets(
    beside: httpx.Client, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_memory, "SECONDS", 0.05)
    days = iter(range(1, 366))

    with own_redis.client() as redis:

        def answers() -> set[bytes]:
            return {key for key in redis.scan_iter("tm:{w1}:cache:*", count=1000) if redis.type(key) == b"string"}

        def is_kept() -> bool:
            """Ask a new question, and tell whether Redis keeps its answer."""
            day, before = str(date(2025, 1, 1) + timedelta(days=next(days))), answers()
            assert beside.get(READ, params={"startDate": day, "endDate": day}).status_code == 200
            # An answer is given before it is stored; its lock is released after that.
            until(lambda: not any(key.endswith(b":lock") for key in answers()))
            return bool(answers() - before)

        until(is_kept)
        redis.config_set("maxmemory", redis.info("memory")["used_memory"] + 50 * 2**20)
        # One by one: from version 7 on, Redis counts the buffer of a command as used memory. Values of 1 MiB and a
        # header would take a quarter more.
        for n in range(42):
            redis.set(f"filler{n}", b"x" * 1_000_000)
        until(lambda: not is_kept())
        assert beside.post("/analytics/stream/tickets").status_code == 201
        Announcer(redis).announce("w1")
        redis.config_set("maxmemory", 0)
    until(is_kept)


def test_one_workspace_keeps_a_bounded_number_of_answers(
    client: httpx.Client, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_cache, "MAX_ANSWERS", 3)
    for day in range(1, 9):
        params = {"startDate": f"2026-01-{day:02}", "endDate": f"2026-01-{day:02}"}
        assert client.get(READ, params=params).status_code == 200
    kept = list(redis_client.scan_iter("tm:{w1}:cache:*"))
    assert len(kept) == 3
    assert set(redis_client.zrange(cached_keys_key("w1"), 0, -1)) == set(kept)
    answer = client.post("/analytics/workspace/w1/cache/invalidate", params={"pattern": "metrics:*"})
    assert answer.json() == {"invalidated": 3}
    assert not redis_client.exists(*kept, cached_keys_key("w1"))


def test_full_redis_stops_caching_but_not_reads(beside: httpx.Client, own_redis: RedisServer) -> None:
    with own_redis.client() as redis:
        redis.config_set("maxmemory", 1)
        assert observed(beside) == observed(beside) == (5, 0)
        with suppress(RedisUnavailable):
            Announcer(redis).announce("w1")
        redis.config_set("maxmemory", 0)
    until(lambda: hits(beside))
