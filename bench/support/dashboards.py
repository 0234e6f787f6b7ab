"""Simulated hour of dashboards: its number of MongoDB commands with the cache, and that of the same reads without.

The clock runs fast. Twenty users of five workspaces have a page of twelve widgets and a stream open, and refresh once a
minute, one after the other. The data of one hour arrive once, with one announcement per account. Every command that the
process sends to MongoDB counts, including those for keys and streams.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import httpx
from pymongo import monitoring
from redis import Redis

from bench.support.servers import Bench
from metrics.clock import utcnow
from metrics.redis.events import Announcer
from metrics.settings import Settings
from serving.app import create_app
from tidemark.stack.ports import HOST, free_port

WORKSPACES, USERS, MINUTES = 5, 20, 60
ACCOUNTS_EACH = 4
_SILENT = ("hello", "ping", "endSessions")


class Commands(monitoring.CommandListener):
    """Counter of MongoDB commands by name and collection; register it before any client is opened."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Count a command."""
        if event.command_name not in _SILENT:
            where = event.command.get("collection", event.command[event.command_name])
            self.sent[f"{event.command_name} {where}"] += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Do nothing."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Do nothing."""


class Clock:
    """Clock of this process that can be advanced, together with the expiry times of keys in Redis."""

    def __init__(self, redis: Redis) -> None:
        self.ahead = 0.0
        self._redis = redis

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let this process use this clock."""
        wall, steady = time.time, time.monotonic
        with (
            patch("time.time", lambda: wall() + self.ahead),
            patch("time.monotonic", lambda: steady() + self.ahead),
        ):
            yield

    def advance(self, seconds: float) -> None:
        """Advance the clock; keys in Redis expire earlier by as much."""
        self.ahead += seconds
        for key in list(self._redis.scan_iter(count=1000)):
            left = self._redis.pttl(key)
            if left >= 0:
                self._redis.pexpire(key, max(1, round(left - 1000 * seconds)))


def widgets(number: int) -> list[str]:
    """Return the paths that the page of a workspace reads."""
    base, today = f"/analytics/workspace/w{number}", utcnow().date()
    week = f"startDate={today - timedelta(days=6)}&endDate={today}"
    month = f"startDate={today - timedelta(days=29)}&endDate={today}"
    return [
        f"{base}/accounts", f"{base}/aggregated?period=custom&{week}&compare=previous",
        f"{base}/aggregated?period=custom&{month}&compare=previous", f"{base}/aggregated?period=daily&{week}",
        f"{base}/aggregated?period=daily&{month}&limit=1000", f"{base}/aggregated?period=weekly&{month}",
        f"{base}/aggregated?period=monthly&{month}", f"{base}/posts?sort=engagement&{month}&limit=10",
        f"{base}/posts?sort=publishedAt&{week}&limit=10", f"{base}/metrics?{week}&limit=200",
        f"{base}/metrics?metricType=account&limit=100", f"{base}/aggregated?period=daily&platform=instagram&{week}",
    ]  # fmt: skip


async def hour(settings: Settings, bench: Bench, minutes: int, commands: Commands) -> Counter[str]:
    """Return the MongoDB commands of some minutes of dashboards."""
    keys = [bench.store.keys.create(f"user {n}", [f"w{n % WORKSPACES}"], ["read"]) for n in range(USERS)]
    with Redis.from_url(str(bench.settings.redis_url)) as redis:
        app, before, clock = create_app(settings), commands.sent.copy(), Clock(redis)
        transport = httpx.ASGITransport(app)
        with clock.running():
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url="http://bench") as client,
            ):
                for _, key in keys:
                    app.state.services.hub.clients.enter(key, lambda: None)
                for minute in range(minutes):
                    if minute == MINUTES // 12:
                        _announce(Announcer(redis))
                    for user, (secret, _) in enumerate(keys):
                        await _page(client, user % WORKSPACES, secret)
                        await asyncio.to_thread(clock.advance, 60 / USERS)
    return commands.sent - before


def _announce(announcer: Announcer) -> None:
    for number in range(WORKSPACES):
        for _ in range(ACCOUNTS_EACH):
            announcer.announce(f"w{number}")


async def _page(client: httpx.AsyncClient, number: int, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    answers = await asyncio.gather(*(client.get(path, headers=headers) for path in widgets(number)))
    assert {answer.status_code for answer in answers} == {200}


def saved(bench: Bench, commands: Commands) -> dict[str, float]:
    """Count the commands of an hour with the cache, and of a minute without Redis, so without any cache."""
    away = bench.settings.model_copy(update={"redis_url": f"redis://{HOST}:{free_port()}/0"})
    without = MINUTES * asyncio.run(hour(away, bench, 1, commands)).total()
    spent = asyncio.run(hour(bench.settings, bench, MINUTES, commands))
    for name, count in spent.most_common():
        print(f"  {name:40} {count:8}", flush=True)
    return {
        "trace_commands_without": without, "trace_commands": spent.total(), "trace_saved": 1 - spent.total() / without
    }  # fmt: skip
