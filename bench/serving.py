"""Read kept and unkept answers over HTTP and compare with a bare Starlette route over the same bytes in Redis.

    python bench/serving.py [--seconds 5] [--rounds 3]

Needs wrk on the PATH (`apt-get install wrk`). Starts a MongoDB, a Redis, two serving processes (one without copies in
memory: «not hot») and the reference, all on this machine, and asks them in turns, so that what else happens here
happens to all. Medians of the rounds on the terminal, the same as JSON in bench/results/serving.json. `trace` is an
hour of a dashboard, its clock run fast: 20 users of 5 workspaces, 12 widgets, a refresh a minute, an announcement per
account and hour; it counts commands to MongoDB against the same reads without any cache.
"""

import argparse
import asyncio
import json
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

# This file has the name of a package: what is imported is to be found from the folder above.
sys.path[0] = str(Path(__file__).parents[1])

import httpx
from pymongo import monitoring
from redis import Redis

from bench.support.servers import Bench, percentile, servers
from metrics.clock import utcnow
from metrics.documents import AccountDocument, Observation
from metrics.events import Announcer
from metrics.periods import DAY, HOUR, PERIODS, midnight, period_start
from metrics.settings import Settings
from pipelines.rollup import roll
from serving.app import create_app
from tidemark.stack.ports import HOST, free_port

RESULTS = Path(__file__).parent / "results" / "serving.json"
ACCOUNTS, DAYS = 20, 90
WORKSPACES, USERS, MINUTES = 5, 20, 60
CONNECTIONS = 64


def fill(bench: Bench) -> None:
    """Write 90 days of `w0` with 20 accounts and of the other workspaces with four, and roll them up."""
    today = midnight(utcnow().date())
    days = [today - DAY * n for n in range(DAYS, -1, -1)]
    for number in range(WORKSPACES):
        workspace = f"w{number}"
        names = [f"{workspace}a{i}" for i in range(ACCOUNTS if number == 0 else 4)]
        bench.store.accounts.put([_account(workspace, name) for name in names])
        slots = [day + HOUR * hour for day in days for hour in (0, 12, 23) if day + HOUR * hour < utcnow() - HOUR]
        bench.store.observations.append([_observation(workspace, name, slot) for name in names for slot in slots])
    for period in PERIODS:
        roll(bench.store, period, sorted({period_start(period, day) for day in days}), run_id="bench", now=utcnow())


def _account(workspace: str, name: str) -> AccountDocument:
    return {
        "_id": name, "workspaceId": workspace, "platform": "instagram", "platformAccountId": name, "handle": name,
        "state": "active", "connectedAt": utcnow() - timedelta(days=100), "credentials": b"sealed",
    }  # fmt: skip


def _observation(workspace: str, name: str, slot) -> Observation:
    values = {"followers": 12_345, "following": 678, "posts": 90}
    return Observation(workspace, name, "instagram", "account", slot, slot + HOUR, values, "run", "v1")


class Wrk:
    """Asks with wrk."""

    def __init__(self, folder: Path, key: str, seconds: int) -> None:
        self._folder = folder
        self._headers = [f"Authorization: Bearer {key}"]
        self._seconds = seconds

    def ask(self, url: str, *headers: str, rate: float | None = None) -> dict[str, float]:
        """Return requests per second and the 99th percentile in ms; at about `rate` where that is given."""
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{self._seconds}s", "--latency"]
        if rate is not None:
            script = self._folder / "pace.lua"
            script.write_text(f"function delay() return math.random() * {2000 * CONNECTIONS / rate:.3f} end")
            command += ["-s", str(script)]
        for header in (*self._headers, *headers):
            command += ["-H", header]
        said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
        if refused := re.search(r"Non-2xx or 3xx responses: (\d+)", said):
            raise SystemExit(f"{url}: {refused[1]} answers were errors")
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
        per_second = re.search(r"Requests/sec:\s+([\d.]+)", said)
        assert p99
        assert per_second
        return {"per_second": float(per_second[1]), "p99": float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]]}


def measure(bench: Bench, seconds: int, rounds: int) -> dict[str, float]:
    """Ask everything in turns; return medians."""
    key, _ = bench.store.keys.create("bench", ["*"], ["read"])
    (hot, _), (cold, _) = bench.serve("hot"), bench.serve("cold", TIDEMARK_CACHE_HOT_MB="0")
    path = "/analytics/workspace/w0/metrics?limit=35"
    with httpx.Client(headers={"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}, timeout=30) as client:
        for base in (hot, hot, cold):
            answer = client.get(base + path)
        with Redis.from_url(str(bench.settings.redis_url)) as redis:
            redis.set("bench:kept", answer.content)
        bare, _ = bench.reference("bench:kept")
        assert client.get(bare + "/kept").content == answer.content
        wrk, tag = Wrk(bench.folder, key, seconds), f"If-None-Match: {answer.headers['etag']}"
        asked: dict[str, list[dict[str, float]]] = {}
        for _ in range(rounds):
            for name, url, headers in (
                ("bare", bare + "/kept", ()), ("hot", hot + path, ()), ("not_hot", cold + path, ()),
                ("hot_304", hot + path, (tag,)),
            ):  # fmt: skip
                asked.setdefault(name, []).append(wrk.ask(url, *headers))
        found = {name: statistics.median(one["per_second"] for one in all_) for name, all_ in asked.items()}
        half = wrk.ask(hot + path, rate=found["hot"] / 2)
        cold_half = wrk.ask(cold + path, rate=found["not_hot"] / 2)
        uncached = [_uncached(client, bench, hot) for _ in range(40)]
    return {
        "bytes": len(answer.content), **found,
        "hot_to_bare": found["hot"] / found["bare"], "not_hot_to_bare": found["not_hot"] / found["bare"],
        "half_load_per_second": half["per_second"], "half_load_p99_ms": half["p99"],
        "not_hot_half_load_p99_ms": cold_half["p99"], "uncached_p95_ms": percentile(uncached, 0.95),
    }  # fmt: skip


def _uncached(client: httpx.Client, bench: Bench, base: str) -> float:
    """Return the milliseconds of 90 days of 20 accounts right after an announcement."""
    with Redis.from_url(str(bench.settings.redis_url)) as redis:
        Announcer(redis).announce("w0")
    first = (utcnow() - timedelta(days=DAYS - 1)).date()
    query = f"period=daily&startDate={first}&endDate={utcnow().date()}&limit=1000"
    began = time.perf_counter()
    answer = client.get(f"{base}/analytics/workspace/w0/aggregated?{query}")
    assert answer.headers["x-cache"] == "miss"
    return 1000 * (time.perf_counter() - began)


class Commands(monitoring.CommandListener):
    """Counts commands to MongoDB."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Count one."""
        self.count += event.command_name not in ("hello", "ping", "endSessions")

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Do nothing."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Do nothing."""


@contextmanager
def fast_clock() -> Iterator[list[float]]:
    """Let the clock of this process be ahead by the number of seconds in the list."""
    ahead, wall, steady = [0.0], time.time, time.monotonic
    with patch("time.time", lambda: wall() + ahead[0]), patch("time.monotonic", lambda: steady() + ahead[0]):
        yield ahead


def widgets(number: int) -> list[str]:
    """Return what the page of a workspace reads."""
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


async def trace(settings: Settings, bench: Bench, minutes: int, commands: Commands) -> int:
    """Return the commands that an hour of dashboards costs."""
    keys = [bench.store.keys.create(f"user {n}", [f"w{n % WORKSPACES}"], ["read"])[0] for n in range(USERS)]
    app, before = create_app(settings), commands.count
    with Redis.from_url(str(bench.settings.redis_url)) as redis, fast_clock() as ahead:
        announcer = Announcer(redis)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:
                for minute in range(minutes):
                    if minute == 5:
                        for number in range(WORKSPACES):
                            for _ in range(4):
                                announcer.announce(f"w{number}")
                    for user, key in enumerate(keys):
                        headers = {"Authorization": f"Bearer {key}"}
                        pages = [client.get(path, headers=headers) for path in widgets(user % WORKSPACES)]
                        assert {a.status_code for a in await asyncio.gather(*pages)} == {200}
                    ahead[0] += 60.0
    return commands.count - before


def saved(bench: Bench, commands: Commands) -> dict[str, float]:
    """Count an hour with the cache, and a minute without Redis, which is the same reads without any."""
    away = bench.settings.model_copy(update={"redis_url": f"redis://{HOST}:{free_port()}/0"})
    without = MINUTES * asyncio.run(trace(away, bench, 1, commands))
    spent = asyncio.run(trace(bench.settings, bench, MINUTES, commands))
    return {"trace_commands_without": without, "trace_commands": spent, "trace_saved": 1 - spent / without}


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="seconds per question and round (5)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the median counts (3)")
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed: apt-get install wrk")
    commands = Commands()
    monitoring.register(commands)
    with servers() as bench:
        fill(bench)
        found = saved(bench, commands) | measure(bench, asked.seconds, asked.rounds)
    for name, value in found.items():
        print(f"{name:28} {value:12,.2f}", flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"python": sys.version.split()[0], **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
