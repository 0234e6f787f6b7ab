"""The worst that one key, or a client without a key, does to a server: one kind of attack, until the process is ended.

    python bench/support/attacks.py KIND URL KEY

It prints a line when its connections are open. The key has `read` and `collect` for the workspace `attacker`.
"""

import asyncio
import itertools
import random
import re
import socket
import string
import sys
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import websockets

from metrics.clock import utcnow

AT_ONCE, EXPORTS, READERS, SOCKETS, BODIES = 16, 120, 150, 300, 150
_WORKSPACE = "/analytics/workspace/attacker"
_PIPELINED = 60
"""Requests on one connection that is not read: their answers are larger than the kernel's buffers."""
Attack = Callable[[str, str], Awaitable[None]]


async def _at_once(url: str, key: str, call: Callable[[httpx.AsyncClient, int], Coroutine[Any, Any, Any]]) -> None:
    """Make calls without a pause, `AT_ONCE` at a time."""
    numbers = itertools.count()
    headers, limits = {"Authorization": f"Bearer {key}"}, httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, limits=limits) as client:

        async def repeat() -> None:
            while True:
                try:
                    await call(client, next(numbers))
                except httpx.HTTPError:
                    await asyncio.sleep(0.05)

        print("begun", flush=True)
        await asyncio.gather(*(repeat() for _ in range(AT_ONCE)))


async def invalidations(url: str, key: str) -> None:
    """Invalidate the own cache."""
    await _at_once(url, key, lambda client, _: client.post(f"{_WORKSPACE}/cache/invalidate"))


async def operations(url: str, key: str) -> None:
    """Announce posts, each of which is an operation, until they are refused and on."""
    run = random.randrange(10**9)

    async def announce(client: httpx.AsyncClient, number: int) -> None:
        body = {"platformPostId": str(10**16 + run * 10**6 + number), "publishedAt": "2026-01-15T10:00:00Z",
                "contentType": "image"}  # fmt: skip
        await client.post("/analytics/account/attacker0/posts", json=body)

    await _at_once(url, key, announce)


async def made_up_keys(url: str, _key: str) -> None:
    """Send keys that do not exist."""

    async def ask(client: httpx.AsyncClient, _number: int) -> None:
        secret = "".join(random.choices(string.ascii_letters + string.digits, k=40))
        await client.get("/analytics/metrics", headers={"Authorization": f"Bearer tm_live_{secret}"})

    await _at_once(url, "", ask)


async def uncached_reads(url: str, key: str) -> None:
    """Read long ranges, each with other parameters, so that no answer is cached."""
    today = utcnow().date()

    async def ask(client: httpx.AsyncClient, number: int) -> None:
        first = today - timedelta(days=80 + number % 10)
        query = f"period=custom&groupBy=contentType&startDate={first}&endDate={today}&limit={1 + number % 1000}"
        await client.get(f"{_WORKSPACE}/aggregated?{query}")

    await _at_once(url, key, ask)


async def unread_exports(url: str, key: str) -> None:
    """Begin exports and read none of them."""
    query = f"dataset=metrics&format=parquet&startDate={utcnow().date() - timedelta(days=29)}&endDate={utcnow().date()}"
    head = f"GET {_WORKSPACE}/export?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
    await _unread(url, EXPORTS, head.encode())


async def stalled_readers(url: str, _key: str) -> None:
    """Ask for a file of the dashboard, many times on each connection, and read nothing."""
    async with httpx.AsyncClient(base_url=url) as client:
        page = (await client.get("/")).text
    path = re.search(r"/dashboard/[^\"']+\.js", page)
    head = f"GET {path[0] if path else '/openapi.json'} HTTP/1.1\r\nHost: x\r\n\r\n" * _PIPELINED
    await _unread(url, READERS, head.encode())


async def _unread(url: str, number: int, request: bytes) -> None:
    """Keep connections open on which a request was sent and nothing is read; a closed one is opened again."""
    address = urlsplit(url)

    def opened() -> socket.socket:
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect((address.hostname, address.port))
        one.sendall(request)
        return one

    held = [opened() for _ in range(number)]
    print("begun", flush=True)
    while True:
        for place, one in enumerate(held):
            await asyncio.sleep(5 / number)
            try:
                one.send(b"G", socket.MSG_DONTWAIT)
            except OSError:
                one.close()
                held[place] = opened()


async def idle_websockets(url: str, _key: str) -> None:
    """Open websockets that never sign in, and open them again when they are closed."""

    async def hold() -> None:
        while True:
            try:
                address = f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
                async with websockets.connect(address, ping_interval=None) as one:
                    async for packet in one:
                        if packet == "2":
                            await one.send("3")
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(1)

    held = [asyncio.create_task(hold()) for _ in range(SOCKETS)]
    print("begun", flush=True)
    await asyncio.gather(*held)


async def slow_bodies(url: str, key: str) -> None:
    """Send bodies a byte per second."""
    address = urlsplit(url)
    head = (
        f"POST /analytics/account/attacker0/posts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"
    ).encode()

    async def send() -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection(address.hostname, address.port)
                writer.write(head)
                while not writer.is_closing():
                    await asyncio.sleep(1)
                    writer.write(b" ")
                    await writer.drain()
            except OSError:
                await asyncio.sleep(0.1)

    held = [asyncio.create_task(send()) for _ in range(BODIES)]
    print("begun", flush=True)
    await asyncio.gather(*held)


ATTACKS: dict[str, Attack] = {
    one.__name__: one
    for one in (
        invalidations, operations, unread_exports, made_up_keys, idle_websockets, stalled_readers, uncached_reads,
        slow_bodies,
    )
}  # fmt: skip


async def _main() -> None:
    kind, url, key = sys.argv[1:]
    await ATTACKS[kind](url, key)


if __name__ == "__main__":
    asyncio.run(_main())
