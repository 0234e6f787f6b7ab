"""The services of a serving process (stores, clients, cache, hub), opened at its start and closed at its stop."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import redis as sync_redis
from redis.asyncio import Redis
from starlette.requests import Request

from metrics.errors import Unavailable
from metrics.redis.client import connect, connect_async, is_cluster
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.lifetimes import setting_differences
from metrics.upkeep import other_retention
from serving.auth.authenticator import Authenticator
from serving.auth.known_keys import KnownKeys
from serving.auth.owners import Owners
from serving.auth.ratelimit import RateLimiter
from serving.auth.request_limit import ConcurrentRequests
from serving.auth.tokens import TokenVerifier
from serving.cache.answer_cache import AnswerCache
from serving.cache.answered_requests import AnsweredRequests
from serving.cache.circuit_breaker import TIMEOUT
from serving.cache.plan import Kind
from serving.process.supervision import Supervisor
from serving.process.threads import Threads
from serving.stream.hub import Hub
from serving.stream.open_streams import OpenStreams
from serving.stream.reader import READ_TIMEOUT

log = logging.getLogger(__name__)

_REDIS_TIMEOUT = 2.0
"""Seconds that one attempt of a Redis command may take. If Redis hangs, a write goes on without it after that time,
well before such calls occupy too many threads."""


@dataclass(frozen=True)
class Services:
    """The objects that all requests of a process share."""

    settings: Settings
    store: Store
    threads: Threads
    supervisor: Supervisor
    redis: Redis
    sync_redis: "sync_redis.Redis"
    auth: Authenticator
    owners: Owners
    cache: AnswerCache
    answered: AnsweredRequests
    hub: Hub
    exports: ConcurrentRequests
    invalidations: ConcurrentRequests
    logins: ConcurrentRequests


def services(request: Request) -> Services:
    """Return the services of the process that handles a request."""
    found: Services = request.app.state.services
    return found


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open the clients, start the background tasks, and close everything in order."""
    store = Store.connect(settings)
    threads, supervisor = Threads(store), Supervisor()
    redis = connect_async(settings, timeout=_REDIS_TIMEOUT, retries=1)
    # Without retries: after every lost connection, the reader must check whether its place is still in the stream.
    blocking = connect_async(settings, timeout=READ_TIMEOUT, retries=0)
    redis_in_threads = connect(settings, timeout=_REDIS_TIMEOUT, retries=1)
    cache_redis = connect_async(settings, timeout=TIMEOUT, connect_timeout=TIMEOUT, retries=1, connections=None)
    ttls: dict[Kind, int] = dict.fromkeys(("metrics", "posts", "accounts"), settings.cache_ttl_metrics)
    ttls |= dict.fromkeys(
        ("aggregated", "series", "forecasts", "anomalies", "decay", "best-times", "outlooks", "benchmarks"),
        settings.cache_ttl_aggregated,
    )
    cache = AnswerCache(cache_redis, ttls, settings.cache_hot_mb * 2**20)
    keys = KnownKeys(store, threads)
    auth = Authenticator(keys, RateLimiter(redis, settings.rate_limit), TokenVerifier.of(settings), threads.shares)
    clients = OpenStreams(settings.streams_per_key, auth.still_valid)
    hub = Hub(redis, blocking, clients, supervisor, max_events=settings.events_max, cluster=is_cluster(settings))
    supervisor.start("use of keys", keys.record_use)
    supervisor.start("room of the cache", cache.watch_memory)
    supervisor.start("comparison of retention", lambda: _compare_retention(store, settings, threads, redis_in_threads))
    try:
        owners = Owners(store, threads)
        yield Services(
            settings,
            store,
            threads,
            supervisor,
            redis,
            redis_in_threads,
            auth,
            owners,
            cache,
            AnsweredRequests(),
            hub,
            exports=ConcurrentRequests("exports", per_key=4, in_all=32),
            invalidations=ConcurrentRequests("invalidations", per_key=1, in_all=4),
            logins=ConcurrentRequests("logins", per_key=4, in_all=16),
        )
    finally:
        hub.close()
        await supervisor.close()
        await cache.close()
        await cache_redis.aclose()
        await redis.aclose()
        await blocking.aclose()
        redis_in_threads.close()
        store.close()


async def _compare_retention(store: Store, settings: Settings, threads: Threads, redis: sync_redis.Redis) -> None:
    """Report retention periods of the database that differ from the settings: in the log, and for `tidemark doctor`."""
    logged: list[str] = []
    while True:
        try:
            differing = await threads.run(setting_differences, store.db, settings)
            for difference in differing if differing != logged else ():
                log.warning("%s: the database decides (`tidemark retention sync` changes it)", difference)
            logged = differing
            await threads.run(other_retention.note, redis, "API", differing)
        except Unavailable as error:
            log.warning("the database's retention periods could not be compared with the settings: %s", error)
        await asyncio.sleep(other_retention.COMPARED_SECONDS)
