"""Soak of a serving process: mixed reads, streams, events and hostile clients for an hour; the slope of its memory.

    python bench/soak.py [--minutes 60] [--reads 25]

It starts a MongoDB, a Redis and a serving process, and keeps them under a steady load: reads that are cached, made
right after an announcement, paged, compared and exported; 50 streams, of which one is cut and opened again every second
or so; ten events a second; unknown keys, wrong paths and connections that stop reading. The resident memory of all
processes is read every ten seconds. After a quarter of the time, in which caches fill, a straight line is fitted to it
by least squares: its slope in megabytes per hour is the result. The results are printed and written as JSON to
bench/results/soak.json.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

# This file's folder would otherwise come before the folder with the packages.
sys.path[0] = str(Path(__file__).parents[1])

import httpx
import numpy as np
import psutil
from redis import Redis

from bench.serving import ACCOUNTS, DAYS, fill
from bench.support.dashboards import WORKSPACES
from bench.support.servers import Bench, servers
from metrics.clock import utcnow
from metrics.redis.events import Announcer, Event

RESULTS = Path(__file__).parent / "results" / "soak.json"
STREAMS = 50
EVENTS_PER_SECOND = 10
SAMPLE_SECONDS = 10
WARM_UP = 0.25
"""Share of the time before the slope is measured."""


@dataclass
class Soak:
    """The state of a soak: its server, its clients and what they counted."""

    url: str
    key: str
    ends: float
    answers: Counter[str] = field(default_factory=Counter)
    samples: list[tuple[float, dict[str, float]]] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """True when the time is up."""
        return time.monotonic() >= self.ends

    def client(self, key: str | None = None) -> httpx.AsyncClient:
        """Return a client with a key."""
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {key or self.key}"}, timeout=30)


def paths() -> list[str]:
    """Return one path of each kind of read, for a random workspace, account and span."""
    workspace = random.randrange(WORKSPACES)
    name, today = f"w{workspace}", utcnow().date()
    account = f"{name}a{random.randrange(ACCOUNTS if workspace == 0 else 4)}"
    first = today - timedelta(days=random.randrange(1, DAYS))
    span = f"startDate={first}&endDate={today}"
    return [
        f"/analytics/workspace/{name}/aggregated?period=daily&{span}&limit=1000",
        f"/analytics/workspace/{name}/aggregated?period=weekly&{span}&compare=previous",
        f"/analytics/workspace/{name}/metrics?{span}&limit={random.randrange(1, 500)}",
        f"/analytics/account/{account}/metrics?{span}",
        f"/analytics/workspace/{name}/posts?{span}",
        f"/analytics/workspace/{name}/accounts",
        f"/analytics/workspace/{name}/export?dataset=aggregated&format=csv&{span}",
        f"/analytics/workspace/{name}/nothing?{random.random()}",
        f"/analytics/workspace/unknown-{random.random()}/accounts",
        "/analytics/me",
    ]


async def read(soak: Soak, per_second: float) -> None:
    """Send reads at a steady rate; every tenth has an unknown key."""
    async with soak.client() as client:
        while not soak.over:
            began = time.monotonic()
            headers = {"Authorization": f"Bearer tm_live_{random.random()}"} if random.random() < 0.1 else {}
            try:
                answer = await client.get(random.choice(paths()), headers=headers)
                soak.answers[str(answer.status_code)] += 1
            except httpx.TransportError as error:
                # A server may close an idle connection just when the client uses it again.
                soak.answers[type(error).__name__] += 1
            await asyncio.sleep(max(0.0, began + 1 / per_second - time.monotonic()))


async def announce(soak: Soak, announcer: Announcer) -> None:
    """Announce events to all workspaces in turn; each makes the cached answers of its workspace outdated."""
    number = 0
    while not soak.over:
        name = f"w{number % WORKSPACES}"
        event = Event("metrics:update", name, {"n": number, "fill": "x" * 120}, f"{name}a0")
        await asyncio.to_thread(announcer.announce, name, [event])
        number += 1
        await asyncio.sleep(1 / EVENTS_PER_SECOND)


async def follow(soak: Soak, number: int) -> None:
    """Follow a stream, and leave it in the middle of an event about once in fifty seconds."""
    async with soak.client() as client:
        while not soak.over:
            leaves = time.monotonic() + random.uniform(0, 2 * STREAMS)
            path = f"/analytics/stream?workspaceId=w{number % WORKSPACES}"
            try:
                async with client.stream("GET", path, timeout=None) as stream:
                    soak.answers[f"stream {stream.status_code}"] += 1
                    async for chunk in stream.aiter_raw():
                        soak.answers["stream chunks"] += bool(chunk)
                        if soak.over or time.monotonic() > leaves:
                            break
            except httpx.TransportError as error:
                soak.answers[f"stream {type(error).__name__}"] += 1


async def stall(soak: Soak) -> None:
    """Open a connection, request much, read nothing, and cut it after ten seconds; again and again."""
    host, _, port = soak.url.removeprefix("http://").partition(":")
    first = utcnow().date() - timedelta(days=DAYS - 1)
    path = f"/analytics/workspace/w0/metrics?startDate={first}&endDate={utcnow().date()}&limit=1000"
    while not soak.over:
        _, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer {soak.key}\r\n\r\n".encode())
        await writer.drain()
        await asyncio.sleep(10)
        writer.transport.abort()


async def sample(soak: Soak, processes: dict[str, psutil.Process], began: float) -> None:
    """Read the resident memory of the processes."""
    while not soak.over:
        megabytes = {name: process.memory_info().rss / 2**20 for name, process in processes.items()}
        soak.samples.append((time.monotonic() - began, megabytes))
        if len(soak.samples) % 30 == 1:
            line = "  ".join(f"{name} {value:7.1f}" for name, value in megabytes.items())
            print(f"{soak.samples[-1][0] / 60:5.0f} min  {line} MB", flush=True)
        await asyncio.sleep(SAMPLE_SECONDS)


async def run(bench: Bench, minutes: float, reads: float) -> dict[str, float]:
    """Run the load, and return the slopes and the counts."""
    key, _ = bench.store.keys.create("soak", ["*"], ["read"])
    url, child = bench.serve("soak")
    began = time.monotonic()
    soak = Soak(url, key, began + 60 * minutes)
    processes = {"serving": psutil.Process(child.process.pid)}
    for other in psutil.Process().children():
        name = other.name()
        if "mongod" in name or "redis" in name:
            processes[name] = other
    with Redis.from_url(str(bench.settings.redis_url)) as redis:
        tasks = [announce(soak, Announcer(redis)), sample(soak, processes, began)]
        tasks += [read(soak, reads / 5) for _ in range(5)]
        tasks += [follow(soak, number) for number in range(STREAMS)]
        tasks += [stall(soak) for _ in range(5)]
        await asyncio.gather(*tasks)
    return {
        **{f"{name}_mb_per_hour": slope(soak, name, minutes) for name in processes},
        **{f"{name}_mb_at_end": soak.samples[-1][1][name] for name in processes},
        **{f"answers {status}": count for status, count in sorted(soak.answers.items())},
    }


def slope(soak: Soak, name: str, minutes: float) -> float:
    """Return the slope of a process's memory in megabytes per hour, after the warm-up."""
    points = [(at / 3600, megabytes[name]) for at, megabytes in soak.samples if at > WARM_UP * 60 * minutes]
    hours, values = np.array(points).T
    return float(np.polyfit(hours, values, 1)[0])


def main() -> None:
    """Soak, print the figures, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="how long (60)")
    parser.add_argument("--reads", type=float, default=25, help="reads per second (25)")
    options = parser.parse_args()
    with servers() as bench:
        fill(bench)
        found = asyncio.run(run(bench, options.minutes, options.reads))
    for name, value in found.items():
        print(f"{name:28} {value:12,.2f}", flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(
        json.dumps({"python": sys.version.split()[0], "minutes": options.minutes, **found}, indent=2) + "\n"
    )


if __name__ == "__main__":
    main()
