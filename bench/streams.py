"""Benchmark of event streams with many readers, compared with a bare ASGI stream over the same Redis.

    python bench/streams.py [--readers 1000] [--seconds 10] [--idle 5000]

It starts a MongoDB, a Redis, a serving process, the reference and the readers, all on this machine. Every reader gets
ten events a second. Lag is measured from the announcement to the reader's socket; processor time is that of the one
serving process. The results are printed and written as JSON to bench/results/streams.json:

* `bare` and `ours`: lag in ms, processor seconds per second, events lost;
* `alone`, `beside_stalled`: medians of the same lag without and with 100 more readers that read nothing;
* `idle_megabytes`: resident memory with 5,000 readers that get no events;
* `written_to_event_p99_ms`: from before an observation is written to MongoDB until its event reaches a reader.
"""

import argparse
import asyncio
import gc
import json
import re
import resource
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

sys.path[0] = str(Path(__file__).parents[1])

import psutil
from redis import Redis

from bench.support.servers import Bench, percentile, servers
from metrics.clock import utcnow
from metrics.documents import AccountDocument, Observation
from metrics.periods import HOUR, slot_of
from metrics.redis.events import Announcer, Event, observation_event
from metrics.redis.keys import events_key
from tidemark.stack.process import Child

RESULTS = Path(__file__).parent / "results" / "streams.json"
RATE = 10
STALLED = 100
ROUNDS = 3
SETTLE_SECONDS = 1
_SENT = re.compile(rb'"sent":([\d.]+)')


@dataclass
class Tally:
    """Events that all readers received."""

    events: int = 0
    opened: int = 0
    lags: list[float] = field(default_factory=list)

    def all_open(self, count: int) -> bool:
        """Tell whether at least `count` streams are open."""
        return self.opened >= count


class Reader(asyncio.Protocol):
    """Reader of one stream, which counts events and records their lags."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        self._request = request
        self._tally = tally
        self._opened = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Request the stream."""
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Count received events; each chunk is one write of the server, so no event is split between two."""
        if not self._opened and b" 200 " in data:
            self._opened = True
            self._tally.opened += 1
        now = time.time()
        for sent in _SENT.findall(data):
            self._tally.events += 1
            self._tally.lags.append(1000 * (now - float(sent)))


async def readers(url: str, key: str, count: int, tally: Tally) -> list[asyncio.Transport]:
    """Open streams in groups, and return when all are open."""
    (host, port), request = _address(url), _request(url, key)
    loop = asyncio.get_running_loop()
    opened: list[asyncio.Transport] = []
    while len(opened) < count:
        some = [loop.create_connection(lambda: Reader(request, tally), host, port) for _ in range(50)]
        opened += [transport for transport, _ in await asyncio.gather(*some)]
        await until(partial(tally.all_open, len(opened)))
    return opened


def _address(url: str) -> tuple[str, int]:
    """Return the host and the port of a URL that names both."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _request(url: str, key: str) -> bytes:
    parts = urlsplit(url)
    lines = f"GET {parts.path}?{parts.query} HTTP/1.1", "Host: bench", f"Authorization: Bearer {key}"
    return "\r\n".join([*lines, "", ""]).encode()


async def until(met: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            raise SystemExit("the readers did not open all their streams in time")
        await asyncio.sleep(0.01)


async def send(announcer: Announcer, seconds: int) -> int:
    """Announce ten events a second; return their number."""
    count, began = RATE * seconds, time.monotonic()
    for number in range(count):
        event = Event("metrics:update", "w0", {"n": number, "sent": time.time(), "fill": "x" * 120}, "a0")
        await asyncio.to_thread(announcer.announce, "w0", [event])
        await asyncio.sleep(max(0.0, began + (number + 1) / RATE - time.monotonic()))
    return count


async def run(url: str, key: str, child: Child, announcer: Announcer, count: int, seconds: int) -> dict[str, float]:
    """Return lag, processor time and lost events of one server."""
    tally, process = Tally(), psutil.Process(child.process.pid)
    transports = await readers(url, key, count, tally)
    # The load of opening so many streams must not count in their lag.
    await asyncio.sleep(SETTLE_SECONDS)
    before, began = process.cpu_times(), time.monotonic()
    sent = await send(announcer, seconds)
    after, took = process.cpu_times(), time.monotonic() - began
    await asyncio.sleep(1)
    for transport in transports:
        transport.abort()
    return {
        "p50_ms": percentile(tally.lags, 0.5), "p99_ms": percentile(tally.lags, 0.99),
        "cpu": (after.user + after.system - before.user - before.system) / took,
        "lost": count * sent - tally.events, "megabytes": process.memory_info().rss / 2**20,
    }  # fmt: skip


@contextmanager
def stalled(url: str, key: str) -> Iterator[None]:
    """Hold connections of readers that read nothing."""
    parts = urlsplit(url)
    held: list[socket.socket] = []
    for _ in range(STALLED):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(_address(url))
        connection.sendall(
            f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
        )
        held.append(connection)
    yield
    for connection in held:
        connection.close()


async def idle(url: str, key: str, child: Child, count: int) -> float:
    """Return the resident megabytes of a server with readers that get no events."""
    transports = await readers(url, key, count, Tally())
    await asyncio.sleep(2)
    used = psutil.Process(child.process.pid).memory_info().rss / 2**20
    for transport in transports:
        transport.abort()
    return used


async def written(url: str, key: str, bench: Bench, announcer: Announcer) -> float:
    """Return the 99th percentile, in ms, of the time from before a write until its event reaches a reader."""
    tally, lags = Tally(), []
    (transport,) = (await readers(url, key, 1, tally))[:1]
    stream: asyncio.Queue[None] = asyncio.Queue()
    reader = transport.get_protocol()
    assert isinstance(reader, Reader)

    def note_event(data: bytes) -> None:
        if b"followers" in data:
            stream.put_nowait(None)

    reader.data_received = note_event  # type: ignore[method-assign]
    for number in range(100):
        slot = slot_of(utcnow())
        one = Observation("w0", "a0", "instagram", "account", slot, slot + HOUR, {"followers": number}, "run", "v1")
        began = time.monotonic()
        await asyncio.to_thread(bench.store.observations.append, [one])
        await asyncio.to_thread(announcer.announce, "w0", [observation_event(one)])
        await asyncio.wait_for(stream.get(), 10)
        lags.append(1000 * (time.monotonic() - began))
    transport.abort()
    return percentile(lags, 0.99)


async def measure(bench: Bench, count: int, seconds: int, idlers: int) -> dict[str, float]:
    """Run all measurements, one after the other."""
    account: AccountDocument = {
        "_id": "a0", "workspaceId": "w0", "platform": "instagram", "platformAccountId": "a0", "handle": "a0",
        "state": "active", "connectedAt": utcnow(), "credentials": b"sealed",
    }  # fmt: skip
    bench.store.accounts.put([account])
    key, _ = bench.store.keys.create("bench", ["*"], ["read"])
    (base, child), (bare, bare_child) = bench.serve("ours"), bench.reference(events_key("w0"))
    url, found = f"{base}/analytics/stream?workspaceId=w0", {}
    with Redis.from_url(str(bench.settings.redis_url)) as redis:
        announcer = Announcer(redis)
        found["written_to_event_p99_ms"] = await written(url, key, bench, announcer)
        for name, at, process in (("bare", f"{bare}/stream", bare_child), ("ours", url, child)):
            figures = await run(at, key, process, announcer, count, seconds)
            found |= {f"{name}_{figure}": value for figure, value in figures.items()}
        found["cpu_to_bare"] = found["ours_cpu"] / found["bare_cpu"]
        beside: dict[str, list[float]] = {"alone": [], "beside_stalled": []}
        for _ in range(ROUNDS):
            beside["alone"].append((await run(url, key, child, announcer, count, seconds))["p99_ms"])
            with stalled(url, key):
                beside["beside_stalled"].append((await run(url, key, child, announcer, count, seconds))["p99_ms"])
        found |= {f"{name}_p99_ms": statistics.median(lags) for name, lags in beside.items()}
        fresh, fresh_child = bench.serve("idle")
        found["idle_megabytes"] = await idle(f"{fresh}/analytics/stream?workspaceId=w0", key, fresh_child, idlers)
    return found


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--idle", type=int, default=5000)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # A garbage collection in this process would delay its readers, and so add to the measured lag.
    gc.disable()
    with servers() as bench:
        found = asyncio.run(measure(bench, options.readers, options.seconds, options.idle))
    for name, value in found.items():
        print(f"{name:28} {value:12,.2f}", flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"python": sys.version.split()[0], **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
