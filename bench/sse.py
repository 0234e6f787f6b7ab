"""Compare the ASGI response of our streams with sse-starlette's, without sockets: processor time for the same events.

    python bench/sse.py [--clients 200] [--events 200]

Both responses send the same frames, which were made once for all clients, to a `send` that drops them, while a third
coroutine queues an event for every client in turn. sse-starlette gets finished bytes, its cheapest input. The table has
microseconds of processor time per event and client, the median of five rounds in turns, and the ratio; the same is
in bench/results/sse.json.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1])

from sse_starlette import EventSourceResponse
from starlette.types import Message

from serving.stream.frames import Frame, frame
from serving.stream.subscriber import Subscriber

RESULTS = Path(__file__).parent / "results" / "sse.json"
ROUNDS = 5
SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "headers": []}


def frames(count: int) -> list[Frame]:
    """Return events as the hub frames them."""
    data = json.dumps({"accountId": "acc_1", "slot": "2026-01-15T10:00:00Z", "metrics": {"followers": 1000}}).encode()
    fields = {b"event": b"metrics:update", b"data": data, b"account": b"acc_1", b"post": b""}
    return [frame("w", b"%d-0" % (1_700_000_000_000 + n), fields) for n in range(count)]


async def run(clients: int, items: list[Frame], serve: Callable[[Subscriber, int], Awaitable[None]]) -> float:
    """Return the seconds of processor time until every client was sent every event."""
    subscribers = [Subscriber("w") for _ in range(clients)]
    tasks = [asyncio.ensure_future(serve(one, len(items))) for one in subscribers]
    await asyncio.sleep(0.1)
    began = time.process_time()
    for item in items:
        for one in subscribers:
            one.offer(item)
        await asyncio.sleep(0)
    for one in subscribers:
        one.end()
    await asyncio.gather(*tasks)
    return time.process_time() - began


async def _never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def _drop(_message: Message) -> None:
    return


async def ours(subscriber: Subscriber, _count: int) -> None:
    """Send what is queued as `serving.stream.response.EventStream` does: everything that waits, in one message."""
    while True:
        await subscriber.wait()
        if subscriber.queue:
            waiting = list(subscriber.queue)
            subscriber.queue.clear()
            data = waiting[0].data if len(waiting) == 1 else b"".join([item.data for item in waiting])
            await _drop({"type": "http.response.body", "body": data, "more_body": True})
        elif subscriber.ended:
            return


async def theirs(subscriber: Subscriber, _count: int) -> None:
    """Send the same through sse-starlette, with its ping switched to our interval."""

    async def events() -> AsyncIterator[bytes]:
        while True:
            await subscriber.wait()
            while subscriber.queue:
                yield subscriber.queue.popleft().data
            if subscriber.ended:
                return

    await EventSourceResponse(events(), ping=15)(SCOPE, _never, _drop)


def main() -> None:
    """Measure both in turns, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--events", type=int, default=200)
    asked = parser.parse_args()
    items = frames(asked.events)
    spent: dict[str, list[float]] = {"ours": [], "sse_starlette": []}
    for _ in range(ROUNDS):
        spent["ours"].append(asyncio.run(run(asked.clients, items, ours)))
        spent["sse_starlette"].append(asyncio.run(run(asked.clients, items, theirs)))
    each = {name: 1e6 * statistics.median(times) / asked.clients / asked.events for name, times in spent.items()}
    found = {**each, "ratio": each["sse_starlette"] / each["ours"], "clients": asked.clients, "events": asked.events}
    print("  ".join(f"{name} {value:,.2f}" for name, value in found.items()))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
