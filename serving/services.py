"""What a serving process holds: stores, clients, cache and hub, from start to stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import redis as sync_redis
from redis.asyncio import Redis
from starlette.requests import Request

from metrics.redisdb import connect, connect_async, is_cluster
from metrics.settings import Settings
from metrics.store import Store
from serving.auth import Authenticator
from serving.breaker import TIMEOUT
from serving.cache import AnswerCache, Kind
from serving.hot import Plans
from serving.keys import KnownKeys
from serving.owners import Owners
from serving.ratelimit import RateLimiter
from serving.stream.clients import Clients
from serving.stream.hub import Hub
from serving.stream.reader import READ_TIMEOUT
from serving.threads import Threads
from serving.tokens import TokenVerifier

_PATIENCE = 2.0
"""Seconds that a try of what needs Redis waits for it: where it hangs, a write goes on without, well before threads of
such calls are too many."""


@dataclass(frozen=True)
class Services:
    """The parts of one process."""

    settings: Settings
    store: Store
    threads: Threads
    redis: Redis
    sync_redis: "sync_redis.Redis"
    auth: Authenticator
    owners: Owners
    cache: AnswerCache
    plans: Plans
    hub: Hub


def services(request: Request) -> Services:
    """Return the services of the process that answers."""
    found: Services = request.app.state.services
    return found


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open the clients, run what runs beside requests, and close everything in order."""
    store = Store.connect(settings)
    threads = Threads()
    redis = connect_async(settings, timeout=_PATIENCE, retries=1)
    # Without retries of its own: after any break the reader looks whether its place is still there.
    blocking = connect_async(settings, timeout=READ_TIMEOUT, retries=0)
    blocked_calls = connect(settings, timeout=_PATIENCE, retries=1)
    ttl, long_ttl = settings.cache_ttl_metrics, settings.cache_ttl_aggregated
    hasty = connect_async(settings, timeout=TIMEOUT, connect_timeout=TIMEOUT, retries=1, connections=None)
    ttls: dict[Kind, int] = {"metrics": ttl, "posts": ttl, "accounts": ttl, "aggregated": long_ttl}
    cache = AnswerCache(hasty, ttls, settings.cache_hot_mb * 2**20)
    keys = KnownKeys(store, threads)
    auth = Authenticator(keys, RateLimiter(redis, settings.rate_limit), TokenVerifier.of(settings))
    clients = Clients(settings.streams_per_key, auth.still_valid)
    hub = Hub(redis, blocking, clients, max_events=settings.events_max, cluster=is_cluster(settings))
    recorder = asyncio.create_task(keys.record_use())
    try:
        owners = Owners(store, threads)
        yield Services(settings, store, threads, redis, blocked_calls, auth, owners, cache, Plans(), hub)
    finally:
        recorder.cancel()
        with suppress(asyncio.CancelledError):
            await recorder
        await hub.close()
        await cache.close()
        await hasty.aclose()
        await redis.aclose()
        await blocking.aclose()
        blocked_calls.close()
        store.close()
